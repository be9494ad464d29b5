"""Quantities as text: what is read, what is refused, and that writing is exact."""

import pytest

from interphase.parameters.errors import ParameterError
from interphase.parameters.units import check_unit, convert, format_si, to_si


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("2 nm", "m", 2e-9),
        ("0.125nm", "m", 0.125e-9),
        (" 1.5e1 µm ", "m", 1.5e-5),
        ("5 min", "s", 300.0),
        ("6 h", "s", 21600.0),
        ("1 day", "s", 86400.0),
        ("1 year", "s", 365.25 * 86400.0),
        ("0.8 V vs Li/Li+", "V", 0.8),
        ("100 mV", "V", 0.1),
        ("3.6 V/h", "V/s", 1e-3),
        ("-0.5 A/m^2", "A/m^2", -0.5),
        ("1 mA/cm2", "A/m^2", 10.0),
        ("25 degC", "K", 298.15),
        ("35 cm3/mol", "m^3/mol", 3.5e-5),
        ("2.4e-13 mol/(m s)", "mol/m/s", 2.4e-13),
        ("1e-9 mol m-2 s-1", "mol/m^2/s", 1e-9),
        ("2 ohm.m2", "ohm*m^2", 2.0),
        ("1 mol/l", "mol/m^3", 1000.0),
        ("1.5 eV", "J", 1.5 * 1.602176634e-19),
        ("7 1/nm", "1/m", 7e9),
        ("0.5", "-", 0.5),
        (0.5, "-", 0.5),
        ("5 %", "-", 0.05),
    ],
)
def test_quantity_is_read(text: str | float, dimension: str, value: float) -> None:
    """Number and unit become the SI float, to the last digit (conversion is decimal)."""
    assert to_si(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "words"),
    [
        ("2", "m", "has no unit"),
        (2, "m", "has no unit"),
        (2.0, "m", "has no unit"),
        ("2 -", "m", "has no unit"),
        ("2 nmm", "m", "unknown unit 'nmm'"),
        ("298 m", "K", "wrong dimension"),
        ("2 nm", "-", "wrong dimension"),
        ("nan m", "m", "not a number"),
        ("inf m", "m", "not a number"),
        ("1e999 m", "m", "too large"),
        ("nm", "m", "not a number"),
        ("", "m", "not a number"),
        ("1 nm 2", "m", "unknown unit"),
        ("1 m)(", "m", "unknown unit"),
        (True, "m", "not a quantity"),
        (None, "m", "not a quantity"),
    ],
)
def test_bad_quantity_is_refused(text: object, dimension: str, words: str) -> None:
    """The message says what is wrong and gives an example that is itself right."""
    with pytest.raises(ParameterError, match=words) as caught:
        to_si(text, dimension)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    example = message.rsplit('for example "', 1)[1].rstrip('"')
    assert to_si(example, dimension) is not None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2e-9, "m", "2 nm"),
        (1.25e-10, "m", "0.125 nm"),
        (21600.0, "s", "6 h"),
        (1e-3, "s", "1 ms"),
        (0.0, "A/m^2", "0 A/m^2"),
        (298.15, "K", "298.15 K"),
        (0.5, "-", "0.5"),
    ],
)
def test_text_is_readable(value: float, unit: str, text: str) -> None:
    """People get the units they would write."""
    assert format_si(value, unit) == text


@pytest.mark.parametrize("unit", ["m", "s", "V", "V/s", "K", "A/m^2", "J", "m^3/mol", "1/m", "-"])
@pytest.mark.parametrize(
    "value", [1.0 / 3.0, 0.1 + 0.2, 1e-9 / 7.0, 1.9 / 3600.0, 31557600.0 / 3.0]
)
def test_text_reads_back_exactly(value: float, unit: str) -> None:
    """No digit is lost on the way to the resolved case and back."""
    assert to_si(format_si(value, unit), unit) == value


def test_unit_alone_is_checked() -> None:
    """A unit is refused without a value to go with it."""
    check_unit("kJ/mol", "J/mol")
    with pytest.raises(ParameterError, match="wrong dimension"):
        check_unit("kJ/mol", "J/m^2")
    assert convert(1.0, "kJ/mol", "J/mol") == 1000.0
