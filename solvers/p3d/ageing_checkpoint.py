"""Checkpoints of a whole cell that ages: the cell, its films, and how places are grouped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CheckpointError, CouplingError
from interphase.solvers.law_film import LawFilm
from interphase.solvers.p3d import checkpoint as cells
from interphase.solvers.p3d.ageing import KnownClusters
from interphase.solvers.p3d.ageing_setup import AgedCell
from interphase.solvers.p3d.clustered_cell import ClusteredCell
from interphase.solvers.run_folder import RunFolder, writing
from interphase.solvers.study_checkpoint import load_patch, read_state, save_patch

_FORMAT: Final = 1
_NAME: Final = "checkpoint"
_PREVIOUS: Final = "checkpoint_previous"


def save(aged: AgedCell, folder: Path, case: P3DCase, notes: Mapping[str, Any]) -> None:
    """Write a checkpoint. Collective; the one before stays until this one is whole.

    Raises:
        OutputError: on every rank, if it cannot be written.
    """
    study, comm = aged.ageing.study, aged.ageing.clusters.comm
    temporary = folder / f".{_NAME}.part"

    def prepare() -> None:
        with writing(temporary):
            shutil.rmtree(temporary, ignore_errors=True)
            for i in range(study.films.size):
                _film(temporary, i).mkdir(parents=True)

    on_root(comm, prepare)
    study.films.each(lambda i, film: _save_film(film, _film(temporary, i)))
    cells.save(aged.cell, RunFolder(temporary), case, {})
    numbers = np.asarray(aged.cell.balance.places.numbers)
    clusters = aged.ageing.clusters
    meta = {
        "format": _FORMAT,
        "state": asdict(study.state),
        "throughput": study.on_cell(lambda cell: float(cell.throughput)),
        "clusters": clusters.whole(numbers).tolist(),
        "temperature": clusters.temperature.tolist(),
        "notes": dict(notes),
    }

    def finish() -> None:
        with writing(temporary):
            (temporary / "study.json").write_text(json.dumps(meta), encoding="utf-8")
            current, previous = folder / _NAME, folder / _PREVIOUS
            if current.exists():
                shutil.rmtree(previous, ignore_errors=True)
                current.rename(previous)
            temporary.rename(current)

    on_root(comm, finish)


def exists(folder: Path) -> bool:
    """Return whether there is something to continue from. For one rank."""
    return any((folder / name / "study.json").exists() for name in (_NAME, _PREVIOUS))


def find(folder: Path, comm: MPI.Comm) -> tuple[Path, dict[str, Any]]:
    """Return the last whole checkpoint and what it says. Collective.

    Raises:
        CheckpointError: there is none.
    """

    def work() -> tuple[Path, dict[str, Any]]:
        problems = []
        for name in (_NAME, _PREVIOUS):
            path = folder / name
            try:
                meta = json.loads((path / "study.json").read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                problems.append(f"{name}: {error}")
                continue
            if meta.get("format") == _FORMAT:
                return path, meta
            problems.append(f"{name}: written by another version")
        raise CheckpointError(
            f"{folder}: no checkpoint to continue from ({'; '.join(problems)}); start anew with "
            "--overwrite"
        )

    return on_root(comm, work)


def known_clusters(meta: Mapping[str, Any]) -> KnownClusters:
    """Return the groups of places of a checkpoint."""
    state = meta["state"]
    return KnownClusters(
        np.array(meta["clusters"], dtype=np.intp),
        np.array(meta["temperature"]),
        (float(state["lowest"]), float(state["highest"])),
    )


def load(aged: AgedCell, path: Path, meta: Mapping[str, Any], case: P3DCase) -> dict[str, Any]:
    """Put cell and films back to a checkpoint that was found. Collective.

    Returns:
        The notes that were saved.

    Raises:
        CheckpointError: it is damaged, or of another mesh.
        CaseError: it belongs to another case.
    """
    study = aged.ageing.study
    cells.load(aged.cell, RunFolder(path), case)
    study.films.each(lambda i, film: _load_film(film, _film(path, i)))
    stepper = study.cell
    if not isinstance(stepper, ClusteredCell):
        raise CouplingError("the cell of this study has no places")
    stepper.restore(replace(stepper.state(), throughput=float(meta["throughput"])))
    study.state = read_state(meta["state"])
    return dict(meta["notes"])


def _film(folder: Path, index: int) -> Path:
    return folder / f"patch_{index:03d}"


def _save_film(film: object, folder: Path) -> None:
    if not isinstance(film, LawFilm):
        save_patch(film, folder)
        return
    with writing(folder):
        text = json.dumps({"thickness": film.thickness, "charge": film.charge})
        (folder / "law.json").write_text(text, encoding="utf-8")


def _load_film(film: object, folder: Path) -> None:
    if not isinstance(film, LawFilm):
        load_patch(film, folder)
        return
    try:
        stored = json.loads((folder / "law.json").read_text(encoding="utf-8"))
        film.thickness, film.charge = float(stored["thickness"]), float(stored["charge"])
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{folder}: {error}; start anew with --overwrite") from error
