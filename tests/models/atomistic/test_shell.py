"""Solvents of their own around lithium, and other shapes of a molecule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("rdkit")
pytest.importorskip("tblite")

from interphase.models.atomistic.molecules.conformers import Conformers
from interphase.models.atomistic.molecules.molecule import (
    Molecule,
    covalent_bonds,
    drawn_bonds,
    molecule,
    molecule_names,
    surround,
)
from interphase.models.atomistic.molecules.shell import ExplicitShell
from interphase.models.atomistic.molecules.thermo import gibbs
from interphase.models.atomistic.molecules.xtb import XTB, is_linear
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

SOFT = XTB(fmax=0.1)


def test_a_solvent_points_its_oxygen_at_the_ion() -> None:
    """At a bond's length, all else of it farther away; atoms, charge and bonds add up."""
    ion, solvent = molecule("Li+"), molecule("EC")
    one = surround(ion, 0, solvent)
    two = surround(one, 0, solvent)
    distance = np.linalg.norm(two.positions[1:] - two.positions[0], axis=1)
    oxygen = [i for i, d in enumerate(distance) if d == pytest.approx(1.95, abs=1e-6)]
    assert [two.symbols[1 + i] for i in oxygen] == ["O", "O"]
    assert np.delete(distance, oxygen).min() > 2.5
    assert two.charge == 1 and two.electrons == ion.electrons + 2 * solvent.electrons
    assert len(covalent_bonds(two)) == 2 * len(covalent_bonds(solvent))


def test_shell_is_the_lowest_of_its_clusters() -> None:
    """By hand: G of the cluster less those of ion and liquid EC; none without lithium, or a gas."""
    shell = ExplicitShell(SOFT, neighbours=1, starts=1)
    ion = molecule("Li+")
    changes = shell.changes(ion)
    solvent = SOFT.relaxed(molecule("EC"))
    cluster = SOFT.relaxed(surround(ion, 0, solvent))
    parts = [gibbs(one, SOFT, 298.15) for one in (cluster, ion, solvent)]
    thermal = 8.617333e-5 * 298.15
    wanted = parts[0] - parts[1] - parts[2] - thermal * np.log(15.0)
    assert changes == pytest.approx([0.0, wanted], abs=1e-6)
    # an ion without neighbours is held by about the energy of one strong bond
    assert -2.5 < shell.energy(ion) == min(changes) < -1.0
    assert shell.energy(solvent) == 0.0
    assert shell.energy(replace(ion, gas=True)) == 0.0


def test_a_shell_that_takes_the_electron_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one whose solute falls apart."""
    shell = ExplicitShell(SOFT, neighbours=1, starts=1)
    ion = molecule("Li+")
    count = 10
    monkeypatch.setattr(XTB, "charges", lambda _, one: np.full(len(one.symbols), -0.5 / count))
    assert shell.changes(ion) == [0.0]
    monkeypatch.undo()
    salt = Molecule("LiF", ("Li", "H", "F"), np.array([[0, 0, 0], [9.0, 0, 0], [9.95, 0, 0]]), 1)

    def torn(_: XTB, one: Molecule) -> Molecule:
        if len(one.symbols) < 13:
            return one
        places = one.positions.copy()
        places[1] += (0.0, 3.0, 0.0)
        return one.moved(places)

    monkeypatch.setattr(XTB, "relaxed", torn)
    monkeypatch.setattr(XTB, "wavenumbers", lambda *_: np.zeros(1))
    assert shell.changes(salt) == [0.0]


def test_energy_is_that_of_the_best_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glycol folds to a hydrogen bond; two equal shapes are worth kT ln 2; one is worth nothing."""
    thermal = 8.617333e-5 * 298.15
    shapes = Conformers(XTB(), starts=4)
    levels = {one[0]: one[1] for one in shapes.levels("(CH2OH)2")}
    assert len(levels) > 1 and min(levels, key=lambda seed: levels[seed]) > 0
    best = shapes.best("(CH2OH)2")
    assert gibbs(best, XTB(), 298.15) == pytest.approx(min(levels.values()), abs=1e-6)
    found = shapes.energy(best)
    above = np.array(list(levels.values())) - min(levels.values())
    assert found == pytest.approx(-thermal * np.log(np.sum(np.exp(-above / thermal))))
    assert found < 0.0
    monkeypatch.setattr(Conformers, "levels", lambda *_: [[0.0, 5.0], [3.0, 5.0]])
    assert Conformers(SOFT).energy(best) == pytest.approx(-thermal * np.log(2.0), rel=1e-5)
    monkeypatch.undo()
    gas = Conformers(SOFT, starts=2).best("CO2(g)")
    assert gas.gas and Conformers(SOFT, starts=2).energy(gas) == pytest.approx(0.0, abs=1e-12)


def test_bridged_ethylene_dicarbonate_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lithium between two carboxylates is more than 1 eV below lithium at one each."""
    monkeypatch.setattr(XTB, "wavenumbers", lambda *_: np.zeros(1))
    shapes = Conformers(SOFT, starts=1)
    stretched = SOFT.relaxed(molecule("Li2EDC"))
    gain = SOFT.energy(shapes.best("Li2EDC")) - SOFT.energy(stretched)
    assert gain < -1.0


def test_shapes_keep_their_bonds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that breaks is no shape; one turned in space is no other shape."""

    def torn(_: XTB, one: Molecule) -> Molecule:
        return one.moved(one.positions * 2.0)

    monkeypatch.setattr(XTB, "relaxed", torn)
    with pytest.raises(AtomisticError, match="H2O: none of 3 starts .* bonds of its SMILES"):
        Conformers(SOFT, starts=2).levels("H2O")
    monkeypatch.undo()
    assert len(Conformers(XTB()).levels("Li2O")) == 1


def test_named_molecules_have_the_bonds_of_their_smiles() -> None:
    """By the distances of their first geometry; fluorines of PF6- start off their places."""
    for name in set(molecule_names()) - {"PF6-", "LiPF6"}:
        assert covalent_bonds(molecule(name)) == drawn_bonds(name), name
    assert len(drawn_bonds("PF6-")) == 6


def test_nearly_straight_molecules_have_the_modes_of_straight_ones() -> None:
    """Seen: Li2O at 178.7 and at 179.5 degrees differed by 0.04 eV in free energy."""
    start = molecule("Li2O")
    for bend in (0.0, 0.02):
        one = start.moved(np.array([[0.0, bend, 0.0], [1.6, 0.0, 0.0], [-1.6, 0.0, 0.0]]))
        assert is_linear(one.positions)
        assert len(XTB().wavenumbers(one)) == 4
    assert not is_linear(np.array([[0.0, 0.2, 0.0], [1.6, 0.0, 0.0], [-1.6, 0.0, 0.0]]))
