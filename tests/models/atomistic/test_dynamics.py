"""Diffusivities with errors, and reaction energies against tabulated ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.atomistic.crystals.reactions import REACTIONS, check_balance
from interphase.models.atomistic.transport import Diffusion, arrhenius, diffusion
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range

if TYPE_CHECKING:
    from tests.models.atomistic.conftest import Bonds

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")


def walk(seed: int, frames: int, deviation: float, particles: int = 20) -> np.ndarray:
    """Return random walks; the diffusivity is half the variance of a step."""
    steps = np.random.default_rng(seed).normal(0.0, deviation, (frames, particles, 3))
    return np.cumsum(steps, axis=0)


def test_random_walk_has_its_diffusivity_and_error() -> None:
    """Over 40 walks the mean is right and the errors are the scatter that is seen."""
    found = [diffusion(walk(seed, 1000, 0.3), 1.0, 1.0, "walk") for seed in range(40)]
    values = np.array([one.value for one in found])
    exact = 0.5 * 0.3**2
    scatter = values.std(ddof=1)
    assert values.mean() == pytest.approx(exact, abs=4.0 * scatter / np.sqrt(40))
    # of 40 scatters with 39, and of 40 errors with 4 degrees of freedom each: 11 % and 6 %
    claimed = np.sqrt(np.mean([one.error**2 for one in found]))
    assert claimed == pytest.approx(scatter, rel=4.0 * np.hypot(0.11, 0.06))


def test_a_short_trajectory_is_refused_with_the_length_that_is_needed() -> None:
    """Moves of 0.95 within a block: (3/0.95)^2 times the length is needed for hops of 3."""
    positions = walk(1, 500, 0.055, particles=400)
    with pytest.raises(AtomisticError, match=r"trajectory of 500 is too short.*hop is 3; about 5"):
        diffusion(positions, 1.0, 3.0, "walk")
    cage = np.random.default_rng(2).normal(0.0, 0.1, (500, 20, 3))
    with pytest.raises(AtomisticError, match="hardly any particle has left its site, more than"):
        diffusion(cage, 1.0, 3.0, "cage")
    with pytest.raises(AtomisticError, match="50 frames are too few, take at least 100"):
        diffusion(positions[:50], 1.0, 3.0, "walk")


def test_arrhenius_law_is_found() -> None:
    """Exact values give the energy exactly; errors carry over."""
    energy, gas = 40e3, 8.314462618
    temperatures = [600.0, 800.0, 1000.0]
    values = [1e-9 * np.exp(-energy / gas / t) for t in temperatures]
    found = [Diffusion(v, 0.1 * v, (v,)) for v in values]
    slope, error, level = arrhenius(temperatures, found, 300.0)
    assert slope == pytest.approx(energy, rel=1e-9)
    assert level.median == pytest.approx(1e-9 * np.exp(-energy / gas / 300.0), rel=1e-9)
    x = 1.0 / np.array(temperatures)
    assert error == pytest.approx(0.1 * gas / np.sqrt(np.sum((x - x.mean()) ** 2)), rel=1e-9)
    with pytest.raises(AtomisticError, match="two temperatures at least"):
        arrhenius(temperatures[:1], found[:1], 300.0)


def test_free_particles_in_a_thermostat(bonds: Bonds) -> None:
    """Without forces Langevin dynamics diffuses with kT/(m friction), less the centre's part."""
    from ase.calculators.calculator import Calculator, all_changes
    from ase.units import fs, kB

    from interphase.models.atomistic.crystals.dynamics import Diffusivity
    from interphase.models.atomistic.crystals.potentials import Potential

    class Nothing(Calculator):
        implemented_properties = ["energy", "forces", "stress"]

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3)),
                            "stress": np.zeros(6)}  # fmt: skip

    friction = 0.02
    run = Diffusivity(
        bonds.copper,
        Potential("nothing", Nothing),
        temperature=1000.0,
        ion="Cu",
        steps=2000,
        timestep=5.0,
        friction=friction,
    )
    (value,) = run.run()
    mass = bonds.copper.atoms.get_masses()[0]
    exact = kB * 1000.0 / (mass * friction / fs) * fs  # angstrom^2 per fs
    exact *= (31 - 1) / 31 * 1e-5  # centre of mass at rest; m^2/s
    assert isinstance(value.uncertainty, Range)
    error = (value.uncertainty.high - value.uncertainty.low) / 4.0
    assert value.value == pytest.approx(exact, abs=4.0 * error)
    assert error < 0.3 * exact
    with pytest.raises(AtomisticError, match="is too short for a diffusivity"):
        replace(run, steps=500, every=5, friction=0.1).run()


class Hops:
    """Ions that rattle at their sites and hop into one vacancy, exactly as often as they should."""

    DISTANCE, ENERGY, FACTOR = 2.0, 0.2, 2e-2  # angstrom, eV, hops per fs

    def rate(self, temperature: float) -> float:
        """Return the hops of the vacancy per fs."""
        return self.FACTOR * np.exp(-self.ENERGY / (8.617333262e-5 * temperature))

    def diffusivity(self, temperature: float) -> float:
        """Return the diffusivity of the vacancy [m^2/s]."""
        return self.rate(temperature) * self.DISTANCE**2 / 6.0 * 1e-5

    def trajectory(self, temperature: float, frames: int, interval: float) -> np.ndarray:
        """Return places of 31 ions, each hop against one of the vacancy along an axis."""
        random = np.random.default_rng(int(temperature))
        places = np.zeros((frames, 31, 3))
        for frame, hops in enumerate(random.poisson(self.rate(temperature) * interval, frames)):
            for _ in range(hops):
                step = random.choice((-1.0, 1.0)) * self.DISTANCE
                places[frame:, random.integers(31), random.integers(3)] += step
        return places + random.normal(0.0, 0.1, places.shape)


def test_a_vacancy_hops_as_often_as_all_ions_together(
    bonds: Bonds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its diffusivity and activation energy come out of runs too short for any single ion."""
    from interphase.models.atomistic.crystals.dynamics import Diffusivity, VacancyDiffusivity
    from interphase.models.atomistic.store import Store

    hops = Hops()
    asked: list[float] = []

    def made(self: Diffusivity) -> tuple[np.ndarray, float]:
        asked.append(self.temperature)
        interval = self.every * self.timestep
        frames = self.steps // self.every
        return hops.trajectory(self.temperature, frames, interval), hops.DISTANCE

    monkeypatch.setattr(Diffusivity, "trajectory", made)
    runs = VacancyDiffusivity(
        bonds.copper, bonds.potential, temperatures=(400.0, 1000.0, 1500.0), steps=16_000,
        store=Store(tmp_path / "cache.json"),
    )  # fmt: skip
    found = {one.key: one for one in runs.run()}
    assert asked == [400.0, 1000.0, 1500.0]
    for temperature in (1000.0, 1500.0):
        value = found[f"diffusivity.vacancy in {bonds.copper.name} at {temperature:g} K"]
        assert isinstance(value.uncertainty, Range)
        error = (value.uncertainty.high - value.uncertainty.low) / 4.0
        assert value.value == pytest.approx(hops.diffusivity(temperature), abs=4.0 * error)
        assert error < 0.4 * value.value
    # 0.06 hops per ion and block at 1000 K: refused for the ions, and at 400 K for the vacancy too
    with pytest.raises(AtomisticError, match="too short for a diffusivity"):
        Diffusivity.run(replace(runs, temperature=1000.0))
    assert f"diffusivity.vacancy in {bonds.copper.name} at 400 K" not in found
    law = found[f"activation_energy.vacancy in {bonds.copper.name}"]
    assert isinstance(law.uncertainty, Range)
    error = (law.uncertainty.high - law.uncertainty.low) / 4.0
    assert law.value == pytest.approx(hops.ENERGY * 96485.33, abs=4.0 * error)
    assert error < 0.5 * law.value
    # what is known is not run again, by a process of its own
    del asked[:]
    again = replace(runs, store=Store(tmp_path / "cache.json")).run()
    assert not asked
    assert [one.value for one in again] == [one.value for one in found.values()]
    with pytest.raises(AtomisticError, match="vacancy in .* at 400 K .* too short"):
        replace(runs, temperatures=(400.0,)).run()


def test_the_cell_of_few_atoms_keeps_images_apart(bonds: Bonds) -> None:
    from interphase.models.atomistic.crystals.dynamics import VacancyDiffusivity

    run = VacancyDiffusivity(bonds.copper, bonds.potential, ion="Cu")
    atoms, _ = run.start()
    assert len(atoms) == 2 * 4
    cell = np.asarray(atoms.cell)
    steps = [np.array(n) - 1 for n in np.ndindex(3, 3, 3) if n != (1, 1, 1)]
    reach = min(np.linalg.norm(n @ cell) for n in steps)
    assert reach == pytest.approx(bonds.edge * np.sqrt(2.0), rel=1e-3)


def test_reactions_are_balanced() -> None:
    for equation, stoichiometry in REACTIONS.items():
        check_balance(equation, stoichiometry)
    with pytest.raises(AtomisticError, match="gains 1 O"):
        check_balance("Li2O -> 2 Li + 2 O", {"Li2O": -1.0, "Li": 2.0, "O": 2.0})


def test_tabulated_potentials() -> None:
    """Li2CO3 is reduced to carbon below 1.43 V and to CO below 0.66 V; facts of the tables."""
    pytest.importorskip("janaf")
    from interphase.models.atomistic.crystals.reference import (
        formation,
        potential_against_lithium,
        reaction,
    )

    assert formation("LiF").gibbs == pytest.approx(-588.66e3, abs=10.0)
    assert formation("Li2O").gibbs == pytest.approx(-562.10e3, abs=10.0)
    assert formation("Li2CO3").gibbs == pytest.approx(-1132.12e3, abs=10.0)
    assert formation("LiOH").gibbs == pytest.approx(-438.96e3, abs=20.0)
    for equation, lithium, volts in (
        ("Li2CO3 + 4 Li -> 3 Li2O + C", 4.0, 1.43),
        ("Li2CO3 + 2 Li -> 2 Li2O + CO", 2.0, 0.66),
        ("2 CO2 + 2 Li -> Li2CO3 + CO", 2.0, 2.49),
    ):
        gibbs = reaction(REACTIONS[equation]).gibbs
        assert potential_against_lithium(gibbs, lithium) == pytest.approx(volts, abs=0.01)
    with pytest.raises(AtomisticError, match="'EC' has no NIST-JANAF table"):
        formation("EC")


def test_reaction_of_lithium_has_its_potential(monkeypatch: pytest.MonkeyPatch) -> None:
    """Energies of the tables themselves give back the tabulated potential, term by term."""
    pytest.importorskip("janaf")
    from interphase.models.atomistic.crystals.potentials import Potential
    from interphase.models.atomistic.crystals.reactions import ReactionEnergy
    from interphase.models.atomistic.crystals.reference import formation

    molar = 96485.33212
    monkeypatch.setattr(
        ReactionEnergy, "_energy", lambda self, name: formation(name).enthalpy_0 / molar
    )
    exact = Potential("tables", lambda: None)
    found = {one.name: one for one in ReactionEnergy("Li2CO3 + 4 Li -> 3 Li2O + C", exact).run()}
    potential = found["equilibrium_potential"]
    tabulated = potential.settings["tabulated potential [V]"]
    assert potential.value == pytest.approx(tabulated, abs=1e-9)
    assert tabulated == pytest.approx(1.43, abs=0.01)
    thermal = found["reaction_gibbs_energy"].value - found["reaction_energy"].value
    assert potential.terms["thermal"] == pytest.approx(-thermal / (4.0 * molar))
    assert len(ReactionEnergy("Li2O + CO2 -> Li2CO3", exact).run()) == 2


def test_a_crystal_is_relaxed_once(bonds: Bonds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reactions and defects ask for the same crystals; each relaxation takes minutes."""
    from interphase.models.atomistic.crystals import base

    asked = []
    monkeypatch.setattr(base, "crystal", lambda name: asked.append(name) or bonds.copper)
    fresh = replace(bonds.potential)
    energies = [base.energy_per_unit("Cu", fresh, 1e-3) for _ in range(2)]
    assert asked == ["Cu"]
    # twelve bonds, each shared
    assert energies == pytest.approx([-6.0 * bonds.depths["CuCu"]] * 2, rel=1e-4)
