"""A study from a case to its files: books, restart, bad input."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.case_run import OutputCase
from interphase.parameters.errors import CaseError, CheckpointError
from interphase.scripts.main import main
from interphase.solvers.run_folder import FolderError
from interphase.solvers.stopping import Ending
from interphase.solvers.studies import run_studies
from interphase.solvers.study import StudyRun
from interphase.solvers.study_setup import conditions
from interphase.solvers.study_solution import last_cell, last_solution


def storage(until: str, **cell: Any) -> Case:
    block = {"model": "SPM", "storage": {"soc": [0.5], "check_every": "1 day"}, **cell}
    return Case.model_validate(
        {
            "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
            "model": {"deposition": "proportional", "transport": ["ionic_potential"]},
            "initial": {
                "kind": "planar_film",
                "thickness": "14 nm",
                "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
                "seeds": {"law": "none"},
            },
            "drive": {"kind": "cell", "cell": block},
            "time": {"until": until},
        }
    )


def rows(folder: Path) -> list[dict[str, float]]:
    with (folder / "ageing.csv").open(encoding="utf-8") as file:
        return [{k.split(" [")[0]: float(v) for k, v in r.items()} for r in csv.DictReader(file)]


def test_a_study_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    case = storage("2 day")
    condition = conditions(case)[0]
    whole = StudyRun(case, condition, MPI.COMM_SELF, tmp_path)
    for _ in range(3):
        assert whole.study.exchange().books < 1e-8
    whole.save()
    ahead = [whole.study.exchange() for _ in range(2)]
    again = StudyRun(case, condition, MPI.COMM_SELF, tmp_path, restart=True)
    behind = [again.study.exchange() for _ in range(2)]
    for one, two in zip(ahead, behind, strict=True):
        assert two.time == pytest.approx(one.time, rel=1e-6)
        assert two.error == pytest.approx(one.error, abs=1e-5)
    lost = [run.study.on_cell(lambda cell: cell.lost_lithium) for run in (whole, again)]
    # The integrators start anew at a restart: agreement is to their tolerance.
    assert lost[1] == pytest.approx(lost[0], rel=1e-5)


def test_a_study_leaves_its_files(tmp_path: Path) -> None:
    case = storage("20 min")
    assert run_studies(case, MPI.COMM_SELF, tmp_path) is Ending.DONE
    assert rows(tmp_path)[-1]["time"] == pytest.approx(1200.0)
    assert max(row["lithium_imbalance"] for row in rows(tmp_path)) < 1e-8
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["finished"]
    assert summary["worst"]["element_imbalance"] < 1e-10
    for name in ("cell.csv", "patches.csv", "case.yaml", "provenance.json", "checkpoint"):
        assert (tmp_path / name).exists()
    for name in ("ageing.csv", "cell.csv", "patches.csv"):
        with (tmp_path / name).open(encoding="utf-8") as file:
            head, *body = csv.reader(file)
        # every cell is a number that any program reads
        assert all(len([float(cell) for cell in row]) == len(head) for row in body)
    with pytest.raises(FolderError, match="--restart"):
        run_studies(case, MPI.COMM_SELF, tmp_path)


def test_fields_of_the_films_are_written_along_the_way(tmp_path: Path) -> None:
    """At the start, when the case says and at the end; a restart goes on with the same series."""
    case = storage("20 min").model_copy(
        update={"output": OutputCase.model_validate({"fields": {"every": "5 min"}})}
    )
    condition = conditions(case)[0]
    run = StudyRun(case, condition, MPI.COMM_SELF, tmp_path)
    assert run.run(walltime=0.0).ending is not Ending.DONE
    assert (
        StudyRun(case, condition, MPI.COMM_SELF, tmp_path, restart=True).run().ending is Ending.DONE
    )
    for patch in (tmp_path / "patches").iterdir():
        index = json.loads((patch / "snapshots" / "snapshots.json").read_text())
        times = [entry["time"] for entry in index]
        assert times[0] == 0.0
        assert set(times) >= {300.0, 600.0, 900.0, 1200.0}
        assert times == sorted(set(times))
        assert all((patch / "snapshots" / entry["file"]).exists() for entry in index)
        assert (patch / "fields.pvd").read_text().count("DataSet ") == len(times)
    log = (tmp_path / "run.log").read_text()
    assert "stopped" in log
    assert "done" in log


def test_rows_of_the_films_say_what_they_saw_and_are(tmp_path: Path) -> None:
    """Window of potential, current and temperature; growth and conductivity follow from others."""
    program = ["Discharge at 1C for 30 seconds", "Rest for 10 seconds"]
    points = {"x_n": 3, "x_s": 3, "x_p": 3, "r_n": 5, "r_p": 5}
    case = storage(
        "1 h", storage=None, experiment=program, model="DFN", points=points, patches=2,
        initial_soc=0.5, exchange={"rtol": 0.2},
    )  # fmt: skip
    run_studies(case, MPI.COMM_SELF, tmp_path)
    with (tmp_path / "patches.csv").open(encoding="utf-8") as file:
        films = [{k.split(" [")[0]: float(v) for k, v in r.items()} for r in csv.DictReader(file)]
    ageing = rows(tmp_path)
    for film in films:
        assert film["lowest_potential"] < film["mean_potential"] < film["highest_potential"]
        assert film["temperature"] == pytest.approx(298.15)
        assert film["growth"] == pytest.approx(film["thickness"] - 14e-9, abs=1e-12)
        assert film["conductivity"] == pytest.approx(film["thickness"] / film["film_resistance"])
    assert min(f["lowest_potential"] for f in films) >= min(r["lowest_potential"] for r in ageing)
    # 5 A over the particles of the whole electrode for 30 of 40 seconds
    cell = last_cell(tmp_path)
    mean = 0.75 * cell.nominal_capacity / float(cell.area.sum())
    assert np.mean([f["intercalation"] for f in films]) == pytest.approx(mean, rel=0.05)


def test_thickness_and_loss_are_given_on_both_areas(tmp_path: Path) -> None:
    """Film on three times the spheres' area; the loss per film area is the film's own charge."""
    case = storage("20 min", area_ratio={"value": 3.0, "source": "a test"})
    run_studies(case, MPI.COMM_SELF, tmp_path)
    last = rows(tmp_path)[-1]
    for name in ("film_thickness", "lost_charge"):
        assert last[f"{name}_geometric"] == pytest.approx(3.0 * last[name], rel=1e-12)
    with (tmp_path / "patches.csv").open(encoding="utf-8") as file:
        film = list(csv.DictReader(file))[-1]
    assert last["lost_charge"] == pytest.approx(float(film["charge [C/m2]"]), rel=1e-8)


@pytest.mark.parametrize("model", ["SPM", "DFN"])
def test_the_cell_of_a_study_is_a_solution_of_pybamm(tmp_path: Path, model: str) -> None:
    """Variables that the study does not write are there, and those that it does agree."""
    points = {"x_n": 3, "x_s": 3, "x_p": 3, "r_n": 5, "r_p": 5}
    program = ["Discharge at 1C for 30 seconds"]
    cell = {"storage": None, "experiment": program, "model": model, "points": points}
    run_studies(storage("1 h", initial_soc=0.5, **cell), MPI.COMM_SELF, tmp_path)
    solution = last_solution(tmp_path)
    last = rows(tmp_path)[-1]
    assert solution.t[-1] == last["time"] == 30.0
    with (tmp_path / "cell.csv").open(encoding="utf-8") as file:
        row = list(csv.DictReader(file))[-1]
    for name in ("Voltage [V]", "Current [A]"):
        assert solution[name].entries[-1] == pytest.approx(float(row[name]), rel=1e-9)
    lost = solution["Loss of lithium to negative SEI [mol]"].entries[-1]
    assert lost == pytest.approx(last["lost_lithium"], rel=1e-9)
    assert solution["Negative electrode porosity"].entries.size > 1
    assert solution["Negative particle surface concentration [mol.m-3]"].entries.min() > 0.0
    assert last_cell(tmp_path).resistance() > 0.0


def test_a_folder_without_a_cell_gives_no_solution(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no record of a cell"):
        last_solution(tmp_path)


def test_a_cycle_of_several_exchanges_has_one_capacity(tmp_path: Path) -> None:
    """What is discharged before and after an exchange is one discharge, and one cycle."""
    program = ["Rest for 5 seconds", "Discharge at 1C for 36 seconds", "Rest for 5 seconds"]
    exchange = {"first": "20 s", "longest": "20 s", "most_cycles": 1}
    case = storage(
        "1 h", storage=None, experiment=program, cycles=2, exchange=exchange, initial_soc=0.5
    )
    assert run_studies(case, MPI.COMM_SELF, tmp_path) is Ending.DONE
    seen = [row["discharge_capacity"] for row in rows(tmp_path)]
    assert len(seen) > 4
    whole = [value for value in seen if not math.isnan(value)]
    assert whole == pytest.approx([5.0 * 36.0 / 3600.0] * 2, rel=1e-6)
    with (tmp_path / "cell.csv").open(encoding="utf-8") as file:
        lines = [(int(row["Cycle"]), float(row["Time [s]"])) for row in csv.DictReader(file)]
    for cycle in (0, 1):
        times = [time for number, time in lines if number == cycle]
        assert (times[0], times[-1]) == pytest.approx((46.0 * cycle, 46.0 * (cycle + 1)))


BAD = [
    ({"experiment": ["Charge at 1C until 4.2 V"]}, "experiment and storage"),
    ({"patches": 3}, "patches"),
    ({"patches": 0}, "patches: must be 1 to 200"),
    ({"model": "DFN", "patches": [0.5, 0.2]}, "patches: must rise between 0 and 1"),
    ({"model": "DFN", "patches": [0.5, 1.2]}, "patches: must rise between 0 and 1"),
    ({"initial_soc": 0.5}, "initial_soc"),
    ({"model": "P2D"}, "not a choice"),
    ({"options": {"lithium plating": 3}}, "options"),
]


@pytest.mark.parametrize(("cell", "message"), BAD)
def test_a_bad_cell_is_refused_by_name(cell: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseError, match=message):
        storage("1 day", **cell)


def test_a_refused_experiment_ends_the_command_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = storage("1 day", storage=None, experiment=["Charge very fast"])
    path = tmp_path / "case.yaml"
    path.write_text(case.to_yaml(), encoding="utf-8")
    assert main(["run", str(path), "-o", str(tmp_path / "run")]) == 2
    assert "Charge very fast" in capsys.readouterr().out
