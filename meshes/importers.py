"""Meshes from elsewhere: gmsh files and voxel images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from dolfinx.mesh import Mesh, MeshTags, entities_to_geometry
from mpi4py import MPI

from interphase.meshes.builders import DEFAULT_DEPTH
from interphase.meshes.facets import corners
from interphase.meshes.geometry import BOUNDARIES, Geometry
from interphase.meshes.gmsh_model import distribute, gmsh_session, named_geometry
from interphase.meshes.parallel import global_max, global_min, on_root
from interphase.meshes.voxels import check_unit, from_voxels
from interphase.parameters.errors import MeshError

__all__ = ["from_gmsh", "from_voxels"]

# First-order cells that linear elements live on: gmsh's number and dimension.
_LINEAR_CELLS = {2: 2, 3: 2, 4: 3, 5: 3}


def from_gmsh(
    comm: MPI.Comm, path: str | Path, unit: float, *, depth: float = DEFAULT_DEPTH
) -> Geometry:
    """Read a gmsh file (.msh) of triangles, quadrilaterals, tetrahedra or hexahedra.

    The last axis points from the electrode into the electrolyte, and the file has these physical
    groups: ``electrode`` and ``bulk`` on lines (2-D) or surfaces (3-D), and
    one or more of any name that hold every cell. ``sides`` may be named; whatever is not named is
    a side anyway. Collective.

    Args:
        comm: ranks that share the mesh.
        path: the file.
        unit: length of one unit of the file's coordinates [m].
        depth: thickness of the slice [m]; without meaning in 3-D.

    Raises:
        MeshError: if the file cannot be read, a name is missing, or a cell is not of first order.
    """
    check_unit(unit)
    with gmsh_session(comm) as model:
        dim = on_root(comm, lambda: _open(model, Path(path)))
        mesh, tags = distribute(comm, model, dim, unit)
    last = mesh.geometry.x[:, dim - 1]
    at_electrode = corners(mesh, tags.find(BOUNDARIES["electrode"]))[..., dim - 1]
    origin = global_min(comm, at_electrode)
    return named_geometry(
        mesh,
        tags,
        depth=depth if dim == 2 else 1.0,
        height=global_max(comm, last) - origin,
        cell_size=_size_at_electrode(mesh, tags),
        origin=origin,
    )


def _open(model: Any, path: Path) -> int:
    """Open the file on this rank, check it, and return its dimension."""
    if not path.is_file():
        raise MeshError(f"mesh.file: {path} does not exist")
    import gmsh

    try:
        gmsh.open(str(path))
    except Exception as error:
        raise MeshError(f"mesh.file: gmsh cannot read {path}: {error}") from error
    dim = int(model.getDimension())
    if dim < 2:
        raise MeshError(f"mesh.file: {path} has no surfaces or volumes")
    kinds = {int(kind) for kind in model.mesh.getElements(dim)[0]}
    if len(kinds) != 1 or _LINEAR_CELLS.get(min(kinds)) != dim:
        raise MeshError(
            f"mesh.file: {path} must have first-order cells of one kind "
            "(triangles, quadrilaterals, tetrahedra or hexahedra)"
        )
    names = {model.getPhysicalName(d, tag): d for d, tag in model.getPhysicalGroups()}
    for name in ("electrode", "bulk"):
        if names.get(name) != dim - 1:
            place = "lines" if dim == 2 else "surfaces"
            raise MeshError(
                f"mesh.file: {path} has no physical group {name!r} on {place}; "
                f"it has {', '.join(sorted(n for n in names if n)) or 'none with a name'}"
            )
    if dim not in names.values():
        raise MeshError(f"mesh.file: {path} has no physical group that holds the cells")
    return dim


def _size_at_electrode(mesh: Mesh, tags: MeshTags) -> float:
    """Return the longest edge [m] of the cells that touch the electrode. Collective."""
    dim = mesh.topology.dim
    mesh.topology.create_connectivity(dim - 1, dim)
    mesh.topology.create_connectivity(dim, 1)
    mesh.topology.create_entities(1)
    to_cells = mesh.topology.connectivity(dim - 1, dim)
    to_edges = mesh.topology.connectivity(dim, 1)
    cells = {int(c) for f in tags.find(BOUNDARIES["electrode"]) for c in to_cells.links(f)}
    edges = np.array(sorted({int(e) for c in cells for e in to_edges.links(c)}), dtype=np.int32)
    if edges.size == 0:
        return global_max(mesh.comm, np.empty(0))
    ends = mesh.geometry.x[entities_to_geometry(mesh, 1, edges)]
    return global_max(mesh.comm, np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))
