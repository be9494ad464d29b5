"""Snapshots for scripts and pictures: VTK files gathered on rank 0, with an index."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import numpy as np

from interphase.meshes.parallel import on_root
from interphase.solvers.run_folder import RunFolder, write_whole, writing
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.vtu import write_vtu

logger = logging.getLogger(__name__)

# Above this many unknowns gathering on one rank would cost more than it serves.
LARGEST: Final = 2_000_000
# VTK counts the corners of a cell around it, DOLFINx row by row.
_CORNERS: Final[Mapping[str, tuple[str, tuple[int, ...]]]] = MappingProxyType(
    {
        "interval": ("line", (0, 1)),
        "triangle": ("triangle", (0, 1, 2)),
        "quadrilateral": ("quad", (0, 1, 3, 2)),
        "tetrahedron": ("tetra", (0, 1, 2, 3)),
        "hexahedron": ("hexahedron", (0, 1, 3, 2, 4, 5, 7, 6)),
    }
)


class MeshNodes:
    """Order of the mesh's nodes as it was built, which no partition changes.

    Attributes:
        identity: input number of each local node, in the order of the space's local unknowns.
        owned: how many of the local nodes this rank owns.
    """

    def __init__(self, space: NodalSpace) -> None:
        geometry = space.geometry.mesh.geometry
        node = np.empty(space.numbers.size, dtype=np.int64)
        node[space.cells] = geometry.dofmaps[0]
        self.identity = np.asarray(geometry.input_global_indices, dtype=np.int64)[node]
        self.owned = int(space.space.dofmap.index_map.size_local)


class Snapshots:
    """Writes ``snapshots/NNNN.vtu``. Collective on the space's communicator.

    Attributes:
        entries: time [s] and file of every snapshot so far, in rising time.
    """

    def __init__(self, space: NodalSpace, folder: RunFolder, entries: list[dict[str, Any]]) -> None:
        self._space, self._folder = space, folder
        self.entries = entries
        self.enabled = space.global_size <= LARGEST
        if not self.enabled and space.comm.rank == 0:
            logger.info("more than %d unknowns: no snapshots, no pictures by report", LARGEST)
        if self.enabled:
            self._gather_mesh()

    def _gather_mesh(self) -> None:
        """Gather points and cells on rank 0."""
        space = self._space
        mesh = space.geometry.mesh
        nodes = MeshNodes(space)
        self._owned = nodes.owned
        cells = mesh.topology.index_map(mesh.topology.dim).size_local
        points = space.space.tabulate_dof_coordinates()[: nodes.owned]
        parts = space.comm.gather(
            (nodes.identity[: nodes.owned], points, nodes.identity[space.cells[:cells]])
        )
        self._kind, corners = _CORNERS[mesh.topology.cell_name()]
        if parts is None:
            return
        identity = np.concatenate([p[0] for p in parts])
        self._order = np.argsort(identity)
        self._points: Array = np.concatenate([p[1] for p in parts])[self._order]
        connected = np.concatenate([p[2] for p in parts])[:, corners]
        self._cells = np.searchsorted(identity[self._order], connected)

    def write(self, time: float, fields: Mapping[str, Array]) -> None:
        """Write all fields at ``time`` [s], (size,) each.

        Raises:
            OutputError: on every rank, if it cannot be written.
        """
        if not self.enabled:
            return
        local = [
            self._space.full(values)[: self._owned].astype(np.float32) for values in fields.values()
        ]
        parts = self._space.comm.gather(np.stack(local))
        file = f"{len(self.entries):04d}.vtu"
        self.entries.append({"time": time, "file": file})

        def work() -> None:
            values = np.concatenate(parts or [], axis=1)[:, self._order]
            data = dict(zip(fields, values, strict=True))
            self._save(self._folder.snapshots / file, data)
            self._index()

        on_root(self._space.comm, work)

    def _save(self, path: Path, data: dict[str, Array]) -> None:
        temporary = path.with_name(f".{path.name}.part")
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            try:
                write_vtu(temporary, self._points, self._kind, self._cells, data)
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def _index(self) -> None:
        write_whole(self._folder.snapshots / "snapshots.json", json.dumps(self.entries, indent=1))
        write_whole(self._folder.path / "fields.pvd", collection(self.entries))


def collection(entries: list[dict[str, Any]]) -> str:
    """Return a ParaView collection (.pvd) of snapshots."""
    rows = [
        f'  <DataSet timestep="{e["time"]!r}" part="0" file={quoteattr("snapshots/" + e["file"])}/>'
        for e in entries
    ]
    head = (
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">'
    )
    return "\n".join([head, " <Collection>", *rows, " </Collection>", "</VTKFile>", ""])
