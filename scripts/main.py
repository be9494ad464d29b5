"""The command ``interphase``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

# Ranks share the cores: one thread each unless the user says otherwise. Before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_COMMANDS: Final = (
    "interphase.scripts.commands.run",
    "interphase.scripts.commands.check",
    "interphase.scripts.commands.params",
    "interphase.scripts.commands.sweep",
    "interphase.scripts.commands.train",
    "interphase.scripts.commands.compare",
    "interphase.scripts.verify",
    "interphase.scripts.report",
)
_DESCRIPTION: Final = """\
Simulate how the solid-electrolyte interphase (SEI) of a battery electrode grows.

first steps:
  interphase check scripts/cases/mosaic_formation.yaml   is the case right, how long will it take?
  interphase run scripts/cases/mosaic_formation.yaml     results: results/mosaic_formation_001
  interphase report results/mosaic_formation_001         pictures and a page
  mpirun -n 4 interphase run CASE.yaml                   the same on four ranks
"""
_EPILOG: Final = """\
exit codes: 0 done, 1 the run failed, 2 the case or the command is wrong,
            3 stopped by --walltime or a signal with a checkpoint (run again with --restart)
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command that is installed."""
    parser = argparse.ArgumentParser(
        prog="interphase",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"interphase {version('interphase')}"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        module.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parsed = build_parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
