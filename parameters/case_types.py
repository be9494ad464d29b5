"""Building blocks of the case schema: quantities with units, and the strict base of all blocks.

A quantity is a string with a unit in the file ("0.125 nm") and a float in SI in Python.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from interphase.parameters.errors import ParameterError
from interphase.parameters.units import format_si, to_si

ROOM_TEMPERATURE = 298.15
"""Default temperature of a drive [K]."""


def refuse(key: str, text: str) -> NoReturn:
    """Stop validation of a block with a message about one of its keys.

    Args:
        key: key inside the block that is being validated; empty for the block itself.
        text: what is wrong and what to write.
    """
    # texts go in through the context: braces in them must not be read as a template
    raise PydanticCustomError("case", "{text}", {"key": key, "text": text})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Marks a float field that is written as text with a unit.

    Attributes:
        unit: unit of the float, as ``dimension`` in :func:`interphase.parameters.units.to_si`.
        low: smallest value allowed [unit].
        high: largest value allowed [unit].
        open_low: whether ``low`` itself is refused.
    """

    unit: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False

    def read(self, text: Any) -> float:
        """Return the SI value of ``text``, or stop the validation."""
        try:
            value = to_si(text, self.unit)
        except ParameterError as error:
            raise PydanticCustomError("quantity", "{text}", {"text": str(error)}) from error
        if value < self.low or (self.open_low and value == self.low) or value > self.high:
            reason = f"{text} is out of range: {self._range()}"
            raise PydanticCustomError("quantity", "{text}", {"text": reason})
        return value

    def write(self, value: float) -> str:
        """Return text that :meth:`read` turns into ``value``."""
        return format_si(value, self.unit)

    def _range(self) -> str:
        low = "" if math.isinf(self.low) else format_si(self.low, self.unit)
        if low:
            low = f"must be {'more than' if self.open_low else 'at least'} {low}"
        high = "" if math.isinf(self.high) else f"at most {format_si(self.high, self.unit)}"
        return " and ".join(part for part in (low, high) if part)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Tell pydantic to read and write the field with this object."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )


Length = Annotated[float, Quantity("m", 0.0, open_low=True)]
Coordinate = Annotated[float, Quantity("m")]
Duration = Annotated[float, Quantity("s", 0.0, open_low=True)]
Moment = Annotated[float, Quantity("s", 0.0)]
# The ranges catch a slip of the keyboard; no electrode or film is outside them.
Potential = Annotated[float, Quantity("V", -20.0, 20.0)]
PotentialStep = Annotated[float, Quantity("V", 0.0, open_low=True)]
SweepRate = Annotated[float, Quantity("V/s", 0.0, open_low=True)]
Temperature = Annotated[float, Quantity("K", 100.0, 1500.0)]
CurrentDensity = Annotated[float, Quantity("A/m^2")]
Angle = Annotated[float, Quantity("rad", 0.0, 2.0 * math.pi, open_low=True)]
VolumePerArea = Annotated[float, Quantity("m", 0.0, open_low=True)]


def _none_from_text(value: Any) -> Any:
    return None if value == "none" else value


def _text_from_none(value: float | None) -> str:
    return "none" if value is None else format_si(value, "s")


OptionalDuration = Annotated[
    Duration | None, BeforeValidator(_none_from_text), PlainSerializer(_text_from_none)
]
"""A duration, or ``none``; none is written out, since it is a choice and not an absence."""


class Block(BaseModel):
    """Base of every block of the case: unknown keys refused, values fixed once read."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


def without_none(value: Any) -> Any:
    """Leave out keys that are absent; a chosen none is the text "none" and stays."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value
