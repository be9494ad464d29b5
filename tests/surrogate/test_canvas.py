"""The network's grid: what it keeps of a film, and the geometric leap on it."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from interphase.models.surrogate.base import geometric_leap
from interphase.models.surrogate.canvas import LATERAL, NORMAL, SPACING, canvas_of, order, unfolded
from interphase.models.surrogate.proposal import Patch
from interphase.parameters.errors import SurrogateError


def disc(radius: float, speed: float) -> Patch:
    """Return a half disc on the electrode that grows at one speed; lengths in l = 1 m."""
    x, z = np.arange(72) / 6.0 - 6.0, np.arange(60) / 6.0
    distance = radius - np.hypot(x[:, None], z)
    phi = order(distance)
    near = np.where(np.abs(distance) <= 1.5, speed, 0.0)
    one = np.ones((1, *phi.shape))
    return Patch(phi, one, 0.5 * one[0], near, (1 / 6, 1 / 6), (True,))


def test_distance_is_that_of_a_disc() -> None:
    """On the curved front the error is that of chords of the mesh, (h^2)/(8 R) and less."""
    canvas = canvas_of(disc(3.0, 1.0), 1.0, 3.0)
    lateral, normal = canvas.psi.shape
    assert lateral % LATERAL == 0 and normal % NORMAL == 0
    x = np.arange(lateral) * canvas.steps[0] - 6.0
    z = np.arange(normal) * canvas.steps[1]
    exact = 3.0 - np.hypot(x[:, None], z)
    outside = np.abs(exact) < 2.5
    assert np.abs(canvas.psi - exact)[outside].max() < 0.02


def test_a_shift_has_the_volume_asked_for_and_the_shape_of_a_disc() -> None:
    """A disc that grows at one speed stays one: its mean advance is not that of its radius."""
    canvas = canvas_of(disc(3.0, 1.0), 1.0, 4.0)
    larger = canvas_of(disc(4.0, 1.0), 1.0, 3.0, levels=canvas.psi.shape[1])
    advance = larger.volume - canvas.volume
    shifted, _ = geometric_leap(canvas, advance)
    front = np.abs(larger.psi) < 0.5
    assert np.abs(shifted - larger.psi)[front].max() < 0.05


def test_mirrors_become_a_film_and_its_image(films: ModuleType) -> None:
    periodic = films.patch(4.0, columns=48)
    half = replace(films.changed(periodic, lambda f: f[..., :25, :]), periodic=(False,))
    whole = unfolded(half)
    assert np.allclose(whole.phi, periodic.phi, atol=1e-12)
    assert np.allclose(whole.shares, periodic.shares, atol=1e-12)


def test_a_film_on_a_finer_mesh_is_the_same_film() -> None:
    """Half the cells make no difference but that of linear interpolation."""
    coarse = canvas_of(disc(3.0, 1.0), 1.0, 3.0)
    x, z = np.arange(144) / 12.0 - 6.0, np.arange(120) / 12.0
    distance = 3.0 - np.hypot(x[:, None], z)
    near = np.where(np.abs(distance) <= 1.5, 1.0, 0.0)
    phi = order(distance)
    one = np.ones((1, *phi.shape))
    film = Patch(phi, one, 0.5 * one[0], near, (1 / 12, 1 / 12), (True,))
    fine = canvas_of(film, 1.0, 3.0)
    assert fine.psi.shape == coarse.psi.shape
    assert fine.steps[-1] == pytest.approx(SPACING)
    assert np.abs(fine.psi - coarse.psi)[np.abs(coarse.psi) < 2.5].max() < 0.03


def test_a_front_that_stands_still_is_refused() -> None:
    with pytest.raises(SurrogateError, match="does not move"):
        canvas_of(disc(3.0, 0.0), 1.0, 3.0)


def test_an_empty_domain_is_refused() -> None:
    with pytest.raises(SurrogateError, match="no front"):
        canvas_of(disc(-4.0, 1.0), 1.0, 3.0)
