"""Between the cells of the mesh and the places: means over a place, loads from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ufl
from dolfinx import fem, la
from mpi4py import MPI

from interphase.meshes.cell3d import CellMesh
from interphase.solvers.p3d.places import Array


class PlaceMap:
    """The places of this rank. All their cells are here too.

    Attributes:
        cells: the mesh.
        numbers: of the places over all ranks, rising, (n,).
        size: how many places this rank has, n.
        total: how many all ranks have.
        volume: of each place [m3], (n,).
        centre: of each place [m], (n, 3).
    """

    def __init__(self, cells: CellMesh) -> None:
        self.cells = cells
        inside = np.flatnonzero(cells.place >= 0)
        self.numbers = np.unique(cells.place[inside])
        self.size, self.total = int(self.numbers.size), cells.places
        self._space = fem.functionspace(cells.mesh, ("DG", 0))
        # the unknown of each cell in its own order
        self._dof = self._space.dofmap.list[:, 0]
        self._place = np.full(cells.place.size, -1, dtype=np.int64)
        self._place[self._dof[inside]] = np.searchsorted(self.numbers, cells.place[inside])
        self._rows = np.flatnonzero(self._place >= 0)
        x = ufl.SpatialCoordinate(cells.mesh)
        self.volume = self.summed(fem.Constant(cells.mesh, 1.0), ufl.dx)()
        moments = [self.summed(x[axis], ufl.dx)() for axis in range(3)]
        self.centre = np.stack(moments, axis=1) / self.volume[:, None]

    def summed(self, integrand: Any, dx: Any) -> Callable[[], Array]:
        """Return what integrates a scalar over each place, (n,), as its functions then are."""
        form = fem.form(integrand * ufl.TestFunction(self._space) * dx)

        def work() -> Array:
            values = fem.assemble_vector(form).array[self._rows]
            return np.bincount(self._place[self._rows], values, minlength=self.size)

        return work

    def means(self, space: Any) -> PlaceIntegrals:
        """Return the integrals over places of the functions of a scalar space."""
        return PlaceIntegrals(self._integrals(space), space)

    def differences(self, space: Any) -> PlaceIntegrals:
        """Return the integrals of the second less the first component of functions of ``space``."""
        parts = [space.sub(component).collapse() for component in (0, 1)]
        size = (space.dofmap.index_map.size_local + space.dofmap.index_map.num_ghosts) * 2
        whole = None
        for (scalar, unknowns), sign in zip(parts, (-1.0, 1.0), strict=True):
            # the unknowns of a component are not numbered as those of a scalar space of its own
            part = self._integrals(scalar) @ _columns(np.ravel(unknowns), size)
            whole = sign * part if whole is None else whole + sign * part
        return PlaceIntegrals(whole, space)

    def _integrals(self, space: Any) -> Any:
        trial, test = ufl.TrialFunction(space), ufl.TestFunction(self._space)
        matrix = fem.assemble_matrix(fem.form(trial * test * ufl.dx)).to_scipy()
        return _indicator(self._place, self._rows, self.size, matrix.shape[0]) @ matrix

    def spread(self, values: Array, function: Any) -> None:
        """Set a function that is constant in each cell; 0 outside of the places.

        Args:
            values: one per place, (n,).
            function: of the space `cell_function` makes.
        """
        function.x.array[:] = 0.0
        function.x.array[self._rows] = values[self._place[self._rows]]

    def cell_function(self) -> Any:
        """Return a function that is constant in each cell."""
        return fem.Function(self._space)

    def cell_values(self, values: Array) -> Array:
        """Return the value of the place of each cell of this rank, nan outside, (cells,)."""
        found = np.full(self._place.size, np.nan)
        found[self._rows] = values[self._place[self._rows]]
        return found[self._dof]

    def by_region(self, values: Array) -> Any:
        """Return a function with one value per region, in the order of ``cells.regions``."""
        function = self.cell_function()
        function.x.array[self._dof] = values[self.cells.region]
        return function

    def gather(self, values: Array) -> Array | None:
        """Return the values of all places by number on rank 0, None elsewhere. Collective.

        Args:
            values: (n, ...).
        """
        parts = self.cells.comm.gather((self.numbers, values))
        if parts is None:
            return None
        whole = np.empty((self.total, *values.shape[1:]))
        for numbers, part in parts:
            whole[numbers] = part
        return whole

    def scatter(self, whole: Array | None) -> Array:
        """Return this rank's part of what rank 0 has of all places, (n, ...). Collective."""
        wanted = self.cells.comm.gather(self.numbers)
        parts = None
        if wanted is not None and whole is not None:
            parts = [whole[numbers] for numbers in wanted]
        found: Array = self.cells.comm.scatter(parts)
        return found

    def sum(self, values: Array) -> float:
        """Return the sum over the places of all ranks. Collective."""
        return float(self.cells.comm.allreduce(float(np.sum(values)), op=MPI.SUM))


class PlaceIntegrals:
    """Integrals over places of something linear in a function."""

    def __init__(self, matrix: Any, space: Any) -> None:
        self._matrix, self._transposed = matrix.tocsr(), matrix.T.tocsr()
        dofmap = space.dofmap
        self._vector = la.vector(dofmap.index_map, dofmap.bs)
        self._owned = dofmap.index_map.size_local * dofmap.bs

    def of(self, values: Array) -> Array:
        """Return the integrals, (n,), of the function with local unknowns ``values``."""
        return np.asarray(self._matrix @ values)

    def load(self, density: Array) -> Array:
        """Return the load of a ``density`` uniform in each place (n,), (owned,). Collective."""
        self._vector.array[:] = self._transposed @ density
        self._vector.scatter_reverse(la.InsertMode.add)
        return np.array(self._vector.array[: self._owned])


def _indicator(place: Any, rows: Any, places: int, size: int) -> Any:
    from scipy.sparse import csr_array

    ones = np.ones(rows.size)
    return csr_array((ones, (place[rows], rows)), shape=(places, size))


def _columns(unknowns: Any, size: int) -> Any:
    """Return the matrix that moves the columns of a scalar space to their places among others."""
    from scipy.sparse import csr_array

    count = unknowns.size
    return csr_array((np.ones(count), (np.arange(count), unknowns)), shape=(count, size))
