"""Checkpoints of a whole cell: fields by node, places by number, for any number of ranks."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from interphase.meshes.parallel import on_root
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CaseError, CheckpointError
from interphase.solvers.p3d.cell3d import Cell3D, CellState3D
from interphase.solvers.p3d.node_map import NodeMap
from interphase.solvers.p3d.places import Array
from interphase.solvers.restart import differences
from interphase.solvers.run_folder import RunFolder, writing

_FORMAT: Final = 1
# What a restart may change.
_FREE: Final = (
    "title", "output", "solver", "time", "drive.cycles",
    "ageing.exchange.rtol", "ageing.exchange.longest", "ageing.exchange.most_cycles",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint besides its arrays.

    Attributes:
        path: the file.
        meta: numbers, cursor, notes.
    """

    path: Path
    meta: dict[str, Any]


def save(cell: Cell3D, folder: RunFolder, case: P3DCase, notes: Mapping[str, Any]) -> None:
    """Write a checkpoint. Collective; the one before stays until this one is whole.

    Args:
        cell: what is saved.
        folder: of the run.
        case: what it was started with.
        notes: what the run remembers, plain values.

    Raises:
        OutputError: on every rank, if it cannot be written.
    """
    state, places = cell.state(), cell.balance.places
    nodes = NodeMap(cell.balance.heat.space)
    arrays = {"temperature": nodes.gather(state.temperature), "points": nodes.points()}
    arrays |= {f"place:{name}": places.gather(one) for name, one in state.places.items()}
    meta = {
        "format": _FORMAT,
        "case": case.resolved(),
        "numbers": dict(state.numbers),
        "notes": dict(notes),
    }
    on_root(places.cells.comm, lambda: _write(folder, arrays, meta))


def _write(folder: RunFolder, arrays: Mapping[str, Array | None], meta: dict[str, Any]) -> None:
    # in memory first: on a full disk the HDF5 library cannot close its files
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        for name, values in arrays.items():
            if values is not None:
                file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
    temporary = folder.path / ".checkpoint.h5.part"
    with writing(folder.checkpoint):
        try:
            with temporary.open("wb") as out:
                out.write(image.getbuffer())
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if folder.checkpoint.exists():
            folder.checkpoint.replace(folder.previous)
        temporary.replace(folder.checkpoint)


def exists(folder: RunFolder) -> bool:
    """Return whether there is something to continue from. For one rank."""
    return folder.checkpoint.exists() or folder.previous.exists()


def load(cell: Cell3D, folder: RunFolder, case: P3DCase) -> dict[str, Any]:
    """Put a cell back to its last whole checkpoint. Collective.

    Returns:
        The notes that were saved.

    Raises:
        CheckpointError: there is none, or it is of another mesh.
        CaseError: it belongs to another case.
    """
    places = cell.balance.places
    comm = places.cells.comm
    arrays: list[dict[str, Array]] = [{}]
    nodes = NodeMap(cell.balance.heat.space)
    points = nodes.points()

    def read() -> tuple[dict[str, Any], list[str]]:
        stored, arrays[0] = _last_whole(folder)
        _check(stored, arrays[0], case, points, places.total)
        return stored.meta, [name for name in arrays[0] if name.startswith("place:")]

    meta, names = on_root(comm, read)
    temperature = nodes.scatter(arrays[0].get("temperature"))
    state = {name.removeprefix("place:"): places.scatter(arrays[0].get(name)) for name in names}
    cell.restore(CellState3D(temperature, state, meta["numbers"]))
    return dict(meta["notes"])


def _last_whole(folder: RunFolder) -> tuple[Stored, dict[str, Array]]:
    problems = []
    for path in (folder.checkpoint, folder.previous):
        try:
            with h5py.File(path, "r") as file:
                meta = json.loads(bytes(file["meta"][()]).decode())
                arrays = {name: file[name][()] for name in file if name != "meta"}
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            problems.append(f"{path.name}: {str(error).splitlines()[0]}")
            continue
        if meta.get("format") != _FORMAT or "numbers" not in meta:
            problems.append(f"{path.name}: is of another version or kind of run")
            continue
        return Stored(path, meta), arrays
    raise CheckpointError(
        f"{folder.path}: no checkpoint to continue from ({'; '.join(problems)}); start anew with "
        "--overwrite"
    )


def _check(
    stored: Stored,
    arrays: Mapping[str, Array],
    case: P3DCase,
    points: Array | None,
    places: int,
) -> None:
    for key, old, new in differences(stored.meta["case"], case.resolved()):
        if not key.startswith(_FREE):
            raise CaseError(
                f"is {new}, the run was started with {old}; restore it or start a new run", key
            )
    if points is None or arrays["points"].shape != points.shape:
        raise CheckpointError(f"{stored.path}: belongs to another mesh; continue with the same")
    size = float(np.ptp(points, axis=0).max())
    if np.abs(arrays["points"] - points).max() > 1e-9 * size:
        raise CheckpointError(f"{stored.path}: belongs to another mesh; continue with the same")
    if arrays["place:density"].shape[0] != places:
        raise CheckpointError(f"{stored.path}: has other places than the case's {places}")
