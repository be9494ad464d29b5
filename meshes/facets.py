"""Exterior facets: where they are, how large they are, what they are called."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from dolfinx.mesh import Mesh, MeshTags, entities_to_geometry, exterior_facet_indices, meshtags
from mpi4py import MPI

from interphase.meshes.geometry import BOUNDARIES
from interphase.meshes.parallel import global_sum
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int32]


def exterior_facets(mesh: Mesh) -> tuple[Ints, Floats]:
    """Return this rank's exterior facets and their corners.

    Collective.

    Returns:
        Facet indices, shape (n,), and corner positions, shape (n, corners, 3).
    """
    dim = mesh.topology.dim - 1
    mesh.topology.create_entities(dim)
    mesh.topology.create_connectivity(dim, dim + 1)
    mesh.topology.create_connectivity(dim + 1, dim)
    facets = exterior_facet_indices(mesh.topology)
    return facets, corners(mesh, facets)


def corners(mesh: Mesh, facets: Ints) -> Floats:
    """Return the corner positions of facets, shape (n, corners, 3)."""
    dim = mesh.topology.dim - 1
    if facets.size == 0:
        return np.empty((0, 1, 3))
    return np.asarray(mesh.geometry.x[entities_to_geometry(mesh, dim, facets)])


def measures(points: Floats) -> Floats:
    """Return length or area of facets given by their corners; 1 for the ends of a line.

    Args:
        points: corner positions [m], shape (n, corners, 3), quadrilaterals in tensor order.

    Returns:
        1, lengths [m] or areas [m2], shape (n,).
    """
    count = points.shape[1]
    if count == 1:
        return np.ones(points.shape[0])
    edges = points[:, 1:] - points[:, :1]
    if count == 2:
        return np.asarray(np.linalg.norm(edges[:, 0], axis=1))
    area = 0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    if count == 4:
        far = points[:, 1:3] - points[:, 3:]
        area += 0.5 * np.linalg.norm(np.cross(far[:, 0], far[:, 1]), axis=1)
    return np.asarray(area)


def tag_facets(mesh: Mesh, facets: Ints, values: Ints) -> MeshTags:
    """Return facet tags from indices and values in any order."""
    order = np.argsort(facets)
    tags = meshtags(
        mesh, mesh.topology.dim - 1, facets[order].astype(np.int32), values[order].astype(np.int32)
    )
    tags.name = "boundaries"
    return tags


def boundary_measure(mesh: Mesh, tags: MeshTags, name: str) -> float:
    """Return the total length or area of a named boundary over all ranks. Collective."""
    points = corners(mesh, tags.find(BOUNDARIES[name]))
    return global_sum(mesh.comm, measures(points))


def require_cells(comm: MPI.Comm, cells: int, key: str) -> None:
    """Refuse a mesh that cannot be shared out, before anything collective is tried.

    Args:
        comm: the ranks of the run.
        cells: number of cells of the whole mesh, the same on every rank.
        key: the case's key that a user can change.

    Raises:
        MeshError: if there are more ranks than cells.
    """
    if cells < comm.size:
        raise MeshError(
            f"{key}: the mesh has {cells} cells for {comm.size} ranks; "
            f"use at most {max(cells, 1)} ranks or smaller cells"
        )


def require_shares(mesh: Mesh) -> None:
    """Refuse a partition that leaves a rank without cells. Collective.

    Raises:
        MeshError: on every rank, if one has no cell of its own.
    """
    index_map = mesh.topology.index_map(mesh.topology.dim)
    smallest = mesh.comm.allreduce(index_map.size_local, op=MPI.MIN)
    if smallest == 0:
        raise MeshError(
            f"mesh.cell_size: {index_map.size_global} cells could not be shared out over "
            f"{mesh.comm.size} ranks; use fewer ranks or smaller cells"
        )
