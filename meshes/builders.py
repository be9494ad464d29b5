"""Boxes in one, two and three dimensions, made to measure: named faces, graded layers.

Every box is first made in units of its cells, so that nodes and faces are recognised by exact
integers, and then mapped to metres: no geometric tolerance meets a length of a nanometre.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from dolfinx.mesh import (
    CellType,
    GhostMode,
    Mesh,
    create_box,
    create_interval,
    create_rectangle,
)
from mpi4py import MPI

from interphase.meshes.facets import (
    boundary_measure,
    exterior_facets,
    require_cells,
    require_shares,
    tag_facets,
)
from interphase.meshes.geometry import BOUNDARIES, Geometry
from interphase.meshes.refinement import Grading, cell_count, levels
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]

DEFAULT_DEPTH = 5.0e-9
"""Thickness of the slice that a one- or two-dimensional mesh stands for [m]."""


def interval(
    comm: MPI.Comm,
    height: float,
    cell_size: float,
    *,
    grading: Grading | None = None,
    depth: float = DEFAULT_DEPTH,
) -> Geometry:
    """Return a line along the normal, standing for a square column of side ``depth``.

    Collective.

    Args:
        comm: ranks that share the mesh.
        height: electrode to bulk [m].
        cell_size: largest cell of the uniform part [m].
        grading: growth of the cells away from the electrode.
        depth: side of the column [m]; outputs per area do not depend on it.

    Raises:
        MeshError: on a length that is not positive, or more ranks than cells.
    """
    _check_depth(depth)
    return _box(comm, [levels(height, cell_size, grading)], CellType.interval, (), depth**2)


def rectangle(
    comm: MPI.Comm,
    size: Sequence[float],
    cell_size: float,
    *,
    cell: str = "quadrilateral",
    periodic: Sequence[int] = (0,),
    grading: Grading | None = None,
    depth: float = DEFAULT_DEPTH,
) -> Geometry:
    """Return a rectangle whose last axis is the normal.

    Collective.

    Args:
        comm: ranks that share the mesh.
        size: width and height [m].
        cell_size: largest cell edge of the uniform part [m].
        cell: "quadrilateral" or "triangle".
        periodic: lateral axes whose opposite faces are one; others are mirrors.
        grading: growth of the cells away from the electrode.
        depth: thickness of the slice [m].

    Raises:
        MeshError: on a bad size, cell or axis, or more ranks than cells.
    """
    _check_depth(depth)
    cell_type = _cell_type(cell, ("quadrilateral", "triangle"))
    return _box(comm, _grid(size, cell_size, grading, 2), cell_type, periodic, depth)


def box(
    comm: MPI.Comm,
    size: Sequence[float],
    cell_size: float,
    *,
    cell: str = "hexahedron",
    periodic: Sequence[int] = (0, 1),
    grading: Grading | None = None,
) -> Geometry:
    """Return a box whose last axis is the normal.

    Collective.

    Args:
        comm: ranks that share the mesh.
        size: two widths and the height [m].
        cell_size: largest cell edge of the uniform part [m].
        cell: "hexahedron" or "tetrahedron".
        periodic: lateral axes whose opposite faces are one; others are mirrors.
        grading: growth of the cells away from the electrode.

    Raises:
        MeshError: on a bad size, cell or axis, or more ranks than cells.
    """
    cell_type = _cell_type(cell, ("hexahedron", "tetrahedron"))
    return _box(comm, _grid(size, cell_size, grading, 3), cell_type, periodic, 1.0)


def _check_depth(depth: float) -> None:
    if not depth > 0.0:
        raise MeshError(f"mesh.depth: must be positive, got {depth:g} m")


def _cell_type(cell: str, allowed: tuple[str, ...]) -> CellType:
    if cell not in allowed:
        raise MeshError(f"mesh.cell: {cell!r} does not fit; write {' or '.join(allowed)}")
    return CellType[cell]


def _grid(
    size: Sequence[float], cell_size: float, grading: Grading | None, dim: int
) -> list[Floats]:
    """Return the node positions [m] along each axis, the last one graded."""
    if len(size) != dim:
        raise MeshError(f"mesh.size: {dim} lengths are needed, got {len(size)}")
    lateral = [np.linspace(0.0, s, cell_count(s, cell_size) + 1) for s in size[:-1]]
    return [*lateral, levels(size[-1], cell_size, grading)]


def _box(
    comm: MPI.Comm, grid: list[Floats], cell: CellType, periodic: Sequence[int], depth: float
) -> Geometry:
    """Return the box with nodes at the tensor product of ``grid``."""
    normal = len(grid) - 1
    for axis in periodic:
        if axis not in range(normal):
            raise MeshError(
                f"mesh.periodic: axis {axis} is not lateral; the last one is the normal"
            )
    counts = [nodes.size - 1 for nodes in grid]
    pieces = {CellType.triangle: 2, CellType.tetrahedron: 6}.get(cell, 1)
    require_cells(comm, pieces * int(np.prod(counts)), "mesh.cell_size")
    mesh = _index_box(comm, counts, cell)
    require_shares(mesh)
    facets, points = exterior_facets(mesh)
    values = np.full(facets.size, BOUNDARIES["sides"], dtype=np.int32)
    along = np.rint(points[:, :, normal])
    values[np.all(along == 0, axis=1)] = BOUNDARIES["electrode"]
    values[np.all(along == counts[normal], axis=1)] = BOUNDARIES["bulk"]
    tags = tag_facets(mesh, facets, values)
    x = mesh.geometry.x
    for axis, nodes in enumerate(grid):
        x[:, axis] = nodes[np.rint(x[:, axis]).astype(int)]
    return Geometry(
        mesh=mesh,
        facet_tags=tags,
        boundaries=BOUNDARIES,
        periods=tuple((axis, float(grid[axis][-1])) for axis in sorted(set(periodic))),
        normal_axis=normal,
        area=boundary_measure(mesh, tags, "electrode") * depth,
        depth=depth,
        height=float(grid[normal][-1]),
        cell_size=float(max(nodes[1] - nodes[0] for nodes in grid)),
    )


def _index_box(comm: MPI.Comm, counts: Sequence[int], cell: CellType) -> Mesh:
    """Return a box of unit cells with a corner at the origin."""
    low, high = [0.0] * len(counts), [float(n) for n in counts]
    if len(counts) == 1:
        return create_interval(comm, counts[0], [0.0, high[0]], ghost_mode=GhostMode.shared_facet)
    create = create_rectangle if len(counts) == 2 else create_box
    return create(
        comm,
        [np.array(low), np.array(high)],
        list(counts),
        cell,
        ghost_mode=GhostMode.shared_facet,
    )
