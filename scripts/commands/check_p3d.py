"""What ``interphase check`` says of a whole cell."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from interphase.meshes.cell3d import STACK, check_grid
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CaseError, did_you_mean
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.ageing_setup import film_maker
from interphase.solvers.p3d.setup import grid_of, layers_of, program_of
from interphase.solvers.progress import readable

# CPU time of one place and step in time, exchanges included, 8/4/8 points, not compiled [s].
_PER_PLACE: Final = {"SPM": 5e-3, "SPMe": 8e-3, "DFN": 1.5e-2}

# A hold that ends at a current is taken to last so long [s].
_HOLD: Final = 3600.0


def whole_cell(name: str, case: P3DCase, ranks: int) -> list[str]:
    """Return the lines to show. For one rank.

    Raises:
        CaseError: the case does not fit its parameter set.
        MeshError: the mesh cannot be made.
    """
    layers = layers_of(case)
    grid = grid_of(case.geometry)
    check_grid(grid, ranks)
    for face in case.heat.cooling:
        if face not in grid.faces:
            raise CaseError(
                f"the cell has no such face; {did_you_mean(face, grid.faces)}",
                f"heat.cooling.{face}",
            )
    inside = grid.region == grid.regions.index(STACK)
    corners = grid.points[grid.cells[inside]]
    volume = float(np.sum(_volumes(corners)))
    capacity = layers.capacity * volume / layers.period / 3600.0
    program = program_of(case, capacity)
    places = int(grid.place.max()) + 1
    cycles = case.drive.cycles if case.ageing is None else 1
    steps = cycles * sum(_steps(case, step, capacity) for step in program)
    seconds = steps * places * _PER_PLACE[case.pair.model] / ranks
    lines = [
        f"{name}: the case is valid",
        f"  title       {case.title}",
        f"  cell        {case.geometry.shape}, {1e6 * volume:.4g} cm3 of stack, "
        f"{volume / layers.period:.4g} m2 of electrode pairs, {capacity:.4g} A h",
        f"  pair        {case.pair.model}, {case.pair.parameters}",
        f"  mesh        {len(grid.cells):,} cells, regions {', '.join(grid.regions)}",
        f"  faces       {', '.join(grid.faces)}",
        f"  unknowns    {3 * len(grid.points):,} of the fields",
        f"  places      {places}",
        f"  steps       about {steps:,}",
        f"  time        about {readable(seconds)} on {ranks} rank(s)",
    ]
    if case.ageing is not None:
        # its blocks are checked by making it
        film_maker(case)
        lines[-2:] = [
            f"  ageing      {case.drive.cycles} cycles, few of them simulated; films for at most "
            f"{case.ageing.clusters} clusters of places",
            f"  steps       about {steps:,} in one cycle",
            f"  time        about {readable(seconds)} for one cycle on {ranks} rank(s)",
        ]
    if not case.heat.cooling:
        lines.append("  warning     no face is cooled: all heat stays in the cell")
    return lines


def _volumes(
    corners: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the volumes of tetrahedra, or of hexahedra cut into six of them."""
    if corners.shape[1] == 4:
        parts = [(0, 1, 2, 3)]
    else:
        # around the long diagonal from corner 0 to corner 7
        ring = (1, 3, 2, 6, 4, 5, 1)
        parts = [(0, 7, a, b) for a, b in zip(ring, ring[1:], strict=False)]
    total = np.zeros(len(corners))
    for a, b, c, d in parts:
        edges = [corners[:, i] - corners[:, a] for i in (b, c, d)]
        total += np.abs(np.einsum("ij,ij->i", edges[0], np.cross(edges[1], edges[2]))) / 6.0
    return total


def _steps(case: P3DCase, step: ControlStep, capacity: float) -> int:
    """Return about how many steps in time a control step takes."""
    duration = step.duration
    if step.guard and step.mode == "current" and step.value:
        # it will end at a voltage, once the capacity has gone through at most
        duration = min(duration, 3600.0 * capacity / abs(step.value))
    elif step.guard:
        duration = min(duration, _HOLD)
    starting = math.log(case.time.step / case.time.first) / math.log(case.time.growth)
    return math.ceil(duration / case.time.step + starting)
