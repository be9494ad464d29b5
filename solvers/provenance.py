"""Where a result comes from: versions, host, command and every parameter with its source."""

from __future__ import annotations

import datetime
import json
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI
from petsc4py import PETSc

from interphase.parameters.provenance import write_uncertainty
from interphase.parameters.table import ParameterTable
from interphase.solvers.run_folder import write_whole

# What every start of a run has in common.
_SAME: Final = ("parameters", "cell")
_PACKAGES: Final = (
    "interphase",
    "fenics-ufl",
    "mpi4py",
    "numpy",
    "scipy",
    "h5py",
    "pydantic",
    "pint",
)


def describe(comm: MPI.Comm, table: ParameterTable, unknowns: int) -> dict[str, Any]:
    """Return one entry of ``provenance.json``.

    Args:
        comm: ranks of the run.
        table: its parameters, overrides applied.
        unknowns: nodes of the mesh.
    """
    return {
        **describe_run(comm.size, unknowns),
        "parameters": [_row(table, key) for key in range(len(table.parameters))],
    }


def describe_run(ranks: int, unknowns: int) -> dict[str, Any]:
    """Return an entry without parameters: versions, host, command.

    Args:
        ranks: of the run.
        unknowns: of its fields.
    """
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": list(sys.argv),
        "host": platform.node(),
        "platform": platform.platform(),
        "ranks": ranks,
        "unknowns": unknowns,
        "versions": _versions(),
        "git_commit": git_commit(Path(__file__).resolve().parents[1]),
    }


def write_provenance(path: Path, entry: Mapping[str, Any], *, restart: bool) -> None:
    """Write ``provenance.json``: one entry, and what differs for each start of the run.

    Args:
        path: of the file.
        entry: of `describe`, with more keys where a run has them.
        restart: keep the starts that the file lists already.

    Raises:
        OutputError: if it cannot be written.
    """
    earlier = json.loads(path.read_text(encoding="utf-8")) if restart and path.exists() else {}
    start = {name: value for name, value in entry.items() if name not in _SAME}
    starts = [*earlier.get("starts", []), start]
    write_whole(path, json.dumps({**entry, "starts": starts}, indent=1))


def _row(table: ParameterTable, index: int) -> dict[str, Any]:
    row = table.parameters[index]
    return {
        "name": row.name,
        "of": row.of,
        "value": row.value,
        "unit": row.unit,
        "uncertainty": write_uncertainty(row.uncertainty),
        "method": row.method,
        "source": {
            "kind": row.source.kind,
            "reference": row.source.reference,
            "doi": row.source.doi,
            "where": row.source.where,
            "note": row.source.note,
        },
        "note": row.note,
    }


def _versions() -> dict[str, str]:
    import dolfinx

    versions = {"python": platform.python_version(), "dolfinx": str(dolfinx.__version__)}
    versions["petsc"] = ".".join(str(n) for n in PETSc.Sys.getVersion())
    versions["mpi"] = MPI.Get_library_version().split("\n")[0].strip("\x00 ")
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def git_commit(folder: Path) -> str | None:
    """Return the commit that is checked out in ``folder``, None if it is no clone.

    Read from the files of git: no process is started, which some MPI libraries do not bear.
    """
    git = folder / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head or None
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.exists():
            return loose.read_text(encoding="utf-8").strip() or None
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
