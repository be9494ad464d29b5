"""The case file: what it gives, and one clear line for everything that is wrong."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from interphase.parameters.case import Case, load_case
from interphase.parameters.case_check import check_against_table, table_for
from interphase.parameters.errors import CaseError
from interphase.parameters.table import load_table
from interphase.parameters.yaml_io import dump_yaml, parse_yaml

MOSAIC = """
schema: 1
title: A mosaic
mesh: {kind: rectangle, size: [60 nm, 24 nm], cell_size: 0.125 nm}
model:
  override: {interface_width: {value: 1 nm, note: "8 cells"}}
initial: {seeds: {law: poisson, seed: 7}}
drive:
  steps:
    - {ramp: [1.0 V, 0.1 V], rate: 1.9 V/h}
    - {hold: 0.1 V, until: 6 h}
time: {until: 6 h, controller: {rtol: 1e-3}}
output: {fields: {every: 5 min}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good case file."""
    path = tmp_path / "mosaic.yaml"
    path.write_text(MOSAIC, encoding="utf-8")
    return path


def data() -> dict[str, Any]:
    """The good case as plain values."""
    plain: dict[str, Any] = parse_yaml(MOSAIC)
    return plain


def test_quantities_are_si_floats(path: Path) -> None:
    """Strings with units in the file, floats in Python; defaults filled in."""
    case = load_case(path)
    assert case.mesh.cell_size == 1.25e-10
    assert case.mesh.size == (6e-8, 2.4e-8)
    assert case.mesh.periodic == ("x",)
    assert case.mesh.cell == "quadrilateral"
    assert case.mesh.depth == 5e-9
    assert case.time.until == 21600.0
    assert case.time.controller.rtol == 1e-3
    assert case.time.controller.largest_step is None
    assert case.output.fields.every == 300.0
    assert case.drive.steps[0].ramp == (1.0, 0.1)
    assert case.drive.steps[1].temperature == 298.15
    assert case.model.solids == ("LiF", "Li2CO3", "Li2O", "Li2EDC")
    assert case.schema_version == 1


def test_resolved_case_is_the_same_case(path: Path, tmp_path: Path) -> None:
    """Through plain values and through a file; all defaults are written out."""
    case = load_case(path)
    resolved = case.resolved()
    assert Case(**resolved) == case
    assert resolved["time"]["controller"]["largest_step"] == "none"
    assert resolved["solver"] == {"linear": "auto", "rtol": 1e-8, "newton_rtol": 1e-8}
    assert resolved["mesh"]["cell_size"] == "0.125 nm"
    again = tmp_path / "again.yaml"
    again.write_text(case.to_yaml(), encoding="utf-8")
    assert load_case(again) == case


@pytest.mark.parametrize(
    "mesh",
    [
        {"kind": "interval", "size": ["20 nm"], "cell_size": "0.1 nm", "depth": "1 nm"},
        {
            "kind": "box",
            "size": ["6 nm", "6 nm", "9 nm"],
            "cell_size": "0.3 nm",
            "cell": "tetrahedron",
            "periodic": [],
            "grading": {"uniform_height": "3 nm", "ratio": 1.1},
        },
        {
            "kind": "particle",
            "size": ["30 nm"],
            "cell_size": "0.2 nm",
            "radius": "5 um",
            "angle": "20 deg",
        },
        {"kind": "gmsh", "cell_size": "1 nm", "file": "/a/b.msh", "file_unit": "1 nm"},
    ],
)
def test_resolved_case_of_every_kind_of_mesh(mesh: dict[str, Any]) -> None:
    """Optional keys come back as they went in."""
    case = Case(**(data() | {"mesh": mesh}))
    assert Case(**case.resolved()) == case
    assert case.resolved()["mesh"].items() >= mesh.items()


def test_case_is_fixed_and_can_be_sent() -> None:
    """Frozen, and equal after pickling (ranks other than 0 get it by broadcast)."""
    case = Case(**data())
    with pytest.raises(Exception, match="frozen"):
        case.title = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(case)) == case


@pytest.mark.parametrize(
    ("override", "key", "words"),
    [
        ("mesh.cellsize=1 nm", "mesh.cellsize", "unknown key; did you mean 'cell_size'"),
        ("shema=1", "shema", "did you mean 'schema'"),
        ("drive.steps[0].forr=1 h", "drive.steps[0].forr", "did you mean 'for'"),
        ("mesh.cell_size=2", "mesh.cell_size", "'2' has no unit"),
        ("mesh.cell_size=2 K", "mesh.cell_size", "wrong dimension"),
        ("mesh.cell_size=-2 nm", "mesh.cell_size", "out of range: must be more than 0 m"),
        ("mesh.cell_size=30 nm", "mesh.cell_size", "larger than"),
        ("mesh.kind=rectangel", "mesh.kind", "did you mean 'rectangle'"),
        ("mesh.size=[60 nm]", "mesh.size", "takes 2 lengths, 1 given"),
        ("mesh.size=[60 nm, 24]", "mesh.size[1]", "'24' has no unit"),
        ("mesh.size=60 nm", "mesh.size", "must be a list"),
        ("mesh.cell=hexahedron", "mesh.cell", "does not fit kind 'rectangle'"),
        ("mesh.periodic=[y]", "mesh.periodic", "no lateral axis"),
        ("mesh.radius=5 nm", "mesh.radius", "for kind particle only"),
        ("mesh.kind=gmsh", "mesh.file", "is missing for kind 'gmsh'"),
        ("mesh.under_resolved=''", "mesh.under_resolved", "at least 1 character"),
        ("mesh=null", "mesh", "block of keys"),
        ("drive.steps[0].temperature=3 m", "drive.steps[0].temperature", "wrong dimension"),
        ("drive.steps[0].temperature=25 K", "drive.steps[0].temperature", "out of range"),
        ("drive.steps[0].ramp=[1 V]", "drive.steps[0].ramp[1]", "missing"),
        ("drive.steps[0].hold=1 V", "drive.steps[0]", "either ramp or hold"),
        ("drive.steps[0].until=1 h", "drive.steps[0]", "rate and until are both given"),
        ("drive.steps[1].rate=1 V/h", "drive.steps[1].rate", "belongs to a ramp"),
        ("drive.steps=[]", "drive.steps", "is missing"),
        ("drive.file=a.csv", "drive.file", "for kind csv only"),
        ("drive.kind=csv", "drive.steps", "for kind program only"),
        ("model.phases=[electrode, LiF]", "model.phases", "end with electrolyte"),
        ("model.reactions=[R1, R1]", "model.reactions", "'R1' is given 2 times"),
        ("model.pore_reactions=[R3h]", "model.pore_reactions", "not in model.reactions"),
        ("model.pore_reactions=[R1, R1]", "model.pore_reactions", "is given 2 times"),
        ("model.dry_out=true", "model.reservoir_volume_per_area", "is missing"),
        ("model.kinetics=marcs", "model.kinetics", "did you mean 'marcus'"),
        ("model.gibbs_thomson=maybe", "model.gibbs_thomson", "boolean"),
        ("initial.kind=planar_film", "initial.thickness", "is missing for planar_film"),
        ("initial.thickness=1 nm", "initial.thickness", "for planar_film only"),
        ("initial.shares={LiF: 0.5}", "initial.shares", "add up to 1"),
        ("initial.shares={LiF: 1.5, Li2O: -0.5}", "initial.shares.LiF", "between 0 and 1"),
        ("initial.shares={Li2S: 1.0}", "initial.shares.Li2S", "not a solid of model.phases"),
        ("initial.seeds.law=none", "initial.seeds.law", "no phase to inherit"),
        ("time.until=-3 s", "time.until", "out of range"),
        ("time.controller=3", "time.controller", "block of keys"),
        ("time.controller.rtol=2.0", "time.controller.rtol", "less than 1"),
        ("time.controller.initial_step=1e-12 s", "time.controller.initial_step", "smallest_step"),
        ("time.controller.largest_step=1 us", "time.controller.largest_step", "initial_step"),
        ("output.fields.format=vtkhdf", "output.fields.format", "allowed: vtx, xdmf"),
        ("solver.linear=fast", "solver.linear", "allowed: auto, direct, multigrid"),
        ("schema=2", "schema", "allowed: 1"),
        ("drive.steps[7].rate=1 V/h", "drive.steps[7].rate", "no such place"),
        ("title.a=1", "title.a", "no such place"),
        ("drive.steps[x]=1", "drive.steps[x]", "no path"),
        ("title=[", "title", "cannot read"),
        ("title", "", "is no override"),
    ],
)
def test_bad_case_is_refused_in_one_line(path: Path, override: str, key: str, words: str) -> None:
    """Key path first, then what is wrong."""
    with pytest.raises(CaseError) as caught:
        load_case(path, [override])
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert caught.value.key == key
    assert message.startswith(f"{key}: " if key else "'title'")


def test_missing_block_comes_with_an_example() -> None:
    """The same error from Python as from a file."""
    plain = data()
    del plain["time"]["until"]
    with pytest.raises(CaseError, match=r"^time\.until: is missing; write for example until: 6 h$"):
        Case(**plain)


def test_misspelt_key_comes_before_the_key_that_is_missing_for_it() -> None:
    """A typo makes two errors; the one that helps is shown."""
    plain = data()
    plain["mesh"]["cell_sise"] = plain["mesh"].pop("cell_size")
    with pytest.raises(CaseError, match=r"^mesh\.cell_sise: unknown key; did you mean 'cell_size'"):
        Case(**plain)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "line 2: key 'a' is given twice"),
        ("a: [1\n", "line 2"),
        ("just words\n", "must hold a block of keys"),
    ],
)
def test_bad_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """File and line are named."""
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CaseError, match=words) as caught:
        load_case(path)
    assert "bad.yaml" in str(caught.value)
    with pytest.raises(CaseError, match="cannot read"):
        load_case(tmp_path / "none.yaml")


def test_overrides_from_the_command_line(path: Path) -> None:
    """Deep keys, items of lists, blocks that the file leaves out, rows of the table."""
    case = load_case(
        path,
        [
            "mesh.cell_size=0.25 nm",
            "drive.steps[0].rate=1 V/h",
            "solver.linear=direct",
            "model.override.interstitial_rate.R1=1e-6 mol/m^2/s",
            "model.override.interface_width.value=2 nm",
        ],
    )
    assert case.mesh.cell_size == 2.5e-10
    assert case.drive.steps[0].rate == pytest.approx(1.0 / 3600.0)
    assert case.solver.linear == "direct"
    table = table_for(case)
    assert table.value("interstitial_rate", "R1") == 1e-6
    assert table.value("interface_width") == 2e-9


def test_file_names_are_relative_to_the_case(tmp_path: Path) -> None:
    """So a case can be run, and its resolved form run again, from any folder."""
    (tmp_path / "table.yaml").write_text(
        load_table("graphite_carbonate").to_yaml(), encoding="utf-8"
    )
    (tmp_path / "p.csv").write_text("time [s],potential [V]\n0,1\n10,0.1\n", encoding="utf-8")
    plain = data() | {"drive": {"kind": "csv", "file": "p.csv"}, "time": {"until": "10 s"}}
    plain["model"]["table"] = "table.yaml"
    path = tmp_path / "case.yaml"
    path.write_text(dump_yaml(plain), encoding="utf-8")
    case = load_case(path)
    assert case.drive.file == str(tmp_path / "p.csv")
    assert case.program().at(5.0).potential == pytest.approx(0.55)
    assert table_for(case).value("interface_width") == 1e-9


def test_default_case_fits_the_default_table(path: Path) -> None:
    """Every row that the case needs is there."""
    case = load_case(path)
    check_against_table(case, load_table("graphite_carbonate"))


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"reactions": ["R1", "R9"]}, "model.reactions[1]", "has no reaction 'R9'"),
        ({"reactions": ["R5c"]}, "model.reactions[0]", "needs 'C'"),
        ({"reactions": ["R7"]}, "model.reactions[0]", "no row equilibrium_potential.R7"),
        ({"reactions": ["R6a"]}, "model.reactions[0]", "no row chemical_rate.R6a"),
        (
            {"phases": ["electrode", "LiS", "electrolyte"]},
            "model.phases[1]",
            "has no solid 'LiS'; did you mean 'LiF'",
        ),
        (
            {"phases": ["electrode", "LiF", "electrolyte"], "reactions": ["R2"]},
            "model.reactions[0]",
            "needs 'Li2CO3'",
        ),
        ({"electron_channels": []}, "model.electron_channels", "needs electrons"),
        (
            {"override": {"temperature": {"value": "3 m", "note": "x"}}},
            "model.override.temperature",
            "wrong dimension",
        ),
        (
            {"override": {"diffusivity.EC": {"value": "-1e-10 m^2/s", "note": "x"}}},
            "model.override.diffusivity.EC",
            "must be positive",
        ),
        (
            {"override": {"difusivity.EC": {"value": "1e-10 m^2/s", "note": "x"}}},
            "model.override.difusivity.EC",
            "did you mean 'diffusivity.EC'",
        ),
        (
            {"override": {"interface_width": {"value": 2, "note": "x"}}},
            "model.override.interface_width",
            "'2' has no unit",
        ),
    ],
)
def test_case_that_does_not_fit_its_table_is_refused(
    change: dict[str, Any], key: str, words: str
) -> None:
    """Choices of the case and its overrides are checked against the table."""
    plain = copy.deepcopy(data())
    plain["model"] = change
    with pytest.raises(CaseError) as caught:
        table_for(Case(**plain))
    assert caught.value.key == key
    assert words in str(caught.value)


def test_only_depositions_fill_pores_and_only_at_the_front(path: Path) -> None:
    """A conversion makes no solid from the liquid in the pores."""
    case = load_case(path, ["model.pore_reactions=[R1, R4]"])
    with pytest.raises(CaseError, match=r"model\.pore_reactions: R4 .* Li2EDC into another solid"):
        table_for(case)
    with pytest.raises(CaseError, match=r"model\.pore_reactions: need reaction_site: front"):
        load_case(path, ["model.pore_reactions=[R1]", "model.reaction_site=inner_face"])
