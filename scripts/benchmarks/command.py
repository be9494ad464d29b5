"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.errors import ParameterError
from interphase.scripts.benchmarks.record import Record
from interphase.scripts.benchmarks.registry import ALL, select
from interphase.scripts.benchmarks.table import machine, markdown, save
from interphase.scripts.commands.common import DONE, FAILED, SetUpError, guarded, write

_EPILOG = """\
exit codes: 0 all errors within their gates, 1 at least one is not, 2 unknown name
What each benchmark is, and what it measured: scripts/benchmarks/README.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m interphase.scripts.benchmarks",
        description="Measure interphase beside other ways to solve the same problems.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all if left out")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write CSV and Markdown")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of each run (3)")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    parsed = parser.parse_args(arguments)
    if parsed.repeats < 1:
        parser.error("--repeats must be at least 1")
    return guarded(lambda comm: _measure(comm, parsed), parsed)


def _measure(comm: MPI.Comm, parsed: argparse.Namespace) -> int:
    def say(line: str) -> None:
        if comm.rank == 0:
            write(line)

    try:
        chosen = select(parsed.names, comm.size)
    except ParameterError as error:
        raise SetUpError(str(error)) from error
    if parsed.list:
        for benchmark in ALL:
            say(f"{benchmark.name:18s} {benchmark.about}")
        return DONE
    facts = machine(comm.size)
    records: list[Record] = []
    for benchmark in chosen:
        say(f"{benchmark.name}: {benchmark.about} ...")
        records.extend(benchmark.measure(comm, parsed.repeats, say))
        if parsed.output is not None:
            # After each, so that a run cut short keeps what it has.
            on_root(comm, lambda: save(parsed.output, records, facts))
    say("\n" + markdown(records, facts))
    return DONE if all(record.passed for record in records) else FAILED
