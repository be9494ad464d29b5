"""Upwind operators on the graph of the nodes: carrying values along normals, the eikonal equation.

Both are first-order, monotone and causal: a node takes its value from neighbours that lie nearer to
the place where the values are known. Weights come from the stiffness matrix with nodal quadrature,
which on a grid is the classical upwind scheme.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import ufl
from mpi4py import MPI
from petsc4py import PETSc

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.space import Array, NodalSpace

type BoolArray = npt.NDArray[np.bool_]
type IntArray = npt.NDArray[np.int64]

# Sweeps until information has crossed all nodes, with much to spare.
_SWEEPS = 100_000
# How soon boundaries count as oblique: power of the largest part of a slope's square.
_ALONG = 8


class NodeGraph:
    """Neighbours of every owned node with positive weights, and the exchange of their values.

    Attributes:
        neighbours: index of each neighbour into an array made by ``with_halo``, (size, degree);
            missing entries point at the node itself.
        weights: w_ij [1/m2] with ``|grad f|^2 = 1/2 sum_j w_ij (f_i - f_j)^2``, (size, degree).
    """

    def __init__(self, space: NodalSpace) -> None:
        self.space = space
        u, w = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
        metadata = {"quadrature_rule": "GLL", "quadrature_degree": 1}
        if space.geometry.mesh.topology.cell_name() in ("triangle", "tetrahedron"):
            metadata = {"quadrature_rule": "default", "quadrature_degree": 1}
        stiffness = space.assemble(ufl.inner(ufl.grad(u), ufl.grad(w)) * ufl.dx(metadata=metadata))
        pointers, columns, values = stiffness.getValuesCSR()
        stiffness.destroy()
        self._build(pointers, columns, values)

    def _build(self, pointers: Any, columns: Any, values: Array) -> None:
        space = self.space
        start, end = space.range
        # Positive off-diagonal entries (obtuse simplices) would break monotonicity: left out, as is
        # the diagonal.
        keep = values < -1e-9 * np.abs(values).max(initial=0.0)
        # Short integers: these arrays are the largest of the set-up.
        rows = np.repeat(np.arange(space.size, dtype=np.int32), np.diff(pointers))[keep]
        columns, values = columns[keep], values[keep]
        outside = (columns < start) | (columns >= end)
        ghosts = np.unique(columns[outside]).astype(np.int64)
        local = columns - np.int32(start)
        local[outside] = space.size + np.searchsorted(ghosts, columns[outside])
        counts = np.bincount(rows, minlength=space.size).astype(np.int32)
        degree = int(counts.max(initial=1))
        first = np.cumsum(counts, dtype=np.int32) - counts
        slot = np.arange(rows.size, dtype=np.int32) - first[rows]
        self.neighbours = np.repeat(np.arange(space.size)[:, None], degree, axis=1)
        self.weights = np.zeros((space.size, degree))
        self.neighbours[rows, slot] = local
        # Nodes with a neighbour on another rank.
        self._border = np.flatnonzero((self.neighbours >= space.size).any(axis=1))
        self._ghosts = ghosts
        self._scatters: dict[int, tuple[Any, Any, Any]] = {}
        # A node on a boundary has half the mass but a whole edge inward: the larger mass is the
        # edge's.
        mass = self.with_halo(space.mass)
        self.weights[rows, slot] = -values / np.maximum(mass[rows], mass[local])

    def with_halo(self, values: Array) -> Array:
        """Return owned values, (size,) or (size, k), then those of neighbours elsewhere."""
        halo = np.concatenate([values, np.empty((self._ghosts.size, *values.shape[1:]))])
        self.refresh(halo)
        return halo

    def refresh(self, halo: Array) -> None:
        """Bring the values from other ranks in ``halo`` up to date. Collective."""
        if self.space.comm.size == 1 and self._ghosts.size == 0:
            return
        width = halo.shape[1] if halo.ndim > 1 else 1
        scatter, source, target = self._scatter(width)
        source.array[:] = halo[: self.space.size].ravel()
        scatter.scatter(source, target)
        halo[self.space.size :] = target.array.reshape(halo[self.space.size :].shape)

    def _scatter(self, width: int) -> tuple[Any, Any, Any]:
        """Return the exchange of ``width`` values per node, made at first use."""
        if width not in self._scatters:
            layout = (self.space.size * width, self.space.global_size * width)
            source = PETSc.Vec().createMPI(layout, comm=self.space.comm)
            target = PETSc.Vec().createSeq(self._ghosts.size * width, comm=PETSc.COMM_SELF)
            index = PETSc.IS().createBlock(
                width, self._ghosts.astype(np.int32), comm=PETSc.COMM_SELF
            )
            self._scatters[width] = (
                PETSc.Scatter().create(source, index, target, None),
                source,
                target,
            )
        return self._scatters[width]

    def extension(self, distance: Array, band: BoolArray, known: BoolArray) -> Extension:
        """Return the operator that carries values from ``known`` nodes outward along ``distance``.

        Args:
            distance: unsigned distance from the place where values are known [m], (size,).
            band: nodes that shall receive values, (size,).
            known: nodes whose values are kept, (size,).
        """
        rows = np.flatnonzero(band & ~known)
        nb = self.neighbours[rows]
        fall = np.maximum(distance[rows, None] - self.with_halo(distance)[nb], 0.0)
        return Extension(self, rows, nb, self.weights[rows] * fall)

    def adjacent(self, mark: BoolArray) -> BoolArray:
        """Return the nodes that have a neighbour of the other kind, (size,). Collective."""
        halo = self.with_halo(mark.astype(np.float64))
        return np.asarray(
            ((halo[self.neighbours] != halo[: mark.size, None]) & (self.weights > 0)).any(axis=1)
        )

    def lowest(self, values: Array, marked: BoolArray, sweeps: int) -> Array:
        """Return the lowest value of marked nodes within ``sweeps`` edges, (size,). Collective.

        Paths lead through marked nodes only; other nodes keep infinity.
        """
        halo = self.with_halo(np.where(marked, values, np.inf))
        rows = np.flatnonzero(marked)
        neighbours = self.neighbours[rows]
        for _ in range(sweeps):
            halo[rows] = np.minimum(halo[rows], halo[neighbours].min(axis=1))
            self.refresh(halo)
        return halo[: values.size].copy()

    def upwind_slope(self, values: Array) -> Array:
        """Return |grad f| towards larger values, (size,), by a monotone scheme. Collective."""
        rise = np.maximum(self.with_halo(values)[self.neighbours] - values[:, None], 0.0)
        return np.asarray(np.sqrt((self.weights * rise**2).sum(axis=1)))

    def crossed(self, way: Array) -> float:
        """Return how many cells a boundary crosses on its ``way`` [m], (size,). Collective."""
        return self.space.max(way * np.sqrt(self.weights.sum(axis=1)))

    def rise(self, values: Array, way: Array) -> Array:
        """Return f after one explicit step of df/dt = v |grad f|, (size,). Collective.

        Boundaries stay a cell wide and keep their speed: what the upwind scheme would give to a
        node goes to the node that it comes from as long as that is not as full as its own. An even
        slope and a boundary oblique to the mesh are left to the upwind scheme.

        Sources: upwind scheme of Rouy & Tourin; the limited downwind flux after Despres &
        Lagoutiere, J. Sci. Comput. 16, 479 (2001), here on a graph.

        Args:
            values: f, (size,).
            way: v dt [m], (size,); of a longer one than a cell (`crossed`) only that counts.
        """
        nb, n, mass = self.neighbours, values.size, self.space.mass
        halo = self.with_halo(values)
        rises = np.maximum(halo[nb] - values[:, None], 0.0) * (self.weights > 0)
        squares = self.weights * rises**2
        total = squares.sum(axis=1)
        cell = 1.0 / np.sqrt(np.maximum(self.weights.sum(axis=1), 1e-300))
        gain = np.minimum(way, cell) * np.sqrt(total)
        room = np.maximum(rises.max(axis=1) - gain, 0.0) * mass
        # A boundary oblique to the mesh is a staircase, which must stay smeared to have its slope;
        # an even slope would break into steps.
        falls = np.maximum(values[:, None] - halo[nb], 0.0) * (self.weights > 0)
        top, whole = np.maximum(rises.max(axis=1), 1e-300), np.maximum(total, 1e-300)
        behind = (squares * self.with_halo(top)[nb]).sum(axis=1) / whole
        even = np.minimum(behind / top, 1.0) * np.minimum(falls.max(axis=1) / top, 1.0)
        part = (squares.max(axis=1) / whole) ** _ALONG * (1.0 - even)
        # What each node would hand back, per square of rise, seen by those that it comes from.
        offer = self.with_halo(mass * gain * part / whole)
        offered = (offer[nb] * self.weights * falls**2).sum(axis=1)
        taken = np.where(offered > 0, np.minimum(1.0, room / np.maximum(offered, 1e-300)), 0.0)
        back = (squares * self.with_halo(taken)[nb]).sum(axis=1) * offer[:n]
        return np.asarray(values + gain + (taken * offered - back) / mass)

    def eikonal(
        self,
        slowness: Array,
        source: BoolArray,
        start: Array,
        *,
        limit: float,
        base: Array | float = 0.0,
        tolerance: float = 1e-8,
    ) -> Array:
        """Solve ``|grad S| = slowness`` with ``S = base`` on ``source``, cut at ``limit``.

        Rouy-Tourin upwind scheme, fixed-point sweeps over the nodes that still change.

        Args:
            slowness: right-hand side per node [1/m], (size,).
            source: nodes where S is given, (size,).
            start: first guess, for instance the last solution, (size,).
            limit: values above are set to it: nobody needs them.
            base: the given values, (size,) or one number.
            tolerance: largest change at which the sweeps end, relative to ``limit``.

        Raises:
            ConvergenceError: the sweeps do not settle.
        """
        n, nb = source.size, self.neighbours
        halo = self.with_halo(np.where(source, base, np.minimum(start, limit)))
        reached = (halo[nb] < limit).any(axis=1) | (halo[:n] < limit)
        rows = np.flatnonzero(reached & ~source)
        for _ in range(_SWEEPS):
            old, elsewhere = halo[rows], halo[n:].copy()
            halo[rows] = self._local_eikonal(rows, halo, slowness, limit)
            moved = rows[np.abs(halo[rows] - old) > tolerance * limit]
            # Every sweep is the same on any number of ranks: a rank that went on alone would settle
            # on its neighbour's old values, again and again.
            self.refresh(halo)
            if not self.space.comm.allreduce(moved.size > 0, op=MPI.LOR):
                return halo[:n].copy()
            rows = self._beside(moved, np.abs(halo[n:] - elsewhere) > tolerance * limit, source)
        raise ConvergenceError(
            "eikonal equation: sweeps did not settle; check the mesh near the electrode"
        )

    def _beside(self, moved: IntArray, elsewhere: BoolArray, source: BoolArray) -> IntArray:
        """Return the nodes beside one that moved, here or elsewhere: only they can move next."""
        n = source.size
        near = np.zeros(n + elsewhere.size, dtype=bool)
        near[self.neighbours[moved].ravel()] = True
        if elsewhere.any():
            marks = np.concatenate([np.zeros(n, dtype=bool), elsewhere])
            near[self._border] |= marks[self.neighbours[self._border]].any(axis=1)
        return np.flatnonzero(near[:n] & ~source)

    def _local_eikonal(self, rows: IntArray, halo: Array, slowness: Array, limit: float) -> Array:
        """Solve ``sum_j w_ij max(S_i - S_j, 0)^2 = q_i^2`` for each of ``rows``."""
        w = self.weights[rows]
        values = np.where(w > 0, halo[self.neighbours[rows]], np.inf)
        order = np.argsort(values, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        w = np.take_along_axis(w, order, axis=1)
        finite = np.where(np.isfinite(values), values, 0.0)
        a, b = np.cumsum(w, axis=1), np.cumsum(w * finite, axis=1)
        c = np.cumsum(w * finite**2, axis=1) - slowness[rows, None] ** 2
        # Roots with the k lowest neighbours; the valid one lies between the k-th and the next.
        root = (b + np.sqrt(np.maximum(b**2 - a * c, 0.0))) / a
        following = np.concatenate([values[:, 1:], np.full((rows.size, 1), np.inf)], axis=1)
        valid = (root <= following) & (b**2 - a * c >= 0) & np.isfinite(values)
        first = np.argmax(valid, axis=1)
        found = np.take_along_axis(root, first[:, None], axis=1)[:, 0]
        return np.minimum(np.where(valid.any(axis=1), found, limit), limit)


class Extension:
    """Carries nodal values away from known nodes (constant along the normal)."""

    def __init__(
        self, graph: NodeGraph, rows: npt.NDArray[np.int64], neighbours: Any, weights: Array
    ) -> None:
        total = weights.sum(axis=1)
        ok = total > 0
        self._graph = graph
        self._rows, self._neighbours = rows[ok], neighbours[ok]
        self._weights = weights[ok] / total[ok, None]

    def apply(self, values: Array, sweeps: int) -> Array:
        """Return ``values``, (size,) or (size, k), after ``sweeps`` upwind sweeps. Collective."""
        halo = self._graph.with_halo(values)
        rule = "ij,ij->i" if values.ndim == 1 else "ij,ijk->ik"
        for _ in range(sweeps):
            halo[self._rows] = np.einsum(rule, self._weights, halo[self._neighbours])
            self._graph.refresh(halo)
        return halo[: values.shape[0]].copy()
