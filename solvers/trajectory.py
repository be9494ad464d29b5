"""Recording a run as a trajectory: a frame on the uniform patch whenever the film has grown a bit.

Collective on the problem's communicator.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from interphase.meshes.parallel import on_root
from interphase.models.surrogate.trajectory import (
    FIELDS,
    SERIES,
    Grid,
    Trajectory,
    write_trajectory,
)
from interphase.parameters.case import Case
from interphase.parameters.errors import ConvergenceError
from interphase.parameters.program import Drive
from interphase.solvers.diagnostics import Row
from interphase.solvers.outputs import NoRecorder
from interphase.solvers.provenance import describe
from interphase.solvers.raster import Raster
from interphase.solvers.setup import Problem
from interphase.solvers.simulation import Simulation
from interphase.solvers.starting import prepare
from interphase.solvers.state import FilmState
from interphase.solvers.stopping import Ending

logger = logging.getLogger(__name__)

# A film that has not grown by this many intervals teaches nothing.
_FEWEST = 3


class TrajectoryRecorder(NoRecorder):
    """Keeps a frame whenever the film's mean thickness has grown by ``interval`` [m]."""

    def __init__(self, problem: Problem, interval: float) -> None:
        self._problem, self._interval = problem, interval
        self.raster = Raster(problem.space)
        self._thickness = self._next = 0.0
        self._grains = 0.0
        self.frames: list[dict[str, Grid]] = []
        self.series: list[tuple[float, ...]] = []

    def row(self, row: Row) -> None:
        """Take note of how thick the film is."""
        self._thickness, self._grains = row["thickness"], row["grains"]

    def due(self, time: float) -> bool:
        """Return whether the film has grown by another interval."""
        return self._thickness >= self._next

    def fields(self, state: FilmState, drive: Drive) -> None:
        """Keep a frame; after a seed or kink the speed is not known, so the next step is taken."""
        if state.step <= 0.0 or not self.due(state.time):
            return
        self._next = self._thickness + self._interval
        patch = self.raster.patch(state, self._problem.width)
        self.frames.append({name: getattr(patch, name).astype(np.float32) for name in FIELDS})
        values = (state.time, self._thickness, drive.potential, drive.temperature, self._grains)
        self.series.append(values)


def record_trajectory(
    case: Case,
    path: Path,
    comm: Any,
    *,
    parameters: tuple[str, ...],
    interval: float,
    notes: Mapping[str, Any],
) -> int | None:
    """Run a case and keep it as a trajectory; return the number of frames. Collective.

    None if a signal has stopped the run: then nothing is kept.

    A run that ends early because the film has reached the top of its mesh is kept up to there.

    Args:
        case: what to run.
        path: of the file.
        comm: ranks that run it.
        parameters: rows of the table to note, ``name.of``.
        interval: growth between frames, in l [-].
        notes: goes into the provenance.

    Raises:
        ConvergenceError: the run failed before the film had grown.
    """
    start = prepare(case, comm)
    problem = start.problem
    recorder = TrajectoryRecorder(problem, interval * problem.width)
    try:
        result = Simulation(replace(start, recorder=recorder)).run()
        if result.ending is not Ending.DONE:
            return None
        ending = str(result)
    except ConvergenceError as error:
        if len(recorder.series) < _FEWEST:
            raise
        ending = str(error)
        logger.info("kept up to there: %s", error)
    entry = describe(problem.comm, problem.table, problem.space.global_size)
    provenance = {**entry, **notes, "ending": ending, "case": case.to_yaml()}

    def write() -> None:
        write_trajectory(path, _trajectory(problem, recorder, parameters, provenance))

    on_root(problem.comm, write)
    return len(recorder.series)


def _trajectory(
    problem: Problem,
    recorder: TrajectoryRecorder,
    parameters: tuple[str, ...],
    provenance: Mapping[str, Any],
) -> Trajectory:
    logs = {}
    for key in parameters:
        name, _, of = key.partition(".")
        logs[key] = float(np.log10(problem.table.value(name, of or None)))
    series = np.array(recorder.series).T
    frames = recorder.frames
    return Trajectory(
        solids=problem.model.solids,
        width=problem.width,
        spacing=recorder.raster.spacing,
        periodic=recorder.raster.periodic,
        parameters=logs,
        series=dict(zip(SERIES, series, strict=True)),
        fields={name: np.stack([frame[name] for frame in frames]) for name in FIELDS},
        provenance=provenance,
    )
