"""Crystals: every property of nearest-neighbour bonds has an exact answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("ase")

from interphase.models.atomistic.crystals import surfaces
from interphase.models.atomistic.crystals.base import CrystalCalculation
from interphase.models.atomistic.crystals.defects import (
    InterstitialFormation,
    VacancyFormation,
    VacancyMigration,
    VacancyMigrationBand,
)
from interphase.models.atomistic.crystals.elastic import ElasticTensor, isotropic_averages
from interphase.models.atomistic.crystals.lattice import Lattice, birch_murnaghan
from interphase.models.atomistic.crystals.potentials import Potential, potential
from interphase.models.atomistic.crystals.relax import EV_PER_A2, EV_PER_A3, relax
from interphase.models.atomistic.crystals.structures import crystal, crystal_names
from interphase.models.atomistic.crystals.surfaces import (
    InterfaceEnergy,
    SurfaceEnergy,
    non_polar_slab,
    strain_between,
)
from interphase.models.atomistic.registry import recipe
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from tests.models.atomistic.conftest import Bonds

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")


def only(values: tuple[Computed, ...]) -> float:
    """Return the value of a calculation that gives one."""
    (value,) = values
    return value.value


def test_lattice_of_bonds(bonds: Bonds) -> None:
    """Bonds rest at their own length; B is a third of C11 + 2 C12, both known (below)."""
    values = {one.key: one.value for one in Lattice(bonds.copper, bonds.potential, 1e-4).run()}
    assert values["lattice_parameter.Cu"] == pytest.approx(0.1 * bonds.edge, rel=1e-4)
    assert values["molar_volume.Cu"] == pytest.approx(
        (bonds.edge * 1e-10) ** 3 / 4 * 6.02214076e23, rel=3e-4
    )
    along = np.sqrt(2.0) * bonds.stiffness / bonds.distance * EV_PER_A3 / 1e9
    # third-order fit over +-4 % of a Morse well: the fourth order is 1 % of the curvature
    assert values["bulk_modulus.Cu"] == pytest.approx(along * 2.0 / 3.0, rel=0.01)


def test_equation_of_state_is_exact_on_its_own_curve() -> None:
    """A curve made by the equation itself gives back its volume and modulus."""
    volume, modulus, slope = 40.0, 0.5, 4.7
    v = np.linspace(37.0, 46.0, 7)  # not around the minimum
    x = (volume / v) ** (2.0 / 3.0)
    e = 9.0 * volume * modulus / 16.0 * ((x - 1) ** 3 * slope + (x - 1) ** 2 * (6 - 4 * x))
    assert birch_murnaghan(v, e) == pytest.approx((volume, modulus), rel=1e-9)
    with pytest.raises(AtomisticError, match="no minimum between the volumes"):
        birch_murnaghan(v[:4] - 6.0, 10.0 - v[:4])


def test_elastic_constants_of_bonds(bonds: Bonds) -> None:
    """Central forces between fcc nearest neighbours: C11 = sqrt(2) k/r, C12 = C44 = C11/2."""
    found = ElasticTensor(bonds.copper, bonds.potential, 1e-4, strain=1e-3).run()
    values = {one.key: one.value for one in found}
    along = np.sqrt(2.0) * bonds.stiffness / bonds.distance * EV_PER_A3 / 1e9
    for name, wanted in (("C11", along), ("C12", along / 2.0), ("C44", along / 2.0)):
        assert values[f"elastic_constant.Cu {name}"] == pytest.approx(wanted, rel=1e-3)


def test_isotropic_averages() -> None:
    """An isotropic tensor has no spread; copper's is 109 to 145 GPa (C of 168, 121, 75 GPa)."""
    lame, shear = 60.0, 40.0
    tensor = np.diag([2.0 * shear] * 3 + [shear] * 3)
    tensor[:3, :3] += lame
    young = shear * (3 * lame + 2 * shear) / (lame + shear)
    assert isotropic_averages(tensor)["youngs_modulus"] == pytest.approx((young, young))
    assert isotropic_averages(tensor)["shear_modulus"] == pytest.approx((shear, shear))
    c11, c12, c44 = 168.0, 121.0, 75.0
    cubic = np.diag([c11 - c12] * 3 + [c44] * 3)
    cubic[:3, :3] += c12
    low, high = isotropic_averages(cubic)["shear_modulus"]
    # the closed forms for cubic crystals
    assert high == pytest.approx((c11 - c12 + 3 * c44) / 5.0)
    assert low == pytest.approx(5 * (c11 - c12) * c44 / (4 * c44 + 3 * (c11 - c12)))
    with pytest.raises(AtomisticError, match="makes the crystal unstable"):
        isotropic_averages(np.diag([1.0, 1.0, 1.0, 1.0, 1.0, -0.1]))


@pytest.mark.parametrize(("face", "cut", "area"), [((1, 0, 0), 4, 0.5), ((1, 1, 1), 3, 0.4330127)])
def test_surface_energy_of_bonds(
    face: tuple[int, int, int], cut: int, area: float, bonds: Bonds
) -> None:
    """An atom of the face loses 4 bonds on (100), 3 on (111); nothing relaxes."""
    values = SurfaceEnergy(bonds.copper, bonds.potential, 1e-3, face=face).run()
    wanted = cut * bonds.depths["CuCu"] / 2.0 / (area * bonds.edge**2) * EV_PER_A2
    assert only(values) == pytest.approx(wanted, rel=1e-3)
    assert values[0].terms["relaxation"] == pytest.approx(0.0, abs=1e-3 * wanted)


def test_interface_energy_of_bonds(bonds: Bonds) -> None:
    """Across (100) each atom has 4 mixed bonds in place of half of either kind."""
    found = InterfaceEnergy(bonds.copper, bonds.potential, 1e-3, other=bonds.nickel).run()
    mean = (bonds.depths["CuCu"] + bonds.depths["NiNi"]) / 2.0
    wanted = 4 * (mean - bonds.depths["CuNi"]) / (0.5 * bonds.edge**2) * EV_PER_A2
    assert only(found) == pytest.approx(wanted, rel=1e-3)
    with pytest.raises(AtomisticError, match="mix or are one"):
        InterfaceEnergy(bonds.copper, bonds.potential, other=bonds.copper).run()
    with pytest.raises(AtomisticError, match="the cells differ by 41 %"):
        InterfaceEnergy(bonds.copper, bonds.potential, other=bonds.nickel, face=(1, 1, 0)).run()


def test_the_second_is_put_where_it_is_lowest(
    bonds: Bonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that was cut half an edge aside costs the same: hollows are found; else none is."""
    run = InterfaceEnergy(bonds.copper, bonds.potential, other=bonds.nickel, places=2)
    (right,) = run.run()
    whole = surfaces.stacked

    def aside(lower, upper, shift):
        return whole(lower, upper, [shift[0] + 0.5, shift[1]])

    monkeypatch.setattr(surfaces, "stacked", aside)
    (found,) = run.run()
    assert found.value == pytest.approx(right.value, abs=2e-3)
    # half both edges is a step of the lattice
    assert sum(right.settings["shift of the second"]) in (0.0, 1.0)
    assert sum(found.settings["shift of the second"]) == 0.5

    def sunk(lower, upper, shift):
        both = whole(lower, upper, shift)
        both.positions[-1] = both.positions[0] + 0.1
        return both

    monkeypatch.setattr(surfaces, "stacked", sunk)
    with pytest.raises(AtomisticError, match="the second fits nowhere on the first: .* overlap"):
        run.run()


def test_named_interfaces_fit() -> None:
    """Their bases, of the lattices to start from, differ by less than the rule allows."""
    known = recipe("interface_energy")
    for name in known.materials:
        one = known.build(name, known.methods[0])
        assert isinstance(one, InterfaceEnergy) and one.other is not None
        lower = non_polar_slab(one.crystal, one.face, one.thickness).repeat((*one.repeat, 1))
        upper = non_polar_slab(one.other, one.other_face, one.thickness)
        strain = strain_between(lower, upper.repeat((*one.other_repeat, 1)))
        assert strain < 0.09, f"{name}: {strain:.3f}"  # lattices relax by 1 to 2 %, 0.1 is allowed


def test_vacancy_of_bonds(bonds: Bonds, monkeypatch: pytest.MonkeyPatch) -> None:
    """12 bonds break, 6 are made again elsewhere, nothing relaxes: six depths."""
    vacancy = VacancyFormation(bonds.copper, bonds.potential, 1e-3, ion="Cu")
    monkeypatch.setattr(VacancyFormation, "lithium", lambda self: -6.0 * bonds.depths["CuCu"])
    assert only(vacancy.run()) == pytest.approx(6.0 * bonds.depths["CuCu"], rel=1e-3)


def test_interstitial_of_bonds(bonds: Bonds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not relaxed: the bonds of an octahedral void, less those of the atom in its crystal."""
    monkeypatch.setattr(InterstitialFormation, "lithium", lambda self: -6.0 * bonds.depths["CuCu"])
    cell = bonds.copper.atoms.copy()
    cell.set_cell([bonds.edge] * 3, scale_atoms=True)
    added = InterstitialFormation(
        bonds.copper.with_atoms(cell), bonds.potential, fmax=1e3, ion="Cu"
    )
    probe = cell.repeat(3)
    probe.append("Cu")
    probe.positions[-1] = [bonds.edge / 2.0] * 3
    distances = np.sort(probe.get_distances(-1, range(len(probe) - 1), mic=True))
    assert distances[:6] == pytest.approx([bonds.edge / 2.0] * 6)
    bond = np.exp(-1.6 * (distances[:14] - bonds.distance))
    part = np.clip((distances[:14] / bonds.distance - 1.15) / 0.2, 0.0, 1.0)
    switch = 1 - part**3 * (10 - 15 * part + 6 * part**2)
    wanted = bonds.depths["CuCu"] * float((bond**2 - 2 * bond) @ switch + 6.0)
    assert only(added.run()) == pytest.approx(wanted, rel=1e-9)
    with pytest.raises(AtomisticError, match="no void is named"):
        replace(added, crystal=replace(bonds.copper, interstitial=None)).run()


def test_barrier_half_way_is_the_one_of_the_band(bonds: Bonds) -> None:
    """By symmetry the saddle is half-way, so both ways give one number."""
    settings = {"crystal": bonds.copper, "potential": bonds.potential, "fmax": 0.01, "ion": "Cu"}
    middle = only(VacancyMigration(**settings).run())
    band = only(VacancyMigrationBand(**settings, images=3).run())
    assert middle == pytest.approx(band, abs=0.01)
    assert middle > 0.1


def test_shipped_crystals_are_what_they_are_called() -> None:
    """Formula, density within 5 % of the tabulated one, and a carbonate's bond of 1.28."""
    densities = {"LiF": 2.64, "Li2O": 2.01, "Li2CO3": 2.11, "Li": 0.534, "C": 2.26}
    for name in crystal_names():
        one = crystal(name)
        formula = one.atoms.symbols.formula
        assert str(formula.reduce()[0].convert("hill")) == str(type(formula)(name).convert("hill"))
        assert formula.reduce()[1] * (1 if name not in ("C", "Li") else 1) == one.formula_units
        grams = one.atoms.get_masses().sum() / 6.02214076e23
        density = grams / (one.atoms.get_volume() * 1e-24)
        assert density == pytest.approx(densities[name], rel=0.05), name
    carbonate = crystal("Li2CO3").atoms
    carbon = [i for i, symbol in enumerate(carbonate.symbols) if symbol == "C"]
    oxygen = [i for i, symbol in enumerate(carbonate.symbols) if symbol == "O"]
    bonds = np.sort(carbonate.get_distances(carbon[0], oxygen, mic=True))
    assert bonds[:3] == pytest.approx([1.28] * 3, abs=0.03)
    assert bonds[3] > 2.0


def test_faces_without_a_dipole_are_found() -> None:
    """Antifluorite (111) has one cut of three, between two planes of lithium."""
    slab = non_polar_slab(crystal("Li2O"), (1, 1, 1), 12.0)
    order = np.argsort(slab.positions[:, 2])
    assert [slab.symbols[i] for i in (order[0], order[-1])] == ["Li", "Li"]
    assert len(slab) % 3 == 0
    with pytest.raises(AtomisticError, match=r"LiF \(111\): every cut is polar"):
        non_polar_slab(crystal("LiF"), (1, 1, 1), 12.0)


@pytest.mark.parametrize("face", [(0, 0, 1), (1, 0, 0), (1, 1, 0)])
def test_molecular_ions_stay_whole(face: tuple[int, int, int]) -> None:
    """Three oxygens at every carbon without a bond through the ends; as much of each as in bulk."""
    slab = non_polar_slab(crystal("Li2CO3"), face, 12.0)
    slab.center(vacuum=5.0, axis=2)
    slab.pbc = (True, True, False)
    numbers = slab.get_atomic_numbers()
    oxygens = np.flatnonzero(numbers == 8)
    carbons = np.flatnonzero(numbers == 6)
    assert len(oxygens) == 3 * len(carbons) and len(carbons) * 6 == len(slab)
    for carbon in carbons:
        near = slab.get_distances(carbon, oxygens, mic=True) < 1.45
        assert near.sum() == 3
    with pytest.raises(AtomisticError, match="every cut is polar or breaks its molecular ions"):
        non_polar_slab(crystal("Li2CO3"), (0, 1, 0), 12.0)


def test_bad_structures_are_refused(bonds: Bonds) -> None:
    """Overlapping atoms, unknown elements, unknown names."""
    squeezed = bonds.copper.atoms.copy()
    squeezed.positions[1] = squeezed.positions[0] + [0.7, 0.0, 0.0]
    with pytest.raises(AtomisticError, match=r"Cu: atoms 0 \(Cu\) and 1 \(Cu\) overlap, 0\.70"):
        CrystalCalculation(bonds.copper.with_atoms(squeezed), bonds.potential).relaxed_cell()
    with pytest.raises(AtomisticError, match="LiF: the potential Morse bonds does not know F, Li"):
        Lattice(crystal("LiF"), bonds.potential).run()
    with pytest.raises(AtomisticError, match="crystal 'LiO2' is not known"):
        crystal("LiO2")
    with pytest.raises(AtomisticError, match=r"'sevenet-0' is not known; did you mean 'sevennet"):
        potential("sevenet-0")


def test_forces_that_stay_are_an_error(bonds: Bonds) -> None:
    """A potential whose forces never vanish is told with what to try."""
    from ase.calculators.calculator import Calculator, all_changes

    class Wind(Calculator):
        implemented_properties = ["energy", "forces", "stress"]

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            forces = np.tile([1.0, 0.0, 0.0], (len(atoms), 1))
            self.results = {"energy": -atoms.positions[:, 0].sum(), "forces": forces,
                            "stress": np.zeros(6)}  # fmt: skip

    atoms = Potential("wind", Wind).attach(bonds.copper.atoms, "Cu")
    with pytest.raises(AtomisticError, match=r"Cu: forces above 0\.01 eV/angstrom after 5 steps"):
        relax(atoms, "Cu", steps=5)
