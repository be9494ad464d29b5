"""What every mesh from gmsh goes through: one session, one distribution, our names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from dolfinx.io.gmsh import model_to_mesh
from dolfinx.mesh import GhostMode, Mesh, MeshTags, create_cell_partitioner, exterior_facet_indices
from mpi4py import MPI

from interphase.meshes.facets import boundary_measure, require_cells, require_shares, tag_facets
from interphase.meshes.geometry import BOUNDARIES, Geometry
from interphase.meshes.parallel import on_root
from interphase.parameters.errors import MeshError

NANOMETRE = 1.0e-9
"""Length unit of gmsh models [m]: gmsh's own tolerances are made for numbers near one."""


@contextmanager
def gmsh_session(comm: MPI.Comm) -> Iterator[Any]:
    """Open gmsh on rank 0 and give its model there, None on the other ranks. Collective.

    Raises:
        MeshError: on every rank, if gmsh cannot be loaded.
    """
    on_root(comm, _start)
    try:
        if comm.rank == 0:
            import gmsh

            yield gmsh.model
        else:
            yield None
    finally:
        if comm.rank == 0:
            gmsh.finalize()


def _start() -> None:
    try:
        # Imported when needed: it wants graphics libraries that a compute node may lack.
        import gmsh
    except (ImportError, OSError) as error:
        raise MeshError(
            f"mesh.kind: gmsh cannot be loaded ({error}); install its graphics libraries "
            "(Debian: libglu1-mesa libxcursor1 libxft2 libxinerama1) or use another kind"
        ) from error
    gmsh.initialize(["gmsh"], False, False, False)
    gmsh.option.setNumber("General.Terminal", 0)
    gmsh.model.add("interphase")


def distribute(
    comm: MPI.Comm, model: Any, dim: int, unit: float = NANOMETRE
) -> tuple[Mesh, MeshTags]:
    """Share out a meshed gmsh model and scale it to metres. Collective.

    Args:
        comm: ranks that share the mesh.
        model: gmsh's model on rank 0, with the physical groups electrode, bulk and maybe sides.
        dim: number of space dimensions.
        unit: length of one unit of the model [m].

    Returns:
        The mesh [m] and its facet tags, numbered as `BOUNDARIES`; facets without a name are sides.

    Raises:
        MeshError: if there are more ranks than cells, or gmsh's mesh cannot be read.
    """
    cells = on_root(comm, lambda: sum(len(tags) for tags in model.mesh.getElements(dim)[1]))
    require_cells(comm, cells, "mesh.cell_size")
    partitioner = create_cell_partitioner(GhostMode.shared_facet, 2)
    try:
        data = model_to_mesh(model, comm, 0, gdim=dim, partitioner=partitioner)
    except RuntimeError as error:  # raised on every rank, after a broadcast of its own
        raise MeshError(f"mesh.file: {error}") from error
    mesh = data.mesh
    require_shares(mesh)
    mesh.geometry.x[:] *= unit
    mesh.topology.create_connectivity(dim - 1, dim)
    facets = exterior_facet_indices(mesh.topology)
    values = np.full(facets.size, BOUNDARIES["sides"], dtype=np.int32)
    for name in ("electrode", "bulk"):
        group = data.physical_groups[name]
        values[np.isin(facets, data.facet_tags.find(group.tag))] = BOUNDARIES[name]
    return mesh, tag_facets(mesh, facets, values)


def named_geometry(
    mesh: Mesh,
    tags: MeshTags,
    *,
    depth: float,
    height: float,
    cell_size: float,
    origin: float = 0.0,
    radius: float | None = None,
) -> Geometry:
    """Return the geometry of a mesh without periods whose last axis is the normal. Collective.

    Raises:
        MeshError: if the electrode or the bulk has no exterior facet.
    """
    sizes = {name: boundary_measure(mesh, tags, name) for name in ("electrode", "bulk")}
    for name, size in sizes.items():
        if not size > 0.0:
            raise MeshError(f"mesh.file: no facet of the mesh's outside is named {name!r}")
    return Geometry(
        mesh=mesh,
        facet_tags=tags,
        boundaries=BOUNDARIES,
        periods=(),
        normal_axis=mesh.geometry.dim - 1,
        area=sizes["electrode"] * depth,
        depth=depth,
        height=height,
        cell_size=cell_size,
        origin=origin,
        radius=radius,
    )
