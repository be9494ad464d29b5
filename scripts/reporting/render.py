"""Three-dimensional pictures of a film, rendered by PyVista without a display."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista

from interphase.scripts.reporting.palette import ELECTRODE, Look
from interphase.scripts.reporting.snapshot import Film, blend

_WINDOW = (1100, 900)
_SHARPNESS = 8.0
"""Lets the largest share set the colour, with a border too thin to look like a phase."""


def render_film(film: Film, phases: dict[str, Look], top: float) -> npt.NDArray[np.uint8]:
    """Render the film's surface with a quarter cut away.

    Args:
        film: a three-dimensional snapshot.
        phases: how the phases look.
        top: height of the frame [nm], the same for all pictures of a series.

    Returns:
        The picture without its white margin, (rows, columns, 3).
    """
    # round-off of a mesh that begins at 0 would be labelled -0
    west, east, south, north, low, _ = (round(edge, 6) + 0.0 for edge in film.grid.bounds)
    frame = (west, east, south, north, low, low + max(top, 0.1 * (east - west)))
    # without a display VTK warns and draws all the same
    with pyvista.vtk_verbosity("off"):
        return cropped(_drawn(film, phases, frame))


def _drawn(film: Film, phases: dict[str, Look], frame: tuple[float, ...]) -> npt.NDArray[np.uint8]:
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=list(_WINDOW), lighting="none")
    try:
        _light(plotter)
        _electrode(plotter, frame)
        solid = _solid(film, phases, frame)
        if solid.n_cells:
            plotter.add_mesh(
                solid, scalars="colour", rgb=True, ambient=0.25, diffuse=0.75, specular=0.1,
                smooth_shading=True, split_sharp_edges=True, feature_angle=50.0,
            )  # fmt: skip
        _frame(plotter, frame)
        return np.asarray(plotter.screenshot(return_img=True))[..., :3]
    finally:
        plotter.close()


def _solid(film: Film, phases: dict[str, Look], frame: tuple[float, ...]) -> Any:
    """Return the outside of the film without the quarter nearest to the eye, with colours."""
    west, east, south, north, low, _ = frame
    body = film.grid.clip_scalar(scalars="film", value=0.5, invert=False)
    if body.n_cells == 0:
        return body
    corner = [0.5 * (west + east), east + 1.0, south - 1.0, 0.5 * (south + north), low - 1.0, 1e6]
    skin = body.clip_box(corner, invert=True).extract_surface(algorithm="dataset_surface")
    if skin.n_points == 0:
        return skin
    fields = {name: np.asarray(skin.point_data[name], dtype=float) for name in film.phases}
    if film.has("pore"):
        fields["pore"] = np.asarray(skin.point_data["pore"], dtype=float)
    # the surface itself is half electrolyte: only what is solid decides its colour
    fields["film"] = np.ones(skin.n_points)
    colours = blend(fields, phases, _SHARPNESS)
    skin.point_data["colour"] = np.round(255.0 * colours).astype(np.uint8)
    return skin


def _electrode(plotter: Any, frame: tuple[float, ...]) -> None:
    west, east, south, north, low, _ = frame
    thick = 0.02 * (east - west)
    slab = pyvista.Box(bounds=(west, east, south, north, low - thick, low - 1.0e-3 * thick))
    plotter.add_mesh(slab, color=ELECTRODE, ambient=0.4, diffuse=0.6)


def _frame(plotter: Any, frame: tuple[float, ...]) -> None:
    """Draw the box with its lengths and look at it from the cut corner."""
    plotter.set_background("white")
    for line in _far_edges(frame):
        plotter.add_mesh(line, color="#9AA3AF", line_width=1.5)
    plotter.show_bounds(
        bounds=frame, grid=None, location="outer", ticks="outside", all_edges=False,
        xtitle="x [nm]", ytitle="y [nm]", ztitle="z [nm]", n_xlabels=3, n_ylabels=3, n_zlabels=2,
        font_size=22, color="#1F2937", fmt="%.2g", minor_ticks=False, padding=0.0,
        use_3d_text=False,
    )  # fmt: skip
    west, east, south, north, low, high = frame
    centre = (0.5 * (west + east), 0.5 * (south + north), 0.5 * (low + high))
    reach = 2.2 * max(east - west, north - south, high - low)
    plotter.camera_position = [
        (centre[0] + 0.75 * reach, centre[1] - 0.95 * reach, centre[2] + 0.75 * reach),
        centre,
        (0.0, 0.0, 1.0),
    ]
    plotter.enable_parallel_projection()
    plotter.reset_camera(bounds=frame)
    plotter.camera.zoom(0.92)
    plotter.enable_anti_aliasing("ssaa")


def _far_edges(frame: tuple[float, ...]) -> list[Any]:
    """Return the edges of the frame that do not pass in front of the film."""
    west, east, south, north, low, high = frame
    posts = [(west, south), (west, north), (east, north)]
    lines = [
        pyvista.Line((*a, level), (*b, level))
        for a, b in itertools.pairwise(posts)
        for level in (low, high)
    ]
    return lines + [pyvista.Line((*place, low), (*place, high)) for place in posts]


def _light(plotter: Any) -> None:
    for place, strength in (((2.0, -3.0, 5.0), 0.85), ((-4.0, -2.0, 2.0), 0.25)):
        light = pyvista.Light(position=place, light_type="scene light", intensity=strength)
        plotter.add_light(light)


def cropped(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Cut off the white margin, leaving a few pixels."""
    ink = np.any(picture < 250, axis=2)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size == 0:
        return picture
    margin = 8
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return picture[top : rows[-1] + margin, left : columns[-1] + margin]
