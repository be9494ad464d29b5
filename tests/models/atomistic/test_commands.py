"""``interphase params``: audit, compute, fill, export, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.models.atomistic import result_file
from interphase.models.atomistic.registry import Recipe
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import NoUncertainty, Range, Relative
from interphase.parameters.table import load_table
from interphase.scripts.main import main

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

RECIPES = "interphase.models.atomistic.registry.recipes"
BETTER = Computed("molar_volume", "LiF", 9.9e-6, "m^3/mol", Range(9.88e-6, 9.92e-6), "a potential")


def test_audit_of_all_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["params", "audit"]) == 0
    text = capsys.readouterr().out
    assert "literature: " in text and "graphite_carbonate: " in text
    assert "0 problems" in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "schema: 1\nname: bad\ntitle: t\nparameters:\n  - {name: porosity, of: film, value: 0.1, "
        "unit: '-', uncertainty: {none: todo}, method: m, "
        "source: {kind: measured, reference: r}}\n"
    )
    assert main(["params", "audit", str(bad)]) == 1
    assert "PROBLEM porosity.film: uncertainty.none: 'todo'" in capsys.readouterr().out
    assert main(["params", "audit", "litrature"]) == 2


def test_fill_with_a_result_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = result_file.write(tmp_path / "lif.json", [BETTER], "interphase params compute x y")
    output = tmp_path / "filled.yaml"
    words = ["params", "fill", "graphite_carbonate", "--from", "computed,literature"]
    assert main([*words, "--results", str(file.path), "-o", str(output)]) == 0
    row = load_table(output).get("molar_volume", "LiF")
    assert row.value == 9.9e-6
    assert row.source.kind == "computed" and file.sha256[:12] in row.source.where
    assert "alternatives: literature 9.83e-06" in row.note
    kept = json.loads(output.with_suffix(".alternatives.json").read_text())
    assert {one["key"] for one in kept} == {
        one.key for one in load_table("graphite_carbonate").parameters
    }
    # several methods in one file are an ensemble, calibrated on what the literature knows
    both = [BETTER, replace(BETTER, value=9.83e-6 * 1.04, uncertainty=Relative(0.01))]
    many = result_file.write(tmp_path / "many.json", both, "interphase params compute x y")
    assert main([*words, "--results", str(many.path), "-o", str(tmp_path / "m.yaml")]) == 0
    row = load_table(tmp_path / "m.yaml").get("molar_volume", "LiF")
    assert row.value == pytest.approx((9.9e-6 + 9.83e-6 * 1.04) / 2.0)
    assert "scatter of the methods and calibration error" in row.note
    # a changed file is refused, and so is an unknown origin
    file.path.write_text(file.path.read_text().replace("9.9e-06", "9.8e-06"))
    capsys.readouterr()
    assert main([*words, "--results", str(file.path)]) == 2
    assert "its hash does not fit" in capsys.readouterr().out
    assert main(["params", "fill", "graphite_carbonate", "--from", "dft"]) == 2


def test_the_shipped_table_from_atoms_is_what_fill_makes_of_the_shipped_results(
    tmp_path: Path,
) -> None:
    """New results or a change of the calibrated table need it made again, by this command."""
    path = tmp_path / "graphite_from_atoms.yaml"
    words = ["params", "fill", "graphite_carbonate", "--from", "computed,table", "-o", str(path)]
    assert main(words) == 0
    table = load_table(path)
    assert table == load_table("graphite_from_atoms")
    computed = [row for row in table.parameters if row.source.kind == "computed"]
    assert computed
    assert not [row.key for row in computed if isinstance(row.uncertainty, NoUncertainty)]


def test_the_better_known_of_two_files_that_ship_fills_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their names; a file that the user names holds, however badly it is known."""
    monkeypatch.setattr(result_file, "FOLDER", tmp_path / "ships")
    values = {
        "a": replace(BETTER, of="Li2EDC", value=9e-5, uncertainty=Relative(0.02)),
        "b": replace(BETTER, of="Li2EDC", value=8e-5, uncertainty=Relative(0.1)),
        "c": replace(BETTER, of="Li2EDC", value=7e-5, uncertainty=NoUncertainty("one")),
    }
    for name, value in values.items():
        folder = tmp_path if name == "c" else tmp_path / "ships"
        result_file.write(folder / f"{name}.json", [value], "interphase params compute x y")
    output = tmp_path / "filled.yaml"
    words = ["params", "fill", "graphite_carbonate", "-o", str(output)]
    for more, wanted in (([], 9e-5), (["--results", str(tmp_path / "c.json")], 7e-5)):
        assert main([*words, *more]) == 0
        assert load_table(output).value("molar_volume", "Li2EDC") == pytest.approx(wanted)


def test_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "t.jsonld"
    assert main(["params", "export", "literature", "-o", str(path)]) == 0
    assert json.loads(path.read_text())["name"] == "literature"
    assert "with a term of EMMO" in capsys.readouterr().out
    assert main(["params", "export", "literature", "-o", str(path)]) == 2
    assert "exists; name another file" in capsys.readouterr().out
    assert main(["params", "export", "literature", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("name,of,value")


def test_export_for_bpx(capsys: pytest.CaptureFixture[str]) -> None:
    """The block is valid BPX and keeps every number, under names with units."""
    from bpx.schema import UserDefined

    assert main(["params", "export", "graphite_carbonate", "--format", "bpx"]) == 0
    block = json.loads(capsys.readouterr().out)["User-defined"]
    UserDefined(**block)
    rows = [row for row in load_table("graphite_carbonate").parameters if row.value is not None]
    assert len(block) == len(rows) + 1  # with a description
    assert block["Molar volume of LiF [m3.mol-1]"] == 9.83e-6
    assert "Tunnelling rate of R1 [mol.m-2.s-1]" in block
    assert "Transfer coefficient of R1" in block


def test_compute(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is printed and written with the command that makes it again."""

    class Quick:
        def run(self) -> tuple[Computed, ...]:
            return (BETTER,)

    quick = Recipe("lattice", "mlp", "", ["LiF"], ["one", "two"], lambda of, by: Quick())
    monkeypatch.setattr(RECIPES, lambda *_: {"lattice": quick})
    path = tmp_path / "lif.json"
    assert main(["params", "compute", "lattice", "LiF", "--method", "two", "-o", str(path)]) == 0
    assert "molar_volume.LiF" in capsys.readouterr().out
    found = result_file.read(path)
    assert found.command == "interphase params compute lattice LiF --method two"
    assert main(["params", "compute", "lattice", "LiF", "--method", "all", "-o", str(path)]) == 0
    assert len(result_file.read(path).values) == 2
    for words, said in (
        (["lattice", "LiF", "--method", "three"], "method 'three' is not known"),
        (["latice", "LiF"], "did you mean 'lattice'"),
        (["lattice"], "name a property and a material"),
    ):
        assert main(["params", "compute", *words]) == 2
        assert said in capsys.readouterr().out


def test_what_one_method_cannot_does_not_lose_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is named, the exit code says it, and the values of the rest are written."""

    class Quick:
        def __init__(self, method: str) -> None:
            self.method = method

        def run(self) -> tuple[Computed, ...]:
            if self.method == "one":
                raise AtomisticError("makes the crystal unstable")
            return (BETTER,)

    quick = Recipe("lattice", "mlp", "", ["LiF"], ["one", "two"], lambda of, by: Quick(by))
    monkeypatch.setattr(RECIPES, lambda *_: {"lattice": quick})
    path = tmp_path / "lif.json"
    words = ["params", "compute", "lattice", "LiF", "-o", str(path), "--method"]
    assert main([*words, "all"]) == 1
    assert "LiF by one: makes the crystal unstable" in capsys.readouterr().out
    assert len(result_file.read(path).values) == 1
    path.unlink()
    assert main([*words, "one"]) == 1 and not path.exists()


def test_a_run_that_is_stopped_leaves_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped:
        def __init__(self, method: str) -> None:
            self.method = method

        def run(self) -> tuple[Computed, ...]:
            if self.method == "two":
                raise MemoryError
            return (BETTER,)

    slow = Recipe("lattice", "mlp", "", ["LiF"], ["one", "two"], lambda of, by: Stopped(by))
    monkeypatch.setattr(RECIPES, lambda *_: {"lattice": slow})
    path = tmp_path / "lif.json"
    with pytest.raises(MemoryError):
        main(["params", "compute", "lattice", "LiF", "--method", "all", "-o", str(path)])
    assert len(result_file.read(path).values) == 1
