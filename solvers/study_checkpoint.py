"""Checkpoints of a coupled study: the cell, every film, and where the study is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from interphase.meshes.parallel import on_root
from interphase.parameters.case import Case
from interphase.parameters.errors import CaseError, CheckpointError
from interphase.solvers import checkpoint as checkpoints
from interphase.solvers.cell_cursor import Cursor
from interphase.solvers.cell_types import CellState
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.leg import CycleGrowth
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.restart import check_same, differences, parameter_values
from interphase.solvers.run_folder import RunFolder, writing
from interphase.solvers.study_state import StudyState

_NAME: Final = "checkpoint"
_PREVIOUS: Final = "checkpoint_previous"
_FORMAT: Final = 3
# What a restart may change.
_FREE: Final = (
    "title", "output", "solver", "time", "drive.cell.cycles", "drive.cell.stop",
    "drive.cell.exchange.rtol", "drive.cell.exchange.longest", "drive.cell.exchange.most_cycles",
)  # fmt: skip


def save(study: AgeingStudy, folder: Path, case: Case, notes: Mapping[str, Any]) -> None:
    """Write a checkpoint. Collective; the one before stays until this one is whole.

    Args:
        study: what is saved.
        folder: of the study.
        case: what it was started with.
        notes: what its reports remember.

    Raises:
        OutputError: on every rank, if it cannot be written.
    """
    comm = study.films.comm
    temporary = folder / f".{_NAME}.part"

    def prepare() -> None:
        with writing(temporary):
            shutil.rmtree(temporary, ignore_errors=True)
            for i in range(study.films.size):
                (temporary / _patch(i)).mkdir(parents=True)

    on_root(comm, prepare)
    study.films.each(lambda i, film: save_patch(film, temporary / _patch(i)))

    def finish() -> None:
        with writing(temporary):
            _save_cell(study, temporary / "cell.npz")
            meta = {
                "format": _FORMAT,
                "case": case.resolved(),
                "state": asdict(study.state),
                "notes": dict(notes),
            }
            (temporary / "study.json").write_text(json.dumps(meta), encoding="utf-8")
            _rotate(folder, temporary)

    on_root(comm, finish)


def load(study: AgeingStudy, folder: Path, case: Case) -> dict[str, Any]:
    """Put a study back to its last checkpoint. Collective.

    Returns:
        The notes that were saved.

    Raises:
        CheckpointError: there is none, or it is damaged.
        CaseError: it belongs to another case.
    """
    comm = study.films.comm
    path, meta = on_root(comm, lambda: _find(folder))
    _check_case(meta["case"], case)
    study.films.each(lambda i, film: load_patch(film, path / _patch(i)))
    study.on_cell(lambda cell: cell.restore(_load_cell(path / "cell.npz")))
    study.state = read_state(meta["state"])
    return dict(meta["notes"])


def read_state(stored: Mapping[str, Any]) -> StudyState:
    """Return the state of a study of what ``asdict`` made of it."""
    growth = stored["growth"]
    parts = {
        "pace": Pace(**stored["pace"]),
        "cursor": Cursor(**stored["cursor"]),
        "growth": None if growth is None else tuple(CycleGrowth(**one) for one in growth),
    }
    return StudyState(**{**stored, **parts})


def load_cell(folder: Path) -> CellState:
    """Return the state of the cell at the last checkpoint of a study. For one rank.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    return _load_cell(_find(folder)[0] / "cell.npz")


def exists(folder: Path) -> bool:
    """Return whether there is something to continue from."""
    return any((folder / name / "study.json").exists() for name in (_NAME, _PREVIOUS))


def _patch(index: int) -> str:
    return f"patch_{index:02d}"


def _rotate(folder: Path, temporary: Path) -> None:
    current, previous = folder / _NAME, folder / _PREVIOUS
    if current.exists():
        shutil.rmtree(previous, ignore_errors=True)
        current.rename(previous)
    temporary.rename(current)


def _find(folder: Path) -> tuple[Path, dict[str, Any]]:
    problems = []
    for name in (_NAME, _PREVIOUS):
        path = folder / name
        try:
            meta = json.loads((path / "study.json").read_text(encoding="utf-8"))
            if meta["format"] != _FORMAT:
                raise CheckpointError(f"{path}: written by another version")
            _load_cell(path / "cell.npz")
            return path, meta
        except (OSError, ValueError, KeyError) as error:
            problems.append(f"{path.name}: {error}")
    raise CheckpointError(
        f"{folder}: no checkpoint to continue from ({'; '.join(problems)}); start anew with "
        "--overwrite"
    )


def save_patch(film: object, folder: Path) -> None:
    """Write the state of a phase-field patch. Collective on its ranks."""
    if not isinstance(film, PhaseFieldPatch):
        raise CheckpointError("only phase-field patches can be saved")
    problem = film.problem
    extra = checkpoints.Checkpoint(
        control=film.control,
        notes={"trial": film.trial, "reach": film.reach, "owed": film.owed},
        case=problem.case.resolved(),
        parameters=parameter_values(problem.table),
        counters={},
        wall=0.0,
    )
    checkpoints.save(problem.space, problem.solver.electrode, RunFolder(folder), film.state, extra)


def load_patch(film: object, folder: Path) -> None:
    """Put a patch back to what was written. Collective on its ranks."""
    if not isinstance(film, PhaseFieldPatch):
        raise CheckpointError("only phase-field patches can be continued")
    problem, solver = film.problem, film.problem.solver
    stored = checkpoints.read(problem.comm, RunFolder(folder))
    check_same(problem.case, problem.table, stored.checkpoint, stored.time)
    sites = solver.nucleator.sites if solver.nucleator else 0
    film.state = checkpoints.load(problem.space, solver.electrode, stored, sites=sites)
    film.control = stored.checkpoint.control
    film.trial = float(stored.checkpoint.notes["trial"])
    film.reach = float(stored.checkpoint.notes["reach"])
    film.owed = float(stored.checkpoint.notes["owed"])


def _check_case(stored: dict[str, Any], case: Case) -> None:
    for key, old, new in differences(stored, case.resolved()):
        if not key.startswith(_FREE):
            raise CaseError(
                f"is {new}, the study was started with {old}; restore it or start a new study", key
            )


def _save_cell(study: AgeingStudy, path: Path) -> None:
    if study.cell is None:
        return
    state = study.cell.state()
    film: dict[str, Any] = {f"film:{k}": np.asarray(v) for k, v in state.film.items()}
    windows = np.empty(0) if state.windows is None else state.windows
    with path.open("wb") as file:
        np.savez(
            file,
            states=state.states,
            numbers=np.array([state.time, state.throughput, state.temperature]),
            windows=windows,
            **film,
        )


def _load_cell(path: Path) -> CellState:
    with np.load(path) as data:
        time, throughput, temperature = (float(v) for v in data["numbers"])
        film = {k.removeprefix("film:"): data[k] for k in data.files if k.startswith("film:")}
        windows = data["windows"]
        return CellState(
            data["states"], time, throughput, temperature, film, windows if windows.size else None
        )
