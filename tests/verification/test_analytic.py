"""The closed forms themselves: against quadrature, against each other, in their limits."""

from __future__ import annotations

import numpy as np
import pytest

from interphase.models import analytic
from interphase.models.analytic import GrowthCurrent, integrate_growth
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import ParameterError

L0, P, A = 2e-9, 3e-20, 1.5e-9


def test_mixed_growth_and_its_time_invert_each_other() -> None:
    """Time to a thickness, thickness at that time."""
    time = analytic.mixed_time(9e-9, L0, P, A)
    assert float(analytic.mixed_thickness(time, L0, P, A)) == pytest.approx(9e-9, rel=1e-12)


def test_closed_forms_solve_their_equations() -> None:
    """dL/dt of each closed form against its law, by integration."""
    times = np.linspace(0.0, 1.0e3, 5)
    law = GrowthCurrent(0.1)
    volume = 4.8e-5
    current = law.tunnelling_limited(1e-4, 2e9)
    driving = volume / FARADAY * current(0.0)
    numeric = integrate_growth(current, times, L0, volume)
    assert numeric == pytest.approx(
        analytic.tunnelling_thickness(times, L0, driving, 2e9), rel=1e-8
    )
    current = law.interstitial_limited(1e-13)
    permeation = volume / FARADAY * current(1.0)
    numeric = integrate_growth(current, times, L0, volume)
    assert numeric == pytest.approx(analytic.mixed_thickness(times, L0, permeation), rel=1e-8)


def test_series_laws_have_their_limits() -> None:
    """A thin film leaves the reaction in control, a thick one diffusion."""
    law = GrowthCurrent(0.1)
    both = law.ec_reaction_limited(4541.0, 1e-12, 0.4, 2e-18)
    free = law.ec_reaction_limited(4541.0, 1e-12, 0.4, 1.0)
    assert both(1e-15) == pytest.approx(free(1e-15), rel=1e-3)
    assert both(1.0) == pytest.approx(FARADAY * 4541.0 * 2e-18, rel=1e-3)
    series = law.von_kolzenberg(1e-4, 1e-15, 2e-9)
    assert series(1e-9) == series(2e-9)
    assert series(1.0) == pytest.approx(law.interstitial_limited(1e-15)(1.0), rel=1e-3)


def test_migration_factor_is_smooth_at_zero_and_linear_near_it() -> None:
    """1 + u/2 + u^2/12 for small u; no field, no change."""
    assert analytic.migration_factor(0.0, 298.15) == 1.0
    u = -FARADAY * 1e-4 / (8.31446261815324 * 298.15)
    assert analytic.migration_factor(1e-4, 298.15) == pytest.approx(
        1.0 + u / 2.0 + u**2 / 12.0, rel=1e-9
    )


def test_overgrowth_area_by_brute_force() -> None:
    """Huygens' construction against first arrival on a fine grid, 0.3 % of cells on the edge."""
    width, middle, fast, slow = 16.0, 8.0, 6.0, 3.0
    x, y = np.meshgrid(np.linspace(0, width, 1601), np.linspace(0, 7, 701), indexing="ij")
    over = np.maximum(x - middle, 0.0)
    line = y >= over * slow / np.sqrt(fast**2 - slow**2)
    arrival = np.where(line, np.hypot(over, y) / fast, y / slow)
    area = float((arrival <= 1.0).sum()) * 0.01 * 0.01
    assert analytic.overgrowth_area(width, middle, fast, slow) == pytest.approx(area, rel=5e-3)
    with pytest.raises(ParameterError, match="leaves the domain"):
        analytic.overgrowth_area(10.0, 8.0, 6.0, 3.0)


def test_small_relations() -> None:
    """Numbers that can be done by hand."""
    assert np.degrees(analytic.young_angle(1.0, 1.0)) == pytest.approx(120.0)
    assert analytic.tafel_slope(0.5, 298.15) == pytest.approx(0.11832, rel=1e-4)
    assert analytic.nernst_potential(2.8, 2.0, 0.0, 298.15) == 2.8
    assert analytic.porosity_after(95.85e-6, 2 * 35e-6) == pytest.approx(0.2697, rel=1e-3)
    assert analytic.series_resistance(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == 1.0
    assert analytic.parallel_resistance(2.0, np.array([0.5, 0.5]), np.array([1.0, 3.0])) == 1.0
    assert float(analytic.circle_radius(1.0, 2.0, 1.0, dim=3)) == 0.0
