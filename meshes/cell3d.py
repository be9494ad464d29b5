"""A whole cell as a mesh: named regions, named faces, and places that no rank shares.

A mesh is made on rank 0 as plain arrays (`CellGrid`) and shared out such that each place, a cluster
of cells with one local model, is on one rank. Places are found before, from positions alone, so
they are the same on any number of ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import basix.ufl
import numpy as np
import numpy.typing as npt
import ufl
from dolfinx.graph import adjacencylist
from dolfinx.mesh import Mesh, MeshTags, create_mesh, entities_to_geometry
from mpi4py import MPI

from interphase.meshes.facets import exterior_facets, measures, require_shares, tag_facets
from interphase.meshes.parallel import global_sum, on_root
from interphase.meshes.places import rank_of_places
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

STACK: Final = "stack"
"""Name of the region that is made of electrode pairs."""

CASING: Final = "casing"
"""Name of the region of walls."""

TABS: Final = ("tab_negative", "tab_positive")
"""Names of the faces where the current enters and leaves; regions may bear them as well."""

OTHER: Final = "other"
"""Name of the outside where no face is named."""


@dataclass(frozen=True, eq=False)
class CellGrid:
    """A mesh as plain arrays, as it is made on rank 0.

    Attributes:
        points: positions [m], (points, 3).
        cells: corners of each cell in DOLFINx's order, (cells, 4 or 8).
        regions: name of each region; its index is the number in `region`.
        region: of each cell, (cells,).
        faces: corners of the exterior facets of each named face, (facets, 3 or 4); the rest of the
            outside is `OTHER`.
        place: of each cell, -1 outside of the stack, (cells,).
        round_axis: whether layers are wound around the z axis, else they are normal to x.
    """

    points: Floats
    cells: Ints
    regions: tuple[str, ...]
    region: Ints
    faces: Mapping[str, Ints]
    place: Ints
    round_axis: bool = False


@dataclass(frozen=True, eq=False)
class CellMesh:
    """A cell's mesh, shared out over the ranks.

    Attributes:
        mesh: of DOLFINx, no ghost cells.
        regions: name of each region.
        region: of each cell of this rank, (cells,).
        facet_tags: exterior facets of this rank, tagged by `faces`.
        faces: number of each named face.
        area: of each face over all ranks [m2].
        place: number of the place of each cell of this rank, -1 outside of the stack, (cells,).
        places: how many places there are on all ranks.
        original: number of each cell of this rank in the grid, (cells,).
        round_axis: whether layers are wound around the z axis, else they are normal to x.
    """

    mesh: Mesh
    regions: tuple[str, ...]
    region: Ints
    facet_tags: MeshTags
    faces: Mapping[str, int]
    area: Mapping[str, float]
    place: Ints
    places: int
    original: Ints
    round_axis: bool

    @property
    def comm(self) -> MPI.Comm:
        """Communicator of the mesh."""
        comm: MPI.Comm = self.mesh.comm
        return comm

    def layer_normal(self) -> Any:
        """Return the unit vector across the layers, as UFL."""
        if not self.round_axis:
            return ufl.as_vector([1.0, 0.0, 0.0])
        x = ufl.SpatialCoordinate(self.mesh)
        radius = ufl.sqrt(x[0] ** 2 + x[1] ** 2)
        return ufl.as_vector([x[0] / radius, x[1] / radius, 0.0])

    def radius(self) -> Any:
        """Return the distance from the z axis [m], as UFL."""
        x = ufl.SpatialCoordinate(self.mesh)
        return ufl.sqrt(x[0] ** 2 + x[1] ** 2)


def distribute(comm: MPI.Comm, make: Callable[[], CellGrid]) -> CellMesh:
    """Make a grid on rank 0 and share it out. Collective.

    Args:
        comm: ranks that share the mesh.
        make: makes the grid; called on rank 0.

    Raises:
        MeshError: on every rank, if it cannot be made, has fewer places than there are ranks, or
            a tab touches nothing.
    """
    grids: list[CellGrid] = []

    def work() -> tuple[Any, ...]:
        grid = make()
        check_grid(grid, comm.size)
        grids.append(grid)
        keys = {name: np.sort(rows, axis=1) for name, rows in grid.faces.items()}
        return grid.regions, keys, grid.cells.shape[1], grid.round_axis, int(grid.place.max()) + 1

    regions, faces, corners, round_axis, places = on_root(comm, work)
    mesh = _create(comm, grids[0] if grids else None, corners)
    require_shares(mesh)
    original = np.asarray(mesh.topology.original_cell_index, dtype=np.int64)
    region, place = _per_cell(comm, grids[0] if grids else None, original)
    tags, numbers = _name_facets(mesh, faces)
    area = {}
    for name, number in numbers.items():
        at = entities_to_geometry(mesh, 2, tags.find(number))
        points = mesh.geometry.x[at] if at.size else np.empty((0, 3, 3))
        area[name] = global_sum(comm, measures(np.asarray(points)))
    return CellMesh(mesh, regions, region, tags, numbers, area, place, places, original, round_axis)


def check_grid(grid: CellGrid, ranks: int) -> None:
    """Refuse a grid that no cell can be made of.

    Args:
        grid: the mesh.
        ranks: that are to share it.

    Raises:
        MeshError: no stack, fewer places than ranks, or a tab that touches nothing.
    """
    places = int(grid.place.max(initial=-1)) + 1
    if places == 0:
        raise MeshError(f"geometry: no cell is in the region '{STACK}'")
    if places < ranks:
        raise MeshError(
            f"geometry.places: {places} places for {ranks} ranks; use at most {places} ranks or "
            "more places"
        )
    for tab in TABS:
        rows = grid.faces.get(tab)
        if rows is None or rows.size == 0:
            raise MeshError(f"geometry.tabs: '{tab}' touches nothing: no facet of the outside")
        inside = [i for i, name in enumerate(grid.regions) if name in (STACK, tab)]
        touched = np.zeros(len(grid.points), dtype=bool)
        touched[grid.cells[np.isin(grid.region, inside)]] = True
        if not touched[rows].all(axis=1).any():
            raise MeshError(
                f"geometry.tabs: '{tab}' touches nothing that conducts: neither the region "
                f"'{STACK}' nor one named '{tab}'"
            )


def _create(comm: MPI.Comm, grid: CellGrid | None, corners: int) -> Mesh:
    """Share out the cells, all of a place to one rank."""
    shape = "tetrahedron" if corners == 4 else "hexahedron"
    element = basix.ufl.element("Lagrange", shape, 1, shape=(3,))
    if grid is None:
        cells, points = np.empty((0, corners), dtype=np.int64), np.empty((0, 3))
        owner = np.empty(0, dtype=np.int32)
    else:
        cells, points, owner = grid.cells, grid.points, _owners(grid, comm.size)

    def partitioner(*_: Any) -> Any:
        return adjacencylist(owner.reshape(-1, 1))._cpp_object

    return create_mesh(comm, cells, element, points, partitioner)


def _owners(grid: CellGrid, ranks: int) -> npt.NDArray[np.int32]:
    """Return the rank of each cell; cells of no place go to where the nearest place is."""
    centre = grid.points[grid.cells].mean(axis=1)
    inside = grid.place >= 0
    count = np.bincount(grid.place[inside])
    middle = np.stack(
        [np.bincount(grid.place[inside], weights=centre[inside, a]) / count for a in range(3)],
        axis=1,
    )
    rank = rank_of_places(middle, ranks)
    owner = np.empty(len(grid.cells), dtype=np.int32)
    owner[inside] = rank[grid.place[inside]]
    # by pieces: all distances at once would not fit for a large casing
    for cell in np.flatnonzero(~inside):
        owner[cell] = rank[np.argmin(((middle - centre[cell]) ** 2).sum(axis=1))]
    return owner


def _per_cell(comm: MPI.Comm, grid: CellGrid | None, original: Ints) -> tuple[Ints, Ints]:
    """Return region and place of this rank's cells."""
    wanted = comm.gather(original)
    pairs = None
    if grid is not None and wanted is not None:
        pairs = [(grid.region[some], grid.place[some]) for some in wanted]
    region, place = comm.scatter(pairs)
    return region, place


def _name_facets(mesh: Mesh, faces: Mapping[str, Ints]) -> tuple[MeshTags, dict[str, int]]:
    """Tag the exterior facets by the corners that the grid has given to each face."""
    facets, _ = exterior_facets(mesh)
    nodes = entities_to_geometry(mesh, 2, facets)
    inputs = np.asarray(mesh.geometry.input_global_indices, dtype=np.int64)
    keys = np.sort(inputs[nodes], axis=1) if facets.size else np.empty((0, 3), dtype=np.int64)
    numbers = {name: i for i, name in enumerate(faces, start=1)} | {OTHER: len(faces) + 1}
    values = np.full(facets.size, numbers[OTHER], dtype=np.int32)
    known = {tuple(row): numbers[name] for name, rows in faces.items() for row in rows.tolist()}
    for i, row in enumerate(keys.tolist()):
        values[i] = known.get(tuple(row), numbers[OTHER])
    return tag_facets(mesh, facets, values), numbers
