"""Constant-coefficient operators of a uniform box, inverted by fast transforms.

With lumped mass M and the stiffness K of linear elements, A = M^-1 K of a uniform box has the
cosines (mirror faces), sines (faces held at zero) and Fourier modes (periodic axes) as exact
eigenvectors: K is a sum of tensor products of one-dimensional matrices that these modes share. So
any polynomial of A is inverted in two transforms, to round-off and without iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import fft

from interphase.solvers.grid import BLOCK, Grid, GridOperator, Marks, Side, blocks
from interphase.solvers.space import Array, NodalSpace

type Polynomial = tuple[float, float, float]
"""q0 [1/s], q1 [m2/s], q2 [m4/s] of the operator q0 + q1 A + q2 A^2."""

# What the modes make of A may differ from the assembled matrix by this part of its norm.
_EXACT = 1.0e-12


class BoxModes:
    """Cosine, sine and Fourier modes of a uniform box on one rank.

    Attributes:
        eigenvalues: of A = M^-1 K [1/m2], one per mode, in the shape of a transform.
    """

    def __init__(self, grid: Grid, sides: tuple[Side, ...], *, simplex: bool) -> None:
        self._grid, self._sides = grid, sides
        self._operator = GridOperator(grid, sides, simplex=simplex)
        self._inner = tuple(slice(1, -1) if s is Side.HELD else slice(None) for s in sides)
        self.eigenvalues = self._eigenvalues(simplex=simplex)
        self._polynomial: Polynomial | None = None
        self._inverse: Array = self.eigenvalues
        # Halfway through a transform. Kept: new pages would cost as much as a pass.
        count = len(range(*self._inner[0].indices(grid.shape[0])))
        kind = complex if self._along(Side.PERIODIC, range(1, len(sides))) else float
        self._spectrum: Any = np.empty((count, *self.eigenvalues.shape[1:]), dtype=kind)

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
        grid = Grid.of(space)
        if grid is None:
            return None
        sides = grid.sides(space, held)
        if sides is None:
            return None
        simplex = space.geometry.mesh.topology.cell_name() in ("triangle", "tetrahedron")
        modes = cls(grid, sides, simplex=simplex)
        return modes if modes._agrees(space, held) else None

    def times(self, values: Array) -> Array:
        """Return A ``values``, (size,); on held faces as if they were mirrors."""
        grid = self._grid.shaped(values)
        out = np.empty_like(grid)
        self._operator.apply(grid, out)
        return self._grid.flat(out)

    def solve(self, polynomial: Polynomial, rhs: Array) -> Array:
        """Return x of (q0 + q1 A + q2 A^2) x = ``rhs``, (size,); may take the array of ``rhs``.

        Both are zero on held nodes.
        """
        if polynomial != self._polynomial:
            q0, q1, q2 = polynomial
            self._inverse = 1.0 / (q0 + self.eigenvalues * (q1 + q2 * self.eigenvalues))
            self._polynomial = polynomial
        return self._filter(self._inverse, rhs)

    def _filter(self, factor: Array, values: Array) -> Array:
        """Return ``values`` with every mode multiplied by its ``factor``, in place.

        Slab by slab along the later axes, then block by block along the first one, there and back:
        every piece fits a core's cache, where the whole field may not.
        """
        grid = self._grid.shaped(values)
        inside, spectrum = grid[self._inner], self._spectrum
        count, across = inside.shape[0], range(1, inside.ndim)
        width = factor[0].size
        for part in blocks(count, BLOCK * count // inside.size):
            spectrum[part] = self._forward(inside[part], across)
        flat, weights = spectrum.reshape(count, width), factor.reshape(-1, width)
        for part in blocks(width, BLOCK // count):
            modes = self._forward(flat[:, part], (0,))
            modes *= weights[:, part]
            flat[:, part] = self._backward(modes, (0,))
        for part in blocks(count, BLOCK * count // inside.size):
            inside[part] = self._backward(spectrum[part], across)
        return self._grid.flat(grid)

    def _along(self, side: Side, axes: Sequence[int]) -> list[int]:
        return [a for a in axes if self._sides[a] is side]

    def _forward(self, grid: Any, axes: Sequence[int]) -> Any:
        """Return the modes along ``axes``; real transforms first, they need real values."""
        if mirror := self._along(Side.MIRROR, axes):
            grid = fft.dctn(grid, type=1, axes=mirror)
        if held := self._along(Side.HELD, axes):
            grid = fft.dstn(grid, type=1, axes=held)
        if periodic := self._along(Side.PERIODIC, axes):
            whole = np.iscomplexobj(grid)
            grid = (fft.fftn if whole else fft.rfftn)(grid, axes=periodic)
        return grid

    def _backward(self, modes: Any, axes: Sequence[int]) -> Any:
        """Return the values of modes along ``axes``."""
        if periodic := self._along(Side.PERIODIC, axes):
            shape = [self._grid.shape[a] for a in periodic]
            modes = (fft.ifftn if self._halved not in axes else fft.irfftn)(
                modes, s=shape, axes=periodic
            )
        if held := self._along(Side.HELD, axes):
            modes = fft.idstn(modes, type=1, axes=held, overwrite_x=True)
        if mirror := self._along(Side.MIRROR, axes):
            modes = fft.idctn(modes, type=1, axes=mirror, overwrite_x=True)
        return modes

    @property
    def _halved(self) -> int:
        """Return the last periodic axis, of whose modes a real transform keeps half; or -1."""
        return max(self._along(Side.PERIODIC, range(len(self._sides))), default=-1)

    def _eigenvalues(self, *, simplex: bool) -> Array:
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
            kept = nodes // 2 + 1 if axis == self._halved else nodes
            angle = 2.0 * np.pi * np.arange(kept) / nodes
        return angle.reshape([-1 if a == axis else 1 for a in range(len(self._sides))])

    def _agrees(self, space: NodalSpace, held: Marks | None) -> bool:
        """Return whether modes and stencil make of a rough field what the assembled matrix does."""
        rough = np.random.default_rng(0).normal(size=space.size)
        free = np.ones(space.size) if held is None else 1.0 - held
        rough *= free
        exact = space.apply(space.laplacian, rough) / space.mass
        by_modes = self._filter(self.eigenvalues, rough.copy()) - free * exact
        by_stencil = self.times(rough) - exact
        worst = max(float(np.abs(by_modes).max()), float(np.abs(by_stencil).max()))
        return worst <= _EXACT * float(self.eigenvalues.max()) * np.sqrt(space.size)
