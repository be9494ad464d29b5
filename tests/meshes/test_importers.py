"""Meshes from gmsh files and voxel images: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import meshio
import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.facets import boundary_measure
from interphase.meshes.importers import from_gmsh, from_voxels
from interphase.meshes.parallel import global_sum
from interphase.parameters.errors import MeshError

NM = 1.0e-9
EXACT = 1.0e-12


@pytest.fixture
def folder(comm: MPI.Intracomm, tmp_path: Path) -> Path:
    """Give one folder to all ranks."""
    return Path(comm.bcast(str(tmp_path), root=0))


def write_square(path: Path, *, electrode: str = "electrode", order: int = 1) -> None:
    """Write a square of 10 nm by 6 nm in nanometres, with named lower and upper edges."""
    gmsh = pytest.importorskip("gmsh")
    gmsh.initialize(["gmsh"], False, False, False)
    gmsh.option.setNumber("General.Terminal", 0)
    surface = gmsh.model.occ.addRectangle(0.0, 2.0, 0.0, 10.0, 6.0)
    gmsh.model.occ.synchronize()
    edges = {
        round(gmsh.model.occ.getCenterOfMass(1, tag)[1]): tag
        for _, tag in gmsh.model.getEntities(1)
    }
    gmsh.model.addPhysicalGroup(1, [edges[2]], name=electrode)
    gmsh.model.addPhysicalGroup(1, [edges[8]], name="bulk")
    gmsh.model.addPhysicalGroup(2, [surface], name="film")
    gmsh.option.setNumber("Mesh.MeshSizeMax", 1.0)
    gmsh.model.mesh.generate(2)
    gmsh.model.mesh.setOrder(order)
    gmsh.write(str(path))
    gmsh.finalize()


@pytest.mark.mpi
def test_gmsh_file(comm: MPI.Intracomm, folder: Path) -> None:
    """Names become boundaries, the file's unit becomes metres, unnamed edges become sides."""
    if comm.rank == 0:
        write_square(folder / "square.msh")
    comm.barrier()
    geometry = from_gmsh(comm, folder / "square.msh", NM, depth=2 * NM)
    assert geometry.area == pytest.approx(20 * NM**2, rel=EXACT)
    assert boundary_measure(geometry.mesh, geometry.facet_tags, "sides") == pytest.approx(12 * NM)
    assert geometry.height == pytest.approx(6 * NM)
    assert geometry.origin == pytest.approx(2 * NM)
    # Edges of an unstructured mesh scatter about the size that was asked for.
    assert 0.8 * NM < geometry.cell_size < 1.6 * NM
    assert geometry.periods == ()


@pytest.mark.mpi
def test_gmsh_file_without_an_electrode(comm: MPI.Intracomm, folder: Path) -> None:
    """The missing name is named on every rank, with those that are there."""
    if comm.rank == 0:
        write_square(folder / "square.msh", electrode="anode")
    comm.barrier()
    with pytest.raises(MeshError, match=r"no physical group 'electrode' .* anode, bulk, film"):
        from_gmsh(comm, folder / "square.msh", NM)


def test_gmsh_file_of_second_order(comm: MPI.Intracomm, folder: Path) -> None:
    """Curved cells are not what linear elements live on."""
    write_square(folder / "square.msh", order=2)
    with pytest.raises(MeshError, match="first-order cells"):
        from_gmsh(comm, folder / "square.msh", NM)


@pytest.mark.mpi
@pytest.mark.parametrize("reader", ["gmsh", "voxels"])
def test_missing_file(comm: MPI.Intracomm, folder: Path, reader: str) -> None:
    """A file that is not there is an error on every rank."""
    with pytest.raises(MeshError, match=r"mesh\.file: .*nowhere.* does not exist"):
        if reader == "gmsh":
            from_gmsh(comm, folder / "nowhere.msh", NM)
        else:
            from_voxels(comm, folder / "nowhere.npy", NM)


def rough_electrode() -> np.ndarray:
    """Return labels of a 10 by 8 image: two layers of electrode, a bump, and a closed pore."""
    labels = np.ones((10, 8), dtype=np.int64)
    labels[:, :2] = 0
    labels[3:5, :4] = 0
    labels[7, 0] = 1  # shut in by the electrode
    return labels


@pytest.mark.mpi
def test_voxel_image(comm: MPI.Intracomm, folder: Path) -> None:
    """Electrode where voxels touch label 0, bulk on top, mirrors elsewhere."""
    labels = rough_electrode()
    if comm.rank == 0:
        np.save(folder / "image.npy", labels)
    comm.barrier()
    geometry = from_voxels(comm, folder / "image.npy", 0.5 * NM, depth=2 * NM)
    cells = global_sum(comm, geometry.mesh.topology.index_map(2).size_local)
    assert cells == labels.sum() - 1
    # Ten columns see the electrode from above, and the bump has two sides of two voxels.
    assert geometry.area == pytest.approx(14 * 0.5 * NM * 2 * NM, rel=EXACT)
    assert boundary_measure(geometry.mesh, geometry.facet_tags, "bulk") == pytest.approx(5 * NM)
    assert boundary_measure(geometry.mesh, geometry.facet_tags, "sides") == pytest.approx(6 * NM)
    assert geometry.origin == pytest.approx(1 * NM)
    assert geometry.height == pytest.approx(3 * NM)
    assert geometry.cell_size == 0.5 * NM


@pytest.mark.mpi
def test_voxel_image_in_three_dimensions(comm: MPI.Intracomm, folder: Path) -> None:
    """A flat electrode of 4 by 3 voxels."""
    labels = np.ones((4, 3, 5), dtype=np.int64)
    labels[..., 0] = 0
    if comm.rank == 0:
        np.save(folder / "image.npy", labels)
    comm.barrier()
    geometry = from_voxels(comm, folder / "image.npy", NM)
    assert geometry.area == pytest.approx(12 * NM**2, rel=EXACT)
    assert geometry.normal_axis == 2
    assert geometry.depth == 1.0


def test_voxels_through_meshio(comm: MPI.Intracomm, folder: Path) -> None:
    """A grid of quadrilaterals in a .vtu file gives the mesh that the array gives."""
    labels = rough_electrode()
    nx, ny = labels.shape
    i, j = (a.ravel() for a in np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij"))
    points = np.array([[x * 0.1, y * 0.1, 0.0] for x in range(nx + 1) for y in range(ny + 1)])
    at = i * (ny + 1) + j
    quads = np.stack([at, at + ny + 1, at + ny + 2, at + 1], axis=1)
    mesh = meshio.Mesh(points, [("quad", quads)], cell_data={"label": [labels[i, j]]})
    mesh.write(folder / "image.vtu")
    np.save(folder / "image.npy", labels)
    ours = from_voxels(comm, folder / "image.npy", NM)
    theirs = from_voxels(comm, folder / "image.vtu", 10 * NM)  # its voxels are 0.1 units wide
    assert theirs.cell_size == pytest.approx(NM)
    assert theirs.area == pytest.approx(ours.area, rel=1e-9)
    assert theirs.mesh.topology.index_map(2).size_global == (
        ours.mesh.topology.index_map(2).size_global
    )


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.zeros((4, 4), dtype=int), "all electrode"),
        (np.ones((4, 4), dtype=int), "'electrode'"),
        (np.full((4, 4), 0.5), "whole numbers"),
        (np.ones(4, dtype=int), "two or three axes"),
        (np.full((4, 4), "a"), "whole numbers"),
    ],
)
def test_bad_images_are_refused(
    comm: MPI.Intracomm, folder: Path, labels: np.ndarray, text: str
) -> None:
    """An image without an electrode, without electrolyte, or without labels."""
    np.save(folder / "image.npy", labels)
    with pytest.raises(MeshError, match=text):
        from_voxels(comm, folder / "image.npy", NM)


@pytest.mark.parametrize("suffix", ["npy", "vtk", "xyz"])
def test_broken_files_are_refused(comm: MPI.Intracomm, folder: Path, suffix: str) -> None:
    """Garbage is an error of ours, whatever the reader makes of it."""
    path = folder / f"image.{suffix}"
    path.write_text("not an image")
    with pytest.raises(MeshError, match=r"mesh\.file"):
        from_voxels(comm, path, NM)
