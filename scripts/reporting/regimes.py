"""Growth regimes read off a thickness curve: local exponents and the laws that match them.

A film whose growth is limited by reaction (or by a constant leak) thickens in proportion to t, by
diffusion through itself as the square root of t, by electron tunnelling as the logarithm of t at a
held potential, and in proportion to t under a ramp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

POINTS_PER_DECADE = 40
"""Resolution of the evenly spaced logarithmic time axis."""


class Law(Enum):
    """A growth law; the value is how it is written."""

    LINEAR = "t"
    DIFFUSION = "t^1/2"
    LOGARITHMIC = "ln t"


_POWER = {Law.LINEAR: 1.0, Law.DIFFUSION: 0.5}


@dataclass(frozen=True, slots=True)
class GrowthCurve:
    """Thickness on a logarithmic time axis with its local slopes, all arrays of one length.

    Attributes:
        time: evenly spaced in ln t [s].
        thickness: L [m].
        exponent: d ln L / d ln t [-].
        log_slope: dL / d ln t [m].
        free_exponent: 1 / (1 - d ln v / d ln L) of the speed v = dL/dt [-]: the exponent n of
            L = A (t - t0)^n whatever t0, so 1/2 also for L^2 = L0^2 + 2 K t; not a number where
            growth has stopped or speeds up faster than in proportion to L.
    """

    time: Array
    thickness: Array
    exponent: Array
    log_slope: Array
    free_exponent: Array


@dataclass(frozen=True, slots=True)
class Regime:
    """A stretch of time in which one law holds.

    Attributes:
        law: which.
        start: first time [s].
        end: last time [s].
        exponent: mean local exponent d ln L / d ln t [-].
        scale: A of L = A t^n [m/s^n], or b of L = a + b ln(t / 1 s) [m].
        offset: a of the logarithmic law [m]; 0 for the others.
    """

    law: Law
    start: float
    end: float
    exponent: float
    scale: float
    offset: float = 0.0

    @property
    def decades(self) -> float:
        """Length of the stretch in decades of time."""
        return float(np.log10(self.end / self.start))

    def thickness(self, time: Array) -> Array:
        """Return the matched law at ``time`` [s], in m."""
        if self.law is Law.LOGARITHMIC:
            return np.asarray(self.offset + self.scale * np.log(time))
        return np.asarray(self.scale * time ** _POWER[self.law])


def growth_curve(
    time: Array, thickness: Array, *, floor: float = 1.0e-3, window: float = 0.3
) -> GrowthCurve:
    """Return local slopes of a thickness curve.

    Steps of a run are uneven and nuclei make jumps, so the curve is first drawn on an even
    logarithmic axis and the slopes are least squares over a sliding window.

    Args:
        time: since the start [s], ascending; what is not positive is left out.
        thickness: [m], the same length.
        floor: thinner than this fraction of the final thickness is left out [-].
        window: width of the sliding window [decades of time].

    Returns:
        The curve; empty where fewer than three usable points exist.
    """
    use = (time > 0.0) & np.isfinite(thickness) & (thickness > 0.0)
    if np.any(use):
        use &= thickness >= floor * thickness[use][-1]
    stamps, first = np.unique(time[use], return_index=True)
    if stamps.size < 3:
        return GrowthCurve(*(np.empty(0) for _ in range(5)))
    log_time = np.log(stamps)
    decades = (log_time[-1] - log_time[0]) / np.log(10.0)
    count = max(int(np.ceil(decades * POINTS_PER_DECADE)) + 1, 3)
    axis = np.linspace(log_time[0], log_time[-1], count)
    log_thickness = np.interp(axis, log_time, np.log(thickness[use][first]))
    level = np.exp(log_thickness)
    half = max(1, round(0.5 * window * POINTS_PER_DECADE))
    exponent = sliding_slope(axis, log_thickness, half)
    log_slope = sliding_slope(axis, level, half)
    free = _free_exponent(axis, exponent, log_slope, half)
    return GrowthCurve(np.exp(axis), level, exponent, log_slope, free)


def _free_exponent(axis: Array, exponent: Array, log_slope: Array, half: int) -> Array:
    """Return the exponent that does not depend on the origin of time, see `GrowthCurve`."""
    growing = (log_slope > 0.0) & (exponent > 0.02)
    log_speed = np.log(np.where(growing, log_slope, 1.0)) - axis
    relation = sliding_slope(axis, log_speed, half) / np.where(growing, exponent, 1.0)
    sound = growing & (relation < 0.6)
    # a slope of slopes is crooked where both windows are cut
    sound[:half] = sound[-half:] = False
    return np.where(sound, 1.0 / (1.0 - np.where(sound, relation, 0.0)), np.nan)


def sliding_slope(x: Array, y: Array, half: int) -> Array:
    """Return the least-squares slope dy/dx over ``half`` points on either side, shorter at ends.

    Args:
        x: abscissa, ascending, (n,).
        y: ordinate, (n,).
        half: points on either side, at least 1.
    """
    slopes = np.empty_like(y)
    for index in range(y.size):
        part = slice(max(0, index - half), index + half + 1)
        distance = x[part] - x[part].mean()
        slopes[index] = distance @ (y[part] - y[part].mean()) / (distance @ distance)
    return slopes


def match_regimes(
    curve: GrowthCurve,
    *,
    laws: Sequence[Law] = tuple(Law),
    tolerance: float = 0.1,
    least_decades: float = 0.4,
) -> list[Regime]:
    """Return the stretches of a curve in which a law holds, in order of time.

    A power law holds where the local exponent is within ``tolerance`` of it; the logarithmic law
    where dL/d ln t itself changes by less than a power ``tolerance`` of time while the film still
    grows. Stretches shorter than ``least_decades`` are crossings, not regimes.

    Args:
        curve: from :func:`growth_curve`.
        laws: which laws to look for.
        tolerance: allowed deviation of the exponent [-].
        least_decades: shortest stretch [decades of time].
    """
    if curve.time.size < 3:
        return []
    found = []
    for law in laws:
        for part in _stretches(_holds(curve, law, tolerance)):
            regime = _fit(curve, part, law)
            if regime.decades >= least_decades:
                found.append(regime)
    return sorted(found, key=lambda regime: regime.start)


def _holds(curve: GrowthCurve, law: Law, tolerance: float) -> npt.NDArray[np.bool_]:
    """Mark the points at which a law holds."""
    if law is not Law.LOGARITHMIC:
        return np.asarray(np.abs(curve.exponent - _POWER[law]) <= tolerance)
    # a film that has stopped growing obeys no law, and above 0.4 it is nearer to a power
    growing = (curve.exponent > 0.02) & (curve.exponent < 0.4) & (curve.log_slope > 0.0)
    half = max(1, round(0.15 * POINTS_PER_DECADE))
    logs = np.log(np.where(growing, curve.log_slope, 1.0))
    drift = sliding_slope(np.log(curve.time), logs, half)
    return np.asarray(growing & (np.abs(drift) <= tolerance))


def _stretches(mask: npt.NDArray[np.bool_]) -> list[slice]:
    """Return the runs of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(int)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _fit(curve: GrowthCurve, part: slice, law: Law) -> Regime:
    """Fit the coefficients of a law to a stretch of the curve."""
    time, level = curve.time[part], curve.thickness[part]
    exponent = float(np.mean(curve.exponent[part]))
    start, end = float(time[0]), float(time[-1])
    if law is Law.LOGARITHMIC:
        if time.size < 2:
            return Regime(law, start, end, exponent, 0.0, float(level[0]))
        slope, offset = np.polyfit(np.log(time), level, 1)
        return Regime(law, start, end, exponent, float(slope), float(offset))
    scale = float(np.exp(np.mean(np.log(level) - _POWER[law] * np.log(time))))
    return Regime(law, start, end, exponent, scale)
