"""The uniform grid under a box of linear elements: order, boundaries, and A = M^-1 K as a stencil.

With lumped mass M and the stiffness K of linear elements, A is a sum over axes of second
differences along one axis times a mean over the others. Beyond a face stand the mirrored nodes, or
those of the other side where the axis is periodic. Applied to slabs that fit a cache, without the
matrix, whose entries are ten times the field.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from interphase.solvers.space import Array, NodalSpace

type Marks = npt.NDArray[np.bool_]

# Nodes must lie on the grid to this part of its spacing.
_OFF_GRID = 1.0e-6
# Values that are worked on at a time: half a megabyte, which a core's own cache holds.
BLOCK = 65_536


def blocks(count: int, length: int = BLOCK) -> Iterator[slice]:
    """Yield slices of at most ``length`` (at least one) that cover ``count`` things."""
    length = max(length, 1)
    for start in range(0, count, length):
        yield slice(start, min(start + length, count))


class Side(Enum):
    """What the two ends of an axis do."""

    MIRROR = "mirror"
    HELD = "held"
    PERIODIC = "periodic"


class Grid:
    """Where the unknowns of a space lie on a uniform grid.

    Attributes:
        shape: nodes along each axis.
        spacing: cell edge along each axis [m].
    """

    def __init__(self, index: npt.NDArray[np.intp], shape: tuple[int, ...], spacing: Array) -> None:
        self.shape, self.spacing = shape, spacing
        place = np.ravel_multi_index(tuple(index), shape)
        # Unknowns that are numbered by position are in the grid's order: nothing to move.
        ordered = np.array_equal(place, np.arange(place.size))
        self._place = None if ordered else place
        self._order = None if ordered else np.argsort(place)

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
        return (values if self._order is None else values[self._order]).reshape(self.shape)

    def flat(self, grid: Array) -> Array:
        """Return an array over the grid as nodal values, (size,)."""
        values = grid.reshape(-1)
        return values if self._place is None else values[self._place]


class GridOperator:
    """A = M^-1 K of a uniform box, slab by slab.

    Bricks: the sum over axes of second differences times (1, 4, 1)/6 of the other axes (their
    consistent masses); simplices of a uniform box: of the node alone instead of that mean.
    """

    def __init__(self, grid: Grid, sides: tuple[Side, ...], *, simplex: bool) -> None:
        self._shape, self._simplex = grid.shape, simplex
        self._scales = 1.0 / grid.spacing**2
        # Which nodes stand before the first and after the last of an axis.
        self._ends = [
            ([n - 1], [0]) if side is Side.PERIODIC else ([1], [n - 2])
            for n, side in zip(grid.shape, sides, strict=True)
        ]

    def apply(self, values: Array, out: Array) -> None:
        """Write A ``values`` into ``out``; both are arrays over the grid."""
        before, after = self._ends[0]
        count = self._shape[0]
        rows = np.concatenate([before, np.arange(count), after])
        for part in blocks(count, BLOCK * count // values.size):
            out[part] = self._slab(values[rows[part.start : part.stop + 2]])

    def _slab(self, means: Array) -> Array:
        """Return A of a slab with a row of neighbours before and after it."""
        for axis in range(1, means.ndim):
            before, after = self._ends[axis]
            means = np.concatenate(
                [means.take(before, axis=axis), means, means.take(after, axis=axis)], axis=axis
            )
        # Axis by axis: the mean over the axes done, and the sum of what has its differences in it.
        total: Array | None = None
        for axis in reversed(range(means.ndim)):
            second = (-self._scales[axis]) * _beside(means, axis)
            second += (2.0 * self._scales[axis]) * _inner(means, axis)
            if total is not None:
                second += self._mean(total, axis)
            total = second
            if axis:
                means = self._mean(means, axis)
        return np.asarray(total)

    def _mean(self, values: Array, axis: int) -> Array:
        """Return the mean over an axis by consistent masses, without the axis' ends."""
        if self._simplex:
            return _inner(values, axis)
        return _beside(values, axis) / 6.0 + _inner(values, axis) * (2.0 / 3.0)


def _inner(values: Array, axis: int) -> Array:
    """Return ``values`` without the ends of an axis."""
    return np.moveaxis(np.moveaxis(values, axis, 0)[1:-1], 0, axis)


def _beside(values: Array, axis: int) -> Array:
    """Return the sum of both neighbours along an axis, without its ends."""
    moved = np.moveaxis(values, axis, 0)
    return np.moveaxis(moved[2:] + moved[:-2], 0, axis)
