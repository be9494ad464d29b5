"""One snapshot of the fields, in nanometres above the electrode, and its lateral averages."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista

from interphase.parameters.errors import InterphaseError, OutputError
from interphase.parameters.units import to_si
from interphase.scripts.reporting.folder import RunFolder, Snapshot
from interphase.scripts.reporting.palette import LIQUID, PORE, Look, rgb

Array = npt.NDArray[np.float64]

NANOMETRE = 1.0e-9
_ADVICE = "run the case again"


@dataclass(frozen=True)
class Film:
    """The fields of one time.

    Attributes:
        time: [s].
        grid: cells and point data of PyVista; lengths in nm, because VTK's own tolerances are made
            for lengths near 1.
        dimension: 1, 2 or 3.
        radius: of the particle [nm]; 0 for a flat electrode.
        phases: solid phases in the order of the table.
    """

    time: float
    grid: Any
    dimension: int
    radius: float
    phases: tuple[str, ...]

    @property
    def normal(self) -> int:
        """Axis along which the film grows."""
        return self.dimension - 1

    def height(self, points: Array) -> Array:
        """Return the distance from the electrode [nm] of points (n, 3) [nm]."""
        if self.radius > 0.0:
            return np.asarray(np.hypot(points[:, 0], points[:, 1]) - self.radius)
        return np.asarray(points[:, self.normal] - self.grid.bounds[2 * self.normal])

    def has(self, name: str) -> bool:
        """Return whether the snapshot holds a field."""
        return name in self.grid.point_data

    def field(self, name: str) -> Array:
        """Return the values of a field at the points, (points,)."""
        return np.asarray(self.grid.point_data[name], dtype=float)

    def top(self, level: float = 0.02) -> float:
        """Return the height below which all film lies [nm]; 0 without film."""
        inside = self.field("film") > level
        return float(self.height(self.grid.points)[inside].max()) if np.any(inside) else 0.0


def read_film(run: RunFolder, shot: Snapshot) -> Film:
    """Read a snapshot.

    Raises:
        OutputError: if the file cannot be read or lacks the film.
    """
    try:
        # VTK reports a broken file as a warning and returns an empty grid
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            grid = pyvista.read(shot.path)
    except Exception as error:  # VTK and PyVista raise errors of many families
        raise OutputError(f"{shot.path}: cannot be read ({error}); {_ADVICE}") from error
    phases = run.series.phases
    absent = [name for name in ("film", *phases) if name not in grid.point_data]
    if grid.n_cells == 0 or absent:
        what = f"holds no field '{absent[0]}'" if absent else "holds no cells"
        raise OutputError(f"{shot.path}: {what}; {_ADVICE}")
    grid.points = np.asarray(grid.points, dtype=float) / NANOMETRE
    return Film(shot.time, grid, int(grid.get_cell(0).dimension), _radius(run), phases)


def _radius(run: RunFolder) -> float:
    mesh = run.case.get("mesh") or {}
    if mesh.get("kind") != "particle":
        return 0.0
    try:
        return to_si(str(mesh.get("radius")), "m") / NANOMETRE
    except InterphaseError as error:
        raise OutputError(f"{run.path / 'case.yaml'}: mesh.radius: {error}") from error


def blend(fields: dict[str, Array], looks: dict[str, Look], sharpness: float = 1.0) -> Array:
    """Mix the colours of solids, pores and liquid in proportion to their volume.

    Args:
        fields: "film", "pore" and the phases, each of one shape (...).
        looks: of the phases.
        sharpness: 1 mixes by volume; larger lets the phase that has most win.

    Returns:
        Red, green, blue from 0 to 1, (..., 3).
    """
    pore = np.clip(fields.get("pore", np.zeros_like(fields["film"])), 0.0, None)
    parts = [(rgb(looks[name].colour), np.clip(fields[name], 0.0, None)) for name in looks]
    parts += [(rgb(PORE), pore), (rgb(LIQUID), np.clip(1.0 - fields["film"], 0.0, None))]
    weights = np.stack([part for _, part in parts]) ** sharpness
    weights /= np.maximum(weights.sum(axis=0), 1.0e-300)
    colours = np.array([colour for colour, _ in parts])
    return np.asarray(np.clip(np.einsum("p...,pc->...c", weights, colours), 0.0, 1.0))


def lateral_average(film: Film, names: list[str], *, within: str | None = None) -> Array:
    """Average fields over planes (or arcs) parallel to the electrode.

    Args:
        film: the snapshot.
        names: fields.
        within: field that weighs the average, such as "film" for what only the film has; where
            its own average is below 5 % the result is not a number.

    Returns:
        Heights [nm] in the first row and one row per field, (1 + fields, planes).
    """
    sized = film.grid.compute_cell_sizes(length=True, area=True, volume=True)
    measure = np.asarray(sized.cell_data[("Length", "Area", "Volume")[film.dimension - 1]])
    plane, centres = _planes(film)
    total = np.bincount(plane, measure)
    averaged = film.grid.point_data_to_cell_data()
    weight = measure if within is None else measure * np.asarray(averaged.cell_data[within])
    held = np.bincount(plane, weight)
    rows = [centres]
    with np.errstate(invalid="ignore", divide="ignore"):
        for name in names:
            mean = np.bincount(plane, weight * np.asarray(averaged.cell_data[name])) / held
            rows.append(np.where(held >= 0.05 * total, mean, np.nan))
    return np.array(rows)


def _planes(film: Film) -> tuple[npt.NDArray[np.int64], Array]:
    """Return the plane of each cell and the heights of the planes [nm]."""
    heights = film.height(np.asarray(film.grid.cell_centers().points, dtype=float))
    top = heights.max()
    levels, plane = np.unique(np.round(heights / (1.0e-4 * top)), return_inverse=True)
    if film.dimension > 1 and levels.size > 0.25 * heights.size:
        # no layers of cells: bins as high as a cell
        count = max(8, round(heights.size ** (1.0 / film.dimension)))
        plane = np.minimum((heights / top * count).astype(np.int64), count - 1)
        levels, plane = np.unique(plane, return_inverse=True)
    held = np.bincount(plane)
    return plane, np.asarray(np.bincount(plane, heights) / held)
