"""Rate laws: limits, the integral behind Marcus-Hush-Chidsey, bounded exponents."""

import numpy as np
import pytest

from interphase.models.kinetics import ButlerVolmer, Marcus, MarcusHushChidsey, bounded, de_donder
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import ParameterError

THERMAL = GAS_CONSTANT * 298.15
LAMBDA = 20.0 * THERMAL


def test_bounded_is_the_identity_where_rates_matter_and_never_overflows() -> None:
    x = np.array([-20.0, -1.0, 0.0, 3.0, 20.0])
    assert bounded(x) == pytest.approx(x, rel=1e-8)
    assert np.abs(bounded(np.array([-1e30, 1e6, 1e300]))).max() <= 60.0


def test_bounded_is_monotone() -> None:
    assert np.all(np.diff(bounded(np.linspace(-200, 200, 4001))) >= 0)


@pytest.mark.parametrize("law", [ButlerVolmer(), Marcus(LAMBDA), MarcusHushChidsey(LAMBDA)])
def test_every_law_is_one_at_zero_overpotential_with_the_same_slope(law: object) -> None:
    eta, half = np.array([0.0, -1e-4]), np.array(0.5)
    log = law.log_factor(eta, half, 298.15)  # type: ignore[attr-defined]
    assert log[0] == pytest.approx(0.0, abs=1e-12)
    # The symmetry coefficient of MHC is 1/2 up to terms of the order of 1/lambda.
    assert log[1] == pytest.approx(0.5 * FARADAY * 1e-4 / THERMAL, rel=0.05)


def test_marcus_hush_chidsey_against_the_integral_over_the_fermi_function() -> None:
    """Another quadrature of the same integral; the law interpolates a table linearly."""

    def integral(eta: float) -> float:
        x = np.linspace(-120, 120, 240001)
        f = np.exp(-((x - 20.0 - eta) ** 2) / 80.0) / (1.0 + np.exp(x))
        return float(np.sum(f) * (x[1] - x[0]))

    law = MarcusHushChidsey(LAMBDA)
    for eta in (-15.0, -8.0, -3.0):
        volts = np.array([eta * THERMAL / FARADAY])
        ratio = np.exp(law.log_factor(volts, np.array(0.5), 298.15)[0])
        # Reduction is driven by negative overpotentials: eta enters the exponent with its sign.
        assert ratio == pytest.approx(integral(eta) / integral(0.0), rel=1e-3)


def test_de_donder_has_the_sign_of_the_affinity() -> None:
    a = np.array([-3.0, -1e-6, 0.0, 1e-6, 3.0])
    assert np.array_equal(np.sign(de_donder(a)), np.sign(a))


def test_a_reorganisation_energy_must_be_positive() -> None:
    for law in (Marcus, MarcusHushChidsey):
        with pytest.raises(ParameterError, match="reorganisation_energy"):
            law(0.0)
