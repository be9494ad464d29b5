"""Pouch and prismatic cells: a block of layers with tabs on its edges, in a casing or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from interphase.meshes.cell3d import CASING, STACK, CellGrid
from interphase.meshes.places import make_places
from interphase.meshes.tensor import Facets, Tensor, outside
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]

FACES: Final = ("front", "back", "left", "right", "bottom", "top")
"""Names of the outer faces: low and high end of x (through the layers), y and z."""

_CLOSE: Final = 1.0e-9
# A plane of the grid nearer to a tab's edge than this part of a cell is moved onto it.
_NEAR: Final = 0.3


@dataclass(frozen=True, slots=True)
class Tab:
    """Where a tab leaves the block, through all layers.

    Attributes:
        side: face of the block that it is on.
        start: where it begins along that face [m]: y on bottom and top, z on left and right.
        width: along the face [m].
        length: how far it stands out [m]; 0 for a tab that ends at the face.
    """

    side: Literal["bottom", "top", "left", "right"]
    start: float
    width: float
    length: float = 0.0

    @property
    def along(self) -> int:
        """Axis along the face."""
        return 1 if self.side in ("bottom", "top") else 2

    @property
    def across(self) -> int:
        """Axis normal to the face."""
        return 3 - self.along

    @property
    def facet_side(self) -> int:
        """Number of the side of a hexahedron that looks out of the face, as in `Facets`."""
        return FACES.index(self.side)

    def box(self, size: Sequence[float], length: float) -> tuple[Floats, Floats]:
        """Return the lowest and the highest corner of the tab if it is ``length`` [m] long."""
        low, high = np.zeros(3), np.array(size, dtype=float)
        low[self.along], high[self.along] = self.start, self.start + self.width
        outer = self.side in ("top", "right")
        low[self.across] = size[self.across] if outer else -length
        high[self.across] = size[self.across] + length if outer else 0.0
        return low, high

    def beside(self, middle: Floats, size: Sequence[float]) -> Bools:
        """Return what lies within the tab's width and the stack's thickness, (n,)."""
        y = middle[:, self.along]
        within = (middle[:, 0] > 0.0) & (middle[:, 0] < size[0])
        return np.asarray(within & (y > self.start) & (y < self.start + self.width))

    def cells(self, middle: Floats, size: Sequence[float], length: float) -> Bools:
        """Return which cells are the tab itself if it is ``length`` [m] long, (n,)."""
        x = middle[:, self.across]
        out = x - size[self.across] if self.side in ("top", "right") else -x
        return np.asarray(self.beside(middle, size) & (out > 0.0) & (out < length))


def block_grid(
    size: Sequence[float],
    cells: Sequence[int],
    tabs: Mapping[str, Tab],
    places: int | Sequence[int],
    *,
    casing: float = 0.0,
) -> CellGrid:
    """Return a block of layers normal to x.

    Args:
        size: thickness of the stack, width and height [m].
        cells: in the stack along each axis; planes are moved to the edges of the tabs, or added.
        tabs: ``tab_negative`` and ``tab_positive``.
        places: how many, or how many along each axis.
        casing: thickness of the walls around the stack [m]; a tab goes at least through the wall.

    Raises:
        MeshError: on a tab beyond the block, or more places than cells.
    """
    lines = [np.linspace(0.0, length, n + 1) for length, n in zip(size, cells, strict=True)]
    if casing > 0.0:
        lines = [np.concatenate([[-casing], x, [x[-1] + casing]]) for x in lines]
    reach = tab_reach(size, tabs, casing)
    for name, tab in tabs.items():
        _insert_tab(tab, size, lines, reach[name])
    tensor = Tensor((lines[0], lines[1], lines[2]))
    region, names = _regions(tensor.middle, size, tabs, reach, casing)
    kept = region >= 0
    middle, region = tensor.middle[kept], region[kept]
    points, corners = tensor.hexahedra(kept)
    place = np.full(len(corners), -1, dtype=np.int64)
    inside = region == 0
    ends = points[corners[inside]]
    volume = np.prod(ends[:, 7] - ends[:, 0], axis=1)
    place[inside] = make_places(middle[inside], volume, places, ((0.0, x) for x in size))
    faces = name_block_faces(points, outside(corners), region, names, tabs, reach, size)
    return CellGrid(points, corners, names, region, faces, place)


def tab_reach(size: Sequence[float], tabs: Mapping[str, Tab], casing: float) -> dict[str, float]:
    """Return how far each tab stands out of the stack [m]: at least through the wall.

    Raises:
        MeshError: on a tab beyond the block, or two that overlap.
    """
    for name, tab in tabs.items():
        end, length = tab.start + tab.width, size[tab.along]
        if tab.start < 0.0 or end > length * (1.0 + _CLOSE):
            raise MeshError(
                f"geometry.tabs.{_key(name)}: touches nothing in a part of {1e3 * tab.start:.4g} "
                f"to {1e3 * end:.4g} mm: the face '{tab.side}' goes from 0 to {1e3 * length:.4g} "
                "mm; change start or width"
            )
    (first, one), (second, other) = tabs.items()
    gap = max(one.start, other.start) - min(one.start + one.width, other.start + other.width)
    if one.side == other.side and gap < -_CLOSE * size[one.along]:
        raise MeshError(
            f"geometry.tabs.{_key(second)}: overlaps geometry.tabs.{_key(first)} by "
            f"{-1e3 * gap:.4g} mm on the face '{one.side}', a short circuit; change start, width "
            "or side"
        )
    return {name: max(tab.length, casing) for name, tab in tabs.items()}


def _key(name: str) -> str:
    """Return the key of a tab in a case."""
    return name.removeprefix("tab_")


def _insert_tab(tab: Tab, size: Sequence[float], lines: list[Floats], reach: float) -> None:
    """Add the planes at a tab's edges and end to ``lines``; cells beside them may be small."""
    length = size[tab.along]
    for edge in (tab.start, tab.start + tab.width):
        lines[tab.along] = _with_plane(lines[tab.along], edge)
    if reach > 0.0:
        high = tab.side in ("top", "right")
        tip = size[tab.across] + reach if high else -reach
        line = lines[tab.across]
        if np.abs(line - tip).min() > _CLOSE * length:
            lines[tab.across] = np.sort(np.append(line, tip))


def _with_plane(line: Floats, x: float) -> Floats:
    """Move the nearest inner plane onto ``x``, or add one where none is near."""
    line = line.copy()
    nearest = int(np.argmin(np.abs(line - x)))
    gap, spacing = abs(float(line[nearest]) - x), float(np.diff(line).max())
    if gap <= _CLOSE * spacing:
        return line
    if 1 < nearest < len(line) - 2 and gap < _NEAR * spacing:
        line[nearest] = x
        return line
    return np.sort(np.append(line, x))


def _regions(
    middle: Floats,
    size: Sequence[float],
    tabs: Mapping[str, Tab],
    reach: Mapping[str, float],
    casing: float,
) -> tuple[Ints, tuple[str, ...]]:
    """Return the region of each cell of the tensor grid, -1 for air, and the regions' names."""
    ends = np.array(size)
    region = np.where(np.all((middle > 0.0) & (middle < ends), axis=1), 0, -1).astype(np.int64)
    names = [STACK]
    if casing > 0.0:
        names.append(CASING)
        wall = np.all((middle > -casing) & (middle < ends + casing), axis=1)
        region[wall & (region < 0)] = 1
    for name, tab in tabs.items():
        if reach[name] > 0.0:
            names.append(name)
            region[tab.cells(middle, size, reach[name])] = len(names) - 1
    return region, tuple(names)


def name_block_faces(
    points: Floats,
    facets: Facets,
    region: Ints,
    names: Sequence[str],
    tabs: Mapping[str, Tab],
    reach: Mapping[str, float],
    size: Sequence[float],
) -> dict[str, Ints]:
    """Name the outside of a block: ends of the tabs, and its six faces.

    Args:
        points: of the mesh [m], (points, 3).
        facets: on the outside.
        region: of each cell, (cells,).
        names: of the regions.
        tabs: ``tab_negative`` and ``tab_positive``.
        reach: how far each stands out [m].
        size: of the stack [m].

    Returns:
        Corners of the facets of each face.
    """
    middle = points[facets.corners].mean(axis=1)
    of_tab = np.isin(region, [i for i, name in enumerate(names) if name in tabs])[facets.cell]
    named: dict[str, Ints] = {}
    free = np.ones(len(facets.cell), dtype=bool)
    for name, tab in tabs.items():
        chosen = facets.side == tab.facet_side
        if reach[name] > 0.0:
            chosen &= region[facets.cell] == names.index(name)
        else:
            chosen &= (region[facets.cell] == 0) & tab.beside(middle, size)
        named[name] = facets.corners[chosen]
        free &= ~chosen
    for side, name in enumerate(FACES):
        named[name] = facets.corners[free & ~of_tab & (facets.side == side)]
    return named
