"""Growth regimes read off synthetic curves with known laws."""

import numpy as np
import pytest

from interphase.scripts.reporting.regimes import (
    Law,
    growth_curve,
    match_regimes,
    sliding_slope,
)

TIME = np.geomspace(1.0e-2, 1.0e5, 300)


@pytest.mark.parametrize(
    ("exponent", "law"), [(1.0, Law.LINEAR), (0.5, Law.DIFFUSION)], ids=["linear", "root"]
)
def test_a_power_law_gives_its_exponent_and_coefficient(exponent: float, law: Law) -> None:
    """L = A t^n has local exponent n at every time and matches one law throughout."""
    curve = growth_curve(TIME, 2.0e-10 * TIME**exponent, floor=0.0)
    assert curve.exponent == pytest.approx(np.full(curve.time.size, exponent), abs=1e-9)
    (regime,) = match_regimes(curve)
    assert regime.law is law
    assert regime.exponent == pytest.approx(exponent, abs=1e-9)
    assert regime.scale == pytest.approx(2.0e-10, rel=1e-9)
    assert regime.decades == pytest.approx(7.0)
    assert regime.thickness(TIME) == pytest.approx(2.0e-10 * TIME**exponent)


def test_tunnelling_growth_gives_the_logarithmic_slope() -> None:
    """L = ln(1 + t/tau)/beta has dL/d ln t = 1/beta once t is far beyond tau."""
    beta, tau = 7.0e9, 1.0e-3
    curve = growth_curve(TIME, np.log1p(TIME / tau) / beta)
    (regime,) = match_regimes(curve)
    assert regime.law is Law.LOGARITHMIC
    # the curve starts at 10 tau, where the slope is still 9 % low
    assert regime.scale == pytest.approx(1.0 / beta, rel=0.01)
    late = curve.time > 1.0
    assert curve.log_slope[late] == pytest.approx(np.full(late.sum(), 1.0 / beta), rel=2e-3)


def test_three_regimes_are_found_in_order() -> None:
    """Reaction, then tunnelling, then diffusion, each in its own stretch."""
    early = 1.0e-9 * np.minimum(TIME, 1.0)
    middle = 2.0e-10 * np.log(np.clip(TIME, 1.0, 1.0e2))
    late = 2.0e-9 * (np.sqrt(np.maximum(TIME / 1.0e2, 1.0)) - 1.0)
    found = match_regimes(growth_curve(TIME, early + middle + late, floor=0.0))
    assert [regime.law for regime in found] == [Law.LINEAR, Law.LOGARITHMIC, Law.DIFFUSION]
    assert found[0].end <= 1.3
    assert found[1].start >= 1.0 and found[1].end <= 2.0e2
    assert found[2].start >= 1.0e2


def test_neither_a_crossing_nor_a_film_at_rest_is_a_regime() -> None:
    """A crossover passes through 1/2 quickly, and a film that has stopped follows no law."""
    saturated = growth_curve(TIME, 1.0e-9 * (1.0 - np.exp(-TIME)), floor=0.0)
    laws = [regime.law for regime in match_regimes(saturated)]
    assert laws == [Law.LINEAR]
    assert saturated.exponent[-1] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("thickness", "exponent"),
    [(np.sqrt(1.0e-16 + 1.0e-20 * TIME), 0.5), (1.0e-13 * (TIME + 3.0e4), 1.0)],
    ids=["root", "linear"],
)
def test_the_free_exponent_sees_through_a_film_that_was_there(
    thickness: np.ndarray, exponent: float
) -> None:
    """Growth on a film of 10 or 3 nm keeps its law in speed against thickness, not in time."""
    curve = growth_curve(TIME, thickness, floor=0.0)
    late = slice(-60, -20)
    assert curve.free_exponent[late] == pytest.approx(np.full(40, exponent), abs=0.03)
    assert np.all(curve.exponent[late] < 0.9 * exponent)


def test_steps_of_any_spacing_and_times_given_twice_do_not_matter() -> None:
    """Uneven steps, a first row at t = 0 and repeated times give the same exponent."""
    random = np.random.default_rng(1)
    time = np.sort(np.concatenate(([0.0, 5.0, 5.0], random.uniform(0.1, 1.0e3, 400))))
    curve = growth_curve(time, 1.0e-10 * np.sqrt(time))
    assert curve.exponent == pytest.approx(np.full(curve.time.size, 0.5), abs=1e-6)


def test_jumps_of_nuclei_are_smoothed() -> None:
    """Jumps of 5 % on a root curve move the exponent by less than the tolerance of a match."""
    level = 1.0e-10 * np.sqrt(TIME) * (1.0 + 0.05 * (np.arange(TIME.size) % 40 < 20))
    curve = growth_curve(TIME, level, floor=0.0)
    inner = slice(20, -20)
    assert np.median(curve.exponent[inner]) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("time", [[], [0.0], [0.0, 1.0, 2.0]])
def test_without_a_film_there_is_nothing_to_match(time: list[float]) -> None:
    """Too few points or no film: an empty curve and no regimes."""
    stamps = np.array(time)
    curve = growth_curve(stamps, np.zeros_like(stamps))
    assert curve.time.size == 0
    assert match_regimes(curve) == []


def test_sliding_slope_of_a_line_is_exact_at_its_ends_too() -> None:
    """Least squares on a line give its slope wherever the window is cut."""
    x = np.linspace(0.0, 3.0, 31)
    assert sliding_slope(x, 4.0 - 2.0 * x, 5) == pytest.approx(np.full(31, -2.0))
