"""What a cell is made of: PyBaMM's sets by name, BPX files."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pybamm
import pytest

from interphase.models.cell.bpx import read_bpx, without_descriptions
from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.models.cell.spec import CellKind, CellSpec, MeshPoints
from interphase.parameters.errors import CaseError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep

POINTS = MeshPoints(x_n=3, x_s=3, x_p=3, r_n=5, r_p=5)
BPX = Path(__file__).parents[1] / "data" / "bpx_cell.json"
NO_FULL_CELL = {
    "Bonkile2024", "Chen2020_composite", "ECM_Example", "Ecker2015_graphite_halfcell",
    "MSMR_Example", "OKane2022_graphite_SiOx_halfcell", "Sulzer2019", "Xu2019",
}  # fmt: skip
"""Sets with two materials in an electrode, of half cells, of circuits and of a lead-acid cell."""


def lost_by(spec: CellSpec) -> float:
    """Lithium [mol] that a film at 0.01 A/m2 takes from a discharging cell in a minute."""
    cell = PyBaMMCell(spec)
    table = ResponseTable(np.linspace(-0.3, 2.0, 41), np.full(41, -1e-2), np.zeros(41), 5e-9)
    cell.set_film(FilmInputs(table, 5e-9, 0.0, 1e5, 5e-10))
    cell.run(ControlStep("current", cell.nominal_capacity / 5.0, 60.0))
    assert cell.lost_lithium == pytest.approx(1e-2 * 60.0 * cell.area.sum() / 96485.33212, rel=1e-6)
    return cell.lost_lithium


@pytest.mark.parametrize("name", sorted(set(pybamm.parameter_sets) - NO_FULL_CELL))
def test_every_set_of_a_full_cell_carries_a_film(name: str) -> None:
    """With or without numbers of PyBaMM's own film."""
    lost_by(CellSpec(parameters=name, points=POINTS, initial_soc=0.5))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(pybamm.parameter_sets) - NO_FULL_CELL))
def test_every_set_of_a_full_cell_carries_films_in_a_p2d(name: str) -> None:
    lost_by(CellSpec(kind="DFN", parameters=name, points=POINTS, initial_soc=0.5))


@pytest.mark.parametrize("name", sorted(NO_FULL_CELL))
def test_other_sets_are_refused_by_name(name: str) -> None:
    with pytest.raises(CaseError, match="no lithium-ion cell with two electrodes") as caught:
        PyBaMMCell(CellSpec(parameters=name, points=POINTS))
    assert caught.value.key == "cell.parameters"


@pytest.mark.parametrize("kind", ["SPM", "SPMe", "DFN"])
def test_a_bpx_file_is_a_cell_whose_film_numbers_can_be_overridden(kind: CellKind) -> None:
    spec = CellSpec(
        kind=kind,
        parameters=str(BPX),
        points=POINTS,
        initial_soc=0.5,
        override={"SEI resistivity [Ohm.m]": 1e5},
    )
    lost_by(spec)


def test_a_bpx_file_keeps_what_pybamm_reads() -> None:
    values = read_bpx(BPX)
    assert values["SEI kinetic rate constant [m.s-1]"] == 1e-15
    assert values["Nominal cell capacity [A.h]"] == 3.5
    assert values["Initial concentration in electrolyte [mol.m-3]"] == 1200.0
    # the geometric area of the file is that of the film
    fraction = values["Negative electrode active material volume fraction"]
    assert 3.0 * fraction / values["Negative particle radius [m]"] == pytest.approx(3.6e5)
    assert values["Negative electrode OCP entropic change [V.K-1]"] == 0.0


def test_a_bpx_file_needs_no_film_numbers(tmp_path: Path) -> None:
    content = json.loads(BPX.read_text(encoding="utf-8"))
    del content["Parameterisation"]["User-defined"]
    path = tmp_path / "plain.json"
    path.write_text(json.dumps(content))
    lost_by(CellSpec(parameters=str(path), points=POINTS, initial_soc=0.5))


def test_a_description_is_left_out_of_bpx() -> None:
    """PyBaMM would read it as a number, though the format allows it."""
    own = {"description": "film of the supplier", "SEI resistivity [Ohm.m]": 2e5}
    content = {"Header": {}, "Parameterisation": {"Cell": {}, "User-defined": own}}
    kept = without_descriptions(content)["Parameterisation"]["User-defined"]
    assert kept == {"SEI resistivity [Ohm.m]": 2e5}
    assert "description" in own
    assert without_descriptions({"Header": {}}) == {"Header": {}}


@pytest.mark.parametrize("text", ["{", "[1]", json.dumps({"Header": {"BPX": "1.0"}})])
def test_a_broken_bpx_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cell.json"
    path.write_text(text)
    with pytest.raises(CaseError) as caught:
        read_bpx(path)
    assert caught.value.key == "cell.parameters"
    assert str(path) in str(caught.value)


def _blend(content: dict[str, Any]) -> None:
    electrode = content["Parameterisation"]["Negative electrode"]
    layer = ("Thickness [m]", "Porosity", "Transport efficiency", "Conductivity [S.m-1]")
    particle = {name: electrode.pop(name) for name in list(electrode) if name not in layer}
    electrode["Particle"] = {"graphite": particle, "silicon": particle}


def _aged(content: dict[str, Any]) -> None:
    lost = {"LLI": 0.1, "LAM: Positive electrode": 0.0, "LAM: Negative electrode": 0.0}
    content["State"]["Degradation"] = lost


Change = Callable[[dict[str, Any]], object]
BAD: list[tuple[str, Change, str]] = [
    ("missing", lambda c: c["Parameterisation"]["Cell"].pop("Electrode area [m2]"), "area"),
    ("typing error", lambda c: c["Parameterisation"]["Cell"].update({"Aera [m2]": 1}), "Aera"),
    ("no number", lambda c: c["Parameterisation"]["Cell"].update({"Volume [m3]": "?"}), "Volume"),
    ("a text", lambda c: c["Parameterisation"]["User-defined"].update(note="from us"), "Function"),
    ("particles only", lambda c: c["Parameterisation"].pop("Electrolyte"), "no Electrolyte"),
    ("a gap", lambda c: c["Parameterisation"]["Cell"].pop("Volume [m3]"), "leaves open"),
    ("two materials", _blend, "a film for each"),
    ("an aged cell", _aged, "LLI, LAM"),
]


@pytest.mark.parametrize(("change", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bpx_file_that_would_be_misread_is_refused(
    tmp_path: Path, change: Change, words: str
) -> None:
    content = copy.deepcopy(json.loads(BPX.read_text(encoding="utf-8")))
    change(content)
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(content))
    with pytest.raises(CaseError, match=words) as caught:
        read_bpx(path)
    assert "\n" not in str(caught.value)
