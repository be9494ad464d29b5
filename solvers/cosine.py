"""Constant-coefficient operators of a uniform box, inverted by fast transforms.

With lumped mass M and the stiffness K of linear elements, A = M^-1 K of a uniform box has the
cosines (mirror faces), sines (faces held at zero) and Fourier modes (periodic axes) as exact
eigenvectors: K is a sum of tensor products of one-dimensional matrices that these modes share. So
any polynomial of A is inverted in two transforms, to round-off and without iteration.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import fft

from interphase.solvers.space import Array, NodalSpace

type Polynomial = tuple[float, float, float]
"""q0 [1/s], q1 [m2/s], q2 [m4/s] of the operator q0 + q1 A + q2 A^2."""

type Marks = npt.NDArray[np.bool_]

# Nodes must lie on the grid to this part of its spacing.
_OFF_GRID = 1.0e-6
# What the modes make of A may differ from the assembled matrix by this part of its norm.
_EXACT = 1.0e-12


class Side(Enum):
    """What the two ends of an axis do."""

    MIRROR = "mirror"
    HELD = "held"
    PERIODIC = "periodic"


class BoxModes:
    """Cosine, sine and Fourier modes of a uniform box on one rank.

    Attributes:
        eigenvalues: of A = M^-1 K [1/m2], one per mode, in the shape of a transform.
    """

    def __init__(self, grid: _Grid, sides: tuple[Side, ...], *, simplex: bool) -> None:
        self._grid, self._sides = grid, sides
        axes = range(len(sides))
        self._mirror = [a for a in axes if sides[a] is Side.MIRROR]
        self._held = [a for a in axes if sides[a] is Side.HELD]
        self._periodic = [a for a in axes if sides[a] is Side.PERIODIC]
        self._inner = tuple(slice(1, -1) if s is Side.HELD else slice(None) for s in sides)
        self.eigenvalues = self._spectrum(simplex=simplex)
        self._polynomial: Polynomial | None = None
        self._inverse: Array = self.eigenvalues

    @classmethod
    def of(cls, space: NodalSpace, held: Marks | None = None) -> Self | None:
        """Return the modes of a space, None if it is no uniform box on one rank.

        The modes are compared with the assembled matrix; None if they do not diagonalise it.

        Args:
            space: the nodal space.
            held: nodes at which solutions are zero, (size,); None: none.
        """
        if space.comm.size > 1:
            return None
        grid = _Grid.of(space)
        if grid is None:
            return None
        sides = grid.sides(space, held)
        if sides is None:
            return None
        simplex = space.geometry.mesh.topology.cell_name() in ("triangle", "tetrahedron")
        modes = cls(grid, sides, simplex=simplex)
        return modes if modes._agrees(space, held) else None

    def solve(self, polynomial: Polynomial, rhs: Array) -> Array:
        """Return x of (q0 + q1 A + q2 A^2) x = ``rhs``, (size,), zero on held nodes."""
        if polynomial != self._polynomial:
            q0, q1, q2 = polynomial
            self._inverse = 1.0 / (q0 + self.eigenvalues * (q1 + q2 * self.eigenvalues))
            self._polynomial = polynomial
        return self._filter(self._inverse, rhs)

    def _filter(self, factor: Array, values: Array) -> Array:
        """Return ``values`` with every mode multiplied by its ``factor``."""
        spectrum = self._forward(self._grid.shaped(values)[self._inner])
        spectrum *= factor
        return self._grid.flat(self._backward(spectrum))

    def _forward(self, grid: Array) -> Any:
        if self._mirror:
            grid = fft.dctn(grid, type=1, axes=self._mirror)
        if self._held:
            grid = fft.dstn(grid, type=1, axes=self._held)
        return fft.rfftn(grid, axes=self._periodic) if self._periodic else grid

    def _backward(self, spectrum: Any) -> Array:
        shape = [self._grid.shape[a] for a in self._periodic]
        if self._periodic:
            spectrum = fft.irfftn(spectrum, s=shape, axes=self._periodic, overwrite_x=True)
        if self._held:
            inner = fft.idstn(spectrum, type=1, axes=self._held, overwrite_x=True)
            spectrum = np.zeros(self._grid.shape_within(self._held, inner.shape))
            spectrum[self._inner] = inner
        if self._mirror:
            spectrum = fft.idctn(spectrum, type=1, axes=self._mirror, overwrite_x=True)
        return np.asarray(spectrum)

    def _spectrum(self, *, simplex: bool) -> Array:
        """Return the eigenvalues of A from those of its one-dimensional factors.

        Bricks: A is the sum over axes of (2 - 2 cos)/h^2 times (2 + cos)/3 of the other axes (their
        consistent masses); simplices of a uniform box: the mass factors are one.
        """
        total: Array | float = 0.0
        count = len(self._sides)
        angles = [self._angle(a) for a in range(count)]
        for a in range(count):
            term: Any = (2.0 - 2.0 * np.cos(angles[a])) / self._grid.spacing[a] ** 2
            for b in range(count):
                if b != a and not simplex:
                    term = term * (2.0 + np.cos(angles[b])) / 3.0
            total = total + term
        shape = np.broadcast_shapes(*(angle.shape for angle in angles))
        return np.array(np.broadcast_to(total, shape))

    def _angle(self, axis: int) -> Array:
        """Return the phase per cell of the modes along an axis, shaped to be broadcast."""
        nodes = self._grid.shape[axis]
        if self._sides[axis] is Side.MIRROR:
            angle = np.pi * np.arange(nodes) / (nodes - 1)
        elif self._sides[axis] is Side.HELD:
            angle = np.pi * np.arange(1, nodes - 1) / (nodes - 1)
        else:
            # A real transform keeps half of the modes of the last periodic axis.
            half = axis == self._periodic[-1]
            angle = 2.0 * np.pi * (np.arange(nodes // 2 + 1) if half else np.arange(nodes)) / nodes
        return angle.reshape([-1 if a == axis else 1 for a in range(len(self._sides))])

    def _agrees(self, space: NodalSpace, held: Marks | None) -> bool:
        """Return whether the modes make of a rough field what the assembled matrix does."""
        rough = np.random.default_rng(0).normal(size=space.size)
        free = np.ones(space.size) if held is None else 1.0 - held
        rough *= free
        exact = free * space.apply(space.laplacian, rough) / space.mass
        difference = self._filter(self.eigenvalues, rough) - exact
        return float(np.abs(difference).max()) <= _EXACT * float(self.eigenvalues.max()) * np.sqrt(
            space.size
        )


class _Grid:
    """Where the unknowns of a space lie on a uniform grid.

    Attributes:
        shape: nodes along each axis.
        spacing: cell edge along each axis [m].
    """

    def __init__(self, index: npt.NDArray[np.intp], shape: tuple[int, ...], spacing: Array) -> None:
        self.shape, self.spacing = shape, spacing
        self._place = np.ravel_multi_index(tuple(index), shape)
        self._order = np.argsort(self._place)

    @classmethod
    def of(cls, space: NodalSpace) -> Self | None:
        """Return the grid of a space, None if its nodes lie on no uniform grid."""
        x = space.points[:, : space.dim].T
        low, high = x.min(axis=1), x.max(axis=1)
        if not np.all(high > low):
            return None
        # Rounded to a billionth of the box: neighbours stay apart, round-off does not count.
        fine = np.rint((x - low[:, None]) / (high - low)[:, None] * 2**30)
        levels = [np.unique(row).size for row in fine]
        if np.prod(levels) != space.size:
            return None
        counts = np.array(levels)
        spacing = (high - low) / (counts - 1)
        scaled = (x - low[:, None]) / spacing[:, None]
        index = np.rint(scaled).astype(np.intp)
        if np.abs(scaled - index).max() > _OFF_GRID:
            return None
        return cls(index, tuple(int(n) for n in levels), spacing)

    def sides(self, space: NodalSpace, held: Marks | None) -> tuple[Side, ...] | None:
        """Return what the ends of every axis do, None if single faces or nodes are held."""
        sides = [Side.MIRROR] * len(self.shape)
        for axis, _ in space.geometry.periods:
            sides[axis] = Side.PERIODIC
        if held is None or not held.any():
            return tuple(sides)
        marks = self.shaped(held)
        expected = np.zeros(self.shape, dtype=bool)
        for axis in range(len(self.shape)):
            ends = np.moveaxis(marks, axis, 0)[[0, -1]]
            if sides[axis] is Side.MIRROR and ends.all():
                sides[axis] = Side.HELD
                np.moveaxis(expected, axis, 0)[[0, -1]] = True
        return tuple(sides) if np.array_equal(marks, expected) else None

    def shaped(self, values: Any) -> Any:
        """Return nodal values (size,) as an array over the grid."""
        return values[self._order].reshape(self.shape)

    def flat(self, grid: Array) -> Array:
        """Return an array over the grid as nodal values, (size,)."""
        return np.asarray(grid.reshape(-1)[self._place])

    def shape_within(self, held: list[int], inner: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of ``inner`` with the ends of the held axes put back."""
        return tuple(n + 2 if a in held else n for a, n in enumerate(inner))
