"""Several methods for one value: their spread, and what they are worth on what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from interphase.models.atomistic.result import Computed
from interphase.parameters.audit import deviation
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import Range
from interphase.parameters.quantities import quantity_kind
from interphase.parameters.units import convert

# A value is known if its own standard deviation is below this part of it.
_WELL_KNOWN: Final = 0.1

_KNOWN_FROM: Final = ("measured", "recalled", "derived")

STAND_IN: Final[Mapping[str, str]] = {
    "migration_barrier": "bulk_modulus",
    "elastic_constant": "bulk_modulus",
    "shear_modulus": "bulk_modulus",
    "youngs_modulus": "bulk_modulus",
}
"""Quantities that are hardly known of any crystal, and the one that measures how stiff the same
energy surface is: learned potentials are soft in all of them alike."""


@dataclass(frozen=True)
class Calibration:
    """Errors of the methods' mean on what is known, by quantity.

    Relative ones for quantities that are positive by nature, in SI for the others, whose zero
    means nothing.

    Attributes:
        errors: of each quantity, the error by what it belongs to.
    """

    errors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[Computed], known: Iterable[Parameter]) -> Calibration:
        """Compare means over methods with rows of a table that are well known.

        Args:
            values: of any quantities, several for a key are averaged.
            known: rows; those without a value or with a wide spread are left out, and of
                several for one key the last holds.
        """
        rows = {row.key: row for row in known if _well_known(row)}
        errors: dict[str, dict[str, float]] = {}
        for key, group in _groups(values).items():
            if key not in rows:
                continue
            right = rows[key].value or 0.0
            mean = float(np.mean([value.parameter().value for value in group]))
            scale = right if _is_relative(group[0].name) else 1.0
            errors.setdefault(group[0].name, {})[group[0].of] = (mean - right) / scale
        return cls(errors)

    def error(self, name: str, of: str) -> float | None:
        """Return the root mean square error to expect of a quantity, None if none is known.

        Of the other crystals where there are any: the error on a value that is known already
        says what is wrong with it, but would be used to judge itself.
        """
        found = self.errors.get(name) or self.errors.get(STAND_IN.get(name, ""), {})
        others = [error for what, error in found.items() if what != of] or list(found.values())
        return float(np.sqrt(np.mean(np.square(others)))) if others else None


def combined(values: Sequence[Computed], calibration: float | None = None) -> Computed:
    """Return the mean over methods with two standard deviations as its range.

    The deviation is the scatter of the methods and the calibration error added as squares: the
    scatter alone misses what all methods share, such as the softness of learned potentials.

    Args:
        values: one quantity of one material by several methods.
        calibration: error to expect, of :meth:`Calibration.error`.

    Raises:
        AtomisticError: if there are fewer than two, or they are not of one quantity.
    """
    if len({value.key for value in values}) != 1 or len(values) < 2:
        raise AtomisticError("an ensemble needs two values of one quantity at least")
    first = values[0]
    numbers = np.array([convert(value.value, value.unit, first.unit) for value in values])
    mean = float(numbers.mean())
    error = calibration or 0.0
    kind = quantity_kind(first.name)
    scale = mean if _is_relative(first.name) else convert(1.0, kind.unit, first.unit)
    spread = 2.0 * float(np.hypot(numbers.std(ddof=1), error * scale))
    said = "scatter of the methods"
    said += " alone: nothing to calibrate on" if calibration is None else " and calibration error"
    return Computed(
        first.name,
        first.of,
        mean,
        first.unit,
        Range(mean - spread, mean + spread),
        _means([value.method for value in values]),
        settings={"values": [float(number) for number in numbers], "calibration": calibration},
        versions={name: text for value in values for name, text in value.versions.items()},
        note=f"range: two standard deviations, {said}",
        seconds=sum(value.seconds for value in values),
    )


def united(values: Sequence[Computed], calibration: Calibration) -> list[Computed]:
    """Return one value per key: several become their mean, a single one stays as it is."""
    return [
        group[0]
        if len(group) == 1
        else combined(group, calibration.error(group[0].name, group[0].of))
        for group in _groups(values).values()
    ]


def _means(methods: Sequence[str]) -> str:
    """Return one phrase for the mean of methods, which are written ``potential, how``."""
    heads, _, tails = zip(*(method.partition(", ") for method in methods), strict=True)
    if len(set(tails)) == 1 and tails[0]:
        return f"mean of {', '.join(heads)}: {tails[0]}"
    return "mean of " + "; ".join(methods)


def _groups(values: Iterable[Computed]) -> dict[str, list[Computed]]:
    groups: dict[str, list[Computed]] = {}
    for value in values:
        groups.setdefault(value.key, []).append(value)
    return groups


def _is_relative(name: str) -> bool:
    """Whether the quantity has a zero of its own."""
    return quantity_kind(name).low >= 0.0


def _well_known(row: Parameter) -> bool:
    spread = deviation(row)
    if row.value is None or spread is None or row.source.kind not in _KNOWN_FROM:
        return False
    return not _is_relative(row.name) or spread < _WELL_KNOWN * row.value
