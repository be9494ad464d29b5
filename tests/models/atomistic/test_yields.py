"""Stochastic runs of a few molecules: rates, places, and what ends a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("rdkit")

from interphase.models.atomistic.network.network import KNOWN, Species
from interphase.models.atomistic.network.paths import Step
from interphase.models.atomistic.network.yields import Conditions, simulate
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

THERMAL = 1.380649e-23 * 298.15 / 1.602176634e-19
EC, CO3, C2H4 = KNOWN["EC"], KNOWN["CO3"], KNOWN["C2H4"]


def test_two_ways_at_known_rates() -> None:
    """Two exits with rates 3 to 1, and a dimer against an exit of first order."""
    start, left, right = Species(EC), Species(CO3, -2, 2), Species(KNOWN["EDC"], -2, 2)

    def exit_to(made: Species, barrier: float) -> Step:
        return Step((start,), (made,), 0, -1.0, barrier, "", "split")

    steps = [exit_to(left, 0.3), exit_to(right, 0.3 + THERMAL * np.log(3.0)),
             Step((left,), (start,), 0, 0.5, 0.8, "", "split")]  # fmt: skip
    found = simulate(steps, Conditions({start: 40}), runs=50, seed=1)
    # 2000 draws at 3/4: a deviation of 0.0097
    assert found.mean["Li2CO3"] == pytest.approx(0.75, abs=4 * 0.0097)
    assert found.mean["Li2CO3"] + found.mean["Li2EDC"] == pytest.approx(1.0)
    assert found.error["Li2CO3"] == pytest.approx(0.0097 * np.sqrt(50 / 50), rel=0.5)
    electron = Step((start,), (left,), 1, -1.0, 0.3, "", "reduction")
    slow = simulate([electron, steps[1]], Conditions({start: 40}, film=2e-9), 5, 1)
    assert slow.mean["Li2EDC"] == 1.0
    with pytest.raises(AtomisticError, match="has not ended after 3 events"):
        simulate(steps, Conditions({start: 40}, events=3), 1, 1)


def test_bimolecular_rate_follows_the_concentration() -> None:
    """Twice the concentration, twice the dimers against a first-order exit (few of either)."""
    start, dimer, single = Species(EC), Species(KNOWN["EDC"], -2, 2), Species(CO3, -2, 2)
    steps = [
        Step((start, start), (dimer,), 0, -1.0, 0.30, "", "exchange"),
        Step((start,), (single,), 0, -1.0, 0.22, "", "split"),
    ]
    thin = simulate(steps, Conditions({start: 100}, 200.0), 60, 2).mean["Li2EDC"]
    thick = simulate(steps, Conditions({start: 100}, 400.0), 60, 2).mean["Li2EDC"]
    assert thick / thin == pytest.approx(2.0, rel=0.2)


def test_a_radical_leaves_or_takes_a_second_electron() -> None:
    """As often as their rates say; those that left join, however long it takes."""
    start, radical = Species(EC), Species(KNOWN["EC-open"], -1, 1)
    salt, dimer, gas = Species(CO3, -2, 2), Species(KNOWN["EDC"], -2, 2), Species(C2H4)
    # second electrons at a bare electrode come three times as often as radicals leave
    leaving = 3e-10 / 6e-10**2
    barrier = THERMAL * np.log(1.380649e-23 * 298.15 / 6.62607015e-34 / (3.0 * leaving))
    steps = [
        Step((start,), (radical,), 1, -1.0, 0.6, "", "dissociation"),
        Step((radical,), (salt, gas), 1, -1.0, barrier, "", "dissociation"),
        Step((radical, radical), (dimer, gas), 0, -1.0, 0.17, "", "exchange"),
    ]
    thin = {"start": {start: 40}, "concentration": 1e-3}
    bare = simulate(steps, Conditions(**thin, film=0.0), 50, 4)
    # 2000 radicals at 3/4: a deviation of 0.0097; two of each three that left may miss a partner
    assert bare.mean["Li2CO3"] == pytest.approx(0.75, abs=4 * 0.0097)
    assert bare.mean["Li2EDC"] == pytest.approx(0.125, abs=0.02)
    # two lithium in a carbonate, one for each radical in a dimer or alone
    assert bare.inorganic == pytest.approx(1.5 / 1.75, abs=0.02)
    film = Conditions(**thin, film=1e-9)
    assert film.tunnelling == pytest.approx(np.exp(-10.25))
    covered = simulate(steps, film, 10, 4)
    assert covered.mean["Li2CO3"] < 0.02 and covered.inorganic < 0.04
    held = simulate(steps, Conditions(**thin, film=0.0, diffusivity=0.0), 10, 4)
    assert held.mean["Li2CO3"] == 1.0 and held.inorganic == 1.0


def test_what_is_made_uphill_leaves_or_goes_back() -> None:
    """Up to half an electronvolt at an electrode; electrons pass the film both ways."""
    start, radical = Species(EC), Species(KNOWN["EC-open"], -1, 1)
    dimer = Species(KNOWN["EDC"], -2, 2)

    def steps(change: float, electrons: int) -> list[Step]:
        return [
            Step((start,), (radical,), electrons, change, 0.6, "", "reduction"),
            Step((radical,), (start,), -electrons, -change, 0.6 - change, "", "reduction"),
            Step((radical, radical), (dimer,), 0, -1.0, 0.17, "", "exchange"),
        ]

    thin = Conditions({start: 20}, concentration=1e-3, film=2e-9)
    assert simulate(steps(0.3, 1), thin, 3, 1).mean["Li2EDC"] == 0.5
    assert simulate(steps(0.6, 1), thin, 3, 1).mean["Li2EDC"] == 0.0
    steeper, flatter = replace(thin, uphill=0.7), replace(thin, uphill=0.2)
    assert simulate(steps(0.6, 1), steeper, 3, 1).mean["Li2EDC"] == 0.5
    assert simulate(steps(0.3, 1), flatter, 3, 1).mean["Li2EDC"] == 0.0
    assert simulate(steps(0.3, 0), thin, 3, 1).mean["Li2EDC"] == 0.0
    # each way back is as slow as the way there: without leaving it would never end
    back = replace(steps(0.3, 1)[1], barrier=0.0)
    few = replace(thin, events=200)
    assert simulate([steps(0.3, 1)[0], back, steps(0.3, 1)[2]], few, 3, 1).mean["Li2EDC"] == 0.5


def test_what_the_liquid_brings_does_not_run_out_of_reach() -> None:
    """EC with a lithium ion stays within reach of electrons, and outside too for radicals."""
    start, bound = Species(EC), Species(EC, 0, 1)
    radical, salt = Species(KNOWN["EC-open"], -1, 1), Species(CO3, -2, 2)
    dimer = Species(KNOWN["EDC"], -2, 2)
    steps = [
        Step((start,), (bound,), 0, -0.1, 0.1, "", "lithiation"),
        Step((bound,), (radical,), 1, -1.0, 0.9, "", "dissociation"),
        Step((radical, bound), (dimer,), 0, -1.0, 0.4, "", "exchange"),
        Step((radical,), (salt,), 1, -1.0, 0.9, "", "dissociation"),
    ]
    found = simulate(steps, Conditions({start: 10}), 5, 4)
    assert found.mean["Li2EDC"] == pytest.approx(0.5)
    assert not found.final[start] and not found.final[bound]
