"""Meshes of whole cells: sizes, names, places, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import ufl
from dolfinx import fem
from mpi4py import MPI

from interphase.meshes.cell3d import CellGrid, CellMesh, distribute
from interphase.meshes.cell3d_box import Tab, block_grid
from interphase.meshes.cell3d_gmsh import block_tetrahedra, roll_tetrahedra
from interphase.meshes.cell3d_roll import roll_grid
from interphase.meshes.places import bisected_places
from interphase.parameters.errors import MeshError

pytestmark = pytest.mark.mpi

TABS = {"tab_negative": Tab("top", 0.01, 0.02), "tab_positive": Tab("bottom", 0.02, 0.03, 0.01)}


def volume(cells: CellMesh, region: str | None = None) -> float:
    inside = (
        np.ones(cells.region.size)
        if region is None
        else (cells.region == cells.regions.index(region))
    )
    space = fem.functionspace(cells.mesh, ("DG", 0))
    part = fem.Function(space)
    part.x.array[space.dofmap.list[:, 0]] = inside
    own = fem.assemble_scalar(fem.form(part * ufl.dx))
    return float(cells.comm.allreduce(own, op=MPI.SUM))


def block(places: int | Sequence[int], casing: float = 0.0) -> CellGrid:
    return block_grid((0.006, 0.05, 0.08), (2, 5, 8), TABS, places, casing=casing)


@pytest.mark.parametrize("casing", [0.0, 1e-3])
def test_block_has_its_volume_and_faces(comm: MPI.Intracomm, casing: float) -> None:
    cells = distribute(comm, lambda: block(12, casing))
    assert volume(cells, "stack") == pytest.approx(0.006 * 0.05 * 0.08, rel=1e-12)
    assert cells.area["tab_negative"] == pytest.approx(0.006 * 0.02, rel=1e-12)
    assert cells.area["tab_positive"] == pytest.approx(0.006 * 0.03, rel=1e-12)
    face = (0.05 + 2 * casing) * (0.08 + 2 * casing)
    assert cells.area["front"] == pytest.approx(face, rel=1e-12)
    walls = (0.006 + 2 * casing) * face - 0.006 * 0.05 * 0.08
    if casing:
        tabs = volume(cells, "tab_negative") + 0.006 * 0.03 * casing
        assert volume(cells, "casing") + tabs == pytest.approx(walls, rel=1e-9)


def test_roll_has_the_volume_of_circles(comm: MPI.Intracomm) -> None:
    cells = distribute(comm, lambda: roll_grid((2e-3, 9e-3), 0.065, (3, 12, 5), (1, 4, 3)))
    assert volume(cells) == pytest.approx(np.pi * (81e-6 - 4e-6) * 0.065, rel=1e-12)
    assert cells.area["tab_positive"] == pytest.approx(np.pi * (81e-6 - 4e-6), rel=1e-12)
    assert cells.places == 12


@pytest.mark.parametrize("casing", [0.0, 1e-3])
def test_tetrahedra_have_the_volume_and_faces_of_hexahedra(
    comm: MPI.Intracomm, casing: float
) -> None:
    def tetrahedra() -> CellGrid:
        return block_tetrahedra(
            (0.006, 0.05, 0.08), 0.01, TABS, 12, tab_cell_size=0.004, casing=casing
        )

    found, expected = (distribute(comm, make) for make in (tetrahedra, lambda: block(12, casing)))
    assert set(found.regions) == set(expected.regions)
    for region in expected.regions:
        assert volume(found, region) == pytest.approx(volume(expected, region), rel=1e-9), region
    assert set(found.area) == set(expected.area)
    for face, area in expected.area.items():
        assert found.area[face] == pytest.approx(area, rel=1e-9, abs=1e-15), face
    assert found.places == 12


def test_tetrahedra_are_small_beside_tabs() -> None:
    plain, fine = (
        block_tetrahedra((0.006, 0.05, 0.08), 0.01, TABS, 4, tab_cell_size=size)
        for size in (None, 0.002)
    )

    def largest(grid: CellGrid) -> float:
        corners = grid.points[grid.faces["tab_negative"]]
        return float(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1).max())

    assert largest(fine) < 0.6 * largest(plain)
    assert len(plain.cells) < len(fine.cells)


@pytest.mark.parametrize("casing", [0.0, 5e-4])
def test_roll_of_tetrahedra_has_the_volume_of_circles(comm: MPI.Intracomm, casing: float) -> None:
    cells = distribute(
        comm, lambda: roll_tetrahedra((2e-3, 9e-3), 0.03, 4e-3, (1, 4, 3), casing=casing)
    )
    assert volume(cells, "stack") == pytest.approx(np.pi * (81e-6 - 4e-6) * 0.03, rel=1e-12)
    # Of the ends only the sum of chords is not that of arcs, by less than one percent.
    outer = 9e-3 + casing
    assert cells.area["tab_positive"] == pytest.approx(np.pi * (81e-6 - 4e-6), rel=1e-2)
    assert cells.area["side"] == pytest.approx(2 * np.pi * outer * (0.03 + 2 * casing), rel=1e-2)
    # As the hexahedra have it: the can's own rim is no tab.
    rim = np.pi * (outer**2 - 81e-6)
    assert cells.area["bottom"] == pytest.approx(rim, rel=2e-2, abs=1e-15)
    assert cells.area["other"] == 0.0
    assert cells.places == 12


@pytest.mark.parametrize("places", [(1, 5, 4), 7])
def test_places_are_whole_and_the_same_on_any_ranks(
    comm: MPI.Intracomm, places: int | Sequence[int]
) -> None:
    alone = distribute(MPI.COMM_SELF, lambda: block(places))
    cells = distribute(comm, lambda: block(places))
    own = set(cells.place[cells.place >= 0].tolist())
    everyone = comm.allgather(own)
    assert sum(len(one) for one in everyone) == cells.places
    assert max(len(one) for one in everyone) - min(len(one) for one in everyone) <= 1
    of_original = dict(zip(alone.original.tolist(), alone.place.tolist(), strict=True))
    assert [of_original[k] for k in cells.original.tolist()] == cells.place.tolist()


def test_bisection_shares_volume_evenly() -> None:
    rng = np.random.default_rng(3)
    position, size = rng.random((500, 3)), rng.random(500) + 0.5
    place = bisected_places(position, size, 13)
    share = np.bincount(place, weights=size) / size.sum() * 13
    # a cut is off by half a cell, of about 38 cells to a place, in each of four levels
    assert share.min() > 0.85 and share.max() < 1.15


def refused(comm: MPI.Intracomm, make: Callable[[], CellGrid]) -> str:
    with pytest.raises(MeshError) as caught:
        distribute(comm, make)
    return str(caught.value)


def test_tab_beside_the_block_is_refused(comm: MPI.Intracomm) -> None:
    tabs = {**TABS, "tab_positive": Tab("top", 0.04, 0.02)}
    text = refused(comm, lambda: block_grid((0.006, 0.05, 0.08), (2, 5, 8), tabs, 4))
    assert text.startswith("geometry.tabs.positive: touches nothing")


def test_tabs_that_overlap_are_refused(comm: MPI.Intracomm) -> None:
    """They would short the cell."""
    tabs = {"tab_negative": Tab("top", 0.01, 0.02), "tab_positive": Tab("top", 0.025, 0.02)}
    text = refused(comm, lambda: block_grid((0.006, 0.05, 0.08), (2, 5, 8), tabs, 4))
    assert text.startswith("geometry.tabs.positive: overlaps geometry.tabs.negative by 5 mm")
    beside = {**tabs, "tab_positive": Tab("top", 0.03, 0.02)}
    assert distribute(comm, lambda: block_grid((0.006, 0.05, 0.08), (2, 5, 8), beside, 4)).places


def test_tab_on_what_does_not_conduct_is_refused(comm: MPI.Intracomm) -> None:
    def make() -> CellGrid:
        grid = block(4, 1e-3)
        names = tuple("casing" if name == "tab_negative" else name for name in grid.regions)
        return CellGrid(grid.points, grid.cells, names, grid.region, grid.faces, grid.place)

    assert "touches nothing that conducts" in refused(comm, make)


def test_more_ranks_than_places_are_refused(comm: MPI.Intracomm) -> None:
    if comm.size == 1:
        assert "more places" not in str(distribute(comm, lambda: block(1)).places)
        return
    assert f"1 places for {comm.size} ranks" in refused(comm, lambda: block(1))


def test_more_places_than_cells_are_refused(comm: MPI.Intracomm) -> None:
    assert "have no cell" in refused(comm, lambda: block((1, 5, 40)))
    assert "places, but only" in refused(comm, lambda: block(5000))
