"""``interphase params``: the parameter tables and where their values come from."""

from __future__ import annotations

import argparse

from interphase.parameters.errors import ParameterError
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import LogNormal, Range, Relative
from interphase.parameters.table import available_tables, load_table
from interphase.scripts.commands import params_compute, params_network, params_tables
from interphase.scripts.commands.common import BAD_CASE, DONE, logger, messages, write

_EPILOG = """\
examples:
  interphase params list
  interphase params show graphite_carbonate
  interphase params show graphite_carbonate --assumed     the weak points: recalled or assumed
  interphase params show my_table.yaml
  interphase params audit                                 sources and the most uncertain rows
  interphase params compute lattice LiF                   a value from atoms (extra mlp)
  interphase params fill graphite_carbonate --from computed,literature -o mine.yaml
  interphase params export literature -o literature.jsonld
"""
_WEAK = {"recalled": "RECALLED", "assumed": "ASSUMED"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "params",
        help="show parameter tables with their sources",
        description="Show parameter tables: value, unit, uncertainty and source of every row.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="name the tables that ship").set_defaults(run=run_list)
    show = actions.add_parser("show", help="show a table")
    show.add_argument("table", help="name of a table that ships, or path of a file")
    show.add_argument(
        "--assumed", action="store_true", help="only rows that are recalled from memory or assumed"
    )
    show.set_defaults(run=run_show)
    params_compute.add_parser(actions)
    params_network.add_parser(actions)
    params_tables.add_parsers(actions)


def run_list(parsed: argparse.Namespace) -> int:
    """Name the tables."""
    for name in available_tables():
        table = load_table(name)
        weak = len(table.assumed())
        write(
            f"{name:22s} {len(table.parameters):4d} rows ({weak} recalled or assumed)  "
            f"{table.title}"
        )
    return DONE


def run_show(parsed: argparse.Namespace) -> int:
    """Show one table."""
    with messages(parsed):
        return _show(parsed)


def _show(parsed: argparse.Namespace) -> int:
    try:
        table = load_table(parsed.table)
    except ParameterError as error:
        logger.error("error: %s", error)
        return BAD_CASE
    write(f"{table.name}: {table.title}")
    if table.note:
        write(table.note)
    if table.reactions and not parsed.assumed:
        write("\nreactions")
        for reaction in table.reactions.values():
            write(f"  {reaction.id:8s} {reaction.equation}")
    rows = table.assumed() if parsed.assumed else list(table.parameters)
    write(f"\n{len(rows)} rows" + (" that are recalled or assumed" if parsed.assumed else ""))
    for line in _lines(rows):
        write(line)
    if not parsed.assumed:
        write(f"\n{_weakness(table)}")
    return DONE


def _lines(rows: list[Parameter]) -> list[str]:
    """Return two lines per row: value, then source."""
    lines = []
    for row in rows:
        value = "unknown" if row.given_value is None else f"{row.given_value:g} {row.given_unit}"
        mark = _WEAK.get(row.source.kind, "")
        lines.append(f"  {row.key:44s} {value:26s} {_spread(row):24s} {mark}".rstrip())
        lines.append(f"      {row.source.describe()}")
        if row.note:
            lines.append(f"      note: {row.note}")
    return lines


def _spread(row: Parameter) -> str:
    spread = row.given_uncertainty
    if isinstance(spread, Range):
        return f"[{spread.low:g}, {spread.high:g}]"
    if isinstance(spread, LogNormal):
        return f"x/÷ {spread.factor:g}"
    if isinstance(spread, Relative):
        return f"+- {100 * spread.fraction:g} %"
    return "no spread"


def _weakness(table: ParameterTable) -> str:
    weak = table.assumed()
    count = f"{len(weak)} of {len(table.parameters)}"
    return f"{count} rows are recalled or assumed: see them with --assumed"
