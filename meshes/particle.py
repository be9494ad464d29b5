"""A sector of a round particle with the electrolyte around it, made by gmsh."""

from __future__ import annotations

import math
from typing import Any

from mpi4py import MPI

from interphase.meshes.builders import DEFAULT_DEPTH
from interphase.meshes.geometry import Geometry
from interphase.meshes.gmsh_model import NANOMETRE, distribute, gmsh_session, named_geometry
from interphase.meshes.parallel import on_root
from interphase.meshes.refinement import Grading, cell_count, levels
from interphase.parameters.errors import MeshError


def particle(
    comm: MPI.Comm,
    radius: float,
    angle: float,
    height: float,
    cell_size: float,
    *,
    cell: str = "quadrilateral",
    grading: Grading | None = None,
    depth: float = DEFAULT_DEPTH,
) -> Geometry:
    """Return a sector of the shell around a particle: electrode on the inner arc, bulk outside.

    A plane cut of a particle: the sector opens symmetrically about the second axis, its centre is
    the origin and its straight sides are mirrors. Collective.

    Args:
        comm: ranks that share the mesh.
        radius: of the particle [m].
        angle: of the sector [rad], less than pi.
        height: electrode to bulk along the radius [m].
        cell_size: largest cell edge near the surface [m], along the radius and the arc.
        cell: "quadrilateral" or "triangle".
        grading: growth of the cells away from the surface.
        depth: thickness of the slice [m].

    Raises:
        MeshError: on a bad size, angle or cell, or more ranks than cells.
    """
    if cell not in ("quadrilateral", "triangle"):
        raise MeshError(f"mesh.cell: {cell!r} does not fit; write quadrilateral or triangle")
    if not 0.0 < angle < math.pi:
        raise MeshError(f"mesh.angle: must lie between 0 and 180 degrees, got {angle:g} rad")
    for key, value in (("radius", radius), ("depth", depth)):
        if not value > 0.0:
            raise MeshError(f"mesh.{key}: must be positive, got {value:g} m")
    heights = levels(height, cell_size, grading)
    uniform = min(grading.uniform_height, height) if grading else height
    # The arc is longest at the top of the uniform part: cells are measured there.
    arcs = cell_count(angle * (radius + uniform), cell_size)
    with gmsh_session(comm) as model:
        on_root(comm, lambda: _sector(model, radius, angle, heights, arcs, cell == "quadrilateral"))
        mesh, tags = distribute(comm, model, dim=2)
    return named_geometry(
        mesh,
        tags,
        depth=depth,
        height=height,
        cell_size=max(float(heights[1]), angle * (radius + uniform) / arcs),
        origin=radius,
        radius=radius,
    )


def _sector(
    model: Any, radius: float, angle: float, heights: Any, arcs: int, quadrilateral: bool
) -> None:
    """Build and mesh the sector in ``model``, in nanometres."""
    inner, top = radius / NANOMETRE, float(heights[-1])
    geo = model.geo
    centre = geo.addPoint(0.0, 0.0, 0.0)
    # Clockwise from the left, so that the loop below runs once around.
    ends = [0.5 * math.pi + 0.5 * angle, 0.5 * math.pi - 0.5 * angle]
    low, high = (
        [geo.addPoint(r * math.cos(a), r * math.sin(a), 0.0) for a in ends]
        for r in (inner, inner + top / NANOMETRE)
    )
    electrode = geo.addCircleArc(low[0], centre, low[1])
    bulk = geo.addCircleArc(high[0], centre, high[1])
    left, right = (geo.addLine(a, b) for a, b in zip(low, high, strict=True))
    loop = geo.addCurveLoop([electrode, right, -bulk, -left])
    surface = geo.addPlaneSurface([loop])
    layers = len(heights) - 1
    for curve, count in ((electrode, arcs), (bulk, arcs), (left, layers), (right, layers)):
        geo.mesh.setTransfiniteCurve(curve, count + 1)
    geo.mesh.setTransfiniteSurface(surface, "Left", [low[0], low[1], high[1], high[0]])
    if quadrilateral:
        geo.mesh.setRecombine(2, surface)
    geo.synchronize()
    model.addPhysicalGroup(1, [electrode], name="electrode")
    model.addPhysicalGroup(1, [bulk], name="bulk")
    model.addPhysicalGroup(1, [left, right], name="sides")
    model.addPhysicalGroup(2, [surface], name="film")
    model.mesh.generate(2)
    _place_layers(model, inner, heights / NANOMETRE)


def _place_layers(model: Any, inner: float, heights: Any) -> None:
    """Move the evenly spaced layers of nodes to ``heights`` [nm] above the inner arc.

    gmsh knows one geometric progression per curve; here a uniform part comes before the growth.
    """
    layers, top = len(heights) - 1, float(heights[-1])
    tags, coordinates, _ = model.mesh.getNodes()
    for tag, (x, y, z) in zip(tags, coordinates.reshape(-1, 3), strict=True):
        distance = math.hypot(x, y)
        if distance < 0.5 * inner:
            continue  # the centre of the arcs is no node of a cell
        layer = round((distance - inner) / top * layers)
        factor = (inner + float(heights[layer])) / distance
        model.mesh.setNode(tag, [x * factor, y * factor, z], [])
