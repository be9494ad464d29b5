"""The leap along the normal: exact where a front moves evenly, the same across periodic sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interphase.models.interpolation import profile
from interphase.models.surrogate.geometric import GeometricProposer
from interphase.models.surrogate.proposal import Array, Conditions, Patch
from interphase.parameters.errors import ParameterError

NM = 1e-9
H = 0.125 * NM
CONDITIONS = Conditions(0.1, 298.15, NM)


def _patch(top: Array, speed: Array, height: int = 80) -> Patch:
    """Return a film of two columns whose front is at ``top`` [nm], (lateral nodes,)."""
    y = np.arange(height) * H
    phi = profile(y[None, :] - top[:, None] * NM, NM)
    left = np.zeros_like(phi)
    left[: top.size // 2] = 1.0
    near = np.abs(y[None, :] - top[:, None] * NM) < 1.5 * NM
    moving = np.where(near, speed[:, None], 0.0)
    return Patch(phi, np.stack([left, 1.0 - left]), phi, moving, (H, H), (True,))


@pytest.mark.parametrize("advance", [0.3, 1.0, 2.0])
def test_a_flat_front_is_shifted_with_its_profile(advance: float) -> None:
    """Nothing is lost of the profile, and columns go on as they were."""
    patch = _patch(np.full(16, 3.03), np.full(16, 2e-15))
    proposal = GeometricProposer(2.0).propose(patch, CONDITIONS, advance)
    shifted = _patch(np.full(16, 3.03 + advance), np.full(16, 2e-15))
    assert np.abs(proposal.phi - shifted.phi).max() < 1e-5
    np.testing.assert_array_equal(proposal.shares, patch.shares)
    assert proposal.distance == proposal.spread == 0.0


def test_many_leaps_keep_the_profile_of_one() -> None:
    """Far ahead of the front, where phi is 0 to round-off, nothing came near with every leap."""
    patch = _patch(np.full(8, 3.03), np.full(8, 2e-15), height=160)
    for leap in range(1, 11):
        phi = GeometricProposer().propose(patch, CONDITIONS, 1.0).phi
        patch = replace(_patch(np.full(8, 3.03 + leap), np.full(8, 2e-15), 160), phi=phi)
    shifted = _patch(np.full(8, 13.03), np.full(8, 2e-15), 160)
    assert np.abs(patch.phi - shifted.phi).max() < 1e-4


def test_the_volume_asked_for_is_gained_whatever_the_speeds() -> None:
    """The faster column gains more, in proportion to its speed where the reaction limits both."""
    speed = np.where(np.arange(64) < 32, 3e-15, 1e-15)
    patch = _patch(np.full(64, 3.0), speed)
    patch = replace(patch, carrier=np.ones_like(patch.phi))
    phi = GeometricProposer().propose(patch, CONDITIONS, 0.5).phi
    gain = (phi - patch.phi).sum(axis=1) * H
    gained = patch.thickness(phi) - patch.thickness(patch.phi)
    assert gained / NM == pytest.approx(0.5, rel=1e-5)
    assert gain[16] / gain[48] == pytest.approx(3.0, rel=1e-3)


def _wave(activity: float, *, mirrored: bool = False) -> float:
    """Return the amplitude of the gain of a flat film whose speed is a wave of 8 nm [m]."""
    x = 2.0 * np.pi * np.arange(64) / 64 if not mirrored else np.pi * np.arange(33) / 32
    patch = _patch(np.full(x.size, 4.0), 1e-15 * (1.0 - 0.02 * np.cos(x)), height=100)
    patch = replace(
        patch, carrier=np.full_like(patch.phi, activity), periodic=(not mirrored,)
    )  # fmt: skip
    phi = GeometricProposer().propose(patch, CONDITIONS, 2.0).phi
    gain = (phi - patch.phi).sum(axis=1) * H
    # Both mirrors stand in nodes that count half.
    weight = np.ones(x.size)
    weight[[0, -1]] = 0.5 if mirrored else 1.0
    mean = np.average(gain, weights=weight)
    return -2.0 * float(np.average((gain - mean) * np.cos(x), weights=weight))


@pytest.mark.parametrize("activity", [0.0, 0.2, 0.7])
def test_waves_decay_as_their_feed_through_the_film_lets_them(activity: float) -> None:
    """Against a wave that keeps its speed (its reaction limits it), by the linear theory."""
    way = np.linspace(0.0, 2.0 * NM, 401)
    k, thickness = 2.0 * np.pi / (8.0 * NM), 4.0 * NM + way
    slope = k / np.tanh(k * thickness)
    rate = slope / (1.0 + slope * 4.0 * NM * activity / (1.0 - activity))
    decay = np.exp(-np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * way[1])]))
    kept = _wave(1.0)
    assert kept > 0.03 * NM
    assert _wave(activity) / kept == pytest.approx(np.trapezoid(decay, way) / way[-1], rel=0.01)


def test_a_mirror_is_half_of_a_period() -> None:
    assert _wave(0.1, mirrored=True) / NM == pytest.approx(_wave(0.1) / NM, rel=1e-3)


def test_below_where_carriers_are_held_is_no_way_for_them() -> None:
    """Held down to 2 nm, a film of 6 nm levels as one of 4 nm."""
    x = 2.0 * np.pi * np.arange(64) / 64
    speed = 1e-15 * (1.0 - 0.02 * np.cos(x))
    gains = []
    for held in (0, 16):
        patch = _patch(np.full(64, 4.0 + held * H / NM), speed, height=128)
        carrier = np.full_like(patch.phi, 0.1)
        carrier[:, : held + 1] = 1.0
        phi = GeometricProposer().propose(replace(patch, carrier=carrier), CONDITIONS, 1.0).phi
        gains.append((phi - patch.phi).sum(axis=1))
    np.testing.assert_allclose(*gains, rtol=1e-3)


@pytest.mark.parametrize("activity", [0.05, 0.5])
def test_what_rests_rests_beside_what_grows(activity: float) -> None:
    """Whatever the waves that a step of the speed is made of."""
    x = np.arange(128)
    patch = _patch(np.full(128, 4.0), np.where(x < 64, 2e-15, 0.0), height=128)
    patch = replace(patch, carrier=np.full_like(patch.phi, activity))
    gain = GeometricProposer().propose(patch, CONDITIONS, 1.0).phi - patch.phi
    assert gain[96].sum() * H < 1e-3 * NM
    assert gain[32].sum() * H > 1.5 * NM


@pytest.mark.parametrize("activity", [0.05, 1.0])
def test_what_grows_overgrows_what_rests(activity: float) -> None:
    """A half disc that grows on a film that does not stays one, foot and all, in a leap."""
    x, y = np.meshgrid((np.arange(128) - 63.5) * H, np.arange(104) * H - 2.0 * NM, indexing="ij")
    radius = np.hypot(x, np.maximum(y, 0.0))
    inside = np.maximum(3.0 * NM - radius, -y)
    grows = (np.abs(inside) < 1.5 * NM) & (radius > 1.8 * NM) & (y > 0.3 * NM) & (radius < 4.5 * NM)
    shares = np.stack([np.ones_like(x), np.zeros_like(x)])
    patch = Patch(
        profile(-inside, NM), shares, np.full_like(x, activity), 1e-15 * grows, (H, H), (True,)
    )  # fmt: skip
    phi = GeometricProposer().propose(patch, CONDITIONS, 2.2).phi
    up = (phi[64] > 0.5).sum() * H - 2.0 * NM
    across = (phi[:, 24] > 0.5).sum() * H / 2.0
    assert up > 5.5 * NM
    assert across == pytest.approx(np.sqrt(up**2 - (1.0 * NM) ** 2), abs=0.4 * NM)


def test_a_leap_does_not_see_where_a_periodic_film_begins() -> None:
    """Rolled along a periodic axis, a bumpy film leaps to the rolled film."""
    x = 2.0 * np.pi * np.arange(48) / 48
    patch = _patch(4.0 + 0.7 * np.cos(x), 1e-15 * (1.0 + 0.3 * np.sin(x)))
    rolled = Patch(
        *(np.roll(f, 17, axis=-2) for f in (patch.phi, patch.shares, patch.carrier, patch.speed)),
        patch.spacing, patch.periodic,
    )  # fmt: skip
    one = GeometricProposer().propose(patch, CONDITIONS, 1.0)
    other = GeometricProposer().propose(rolled, CONDITIONS, 1.0)
    np.testing.assert_allclose(np.roll(one.phi, 17, axis=0), other.phi, atol=1e-12)
    np.testing.assert_array_equal(np.roll(one.shares, 17, axis=1), other.shares)


def test_a_film_that_rests_or_is_not_there_has_no_leap() -> None:
    with pytest.raises(ParameterError, match="does not advance"):
        GeometricProposer().propose(_patch(np.full(8, 3.0), np.zeros(8)), CONDITIONS, 1.0)
    empty = _patch(np.full(8, -50.0), np.ones(8))
    with pytest.raises(ParameterError, match="does not advance"):
        GeometricProposer().propose(empty, CONDITIONS, 1.0)


def test_unresolved_columns_gain_what_is_deposited() -> None:
    """Moles of each solid: those before, and the share of the deposit in the gain."""
    patch = _patch(np.full(8, 3.0), np.full(8, 1e-15))
    conditions = Conditions(0.1, 298.15, NM, deposit=(0.2, 0.5))
    proposal = GeometricProposer().propose(patch, conditions, 0.5)
    gain = proposal.phi - patch.phi
    expected = patch.phi * patch.shares + gain * np.array([0.2, 0.5])[:, None, None]
    np.testing.assert_allclose(proposal.phi * proposal.shares, expected, atol=1e-12)
