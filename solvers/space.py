"""Nodal space: linear elements whose periodic faces share their unknowns.

DOLFINx has no periodic function spaces. Here a node on the far face of a periodic axis gets the
*global number* of its partner on the near face, and matrices are assembled through that
local-to-global map. This is exactly ``P^T A P`` with the constant prolongation ``P`` that ties the
two faces, without forming ``A`` or the product.

Arrays of nodal values live in the numbering of the *unknowns* (owned by this rank, slaves left
out), so that local physics is plain numpy and every sum over an array counts each node once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import ufl
from dolfinx import fem, la
from dolfinx.fem.petsc import assemble_matrix
from mpi4py import MPI
from petsc4py import PETSc

from interphase.meshes.geometry import Geometry
from interphase.parameters.errors import MeshError

type Array = npt.NDArray[np.float64]
type IntArray = npt.NDArray[np.int64]

# Periodic partners are matched by position rounded to this fraction of the cell size.
_MATCH = 1.0e-3


class NodalSpace:
    """Linear Lagrange space on a geometry, periodic where the geometry says so.

    Collective on ``geometry.comm``.

    Attributes:
        geometry: the mesh with its names.
        space: the DOLFINx function space (not periodic).
        size: number of unknowns owned by this rank.
        global_size: number of unknowns on all ranks.
        points: positions of the owned unknowns [m], shape (size, 3).
        mass: lumped mass times the slice depth [m3], shape (size,).
    """

    def __init__(self, geometry: Geometry, *, by_position: bool = False) -> None:
        """Build the space.

        Args:
            geometry: the mesh with its names.
            by_position: number the unknowns of a rank by their position, the last axis fastest, not
                as DOLFINx does: then those of a grid are an array over the grid.
        """
        self.geometry = geometry
        self.comm = geometry.comm
        self.space = fem.functionspace(geometry.mesh, ("Lagrange", 1))
        self.cells: IntArray = self.space.dofmap.list.astype(np.int64)
        self._number(by_position=by_position)
        self._scatter = self._make_scatter()
        u, w = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
        self.dim = geometry.mesh.geometry.dim
        self.laplacian: Any = None
        self.laplacian = self.assemble(ufl.inner(ufl.grad(u), ufl.grad(w)) * ufl.dx)
        consistent = self.assemble(u * w * ufl.dx)
        self.mass = row_sums(consistent)
        consistent.destroy()
        self.volume = self.sum(self.mass)

    @cached_property
    def gradients(self) -> list[Any]:
        """Matrices of the slopes along each axis times the mass [m2]; made at first use."""
        u, w = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
        return [self.assemble(u.dx(i) * w * ufl.dx) for i in range(self.dim)]

    def _number(self, *, by_position: bool) -> None:
        """Number the unknowns so that a slave carries the number of its master."""
        geometry, index_map = self.geometry, self.space.dofmap.index_map
        x = self.space.tabulate_dof_coordinates()
        owned = index_map.size_local
        upper = np.zeros(x.shape[0], dtype=bool)
        wrapped = x.copy()
        for axis, length in geometry.periods:
            low = self.comm.allreduce(x[:, axis].min(initial=np.inf), op=MPI.MIN)
            far = np.isclose(x[:, axis] - low, length, atol=_MATCH * geometry.cell_size, rtol=0.0)
            upper |= far
            wrapped[far, axis] -= length
        free = ~upper[:owned]
        self.size = int(free.sum())
        sizes = self.comm.allgather(self.size)
        start, self.global_size = sum(sizes[: self.comm.rank]), sum(sizes)
        numbers = la.vector(index_map, 1, dtype=np.int64)
        numbers.array[:] = -1
        self._free_local = np.flatnonzero(free)
        if by_position:
            # Rounded: nodes of one line of a grid differ by round-off.
            places = np.rint(x[self._free_local] / (_MATCH * geometry.cell_size))
            self._free_local = self._free_local[np.lexsort(places.T[::-1])]
        numbers.array[self._free_local] = start + np.arange(self.size)
        if geometry.periods:
            self._tie(numbers.array, x, wrapped, upper, owned)
        numbers.scatter_forward()
        if int(self.comm.allreduce(int((numbers.array < 0).sum()))):
            raise MeshError("mesh.periodic: the nodes of two opposite faces do not match")
        self.numbers = numbers.array.astype(np.int32)
        self.range = (start, start + self.size)
        self.points = x[self._free_local]
        self._map = PETSc.LGMap().create(self.numbers, comm=self.comm)

    def _tie(self, numbers: Any, x: Array, wrapped: Array, upper: Any, owned: int) -> None:
        """Give every owned slave the number of the master at its wrapped position."""
        scale = 1.0 / (_MATCH * self.geometry.cell_size) / 10.0
        axes = [axis for axis, _ in self.geometry.periods]
        lows = {a: self.comm.allreduce(x[:, a].min(initial=np.inf), op=MPI.MIN) for a in axes}
        near = np.zeros(owned, dtype=bool)
        for axis in axes:
            near |= np.abs(x[:owned, axis] - lows[axis]) < _MATCH * self.geometry.cell_size
        near &= ~upper[:owned]
        keys = np.rint(x[:owned][near] * scale).astype(np.int64)
        pairs = list(zip(map(tuple, keys), numbers[:owned][near].tolist(), strict=True))
        masters = {key: number for part in self.comm.allgather(pairs) for key, number in part}
        for i in np.flatnonzero(upper[:owned]):
            key = tuple(np.rint(wrapped[i] * scale).astype(np.int64))
            numbers[i] = masters.get(key, -1)

    def _make_scatter(self) -> tuple[Any, Any, Any]:
        source = self.vector()
        target = PETSc.Vec().createSeq(self.numbers.size, comm=PETSc.COMM_SELF)
        index = PETSc.IS().createGeneral(self.numbers, comm=PETSc.COMM_SELF)
        return PETSc.Scatter().create(source, index, target, None), source, target

    def vector(self) -> Any:
        """Return a new parallel vector of the unknowns."""
        return PETSc.Vec().createMPI((self.size, self.global_size), comm=self.comm)

    def full(self, values: Array) -> Array:
        """Return ``values`` (size,) on all local nodes of the DOLFINx space, ghosts included."""
        scatter, source, target = self._scatter
        source.array[:] = values
        scatter.scatter(source, target)
        return np.array(target.array)

    def owned(self, values: Array) -> Array:
        """Return the unknowns' part (size,) of an array over the local nodes of the space."""
        return values[self._free_local]

    def matrix(self) -> Any:
        """Return an empty matrix of the unknowns that DOLFINx can assemble into."""
        if self.laplacian is not None:
            # All have its places; to find them takes ten times as long as to fill them.
            return self.laplacian.duplicate()
        layout = (self.size, self.global_size)
        a = PETSc.Mat().createAIJ((layout, layout), comm=self.comm)
        a.setLGMap(self._map, self._map)
        a.setUp()
        return a

    def assemble(self, form: Any) -> Any:
        """Assemble a bilinear form, times the slice depth, over the unknowns into a new matrix."""
        a = self.matrix()
        assemble_matrix(a, fem.form(form))
        a.assemble()
        # Not in the form: a number there would make a new kernel for every depth.
        a.scale(self.geometry.depth)
        return a

    def assemble_vector(self, form: Any) -> Array:
        """Assemble a linear form, times the slice depth, over the unknowns, (size,)."""
        return self.collect(fem.assemble_vector(fem.form(form)).array) * self.geometry.depth

    def collect(self, local: Array) -> Array:
        """Return the unknowns' sums, (size,), of what all ranks have at their local nodes."""
        out = self.vector()
        out.setLGMap(self._map)
        out.setValuesLocal(np.arange(local.size, dtype=np.int32), local, addv=PETSc.InsertMode.ADD)
        out.assemble()
        result = np.array(out.array)
        out.destroy()
        return result

    def face(self, name: str) -> Array:
        """Return the outward area vector of the named boundary per node [m2], (dim, size)."""
        geometry = self.geometry
        ds = ufl.Measure("ds", domain=geometry.mesh, subdomain_data=geometry.facet_tags)
        normal, w = ufl.FacetNormal(geometry.mesh), ufl.TestFunction(self.space)
        tag = geometry.boundaries[name]
        return np.stack([self.assemble_vector(normal[i] * w * ds(tag)) for i in range(self.dim)])

    def apply(self, a: Any, values: Array) -> Array:
        """Return ``a @ values``, shape (size,)."""
        x, y = a.createVecRight(), a.createVecLeft()
        x.array[:] = values
        a.mult(x, y)
        result = np.array(y.array)
        release(x, y)
        return result

    def gradient(self, values: Array) -> Array:
        """Return the lumped nodal gradient, shape (dim, size)."""
        return np.stack([self.apply(g, values) for g in self.gradients]) / self.mass

    def divergence(self, vectors: Array) -> Array:
        """Return the lumped nodal divergence of ``vectors`` (dim, size), shape (size,)."""
        parts = [self.apply(g, v) for g, v in zip(self.gradients, vectors, strict=True)]
        return np.asarray(np.sum(parts, axis=0) / self.mass)

    def sum(self, values: Array) -> float:
        """Return the sum over all unknowns of all ranks."""
        return float(self.comm.allreduce(float(np.sum(values))))

    def any(self, marks: npt.NDArray[np.bool_]) -> bool:
        """Return whether any unknown of any rank is marked."""
        return bool(self.comm.allreduce(bool(np.any(marks)), op=MPI.LOR))

    def max(self, values: Array) -> float:
        """Return the largest value over all ranks (minus infinity if there is none)."""
        return float(self.comm.allreduce(float(np.max(values, initial=-np.inf)), op=MPI.MAX))

    def integral(self, values: Array) -> float:
        """Return the integral over the domain, slice depth included (unit of values x m3)."""
        return self.sum(self.mass * values)

    def distance(self, point: Array) -> Array:
        """Return every node's distance from ``point`` [m], (3,), across periodic sides, (size,)."""
        delta = self.points - point
        for axis, length in self.geometry.periods:
            delta[:, axis] -= length * np.rint(delta[:, axis] / length)
        return np.asarray(np.sqrt((delta**2).sum(axis=1)))

    def on_boundary(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which unknowns lie on the named boundary, shape (size,)."""
        geometry = self.geometry
        tags = geometry.facet_tags
        facets = tags.find(geometry.boundaries[name])
        dofs = fem.locate_dofs_topological(self.space, geometry.mesh.topology.dim - 1, facets)
        mark = la.vector(self.space.dofmap.index_map, 1, dtype=np.float64)
        mark.array[:] = 0.0
        mark.array[dofs] = 1.0
        # A rank may own a node without owning a facet that touches it.
        mark.scatter_reverse(la.InsertMode.add)
        return self.owned(mark.array) > 0.5


def row_sums(a: Any) -> Array:
    """Return the row sums of a matrix, shape (owned rows,)."""
    ones, out = a.createVecRight(), a.createVecLeft()
    ones.set(1.0)
    a.mult(ones, out)
    result = np.array(out.array)
    release(ones, out)
    return result


def release(*objects: Any) -> None:
    """Free PETSc objects (or None) now. Collective.

    On several ranks Python's garbage collection only puts them aside, since to free them is
    collective: what is dropped without this stays to the end of the run.
    """
    for thing in objects:
        if thing is not None:
            thing.destroy()


def stack_full(space: NodalSpace, fields: Sequence[Array]) -> Array:
    """Return several fields on all local nodes, shape (len(fields), local nodes)."""
    return np.stack([space.full(f) for f in fields])
