"""Liquids: the box and its forces, a short run from end to end, what is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("openmm")
pytest.importorskip("ase")

from interphase.models.atomistic.liquids import dynamics
from interphase.models.atomistic.liquids.activation import ActivatedDiffusion
from interphase.models.atomistic.liquids.box import Box, filled
from interphase.models.atomistic.liquids.dynamics import Plan, Trajectory, run
from interphase.models.atomistic.liquids.forcefield import force_field
from interphase.models.atomistic.liquids.properties import LIQUIDS, LiquidProperties
from interphase.models.atomistic.liquids.record import Record, read
from interphase.models.atomistic.result import Computed
from interphase.models.atomistic.store import Store
from interphase.parameters.constants import AVOGADRO
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

QUICK = Plan(settle=1.0, density=1.0, transport=2.4, every=0.024, cutoff=0.55)


def box(numbers: dict[str, int]) -> Box:
    return filled(force_field(), numbers, 7)


def test_bonds_make_the_right_terms() -> None:
    """EC has 17 angles; PF6- 12 of 90 degrees, and no forces within itself but these."""
    made = box({"EC": 1, "Li+": 1, "PF6-": 1})
    system = made.system(0.3)
    stretch, bend, twist, pairs = system.getForces()
    assert system.getNumConstraints() == 4
    assert stretch.getNumBonds() == 6 + 6
    assert bend.getNumAngles() == 17 + 12
    # four chains over each C-O of the carbonyl (2 x 2), six over each C-O and nine over C-C,
    # and the carbonyl's flatness
    assert twist.getNumTorsions() == 4 + 6 + 9 + 1
    charges = [pairs.getParticleParameters(i)[0]._value for i in range(18)]
    assert sum(charges) == pytest.approx(0.0, abs=1e-9)
    assert charges[10] == pytest.approx(0.8)
    total = sum(system.getParticleMass(i)._value for i in range(18))
    assert total == pytest.approx(made.masses().sum())
    assert total == pytest.approx(88.06 + 6.94 + 144.96, abs=0.02)
    inside = [pairs.getExceptionParameters(i) for i in range(pairs.getNumExceptions())]
    fluorine = [one for one in inside if one[0] >= 11]
    assert len(fluorine) == 21 and all(one[2]._value == 0.0 for one in fluorine)


def test_charges_are_screened_in_forces_and_whole_in_currents() -> None:
    """Neutral molecules and ions alike, by one factor; without it for comparison."""
    bare = replace(LIQUIDS["EC"], screening=1.0).force_field
    for field, factor in ((force_field(), 0.8), (bare, 1.0)):
        made = filled(field, {"EC": 1, "Li+": 1, "PF6-": 1}, 7)
        system = made.system(0.3)
        pairs = system.getForces()[-1]
        felt = [pairs.getParticleParameters(i)[0]._value for i in range(18)]
        assert felt == pytest.approx(factor * made.charges())
        assert made.charges()[10] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "angles", "twists"),
    # angles: 6 at a carbon with four bonds, 3 with three, 1 at an ether oxygen. Twists: products of
    # the other bonds at both ends, over C(=O)-O, O-CH3, O-CH2 and C-C, and one flat centre each
    [
        ("EMC", 3 * 6 + 3 + 2, 2 * 2 + 3 + 3 + 9 + 1),
        ("EDC2-", 2 * 6 + 2 * 3 + 2, 2 * 2 + 2 * 3 + 9 + 2),
    ],
)
def test_every_term_of_a_carbonate_has_a_constant(name: str, angles: int, twists: int) -> None:
    field = force_field()
    template = field.template(name)
    assert len(list(field.stretching(template))) == len(template.bonds)
    assert len(list(field.bendings(template))) == angles
    assert len(list(field.twists(template))) == twists
    lengths = [template.length(bond) for bond in template.bonds]
    assert 0.105 < min(lengths) and max(lengths) < 0.155


def test_molecules_are_turned_not_mirrored_and_stand_apart() -> None:
    made = box({"EC": 27})
    wanted = force_field().template("EC").positions
    starts = made.starts()
    volume = np.linalg.det(wanted[[1, 3, 9]] - wanted[0])
    for start, end in zip(starts, starts[1:], strict=False):
        one = made.positions[start:end]
        assert np.linalg.det(one[[1, 3, 9]] - one[0]) == pytest.approx(volume)
    centres = np.array([made.positions[s : s + 10].mean(axis=0) for s in starts[:-1]])
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(27, 1)]
    assert gaps.min() == pytest.approx(0.62)


def test_a_short_run_gives_the_density_and_says_what_it_is_too_short_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the vapour's side: denser than at the start, not yet the liquid (1.32 g/cm3)."""
    liquid = LiquidProperties("EC", {"EC": 27}, QUICK, formula_units=27)
    with caplog.at_level(logging.WARNING):
        found = {one.name: one for one in liquid.run()}
    start = 27 * 88.06e-3 / AVOGADRO / (3 * 0.62e-9) ** 3
    assert start < found["density"].value < 1400.0
    assert found["molar_volume"].value == pytest.approx(88.06e-3 / found["density"].value, rel=1e-3)
    assert set(found) == {"density", "molar_volume"}
    assert "too short for a diffusivity" in caplog.text
    assert "too short for a permittivity" in caplog.text


def test_properties_of_a_made_trajectory() -> None:
    """Free ions of 3 and 7: the cation carries 0.3; the drift of the box does not count."""
    numbers = {"EC": 20, "Li+": 80, "PF6-": 80}
    made = box(numbers)
    random = np.random.default_rng(2)
    diffusivity = np.repeat([5e-10, 3e-10, 7e-10], [20, 80, 80])
    interval, frames = 1e-11, 2000
    steps = random.normal(size=(frames, 180, 3)) * np.sqrt(2 * diffusivity * interval)[:, None]
    centres = np.cumsum(steps, axis=0) + 1e-10 * np.arange(frames)[:, None, None]
    volumes = 1e-26 * (1.0 + 0.01 * random.normal(size=500))
    trajectory = Trajectory(volumes, 1e-26, interval, centres, random.normal(size=(frames, 3)))
    liquid = LiquidProperties("made", numbers, viscosity=1e-3)
    found = {one.key: one for one in liquid.analysed(made, trajectory)}
    at = "made at 313.15 K"
    lithium = found[f"diffusivity.Li+ in {at}"]
    assert lithium.terms["box"] == pytest.approx(3e-10, rel=0.1)
    # what the walls of a box would have taken from each, and currents of both have it too
    taken = lithium.terms["finite size"]
    assert taken == pytest.approx(
        2.837297 * 1.381e-23 * 313.15 / (6 * np.pi * 1e-3 * 1e-26 ** (1 / 3)), rel=1e-3
    )
    carried = (3e-10 + taken) / (10e-10 + 2.0 * taken)
    # 3 % of each
    assert found[f"transference_number.{at}"].value == pytest.approx(carried, abs=0.02)
    free, full = (found[f"ionic_conductivity.{at}{end}"] for end in (", ions alone", ""))
    wanted = 1.602e-19**2 * 80 * 10e-10 / (1e-26 * 1.381e-23 * 313.15)
    assert free.terms["box"] == pytest.approx(wanted, rel=0.1)
    assert free.terms["finite size"] == pytest.approx(wanted * 2.0 * taken / 10e-10, rel=1e-3)
    plain = replace(liquid, viscosity=None).analysed(made, trajectory)
    alone = {one.key: one for one in plain}
    assert alone[f"transference_number.{at}"].value == pytest.approx(0.3, abs=0.02)
    assert alone[f"ionic_conductivity.{at}, ions alone"].value == pytest.approx(free.terms["box"])
    assert full.value == pytest.approx(wanted, rel=0.7)  # one walker: its error is a quarter


def test_a_current_needs_no_ion_to_go_far_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Cations too slow for a value of their own are refused, the current of all is not."""
    numbers = {"EC": 1, "Li+": 8, "PF6-": 8}
    made = box(numbers)
    diffusivity = np.repeat([1e-12, 1e-12, 3e-10], [1, 8, 8])
    interval, frames = 4e-12, 1000
    steps = np.random.default_rng(4).normal(size=(frames, 17, 3))
    steps *= np.sqrt(2 * diffusivity * interval)[:, None]
    trajectory = Trajectory(
        np.linspace(1e-26, 2e-26, 500), 1e-26, interval, np.cumsum(steps, axis=0), steps[:, 0]
    )
    with caplog.at_level(logging.WARNING):
        values = LiquidProperties("made", numbers).analysed(made, trajectory)
    found = {one.key: one for one in values}
    assert "Li+ in made at 313.15 K" in caplog.text
    assert "ionic_conductivity.made at 313.15 K, ions alone" not in found
    full = found["ionic_conductivity.made at 313.15 K"]
    assert isinstance(full.uncertainty, Range)
    error = (full.uncertainty.high - full.uncertainty.low) / 4.0
    wanted = 1.602e-19**2 * 8 * 3.01e-10 / (1e-26 * 1.381e-23 * 313.15)
    assert full.value == pytest.approx(wanted, abs=4.0 * error)


def test_the_permittivity_adds_what_screens_the_charges() -> None:
    """Dipoles of random size: 1/0.8^2 of the electrons, the rest by the fluctuation."""
    made = box({"EC": 8})
    dipoles = 1e-28 * np.random.default_rng(3).normal(size=(4000, 3))
    still = np.zeros((500, 8, 3))
    trajectory = Trajectory(np.linspace(1e-27, 2e-27, 500), 1e-27, 1e-12, still, dipoles)
    found = {
        one.name: one for one in LiquidProperties("made", {"EC": 8}).analysed(made, trajectory)
    }
    terms = found["relative_permittivity"].terms
    assert terms["electrons"] == pytest.approx(1.5625)
    wanted = 3e-56 / (3.0 * 8.854e-12 * 1e-27 * 1.381e-23 * 313.15)
    assert terms["molecules"] == pytest.approx(wanted, rel=0.05)  # 4000 samples of three


class Walkers(LiquidProperties):
    """A liquid whose ions walk freely with a known activation energy, anions not at all."""

    ENERGY = 30e3

    def run(self) -> tuple[Computed, ...]:
        """Return the properties of a made trajectory."""
        made = box({"EDC2-": 20, "Li+": 40})
        random = np.random.default_rng(int(self.plan.temperature))
        diffusivity = 1e-7 * np.exp(-self.ENERGY / (8.314 * self.plan.temperature))
        steps = random.normal(size=(2000, 60, 3)) * np.sqrt(2 * diffusivity * 1e-12)
        steps[:, :20] *= 1e-3
        volumes = 1e-26 * (1.0 + 0.01 * random.normal(size=500))
        centres = np.cumsum(steps, axis=0)
        return self.analysed(made, Trajectory(volumes, 1e-26, 1e-12, centres, steps[:, 0]))


def test_an_activation_energy_is_found_while_anions_stand(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What does not move is left out alone; at 250 K nothing moves enough."""
    liquid = Walkers("glass", {"EDC2-": 20, "Li+": 40}, formula_units=20)
    with caplog.at_level(logging.WARNING):
        values = ActivatedDiffusion(liquid, "Li+", (250.0, 600.0, 700.0, 800.0)).run()
    found = {one.key: one for one in values}
    assert "EDC2- in glass at 600 K" in caplog.text
    assert "diffusivity.Li+ in glass at 250 K" not in found
    law = found["activation_energy.Li+ in glass"]
    assert law.settings["temperature"] == [600.0, 700.0, 800.0]
    spread = law.uncertainty
    assert isinstance(spread, Range)
    assert law.value == pytest.approx(Walkers.ENERGY, abs=spread.high - spread.low)
    assert spread.high - spread.low < 0.5 * Walkers.ENERGY
    cold = found["diffusivity.Li+ in glass at 298.15 K"]
    assert cold.value == pytest.approx(1e-7 * np.exp(-Walkers.ENERGY / (8.314 * 298.15)), rel=0.5)
    few = ActivatedDiffusion(liquid, "Li+", (250.0, 800.0)).run()
    assert all(one.name != "activation_energy" for one in few)


class KilledError(Exception):
    """A process that ends."""


def dying(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let the next run end after so many calls of the integrator."""
    left = iter(range(steps))
    whole = dynamics._steps

    def some(context: Any, plan: Plan, duration: float) -> None:
        if next(left, None) is None:
            raise KilledError
        whole(context, plan, duration)

    monkeypatch.setattr(dynamics, "_steps", some)


# two calls settle the box, 20 frames follow its volume, one settles it again, 40 frames follow
@pytest.mark.parametrize(("steps", "volumes", "frames"), [(14, 10, 0), (40, 20, 10)])
def test_a_run_that_was_killed_goes_on_from_its_record(
    steps: int, volumes: int, frames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was written is run again, and the first new frame follows the last old one."""
    made, file = box({"EC": 12}), tmp_path / "cache.json"
    plan = Plan(settle=1.0, density=0.48, transport=0.96, every=0.024, cutoff=0.55)
    monkeypatch.setattr(dynamics, "_KEPT", 10)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        dying(patch, steps)
        run(made, plan, Store(file))
    (path,) = tmp_path.glob("cache.*.npz")
    with np.load(path) as left:
        old = {name: left[name] for name in ("volumes", "centres", "seconds")}
    assert (len(old["volumes"]), len(old["centres"])) == (volumes, frames)
    store = Store(file)
    found = run(made, plan, store)
    assert store.saved == pytest.approx(float(old["seconds"])) and store.saved > 0.0
    assert len(found.volumes) == 20 and len(found.centres) == 40
    assert found.volumes[:volumes] * 1e27 == pytest.approx(old["volumes"], rel=1e-12)
    if frames:
        assert found.centres[:frames] * 1e9 == pytest.approx(old["centres"], rel=1e-12)
        moves = np.linalg.norm(np.diff(found.centres, axis=0), axis=2).mean(axis=1)
        assert moves[frames - 1] < 2.0 * moves.mean()
    longer = run(made, replace(plan, transport=1.44), Store(file))
    assert len(longer.centres) == 60
    assert longer.centres[:40] == pytest.approx(found.centres)
    # and of a longer run a shorter one is a part
    again = run(made, plan, Store(file))
    assert again.centres == pytest.approx(found.centres)


def test_records_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cache.npz"
    Record(volumes=[1.0], edge=1.0).write(path, "one")
    assert read(path, "one").volumes == [1.0]
    with pytest.raises(AtomisticError, match="is of another run"):
        read(path, "another")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(AtomisticError, match=r"cache.npz cannot be read: .*; delete it"):
        read(path, "one")
    with pytest.raises(AtomisticError, match="cannot write record"):
        Record().write(tmp_path / "none" / "cache.npz", "one")


def test_bad_boxes_are_refused() -> None:
    with pytest.raises(AtomisticError, match=r"carries a charge of \+1 e"):
        box({"EC": 2, "Li+": 1})
    with pytest.raises(AtomisticError, match="'FEC' has no force field"):
        box({"FEC": 2})
    with pytest.raises(AtomisticError, match="smaller than twice the cutoff"):
        run(box({"EC": 8}), replace(QUICK, cutoff=0.85))


def test_named_liquids_are_neutral_and_large_enough() -> None:
    """Twice the cutoff must fit into the liquid's cube at 1.3 g/cm3."""
    for liquid in LIQUIDS.values():
        made = box(dict(liquid.numbers))
        edge = (made.masses().sum() * 1e-3 / AVOGADRO / 1300.0) ** (1 / 3) * 1e9
        assert edge > 2.0 * liquid.plan.cutoff
