"""Voxel images as meshes: one cell per voxel that is not electrode.

Convention: an integer label per voxel. Label 0 is the electrode and is not meshed; every other
label is electrolyte at the start. The electrode boundary is where a meshed voxel touches label 0;
the bulk is the image's last layer along its last axis; everything else is a mirror side. Voxels
that the electrode cuts off from the bulk are left out, since nothing could reach them.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import basix.ufl
import numpy as np
import numpy.typing as npt
import ufl
from dolfinx.mesh import GhostMode, Mesh, create_cell_partitioner, create_mesh
from mpi4py import MPI

from interphase.meshes.builders import DEFAULT_DEPTH
from interphase.meshes.facets import exterior_facets, require_cells, require_shares, tag_facets
from interphase.meshes.geometry import BOUNDARIES, Geometry
from interphase.meshes.gmsh_model import named_geometry
from interphase.meshes.parallel import on_root
from interphase.parameters.errors import MeshError

logger = logging.getLogger(__name__)

type Mask = npt.NDArray[np.bool_]
type Labels = npt.NDArray[np.int64]

# meshio's names of cells that are voxels, by dimension.
_VOXEL_CELLS = {"quad": 2, "pixel": 2, "hexahedron": 3, "voxel": 3}


def from_voxels(
    comm: MPI.Comm, path: str | Path, unit: float, *, depth: float = DEFAULT_DEPTH
) -> Geometry:
    """Read an image of labels and mesh what is not electrode, as the module's convention says.

    ``.npy`` holds an integer array whose axes are x, y (, z), one unit per voxel. Any other file
    is read by meshio (legacy .vtk structured points, .vtu, ...): a regular grid of quadrilaterals
    or hexahedra with one integer per cell, called ``label`` if there are several data; voxels that
    are missing count as electrode.
    Collective.

    Args:
        comm: ranks that share the mesh.
        path: the file.
        unit: length of one unit of the file's coordinates [m].
        depth: thickness of the slice of a 2-D image [m].

    Raises:
        MeshError: if the file is not such an image, or the electrode does not touch what is meshed.
    """
    check_unit(unit)
    kept, edge = on_root(comm, lambda: _read(Path(path)))
    cell_size = edge * unit
    require_cells(comm, int(kept.sum()), "mesh.file")
    mesh = _voxel_mesh(comm, kept)
    require_shares(mesh)
    facets, points = exterior_facets(mesh)
    tags = tag_facets(mesh, facets, _names(kept, points.mean(axis=1)))
    mesh.geometry.x[:] *= cell_size
    # The first layer that holds electrolyte is where heights are counted from.
    first = int(np.flatnonzero(kept.any(axis=tuple(range(kept.ndim - 1))))[0])
    return named_geometry(
        mesh,
        tags,
        depth=depth if kept.ndim == 2 else 1.0,
        height=(kept.shape[-1] - first) * cell_size,
        cell_size=cell_size,
        origin=first * cell_size,
    )


def check_unit(unit: float) -> None:
    """Refuse a length of the file's unit that is not positive.

    Raises:
        MeshError: naming the case's key.
    """
    if not unit > 0.0:
        raise MeshError(f"mesh.file_unit: must be positive, got {unit:g} m")


def _read(path: Path) -> tuple[Mask, float]:
    """Return what is meshed of an image file, and the edge of a voxel in the file's unit."""
    labels, edge = read_labels(path)
    return _connected(labels != 0), edge


def read_labels(path: Path) -> tuple[Labels, float]:
    """Return the labels of an image file, shape (nx, ny) or (nx, ny, nz), and the voxels' edge.

    Raises:
        MeshError: if the file does not hold an image of labels.
    """
    if not path.is_file():
        raise MeshError(f"mesh.file: {path} does not exist")
    try:
        labels, edge = (np.load(path), 1.0) if path.suffix == ".npy" else _from_meshio(path)
    except MeshError:
        raise
    except (Exception, SystemExit) as error:  # meshio leaves by SystemExit on unknown files
        raise MeshError(f"mesh.file: {path} cannot be read as a voxel image: {error}") from error
    if labels.ndim not in (2, 3) or labels.size == 0:
        raise MeshError(f"mesh.file: {path} must have two or three axes, got {labels.ndim}")
    if not np.issubdtype(labels.dtype, np.number) or np.any(labels != np.rint(labels)):
        raise MeshError(f"mesh.file: {path} must hold whole numbers, one label per voxel")
    return labels.astype(np.int64), edge


def _from_meshio(path: Path) -> tuple[npt.NDArray[Any], float]:
    """Return the labels of a regular grid of cells, and the edge of a cell."""
    import meshio

    image = meshio.read(path)
    blocks = [(i, b) for i, b in enumerate(image.cells) if b.type in _VOXEL_CELLS]
    if len(blocks) != 1:
        raise MeshError(f"mesh.file: {path} must hold one block of quadrilaterals or hexahedra")
    index, block = blocks[0]
    names = list(image.cell_data)
    if "label" not in names and len(names) != 1:
        raise MeshError(f"mesh.file: {path} needs cell data called 'label', it has {names}")
    values = np.ravel(image.cell_data["label" if "label" in names else names[0]][index])
    corners = image.points[block.data][..., : _VOXEL_CELLS[block.type]]
    edges = np.ptp(corners, axis=1)
    edge = float(edges[0, 0])
    # Positions in text files carry a few digits only.
    if not (edge > 0.0 and np.allclose(edges, edge, rtol=1e-3, atol=0.0)):
        raise MeshError(f"mesh.file: the cells of {path} are not equal squares or cubes")
    low = corners.min(axis=1)
    at = np.rint((low - low.min(axis=0)) / edge).astype(int)
    labels = np.zeros(at.max(axis=0) + 1)
    labels[tuple(at.T)] = values
    return labels, edge


def _connected(pore: Mask) -> Mask:
    """Return the voxels that faces connect to the bulk layer."""
    from scipy import ndimage

    parts, _ = ndimage.label(pore)
    reached = np.unique(parts[..., -1])
    kept = np.isin(parts, reached[reached > 0])
    if not kept.any():
        raise MeshError("mesh.file: the last layer of the image is all electrode (label 0)")
    if lost := int(pore.sum() - kept.sum()):
        logger.warning("left out %d voxels that the electrode cuts off from the bulk", lost)
    return np.asarray(kept, dtype=bool)


def _voxel_mesh(comm: MPI.Comm, kept: Mask) -> Mesh:
    """Return the mesh of the kept voxels, with unit edges and a corner at the origin."""
    dim = kept.ndim
    cell = "quadrilateral" if dim == 2 else "hexahedron"
    element = basix.ufl.element("Lagrange", cell, 1, shape=(dim,))
    cells = np.empty((0, 2**dim), dtype=np.int64)
    points = np.empty((0, dim))
    if comm.rank == 0:
        # Corners in tensor order, the first axis fastest, as DOLFINx numbers them.
        steps = np.array([[(k >> axis) & 1 for axis in range(dim)] for k in range(2**dim)])
        at = np.argwhere(kept)[:, None, :] + steps[None]
        shape = tuple(n + 1 for n in kept.shape)
        flat = np.ravel_multi_index(tuple(at.reshape(-1, dim).T), shape)
        used, inverse = np.unique(flat, return_inverse=True)
        cells = inverse.reshape(-1, 2**dim).astype(np.int64)
        points = np.stack(np.unravel_index(used, shape), axis=1).astype(np.float64)
    partitioner = create_cell_partitioner(GhostMode.shared_facet, 2)
    return create_mesh(comm, cells, ufl.Mesh(element), points, partitioner)


def _names(kept: Mask, middles: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return the boundary numbers of exterior facets from their middles, in voxel edges.

    Args:
        kept: which voxels are meshed.
        middles: shape (n, 3).
    """
    dim = kept.ndim
    middles = middles[:, :dim]
    # A facet's middle is whole along its normal and half-way along the other axes.
    normal = np.argmin(np.abs(middles - np.rint(middles)), axis=1)
    offset = 0.5 * np.eye(dim)[normal]
    outside = np.zeros(len(middles), dtype=bool)
    for side in (middles - offset, middles + offset):
        at = np.floor(side).astype(int)
        outside |= np.any((at < 0) | (at >= kept.shape), axis=1)
    top = (normal == dim - 1) & (np.rint(middles[:, -1]) == kept.shape[-1])
    values = np.full(len(middles), BOUNDARIES["electrode"], dtype=np.int32)
    values[outside] = BOUNDARIES["sides"]
    values[outside & top] = BOUNDARIES["bulk"]
    return values
