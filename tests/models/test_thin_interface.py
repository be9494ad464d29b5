"""Thin-interface correction of a diffuse sink."""

import numpy as np
import pytest

from interphase.models.thin_interface import ThinInterface


@pytest.mark.parametrize(
    ("da", "offset"), [(0.1, -0.020), (1.0, -0.149), (10.0, -0.549), (100.0, -1.10)]
)
def test_offset_of_the_diffuse_sink(da: float, offset: float) -> None:
    """Values of an independent one-dimensional computation, models/README.md section 4."""
    assert ThinInterface().solve(da)[0] == pytest.approx(offset, rel=0.01)


@pytest.mark.parametrize("da", [0.01, 0.3, 1.0, 10.0, 300.0])
def test_corrected_rate_gives_the_sharp_flux(da: float) -> None:
    thin = ThinInterface()
    factor, _ = thin.correct(np.array([da]))
    numeric = float(factor[0]) * da
    assert 1.0 / numeric + thin.solve(numeric)[0] == pytest.approx(1.0 / da, abs=4e-3)


def test_slow_reactions_are_left_alone() -> None:
    factor, ratio = ThinInterface().correct(np.array([1e-6]))
    assert factor[0] == pytest.approx(1.0) and ratio[0] == pytest.approx(1.0, abs=1e-4)
