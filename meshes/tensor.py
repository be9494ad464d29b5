"""Hexahedra of a tensor-product grid of which some cells may be missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

# Corners of a cell in DOLFINx's order: the first axis runs fastest.
_CORNERS: Final = np.array(list(itertools.product((0, 1), repeat=3)))[:, ::-1]
_SIDES: Final = [np.flatnonzero(_CORNERS[:, a] == end) for a in range(3) for end in (0, 1)]


@dataclass(frozen=True, eq=False)
class Tensor:
    """All cells between the planes of three axes.

    Attributes:
        lines: positions of the planes along each axis, rising.
        closed: axis whose last plane is its first, or None.
    """

    lines: tuple[Floats, Floats, Floats]
    closed: int | None = None

    @property
    def index(self) -> Ints:
        """Index of each cell along the axes, (cells, 3)."""
        counts = [np.arange(len(x) - 1) for x in self.lines]
        return np.stack(np.meshgrid(*counts, indexing="ij"), axis=-1).reshape(-1, 3)

    @property
    def middle(self) -> Floats:
        """Centre of each cell in the coordinates of the axes, (cells, 3)."""
        index = self.index
        return np.stack(
            [((x[:-1] + x[1:]) / 2)[index[:, a]] for a, x in enumerate(self.lines)], axis=1
        )

    def hexahedra(self, kept: npt.NDArray[np.bool_]) -> tuple[Floats, Ints]:
        """Return points (points, 3), in the coordinates of the axes, and corners of kept cells."""
        corner = self.index[kept][:, None, :] + _CORNERS[None]
        nodes = [len(x) for x in self.lines]
        if self.closed is not None:
            nodes[self.closed] -= 1
            corner[..., self.closed] %= nodes[self.closed]
        number = (corner[..., 0] * nodes[1] + corner[..., 1]) * nodes[2] + corner[..., 2]
        used, cells = np.unique(number, return_inverse=True)
        at = np.unravel_index(used, nodes)
        points = np.stack([x[i] for x, i in zip(self.lines, at, strict=True)], axis=1)
        return points, cells.reshape(number.shape).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets that belong to one cell only.

    Attributes:
        corners: numbers of the points, (facets, 3 or 4).
        cell: that they belong to, (facets,).
        side: of that cell: 2 a + 1 at the high end of axis a, 2 a at the low end, (facets,).
    """

    corners: Ints
    cell: Ints
    side: Ints


def outside(cells: Ints) -> Facets:
    """Return the facets on the outside of hexahedra."""
    facets = np.concatenate([cells[:, side] for side in _SIDES])
    owner = np.tile(np.arange(len(cells)), 6)
    side = np.repeat(np.arange(6), len(cells))
    alone = _alone(facets)
    return Facets(facets[alone], owner[alone], side[alone])


def outside_tetrahedra(
    points: Floats, cells: Ints, side_of: Callable[[Floats, Floats], Ints]
) -> Facets:
    """Return the facets on the outside of tetrahedra.

    Args:
        points: positions [m], (points, 3).
        cells: corners, (cells, 4).
        side_of: gives the side from middles [m] and outward unit normals, (facets, 3) each.
    """
    facets = np.concatenate([np.delete(cells, corner, axis=1) for corner in range(4)])
    owner = np.tile(np.arange(len(cells)), 4)
    alone = _alone(facets)
    corners, owner = facets[alone], owner[alone]
    at = points[corners]
    middle = at.mean(axis=1)
    normal = np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0])
    inwards = points[cells[owner]].mean(axis=1) - middle
    normal *= -np.sign((normal * inwards).sum(axis=1, keepdims=True))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return Facets(corners, owner, side_of(middle, normal))


def _alone(facets: Ints) -> Ints:
    """Return the numbers of the facets that only one cell has."""
    _, first, count = np.unique(
        np.sort(facets, axis=1), axis=0, return_index=True, return_counts=True
    )
    return np.asarray(first[count == 1])
