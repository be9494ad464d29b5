"""How a parameter is spread: given by a person, or taken from a table's own uncertainty.

Every distribution maps the unit interval onto values (`quantile`), so that any design of a study is
drawn in the unit cube, and has a density, so that it can serve as a prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from interphase.parameters.errors import ParameterError
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import LogNormal, Range, Relative
from interphase.parameters.quantities import QuantityKind, quantity_kind
from interphase.parameters.units import format_si

Array = NDArray[np.float64]


class Distribution(Protocol):
    """Spread of one parameter; values in the parameter's unit."""

    @property
    def logarithmic(self) -> bool:
        """Whether the parameter is best shown and fitted as its logarithm."""

    def quantile(self, part: Array | float) -> Array:
        """Return the values below which ``part`` (0 to 1) of all draws lie."""

    def log_density(self, value: Array | float) -> Array:
        """Return the logarithm of the density, -inf outside the support."""

    def describe(self, unit: str) -> str:
        """Return one phrase for people."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """All values between two bounds are as likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse bounds in the wrong order."""
        if not self.low < self.high:
            raise ParameterError(f"the lower bound {self.low:g} must be less than {self.high:g}")

    @property
    def logarithmic(self) -> bool:
        """No."""
        return False

    def quantile(self, part: Array | float) -> Array:
        """Return the values below which ``part`` of all draws lie."""
        return np.asarray(self.low + (self.high - self.low) * np.asarray(part))

    def log_density(self, value: Array | float) -> Array:
        """Return the logarithm of the density."""
        return _flat(np.asarray(value), self.low, self.high, self.high - self.low)

    def describe(self, unit: str) -> str:
        """Return one phrase."""
        return f"uniform from {format_si(self.low, unit)} to {format_si(self.high, unit)}"


@dataclass(frozen=True, slots=True)
class LogUniform:
    """All values between two positive bounds are as likely in the logarithm."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what has no logarithm."""
        if not 0.0 < self.low < self.high:
            raise ParameterError(
                f"needs two positive bounds in rising order, got {self.low:g} and {self.high:g}"
            )

    @property
    def logarithmic(self) -> bool:
        """Yes."""
        return True

    def quantile(self, part: Array | float) -> Array:
        """Return the values below which ``part`` of all draws lie."""
        return np.asarray(self.low * (self.high / self.low) ** np.asarray(part))

    def log_density(self, value: Array | float) -> Array:
        """Return the logarithm of the density."""
        x = np.asarray(value)
        width = math.log(self.high / self.low)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(_flat(x, self.low, self.high, width) - np.log(x))

    def describe(self, unit: str) -> str:
        """Return one phrase."""
        return f"log-uniform from {format_si(self.low, unit)} to {format_si(self.high, unit)}"


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, cut off where the quantity would have no meaning.

    Attributes:
        mean: before the cut.
        deviation: standard deviation before the cut.
        low: smallest value that has a meaning.
        high: largest.
    """

    mean: float
    deviation: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what is no spread."""
        if not 0.0 < self.deviation < math.inf:
            raise ParameterError(f"the standard deviation must be positive, got {self.deviation:g}")
        if not self.low < self.mean < self.high:
            raise ParameterError(f"the mean {self.mean:g} has no meaning for this quantity")

    @property
    def logarithmic(self) -> bool:
        """No."""
        return False

    def _law(self) -> Any:
        low, high = ((b - self.mean) / self.deviation for b in (self.low, self.high))
        return stats.truncnorm(low, high, loc=self.mean, scale=self.deviation)

    def quantile(self, part: Array | float) -> Array:
        """Return the values below which ``part`` of all draws lie."""
        return np.asarray(self._law().ppf(_inside(part)))

    def log_density(self, value: Array | float) -> Array:
        """Return the logarithm of the density."""
        return np.asarray(self._law().logpdf(value))

    def describe(self, unit: str) -> str:
        """Return one phrase."""
        return f"normal, {format_si(self.mean, unit)} +- {format_si(self.deviation, unit)}"


@dataclass(frozen=True, slots=True)
class LogNormalSpread:
    """Normal in the logarithm: one standard deviation is a factor ``factor`` up or down."""

    median: float
    factor: float

    def __post_init__(self) -> None:
        """Refuse what has no logarithm or no spread."""
        if not (self.median > 0.0 and 1.0 < self.factor < math.inf):
            raise ParameterError(
                "needs a positive median and a factor more than 1, got "
                f"{self.median:g} and {self.factor:g}"
            )

    @property
    def logarithmic(self) -> bool:
        """Yes."""
        return True

    def quantile(self, part: Array | float) -> Array:
        """Return the values below which ``part`` of all draws lie."""
        return np.asarray(self.median * self.factor ** stats.norm.ppf(_inside(part)))

    def log_density(self, value: Array | float) -> Array:
        """Return the logarithm of the density."""
        law = stats.lognorm(math.log(self.factor), scale=self.median)
        return np.asarray(law.logpdf(value))

    def describe(self, unit: str) -> str:
        """Return one phrase."""
        return f"log-normal, {format_si(self.median, unit)} times or over {self.factor:g}"


def _inside(part: Array | float) -> Array:
    """Keep designs that use the ends of the unit interval (Morris) off infinity: 3.1 sigma."""
    return np.clip(np.asarray(part, dtype=float), 1e-3, 1.0 - 1e-3)


def _flat(value: Array, low: float, high: float, width: float) -> Array:
    inside = (value >= low) & (value <= high)
    return np.where(inside, -math.log(width), -np.inf)


def bounded_normal(mean: float, deviation: float, kind: QuantityKind | None) -> Normal:
    """Return a normal distribution cut to the values that a quantity may have.

    Args:
        mean: [unit of the quantity].
        deviation: standard deviation [the same].
        kind: the quantity, None where it is not one of a table.

    Raises:
        ParameterError: the deviation is not positive, or the mean is out of range.
    """
    low, high = (-math.inf, math.inf) if kind is None else (kind.low, kind.high)
    return Normal(mean, deviation, low, high)


def table_distribution(row: Parameter, *, logarithmic: bool = False) -> Distribution:
    """Return the spread that a table states for one of its rows, in SI.

    Args:
        row: the row.
        logarithmic: read a range as even in the logarithm; the table itself says even.

    Raises:
        ParameterError: the table states no spread, or no value.
    """
    spread = row.uncertainty
    if row.value is None:
        raise ParameterError(f"the table has no value ({row.note}); give a distribution")
    if isinstance(spread, Range):
        return (LogUniform if logarithmic else Uniform)(spread.low, spread.high)
    if isinstance(spread, LogNormal):
        return LogNormalSpread(spread.median, spread.factor)
    if isinstance(spread, Relative):
        deviation = abs(row.value) * spread.fraction
        return bounded_normal(row.value, deviation, quantity_kind(row.name))
    raise ParameterError(
        f"the table states no uncertainty ({spread.reason}); give a distribution, for example "
        "{log_normal: [median, factor]} or {uniform: [low, high]}"
    )
