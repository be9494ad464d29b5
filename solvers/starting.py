"""How a run begins: a new folder, an old one to continue, or none."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.models.surrogate.proposal import Proposer
from interphase.parameters.case import Case
from interphase.solvers import checkpoint as checkpoints
from interphase.solvers.accelerators import load_proposer
from interphase.solvers.diagnostics import columns
from interphase.solvers.outputs import FolderRecorder, NoRecorder, Recorder
from interphase.solvers.restart import check_same
from interphase.solvers.run_folder import RunFolder, open_folder
from interphase.solvers.setup import Problem, build_problem, initial_state
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState
from interphase.solvers.timings import Timings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """Everything that a run begins with.

    Attributes:
        problem: what is simulated.
        state: the film at the start.
        control: state of the step controller; None for a new run.
        notes: what the run's reports remember; empty for a new run.
        recorder: takes note.
        folder: of the run, None without files.
        timings: wall time so far.
        proposer: of leaps, None for a run of steps alone.
    """

    problem: Problem
    state: FilmState
    control: ControlState | None
    notes: dict[str, Any]
    recorder: Recorder
    folder: Path | None
    timings: Timings
    proposer: Proposer | None = None


def prepare(
    case: Case,
    comm: MPI.Comm,
    *,
    output: Path | None = None,
    restart: bool = False,
    overwrite: bool = False,
) -> Start:
    """Build the problem and open its folder. Collective.

    Args:
        case: what to simulate.
        comm: ranks that share the mesh.
        output: folder of the run; None: no files.
        restart: continue the run in ``output``.
        overwrite: remove the run in ``output`` first.

    Raises:
        CaseError: the case is wrong, or not that of the run to continue.
        ParameterError: its table is wrong.
        MeshError: its mesh cannot be built or is too coarse.
        FolderError: ``output`` holds a run already, or none to continue.
        OutputError: ``output`` cannot be written.
        CheckpointError: there is no whole checkpoint to continue from.
    """
    timings = Timings()
    folder = None
    if output is not None:
        folder = on_root(comm, lambda: open_folder(output, restart=restart, overwrite=overwrite))
    with timings.part("setup"):
        problem = build_problem(case, comm)
        proposer = load_proposer(problem)
    if folder is None:
        first = initial_state(problem)
        return Start(problem, first, None, {}, NoRecorder(), None, timings, proposer)
    if restart:
        return replace(_continue(problem, folder, timings), proposer=proposer)
    state = initial_state(problem)
    # Only now is it known that the new run can start.
    on_root(comm, folder.clear)
    recorder = FolderRecorder(problem, folder, columns(problem.model.solids), None)
    return Start(problem, state, None, {}, recorder, folder.path, timings, proposer)


def _continue(problem: Problem, folder: RunFolder, timings: Timings) -> Start:
    """Return the start of a run from the checkpoint in its folder."""
    stored = checkpoints.read(problem.comm, folder)
    check_same(problem.case, problem.table, stored.checkpoint, stored.time)
    solver = problem.solver
    sites = solver.nucleator.sites if solver.nucleator else 0
    state = checkpoints.load(problem.space, solver.electrode, stored, sites=sites)
    timings.before = stored.checkpoint.wall
    recorder = FolderRecorder(problem, folder, columns(problem.model.solids), stored)
    if problem.comm.rank == 0:
        logger.info("continuing at t = %.6g s from %s", stored.time, stored.path)
    extra = stored.checkpoint
    return Start(problem, state, extra.control, extra.notes, recorder, folder.path, timings)
