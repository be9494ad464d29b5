"""A run: steps a film through its drive to the end, and takes note."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.case import Case
from interphase.parameters.errors import ConvergenceError, OutputError
from interphase.solvers import checkpoint as checkpoints
from interphase.solvers.diagnostics import Diagnostics, Row
from interphase.solvers.field_writers import check_format
from interphase.solvers.film import StepReport
from interphase.solvers.outputs import FolderRecorder, NoRecorder, Recorder
from interphase.solvers.progress import Progress
from interphase.solvers.restart import check_same
from interphase.solvers.run_folder import RunFolder, open_folder
from interphase.solvers.setup import Problem, build_problem, initial_state
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState, Milestones, StepController, reached
from interphase.solvers.stopping import Ending, StopRequest
from interphase.solvers.summary import Worst, summarise
from interphase.solvers.timings import Timings

logger = logging.getLogger(__name__)

# The film's top may come this close to the top of the domain, in interface widths.
_LEAST_WIDTHS = 3.0
# Below this distance the fields at the top feel the film [m].
_WANTED = 10.0e-9


@dataclass(frozen=True)
class Result:
    """What a run gives back.

    Attributes:
        ending: how it ended.
        state: the last state; fields on this rank.
        rows: numbers of the steps since this start.
        summary: as in ``summary.json``.
        folder: of the run, None without files.
    """

    ending: Ending
    state: FilmState
    rows: list[Row]
    summary: dict[str, Any]
    folder: Path | None

    def column(self, name: str) -> Array:
        """Return a column of the time series in SI, such as ``thickness``, (steps,)."""
        return np.array([row[name] for row in self.rows])


class Simulation:
    """A film on its way. Collective on the problem's communicator.

    Attributes:
        problem: what is simulated.
        state: the film now.
        control: state of the step controller.
        rows: numbers of the steps so far.
    """

    def __init__(
        self, problem: Problem, state: FilmState, *,
        control: ControlState | None = None, recorder: Recorder | None = None,
        folder: Path | None = None, timings: Timings | None = None,
    ) -> None:  # fmt: skip
        self.problem, self.state = problem, state
        self._controller = StepController.from_case(problem.case.time.controller, problem.width)
        self.control = control or self._controller.start()
        self.rows: list[Row] = []
        self._diagnostics = Diagnostics(problem.solver)
        if not state.books.initial:
            books = replace(state.books, initial=self._diagnostics.sheet.opening(state))
            self.state = replace(state, books=books)
        self._recorder: Recorder = recorder or NoRecorder()
        self._folder = folder
        self._timings = timings or Timings()
        self._worst = Worst()
        self._warned = False

    @classmethod
    def from_case(
        cls, case: Case, *, output: str | Path | None = None, comm: MPI.Comm | None = None,
        restart: bool = False, overwrite: bool = False,
    ) -> Simulation:  # fmt: skip
        """Build a simulation. Collective.

        Args:
            case: what to simulate.
            output: folder of the run; None: no files.
            comm: ranks that share the mesh; this process alone if left out (as in a notebook).
            restart: continue the run in ``output``.
            overwrite: remove the run in ``output`` first.

        Raises:
            CaseError, ParameterError, MeshError: the case is wrong, or another than that of the
                run to continue; nothing has been computed.
            OutputError: ``output`` holds a run, or cannot be written.
            CheckpointError: there is no whole checkpoint to continue from.
        """
        comm = comm or MPI.COMM_SELF
        timings = Timings()
        check_format(case.output.fields.format)
        folder = None
        if output is not None:
            path = Path(output)
            folder = on_root(comm, lambda: open_folder(path, restart=restart, overwrite=overwrite))
        with timings.part("setup"):
            problem = build_problem(case, comm)
        if folder is None:
            return cls(problem, initial_state(problem), timings=timings)
        return cls._with_folder(problem, folder, restart=restart, timings=timings)

    @classmethod
    def _with_folder(
        cls, problem: Problem, folder: RunFolder, *, restart: bool, timings: Timings
    ) -> Simulation:
        columns = Diagnostics(problem.solver).columns
        if not restart:
            state, control, stored = initial_state(problem), None, None
            on_root(problem.comm, folder.clear)
        else:
            stored = checkpoints.read(problem.comm, folder)
            check_same(problem.case, problem.table, stored.checkpoint, stored.time)
            solver = problem.solver
            sites = solver.nucleator.sites if solver.nucleator else 0
            state = checkpoints.load(problem.space, solver.electrode, stored, sites=sites)
            control, timings.before = stored.checkpoint.control, stored.checkpoint.wall
        recorder = FolderRecorder(problem, folder, columns, stored)
        if stored is not None and problem.comm.rank == 0:
            logger.info("continuing at t = %.6g s from %s", stored.time, stored.path)
        return cls(
            problem, state, control=control, recorder=recorder, folder=folder.path, timings=timings
        )

    def run(self, until: float | None = None, *, walltime: float | None = None) -> Result:
        """Run to the end of the case, or to ``until`` [s]. Collective.

        Args:
            until: stop at this simulated time [s] instead.
            walltime: stop with a checkpoint before this much wall time [s] has passed.

        Raises:
            ConvergenceError: the run cannot go on; a checkpoint has been written.
            OutputError: a file cannot be written; the last checkpoint is kept.
        """
        end = self.problem.case.time.until if until is None else until
        try:
            with StopRequest(self.problem.comm, walltime=walltime) as stop:
                try:
                    ending, reason = self._loop(end, stop), ""
                except ConvergenceError as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                return self._conclude(ending, reason)
        except OutputError:
            self._recorder.close()
            raise

    def _loop(self, end: float, stop: StopRequest) -> Ending:
        """Step until something ends it."""
        problem, program = self.problem, self.problem.program
        milestones = Milestones.of(end, program.breakpoints, self._recorder.times)
        progress = Progress(problem.comm.rank, self.state.time, end)
        if not reached(self.state.time, end):
            self._record(first=self.state.time == 0.0)
        while not reached(self.state.time, end):
            report, step = self._advance(milestones)
            row = self._note(report, step)
            progress.update(row, self.control, force=reached(self.state.time, end))
            self._check_room(row)
            if reached(self.state.time, end):
                break
            reason = stop.check()
            if reason is not None:
                return reason
        return Ending.DONE

    def _advance(self, milestones: Milestones) -> tuple[StepReport, float]:
        """Make one step that is accepted; return its report and length [s]."""
        program, controller, state = self.problem.program, self._controller, self.state
        milestone = milestones.after(state.time)
        while True:
            slope = program.slope(state.time)
            dt = controller.propose(self.control, state.time, slope, milestone)
            drive = program.at(state.time + 0.5 * dt)
            try:
                with self._timings.part("steps"):
                    new, report = self.problem.solver.step(state, dt, drive)
            except ConvergenceError as error:
                self.control = controller.fail(self.control, dt, error)
                logger.debug("step of %.3g s failed: %s", dt, error)
                continue
            verdict = controller.judge(report)
            if verdict.accepted:
                break
            self.control = controller.reject(self.control, dt, verdict)
            logger.debug("step of %.3g s rejected: %s", dt, verdict.limit.value)
        self.control = controller.accept(self.control, dt, verdict)
        kink = any(abs(new.time - t) <= 1e-12 * t for t in program.breakpoints)
        # After a seed or a kink of the drive the last step does not foretell the next.
        self.state = replace(new, step=0.0) if report.seeds or kink else new
        return report, dt

    def _note(self, report: StepReport, step: float) -> Row:
        """Write down a step."""
        state = self.state
        with self._timings.part("diagnostics"):
            row = self._diagnostics.row(
                state,
                self.problem.program.at(state.time),
                step=step,
                newton=report.newton,
                wall=self._timings.wall,
                exact=self._recorder.due(state.time),
            )
        self.rows.append(row)
        self._worst = self._worst.with_row(row)
        self._record(row)
        return row

    def _record(self, row: Row | None = None, *, first: bool = False) -> None:
        """Hand what is due to the recorder."""
        state, recorder = self.state, self._recorder
        with self._timings.part("outputs"):
            if row is not None:
                recorder.row(row)
            if first or recorder.due(state.time):
                recorder.fields(state, self.problem.program.at(state.time))
        with self._timings.part("checkpoints"):
            recorder.checkpoint_if_due(state, self.control, self._timings.wall)

    def _check_room(self, row: Row) -> None:
        """Stop a film that reaches the top of its domain; warn before.

        Raises:
            ConvergenceError: the top of the domain is too near.
        """
        height, width = self.problem.geometry.height, self.problem.width
        gap = height - row["film_top"]
        advice = f"make the last entry of mesh.size larger than {1e9 * (row['film_top'] + _WANTED):.3g} nm"
        if gap < _LEAST_WIDTHS * width:
            raise ConvergenceError(
                f"the film's top at {1e9 * row['film_top']:.3g} nm has come within {_LEAST_WIDTHS:g} "
                f"interface widths of the top of the domain: {advice}"
            )
        if gap < _WANTED and not self._warned:
            self._warned = True
            if self.problem.comm.rank == 0:
                logger.warning("the film's top is %.3g nm below the top of the domain: %s", 1e9 * gap, advice)

    def _conclude(self, ending: Ending, reason: str) -> Result:
        """Write the last fields, a checkpoint and the summary."""
        state, timings = self.state, self._timings
        with timings.part("checkpoints"):
            self._recorder.checkpoint(state, self.control, timings.wall)
        if ending in (Ending.DONE, Ending.FAILED):
            with timings.part("outputs"):
                self._recorder.fields(state, self.problem.program.at(state.time))
        summary = summarise(
            self.problem, state, ending=ending, reason=reason, rows=self.rows,
            worst=self._worst, control=self.control, timings=timings,
        )  # fmt: skip
        self._recorder.finish(summary)
        return Result(ending, state, self.rows, summary, self._folder)
