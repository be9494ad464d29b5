"""Cells meshed by gmsh: tetrahedra, small beside the tabs, or along the turns of a roll."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

from interphase.meshes.cell3d import CASING, STACK, TABS, CellGrid
from interphase.meshes.cell3d_box import Tab, name_block_faces, tab_reach
from interphase.meshes.cell3d_roll import name_roll_faces
from interphase.meshes.gmsh_model import gmsh_session
from interphase.meshes.places import make_places
from interphase.meshes.tensor import outside_tetrahedra
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Entity = tuple[int, int]

_MILLIMETRE: Final = 1.0e-3
# Cells grow from the tab's size to that of the rest over so many of the latter.
_GROWTH: Final = 3.0
# Chords instead of arcs: a full turn has at least so many.
_TURN: Final = 24
_TETRAHEDRON: Final = 4


def block_tetrahedra(
    size: Sequence[float],
    cell_size: float,
    tabs: Mapping[str, Tab],
    places: int | Sequence[int],
    *,
    tab_cell_size: float | None = None,
    casing: float = 0.0,
) -> CellGrid:
    """Return a block of layers normal to x as tetrahedra.

    Args:
        size: thickness of the stack, width and height [m].
        cell_size: edge of the tetrahedra [m].
        tabs: ``tab_negative`` and ``tab_positive``.
        places: how many, or how many along each axis.
        tab_cell_size: edge beside the tabs [m]; as elsewhere if left out.
        casing: thickness of the walls around the stack [m]; a tab goes at least through the wall.

    Raises:
        MeshError: on a tab beyond the block, more places than cells, or if gmsh fails.
    """
    reach = tab_reach(size, tabs, casing)

    def build(model: Any) -> dict[str, list[Entity]]:
        solids = {STACK: [_box(model, np.zeros(3), np.array(size))]}
        if casing > 0.0:
            solids[CASING] = [_box(model, np.full(3, -casing), np.array(size) + casing)]
        marks = []
        for name, tab in tabs.items():
            low, high = tab.box(size, reach[name])
            if reach[name] > 0.0:
                solids[name] = [_box(model, low, high)]
            else:
                # No solid, but its edges must be edges of the mesh.
                marks.append(_rectangle(model, low, high, tab.across))
        return _fragments(model, solids, marks)

    def sizes(model: Any) -> None:
        if tab_cell_size is None:
            return
        corners = []
        for name, tab in tabs.items():
            low, high = tab.box(size, reach[name])
            corners.append((low / _MILLIMETRE, high / _MILLIMETRE))
        _refine(model, corners, tab_cell_size / _MILLIMETRE, cell_size / _MILLIMETRE)

    mesh = _tetrahedra(build, sizes, cell_size)
    facets = outside_tetrahedra(mesh.points, mesh.cells, _flat_sides)
    faces = name_block_faces(mesh.points, facets, mesh.region, mesh.regions, tabs, reach, size)
    place = _places(mesh, mesh.centres, places, tuple((0.0, x) for x in size))
    return CellGrid(mesh.points, mesh.cells, mesh.regions, mesh.region, faces, place)


def roll_tetrahedra(
    radii: tuple[float, float],
    height: float,
    cell_size: float,
    places: int | Sequence[int],
    *,
    casing: float = 0.0,
) -> CellGrid:
    """Return a jelly roll around the z axis as tetrahedra; see `roll_grid`.

    Args:
        radii: of the mandrel and of the roll [m].
        height: of the roll [m].
        cell_size: edge of the tetrahedra [m]; a turn has at least 24.
        places: how many, or how many across the turns, around and along the axis.
        casing: thickness of the can [m].

    Raises:
        MeshError: more places than cells, or gmsh fails.
    """

    def build(model: Any) -> dict[str, list[Entity]]:
        inner, outer = radii
        solids = {STACK: [_tube(model, inner, outer, 0.0, height)]}
        if casing > 0.0:
            solids[CASING] = [_tube(model, outer, outer + casing, -casing, height + casing)]
            for tab, low in zip(TABS, (-casing, height), strict=True):
                solids[tab] = [_tube(model, inner, outer, low, low + casing)]
        return _fragments(model, solids, [])

    mesh = _tetrahedra(build, lambda model: None, cell_size)
    stack = mesh.volumes[mesh.region == mesh.regions.index(STACK)].sum()
    exact = np.pi * (radii[1] ** 2 - radii[0] ** 2) * height
    # Moved out so that chords have the volume of their arcs.
    mesh.points[:, :2] *= np.sqrt(exact / stack)
    facets = outside_tetrahedra(mesh.points, mesh.cells, _round_sides)
    faces = name_roll_faces(facets, mesh.region, mesh.regions)
    position = mesh.centres
    extents = (radii, (0.0, 2.0 * np.pi), (0.0, height))
    if not isinstance(places, int):
        x, y, z = position.T
        position = np.stack([np.hypot(x, y), np.arctan2(y, x) % (2.0 * np.pi), z], axis=1)
    place = _places(mesh, position, places, extents)
    return CellGrid(mesh.points, mesh.cells, mesh.regions, mesh.region, faces, place, True)


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """What gmsh made: points [m], (points, 3); cells, (cells, 4); region of each, and names."""

    points: Floats
    cells: Ints
    region: Ints
    regions: tuple[str, ...]

    @property
    def centres(self) -> Floats:
        """Return the centroids [m], (cells, 3)."""
        return np.asarray(self.points[self.cells].mean(axis=1))

    @property
    def volumes(self) -> Floats:
        """Return the volumes [m3], (cells,)."""
        corners = self.points[self.cells]
        return np.asarray(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6.0)


def _tetrahedra(
    build: Callable[[Any], dict[str, list[Entity]]], sizes: Callable[[Any], None], cell_size: float
) -> _Mesh:
    """Build a model, mesh it and read the mesh. For one rank.

    Raises:
        MeshError: gmsh cannot mesh it.
    """
    with gmsh_session(MPI.COMM_SELF) as model:
        import gmsh

        edge = cell_size / _MILLIMETRE
        for key, value in {
            "Mesh.MeshSizeMax": edge,
            "Mesh.MeshSizeFromCurvature": _TURN,
            "Mesh.MeshSizeExtendFromBoundary": 0,
            "Mesh.MeshSizeFromPoints": 0,
            "Mesh.Algorithm3D": 10,
        }.items():
            gmsh.option.setNumber(key, value)
        try:
            volumes = build(model)
            sizes(model)
            model.mesh.generate(3)
            return _read(model, volumes)
        # gmsh raises bare exceptions
        except Exception as error:
            raise MeshError(
                f"geometry.cell_size: gmsh cannot mesh the cell ({error}): try another cell_size, "
                "or cells for hexahedra"
            ) from error


def _read(model: Any, volumes: Mapping[str, Sequence[Entity]]) -> _Mesh:
    tags, positions, _ = model.mesh.getNodes()
    number = np.full(int(tags.max()) + 1, -1, dtype=np.int64)
    number[tags.astype(np.int64)] = np.arange(tags.size)
    cells, region = [], []
    for index, entities in enumerate(volumes.values()):
        for _, entity in entities:
            nodes = model.mesh.getElementsByType(_TETRAHEDRON, entity)[1]
            corners = number[nodes.astype(np.int64)].reshape(-1, 4)
            cells.append(corners)
            region.append(np.full(len(corners), index, dtype=np.int64))
    used, flat = np.unique(np.concatenate(cells), return_inverse=True)
    points = positions.reshape(-1, 3)[used] * _MILLIMETRE
    return _Mesh(points, flat.reshape(-1, 4), np.concatenate(region), tuple(volumes))


def _box(model: Any, low: Floats, high: Floats) -> Entity:
    x, y, z = low / _MILLIMETRE
    dx, dy, dz = (high - low) / _MILLIMETRE
    return 3, model.occ.addBox(x, y, z, dx, dy, dz)


def _tube(model: Any, inner: float, outer: float, low: float, high: float) -> Entity:
    bottom, length = low / _MILLIMETRE, (high - low) / _MILLIMETRE
    full, hole = (
        (3, model.occ.addCylinder(0, 0, bottom, 0, 0, length, r / _MILLIMETRE))
        for r in (outer, inner)
    )
    (found,), _ = model.occ.cut([full], [hole])
    return found


def _rectangle(model: Any, low: Floats, high: Floats, normal: int) -> Entity:
    """Return a plane surface from corner to corner, normal to an axis."""
    occ = model.occ
    first, second = (axis for axis in range(3) if axis != normal)
    corners = []
    for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
        corner = low.copy()
        corner[first], corner[second] = (low, high)[a][first], (low, high)[b][second]
        corners.append(occ.addPoint(*(corner / _MILLIMETRE)))
    lines = [occ.addLine(corners[k], corners[(k + 1) % 4]) for k in range(4)]
    return 2, occ.addPlaneSurface([occ.addCurveLoop(lines)])


def _fragments(
    model: Any, solids: Mapping[str, Sequence[Entity]], marks: Sequence[Entity]
) -> dict[str, list[Entity]]:
    """Join the solids at common faces; what two share belongs to the stack, then to a tab."""
    given = [entity for entities in solids.values() for entity in entities]
    owners = [name for name, entities in solids.items() for _ in entities]
    tools = [*given[1:], *marks]
    # gmsh says nothing about one that has nothing to be cut by.
    parts = model.occ.fragment(given[:1], tools)[1] if tools else [given]
    model.occ.synchronize()
    rank = sorted(solids, key=lambda name: (name == CASING, name != STACK))
    found: dict[str, list[Entity]] = {name: [] for name in solids}
    taken: set[Entity] = set()
    for name in rank:
        for owner, part in zip(owners, parts[: len(owners)], strict=True):
            if owner == name:
                new = [entity for entity in part if entity not in taken]
                found[name] += new
                taken.update(new)
    return found


def _refine(model: Any, boxes: Sequence[tuple[Floats, Floats]], small: float, large: float) -> None:
    """Let cells grow from ``small`` beside some boxes to ``large``; all in gmsh's unit."""
    field = model.mesh.field
    tags = []
    for low, high in boxes:
        tag = field.add("Box")
        for key, value in {"VIn": small, "VOut": large, "Thickness": _GROWTH * large}.items():
            field.setNumber(tag, key, value)
        for axis, a, b in zip("XYZ", low, high, strict=True):
            field.setNumber(tag, f"{axis}Min", a - small)
            field.setNumber(tag, f"{axis}Max", b + small)
        tags.append(tag)
    least = field.add("Min")
    field.setNumbers(least, "FieldsList", tags)
    field.setAsBackgroundMesh(least)


def _flat_sides(middle: Floats, normal: Floats) -> Ints:
    """Return the number of the block's side that a facet looks out of, as in `Facets`."""
    axis = np.abs(normal).argmax(axis=1)
    up = np.take_along_axis(normal, axis[:, None], axis=1)[:, 0] > 0.0
    return np.asarray(2 * axis + up, dtype=np.int64)


def _round_sides(middle: Floats, normal: Floats) -> Ints:
    """Return the same of a roll: inwards and outwards, and along its axis."""
    outwards = (normal[:, :2] * middle[:, :2]).sum(axis=1) > 0.0
    level = np.abs(normal[:, 2]) > 0.5
    return np.asarray(np.where(level, 4 + (normal[:, 2] > 0.0), 0 + outwards), dtype=np.int64)


def _places(
    mesh: _Mesh,
    position: Floats,
    places: int | Sequence[int],
    extents: Sequence[tuple[float, float]],
) -> Ints:
    place = np.full(len(mesh.cells), -1, dtype=np.int64)
    inside = mesh.region == mesh.regions.index(STACK)
    place[inside] = make_places(position[inside], mesh.volumes[inside], places, extents)
    return place
