"""``interphase params audit``, ``fill`` and ``export``: what tables say, from where, for whom."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from interphase.models.atomistic import result_file
from interphase.models.atomistic.crystals.leakage import NEEDS, leakage
from interphase.models.atomistic.ensemble import Calibration, united
from interphase.models.atomistic.liquids.film import film_rows
from interphase.models.atomistic.result import Computed
from interphase.parameters.audit import audit, deviation, ranked
from interphase.parameters.errors import InterphaseError, ParameterError
from interphase.parameters.exchange import NO_TERM, terms, to_bpx, to_csv, to_json_ld
from interphase.parameters.fill import Filled, fill
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.table import available_tables, load_table
from interphase.scripts.commands.common import (
    BAD_CASE,
    DONE,
    FAILED,
    logger,
    messages,
    write,
)

ROOM_TEMPERATURE: Final = 298.15
"""At which rows of tables hold [K]."""

_FORMATS: Final = {"jsonld": to_json_ld, "csv": to_csv, "bpx": to_bpx}


def add_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions."""
    check = actions.add_parser("audit", help="is every row sourced, and which are most uncertain?")
    check.add_argument("tables", nargs="*", help="names or files; all tables that ship if none")
    check.add_argument("--top", type=int, default=15, help="rows shown of each table (15)")
    check.set_defaults(run=lambda parsed: _run(_audit, parsed))
    filled = actions.add_parser("fill", help="fill a table from computed and literature values")
    filled.add_argument("table", help="its rows are filled")
    filled.add_argument(
        "--from", dest="order", default="computed,literature", metavar="A,B",
        help="origins by priority: computed, literature, table",
    )  # fmt: skip
    filled.add_argument(
        "--results", type=Path, nargs="*", default=[], metavar="FILE", help="more result files"
    )
    filled.add_argument("-o", "--output", type=Path, metavar="FILE", help="table to write (YAML)")
    filled.add_argument("--sigmas", type=float, default=2.0, help="disagreements shown (2)")
    filled.set_defaults(run=lambda parsed: _run(_fill, parsed))
    export = actions.add_parser("export", help="write a table as JSON-LD, CSV or BPX")
    export.add_argument("table")
    export.add_argument("--format", choices=sorted(_FORMATS), default="jsonld")
    export.add_argument("-o", "--output", type=Path, metavar="FILE")
    export.set_defaults(run=lambda parsed: _run(_export, parsed))


def _run(work: Callable[[argparse.Namespace], int], parsed: argparse.Namespace) -> int:
    with messages(parsed):
        try:
            return work(parsed)
        except InterphaseError as error:
            logger.error("error: %s", error)
            return BAD_CASE
        except OSError as error:
            logger.error("error: cannot write %s: %s", error.filename, error.strerror)
            return FAILED


def _audit(parsed: argparse.Namespace) -> int:
    problems = 0
    for name in parsed.tables or available_tables():
        found = audit(load_table(name))
        unknown = sum(one.factor is None for one in found.rows)
        write(
            f"{found.table}: {len(found.rows)} rows, each with unit, source kind and an "
            f"uncertainty or the reason for none ({unknown}); {len(found.problems)} problems"
        )
        for line in ranked(found.rows[: parsed.top]):
            write(f"  {line}")
        for text in found.problems:
            write(f"  PROBLEM {text}")
        problems += len(found.problems)
    return FAILED if problems else DONE


def _fill(parsed: argparse.Namespace) -> int:
    order = [name.strip() for name in parsed.order.split(",") if name.strip()]
    table = load_table(parsed.table)
    files = [*result_file.shipped(), *(result_file.read(path) for path in parsed.results)]
    literature = load_table("literature").parameters
    computed = _computed(files, literature, table)
    found = fill(table, {"computed": computed, "literature": literature}, order)
    for line in _summary(found, parsed.sigmas):
        write(line)
    if parsed.output is not None:
        named = replace(
            found.table,
            name=parsed.output.stem,
            title=f"{table.title}; rows from {', '.join(order)} where there are any",
        )
        parsed.output.write_text(named.to_yaml(), encoding="utf-8")
        beside = parsed.output.with_suffix(".alternatives.json")
        beside.write_text(found.to_json(), encoding="utf-8")
        write(f"written to {parsed.output}, all alternatives to {beside}")
    return DONE


def _computed(
    files: Sequence[result_file.ResultFile], literature: Iterable[Parameter], table: ParameterTable
) -> list[Parameter]:
    """Return the rows of result files, and what follows from several of them.

    Several methods in one file are an ensemble, a single one is judged by what it makes of what the
    literature knows. Of several files that ship with one key the better known holds, of equals the
    last; files that were named hold over those.
    """
    calibration = Calibration.of((file.values for file in files), literature)
    found: dict[str, tuple[Computed, str]] = {}
    for file in files:
        ships = file.path.parent == result_file.FOLDER
        for value in united(file.values, calibration):
            if not (ships and value.key in found and _better(found[value.key][0], value)):
                found[value.key] = (value, file.where)
    row = "interstitial_concentration_ref"
    leaks = leakage(
        [value for value, _ in found.values()],
        table.value(row) if table.has(row) else None,
        ROOM_TEMPERATURE,
    )
    rows = {key: value.parameter(where) for key, (value, where) in found.items()}
    for value in leaks:
        used = [f"{name}.{value.of}" for name in NEEDS]
        where = "; ".join(dict.fromkeys(found[key][1] for key in used))
        rows.setdefault(value.key, value.parameter(where))
    # from values as they were computed: errors of one force field are those of both ions alike
    named = [file for file in files if file.path.parent != result_file.FOLDER]
    # what follows from named files alone holds over what better values that ship would give
    for some in (named, files):
        single = {value.key: (value, file.where) for file in some for value in file.values}
        for derived in film_rows(value for value, _ in single.values()):
            where = "; ".join(dict.fromkeys(single[key][1] for key in derived.used))
            (value,) = united([derived.value], calibration)
            rows.setdefault(value.key, value.parameter(where))
    return list(rows.values())


def _better(one: Computed, other: Computed) -> bool:
    """Whether the first value is better known than the second."""
    first, second = (deviation(value.parameter()) for value in (one, other))
    return first is not None and (second is None or first < second)


def _summary(found: Filled, sigmas: float) -> list[str]:
    counts: dict[str, int] = {}
    for choice in found.choices:
        counts[choice.chosen.origin] = counts.get(choice.chosen.origin, 0) + 1
    lines = [f"{found.table.name}: " + ", ".join(f"{n} rows from {o}" for o, n in counts.items())]
    apart = found.disagreements(sigmas)
    lines.append(f"{len(apart)} rows with an alternative more than {sigmas:g} sigma away")
    for choice in apart:
        row = choice.chosen.row
        lines.append(
            f"  {row.key}: {choice.chosen.origin} {row.given_value:g} {row.given_unit}; "
            + "; ".join(
                f"{other.origin} {other.row.given_value:g} {other.row.given_unit} "
                + ("" if sigma is None else f"({sigma:.1f} sigma)")
                for other, sigma in zip(choice.others, choice.sigmas, strict=True)
            )
        )
    return lines


def _export(parsed: argparse.Namespace) -> int:
    table: ParameterTable = load_table(parsed.table)
    text = _FORMATS[parsed.format](table)
    if parsed.output is None:
        write(text)
        return DONE
    if parsed.output.exists():
        raise ParameterError(f"{parsed.output} exists; name another file")
    parsed.output.write_text(text, encoding="utf-8")
    known = sum(row.name in terms() for row in table.parameters)
    write(
        f"written to {parsed.output}: {len(table.parameters)} rows, {known} with a term of EMMO or "
        f"BattINFO, the others say '{NO_TERM}'"
    )
    return DONE
