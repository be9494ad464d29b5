"""Pictures of the film's structure at chosen times, in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    line_handle,
    new_figure,
    phase_handles,
    style,
)
from interphase.scripts.reporting.folder import RunFolder
from interphase.scripts.reporting.palette import (
    ELECTRODE,
    FILM,
    LIQUID,
    PORE,
    Look,
    formula_html,
    looks,
    time_text,
)
from interphase.scripts.reporting.render import render_film
from interphase.scripts.reporting.snapshot import Film, blend, lateral_average

Array = npt.NDArray[np.float64]

PAGE_WIDTH = 7.4
"""Width of all pictures [inch]."""


def structure_picture(films: list[Film], headings: list[str]) -> Picture:
    """Draw the structure of ``films``, all of one dimension, each under its heading."""
    draw = (_lines, _planes, _bodies)[films[0].dimension - 1]
    with style():
        figure, what = draw(films, headings)
        png = as_png(figure)
    return Picture("structure", "Structure", what, png)


def heading(run: RunFolder, film: Film) -> str:
    """Return time and thickness of a film of ``run``."""
    thickness = run.series.at("thickness", film.time) * 1.0e9
    return f"{time_text(film.time)},  L = {thickness:.3g} nm"


def _has_pores(films: list[Film]) -> bool:
    return any(film.has("pore") and film.field("pore").max() > 0.01 for film in films)


def _columns(count: int, shape: float) -> int:
    """Return how many panels stand side by side, for panels of height over width ``shape``."""
    if count == 1:
        return 1
    best = 2 if shape < 0.75 else 3 if shape < 2.0 else 6
    return min(best, count)


def _label(axes: Any, count: int, across: str, upward: str) -> None:
    """Label the outer panels of a grid of which only the first ``count`` are used."""
    columns = axes.shape[1]
    for index, place in enumerate(axes.flat):
        place.set_visible(index < count)
        if index % columns == 0:
            place.set_ylabel(upward)
        if index + columns >= count:
            place.set_xlabel(across)
            place.tick_params(labelbottom=True)


def _legend(figure: Figure, films: list[Film], phases: dict[str, Look], *more: Any) -> None:
    flat = films[0].dimension < 3
    handles = [*phase_handles(phases, pore=_has_pores(films), liquid=flat), *more]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


# ---------------------------------------------------------------- one dimension
def _lines(films: list[Film], headings: list[str]) -> tuple[Figure, str]:
    phases = looks(films[0].phases)
    columns = min(3, len(films))
    rows = -(-len(films) // columns)
    figure = new_figure(PAGE_WIDTH, 1.0 + 1.9 * rows)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    depth = 1.15 * max(film.top() for film in films) + 0.5
    for index, (place, film) in enumerate(zip(axes.flat, films, strict=False)):
        stack_composition(place, film, phases)
        place.set_xlim(0.0, depth)
        letter(place, index, headings[index])
    _label(axes, len(films), "distance from the electrode [nm]", "volume fraction [-]")
    _legend(figure, films, phases)
    return figure, "Volume fractions against the distance from the electrode."


def stack_composition(axes: Any, film: Film, phases: dict[str, Look]) -> None:
    """Stack the volume fractions of solids, pores and electrolyte against the height."""
    names = [*phases, *(["pore"] if film.has("pore") else [])]
    table = lateral_average(film, names)
    height = np.concatenate(([0.0], table[0]))
    parts = [np.concatenate((row[:1], row)) for row in np.clip(table[1:], 0.0, None)]
    colours = [look.colour for look in phases.values()] + [PORE] * (len(names) - len(phases))
    axes.stackplot(height, parts, colors=colours, linewidth=0.0)
    filled = np.sum(parts, axis=0)
    axes.fill_between(height, np.minimum(filled, 1.0), 1.0, color=LIQUID, linewidth=0.0)
    edge = np.zeros_like(height)
    for part in parts:
        edge = edge + part
        visible = np.where(part > 0.005, edge, np.nan)
        axes.plot(height, visible, color="white", linewidth=0.6)
    axes.set_ylim(0.0, 1.0)
    axes.grid(False)


# ---------------------------------------------------------------- two dimensions
def _planes(films: list[Film], headings: list[str]) -> tuple[Figure, str]:
    phases = looks(films[0].phases)
    bounds = _window(films)
    width, height = bounds[1] - bounds[0], bounds[3] - bounds[2]
    shape = height / width
    columns = _columns(len(films), shape)
    rows = -(-len(films) // columns)
    panel = (PAGE_WIDTH - 0.6) / columns - 0.15
    figure = new_figure(PAGE_WIDTH, rows * (panel * shape + 0.32) + 0.75)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for index, (place, film) in enumerate(zip(axes.flat, films, strict=False)):
        _draw_plane(place, film, phases, bounds)
        letter(place, index, headings[index])
    _label(axes, len(films), "along the electrode [nm]", "height [nm]")
    _legend(figure, films, phases, line_handle(FILM, r"front ($\varphi$ = 1/2)", width=0.8))
    names = ", ".join(formula_html(name) for name in phases)
    return figure, (
        f"Films to scale. Colours of {names}, pores and electrolyte are mixed in "
        "proportion to volume, so a blurred border is as wide as the interface of the model."
    )


def _window(films: list[Film]) -> tuple[float, float, float, float]:
    """Return the part of the plane to show [nm]: all of the electrode, film with some room."""
    left, right, low, high = films[0].grid.bounds[:4]
    top = 1.15 * max(film.top() for film in films) + 1.0
    top = max(top, 0.12 * (right - left))
    start = films[0].radius or low
    return left, right, low, min(high, start + top)


def _draw_plane(
    axes: Any, film: Film, phases: dict[str, Look], bounds: tuple[float, float, float, float]
) -> None:
    fields, inside = sample_plane(film, bounds)
    colours = np.concatenate((blend(fields, phases), inside[..., None].astype(float)), axis=-1)
    extent = _relative(film, bounds)
    axes.imshow(colours, origin="lower", extent=extent, aspect="equal", interpolation="bilinear")
    rows, columns = inside.shape
    across = np.linspace(extent[0], extent[1], columns)
    along = np.linspace(extent[2], extent[3], rows)
    level = np.where(inside, fields["film"], np.nan)
    if np.nanmin(level) < 0.5 < np.nanmax(level):
        axes.contour(across, along, level, levels=[0.5], colors=FILM, linewidths=0.8)
    axes.grid(False)
    axes.set_facecolor("white")


def _relative(
    film: Film, bounds: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Return the window with the electrode's lowest level (or the particle's pole) at 0."""
    left, right, low, high = bounds
    start = film.radius or film.grid.bounds[2]
    return left, right, low - start, high - start


def sample_plane(
    film: Film, bounds: tuple[float, float, float, float], pixels: int = 480
) -> tuple[dict[str, Array], npt.NDArray[np.bool_]]:
    """Sample the fields of a two-dimensional film on an even raster.

    Args:
        film: the snapshot.
        bounds: left, right, low and high edge [nm].
        pixels: along the longer edge.

    Returns:
        Fields by name and where the raster lies inside the mesh, each (rows, columns).
    """
    left, right, low, high = bounds
    step = max(right - left, high - low) / pixels
    size = (round((right - left) / step) + 1, round((high - low) / step) + 1)
    raster = pyvista.ImageData(
        dimensions=(*size, 1),
        spacing=((right - left) / (size[0] - 1), (high - low) / (size[1] - 1), 1.0),
        origin=(left, low, 0.0),
    )
    sampled = raster.sample(film.grid)
    names = [name for name in ("film", "pore", *film.phases) if film.has(name)]
    fields = {
        name: np.asarray(sampled.point_data[name], dtype=float).reshape(size[::-1])
        for name in names
    }
    inside = np.asarray(sampled.point_data["vtkValidPointMask"]).reshape(size[::-1]) > 0
    return fields, inside


# ---------------------------------------------------------------- three dimensions
def _bodies(films: list[Film], headings: list[str]) -> tuple[Figure, str]:
    phases = looks(films[0].phases)
    columns = min(2, len(films))
    rows = -(-len(films) // columns)
    top = 1.1 * max(film.top(0.5) for film in films)
    pictures = [render_film(film, phases, top) for film in films]
    shape = max(picture.shape[0] / picture.shape[1] for picture in pictures)
    panel = (PAGE_WIDTH - 0.2) / columns
    figure = new_figure(PAGE_WIDTH, rows * (panel * shape + 0.3) + 0.45)
    axes = figure.subplots(rows, columns, squeeze=False)
    for index, (place, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        place.imshow(picture)
        letter(place, index, headings[index])
    for place in axes.flat:
        place.set_axis_off()
    electrode = Patch(facecolor=ELECTRODE, edgecolor="#4B5563", linewidth=0.5, label="electrode")
    _legend(figure, films, phases, electrode)
    return figure, (
        "Surface of the film (order parameter 1/2), coloured by the phase that has most of the "
        "volume, with a quarter cut away to show the inside. Lengths in nm."
    )
