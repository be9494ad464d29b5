"""Stiffness matrices with a coefficient per cell, re-assembled every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import assemble_matrix

from interphase.solvers.grid import blocks
from interphase.solvers.space import Array, NodalSpace

# Boundary values are held by this multiple of the largest diagonal entry.
_HOLD = 1.0e6


@dataclass(frozen=True)
class Workspace:
    """Matrices for fields that are solved one after the other.

    Attributes:
        stiffness: any field's, in turn.
        system: of any field's step, in turn.
    """

    stiffness: Any
    system: Any

    @classmethod
    def of(cls, space: NodalSpace) -> Self:
        """Return a new one."""
        return cls(space.matrix(), space.matrix())


class CellStiffness:
    """K_ij = integral of grad(w_i) . D grad(w_j) with a scalar or symmetric tensor D per cell.

    Over all cells, or over those of ``restrict`` only: the others then have D = 0, and arrays per
    cell leave them out.
    """

    def __init__(self, space: NodalSpace, *, tensor: bool, matrix: Any = None) -> None:
        """Build the form.

        Args:
            space: the nodal space.
            tensor: whether D is a tensor.
            matrix: to assemble into, shared with others that are not in use at the same time; its
                own if left out.
        """
        self._space = space
        dim = space.dim
        cells = fem.functionspace(space.geometry.mesh, ("DG", 0))
        self._all = self._cells = cells.dofmap.list[:, 0]
        self._nodes = space.cells
        u, w = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
        self._pairs = [(i, j) for i in range(dim) for j in range(i, dim)] if tensor else [(0, 0)]
        self._coefficients = [fem.Function(cells) for _ in self._pairs]
        named = dict(zip(self._pairs, self._coefficients, strict=True))
        if tensor:
            d = ufl.as_tensor(
                [[named[(min(i, j), max(i, j))] for j in range(dim)] for i in range(dim)]
            )
            integrand = ufl.inner(d * ufl.grad(u), ufl.grad(w))
        else:
            integrand = named[(0, 0)] * ufl.inner(ufl.grad(u), ufl.grad(w))
        self._integrand, self._metadata = integrand, {"quadrature_degree": 2 if dim > 1 else 0}
        self._measure = ufl.dx(metadata=self._metadata)
        self._form = fem.form(integrand * self._measure)
        self._field: Any = None
        self._flux: Any = None
        self.matrix: Any = space.matrix() if matrix is None else matrix

    def restrict(self, inside: npt.NDArray[np.bool_]) -> None:
        """Assemble over the cells of this rank from now on whose nodes are all ``inside``.

        Args:
            inside: nodes of the domain, ghosts included, (local nodes,).
        """
        space = self._space
        mesh = space.geometry.mesh
        chosen = np.flatnonzero(inside[space.cells].all(axis=1))
        # Ghost cells are assembled by their owners.
        own = chosen[chosen < mesh.topology.index_map(mesh.topology.dim).size_local]
        self._cells, self._nodes = self._all[own], space.cells[own]
        data = [(1, own.astype(np.int32))]
        self._measure = ufl.Measure("dx", mesh, subdomain_data=data, metadata=self._metadata)(1)
        self._form = fem.form(self._integrand * self._measure)
        self._flux = None

    def assemble(self, coefficient: Array) -> Any:
        """Return the matrix for a coefficient per cell, (cells,) or (dim, dim, cells)."""
        self._fill(slice(None), coefficient)
        return self._assembled()

    def assemble_law(self, fields: Array, law: Callable[[Array], Array]) -> Any:
        """Return the matrix for a coefficient that depends on the cell means of some fields.

        Block by block of cells: what the law needs for a while is never as large as the mesh.

        Args:
            fields: values on all local nodes, (fields, local nodes).
            law: gives the coefficient, (n,) or (dim, dim, n), from the means (fields, n).
        """
        for part in blocks(self._cells.size):
            self._fill(part, law(self.cell_mean(fields, part)))
        return self._assembled()

    def _fill(self, part: slice, coefficient: Array) -> None:
        for (i, j), function in zip(self._pairs, self._coefficients, strict=True):
            values = coefficient if coefficient.ndim == 1 else coefficient[i, j]
            function.x.array[self._cells[part]] = self._space.geometry.depth * values

    def _assembled(self) -> Any:
        self.matrix.zeroEntries()
        assemble_matrix(self.matrix, self._form)
        self.matrix.assemble()
        return self.matrix

    def outflow(self, values: Array) -> Array:
        """Return ``K x`` for the last coefficient, (size,), by the fluxes in cells. Collective.

        What leaves one node arrives at others, to round-off of the flux. The rows of K sum to zero
        to round-off of its entries only, which may be a million times larger.
        """
        if self._flux is None:
            self._field = fem.Function(self._space.space)
            self._flux = fem.form(ufl.action(self._integrand * self._measure, self._field))
        self._field.x.array[:] = self._space.full(values)
        return self._space.collect(fem.assemble_vector(self._flux).array)

    def cell_mean(self, values: Array, part: slice = slice(None)) -> Array:
        """Return the mean of nodal ``values`` (..., local nodes) over the nodes of each cell.

        Of all cells, or of a ``part`` of them.
        """
        nodes = self._nodes[part]
        total = values[..., nodes[:, 0]]
        for corner in range(1, nodes.shape[1]):
            total += values[..., nodes[:, corner]]
        total /= nodes.shape[1]
        return np.asarray(total)


class ShiftedSystem:
    """The system ``(scale K + diag) x = b`` with x held on some nodes; keeps K for its fluxes."""

    def __init__(self, space: NodalSpace, held: np.ndarray, matrix: Any = None) -> None:
        """Build it with some nodes ``held``.

        ``matrix``, if given, is shared with others that are not in use at the same time.
        """
        self._space = space
        self.held = held
        self._matrix: Any = matrix
        self._extra: Any = None
        self._hold = 0.0

    def build(self, k: Any, diagonal: Array, scale: float = 1.0) -> Any:
        """Return the matrix of the system for the stiffness ``k``."""
        if self._matrix is None:
            self._matrix = k.duplicate()
        if self._extra is None:
            self._extra = self._matrix.createVecLeft()
        k.copy(self._matrix, structure=True)
        if scale != 1.0:
            self._matrix.scale(scale)
        self._matrix.getDiagonal(self._extra)
        self._hold = _HOLD * self._space.max(np.abs(self._extra.array))
        self._extra.array[:] += diagonal + self._hold * self.held
        self._matrix.setDiagonal(self._extra)
        return self._matrix

    def holding(self, value: float) -> Array:
        """Return the right-hand side that holds the nodes at ``value``."""
        return self._hold * value * self.held

    def inflow(self, x: Array, value: float) -> Array:
        """Return what enters through the held nodes (units of K x), per node."""
        return np.asarray(self._hold * (value - x) * self.held)
