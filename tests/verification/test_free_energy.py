"""The multi-order-parameter energy: its derivatives, its relations, its sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from interphase.models.free_energy import (
    MultiWell,
    driving_force,
    driving_hessian,
    gamma_of,
    phase_fractions,
)
from interphase.models.interpolation import Array, profile
from interphase.parameters.errors import ParameterError

SIGMA = np.array([[0.0, 0.7, 1.0], [0.7, 0.0, 0.9], [1.0, 0.9, 0.0]])
OMEGA = np.array([[-0.3], [0.1], [0.2]])


@pytest.fixture
def eta() -> Array:
    """Order parameters of three phases at a few nodes."""
    return np.random.default_rng(1).uniform(0.05, 0.95, (3, 5))


def _slope(function: object, eta: Array, i: int) -> Array:
    """Return the derivative of ``function`` (of all order parameters) by the i-th one."""
    step = np.zeros_like(eta)
    step[i] = 1e-6
    return (function(eta + step) - function(eta - step)) / 2e-6  # type: ignore[operator]


def test_derivatives_are_those_of_the_energy(eta: Array) -> None:
    """First and second derivatives against central differences (their error is of order 1e-10)."""
    energy = MultiWell.from_energies(1.0, SIGMA)
    for i in range(3):
        assert _slope(energy.density, eta, i) == pytest.approx(energy.derivative(eta)[i], abs=1e-8)
        assert _slope(energy.derivative, eta, i) == pytest.approx(energy.hessian(eta)[i], abs=1e-8)


def test_derivatives_of_the_driving_force(eta: Array) -> None:
    """The same for sum h_a omega_a."""

    def potential(e: Array) -> Array:
        return np.asarray((phase_fractions(e) * OMEGA).sum(axis=0))

    for i in range(3):
        assert _slope(potential, eta, i) == pytest.approx(driving_force(eta, OMEGA)[i], abs=1e-8)
        slope = _slope(lambda e: driving_force(e, OMEGA), eta, i)
        assert slope == pytest.approx(driving_hessian(eta, OMEGA)[i], abs=1e-7)


def test_fractions_add_up_to_one_also_where_nothing_is(eta: Array) -> None:
    """The sum of h is 1 pointwise; a pure phase feels no driving force."""
    assert phase_fractions(eta).sum(axis=0) == pytest.approx(1.0)
    pure = np.array([[1.0], [0.0], [0.0]])
    assert driving_force(pure, OMEGA) == pytest.approx(0.0)


def test_energy_of_the_profile_is_sigma() -> None:
    """Integral of m f0 + kappa/2 sum |grad eta|^2 over the tanh profile."""
    energy = MultiWell.equal(2, 2.0, 0.3)
    x = np.linspace(-12.0, 12.0, 20001)
    eta = np.stack([profile(x, 2.0), 1.0 - profile(x, 2.0)])
    slopes = np.gradient(eta, x, axis=1)
    density = energy.density(eta) + 0.5 * energy.gradient_coefficient * (slopes**2).sum(axis=0)
    assert float(np.trapezoid(density, x)) == pytest.approx(0.3, rel=1e-5)


@pytest.mark.parametrize("ratio", [0.5, 0.7, 0.9])
def test_gamma_gives_the_energy_it_is_asked_for(ratio: float) -> None:
    """The fitted relation gamma(g) against the boundary value problem of a flat interface, 1 %."""
    sigma = np.array([[0.0, ratio, 1.0], [ratio, 0.0, 1.0], [1.0, 1.0, 0.0]])
    energy = MultiWell.from_energies(1.0, sigma)
    gamma, m, kappa = energy.gamma[0, 1], energy.barrier, energy.gradient_coefficient

    def rhs(_: Array, y: Array) -> Array:
        a, b, da, db = y
        scale = m / kappa
        return np.stack(
            [
                da,
                db,
                scale * a * (a**2 - 1 + 2 * gamma * b**2),
                scale * b * (b**2 - 1 + 2 * gamma * a**2),
            ]
        )

    def ends(left: Array, right: Array) -> Array:
        return np.array([left[0] - 1.0, left[1], right[0], right[1] - 1.0])

    x = np.linspace(-6.0, 6.0, 401)
    guess = np.stack([profile(x, 1.3), 1 - profile(x, 1.3), 0 * x, 0 * x])
    solution = solve_bvp(rhs, ends, x, guess, tol=1e-6, max_nodes=100000)
    assert solution.success
    x = np.linspace(-6.0, 6.0, 8001)
    a, b, da, db = solution.sol(x)
    pair = MultiWell(1.0, energy.energy, np.array([[1.5, gamma], [gamma, 1.5]]))
    density = pair.density(np.stack([a, b])) + 0.5 * kappa * (da**2 + db**2)
    assert float(np.trapezoid(density, x)) == pytest.approx(ratio, rel=0.01)


def test_energies_too_far_apart_are_refused() -> None:
    """The relation gamma(g) does not hold there."""
    with pytest.raises(ParameterError, match="differ too much"):
        gamma_of(np.array([0.05]))
    with pytest.raises(ParameterError, match="symmetric"):
        MultiWell(1.0, 1.0, np.array([[1.5, 1.0], [2.0, 1.5]]))
    with pytest.raises(ParameterError, match="positive"):
        MultiWell.equal(2, -1.0, 0.1)
