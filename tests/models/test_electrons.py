"""Tunnelling: decay constant and the mean speed of a step."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from interphase.models.electrons import decay_constant, mean_tunnelling_speed
from interphase.parameters.constants import ELEMENTARY_CHARGE
from interphase.parameters.errors import ParameterError


def test_one_electronvolt_and_one_electron_mass_give_ten_per_nanometre() -> None:
    assert decay_constant(ELEMENTARY_CHARGE, 1.0) == pytest.approx(10.25e9, rel=1e-3)


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1e-19, -1.0)])
def test_barrier_and_mass_must_be_positive(bad: tuple[float, float]) -> None:
    with pytest.raises(ParameterError, match="positive"):
        decay_constant(*bad)


@pytest.mark.parametrize(
    ("fast", "slow", "decay"), [(1.0, 0.0, 5.0), (1.0, 0.3, 5.0), (0.2, 1.0, 3.0), (1.0, 0.5, 0.0)]
)
def test_mean_speed_is_that_of_the_differential_equation(
    fast: float, slow: float, decay: float
) -> None:
    step = 2.0
    exact = solve_ivp(
        lambda _, x: fast * np.exp(-decay * x) + slow, (0, step), [0.0], rtol=1e-10, atol=1e-12
    )
    mean = mean_tunnelling_speed(np.array([fast]), np.array([slow]), np.array([decay]), step)
    assert mean[0] * step == pytest.approx(exact.y[0, -1], rel=1e-7)


def test_mean_speed_of_long_steps_stays_finite() -> None:
    mean = mean_tunnelling_speed(np.array([1e-9]), np.array([1e-12]), np.array([1e10]), 1e9)
    assert mean[0] == pytest.approx(1e-12, rel=1e-2)
