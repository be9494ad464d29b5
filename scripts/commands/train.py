"""``interphase train``: data for a network that leaps, the network, and how good it is."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Final

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.errors import CaseError
from interphase.scripts.commands.common import DONE, STOPPED, add_verbosity, guarded, setting_up

logger = logging.getLogger("interphase.cli")

_EPILOG: Final = """\
examples:
  interphase train data STUDY.yaml                run the study's films: results/STUDY; goes on
  mpirun -n 4 interphase train data STUDY.yaml    the same, each film on four ranks
  interphase train fit results/STUDY              an ensemble, in results/STUDY_fit; goes on
  interphase train evaluate results/STUDY_fit     errors of held-out films, bounds, model card

The page scripts/surrogate.md tells what is learnt from what.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "train",
        help="make a network that leaps where the physics would step: data, fit, evaluate",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    data = actions.add_parser("data", help="run the films of a study and keep them as trajectories")
    data.add_argument("study", type=Path, help="the study's file (YAML)")
    data.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the data (results/NAME)"
    )
    add_verbosity(data)
    data.set_defaults(run=lambda parsed: guarded(lambda comm: _data(comm, parsed), parsed))
    _add_fit(actions)
    _add_evaluate(actions)


def _add_fit(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fit = actions.add_parser("fit", help="fit an ensemble of networks to trajectories")
    fit.add_argument("data", type=Path, help="folder of train data")
    fit.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the fit (DATA_fit)"
    )
    fit.add_argument("--members", type=int, default=4, help="networks of the ensemble (4)")
    fit.add_argument("--epochs", type=int, default=30, help="passes over the frames (30)")
    fit.add_argument("--batch", type=int, default=8, help="samples per step (8)")
    fit.add_argument("--rate", type=float, default=2.0e-3, help="largest step of Adam (2e-3)")
    fit.add_argument("--seed", type=int, default=0, help="fixes weights and draws (0)")
    fit.add_argument(
        "--channels", type=int, nargs="+", default=[12, 16, 24], help="per level (12 16 24)"
    )
    fit.add_argument("--largest-advance", type=float, default=4.0, help="of a leap, in l (4)")
    fit.add_argument("--calibration", type=int, default=9, help="films kept for the bounds (9)")
    fit.add_argument("--held-out", type=int, default=3, help="films kept for the errors (3)")
    fit.add_argument("--device", choices=("cpu", "gpu"), help="where to compute (GPU if there is)")
    add_verbosity(fit)
    fit.set_defaults(run=lambda parsed: guarded(lambda comm: _fit(comm, parsed), parsed))


def _add_evaluate(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = actions.add_parser("evaluate", help="errors, bounds and card of a fit")
    evaluate.add_argument("fit", type=Path, help="folder of train fit")
    evaluate.add_argument(
        "--data", type=Path, metavar="DIR", help="films of this train data are held out as well"
    )
    add_verbosity(evaluate)
    evaluate.set_defaults(run=lambda parsed: guarded(lambda comm: _evaluate(comm, parsed), parsed))


def _data(comm: MPI.Intracomm, parsed: argparse.Namespace) -> int:
    from interphase.scripts.surrogate.data import load_plan, make_data, open_data
    from interphase.scripts.sweep.engine import StudyStoppedError

    plan = setting_up(lambda: load_plan(parsed.study))
    path = parsed.output or Path("results") / parsed.study.stem
    folder = setting_up(lambda: on_root(comm, lambda: open_data(path, plan)))
    try:
        ran = make_data(plan, folder, comm)
    except StudyStoppedError as error:
        logger.error("%s", error)
        return STOPPED
    if comm.rank == 0:
        held = len(plan.members) - ran
        logger.info("%d members run, %d were there; data in %s", ran, held, folder.path)
    return DONE


def _alone(comm: MPI.Intracomm) -> None:
    if comm.size > 1:
        raise CaseError("interphase train fit and evaluate use one process; run without mpirun")


def _fit(comm: MPI.Intracomm, parsed: argparse.Namespace) -> int:
    setting_up(lambda: _alone(comm))
    from interphase.scripts.surrogate.fit import Fit, FitPlan, use_device

    plan = FitPlan(
        data=parsed.data,
        members=parsed.members,
        channels=tuple(parsed.channels),
        largest=parsed.largest_advance,
        epochs=parsed.epochs,
        batch=parsed.batch,
        rate=parsed.rate,
        seed=parsed.seed,
        calibration=parsed.calibration,
        held_out=parsed.held_out,
    )
    if parsed.device is not None:
        setting_up(lambda: use_device(parsed.device))
    folder = parsed.output or parsed.data.with_name(f"{parsed.data.name}_fit")
    path = setting_up(lambda: Fit(plan, folder)).run()
    logger.info("model in %s; interphase train evaluate %s tells how good it is", path, folder)
    return DONE


def _evaluate(comm: MPI.Intracomm, parsed: argparse.Namespace) -> int:
    setting_up(lambda: _alone(comm))
    from interphase.scripts.surrogate.evaluate import evaluate

    found = setting_up(lambda: evaluate(parsed.fit, parsed.data))
    for way, kinds in found["ways"].items():
        for kind, numbers in kinds.items():
            logger.info(
                "%-12s %-16s front %.3g l, fractions %.3g, correlation %.3g",
                way, kind, numbers["front"], numbers["fractions"], numbers["correlation"],
            )  # fmt: skip
    logger.info("card in %s", parsed.fit)
    return DONE
