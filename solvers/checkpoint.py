"""Checkpoints: everything a run needs to continue, in one HDF5 file, for any number of ranks.

Values are stored in the order in which the mesh's nodes were made, which no partition changes.
Rank 0 gathers and writes one field after the other: HDF5 needs no MPI for that, any file system
will do, and every block carries a checksum. The file is written under another name, flushed to the
disk and renamed; the one before it stays.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import h5py
import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root, raise_together
from interphase.parameters.errors import CheckpointError
from interphase.solvers.graph import BoolArray
from interphase.solvers.run_folder import RunFolder, writing
from interphase.solvers.snapshots import MeshNodes
from interphase.solvers.space import Array, IntArray, NodalSpace
from interphase.solvers.state import Books, FilmState, TransportClock
from interphase.solvers.stepping import ControlState

logger = logging.getLogger(__name__)

FORMAT: Final = 1
"""Version of the file's layout."""

# Arrays of the state that are not over the nodes: per solid, and per solid and nucleation site.
_PER_SOLID: Final = ("shares",)
_PER_SITE: Final = ("hazard", "draws")
# Parts of the state that are objects of their own.
_PARTS: Final[Mapping[str, type[Books] | type[TransportClock]]] = MappingProxyType(
    {"books": Books, "clock": TransportClock}
)
# Nodes of another mesh lie further from those of this one than this part of a cell.
_SAME_PLACE: Final = 1.0e-3
# Rows per checksum.
_CHUNK: Final = 65536


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds besides the fields.

    Attributes:
        control: state of the step controller.
        notes: what the run's reports remember.
        case: the resolved case.
        parameters: every value of the table [SI], by key.
        counters: what outputs need to go on.
        wall: time that the run has taken [s].
    """

    control: ControlState
    notes: dict[str, Any]
    case: dict[str, Any]
    parameters: dict[str, float | None]
    counters: dict[str, Any]
    wall: float


@dataclass(frozen=True)
class Stored:
    """A checkpoint as read on rank 0, the same numbers on all ranks but for the fields.

    Attributes:
        path: the file.
        meta: scalars, books, case, counters.
    """

    path: Path
    meta: dict[str, Any]

    @property
    def time(self) -> float:
        """Simulated time of the state [s]."""
        return float(self.meta["scalars"]["time"])

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what is not a field."""
        meta = self.meta
        return Checkpoint(
            control=ControlState(**meta["control"]),
            notes=meta["notes"],
            case=meta["case"],
            parameters=meta["parameters"],
            counters=meta["counters"],
            wall=meta["wall"],
        )


def save(
    space: NodalSpace, electrode: BoolArray, folder: RunFolder, state: FilmState, extra: Checkpoint
) -> None:
    """Write a checkpoint. Collective.

    Args:
        space: where the state lives.
        electrode: which nodes are on the electrode, the sites of nucleation, (size,).
        folder: of the run.
        state: to be saved.
        extra: everything else.

    Raises:
        OutputError: on every rank, if it cannot be written; the last checkpoint is kept then.
    """
    identity = _identity(space)
    parts = space.comm.gather(identity)
    order = None if parts is None else np.argsort(np.concatenate(parts))
    writer = _Writer(folder)
    on_root(space.comm, lambda: writer.open(_meta(state, extra)))
    every = {"nodes": identity, "points": space.points, **_fields(electrode, state)}
    for name, values in every.items():
        gathered = space.comm.gather(values)
        on_root(space.comm, lambda: writer.put(name, gathered, order))  # noqa: B023 - runs at once
    on_root(space.comm, writer.finish)


class _Writer:
    """The file that is being made; used on rank 0 only.

    It is made in memory and written as plain bytes: on a full disk the HDF5 library cannot close
    its files and takes the process down. Rank 0 needs some 200 bytes per unknown for it.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._image = io.BytesIO()
        self._file: Any = None

    def open(self, meta: str) -> None:
        self._file = h5py.File(self._image, "w")
        self._dataset("meta", np.frombuffer(meta.encode(), dtype=np.uint8))

    def put(self, name: str, gathered: list[Array] | None, order: IntArray | None) -> None:
        if gathered is not None and order is not None:
            self._dataset(name, np.concatenate(gathered)[order])

    def finish(self) -> None:
        """Write, flush to the disk and rename; the last checkpoint becomes the previous one."""
        self._file.close()
        temporary = self._folder.path / ".checkpoint.h5.part"
        with writing(self._folder.checkpoint):
            try:
                with temporary.open("wb") as file:
                    file.write(self._image.getbuffer())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            if self._folder.checkpoint.exists():
                self._folder.checkpoint.replace(self._folder.previous)
            temporary.replace(self._folder.checkpoint)

    def _dataset(self, name: str, values: Any) -> None:
        chunks = (min(values.shape[0], _CHUNK), *values.shape[1:]) if values.size else None
        self._file.create_dataset(name, data=values, chunks=chunks, fletcher32=bool(chunks))


def _kinds() -> tuple[list[str], list[str]]:
    """Return the names of the state's (nodal arrays, numbers)."""
    arrays = [f.name for f in fields(FilmState) if f.type == "Array"]
    others = [f.name for f in fields(FilmState) if f.type != "Array" and f.name not in _PARTS]
    return [name for name in arrays if name not in (*_PER_SOLID, *_PER_SITE)], others


def _meta(state: FilmState, extra: Checkpoint) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "scalars": {name: getattr(state, name) for name in _kinds()[1]},
            "parts": {name: _plain(asdict(getattr(state, name))) for name in _PARTS},
            "solids": int(state.shares.shape[0]),
            "control": asdict(extra.control),
            "notes": extra.notes,
            "case": extra.case,
            "parameters": extra.parameters,
            "counters": extra.counters,
            "wall": extra.wall,
        }
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return a dict with its arrays as lists."""
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}


def _part(name: str, values: dict[str, Any]) -> Any:
    """Return the object that :func:`_plain` was made of."""
    restored: dict[str, Any] = {
        k: np.array(v) if isinstance(v, list) else v for k, v in values.items()
    }
    # Written, and always zero, by earlier versions.
    restored.pop("electrons_seeds", None)
    return _PARTS[name](**restored)


def _identity(space: NodalSpace) -> IntArray:
    """Return the input number of every unknown's node, (size,)."""
    local = MeshNodes(space).identity
    return space.owned(local.astype(float)).astype(np.int64)


def _fields(electrode: BoolArray, state: FilmState) -> dict[str, Array]:
    """Return every array of the state over the nodes, by name, (size,) each."""
    found = {name: getattr(state, name) for name in _kinds()[0]}
    for name in _PER_SOLID:
        found |= {f"{name}_{a}": row for a, row in enumerate(getattr(state, name))}
    for name in _PER_SITE:
        for a, row in enumerate(getattr(state, name)):
            spread = np.zeros(electrode.size)
            if row.size:
                spread[electrode] = row
            found[f"{name}_{a}"] = spread
    return found


def read(comm: MPI.Comm, folder: RunFolder) -> Stored:
    """Read the last whole checkpoint of a run, without its fields. Collective.

    A damaged checkpoint is passed over with a warning for the one before it.

    Raises:
        CheckpointError: on every rank, if there is no whole one.
    """
    return on_root(comm, lambda: _last_whole(folder))


def _last_whole(folder: RunFolder) -> Stored:
    found = [path for path in (folder.checkpoint, folder.previous) if path.exists()]
    if not found:
        raise CheckpointError(f"{folder.path}: holds no checkpoint; run the case with --overwrite")
    problems = []
    for path in found:
        try:
            return Stored(path, _verify(path))
        except CheckpointError as error:
            problems.append(str(error))
            if path != found[-1]:
                logger.warning("%s; trying the one before it", error)
    raise CheckpointError(f"{'; '.join(problems)}; start again with --overwrite")


def _verify(path: Path) -> dict[str, Any]:
    """Return what is not a field after reading every block, so that its checksum is tested."""
    try:
        with h5py.File(path, "r") as file:
            meta: dict[str, Any] = json.loads(bytes(file["meta"][()]).decode())
            for name in file:
                file[name][()]
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: is truncated or damaged ({reason})") from error
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: has layout {meta.get('format')}, this version reads {FORMAT}"
        )
    return meta


def load(space: NodalSpace, electrode: BoolArray, stored: Stored, *, sites: int) -> FilmState:
    """Return the state of a checkpoint on this space. Collective.

    Args:
        space: on any number of ranks.
        electrode: which nodes are on the electrode, (size,).
        stored: the checkpoint.
        sites: number of sites of this rank; 0 without nucleation.

    Raises:
        CheckpointError: on every rank, if the mesh is another one or a field is missing.
    """
    reader = _Reader(space, stored.path)
    reader.check_places()
    solids = int(stored.meta["solids"])
    arrays: dict[str, Any] = {name: reader.get(name) for name in _kinds()[0]}
    for name in _PER_SOLID:
        arrays[name] = np.stack([reader.get(f"{name}_{a}") for a in range(solids)])
    for name in _PER_SITE:
        rows = [reader.get(f"{name}_{a}")[electrode] for a in range(solids)]
        arrays[name] = np.stack(rows)[:, :sites]
    parts = {name: _part(name, values) for name, values in stored.meta["parts"].items()}
    return FilmState(**stored.meta["scalars"], **arrays, **parts)


class _Reader:
    """Gives every rank its part of the fields."""

    def __init__(self, space: NodalSpace, path: Path) -> None:
        self._space, self._path = space, path
        identity = _identity(space)
        wanted = space.comm.gather(identity)

        def places() -> None:
            nodes = self._read("nodes")
            rows = [np.searchsorted(nodes, part) for part in wanted or []]
            count = sum(part.size for part in rows)
            inside = all(
                np.array_equal(nodes[np.minimum(r, nodes.size - 1)], w)
                for r, w in zip(rows, wanted or [], strict=True)
            )
            if count != nodes.size or not inside:
                raise CheckpointError(
                    f"{path}: belongs to a mesh of {nodes.size} unknowns, this one has {count}; "
                    "continue with the mesh of the run's case.yaml"
                )
            self._rows.extend(rows)

        self._rows: list[IntArray] = []
        on_root(space.comm, places)

    def get(self, name: str) -> Array:
        """Return this rank's part of a field, (size,)."""
        values: list[Array | None] = [None] * self._space.comm.size

        def work() -> None:
            whole = self._read(name)
            values[:] = [whole[rows] for rows in self._rows]

        on_root(self._space.comm, work)
        part: Array = self._space.comm.scatter(values)
        return part

    def check_places(self) -> None:
        """Refuse a mesh whose nodes lie elsewhere."""
        gap = np.abs(self.get("points") - self._space.points).max(initial=0.0)
        error = None
        if gap > _SAME_PLACE * self._space.geometry.cell_size:
            error = CheckpointError(
                f"{self._path}: the nodes of its mesh lie elsewhere; continue with the same mesh"
            )
        raise_together(self._space.comm, error)

    def _read(self, name: str) -> Any:
        try:
            with h5py.File(self._path, "r") as file:
                return file[name][()]
        except (OSError, RuntimeError, KeyError) as error:
            raise CheckpointError(f"{self._path}: {name} cannot be read ({error})") from error
