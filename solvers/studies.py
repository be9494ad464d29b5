"""All studies of a case: one, or one per state of charge and temperature, shared out over ranks."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mpi4py import MPI

from interphase.meshes.parallel import on_root, raise_together
from interphase.parameters.case import Case
from interphase.parameters.errors import InterphaseError
from interphase.solvers.run_folder import write_whole
from interphase.solvers.stopping import Ending
from interphase.solvers.study import StudyResult, StudyRun
from interphase.solvers.study_setup import conditions


def run_studies(
    case: Case,
    comm: MPI.Comm,
    folder: Path,
    *,
    restart: bool = False,
    overwrite: bool = False,
    walltime: float | None = None,
) -> Ending:
    """Run every study of a case. Collective.

    Ranks are shared out: with two studies or more each group of ranks takes some of them, a single
    study has its patches on all ranks.

    Args:
        case: with a cell.
        comm: all ranks.
        folder: of the results; every study of several has a folder of its own in it.
        restart: go on from the checkpoints in ``folder``; a study that is done is left alone.
        overwrite: remove older results.
        walltime: stop with a checkpoint before so much wall time has passed [s].

    Returns:
        DONE, or why not all are done.

    Raises:
        InterphaseError: on every rank if a study failed.
    """
    started = time.perf_counter()
    todo = conditions(case)
    groups = min(comm.size, len(todo))
    color = comm.rank % groups
    ranks = comm.Split(color, comm.rank)
    results: dict[str, StudyResult] = {}
    failure: InterphaseError | None = None
    for condition in todo[color::groups]:
        path = folder / condition.name
        if restart and on_root(ranks, lambda: _finished(path)):  # noqa: B023 - runs at once
            continue
        left = None if walltime is None else walltime - (time.perf_counter() - started)
        try:
            run = StudyRun(case, condition, ranks, path, restart=restart, overwrite=overwrite)
            results[condition.name] = run.run(walltime=left)
        except InterphaseError as error:
            failure = error
            break
        if results[condition.name].ending is not Ending.DONE:
            break
    raise_together(comm, failure)
    endings = [r.ending for part in comm.allgather(results) for r in part.values()]
    worst = next((e for e in endings if e is not Ending.DONE), Ending.DONE)
    if len(todo) > 1:
        on_root(comm, lambda: _collect(folder, [c.name for c in todo], worst, comm.size))
    return worst


def _finished(folder: Path) -> bool:
    path = folder / "summary.json"
    if not path.exists():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("finished"))


def _collect(folder: Path, names: list[str], ending: Ending, ranks: int) -> None:
    """Write the summaries of all studies into one file."""
    studies = {}
    for name in names:
        path = folder / name / "summary.json"
        if path.exists():
            studies[name] = json.loads(path.read_text(encoding="utf-8"))
    whole = {
        "ending": ending.value,
        "finished": ending is Ending.DONE,
        "ranks": ranks,
        "studies": studies,
    }
    write_whole(folder / "summary.json", json.dumps(whole, indent=1) + "\n")
