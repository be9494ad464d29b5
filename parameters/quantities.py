"""What each named quantity is: its SI unit and the values it may have.

The list itself is ``quantities.yaml`` beside this file. A row of a table or an override in a case
whose name is not in it is refused, so a misspelt name cannot pass as a new quantity.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interphase.parameters.errors import ParameterError, did_you_mean
from interphase.parameters.units import DIMENSIONLESS, format_si
from interphase.parameters.yaml_io import YAMLError, read_yaml

Sign = Literal["positive", "non_negative", "any"]
Of = Literal["required", "optional", "none"]


@dataclass(frozen=True, slots=True)
class QuantityKind:
    """Rules for all rows of one name.

    Attributes:
        name: name of the rows.
        unit: SI unit of their values.
        text: what the quantity is.
        low: smallest value [unit].
        high: largest value [unit].
        open_low: whether ``low`` itself is refused.
        of: whether a row belongs to a phase, species or reaction.
    """

    name: str
    unit: str
    text: str
    low: float
    high: float
    open_low: bool
    of: Of

    def check(self, value: float, key: str) -> None:
        """Refuse a value out of range.

        Args:
            value: the value in SI.
            key: key of the row for the message.

        Raises:
            ParameterError: if the value is not finite or out of range.
        """
        if not math.isfinite(value):
            raise ParameterError(f"{key}: {value} is not a finite number")
        if value < self.low or (self.open_low and value == self.low) or value > self.high:
            if self.high < math.inf:
                unit = "" if self.unit == DIMENSIONLESS else f" {self.unit}"
                wanted = f"must lie between {self.low:g} and {self.high:g}{unit}"
            else:
                wanted = "must be positive" if self.open_low else "must not be negative"
            raise ParameterError(f"{key}: {format_si(value, self.unit)} {wanted}")


@functools.lru_cache(maxsize=1)
def quantity_kinds() -> Mapping[str, QuantityKind]:
    """Return all known quantities by name.

    Raises:
        ParameterError: if ``quantities.yaml`` is damaged.
    """
    path = Path(__file__).with_name("quantities.yaml")
    try:
        return {name: _read(name, entry) for name, entry in read_yaml(path).items()}
    except YAMLError as error:
        raise ParameterError(str(error)) from error


def quantity_kind(name: str) -> QuantityKind:
    """Return the rules of one quantity.

    Raises:
        ParameterError: if the name is unknown.
    """
    kinds = quantity_kinds()
    if name not in kinds:
        raise ParameterError(f"'{name}' is not a known quantity; {did_you_mean(name, kinds)}")
    return kinds[name]


def _read(name: str, entry: dict[str, Any]) -> QuantityKind:
    sign: Sign = entry.get("sign", "positive")
    low, high = entry.get("range", (-math.inf if sign == "any" else 0.0, math.inf))
    return QuantityKind(
        name,
        entry["unit"],
        entry["text"],
        float(low),
        float(high),
        open_low="range" not in entry and sign == "positive",
        of=entry.get("of", "required"),
    )
