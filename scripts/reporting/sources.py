"""The parameters of a run as rows for people, with what is not certain marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interphase.parameters.errors import InterphaseError, OutputError
from interphase.parameters.units import format_si

MARKS = ("assumed", "recalled", "calibrated")
"""What must be visible, in order of doubt: no source, from memory, chosen to be plausible."""


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter as the page shows it.

    Attributes:
        key: ``name`` or ``name.of``.
        value: with unit.
        spread: uncertainty.
        kind: of the source.
        source: reference, place and DOI.
        note: method and note.
        mark: one of ``MARKS``, or empty for a value that a source vouches for.
    """

    key: str
    value: str
    spread: str
    kind: str
    source: str
    note: str
    mark: str


def parameter_rows(provenance: Mapping[str, Any]) -> list[ParameterRow]:
    """Return the parameters of provenance.json.

    Raises:
        OutputError: if it holds none.
    """
    rows = provenance.get("parameters")
    if isinstance(rows, Mapping):
        rows = [{"name": key, **row} for key, row in rows.items() if isinstance(row, Mapping)]
    if not isinstance(rows, list) or not rows:
        raise OutputError("provenance.json: holds no 'parameters'; run the case again")
    return [_row(row) for row in rows if isinstance(row, Mapping)]


def mark_of(row: Mapping[str, Any]) -> str:
    """Return which doubt a parameter carries: assumed, recalled, calibrated or none."""
    kind = _source(row).get("kind", "")
    if kind in ("assumed", "recalled"):
        return str(kind)
    texts = [row.get("note", ""), row.get("method", ""), *_source(row).values()]
    return "calibrated" if any("calibrated" in str(text).lower() for text in texts) else ""


def _source(row: Mapping[str, Any]) -> dict[str, Any]:
    source = row.get("source") or {}
    return dict(source) if isinstance(source, Mapping) else {"reference": str(source)}


def _row(row: Mapping[str, Any]) -> ParameterRow:
    name, of = str(row.get("name", "?")), row.get("of")
    source = _source(row)
    reference = [str(source.get(part, "")) for part in ("reference", "where")]
    if source.get("doi"):
        reference.append(f"doi:{source['doi']}")
    notes = [str(text) for text in (row.get("method"), source.get("note"), row.get("note")) if text]
    return ParameterRow(
        key=f"{name}.{of}" if of else name,
        value=_value(row.get("value"), str(row.get("unit", "-"))),
        spread=_spread(row.get("uncertainty"), str(row.get("unit", "-"))),
        kind=str(source.get("kind", "?")),
        source="; ".join(part for part in reference if part),
        note="; ".join(dict.fromkeys(notes)),
        mark=mark_of(row),
    )


def _value(value: Any, unit: str) -> str:
    if not isinstance(value, int | float):
        return "none" if value is None else str(value)
    if unit in ("", "-"):
        return f"{value:.6g}"
    try:
        return format_si(float(f"{value:.6g}"), unit)
    except InterphaseError:
        return f"{value:.6g} {unit}"


def _spread(uncertainty: Any, unit: str) -> str:
    """Return an uncertainty as text; its numbers have the unit of the row and say so."""
    if not isinstance(uncertainty, Mapping) or len(uncertainty) != 1:
        return "" if uncertainty is None else str(uncertainty)
    ((kind, content),) = uncertainty.items()
    if kind == "none":
        return f"none: {content}"
    if kind == "relative":
        return f"± {100.0 * float(content):.3g} %"
    low, high = (float(number) for number in content)
    if kind == "range":
        return f"{_value(low, unit)} to {_value(high, unit)}"
    return f"× or ÷ {high:.4g} around {_value(low, unit)}"
