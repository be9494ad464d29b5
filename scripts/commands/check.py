"""``interphase check``: is a case right, and what will it cost?"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mpi4py import MPI

from interphase.scripts.commands.common import DONE, add_verbosity, guarded, setting_up, write

if TYPE_CHECKING:
    from interphase.parameters.case import Case
    from interphase.parameters.table import ParameterTable

_EPILOG = """\
example:
  interphase check scripts/cases/mosaic_year.yaml --ranks 4

The estimate is rough: thickness and steps within a factor of two, time within a factor of three.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check",
        help="validate a case and estimate what it costs",
        description="Validate a case and estimate unknowns, memory, steps and time.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, help="the case file (YAML)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change one key of the case; may be repeated",
    )  # fmt: skip
    parser.add_argument("--ranks", type=int, default=1, help="for how many ranks (1)")
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    return guarded(lambda comm: _run(comm, parsed), parsed)


def _run(comm: MPI.Intracomm, parsed: argparse.Namespace) -> int:
    from interphase.meshes.parallel import on_root

    lines = setting_up(lambda: on_root(comm, lambda: _report(parsed)))
    if comm.rank == 0:
        write("\n".join(lines))
    return DONE


def _report(parsed: argparse.Namespace) -> list[str]:
    """Return the lines to show."""
    from interphase.meshes.refinement import LEAST_CELLS
    from interphase.models.sei import build_model
    from interphase.parameters.case import Case, load_any
    from interphase.parameters.case_check import table_for
    from interphase.parameters.errors import CaseError, MeshError
    from interphase.scripts.commands.check_p3d import whole_cell
    from interphase.solvers.estimate import estimate
    from interphase.solvers.progress import readable

    if parsed.ranks < 1:
        raise CaseError("--ranks must be at least 1")
    case = load_any(parsed.case, parsed.overrides)
    if not isinstance(case, Case):
        return whole_cell(str(parsed.case), case, parsed.ranks) + _warnings(parsed.ranks)
    table = table_for(case)
    model = build_model(case.model, table, case.initial.seeds)
    cells = model.front.width / case.mesh.cell_size
    if cells * (1.0 + 1e-9) < LEAST_CELLS and not case.mesh.under_resolved:
        raise MeshError(
            f"mesh.cell_size: {cells:.2g} cells across the interface width, at least "
            f"{LEAST_CELLS:g} are needed; write a smaller cell_size or a reason in "
            "mesh.under_resolved"
        )
    if case.drive.kind == "cell":
        return _study(parsed, case, table, cells)
    cost = estimate(case, model, parsed.ranks)
    weak = table.assumed()
    lines = [
        f"{parsed.case}: the case is valid",
        f"  title       {case.title}",
        f"  table       {table.name}: {len(table.parameters)} rows, {len(weak)} of them recalled "
        f"or assumed (interphase params show {table.name} --assumed)",
        f"  interface   {model.front.width * 1e9:.3g} nm, {cells:.3g} cells across",
    ]
    if cost.unknowns is None:
        lines.append("  unknowns    those of the mesh file")
    else:
        lines.append(f"  unknowns    {cost.unknowns:,}")
        lines.append(
            f"  memory      about {(cost.memory or 0.0) / 2**20:,.0f} MiB on {parsed.ranks} rank(s)"
        )
    to_end = "" if cost.complete else " (not followed to the end)"
    lines.append(f"  film        about {cost.thickness * 1e9:.2g} nm at the end{to_end}")
    lines.append(f"  steps       about {cost.steps:,}")
    if cost.seconds is not None:
        lines.append(f"  time        about {readable(cost.seconds)} on {parsed.ranks} rank(s)")
    lines += _warnings(parsed.ranks, cost.thickness, case.mesh.size[-1] if case.mesh.size else None)
    return lines


def _study(
    parsed: argparse.Namespace, case: Case, table: ParameterTable, cells: float
) -> list[str]:
    """Return the lines of a case with a cell."""
    from interphase.solvers.study_setup import cell_of, conditions

    cell, studies = cell_of(case), conditions(case)
    program = "storage" if cell.storage else f"{cell.cycles} cycle(s)"
    return [
        f"{parsed.case}: the case is valid",
        f"  title       {case.title}",
        f"  table       {table.name}: {len(table.parameters)} rows",
        f"  interface   {cells:.3g} cells across",
        f"  cell        {cell.model}, {cell.parameters}, {program}",
        f"  studies     {len(studies)}, each with {cell.patch_count} patch(es)",
    ]


def _warnings(ranks: int, thickness: float = 0.0, height: float | None = None) -> list[str]:
    lines = []
    if height is not None and thickness + 10e-9 > height:
        lines.append(
            "  warning     the film may come within 10 nm of the top of the domain: make the last "
            "entry of mesh.size larger"
        )
    cores = os.cpu_count() or 1
    if ranks > cores:
        lines.append(
            f"  warning     this machine has {cores} core(s): more ranks than cores are slower"
        )
    return lines
