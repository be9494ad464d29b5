"""What a study varies, read against the base case and its table: values in SI from here on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from interphase.parameters.case_keys import CaseKey, find_key
from interphase.parameters.distributions import (
    Array,
    Distribution,
    LogNormalSpread,
    LogUniform,
    Uniform,
    bounded_normal,
    table_distribution,
)
from interphase.parameters.errors import CaseError, ParameterError
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.quantities import quantity_kind
from interphase.parameters.units import format_si, to_si
from interphase.scripts.sweep.study import Spread

Value = float | int | str


@dataclass(frozen=True, slots=True)
class Factor:
    """One varied parameter.

    Attributes:
        name: as the study calls it.
        key: where it stands in a case, and its unit.
        distribution: how it is spread, None for a list of values.
        values: the values of a list, in SI; empty for a distribution.
        row: the table's row, None for other keys.
    """

    name: str
    key: CaseKey
    distribution: Distribution | None
    values: tuple[Value, ...]
    row: Parameter | None

    @property
    def column(self) -> str:
        """Header of the factor in tables."""
        return f"{self.name} [{self.key.unit or '-'}]"

    @property
    def logarithmic(self) -> bool:
        """Whether the factor is best shown as its logarithm."""
        return self.distribution is not None and self.distribution.logarithmic

    def at(self, part: float) -> Value:
        """Return the value below which ``part`` of all draws lie."""
        if self.distribution is not None:
            return float(self.distribution.quantile(part))
        return self.values[min(int(part * len(self.values)), len(self.values) - 1)]

    def coordinate(self, value: Array) -> Array:
        """Return numbers in which the factor is even: logarithms where it is logarithmic."""
        import numpy as np

        return np.log(value) if self.logarithmic else np.asarray(value, dtype=float)

    def override(self, value: Value, note: str) -> str:
        """Return the ``--set`` text that gives a case this value."""
        text = format_si(value, self.key.unit) if isinstance(value, float) else value
        if self.key.row:
            return f"{self.key.path}={json.dumps({'value': text, 'note': note})}"
        if self.key.unit == "-" or not isinstance(value, float):
            return f"{self.key.path}={json.dumps(value)}"
        return f"{self.key.path}={text}"

    def describe(self) -> str:
        """Return how the factor is spread, for people."""
        unit = self.key.unit or "-"
        if self.distribution is not None:
            return self.distribution.describe(unit)
        shown = [format_si(v, unit) if isinstance(v, float) else str(v) for v in self.values]
        return ", ".join(shown)


def build_factor(name: str, spread: Spread, table: ParameterTable) -> Factor:
    """Read one entry of ``parameters``.

    Raises:
        CaseError: the case has no such key, or the spread makes no sense for it.
    """
    where = f"parameters.{name}"
    try:
        key = find_key(name, table)
    except CaseError as error:
        raise CaseError(str(error).removeprefix(f"{name}: "), where) from error
    row = next((one for one in table.parameters if one.key == key.row), None)
    try:
        if spread.values is not None:
            return Factor(name, key, None, tuple(_value(v, key) for v in spread.values), row)
        if key.unit == "" or key.whole:
            raise ParameterError("is no continuous number; give a list of values")
        return Factor(name, key, _BUILDERS[spread.kind](spread, key, row), (), row)
    except ParameterError as error:
        raise CaseError(str(error), f"{where}.{_written(spread.kind)}") from error


def _written(kind: str) -> str:
    return "from" if kind == "from_table" else kind


def _value(value: Any, key: CaseKey) -> Value:
    if key.whole and isinstance(value, int) and not isinstance(value, bool):
        return value
    if key.whole:
        raise ParameterError(f"must be a whole number, got {value!r}")
    if key.unit == "":
        if isinstance(value, str | int | float):
            return value
        raise ParameterError(f"must be one word or number, got {value!r}")
    return to_si(value, key.unit)


def _from_table(spread: Spread, key: CaseKey, row: Parameter | None) -> Distribution:
    if row is None:
        raise ParameterError("is no row of the table; give uniform, normal or log_normal")
    return table_distribution(row, logarithmic=spread.scale == "log")


def _uniform(spread: Spread, key: CaseKey, row: Parameter | None) -> Distribution:
    low, high = spread.uniform or ("", "")
    return Uniform(to_si(low, key.unit), to_si(high, key.unit))


def _log_uniform(spread: Spread, key: CaseKey, row: Parameter | None) -> Distribution:
    low, high = spread.log_uniform or ("", "")
    return LogUniform(to_si(low, key.unit), to_si(high, key.unit))


def _normal(spread: Spread, key: CaseKey, row: Parameter | None) -> Distribution:
    mean, deviation = spread.normal or ("", "")
    kind = quantity_kind(row.name) if row is not None else None
    return bounded_normal(to_si(mean, key.unit), to_si(deviation, key.unit), kind)


def _log_normal(spread: Spread, key: CaseKey, row: Parameter | None) -> Distribution:
    median, factor = spread.log_normal or ("", 0.0)
    return LogNormalSpread(to_si(median, key.unit), factor)


_BUILDERS = {
    "from_table": _from_table,
    "uniform": _uniform,
    "log_uniform": _log_uniform,
    "normal": _normal,
    "log_normal": _log_normal,
}
