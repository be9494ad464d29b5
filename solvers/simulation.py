"""A run: steps a film through its drive to the end, and takes note."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path

from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.errors import ConvergenceError, OutputError
from interphase.solvers.accelerators import strider
from interphase.solvers.diagnostics import Diagnostics, Row
from interphase.solvers.outputs import Standing
from interphase.solvers.progress import Progress
from interphase.solvers.result import Result
from interphase.solvers.room import RoomWatch
from interphase.solvers.starting import Start, prepare
from interphase.solvers.stepping import Milestones, StepController, reached
from interphase.solvers.stopping import Ending, StopRequest
from interphase.solvers.stride import Stride
from interphase.solvers.summary import Worst, summarise

logger = logging.getLogger(__name__)


class Simulation:
    """A film on its way. Collective on the problem's communicator.

    Attributes:
        problem: what is simulated.
        state: the film now.
        control: state of the step controller.
        rows: numbers of the steps so far.
    """

    def __init__(self, start: Start) -> None:
        problem = start.problem
        self.problem, self.state = problem, start.state
        controller = StepController.from_case(problem.case.time.controller, problem.width)
        self.control = start.control or controller.start()
        stored = start.notes.get("strides")
        self._strider = strider(problem, controller, start.proposer, stored)
        self.rows: list[Row] = []
        self._diagnostics = Diagnostics(problem.solver, start.notes.get("resistance"))
        if not self.state.books.initial:
            opening = self._diagnostics.sheet.opening(self.state)
            self.state = replace(self.state, books=replace(self.state.books, initial=opening))
        self._recorder, self._folder, self._timings = start.recorder, start.folder, start.timings
        self._room = RoomWatch(problem.geometry, problem.width, problem.resolved_height)
        self._end = problem.case.time.until
        self._worst = Worst.of(start.notes.get("worst", {}))

    @classmethod
    def from_case(
        cls,
        case: Case,
        *,
        output: str | Path | None = None,
        comm: MPI.Comm | None = None,
        restart: bool = False,
        overwrite: bool = False,
    ) -> Simulation:
        """Build a simulation. Collective; arguments and errors as of `starting.prepare`.

        Without ``comm`` this process works alone; without ``output`` no file is written.
        """
        path = None if output is None else Path(output)
        ranks = comm or MPI.COMM_SELF
        return cls(prepare(case, ranks, output=path, restart=restart, overwrite=overwrite))

    def run(self, until: float | None = None, *, walltime: float | None = None) -> Result:
        """Run to the end of the case, or to ``until`` [s]. Collective.

        Args:
            until: stop at this simulated time [s] instead.
            walltime: stop with a checkpoint before this much wall time [s] has passed.

        Raises:
            ConvergenceError: the run cannot go on; a checkpoint has been written.
            OutputError: a file cannot be written; the last checkpoint is kept.
        """
        self._end = end = self.problem.case.time.until if until is None else until
        try:
            self._recorder.begin()
            with StopRequest(self.problem.comm, walltime=walltime) as stop:
                try:
                    ending = self._loop(end, stop)
                except ConvergenceError as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                return self._conclude(ending, "")
        except OutputError:
            self._recorder.close()
            raise

    def _loop(self, end: float, stop: StopRequest) -> Ending:
        """Step until something ends it."""
        problem = self.problem
        marks = (*problem.program.breakpoints, *problem.model.seed_times)
        milestones = Milestones.of(end, marks, self._recorder.times)
        progress = Progress(problem.comm.rank, self.state.time, end)
        if self.state.time == 0.0:
            self._record()
        while not reached(self.state.time, end):
            with self._timings.part("steps"):
                stride = self._strider.stride(self.state, self.control, milestones)
            self.state, self.control = stride.state, stride.control
            row = self._note(stride)
            progress.update(row, self.control, force=reached(self.state.time, end))
            self._room.check(row["film_top"])
            reason = stop.check()
            if reason is not None and not reached(self.state.time, end):
                return reason
        return Ending.DONE

    def _note(self, stride: Stride) -> Row:
        """Write down a stride."""
        state = self.state
        with self._timings.part("diagnostics"):
            row = self._diagnostics.row(
                state,
                self.problem.program.at(state.time),
                step=stride.length,
                leap=stride.leap,
                newton=stride.report.newton,
                wall=self._timings.wall,
                exact=reached(state.time, self._end),
            )
        self.rows.append(row)
        self._worst = self._worst.with_row(row)
        if stride.report.seeds:
            self._recorder.nuclei(state.time, stride.report.seeds)
        self._record(row)
        return row

    def _record(self, row: Row | None = None) -> None:
        """Hand what is due to the recorder; no row means the start of the run."""
        state, recorder = self.state, self._recorder
        with self._timings.part("outputs"):
            if row is not None:
                recorder.row(row)
            if row is None or recorder.due(state.time):
                recorder.fields(state, self.problem.program.at(state.time))
        with self._timings.part("checkpoints"):
            recorder.checkpoint_if_due(state, self._standing())

    def _standing(self) -> Standing:
        notes = {
            "worst": asdict(self._worst),
            "resistance": self._diagnostics.resistance,
            "strides": self._strider.notes(),
        }
        return Standing(self.control, notes, self._timings.wall)

    def _conclude(self, ending: Ending, reason: str) -> Result:
        """Write the last fields, a checkpoint and the summary."""
        state, recorder = self.state, self._recorder
        if ending in (Ending.DONE, Ending.FAILED):
            with self._timings.part("outputs"):
                recorder.fields(state, self.problem.program.at(state.time))
        with self._timings.part("checkpoints"):
            recorder.checkpoint(state, self._standing())
        outcome = (ending, reason, self.rows, self._worst)
        summary = summarise(self.problem, state, outcome, self.control, self._timings)
        leaps = self._strider.summary()
        if leaps is not None:
            summary["leaps"] = leaps
        recorder.finish(summary)
        return Result(ending, state, self.rows, summary, self._folder)
