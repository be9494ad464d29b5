"""What ages in a study beside the film's thickness, and the ends of life that stop it."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CaseError
from interphase.solvers.stopping import Ending
from interphase.solvers.studies import run_studies

STORAGE = {"soc": [0.9], "check_every": "10 min"}
CHARGE = {"experiment": ["Charge at 1C for 20 seconds", "Rest for 20 seconds"], "initial_soc": 0.6}


def case(until: str = "30 min", *, model: dict[str, Any] | None = None, **cell: Any) -> Case:
    """A film of 14 nm on an SPM."""
    return Case.model_validate(
        {
            "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
            "model": {
                "deposition": "proportional",
                "transport": ["ionic_potential"],
                **(model or {}),
            },
            "initial": {
                "kind": "planar_film",
                "thickness": "14 nm",
                "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
                "seeds": {"law": "none"},
            },
            "drive": {"kind": "cell", "cell": {"model": "SPM", **cell}},
            "time": {"until": until},
        }
    )


def run(folder: Path, **cell: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Run a study to its end; return the columns of ageing.csv and the summary."""
    assert run_studies(case(**cell), MPI.COMM_SELF, folder) is Ending.DONE
    with (folder / "ageing.csv").open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    table = np.array([[float(cell) for cell in row] for row in rows])
    names = [name.split(" [")[0] for name in head]
    return dict(zip(names, table.T, strict=True)), json.loads((folder / "summary.json").read_text())


def test_a_growing_film_raises_its_resistance(tmp_path: Path) -> None:
    """Film resistance follows the thickness, and so does the drop in the cell."""
    rows, summary = run(tmp_path, storage={"soc": [0.5], "check_every": "10 min"})
    assert summary["reason"] == ""
    assert rows["film_thickness"][-1] > rows["film_thickness"][0]
    assert np.all(np.diff(rows["film_resistance"]) > 0.0)
    assert np.all(np.diff(rows["lost_capacity"]) > 0.0)


def test_pores_close_by_the_film_that_grows(tmp_path: Path) -> None:
    """Porosity is lost by the film's new volume times the area per volume of the electrode."""
    rows, _ = run(tmp_path, storage=STORAGE, options={"SEI porosity change": "true"})
    values = json.loads((tmp_path / "provenance.json").read_text())["cell"]["values"]
    fraction = values["Negative electrode active material volume fraction"]
    area = 3.0 * fraction / values["Negative particle radius [m]"]
    grown = rows["film_thickness"] - 14e-9
    lost = values["Negative electrode porosity"] - rows["minimal_porosity"]
    # the cell's volume per charge is that of the exchange's start: 1 % over half an hour
    np.testing.assert_allclose(lost, area * grown, rtol=0.05)


def test_closed_pores_end_the_life_of_a_cell(tmp_path: Path) -> None:
    """The film takes all that was booked before, so the books still close."""
    rows, summary = run(
        tmp_path,
        storage=STORAGE,
        options={"SEI porosity change": "true"},
        override={"Negative electrode porosity": 1e-4},
    )
    assert "Zero negative electrode porosity" in summary["reason"]
    assert summary["finished"]
    assert rows["minimal_porosity"][-1] == pytest.approx(0.0, abs=1e-6)
    assert rows["lithium_imbalance"].max() < 1e-8


def test_solvent_is_used_up_and_dry_ends_the_study(tmp_path: Path) -> None:
    """Solvent left falls with the film's charge; the study stops at the part asked for."""
    dry = {"dry_out": True, "reservoir_volume_per_area": "20 nm"}
    model = {**dry, "transport": ["solvent", "ionic_potential"]}
    rows, summary = run(tmp_path, model=model, storage=STORAGE, stop={"dry": 0.98})
    assert "of the solvent is left" in summary["reason"]
    assert np.all(np.diff(rows["solvent_left"]) < 0.0)
    assert rows["solvent_left"][-1] < 0.98
    assert np.all(rows["solvent_left"][:-1] >= 0.98)


def test_lost_capacity_ends_the_study(tmp_path: Path) -> None:
    rows, summary = run(tmp_path, storage=STORAGE, stop={"capacity": 0.9999})
    assert "of the capacity is left" in summary["reason"]
    assert rows["remaining_capacity"][-1] < 0.9999
    assert np.all(rows["remaining_capacity"][:-1] >= 0.9999)


def test_plated_lithium_is_lost_beside_that_of_the_film(tmp_path: Path) -> None:
    rows, summary = run(tmp_path, options={"lithium plating": "irreversible"}, **CHARGE)
    assert summary["reason"] == ""
    plated = rows["plated_lithium"]
    assert np.all(np.diff(plated) >= 0.0)
    assert plated[-1] > 0.0
    both = (plated + rows["lost_lithium"]) * FARADAY / 3600.0
    np.testing.assert_allclose(rows["remaining_capacity"], 1.0 - both / 5.0, rtol=1e-12)
    # the film's books do not count it
    assert rows["lithium_imbalance"].max() < 1e-8


@pytest.mark.parametrize(("rate", "plates"), [("1C", False), ("6C", True)])
def test_the_onset_of_plating_ends_the_study(tmp_path: Path, rate: str, plates: bool) -> None:
    """It is reached where the potential of the films falls below that of lithium."""
    program = [f"Charge at {rate} for 20 seconds", "Rest for 20 seconds"]
    cell = {"experiment": program, "initial_soc": 0.6, "stop": {"plating": True}}
    rows, summary = run(tmp_path, **cell)
    assert bool(rows["lowest_potential"].min() < 0.0) is plates
    assert ("lithium plates" in summary["reason"]) is plates


def test_dry_needs_a_finite_reservoir() -> None:
    with pytest.raises(CaseError, match="finite amount of solvent") as caught:
        case(storage=STORAGE, stop={"dry": 0.5})
    assert caught.value.key == "drive.cell.stop.dry"


REFUSED = [
    {"particle phases": "2"},
    {"SEI on cracks": "true", "particle mechanics": "swelling and cracking"},
    {"loss of active material": "stress-driven", "particle mechanics": "swelling only"},
]


@pytest.mark.parametrize("options", REFUSED, ids=lambda options: next(iter(options)))
def test_options_that_do_not_go_with_a_film_are_refused(
    tmp_path: Path, options: dict[str, str]
) -> None:
    with pytest.raises(CaseError) as caught:
        run(tmp_path, storage=STORAGE, options=options)
    assert caught.value.key == f"drive.cell.options.{next(iter(options))}"


@pytest.mark.slow
def test_a_film_that_hardly_grows_is_not_followed_step_by_step(tmp_path: Path) -> None:
    """At a low state of charge: what carriers owe from one exchange is much of the next.

    Judged against its own charge alone, each exchange was halved for the error that the last
    halving had made: more than a thousand of a fraction of a second in half an hour.
    """
    data = case("1 h", storage={"soc": [0.2]}).resolved()
    data["mesh"] |= {"size": ["20 nm"], "cell_size": "0.16 nm"}
    data["model"] |= {
        "transport": [],
        "override": {"interface_width": {"value": "1 nm", "note": "six cells"}},
    }
    data["initial"] |= {"thickness": "5 nm", "shares": {"Li2CO3": 1.0}}
    assert run_studies(Case.model_validate(data), MPI.COMM_SELF, tmp_path) is Ending.DONE
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["exchanges"]["accepted"] <= 10
    assert summary["worst"]["lithium_imbalance"] < 1e-8
