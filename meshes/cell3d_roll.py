"""Cylindrical cells: a jelly roll around a hollow mandrel, in a can or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from interphase.meshes.cell3d import CASING, STACK, TABS, CellGrid
from interphase.meshes.places import make_places
from interphase.meshes.tensor import Facets, Tensor, outside

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

FACES: Final = ("core", "side", "bottom", "top")
"""Names of the outer faces: towards the mandrel, the mantle, and the ends beside the tabs."""

_SIDES: Final = {0: "core", 1: "side", 4: "bottom", 5: "top"}


def roll_grid(
    radii: tuple[float, float],
    height: float,
    cells: Sequence[int],
    places: int | Sequence[int],
    *,
    casing: float = 0.0,
) -> CellGrid:
    """Return a jelly roll around the z axis, all turns of a collector joined at an end.

    The negative collector is joined at the bottom, the positive one at the top. With a casing its
    bottom and lid carry the current to the terminals, and the wall is insulated from the roll.

    Args:
        radii: of the mandrel and of the roll [m].
        height: of the roll [m].
        cells: across the turns, around, along the axis.
        places: how many, or how many along these three.
        casing: thickness of the can [m].

    Raises:
        MeshError: more places than cells.
    """
    radial = np.linspace(*radii, cells[0] + 1)
    angle = np.linspace(0.0, 2.0 * np.pi, cells[1] + 1)
    axial = np.linspace(0.0, height, cells[2] + 1)
    if casing > 0.0:
        radial = np.append(radial, radii[1] + casing)
        axial = np.concatenate([[-casing], axial, [height + casing]])
    tensor = Tensor((radial, angle, axial), closed=1)
    middle = tensor.middle
    region, names = _regions(middle, radii[1], height, casing)
    flat, corners = tensor.hexahedra(np.ones(len(middle), dtype=bool))
    place = np.full(len(corners), -1, dtype=np.int64)
    inside = region == 0
    dr, dz = np.diff(radial), np.diff(axial)
    index = tensor.index[inside]
    volume = middle[inside, 0] * dr[index[:, 0]] * dz[index[:, 2]]
    extents = (radii, (0.0, 2.0 * np.pi), (0.0, height))
    if isinstance(places, int):
        place[inside] = make_places(_round(middle[inside]), volume, places, extents)
    else:
        place[inside] = make_places(middle[inside], volume, places, extents)
    # corners are moved out so that a polygon has the area of its circle
    step = 2.0 * np.pi / cells[1]
    points = _round(flat) * np.array([1.0, 1.0, 0.0]) * np.sqrt(step / np.sin(step))
    points[:, 2] = flat[:, 2]
    faces = name_roll_faces(outside(corners), region, names)
    return CellGrid(points, corners, names, region, faces, place, True)


def _round(flat: Floats) -> Floats:
    """Return (x, y, z) of (radius, angle, z), (n, 3)."""
    radius, angle, z = flat.T
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def _regions(
    middle: Floats, radius: float, height: float, casing: float
) -> tuple[Ints, tuple[str, ...]]:
    region = np.zeros(len(middle), dtype=np.int64)
    if not casing > 0.0:
        return region, (STACK,)
    region[middle[:, 2] < 0.0] = 2
    region[middle[:, 2] > height] = 3
    region[middle[:, 0] > radius] = 1
    return region, (STACK, CASING, *TABS)


def name_roll_faces(facets: Facets, region: Ints, names: Sequence[str]) -> dict[str, Ints]:
    """Name the outside of a roll.

    Args:
        facets: on the outside; sides 0 and 1 look in- and outwards, 4 and 5 down and up.
        region: of each cell, (cells,).
        names: of the regions.

    Returns:
        Corners of the facets of each face.
    """
    carrying = {tab: names.index(tab) if tab in names else 0 for tab in TABS}
    ends = dict(zip(TABS, (4, 5), strict=True))
    named = {}
    free = np.ones(len(facets.cell), dtype=bool)
    for tab, number in carrying.items():
        chosen = (facets.side == ends[tab]) & (region[facets.cell] == number)
        named[tab] = facets.corners[chosen]
        free &= ~chosen
    for side, name in _SIDES.items():
        named[name] = facets.corners[free & (facets.side == side)]
    return named
