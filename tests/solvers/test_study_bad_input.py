"""Bad cases and failures of a coupled study: one line, an exit code, and what is left behind."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.errors import CouplingError
from interphase.scripts.main import main
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.leg import Leg
from interphase.solvers.studies import run_studies
from interphase.solvers.study import StudyRun
from interphase.solvers.study_setup import conditions
from interphase.solvers.study_state import Exchange

STORAGE = {"storage": {"soc": [0.5], "check_every": "5 min"}}


def case(until: str = "20 min", *, thickness: str = "14 nm", **cell: Any) -> Case:
    return Case.model_validate(
        {
            "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
            "model": {"deposition": "proportional", "transport": ["ionic_potential"]},
            "initial": {
                "kind": "planar_film",
                "thickness": thickness,
                "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
                "seeds": {"law": "none"},
            },
            "drive": {"kind": "cell", "cell": {"model": "SPM", **cell}},
            "time": {"until": until},
        }
    )


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: Case) -> str:
    """Run a bad case by the command; return its one line of error."""
    path = tmp_path / "case.yaml"
    path.write_text(bad.to_yaml(), encoding="utf-8")
    assert main(["run", str(path), "-o", str(tmp_path / "run")]) == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_an_experiment_string_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = refused(tmp_path, capsys, case(experiment=["Rest for 1 minute", "Charge very fast"]))
    assert text.startswith("error: drive.cell.experiment[1]: PyBaMM refuses 'Charge very fast'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("time [s],current [A]\n0,1\n1,\n2,1\n", "line 3: column 'current' is ''"),
        ("time [s],current [A]\n0,1\n1,nan\n2,1\n", "line 3: column 'current' is 'nan'"),
        ("time [s],current [V]\n0,1\n1,1\n", "column 'current'"),
    ],
    ids=["gap", "nan", "unit"],
)
def test_a_bad_profile_is_refused_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    profile = tmp_path / "drive.csv"
    profile.write_text(content)
    text = refused(tmp_path, capsys, case(profile=str(profile)))
    assert text.startswith(f"error: drive.cell.profile: {profile}")
    assert words in text


def test_a_limit_that_is_passed_at_the_start_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder is free again for the mended case."""
    bad = case(experiment=["Charge at 1C until 3.0 V"], initial_soc=0.9)
    text = refused(tmp_path, capsys, bad)
    assert "'Charge at 1C until 3.0 V' cannot start" in text
    assert "voltage above 3 V" in text
    assert not (tmp_path / "run" / "case.yaml").exists()
    assert not (tmp_path / "run" / "ageing.csv").exists()


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ({"parameters": "OKane2021"}, "drive.cell.parameters"),
        ({"parameters": "Xu2019"}, "drive.cell.parameters"),
        ({"override": {"SEI resistivity [Ohm]": 1.0}}, "drive.cell.override.SEI resistivity [Ohm]"),
        ({"options": {"thermal": "hot"}}, "drive.cell.options"),
        ({"options": {"SEI": "none"}}, "drive.cell.options.SEI"),
        ({"points": {"x_n": 1}}, "drive.cell.points.x_n"),
        ({"model": "DFN", "patches": 11}, "drive.cell.patches"),
        ({"model": "DFN", "patches": (0.5, 0.51, 0.52)}, "drive.cell.patches"),
    ],
)
def test_what_the_cell_refuses_is_named_by_the_key_of_the_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: dict[str, Any], key: str
) -> None:
    assert refused(tmp_path, capsys, case(**STORAGE, **cell)).startswith(f"error: {key}: ")


def test_a_film_thicker_than_its_domain_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "mesh.size" in refused(tmp_path, capsys, case(thickness="39 nm", **STORAGE))


def test_a_film_that_grows_to_the_top_stops_the_study(tmp_path: Path) -> None:
    """With a checkpoint, and the exchange that went too far is not written down."""
    near = case(until="10 day", thickness="36.5 nm", storage={"soc": [0.95]})
    with pytest.raises(Exception, match="top of the domain"):
        run_studies(near, MPI.COMM_SELF, tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["ending"] == "failed"
    assert (tmp_path / "checkpoint" / "study.json").exists()


def times(folder: Path) -> list[float]:
    with (folder / "ageing.csv").open(encoding="utf-8") as file:
        return [float(row["time [s]"]) for row in csv.DictReader(file)]


def test_a_solver_that_fails_in_mid_study_leaves_a_checkpoint_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again with tighter tolerances, then stopped; cell and films are at the same time."""
    import pybamm

    solve, calls = pybamm.IDAKLUSolver.step, []

    def fails(solver: object, *args: object, **kwargs: object) -> object:
        calls.append(solver)
        if len(times(tmp_path)) == 2:
            raise pybamm.SolverError("corrector failed")
        return solve(solver, *args, **kwargs)

    monkeypatch.setattr(pybamm.IDAKLUSolver, "step", fails)
    with pytest.raises(CouplingError, match="could not be integrated, also not with tolerances"):
        run_studies(case(**STORAGE), MPI.COMM_SELF, tmp_path)
    assert calls[-1] is not calls[0]
    done = times(tmp_path)
    assert done == [300.0, 600.0]
    monkeypatch.setattr(pybamm.IDAKLUSolver, "step", solve)
    run_studies(case(**STORAGE), MPI.COMM_SELF, tmp_path, restart=True)
    assert times(tmp_path) == [300.0, 600.0, 900.0, 1200.0]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["finished"]
    assert summary["worst"]["lithium_imbalance"] < 1e-8


def test_a_study_that_does_not_advance_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchange of no length is no progress, however often it is repeated."""
    bad = case(**STORAGE)
    run = StudyRun(bad, conditions(bad)[0], MPI.COMM_SELF, tmp_path)

    def nothing(study: AgeingStudy, longest: float) -> Exchange:
        charge = study.on_cell(lambda cell: cell.charge)
        study.last_leg = Leg(((),), study.state.cursor, charge, charge)
        return Exchange(0.0, 0, 0, 0.0, 0.0, 0.0, 0)

    monkeypatch.setattr(AgeingStudy, "exchange", nothing)
    with pytest.raises(CouplingError, match="does not advance"):
        run.run()
    assert json.loads((tmp_path / "summary.json").read_text())["ending"] == "failed"


def test_a_bare_electrode_that_waits_for_nuclei_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing whose rate a cell could follow before the first nucleus."""
    bare = case(**STORAGE).model_dump(exclude_unset=True)
    mesh = {"kind": "rectangle", "size": ("4 nm", "8 nm"), "cell_size": "0.1666666 nm"}
    data = {**bare, "mesh": mesh, "initial": {"kind": "bare_electrode", "seeds": {"seed": 1}},
            "drive": {"kind": "cell", "cell": {"model": "SPM", **STORAGE}},
            "time": {"until": "20 min"}}  # fmt: skip
    text = refused(tmp_path, capsys, Case.model_validate(data))
    assert text.startswith("error: initial.kind: ")
    assert "planar_film" in text
