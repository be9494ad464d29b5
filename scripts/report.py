"""`interphase report`: pictures and one self-contained page from a run folder."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interphase.parameters.errors import CaseError, OutputError, ParameterError
from interphase.parameters.units import to_si
from interphase.scripts.commands.common import (
    DONE,
    SetUpError,
    add_verbosity,
    guarded,
    setting_up,
)

logger = logging.getLogger("interphase.cli")

_DESCRIPTION = """\
Make pictures (PNG) and one HTML page with everything inside from a run folder:
structure at chosen times, thickness against time with the growth laws that hold,
composition against depth, potential, charge, lithium lost and resistance, balances,
and every parameter with its source. Of a study with a cell: capacity, film thickness
and resistance, films along the electrode, potentials, lithium books and coupling error,
all conditions of a storage study in one page. Of a whole cell in three dimensions:
terminals, temperature, heat, spreads between places and maps.
"""
_EXAMPLES = """\
examples:
  interphase report results/mosaic_formation
  interphase report results/planar_calendar -o ~/planar --times "1 h" "10 h" "1 year"
  interphase report results/calendar_ageing_spm
"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line.

    Args:
        subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "report",
        help="pictures and one HTML page from a run folder",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="the run folder")
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, help="where to write (default: DIR/report)"
    )
    parser.add_argument(
        "--times", nargs="+", metavar="TIME", default=[],
        help='times of the structure pictures, such as "10 min" "6 h"; the nearest snapshots are '
        "taken (default: spread evenly over the growth)",
    )  # fmt: skip
    parser.add_argument(
        "--partial", action="store_true",
        help="report what is there of a run that is under way or has no snapshots",
    )  # fmt: skip
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the report.

    Args:
        args: as :func:`add_parser` defines them.

    Returns:
        The exit code: 0 done, 1 the report could not be made, 2 the folder is no complete run.
    """
    return guarded(lambda comm: _report(args) if comm.rank == 0 else DONE, args)


def _report(args: argparse.Namespace) -> int:
    os.environ.setdefault("PYVISTA_OFF_SCREEN", "true")
    # PyVista takes seconds to load: not for the sake of `interphase --help`
    from interphase.scripts.reporting.build import (
        write_cell_report,
        write_report,
        write_study_report,
    )
    from interphase.scripts.reporting.folder import read_run
    from interphase.scripts.reporting.study_folder import is_study, read_studies
    from interphase.scripts.reporting.whole_cell import is_whole_cell, read_cell

    times = setting_up(lambda: tuple(_time(text) for text in args.times))
    output = args.output or args.folder / "report"
    if is_whole_cell(args.folder):
        cell = _reading(lambda: read_cell(args.folder, partial=args.partial))
        page = write_cell_report(cell, output, times)
    elif is_study(args.folder):
        if times:
            raise SetUpError("--times: a study keeps the fields of its end only; leave it out")
        studies = _reading(lambda: read_studies(args.folder, partial=args.partial))
        page = write_study_report(studies, output)
    else:
        folder = _reading(lambda: read_run(args.folder, partial=args.partial))
        page = write_report(folder, output, times)
    logger.info("open %s in a browser", page)
    return DONE


def _reading[T](work: Callable[[], T]) -> T:
    try:
        return work()
    except OutputError as error:
        raise SetUpError(str(error)) from error


def _time(text: str) -> float:
    try:
        return to_si(text, "s")
    except ParameterError as error:
        raise CaseError(str(error), "--times") from error
