"""What computed values are worth: the spread of methods, and their errors on what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from interphase.models.atomistic.result import Computed
from interphase.parameters.audit import deviation
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import LogNormal, Range, Relative, Uncertainty
from interphase.parameters.quantities import quantity_kind
from interphase.parameters.units import convert

# A value is known if its own standard deviation is below this part of it.
_WELL_KNOWN: Final = 0.1

_KNOWN_FROM: Final = ("measured", "recalled", "derived")

# Setting of every calculation of a crystal.
_POTENTIAL: Final = "potential"
_JUDGED: Final = "the method's error on what is known is added"
# Smallest factor of a spread.
_EXACT: Final = 1.0001

STAND_IN: Final[Mapping[str, str]] = {
    "migration_barrier": "bulk_modulus",
    "elastic_constant": "bulk_modulus",
    "shear_modulus": "bulk_modulus",
    "youngs_modulus": "bulk_modulus",
    "molar_volume": "density",
    "ionic_conductivity": "diffusivity",
    "transference_number": "diffusivity",
    "reduction_potential": "equilibrium_potential",
}
"""Quantities of which little is known, and the one that tells the error of the same model.

Barriers and elastic constants of crystals: the bulk modulus measures how stiff the energy surface
is, and learned potentials are soft in all of them alike. What ions of a liquid carry errs as its
molecules' diffusion does, one cycle of free energies as another."""


@dataclass(frozen=True)
class Calibration:
    """Errors on what is known, by what computed it and by quantity.

    Logarithms of the ratio for quantities that are positive by nature, in SI for the others, whose
    zero means nothing.

    Attributes:
        errors: of each family of methods and quantity, the error by what it belongs to.
    """

    errors: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, sets: Iterable[Iterable[Computed]], known: Iterable[Parameter]) -> Calibration:
        """Compare values with rows of a table that are well known.

        Args:
            sets: values of any quantities, those of one file together: several for a key are
                judged by their mean, and each by itself as well.
            known: rows; those without a value or with a wide spread are left out, and of
                several for one key the last holds.
        """
        rows = {row.key: row for row in known if _well_known(row)}
        errors: dict[str, dict[str, dict[str, float]]] = {}
        for values in sets:
            for key, group in _groups(values).items():
                if key not in rows:
                    continue
                right = rows[key].value or 0.0
                for some in (*([value] for value in group), group):
                    mean = float(np.mean([value.parameter().value for value in some]))
                    relative = _is_relative(group[0].name)
                    error = float(np.log(mean / right)) if relative else mean - right
                    of_family = errors.setdefault(_family(some), {})
                    of_family.setdefault(group[0].name, {})[group[0].of] = error
        return cls(errors)

    def error(self, values: Sequence[Computed]) -> float | None:
        """Return the root mean square error to expect of a quantity, None if none is known.

        Of the other crystals or liquids where there are any: the error on a value that is known
        already says what is wrong with it, but would be used to judge itself.

        Args:
            values: one quantity of one material, by one method or several.
        """
        name, of = values[0].name, values[0].of
        known = self.errors.get(_family(values), {})
        found = [
            (what, error)
            for quantity in (name, STAND_IN.get(name, ""))
            for what, error in known.get(quantity, {}).items()
        ]
        others = [error for what, error in found if what != of] or [error for _, error in found]
        return float(np.sqrt(np.mean(np.square(others)))) if others else None


def judged(value: Computed, error: float | None) -> Computed:
    """Return a value of one method with the error of its model in its uncertainty.

    Both errors are added as squares: that which the value has, such as that of its statistics, and
    that of the model. The result is one standard deviation, as a factor or a part, where a quantity
    is positive by nature, two to either side otherwise.

    Args:
        value: what one method computed; a range is two deviations to either side.
        error: error to expect, of :meth:`Calibration.error`; None leaves the value as it is.
    """
    if error is None:
        return value
    note = "; ".join(part for part in (value.note, _JUDGED) if part)
    kind = quantity_kind(value.name)
    if kind.low >= 0.0:
        factor = max(float(np.exp(np.hypot(_part(value), error))), _EXACT)
        # where there is an upper end, draws have to be cut to it
        cut = kind.high < np.inf
        spread: Uncertainty = Relative(factor - 1.0) if cut else LogNormal(value.value, factor)
        return replace(value, uncertainty=spread, note=note)
    scale = abs(value.value) if _is_relative(value.name) else convert(1.0, kind.unit, value.unit)
    half = 2.0 * float(np.hypot(_deviation(value), error * scale))
    return replace(value, uncertainty=Range(value.value - half, value.value + half), note=note)


def combined(values: Sequence[Computed], calibration: float | None = None) -> Computed:
    """Return the mean over methods with two standard deviations as its range.

    The deviation is the scatter of the methods and the calibration error added as squares: the
    scatter alone misses what all methods share, such as the softness of learned potentials.

    Args:
        values: one quantity of one material by several methods.
        calibration: error to expect, of :meth:`Calibration.error`, small if a logarithm.

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
    scale = abs(mean) if _is_relative(first.name) else convert(1.0, kind.unit, first.unit)
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


def united(values: Iterable[Computed], calibration: Calibration) -> list[Computed]:
    """Return one value per key: several become their mean, a single one is judged by itself."""
    return [
        judged(group[0], calibration.error(group))
        if len(group) == 1
        else combined(group, calibration.error(group))
        for group in _groups(values).values()
    ]


def _family(values: Sequence[Computed]) -> str:
    """Return what has errors of its own: a method, or the mean over potentials of crystals."""
    names = sorted({str(value.settings.get(_POTENTIAL, value.method)) for value in values})
    if len(names) > 1 and all(_POTENTIAL in value.settings for value in values):
        return "potentials"
    return "; ".join(names)


def _part(value: Computed) -> float:
    """Return one standard deviation of the logarithm, 0 where none is given."""
    spread = value.uncertainty
    return (
        float(np.log(spread.factor))
        if isinstance(spread, LogNormal)
        else _deviation(value) / value.value
    )


def _deviation(value: Computed) -> float:
    """Return one standard deviation in the value's unit, 0 where none is given."""
    spread = value.uncertainty
    if isinstance(spread, Range):
        return (spread.high - spread.low) / 4.0
    return convert(deviation(value.parameter()) or 0.0, quantity_kind(value.name).unit, value.unit)


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
    """Whether errors are parts of the value: the quantity, or what stands in for it, has a zero."""
    return any(quantity_kind(one).low >= 0.0 for one in (name, STAND_IN.get(name, name)))


def _well_known(row: Parameter) -> bool:
    spread = deviation(row)
    if row.value is None or spread is None or row.source.kind not in _KNOWN_FROM:
        return False
    return not _is_relative(row.name) or spread < _WELL_KNOWN * row.value
