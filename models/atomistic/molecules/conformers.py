"""Shapes of a molecule: the one whose energy is computed, and what the others add."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.spatial.distance import pdist

from interphase.models.atomistic.molecules.molecule import (
    Array,
    Molecule,
    covalent_bonds,
    drawn_bonds,
    molecule,
)
from interphase.models.atomistic.molecules.thermo import gibbs
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.store import Store
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError

# Two relaxed geometries are one shape if their energies are closer than this (the implicit
# solvent's changes by some meV as a molecule turns) [eV], and their distances than that [angstrom].
_SAME: Final = 1e-2
_ALIKE: Final = 0.1


@dataclass(frozen=True)
class Conformers:
    """The shape of lowest free energy by a cheap method, and the free energy of all together.

    Shapes are the minima that several starting geometries lead to, with the bonds of the SMILES;
    lithium may sit at another oxygen. As a term: -kT ln sum exp(-(G_i - G_0)/kT) against the
    lowest, never above 0.

    Attributes:
        xtb: the cheap method.
        store: keeps free energies.
        starts: geometries that are tried beside the first.
        temperature: [K].
    """

    xtb: XTB
    store: Store = field(default_factory=Store, repr=False, compare=False)
    starts: int = 8
    temperature: float = 298.15
    name: str = "conformers"

    def best(self, name: str) -> Molecule:
        """Return a molecule, by name, relaxed to its shape of lowest free energy.

        Raises:
            AtomisticError: if no start leads to a shape.
        """
        seed, _ = min(self.levels(name), key=lambda shape: shape[1])
        return self.xtb.relaxed(molecule(name, int(seed)))

    def energy(self, molecule: Molecule) -> float:
        """Return the part of a molecule that can be built by name [eV]."""
        gibbs_energies = np.array(self.levels(molecule.name))[:, 1]
        thermal = BOLTZMANN * self.temperature / ELEMENTARY_CHARGE
        above = gibbs_energies - gibbs_energies.min()
        return float(-thermal * np.log(np.sum(np.exp(-above / thermal))))

    def levels(self, name: str) -> list[list[float]]:
        """Return start and free energy [eV] of every shape.

        Raises:
            AtomisticError: if no start leads to a shape.
        """
        key = (
            f"shapes alike {self.xtb.name} {self.xtb.fmax} {self.starts} {self.temperature:g} "
            f"{molecule(name).fingerprint} {name}"
        )
        return self.store.recall(key, lambda: self._found(name))

    def _found(self, name: str) -> list[list[float]]:
        bonds = drawn_bonds(name)
        known: list[tuple[float, Array]] = []
        found: list[list[float]] = []
        reasons: list[str] = []
        for seed in range(self.starts + 1):
            try:
                one = self.xtb.relaxed(molecule(name, seed))
                if covalent_bonds(one) != bonds:
                    reasons.append("its bonds change as it relaxes")
                    continue
                shape = (self.xtb.energy(one), np.sort(pdist(one.positions)))
                if any(_same(shape, before) for before in known):
                    continue
                found.append([float(seed), gibbs(one, self.xtb, self.temperature)])
            except AtomisticError as error:
                # no geometry, or a saddle between two shapes: neither is a shape
                reasons.append(str(error))
                continue
            known.append(shape)
            if len(one.symbols) < 3:
                break
        if not found:
            raise AtomisticError(
                f"{name}: none of {self.starts + 1} starts leads to a minimum with the bonds "
                f"of its SMILES (first: {reasons[0]}); check its SMILES, charge and spin"
            )
        return found


def _same(one: tuple[float, Array], other: tuple[float, Array]) -> bool:
    near = np.abs(one[1] - other[1]).max(initial=0.0) < _ALIKE
    return bool(near) and abs(one[0] - other[0]) < _SAME
