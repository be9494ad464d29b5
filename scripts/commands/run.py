"""``interphase run``: run a case."""

from __future__ import annotations

import argparse
import logging
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpi4py import MPI

from interphase.scripts.commands.common import (
    DONE,
    STOPPED,
    SetUpError,
    add_verbosity,
    guarded,
    setting_up,
)

if TYPE_CHECKING:
    from interphase.parameters.case import Case
    from interphase.parameters.case_p3d import P3DCase
    from interphase.solvers.stopping import Ending

logger = logging.getLogger("interphase.cli")

_EPILOG = """\
examples:
  interphase run scripts/cases/mosaic_formation.yaml
  mpirun -n 2 interphase run CASE.yaml -o results/mine --set mesh.cell_size="0.1 nm"
  interphase run CASE.yaml --set model.override.interstitial_rate.R1="1e-6 mol/m^2/s"
  interphase run CASE.yaml -o results/mine --restart --walltime 03:50

The files of a run are described in scripts/README.md. fields.pvd opens in ParaView.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "run",
        help="run a case",
        description="Run a case, alone or under mpirun, and write a folder of results.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, help="the case file (YAML)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of results (results/NAME_001, ...)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change one key of the case; may be repeated",
    )  # fmt: skip
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--restart", action="store_true", help="continue the run in the folder from its checkpoint"
    )
    again.add_argument(
        "--overwrite", action="store_true", help="remove the run that the folder holds"
    )
    parser.add_argument(
        "--walltime", type=walltime, metavar="HH:MM",
        help="stop with a checkpoint and exit code 3 before this much time has passed",
    )  # fmt: skip
    add_verbosity(parser)
    parser.set_defaults(run=run)


def walltime(text: str) -> float:
    """Return HH:MM in seconds."""
    match = re.fullmatch(r"(\d+):([0-5]\d)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no HH:MM; write for example 03:50")
    return 3600.0 * int(match[1]) + 60.0 * int(match[2])


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    started = time.perf_counter()
    return guarded(lambda comm: _run(comm, parsed, started), parsed)


def _run(comm: MPI.Intracomm, parsed: argparse.Namespace, started: float) -> int:
    # Imported here: --help and bad arguments need not wait for the finite elements.
    from interphase.meshes.parallel import on_root
    from interphase.parameters.case import Case, load_any
    from interphase.solvers.stopping import Ending

    def read() -> tuple[Case | P3DCase, Path]:
        case = on_root(comm, lambda: load_any(parsed.case, parsed.overrides))
        return case, on_root(comm, lambda: _folder(parsed))

    case, folder = setting_up(read)
    if comm.rank == 0:
        logger.info("%s -> %s on %d rank(s)", parsed.case, folder, comm.size)
    limit = None
    if parsed.walltime is not None:
        limit = parsed.walltime - (time.perf_counter() - started)
    if not isinstance(case, Case):
        work: Any = _run_whole_cell
    else:
        work = _run_study if case.drive.kind == "cell" else _run_film
    try:
        ending = work(comm, case, folder, parsed, limit)
    except SetUpError:
        # Nothing was computed: an empty folder would be what --restart goes on with.
        if comm.rank == 0:
            with suppress(OSError):
                folder.rmdir()
        raise
    if comm.rank == 0:
        logger.info("results in %s", folder)
    return DONE if ending is Ending.DONE else STOPPED


def _run_film(
    comm: MPI.Intracomm, case: Case, folder: Path, parsed: argparse.Namespace, limit: float | None
) -> Ending:
    """Run a film under an imposed potential."""
    from interphase.solvers.simulation import Simulation

    simulation = setting_up(
        lambda: Simulation.from_case(
            case, output=folder, comm=comm, restart=parsed.restart, overwrite=parsed.overwrite
        )
    )
    return simulation.run(walltime=limit).ending


def _run_study(
    comm: MPI.Intracomm, case: Case, folder: Path, parsed: argparse.Namespace, limit: float | None
) -> Ending:
    """Run a film that a cell drives."""
    from interphase.solvers.studies import run_studies

    return setting_up(
        lambda: run_studies(
            case,
            comm,
            folder,
            restart=parsed.restart,
            overwrite=parsed.overwrite,
            walltime=limit,
        )
    )


def _run_whole_cell(
    comm: MPI.Intracomm,
    case: P3DCase,
    folder: Path,
    parsed: argparse.Namespace,
    limit: float | None,
) -> Ending:
    """Run a whole cell in three dimensions, once or until it is old."""
    from interphase.solvers.p3d.ageing_run import P3DAgeingRun
    from interphase.solvers.p3d.simulation import P3DRun

    kind = P3DRun if case.ageing is None else P3DAgeingRun
    run = setting_up(
        lambda: kind(case, comm, folder, restart=parsed.restart, overwrite=parsed.overwrite)
    )
    return setting_up(lambda: run.run(walltime=limit))


def _folder(parsed: argparse.Namespace) -> Path:
    """Return the folder of the run."""
    from interphase.solvers.run_folder import last_folder, next_folder

    if parsed.output is not None:
        return Path(parsed.output)
    parent, name = Path("results"), parsed.case.stem
    last = last_folder(parent, name)
    if (parsed.restart or parsed.overwrite) and last is not None:
        return last
    return next_folder(parent, name)
