"""``interphase verify``: measure the analytic limits of the model."""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.errors import OutputError, ParameterError
from interphase.scripts.commands.common import (
    DONE,
    FAILED,
    SetUpError,
    guarded,
    write,
)
from interphase.scripts.verification.check import Check

_EPILOG = """\
examples:
  interphase verify                        all limits, a few minutes on one core
  interphase verify T8 T14 kinetics        some of them, by name or group
  interphase verify T4p                    T4' (p stands for the prime)
  interphase verify cells-long             cells against PyBaMM over 50 cycles and a year (long)
  interphase verify --list                 name them
  mpirun -n 2 interphase verify --parallel those that can differ on several ranks

exit codes: 0 all within their tolerance, 1 at least one is not, 2 unknown name
What each limit is, and what it measured: scripts/verification.md
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "verify",
        help="measure the analytic limits of the model",
        description="Compare the model with analytic limits: expected, computed, error, tolerance.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="limits or groups; all if none, but cells-long"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="renew the table in this page")
    parser.add_argument(
        "--parallel", action="store_true", help="only limits that can differ on several ranks"
    )
    parser.add_argument("--list", action="store_true", help="name the limits and measure nothing")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Measure the limits and return the exit code."""
    return guarded(lambda comm: _verify(comm, parsed), parsed)


def _verify(comm: MPI.Comm, parsed: argparse.Namespace) -> int:
    # Here, not above: naming the commands must not wait for the solvers to be imported.
    from interphase.scripts.verification.registry import select

    try:
        limits = select(parsed.names, parallel=parsed.parallel)
    except ParameterError as error:
        raise SetUpError(str(error)) from error
    _say(comm, _heading(comm))
    checks: list[Check] = []
    for limit in limits:
        if parsed.list:
            _say(comm, f"{limit.name:20s} {limit.group:14s} {_first_line(limit.test.__doc__)}")
            continue
        start = time.perf_counter()
        for check in limit.run(comm):
            checks.append(check)
            _say(comm, _row(check, time.perf_counter() - start))
    if parsed.list:
        return DONE
    if parsed.json is not None:
        on_root(comm, lambda: _save(parsed.json, checks))
    if parsed.page is not None:
        on_root(comm, lambda: _renew(parsed.page, checks))
    missed = sum(not check.passed for check in checks)
    _say(comm, f"{len(checks) - missed} of {len(checks)} within their tolerance")
    return FAILED if missed else DONE


def _heading(comm: MPI.Comm) -> str:
    ranks = f"{comm.size} rank{'s' if comm.size > 1 else ''}"
    columns = f"{'expected':>13s} {'computed':>13s} {'error':>10s} {'tolerance':>10s}  passed"
    return f"{'name (' + ranks + ')':78s} {columns}"


def _row(check: Check, seconds: float) -> str:
    values = f"{check.expected:13.6g} {check.computed:13.6g}"
    verdict = f"{check.error:+10.2e} {check.tolerance:10.1e}  {'yes' if check.passed else 'NO':6s}"
    return f"{check.name:78s} {values} {verdict} ({seconds:.1f} s)"


def _say(comm: MPI.Comm, line: str) -> None:
    if comm.rank == 0:
        write(line)


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else ""


def _save(path: Path, checks: list[Check]) -> None:
    """Write a list of objects with the keys of `Check`; numbers that are none become null."""
    rows = [{key: _number(value) for key, value in asdict(check).items()} for check in checks]
    try:
        path.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _renew(path: Path, checks: list[Check]) -> None:
    """Put the measured numbers between the two markers of a page."""
    start, end = "<!-- measured -->\n", "<!-- end -->"
    rows = ["| limit | expected | computed | error | tolerance | |", "|---|---|---|---|---|---|"]
    for c in checks:
        verdict = "" if c.passed else "**missed**"
        values = f"{c.expected:.6g} | {c.computed:.6g} | {c.error:+.1e} | {c.tolerance:.0e}"
        rows.append(f"| {c.name} | {values} | {verdict} |")
    try:
        text = path.read_text(encoding="utf-8")
        head, _, rest = text.partition(start)
        tail = rest.partition(end)[2]
        path.write_text(f"{head}{start}" + "\n".join(rows) + f"\n{end}{tail}", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot renew {path}: {error.strerror}") from error


def _number(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
