"""A box of molecules: where they stand at first, and the forces between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.liquids.forcefield import ForceField, Template
from interphase.models.atomistic.transport import Array
from interphase.parameters.errors import AtomisticError

# Edge of the cell that each molecule has at first [nm]: loose enough to turn freely.
_SPACING: Final = 0.62
# 1-4 pairs of the AMBER family.
_COULOMB_14: Final = 1.0 / 1.2
_DISPERSION_14: Final = 0.5
# Mass of a hydrogen atom [u], taken from its neighbour: statistics stay, steps may be longer.
_HYDROGEN: Final = 3.0


@dataclass(frozen=True)
class Box:
    """Molecules in a periodic cube.

    Attributes:
        field: their force field.
        members: template of each molecule, in the order of its atoms.
        positions: to start from, shape (atoms, 3) [nm].
        edge: of the cube at first [nm].
    """

    field: ForceField
    members: tuple[Template, ...]
    positions: Array
    edge: float

    def starts(self) -> list[int]:
        """Return the number of the first atom of each molecule, and the number of atoms."""
        return [0, *np.cumsum([len(one.elements) for one in self.members]).tolist()]

    def charges(self) -> Array:
        """Return the charge of each atom, not screened [e]."""
        return np.concatenate([one.charges for one in self.members])

    def masses(self) -> Array:
        """Return the true mass of each atom [u]."""
        data = load("ase.data")
        numbers = [data.atomic_numbers[s] for one in self.members for s in one.elements]
        return np.asarray(data.atomic_masses)[numbers]

    def system(self, cutoff: float) -> Any:
        """Return the system of OpenMM.

        Args:
            cutoff: of the direct sums [nm].

        Raises:
            AtomisticError: if the force field lacks a constant.
        """
        openmm = load("openmm")
        system = openmm.System()
        for mass in self._moved_masses():
            system.addParticle(float(mass))
        edge = self.edge
        system.setDefaultPeriodicBoxVectors((edge, 0, 0), (0, edge, 0), (0, 0, edge))
        self._add_bonded(system, openmm)
        pairs = openmm.NonbondedForce()
        pairs.setNonbondedMethod(openmm.NonbondedForce.PME)
        pairs.setCutoffDistance(cutoff)
        pairs.setUseDispersionCorrection(True)
        bonds = []
        for start, one in zip(self.starts(), self.members, strict=False):
            for charge, kind in zip(one.charges, one.types, strict=True):
                sigma, epsilon = self.field.lennard_jones[kind]
                pairs.addParticle(self.field.screening * float(charge), sigma, epsilon)
            bonds += [(start + i, start + j) for i, j in one.bonds]
        pairs.createExceptionsFromBonds(bonds, _COULOMB_14, _DISPERSION_14)
        system.addForce(pairs)
        return system

    def _moved_masses(self) -> Array:
        masses = self.masses().copy()
        for start, one in zip(self.starts(), self.members, strict=False):
            for bond in one.bonds:
                for light, heavy in (bond, bond[::-1]):
                    if one.elements[light] == "H":
                        moved = _HYDROGEN - masses[start + light]
                        masses[start + light] += moved
                        masses[start + heavy] -= moved
        return masses

    def _add_bonded(self, system: Any, openmm: Any) -> None:
        """Add bonds, angles and torsions; bonds of hydrogen are rigid."""
        stretch, bend = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
        twist = openmm.PeriodicTorsionForce()
        for start, one in zip(self.starts(), self.members, strict=False):
            for (i, j), length, constant in self.field.stretching(one):
                if "H" in (one.elements[i], one.elements[j]):
                    system.addConstraint(start + i, start + j, length)
                else:
                    stretch.addBond(start + i, start + j, length, constant)
            for angle, rest, constant in self.field.bendings(one):
                bend.addAngle(*(start + atom for atom in angle), rest, constant)
            for torsion, periodicity, phase, constant in self.field.twists(one):
                twist.addTorsion(*(start + atom for atom in torsion), periodicity, phase, constant)
        for force in (stretch, bend, twist):
            system.addForce(force)


def filled(field: ForceField, numbers: Mapping[str, int], seed: int) -> Box:
    """Put molecules on a loose lattice, in random order and orientation.

    Args:
        field: the force field.
        numbers: of each molecule.
        seed: of the random numbers.

    Raises:
        AtomisticError: if a molecule is unknown or the whole is charged.
    """
    members = [field.template(name) for name, count in numbers.items() for _ in range(count)]
    charge = sum(one.formal_charge for one in members)
    if charge or not members:
        raise AtomisticError(f"the box carries a charge of {charge:+d} e; it must be neutral")
    random = np.random.default_rng(seed)
    side = int(np.ceil(len(members) ** (1.0 / 3.0)))
    sites = np.array([(i, j, k) for i in range(side) for j in range(side) for k in range(side)])
    sites = random.permutation(sites)[: len(members)]
    positions = [
        (one.positions - one.positions.mean(axis=0)) @ _turn(random).T + (site + 0.5) * _SPACING
        for one, site in zip(members, sites, strict=True)
    ]
    return Box(field, tuple(members), np.concatenate(positions), side * _SPACING)


def _turn(random: np.random.Generator) -> Array:
    """Return a random rotation: a random matrix made orthogonal, without reflection."""
    matrix, upper = np.linalg.qr(random.normal(size=(3, 3)))
    matrix = matrix * np.sign(np.diag(upper))
    matrix[:, 0] *= np.sign(np.linalg.det(matrix))
    return np.asarray(matrix)
