"""``interphase sweep``: many runs of one case, and what they tell."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mpi4py import MPI

from interphase.parameters.errors import CaseError
from interphase.scripts.commands.common import (
    DONE,
    STOPPED,
    add_verbosity,
    guarded,
    setting_up,
    write,
)

if TYPE_CHECKING:
    from interphase.scripts.sweep.folder import StudyFolder
    from interphase.scripts.sweep.plan import Plan
    from interphase.scripts.sweep.results import Results

logger = logging.getLogger("interphase.cli")

_NEEDED: Final = ("parsl", "SALib", "pandas", "pyarrow", "h5netcdf", "sklearn", "emcee")
_EPILOG = """\
examples:
  interphase sweep STUDY.yaml --dry-run           the members and what they will cost
  interphase sweep STUDY.yaml                     results/NAME; say it again to go on after a stop
  interphase sweep STUDY.yaml --again             run failed members once more

A study is described in scripts/sweep/README.md, with examples in scripts/studies.
exit codes: 0 done (failed members are in the report), 1 the study could not go on (disk full),
            2 the study is wrong, 3 stopped by a signal (say it again to go on)
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sweep",
        help="run a study of many members, with sensitivity, calibration and a report",
        description="Run a study: many runs of one case, several at once, here or on a cluster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path, help="the study's file (YAML)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the study (results/NAME)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show members and cost; run nothing")
    parser.add_argument("--again", action="store_true", help="run failed members once more")
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    return guarded(lambda comm: _run(comm, parsed), parsed)


def _run(comm: MPI.Intracomm, parsed: argparse.Namespace) -> int:
    setting_up(lambda: _check_surroundings(comm))
    from interphase.scripts.sweep.plan import make_plan
    from interphase.scripts.sweep.study import load_study

    plan = setting_up(lambda: make_plan(load_study(parsed.study)))
    if parsed.dry_run:
        from interphase.scripts.sweep.plan import describe

        write("\n".join([*describe(plan), *_cost_lines(plan)]))
        return DONE
    return _work(plan, parsed)


def _work(plan: Plan, parsed: argparse.Namespace) -> int:
    from interphase.scripts.sweep.engine import StudyStoppedError, run_study
    from interphase.scripts.sweep.folder import opened
    from interphase.scripts.sweep.results import collect, write_results

    with contextlib.ExitStack() as stack:
        path = parsed.output or Path("results") / parsed.study.stem
        folder = setting_up(lambda: stack.enter_context(opened(path, plan)))
        if parsed.again:
            folder.forget_failures(plan)
        try:
            outcomes = run_study(plan, folder)
        except StudyStoppedError as error:
            logger.error("%s", error)
            return STOPPED
        results = collect(plan, folder, outcomes)
        write_results(results, folder.path)
        for outcome in results.failures():
            logger.warning("failed: %s: %s", outcome.name, outcome.reason)
        _analyse(results, folder)
        logger.info("results in %s", folder.path)
    return DONE


def _analyse(results: Results, folder: StudyFolder) -> None:
    """Say what the members tell, and write the page."""
    from interphase.scripts.sweep.fitting import Calibration
    from interphase.scripts.sweep.report import write_report
    from interphase.scripts.sweep.sensitivity import sensitivity

    plan = results.plan
    try:
        found = sensitivity(results)
        fit = None
        if plan.study.calibration is not None:
            fit = Calibration(results)
    except CaseError as error:
        # the members are there: what they cannot tell is no reason to hide what they do
        logger.warning("not analysed: %s", error)
        found, fit = [], None
    for one in found:
        logger.info("%s: %.4g +- %.2g %s, %s", one.quantity.name, one.mean, one.deviation,
                    one.quantity.unit, one.method)  # fmt: skip
        for effect in one.effects:
            logger.info("  %-34s effect %s %s", effect.factor.name, f"{effect.effect:.2g}",
                        one.quantity.unit)  # fmt: skip
    if fit is not None:
        for name, best in zip(fit.fit.names, fit.fit.best, strict=True):
            logger.info("  fitted %-34s %.4g", name, best)
        for text in fit.fit.warnings:
            logger.warning("calibration: %s", text)
    logger.info("open %s in a browser", write_report(results, folder, found, fit))


def _check_surroundings(comm: MPI.Intracomm) -> None:
    if comm.size > 1:
        raise CaseError("interphase sweep starts mpirun itself; run it without mpirun")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CaseError(
            f"interphase sweep needs {', '.join(missing)}; install them with "
            "pip install 'interphase[sweep]' (or uv sync --extra sweep)"
        )


def _cost_lines(plan: Plan) -> list[str]:
    from interphase.scripts.sweep.plan import cost, workers_of
    from interphase.solvers.progress import readable

    guess = cost(plan)
    if guess is None:
        return ["time        not estimated for films that a cell drives; the first members tell"]
    low, high = guess.thickness
    lines = [f"film        about {low * 1e9:.2g} to {high * 1e9:.2g} nm at the end"]
    if guess.memory is not None:
        lines.append(f"memory      about {guess.memory / 2**20:,.0f} MiB")
    if guess.total is not None:
        each = f"{readable(min(guess.each))} to {readable(max(guess.each))}"
        lines.append(
            f"time        about {readable(guess.total)}, {workers_of(plan)} at once; "
            f"{each} a member ({guess.sampled} of {len(plan.members)} estimated)"
        )
    return lines
