"""Affinities of electrons from the electrode and of localised ones, each with its own reverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interphase.models.reactions import ReactionSet, Surroundings
from interphase.models.sei import build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.table import load_table

PER_VOLT = FARADAY / (GAS_CONSTANT * 298.15)
REST = 0.13


@pytest.fixture(scope="module")
def r1() -> ReactionSet:
    """R1 alone, at rest at 0.13 V."""
    case = ModelCase(
        phases=("electrode", "Li2EDC", "electrolyte"), reactions=("R1",),
        electron_channels=("interstitial",), transport=(),
    )  # fmt: skip
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    return replace(model.reactions, equilibrium_potential=np.array([REST]))


def _at(potential: float, carrier: float) -> Surroundings:
    one = np.ones(1)
    return Surroundings(potential * one, one, carrier * one, one, one, 0.0 * one)


def _rates(reactions: ReactionSet, potential: float, carrier: float) -> tuple[float, float]:
    tunnelled, carried = reactions.rates(0, _at(potential, carrier))
    return float(tunnelled[0]), float(carried[0])


def test_in_equilibrium_with_the_electrode_both_paths_have_its_affinity(r1: ReactionSet) -> None:
    level = float(np.exp(-0.1 * PER_VOLT))
    _, carried = _rates(r1, 0.1, level)
    affinity = float(r1.affinity(0, _at(0.1, level))[0])
    assert affinity == pytest.approx(2.0 * PER_VOLT * 0.03)
    assert carried == pytest.approx(float(r1.interstitial_rate[0]) * level * -np.expm1(-affinity))


def test_depleted_carriers_rest_though_the_electrode_drives(r1: ReactionSet) -> None:
    """Their affinity was once the electrode's: a film grew from carriers that were used up."""
    rest = float(np.exp(-REST * PER_VOLT))
    tunnelled, carried = _rates(r1, 0.1, rest)
    assert tunnelled > 0.0
    assert carried == pytest.approx(0.0, abs=1e-12 * float(r1.interstitial_rate[0]) * rest)
    assert _rates(r1, 0.1, 0.9 * rest)[1] < 0.0 < _rates(r1, 0.1, 1.1 * rest)[1]


@pytest.mark.parametrize("potential", [-10.0, REST, 2.8, 10.0])
def test_without_carriers_the_reverse_rate_is_finite(r1: ReactionSet, potential: float) -> None:
    """Held at its value at equilibrium: by the law itself, c^(1 - n), it would be infinite."""
    reactions = replace(r1, equilibrium_potential=np.array([potential]))
    with np.errstate(all="raise", under="ignore"):
        _, carried = _rates(reactions, 0.1, 0.0)
    expected = -float(r1.interstitial_rate[0]) * np.exp(-potential * PER_VOLT)
    assert carried == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.3, 1.0, 1.5, 40.0])
def test_the_linear_law_is_the_rate_and_its_slope(r1: ReactionSet, level: float) -> None:
    rest = float(np.exp(-REST * PER_VOLT))
    low, here, high = (_rates(r1, 0.1, rest * level * f)[1] for f in (0.9999, 1.0, 1.0001))
    mean, slope, back = (float(x[0]) for x in r1.carrier_law(0, _at(0.1, rest * level)))
    assert mean == rest * level
    assert slope * rest * level - back == pytest.approx(here)
    if level != 1.0:  # where the slope has a kink
        assert slope == pytest.approx((high - low) / (2e-4 * rest * level), rel=1e-3)
