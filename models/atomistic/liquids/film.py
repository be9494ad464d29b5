"""Rows of a film's table that follow from a run of its electrolyte."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from interphase.models.atomistic.result import Computed
from interphase.parameters.provenance import Range
from interphase.parameters.units import convert

_ELECTROLYTE: Final = "EC:DMC + 1 M LiPF6 at 298.15 K"
_IONS: Final = tuple(f"diffusivity.{ion} in {_ELECTROLYTE}" for ion in ("Li+", "PF6-"))

# The same number under the name of the table: for each row the values it may come from, best first.
_SAME: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("ionic_conductivity", "electrolyte"): (
        f"ionic_conductivity.{_ELECTROLYTE}",
        f"ionic_conductivity.{_ELECTROLYTE}, ions alone",
    ),
    ("transference_number", ""): (f"transference_number.{_ELECTROLYTE}",),
    ("diffusivity", "EC"): (f"diffusivity.EC in {_ELECTROLYTE}",),
    ("molar_volume", "EC"): ("molar_volume.EC at 313.15 K",),
    ("molar_volume", "Li2EDC"): ("molar_volume.amorphous Li2EDC at 298.15 K",),
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A row and what it follows from.

    Attributes:
        value: the row.
        used: keys of the values that it was made of.
    """

    value: Computed
    used: tuple[str, ...]


def film_rows(values: Iterable[Computed]) -> list[Derived]:
    """Return the rows of a film that runs of liquids give.

    Args:
        values: one per key; those that are needed are picked out.
    """
    known = {value.key: value for value in values}
    found = []
    for (name, of), keys in _SAME.items():
        key = next((key for key in keys if key in known), None)
        if key is not None:
            said = f"{known[key].of}: {known[key].note}"
            found.append(Derived(replace(known[key], name=name, of=of, note=said), (key,)))
    if all(key in known for key in _IONS):
        found.append(Derived(_salt(*(known[key] for key in _IONS)), _IONS))
    return found


def _salt(cation: Computed, anion: Computed) -> Computed:
    """Return the diffusivity of the salt, 2 D+ D-/(D+ + D-): its ions move together.

    Source: Newman & Thomas-Alyea, Electrochemical Systems, 3rd ed. (2004), eq. 11.20.
    """
    first, second = cation.value, convert(anion.value, anion.unit, cation.unit)
    total = first + second
    value = 2.0 * first * second / total
    # the derivative with each is twice the square of the other's part
    error = 2.0 * math.hypot(
        _half(cation) * (second / total) ** 2, _half(anion) * (first / total) ** 2
    )
    return replace(
        cation, of="salt", value=value, terms={}, uncertainty=Range(value - error, value + error),
        note=f"{_ELECTROLYTE}, dilute: no thermodynamic factor; {cation.note}",
    )  # fmt: skip


def _half(one: Computed) -> float:
    spread = one.uncertainty
    return (spread.high - spread.low) / 2.0 if isinstance(spread, Range) else 0.0
