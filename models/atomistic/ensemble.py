"""Several methods for one value: their spread, and what they are worth on what is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range
from interphase.parameters.units import convert


def relative_error(computed: Sequence[Computed], known: Sequence[float]) -> float:
    """Return the root mean square of the relative errors of values that are known.

    Args:
        computed: values of any quantities that the same kind of error is expected of.
        known: what they should be, in the unit of each.

    Raises:
        AtomisticError: if nothing is known.
    """
    if not computed:
        raise AtomisticError("a calibration needs a value that is known")
    errors = [value.value / right - 1.0 for value, right in zip(computed, known, strict=True)]
    return float(np.sqrt(np.mean(np.square(errors))))


def combined(values: Sequence[Computed], calibration: float = 0.0) -> Computed:
    """Return the mean over methods with two standard deviations as its range.

    The deviation is the scatter of the methods and the calibration error added as squares: the
    scatter alone misses what all methods share, such as the softness of learned potentials.

    Args:
        values: one quantity of one material by several methods.
        calibration: relative error on crystals that are known, of :func:`relative_error` [-].

    Raises:
        AtomisticError: if there are fewer than two, or they are not of one quantity.
    """
    if len({value.key for value in values}) != 1 or len(values) < 2:
        raise AtomisticError("an ensemble needs two values of one quantity at least")
    first = values[0]
    numbers = np.array([convert(value.value, value.unit, first.unit) for value in values])
    mean = float(numbers.mean())
    deviation = float(np.hypot(numbers.std(ddof=1), calibration * mean))
    return Computed(
        first.name,
        first.of,
        mean,
        first.unit,
        Range(mean - 2.0 * deviation, mean + 2.0 * deviation),
        "mean of " + "; ".join(value.method for value in values),
        settings={"values": [float(number) for number in numbers], "calibration": calibration},
        versions={name: text for value in values for name, text in value.versions.items()},
        note="range: two standard deviations, scatter of the methods and calibration error",
        seconds=sum(value.seconds for value in values),
    )
