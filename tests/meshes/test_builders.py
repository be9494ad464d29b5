"""Boxes: names, areas, layers, periods, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import box, interval, rectangle
from interphase.meshes.facets import boundary_measure
from interphase.meshes.geometry import BOUNDARIES, Geometry
from interphase.meshes.parallel import global_max, global_min, global_sum
from interphase.meshes.particle import particle
from interphase.meshes.refinement import Grading, check_resolution, levels, points_per_interface
from interphase.parameters.errors import MeshError

NM = 1.0e-9
# Sums over some hundred facets or cells of a nanometre: rounding only.
EXACT = 1.0e-12


def volume(geometry: Geometry) -> float:
    """Return the volume of a box mesh [m3], slice depth included, from the cells' extents."""
    mesh = geometry.mesh
    owned = mesh.topology.index_map(mesh.topology.dim).size_local
    points = mesh.geometry.x[mesh.geometry.dofmaps[0][:owned]]
    return global_sum(mesh.comm, np.ptp(points, axis=1)[:, : geometry.dim].prod(axis=1))


@pytest.mark.mpi
@pytest.mark.parametrize("cell", ["quadrilateral", "triangle"])
def test_rectangle_names_its_faces(comm: MPI.Intracomm, cell: str) -> None:
    """Electrode below, bulk above, sides left and right, with their lengths."""
    geometry = rectangle(comm, [6 * NM, 4 * NM], 0.5 * NM, cell=cell)
    lengths = {
        name: boundary_measure(geometry.mesh, geometry.facet_tags, name) for name in BOUNDARIES
    }
    assert lengths == pytest.approx(
        {"electrode": 6 * NM, "bulk": 6 * NM, "sides": 8 * NM}, rel=EXACT
    )
    assert geometry.area == pytest.approx(6 * NM * 5 * NM, rel=EXACT)
    assert geometry.height == pytest.approx(4 * NM, rel=EXACT)
    assert geometry.normal_axis == 1
    assert geometry.periods == ((0, pytest.approx(6 * NM)),)


@pytest.mark.mpi
@pytest.mark.parametrize("cell", ["hexahedron", "tetrahedron"])
def test_box_names_its_faces(comm: MPI.Intracomm, cell: str) -> None:
    """The last axis is the normal; both lateral axes are periodic by default."""
    geometry = box(comm, [3 * NM, 2 * NM, 4 * NM], 1 * NM, cell=cell)
    areas = {
        name: boundary_measure(geometry.mesh, geometry.facet_tags, name) for name in BOUNDARIES
    }
    assert areas == pytest.approx(
        {"electrode": 6 * NM**2, "bulk": 6 * NM**2, "sides": 40 * NM**2}, rel=EXACT
    )
    assert geometry.area == pytest.approx(6 * NM**2, rel=EXACT)
    assert geometry.depth == 1.0
    assert [axis for axis, _ in geometry.periods] == [0, 1]


@pytest.mark.mpi
def test_interval_stands_for_a_square_column(comm: MPI.Intracomm) -> None:
    """In 1-D the depth is the column's cross-section, so length times depth is a volume."""
    geometry = interval(comm, 30 * NM, 0.5 * NM, depth=4 * NM)
    assert geometry.depth == pytest.approx(16 * NM**2, rel=EXACT)
    assert geometry.area == pytest.approx(16 * NM**2, rel=EXACT)
    assert volume(geometry) * geometry.depth == pytest.approx(480 * NM**3, rel=EXACT)
    assert geometry.periods == ()
    assert geometry.normal_axis == 0


@pytest.mark.mpi
def test_every_exterior_facet_has_one_name(comm: MPI.Intracomm) -> None:
    """No facet is counted twice over the ranks and none is left without a name."""
    geometry = rectangle(comm, [6 * NM, 4 * NM], 0.5 * NM)
    assert set(np.unique(geometry.facet_tags.values)) <= set(BOUNDARIES.values())
    assert global_sum(comm, geometry.facet_tags.indices.size) == 2 * (12 + 8)


@pytest.mark.mpi
def test_periodic_faces_have_matching_nodes(comm: MPI.Intracomm) -> None:
    """Nodes of the two faces of a period lie opposite each other, bit for bit."""
    length = 7.3 * NM
    geometry = rectangle(comm, [length, 4 * NM], 0.3 * NM, grading=Grading(2 * NM, 1.1))
    ((axis, period),) = geometry.periods
    assert (axis, period) == (0, length)
    x = geometry.mesh.geometry.x
    near, far = ({tuple(p) for p in x[x[:, 0] == at][:, 1:]} for at in (0.0, length))
    gathered_near, gathered_far = (set().union(*comm.allgather(s)) for s in (near, far))
    assert gathered_near == gathered_far
    assert len(gathered_near) == 1 + round(
        global_sum(comm, geometry.mesh.topology.index_map(2).size_local) / 25
    )


def test_mirrors_are_recorded_as_no_period(comm: MPI.Intracomm) -> None:
    """An empty list of periodic axes means mirrors."""
    assert rectangle(comm, [4 * NM, 4 * NM], NM, periodic=()).periods == ()


def test_the_normal_axis_cannot_be_periodic(comm: MPI.Intracomm) -> None:
    """Electrode and bulk are not the same face."""
    with pytest.raises(MeshError, match=r"mesh\.periodic"):
        rectangle(comm, [4 * NM, 4 * NM], NM, periodic=(1,))


def test_grading_is_uniform_then_geometric() -> None:
    """Cells keep their size up to the height, then grow by the ratio, and end on the bulk."""
    heights = levels(60 * NM, 0.5 * NM, Grading(12 * NM, 1.05))
    sizes = np.diff(heights)
    assert heights[0] == 0.0
    assert heights[-1] == 60 * NM
    assert sizes[:24] == pytest.approx(0.5 * NM, rel=1e-9)
    assert sizes[25:] / sizes[24:-1] == pytest.approx(1.05, rel=1e-9)
    # The first graded cell may miss the ratio by the common stretch, less than one step of it.
    assert 1.0 < sizes[24] / sizes[23] < 1.05**2


@pytest.mark.mpi
def test_grading_reaches_the_mesh(comm: MPI.Intracomm) -> None:
    """The mesh has the graded layers, and its cell size is that of the uniform part."""
    grading = Grading(4 * NM, 1.2)
    geometry = rectangle(comm, [4 * NM, 20 * NM], 0.5 * NM, grading=grading)
    expected = levels(20 * NM, 0.5 * NM, grading)
    found = set().union(*comm.allgather(set(geometry.mesh.geometry.x[:, 1].tolist())))
    assert sorted(found) == expected.tolist()
    assert geometry.cell_size == pytest.approx(0.5 * NM)
    assert volume(geometry) == pytest.approx(80 * NM**2, rel=EXACT)


def test_elevation_counts_from_the_electrode(comm: MPI.Intracomm) -> None:
    """Heights are along the normal on a box and along the radius around a particle."""
    points = np.array([[1 * NM, 3 * NM, 0.0]])
    flat = rectangle(comm, [4 * NM, 4 * NM], NM)
    assert flat.elevation(points) == pytest.approx(3 * NM)
    arc = particle(comm, 50 * NM, 0.2, 4 * NM, NM)
    assert arc.elevation(np.array([[30 * NM, 43 * NM, 0.0]])) == pytest.approx(
        (math.hypot(30, 43) - 50) * NM
    )


@pytest.mark.mpi
@pytest.mark.parametrize("cell", ["quadrilateral", "triangle"])
def test_particle_arc(comm: MPI.Intracomm, cell: str) -> None:
    """The inner arc is the electrode; straight edges shorten it by (edge/radius)^2/24."""
    radius, angle, height = 40 * NM, 0.5, 12 * NM
    geometry = particle(
        comm, radius, angle, height, NM, cell=cell, grading=Grading(4 * NM, 1.2), depth=3 * NM
    )
    arc, tags = geometry.mesh, geometry.facet_tags
    tolerance = (NM / radius) ** 2 / 24
    assert geometry.area == pytest.approx(radius * angle * 3 * NM, rel=tolerance)
    assert boundary_measure(arc, tags, "bulk") == pytest.approx(
        (radius + height) * angle, rel=tolerance
    )
    assert boundary_measure(arc, tags, "sides") == pytest.approx(2 * height, rel=1e-9)
    heights = geometry.elevation(arc.geometry.x)
    assert global_min(comm, heights) == pytest.approx(0.0, abs=1e-6 * NM)
    assert global_max(comm, heights) == pytest.approx(height, rel=1e-9)
    assert geometry.cell_size <= NM * (1 + 1e-9)
    expected = levels(height, NM, Grading(4 * NM, 1.2))
    nearest = np.abs(heights[:, None] - expected[None]).min(axis=1)
    assert global_max(comm, nearest) < 1e-6 * NM


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"size": [0.0, 4 * NM]}, r"mesh\.size"),
        ({"size": [4 * NM]}, r"mesh\.size"),
        ({"cell_size": -NM}, r"mesh\.cell_size"),
        ({"cell_size": math.nan}, r"mesh\.cell_size"),
        ({"cell": "hexahedron"}, r"mesh\.cell"),
        ({"depth": 0.0}, r"mesh\.depth"),
    ],
)
def test_bad_boxes_name_their_key(comm: MPI.Intracomm, change: dict[str, object], key: str) -> None:
    """A box that cannot be built is refused by the name of the key to change."""
    good: dict[str, object] = {"size": [4 * NM, 4 * NM], "cell_size": NM}
    with pytest.raises(MeshError, match=key):
        rectangle(comm, **(good | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("height", "ratio", "key"), [(0.0, 1.1, "uniform_height"), (NM, 3.0, "ratio")]
)
def test_bad_gradings_name_their_key(height: float, ratio: float, key: str) -> None:
    """Growth must be gentle and start above the electrode."""
    with pytest.raises(MeshError, match=rf"mesh\.grading\.{key}"):
        Grading(height, ratio)


@pytest.mark.mpi
def test_more_ranks_than_cells_is_refused_on_all_ranks(comm: MPI.Intracomm) -> None:
    """Said before anything collective, so no rank hangs."""
    if comm.size == 1:
        pytest.skip("one rank cannot be too many")
    with pytest.raises(MeshError, match=rf"1 cells for {comm.size} ranks; use at most 1 ranks"):
        interval(comm, 1 * NM, 1 * NM)


def test_points_per_interface_counts_the_largest_cell(comm: MPI.Intracomm) -> None:
    """A front moves sideways too, so the larger edge counts."""
    geometry = rectangle(comm, [4 * NM, 4 * NM], 0.5 * NM)
    assert points_per_interface(geometry, 3 * NM) == pytest.approx(6.0)
    assert check_resolution(geometry, 3 * NM) == pytest.approx(6.0)


def test_coarse_mesh_is_refused_unless_it_says_why(
    comm: MPI.Intracomm, caplog: pytest.LogCaptureFixture
) -> None:
    """Fewer than six cells across the front: an error that says what to write, or a warning."""
    geometry = interval(comm, 20 * NM, 0.5 * NM)
    with pytest.raises(MeshError, match=r"mesh\.cell_size: 0\.5 nm.*cell_size: 0\.1667 nm"):
        check_resolution(geometry, 1 * NM)
    assert check_resolution(geometry, 1 * NM, "a smoke test") == pytest.approx(2.0)
    assert "a smoke test" in caplog.text
