"""Whether every row of a table says what it must, and how uncertain each is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import LogNormal, NoUncertainty, Range, Relative

# Words that stand where a reason should.
_NO_REASON: Final = frozenset({"", "-", "?", "n/a", "na", "none", "null", "tbd", "todo", "no"})
# A range over more than this factor is spread evenly in the logarithm.
_WIDE: Final = 3.0


@dataclass(frozen=True, slots=True)
class AuditedRow:
    """One row with how uncertain it is.

    Attributes:
        row: the row.
        factor: one standard deviation as a factor up or down, 1 for exact; None where no spread
            is given.
        problems: what it fails to say.
    """

    row: Parameter
    factor: float | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """A table's rows, the most uncertain first, then those without a spread.

    Attributes:
        table: its name.
        rows: all rows.
    """

    table: str
    rows: tuple[AuditedRow, ...]

    @property
    def problems(self) -> list[str]:
        """What the rows fail to say, each with its key."""
        return [f"{one.row.key}: {text}" for one in self.rows for text in one.problems]


def audit(table: ParameterTable) -> Audit:
    """Check and rank the rows of a table.

    A table that loads has a unit, a spread or a word in its place, and a kind of source in every
    row. Here those words must be reasons, and a source must be one that can be followed.
    """
    rows = [AuditedRow(row, spread_factor(row), _problems(row)) for row in table.parameters]
    rows.sort(key=lambda one: (one.factor is None, -(one.factor or 0.0), one.row.key))
    return Audit(table.name, tuple(rows))


def spread_factor(row: Parameter) -> float | None:
    """Return one standard deviation as a factor, None where no spread is given.

    The deviation of a range is its width over sqrt(12), in the logarithm if it is wide.
    """
    spread = row.uncertainty
    if isinstance(spread, LogNormal):
        return spread.factor
    if isinstance(spread, Relative):
        return 1.0 + spread.fraction
    if isinstance(spread, Range):
        if spread.low > 0.0 and spread.high > _WIDE * spread.low:
            return math.exp(math.log(spread.high / spread.low) / math.sqrt(12.0))
        middle = abs(row.value if row.value else 0.5 * (spread.low + spread.high))
        deviation = (spread.high - spread.low) / math.sqrt(12.0)
        return 1.0 + deviation / middle if middle > 0.0 else math.inf
    return None


def deviation(row: Parameter) -> float | None:
    """Return one standard deviation in SI, None where no spread or no value is given."""
    spread = row.uncertainty
    if isinstance(spread, Range):
        return (spread.high - spread.low) / math.sqrt(12.0)
    factor = spread_factor(row)
    if factor is None or row.value is None:
        return None
    return abs(row.value) * (factor - 1.0)


def _problems(row: Parameter) -> tuple[str, ...]:
    found = []
    if isinstance(row.uncertainty, NoUncertainty) and _empty(row.uncertainty.reason):
        found.append(f"uncertainty.none: '{row.uncertainty.reason}' is no reason")
    if row.given_value is None and _empty(row.note):
        found.append(f"note: '{row.note}' does not say why there is no value")
    if _empty(row.method):
        found.append(f"method: '{row.method}' says nothing")
    said = row.source.note if row.source.kind in ("assumed", "derived") else row.source.reference
    if _empty(said):
        found.append(f"source: '{said}' cannot be followed")
    return tuple(found)


def _empty(text: str) -> bool:
    return text.strip().lower().rstrip(".") in _NO_REASON


def ranked(rows: Sequence[AuditedRow]) -> list[str]:
    """Return one line per row for people."""
    lines = []
    for one in rows:
        factor = "no spread" if one.factor is None else f"x/÷ {one.factor:.3g}"
        lines.append(f"{factor:12s} {one.row.source.kind:9s} {one.row.key}")
    return lines
