"""Molecules: one small one from end to end, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("pyscf")
pytest.importorskip("rdkit")
pytest.importorskip("tblite")

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.molecules.cycle import (
    TERMS,
    Cycle,
    ReactionGibbs,
    ReductionPotential,
)
from interphase.models.atomistic.molecules.dft import HARTREE, LEVELS, Level, level
from interphase.models.atomistic.molecules.electron import (
    ElectronTransfer,
    Orbitals,
    cavity_radius,
    solvent_reorganisation,
)
from interphase.models.atomistic.molecules.molecule import (
    Molecule,
    build,
    molecule,
    molecule_names,
)
from interphase.models.atomistic.molecules.phases import evaporated
from interphase.models.atomistic.molecules.reactions import GIBBS, REDUCTIONS
from interphase.models.atomistic.molecules.thermo import (
    rigid_gibbs,
    vibrational_gibbs,
    zero_point_energy,
)
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

SMALL = Level("HF", "sto-3g")


def test_electrons_must_pair() -> None:
    with pytest.raises(AtomisticError, match=r"EC: 46 electrons \(even\) cannot have 1 unpaired"):
        replace(molecule("EC"), unpaired=1)
    with pytest.raises(AtomisticError, match=r"Li: 3 electrons \(odd\) cannot have 0 unpaired"):
        Molecule("Li", ("Li",), np.zeros((1, 3)))


def test_overlapping_atoms_are_refused() -> None:
    with pytest.raises(AtomisticError, match=r"LiF: atoms 0 \(Li\) and 1 \(F\) overlap"):
        Molecule("LiF", ("Li", "F"), np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]))


def test_every_named_molecule_can_be_built() -> None:
    """With its lithium at a distance of a bond from oxygen or fluorine."""
    for name in molecule_names():
        one = molecule(name)
        for i, symbol in enumerate(one.symbols):
            if symbol == "Li" and len(one.symbols) > 1:
                distances = np.delete(np.linalg.norm(one.positions - one.positions[i], axis=1), i)
                assert distances.min() == pytest.approx(1.85, abs=0.06), name
    with pytest.raises(AtomisticError, match="molecule 'ECC' is not known; did you mean 'EC'"):
        molecule("ECC")
    with pytest.raises(AtomisticError, match="'C1CC' is no SMILES"):
        build("ring", "C1CC", 0, 0, 0)
    with pytest.raises(AtomisticError, match="no oxygen or fluorine for another lithium"):
        build("LiC2H4", "C=C", 1, 1, 0)


def test_named_reactions_are_balanced() -> None:
    every = dict(REDUCTIONS) | {name: (one, 0) for name, one in GIBBS.items()}
    assert len(every) == len(REDUCTIONS) + len(GIBBS)
    for name, (stoichiometry, electrons) in every.items():
        assert "," not in name  # commas part names on the command line
        one = Cycle(name, stoichiometry, SMALL, electrons)
        parts, _ = evaporated(stoichiometry)
        one._check_balance({part: molecule(part) for part in parts}, parts)
    with pytest.raises(AtomisticError, match=r"wrong: not balanced: -1 O, charge \+1"):
        Cycle("wrong", {"CO2": -1, "CO": 1}, SMALL, 1).contributions()


def test_free_atom_has_its_tabulated_entropy() -> None:
    """Argon at 298.15 K and 1 bar: 154.85 J/mol/K (NIST-JANAF), enthalpy 5/2 RT."""
    argon = Molecule("Ar", ("Ar",), np.zeros((1, 3)), gas=True)
    gas, temperature = 8.314462618, 298.15
    gibbs = rigid_gibbs(argon, temperature) * 96485.33
    assert gibbs == pytest.approx(2.5 * gas * temperature - temperature * 154.85, abs=3.0)


def test_vibrations_of_carbon_dioxide() -> None:
    """Four vibrations; zero-point energy 0.31 eV (667, 667, 1333, 2349 1/cm), GFN2 within 5 %."""
    xtb = XTB(None)
    linear = molecule("CO2-")
    with pytest.raises(AtomisticError, match="this is no minimum"):
        xtb.wavenumbers(linear)
    found = xtb.wavenumbers(xtb.relaxed(molecule("CO2")))
    assert len(found) == 4
    measured = np.array([667.0, 667.0, 1333.0, 2349.0])
    assert zero_point_energy(found) == pytest.approx(zero_point_energy(measured), rel=0.05)
    # nearly all of the free energy is the bend's: kT ln(1 - exp(-h nu/kT)), twice
    assert vibrational_gibbs(measured, 298.15) == pytest.approx(-0.0021, abs=2e-4)
    # a soft mode counts as one of 100/cm, so it cannot run away
    assert vibrational_gibbs(np.array([1e-3]), 298.15) == vibrational_gibbs(
        np.array([100.0]), 298.15
    )


def test_lithium_atom_by_hartree_fock() -> None:
    """Ionisation energy of Li by HF at its limit is 0.1963 hartree; no relaxation, no vibration."""
    found = Cycle(
        "Li+ + e- -> Li", {"Li+": -1, "Li": 1}, Level("HF", "def2-qzvp"), 1, terms=TERMS[:4]
    ).contributions()
    assert found["electronic"] == pytest.approx(-0.1963 * 27.2114, abs=0.02)
    # two spins in place of one
    assert found["thermal"] == pytest.approx(-0.0257 * np.log(2.0), abs=1e-4)
    assert found["zero_point"] == 0.0
    # Born: the ion is the one that the solvent holds
    assert found["solvation"] > 2.0


def test_reduction_of_carbon_dioxide_end_to_end() -> None:
    """Terms add up, can be left out, and each has the sign that it must have."""
    whole = ReductionPotential("CO2", REDUCTIONS["CO2"][0], SMALL, 1)
    (value,) = whole.run()
    assert set(value.terms) == {*TERMS, "reference Li/Li+"}
    assert value.value == pytest.approx(sum(value.terms.values()))
    assert value.terms["reference Li/Li+"] == -1.40
    assert value.terms["solvation"] > 1.0  # an ion in a solvent
    assert abs(value.terms["zero_point"]) < 0.15
    (bare,) = replace(whole, terms=("electronic",)).run()
    assert bare.value == pytest.approx(value.terms["electronic"] - 1.40)
    assert bare.settings["left out"] == list(TERMS[1:])
    # no lithium, one shape
    assert value.terms["explicit_shell"] == 0.0
    assert value.terms["conformers"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(AtomisticError, match="term 'solvaton' is not known; did you mean 'solv"):
        replace(whole, terms=("solvaton",)).run()
    with pytest.raises(AtomisticError, match="a reduction consumes electrons"):
        replace(whole, electrons=0).run()


def test_four_points_of_carbon_dioxide() -> None:
    """The anion bends: adiabatic above vertical, and a large reorganisation energy."""
    values = {one.key: one for one in ElectronTransfer("CO2", SMALL).run()}
    vertical = values["electron_affinity.CO2 vertical"].value
    adiabatic = values["electron_affinity.CO2 adiabatic"].value
    reorganisation = values["reorganisation_energy.CO2"]
    assert adiabatic > vertical
    assert reorganisation.value == pytest.approx(
        (adiabatic - vertical) / 2.0
        + reorganisation.terms["without"]
        + reorganisation.terms["solvent"]
    )
    bent = XTB().relaxed(molecule("CO2-")).atoms()
    assert 125.0 < bent.get_angle(1, 0, 2) < 150.0 or 125.0 < bent.get_angle(0, 1, 2) < 150.0
    assert reorganisation.terms["without"] > 0.5


def test_fields_that_do_not_settle_are_named() -> None:
    """All attempts of the recipe are made, then molecule, settings and recipe are said."""
    hard = Level("HF", "sto-3g", cycles=1)
    with pytest.raises(
        AtomisticError,
        match=r"CO2-: HF/sto-3g in vacuum, charge -1, 1 unpaired.*DIIS, level shift.*second order",
    ):
        hard.energy(XTB().relaxed(molecule("CO2-")))


def test_later_attempts_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that plain DIIS leaves unsettled is taken up by the next attempt."""
    from interphase.models.atomistic.molecules import dft

    def stopped(mean_field: object) -> object:
        mean_field.kernel = lambda guess: 0.0  # type: ignore[attr-defined]
        mean_field.make_rdm1 = lambda: None  # type: ignore[attr-defined]
        return mean_field

    one = XTB().relaxed(molecule("CO2"))
    right = Level("HF", "sto-3g").energy(one)
    monkeypatch.setattr(dft, "RECIPE", {**dft.RECIPE, "DIIS": stopped})
    assert Level("HF", "sto-3g").energy(one) == pytest.approx(right, abs=1e-5)


def test_paired_electrons_need_one_set_of_orbitals() -> None:
    """Energy, density and orbitals as with two; the solvent's field starts from vacuum's."""
    one = XTB().relaxed(molecule("CO2"))
    found = SMALL.field(one)
    assert found.matrices.ndim == 2
    both = load("pyscf.scf").UHF(SMALL.system(one)).density_fit()
    assert both.kernel() / found.energy * HARTREE == pytest.approx(1.0, rel=1e-9)
    assert both.make_rdm1().sum(axis=0) == pytest.approx(found.density, abs=1e-4)
    assert found.homo == pytest.approx(both.mo_energy[0][both.mo_occ[0] > 0].max() * HARTREE, 1e-5)
    started = Level("HF", "sto-3g").energy(one, solvated=True)
    assert SMALL.energy(one, solvated=True) == pytest.approx(started, abs=1e-6)
    odd = SMALL.field(XTB().relaxed(molecule("CO2-")))
    assert odd.matrices.ndim == 3 and odd.density.ndim == 2


def test_energies_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, found = molecule("CO2"), Level("HF", "sto-3g")
    first = found.energy(one)
    monkeypatch.setattr(Level, "_solved", lambda *_: pytest.fail("computed again"))
    assert found.energy(one) == first
    # reactions share molecules: the same level knows them all, the shipped one stays clean
    assert level("hf") is level("hf") and level("hf") is not LEVELS["hf"]


def test_reaction_without_electrons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the reaction, twice the energy."""
    once = ReactionGibbs("a", {"CO2": -1, "CO2-": 1, "Li": -1, "Li+": 1}, SMALL,
                        terms=TERMS[:4])  # fmt: skip
    twice = replace(once, stoichiometry={n: 2 * nu for n, nu in once.stoichiometry.items()})
    assert twice.run()[0].value == pytest.approx(2.0 * once.run()[0].value)


def test_charges_give_the_dipole_of_the_field() -> None:
    """Fitted to the potential, they give its dipole; equal atoms share a charge."""
    from interphase.models.atomistic.molecules.charges import equal_atoms, esp_charges

    one = XTB().relaxed(molecule("EC"))
    kinds = equal_atoms(one)
    # C=O oxygen, carbonyl, two ring oxygens, two carbons, four hydrogens
    assert sorted(np.bincount(kinds)) == [1, 1, 2, 2, 4]
    charges = esp_charges(one, SMALL)
    assert charges.sum() == pytest.approx(0.0, abs=1e-9)
    for kind in range(5):
        assert np.ptp(charges[kinds == kind]) == pytest.approx(0.0, abs=1e-12)
    system = SMALL.system(one)
    nuclei = system.atom_charges() @ one.positions
    electrons = np.einsum("xij,ij->x", system.intor("int1e_r"), SMALL.field(one).density)
    dipole = nuclei - electrons * 0.529177210903
    # the fit sees the potential from 1.4 radii on, quadrupoles of lone pairs included: 3 % here
    assert charges @ one.positions == pytest.approx(dipole, abs=0.05 * np.linalg.norm(dipole))
    ion = replace(molecule("Li+"), name="ion")
    assert esp_charges(ion, SMALL) == pytest.approx([1.0])


def test_orbitals_of_an_atom() -> None:
    """Helium-like Li+ in a minimal basis: one orbital is full; Koopmans, 2.79 hartree."""
    found = {one.of: one for one in Orbitals("Li+", Level("HF", "def2-qzvp")).run()}
    assert found["Li+ HOMO"].value == pytest.approx(-2.7924 * 27.2114, rel=1e-3)
    assert found["Li+ LUMO"].value > found["Li+ HOMO"].value + 50.0


def test_solvent_reorganisation_is_that_of_a_sphere() -> None:
    """One sphere of 0.3 nm far from the electrode: e^2/(8 pi eps0 a) (1/eps_op - 1/eps)."""
    found = solvent_reorganisation(3.0, 1e9, 2.0, 20.0)
    assert found == pytest.approx(14.399645 / 6.0 * (0.5 - 0.05))
    # the image in the metal takes back half at contact
    assert solvent_reorganisation(3.0, 3.0, 2.0, 20.0) == pytest.approx(found / 2.0)
    # a sphere has its own radius; two atoms on each other's edge less than both apart
    assert cavity_radius(replace(molecule("Li+"), name="ion")) == pytest.approx(1.82, rel=0.02)
    assert 2.5 < cavity_radius(XTB().relaxed(molecule("EC"))) < 3.0
