"""Poisson thresholds: reproducible, exponential, independent of order."""

import numpy as np
import pytest

from interphase.models.nucleation import PoissonNucleation

MODEL = PoissonNucleation(np.array([1.0, 2.0]), 1e-9, seed=7)


def _keys(n: int) -> np.ndarray:
    return np.stack(
        [np.arange(n) * 125, np.zeros(n, dtype=int), np.zeros(n, dtype=int)], axis=1
    ).astype(np.int64)


def test_thresholds_do_not_depend_on_which_sites_a_rank_has() -> None:
    keys = _keys(50)
    whole = MODEL.thresholds(keys, np.zeros((2, 50)))
    part = MODEL.thresholds(keys[20:30], np.zeros((2, 10)))
    assert np.array_equal(whole[:, 20:30], part)


def test_thresholds_are_exponential() -> None:
    t = MODEL.thresholds(_keys(20000), np.zeros((2, 20000)))
    # Mean 1 and variance 1; 5 standard errors of 40000 draws.
    assert t.mean() == pytest.approx(1.0, abs=0.025)
    assert t.var() == pytest.approx(1.0, abs=0.07)
    assert abs(np.corrcoef(t)[0, 1]) < 0.04


def test_another_draw_seed_or_phase_gives_another_number() -> None:
    keys = _keys(10)
    first = MODEL.thresholds(keys, np.zeros((2, 10)))
    assert not np.any(first[0] == first[1])
    assert not np.any(first == MODEL.thresholds(keys, np.ones((2, 10))))
    assert not np.any(
        first == PoissonNucleation(MODEL.density, 1e-9, seed=8).thresholds(keys, np.zeros((2, 10)))
    )
