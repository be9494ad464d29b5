"""Mixtures: series across layers, parallel along them."""

import numpy as np
import pytest

from interphase.models.transport import Mixture, layer_tensor


def test_tensor_is_harmonic_across_and_arithmetic_along() -> None:
    mixture = Mixture(np.array([1.0, 1e-4]))
    shares = np.array([[0.5], [0.5]])
    a, h = mixture.arithmetic(shares), mixture.harmonic(shares)
    tensor = layer_tensor(a, h, np.array([[0.0], [1e11]]), 1e-9)[:, :, 0]
    assert tensor[1, 1] == pytest.approx(2.0 / (1.0 + 1e4), rel=1e-3)
    assert tensor[0, 0] == pytest.approx(0.50005)


def test_unresolved_columns_conduct_in_parallel() -> None:
    mixture = Mixture(np.array([1.0, 1e-4]), layered=False)
    shares = np.array([[0.5], [0.5]])
    tensor = layer_tensor(
        mixture.arithmetic(shares), mixture.harmonic(shares), np.array([[0.0], [1e11]]), 1e-9
    )
    assert tensor[1, 1, 0] == pytest.approx(0.50005)


def test_pores_take_part_of_the_solid() -> None:
    mixture = Mixture(np.array([2.0, 2.0]))
    shares = np.array([[0.3], [0.5]])
    assert mixture.arithmetic(shares)[0] == pytest.approx(1.6)
    assert mixture.harmonic(shares)[0] == pytest.approx(1.6)
