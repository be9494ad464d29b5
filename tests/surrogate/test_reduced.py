"""The reduced film: learns a law that it can hold, and says what it cannot read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interphase.models.surrogate.proposal import Conditions
from interphase.models.surrogate.reduced import Reduced, fit
from interphase.models.surrogate.trajectory import Trajectory
from interphase.parameters.errors import SurrogateError

NM = 1e-9
KEY = "interstitial_diffusivity.Li2CO3"


def _film(logarithm: float, first: float = 3.0, rows: int = 30) -> Trajectory:
    """Return a flat film, a quarter of one solid, that grows by dL/dt = D/L."""
    thickness = np.linspace(first, first + 6.0, rows) * NM
    time = (thickness**2 - thickness[0] ** 2) / (2.0 * 10.0**logarithm)
    z = np.arange(60) * 0.25 * NM
    phi = 0.5 * (1.0 - np.tanh(2.0 * (z[None, None] - thickness[:, None, None]) / NM))
    phi = np.broadcast_to(phi, (rows, 4, 60)).astype(np.float32)
    shares = np.stack([np.full_like(phi, 0.25), np.full_like(phi, 0.75)], axis=1)
    ones = np.ones(rows)
    series = {"time": time, "thickness": thickness, "potential": 0.1 * ones,
              "temperature": 298.0 * ones, "grains": ones}  # fmt: skip
    fields = {"phi": phi, "shares": shares, "carrier": phi, "speed": phi}
    return Trajectory(
        ("LiF", "Li2CO3"), NM, (0.25 * NM, 0.25 * NM), (True,), {KEY: logarithm}, series, fields, {}
    )


def test_it_learns_diffusion_limited_growth(tmp_path: Path) -> None:
    """Between the films it has seen, thickness to 1 %, and the file says the same."""
    model = fit([_film(x) for x in (-25.0, -24.7, -24.3, -24.0)])
    model.save(tmp_path / "film.npz")
    conditions = Conditions(0.1, 298.0, NM, {KEY: -24.5}, ("LiF", "Li2CO3"))
    diffusivity, until = 10.0**-24.5, 1e7
    exact = np.sqrt((4.0 * NM) ** 2 + 2.0 * diffusivity * until)
    for one in (model, Reduced.load(tmp_path / "film.npz")):
        times, heights, parts = one.grow(4.0 * NM, np.array([0.25, 0.75]), conditions, until)
        assert times[-1] == pytest.approx(until)
        assert heights[-1] == pytest.approx(exact, rel=0.01)
        np.testing.assert_allclose(parts, [0.25, 0.75], atol=1e-6)
    assert model.error < 0.05


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(SurrogateError, match="two films"):
        fit([_film(-25.0)])
    model = fit([_film(-25.0), _film(-24.0)])
    with pytest.raises(SurrogateError, match=KEY):
        model.growth(NM, np.array([0.5, 0.5]), Conditions(0.1, 298.0, NM))
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(SurrogateError, match="no whole reduced model"):
        Reduced.load(tmp_path / "bad.npz")
