"""The measured numbers as CSV and Markdown, with the machine they were measured on."""

from __future__ import annotations

import csv
import datetime
import io
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from interphase.parameters.errors import OutputError
from interphase.scripts.benchmarks.record import Record
from interphase.solvers.provenance import git_commit

_PACKAGES: Final = ("interphase", "numpy", "scipy", "mpi4py", "fenics-ufl", "fipy")
_COLUMNS: Final = (
    "benchmark", "method", "unknowns", "ranks", "steps", "CPU [s]", "spread [-]", "repeats",
    "set-up [s]", "CPU/(step unknown) [s]", "peak memory [MiB]", "error [-]", "gate [-]", "note",
)  # fmt: skip


def machine(ranks: int) -> dict[str, str]:
    """Return when, on what and with which versions was measured."""
    import dolfinx
    from petsc4py import PETSc

    facts = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "commit": git_commit(Path(__file__).resolve().parents[2]) or "no clone",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "ranks": str(ranks),
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "load": " ".join(f"{x:.1f}" for x in os.getloadavg()),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "dolfinx": str(dolfinx.__version__),
        "petsc": ".".join(str(n) for n in PETSc.Sys.getVersion()),
    }
    for name in _PACKAGES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    return next(names, platform.processor())


def row(r: Record) -> str:
    """Return a record as a line of the Markdown table."""
    error = "" if r.error is None else f"{r.error:+.2e}"
    gate = "" if r.gate is None else f"{r.gate:.1e}" + ("" if r.passed else " **missed**")
    peak = "" if r.memory is None else f"{r.memory:.0f}"
    return (
        f"| {r.benchmark} | {r.method} | {r.unknowns} | {r.ranks} | {r.steps} | {r.cpu:.3g} "
        f"| {100.0 * r.spread:.0f} % of {r.repeats} | {r.set_up:.2g} | {r.per_step:.2e} "
        f"| {peak} | {error} | {gate} | {r.note} |"
    )


def markdown(records: Sequence[Record], facts: dict[str, str]) -> str:
    """Return the table and the machine as Markdown."""
    lines = [
        "| benchmark | method | unknowns | ranks | steps | CPU s | spread | set-up s "
        "| CPU s/(step unknown) | peak MiB | error | gate | note |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *map(row, records),
    ]
    told = ", ".join(f"{key} {value}" for key, value in facts.items())
    return "\n".join([*lines, "", f"Measured: {told}.", ""])


def comma_separated(records: Sequence[Record]) -> str:
    """Return the table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for r in records:
        writer.writerow(
            [r.benchmark, r.method, r.unknowns, r.ranks, r.steps, r.cpu, r.spread, r.repeats,
             r.set_up, r.per_step, r.memory, r.error, r.gate, r.note]
        )  # fmt: skip
    return text.getvalue()


def save(folder: Path, records: Sequence[Record], facts: dict[str, str]) -> None:
    """Write ``benchmarks.csv``, ``benchmarks.md`` and ``machine.csv`` into a folder.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmarks.csv").write_text(comma_separated(records), encoding="utf-8")
        (folder / "benchmarks.md").write_text(markdown(records, facts), encoding="utf-8")
        with (folder / "machine.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(facts.items())
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
