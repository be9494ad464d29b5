"""The reduced film: learns a law that it can hold, and says what it cannot read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interphase.models.surrogate.pairs import patch_of
from interphase.models.surrogate.proposal import Conditions
from interphase.models.surrogate.reduced import Reduced, describe, fit
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
    start = _film(-24.5).series["thickness"][4]
    exact = np.sqrt(start**2 + 2.0 * diffusivity * until)
    for one in (model, Reduced.load(tmp_path / "film.npz")):
        times, heights, parts = one.grow(patch_of(_film(-24.5), 4), conditions, until)
        assert times[-1] == pytest.approx(until)
        assert heights[-1] == pytest.approx(exact, rel=0.01)
        np.testing.assert_allclose(parts, [0.25, 0.75], atol=1e-5)
    assert model.error < 0.05


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(SurrogateError, match="two films"):
        fit([_film(-25.0)])
    model = fit([_film(-25.0), _film(-24.0)])
    with pytest.raises(SurrogateError, match=KEY):
        model.growth(NM, np.zeros(len(model.components)), Conditions(0.1, 298.0, NM))
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(SurrogateError, match="no whole reduced model"):
        Reduced.load(tmp_path / "bad.npz")


def _layered(part: float) -> Trajectory:
    """Return a film whose lower part is the first solid and the rest the second, in two columns."""
    film = _film(-24.5)
    z = np.arange(60) * 0.25 * NM
    below = z[None, None] < part * film.series["thickness"][:, None, None]
    left = np.broadcast_to(below, film.fields["phi"].shape).astype(np.float32)
    return replace(film, fields={**film.fields, "shares": np.stack([left, 1.0 - left], axis=1)})


def test_a_page_tells_what_lies_where() -> None:
    """Shares of layers from the electrode up, and how far along the film a solid reaches."""
    thickness, page = describe(patch_of(_layered(0.5), 10), NM)
    film = _layered(0.5)
    assert thickness / NM == pytest.approx(film.series["thickness"][10] / NM, rel=1e-3)
    lower, upper = page[:16].reshape(2, 8)
    assert np.all(lower[:3] > 0.99)
    assert np.all(lower[5:] < 0.01)
    np.testing.assert_allclose(lower + upper, 1.0, atol=1e-6)
    # Both solids reach along the whole film: the same at every distance.
    along = page[16:].reshape(2, -1)
    np.testing.assert_allclose(along, along[:, :1].repeat(along.shape[1], axis=1), rtol=1e-6)
    # One solid everywhere: the square of phi over phi.
    phi = film.fields["phi"][10].astype(float)
    assert along[:, 0].sum() == pytest.approx((phi**2).sum() / phi.sum(), rel=1e-6)


def test_a_change_of_structure_is_learnt() -> None:
    """Films that turn from below, faster than they grow, and one between them."""

    def turning(speed: float) -> Trajectory:
        film = _film(-24.5)
        rise = speed * np.log(film.series["thickness"] / film.series["thickness"][0])
        first = np.broadcast_to((0.2 + rise)[:, None, None], film.fields["phi"].shape).astype(
            np.float32
        )
        shares = np.stack([first, 1.0 - first], axis=1)
        return replace(film, parameters={KEY: speed}, fields={**film.fields, "shares": shares})

    model = fit([turning(speed) for speed in (0.1, 0.2, 0.4, 0.5)])
    film = turning(0.3)
    conditions = Conditions(0.1, 298.0, NM, {KEY: 0.3}, ("LiF", "Li2CO3"))
    _, heights, parts = model.grow(patch_of(film, 0), conditions, float(film.series["time"][-1]))
    assert heights[-1] / NM == pytest.approx(9.0, rel=0.02)
    assert parts[0] == pytest.approx(0.2 + 0.3 * np.log(3.0), abs=0.02)
