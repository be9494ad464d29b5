"""One row of a table."""

from dataclasses import dataclass, field
from typing import Any, Self

from interphase.parameters.errors import ParameterError
from interphase.parameters.provenance import (
    LogNormal,
    NoUncertainty,
    Range,
    Relative,
    Source,
    Uncertainty,
    write_uncertainty,
)
from interphase.parameters.quantities import quantity_kind
from interphase.parameters.units import convert


def row_key(name: str, of: str | None) -> str:
    """Return the key of a row: ``name`` or ``name.of``."""
    return name if of is None else f"{name}.{of}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value with its unit, uncertainty and source.

    Attributes:
        name: a quantity of ``quantities.yaml``.
        of: phase, species or reaction that it belongs to, None for a global one.
        given_value: number as written in the table; None where no value is known.
        given_unit: unit as written in the table.
        given_uncertainty: spread, its numbers in ``given_unit``.
        method: how it was obtained.
        source: where it comes from.
        note: anything a user must know; for a missing value the reason.
        value: the value in SI, None where none is known.
        unit: SI unit of ``value``.
        uncertainty: spread in SI.
    """

    name: str
    of: str | None
    given_value: float | None
    given_unit: str
    given_uncertainty: Uncertainty
    method: str
    source: Source
    note: str = ""
    value: float | None = field(init=False)
    unit: str = field(init=False)
    uncertainty: Uncertainty = field(init=False)

    def __post_init__(self) -> None:
        """Convert to SI and check dimension, range, method and reason."""
        kind = quantity_kind(self.name)
        if kind.of == "required" and self.of is None:
            raise ParameterError(f"{self.key}: of is missing (the phase, species or reaction)")
        if kind.of == "none" and self.of is not None:
            raise ParameterError(f"{self.key}: takes no of; remove '{self.of}'")
        if not self.method.strip():
            raise ParameterError(f"{self.key}.method: is missing")
        if self.given_value is None and not self.note.strip():
            raise ParameterError(f"{self.key}.note: is missing; say why there is no value")
        try:
            value = self._to_si(self.given_value, kind.unit)
            spread = self._spread_in_si(kind.unit)
        except ParameterError as error:
            raise ParameterError(f"{self.key}: {error}") from error
        object.__setattr__(self, "unit", kind.unit)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "uncertainty", spread)
        if value is None:
            return
        kind.check(value, self.key)
        if isinstance(spread, Range) and not spread.low <= value <= spread.high:
            raise ParameterError(f"{self.key}: the value lies outside its own uncertainty.range")

    @property
    def key(self) -> str:
        """Name of the row in messages and overrides."""
        return row_key(self.name, self.of)

    @property
    def uncertain_source(self) -> bool:
        """Whether the value is recalled or assumed, so that it should be checked before use."""
        return self.source.kind in ("recalled", "assumed")

    def replaced(self, value: float, unit: str, note: str) -> Self:
        """Return the row with a value that a user sets.

        Raises:
            ParameterError: if unit or range is wrong for the quantity.
        """
        return type(self)(
            self.name,
            self.of,
            value,
            unit,
            NoUncertainty("set by the case"),
            "override",
            Source("assumed", reference="override in the case", note=note),
            note,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a table writes it."""
        source = {key: getattr(self.source, key) for key in ("kind", "reference", "doi", "where")}
        source["note"] = self.source.note
        row: dict[str, Any] = {"name": self.name}
        if self.of is not None:
            row["of"] = self.of
        row |= {
            "value": self.given_value,
            "unit": self.given_unit,
            "uncertainty": write_uncertainty(self.given_uncertainty),
            "method": self.method,
            "source": {key: text for key, text in source.items() if text},
        }
        if self.note:
            row["note"] = self.note
        return row

    def _to_si(self, value: float | None, unit: str) -> float | None:
        # the unit of an unknown value is checked as well
        converted = convert(1.0 if value is None else value, self.given_unit, unit)
        return None if value is None else converted

    def _spread_in_si(self, unit: str) -> Uncertainty:
        spread = self.given_uncertainty
        if isinstance(spread, Range):
            low = convert(spread.low, self.given_unit, unit)
            return Range(low, convert(spread.high, self.given_unit, unit))
        if isinstance(spread, LogNormal):
            return LogNormal(convert(spread.median, self.given_unit, unit), spread.factor)
        if isinstance(spread, Relative) and self.given_value == 0.0:
            raise ParameterError("uncertainty.relative: says nothing about a value of 0")
        return spread
