"""Conduction and permittivity of trajectories that are made to known numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.atomistic import transport
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

TEMPERATURE, VOLUME, INTERVAL = 300.0, 8e-27, 1e-12
CHARGES = np.array([1.0, -1.0] * 8)
REACH = (10.0 * INTERVAL, 40.0 * INTERVAL)


def walks(diffusivity: float, frames: int = 20_000, ions: int = 16, seed: int = 3) -> np.ndarray:
    """Return free walkers, shape (frames, ions, 3) [m]."""
    steps = np.random.default_rng(seed).normal(size=(frames, ions, 3))
    return np.cumsum(steps * np.sqrt(2.0 * diffusivity * INTERVAL), axis=0)


def test_free_ions_conduct_as_nernst_and_einstein_say() -> None:
    """The sum n e^2 D/(V k T), with and without correlations, of which there are none."""
    diffusivity = 1e-9
    wanted = 16 * ELEMENTARY_CHARGE**2 * diffusivity / (VOLUME * BOLTZMANN * TEMPERATURE)
    each = np.outer(np.ones(16), [diffusivity, 2.0 * diffusivity])
    free = transport.nernst_einstein(CHARGES, each, VOLUME, TEMPERATURE)
    assert free == pytest.approx([wanted, 2.0 * wanted])
    found = transport.einstein_conductivity(
        walks(diffusivity), CHARGES, INTERVAL, VOLUME, TEMPERATURE, REACH, "free ions"
    )
    assert found.value == pytest.approx(wanted, abs=4.0 * found.error)
    assert found.error < 0.25 * wanted


def test_the_error_of_one_walker_falls_with_the_length_of_the_run() -> None:
    """As its root: lags stay what they are. Scatter of 40 runs each, 11 %; and it is the error."""
    scatter = {}
    for frames in (1000, 4000):
        found = [
            transport.walker(walks(0.5, frames, 1, seed)[:, 0], INTERVAL, REACH, "walk", "this")
            for seed in range(40)
        ]
        values = [one.value for one in found]
        scatter[frames] = np.std(values, ddof=1)
        assert np.mean(values) == pytest.approx(0.5, abs=4.0 * scatter[frames] / 40**0.5)
        claimed = np.sqrt(np.mean([one.error**2 for one in found]))
        assert claimed == pytest.approx(scatter[frames], rel=4.0 * np.hypot(0.11, 0.06))
    assert scatter[1000] / scatter[4000] == pytest.approx(2.0, rel=4.0 * 0.11 * 2**0.5)


def test_lags_that_do_not_fit_into_a_run_are_refused() -> None:
    walk = walks(1.0, 500, 1)[:, 0]
    long = (10.0 * INTERVAL, 60.0 * INTERVAL)
    # five blocks of which the longest lag may be two fifths
    needed = re.escape(f"at least {60.0 * INTERVAL / 0.4 * 5:.3g} is needed")
    with pytest.raises(AtomisticError, match=f"too short for lags of .*{needed}"):
        transport.walker(walk, INTERVAL, long, "walk", "this")
    with pytest.raises(AtomisticError, match="are too seldom; store more"):
        transport.walker(walk, INTERVAL, (0.2 * INTERVAL, INTERVAL), "walk", "this")


def test_pairs_carry_no_current() -> None:
    """Ions of opposite charge that move as one conduct nothing, move and rattle as they may."""
    pairs = np.repeat(walks(1e-9, ions=8), 2, axis=1)
    with pytest.raises(AtomisticError, match="too short for a conductivity with correlations"):
        transport.einstein_conductivity(
            pairs, CHARGES, INTERVAL, VOLUME, TEMPERATURE, REACH, "pairs"
        )
    pairs += 1e-11 * np.random.default_rng(5).normal(size=pairs.shape)
    found = transport.einstein_conductivity(
        pairs, CHARGES, INTERVAL, VOLUME, TEMPERATURE, REACH, "pairs"
    )
    alone = 16 * ELEMENTARY_CHARGE**2 * 1e-9 / (VOLUME * BOLTZMANN * TEMPERATURE)
    assert abs(found.value) < 1e-3 * alone


def fluctuating(frames: int, memory: float, size: float) -> np.ndarray:
    """Return a dipole with <M^2> = 3 size^2 that forgets itself in ``memory`` frames."""
    random = np.random.default_rng(11)
    keep = np.exp(-1.0 / memory)
    values = np.zeros((frames, 3))
    values[0] = random.normal(size=3)
    for k in range(1, frames):
        values[k] = keep * values[k - 1] + np.sqrt(1.0 - keep**2) * random.normal(size=3)
    return size * values


def test_permittivity_of_a_fluctuating_dipole() -> None:
    size = 2e-28
    wanted = 1.0 + size**2 / (VACUUM_PERMITTIVITY * VOLUME * BOLTZMANN * TEMPERATURE)
    dipoles = fluctuating(20_000, 20.0, size)
    # sum of exp(-k/20) from 0 on, less half of the first
    assert transport.correlation_time(dipoles) == pytest.approx(20.0, rel=0.15)
    found = transport.permittivity(dipoles, INTERVAL, VOLUME, TEMPERATURE, "dipole")
    assert found.value == pytest.approx(wanted, abs=4.0 * found.error)
    assert found.error < 0.1 * wanted
    with pytest.raises(AtomisticError, match=r"remembers itself for .*; at least .* s is needed"):
        transport.permittivity(dipoles[:150], INTERVAL, VOLUME, TEMPERATURE, "dipole")


def test_a_small_box_slows_by_what_its_images_hold() -> None:
    """2.84 kT/(6 pi eta L), worked out by hand for water in a box of 2 nm: 3.5e-10 m2/s."""
    assert transport.finite_size(298.15, 8.9e-4, 2e-9) == pytest.approx(3.48e-10, rel=0.01)
