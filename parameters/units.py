"""Quantities with units at the border of the program: text in, SI floats inside, text out.

Nothing below this border carries a unit. ``dimension`` is everywhere a unit string such as
``"m"``, ``"mol/m^2/s"`` or ``"-"`` (a pure number); the value that comes back is in that unit.
"""

import functools
import math
import re
from decimal import Decimal
from typing import Final

import pint

from interphase.parameters.errors import ParameterError

DIMENSIONLESS: Final = "-"

_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
# "m3/mol" as the field writes it: pint wants "m**3/mol".
_DIGIT_POWER: Final = re.compile(r"(?<=[A-Za-zµΩ])([+-]?\d+)")
# "ohm.m2"
_DOT_PRODUCT: Final = re.compile(r"(?<=[A-Za-zµΩ0-9)])\.(?=[A-Za-zµΩ])")
# A potential is always against Li/Li+ in the reservoir's electrolyte; saying so is welcome.
_REFERENCE: Final = re.compile(r"\s+vs\.?\s+Li/Li\+$")

# What a person would write, shown in error texts.
_EXAMPLES: Final = {
    "m": "2 nm", "s": "5 min", "V": "0.1 V", "K": "298.15 K", "V/s": "1.9 V/h",
    "A/m^2": "0.5 A/m^2", "mol/m^2/s": "1e-9 mol/m^2/s", "m^2/s": "3e-10 m^2/s",
    "mol/m^3": "1 mol/l", "m^3/mol": "35 cm^3/mol", "S/m": "0.95 S/m", "J/mol": "38 kJ/mol",
    "J/m^2": "0.15 J/m^2", "1/m^3": "2e24 1/m^3", "eV": "1.5 eV", "J": "1.5 eV",
    "rad": "30 deg", "Pa": "1 GPa", "m/s": "1e-9 m/s", "1/m": "7 1/nm", "-": "0.5",
}  # fmt: skip

# Units in which people read a quantity; format_si takes the shortest text that reads back exactly.
_READABLE: Final = {
    "m": ("nm", "um", "mm"), "s": ("ns", "us", "ms", "min", "h", "day", "year"), "V": ("mV",),
    "V/s": ("V/h", "mV/s"), "A/m^2": ("mA/cm^2",), "J": ("eV",), "J/mol": ("kJ/mol",),
    "m^3/mol": ("cm^3/mol",), "Pa": ("MPa", "GPa"), "1/m": ("1/nm",), "rad": ("deg",),
}  # fmt: skip


@functools.lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Decimal]:
    """Return the one registry; built on first use because that takes a tenth of a second.

    Conversions are decimal, so that "35 cm^3/mol" is 3.5e-5 and not 3.5000000000000004e-5.
    """
    return pint.UnitRegistry(non_int_type=Decimal)


def _as_pint(unit: str) -> str:
    """Translate a unit as written in tables and cases to pint's spelling."""
    unit = _REFERENCE.sub("", unit.strip())
    if unit in ("", DIMENSIONLESS):
        return "dimensionless"
    unit = _DOT_PRODUCT.sub("*", unit.replace("^", "**"))
    return _DIGIT_POWER.sub(r"**\1", unit)


@functools.lru_cache(maxsize=1024)
def convert(value: float, unit: str, dimension: str) -> float:
    """Convert ``value`` from ``unit`` to the unit ``dimension``.

    Raises:
        ParameterError: if a unit is unknown or the dimensions differ.
    """
    registry = _registry()
    try:
        given = registry.Quantity(Decimal(repr(value)), _as_pint(unit))
    # pint raises errors of many families (its own, tokenizer, attribute) on a bad unit string
    except Exception as error:
        raise ParameterError(f"unknown unit '{unit}'; {_advice(dimension)}") from error
    try:
        return float(given.to(_as_pint(dimension)).magnitude)
    except pint.DimensionalityError as error:
        raise ParameterError(
            f"'{unit or 'a plain number'}' has the wrong dimension, "
            f"a quantity in {_name(dimension)} is wanted; {_advice(dimension)}"
        ) from error
    except Exception as error:
        raise ParameterError(f"cannot convert '{unit}' to '{dimension}': {error}") from error


def to_si(text: str | float, dimension: str) -> float:
    """Read a quantity such as ``"2 nm"`` and return its value in the unit ``dimension``.

    Args:
        text: number and unit in one string. A plain number is accepted only for ``"-"``.
        dimension: unit that the result is in, for example ``"m"`` or ``"mol/m^2/s"``.

    Raises:
        ParameterError: if there is no unit, the unit is unknown or of another dimension, or the
            text holds no finite number; the message gives an example.
    """
    try:
        number, unit = split_quantity(text)
    except ParameterError as error:
        raise ParameterError(f"{error}; {_advice(dimension)}") from error
    if unit in ("", DIMENSIONLESS) and dimension != DIMENSIONLESS:
        raise ParameterError(f"'{text}' has no unit; {_advice(dimension)}")
    return convert(number, unit, dimension)


def check_unit(unit: str, dimension: str) -> None:
    """Refuse a unit that is unknown or cannot be converted to ``dimension``.

    Raises:
        ParameterError: as :func:`convert`.
    """
    convert(1.0, unit, dimension)


def split_quantity(text: str | float) -> tuple[float, str]:
    """Split ``"2 nm"`` into 2.0 and ``"nm"``; the unit of a plain number is empty.

    Raises:
        ParameterError: if the text does not begin with a finite number.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ParameterError(f"{text!r} is not a quantity")
    match = _NUMBER.fullmatch(text if isinstance(text, str) else repr(text))
    if match is None:
        raise ParameterError(f"'{text}' is not a number with a unit")
    number = float(match[1])
    if math.isinf(number):
        raise ParameterError(f"'{text}' is too large for a number")
    return number, match[2]


def format_si(value: float, unit: str) -> str:
    """Write a value in SI as readable text that :func:`to_si` turns into the same float.

    Args:
        value: the number in ``unit``.
        unit: its unit, as ``dimension`` in :func:`to_si`.
    """
    if unit == DIMENSIONLESS:
        return repr(value)
    best = f"{_shortest(value)} {unit}"
    for other in _READABLE.get(unit, ()):
        text = f"{convert(value, unit, other):.12g} {other}"
        # never trade exactness for looks: a resolved case must load again to the same case
        if _length(text) < _length(best) and to_si(text, unit) == value:
            best = text
    return best


def _shortest(value: float) -> str:
    text = f"{value:.12g}"
    return text if float(text) == value else repr(value)


def _length(text: str) -> int:
    return len(text.split(" ", 1)[0])


def _name(dimension: str) -> str:
    return "no unit (a pure number)" if dimension == DIMENSIONLESS else dimension


def _advice(dimension: str) -> str:
    example = _EXAMPLES.get(dimension, f"1.0 {dimension}")
    return f'write it in {_name(dimension)} or a multiple, for example "{example}"'
