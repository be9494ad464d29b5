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
    molecule,
    surround,
)
from interphase.models.atomistic.molecules.shell import ExplicitShell
from interphase.models.atomistic.molecules.thermo import gibbs
from interphase.models.atomistic.molecules.xtb import XTB

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


def test_other_shapes_lower_the_free_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glycol folds to a hydrogen bond; two equal shapes are worth kT ln 2; one is worth nothing."""
    thermal = 8.617333e-5 * 298.15
    glycol = XTB().relaxed(molecule("(CH2OH)2"))
    levels = Conformers(XTB(), starts=4).levels(glycol)
    assert levels[0] == 0.0 and len(levels) > 1
    found = Conformers(XTB(), starts=4).energy(glycol)
    assert found == pytest.approx(-thermal * np.log(np.sum(np.exp(-np.array(levels) / thermal))))
    assert found < 0.0
    monkeypatch.setattr(Conformers, "levels", lambda *_: [0.0, 0.0])
    assert Conformers(SOFT).energy(glycol) == pytest.approx(-thermal * np.log(2.0), rel=1e-5)
    monkeypatch.undo()
    assert Conformers(SOFT, starts=2).energy(SOFT.relaxed(molecule("CO2"))) == pytest.approx(
        0.0, abs=1e-12
    )
