"""Nodal values in the order in which the mesh was made, which no partition changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.solvers.p3d.places import Array


class NodeMap:
    """Gathers nodal values on rank 0 and gives them back. Collective.

    Attributes:
        owned: nodes that this rank owns.
    """

    def __init__(self, space: Any) -> None:
        self._mesh, self._comm = space.mesh, space.mesh.comm
        dofmap, geometry = space.dofmap, space.mesh.geometry
        self.owned = int(dofmap.index_map.size_local)
        local = self.owned + int(dofmap.index_map.num_ghosts)
        node = np.empty(local, dtype=np.int64)
        node[dofmap.list] = geometry.dofmaps[0]
        self._identity = np.asarray(geometry.input_global_indices, dtype=np.int64)[node]
        self._position = geometry.x[node[: self.owned]]
        self._list = dofmap.list
        parts = self._comm.gather(self._identity[: self.owned])
        self._order: Any = None
        self._parts = parts
        if parts is not None:
            # nodes of the grid that no cell has are not here: numbers need not be 0, 1, 2, ...
            self._numbers = np.unique(np.concatenate(parts))
            self._order = np.argsort(np.concatenate(parts))

    def points(self) -> Array | None:
        """Return the positions of all nodes on rank 0 [m], (nodes, 3)."""
        return self.gather(self._position)

    def cells(self) -> Any:
        """Return the corners of all cells on rank 0, rank after rank."""
        parts = self._comm.gather(self._identity[self._list])
        if parts is None:
            return None
        return np.searchsorted(self._numbers, np.concatenate(parts))

    def gather(self, values: Array) -> Array | None:
        """Return the values of all nodes on rank 0, (nodes, ...), from the owned ones."""
        parts = self._comm.gather(values)
        if parts is None:
            return None
        return np.asarray(np.concatenate(parts)[self._order])

    def scatter(self, whole: Array | None) -> Array:
        """Return the values of the owned nodes, from all on rank 0."""
        parts = None
        if self._parts is not None and whole is not None:
            parts = [whole[np.searchsorted(self._numbers, one)] for one in self._parts]
        found: Array = self._comm.scatter(parts)
        return found
