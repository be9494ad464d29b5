"""Other shapes of a molecule than the one whose energy is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from interphase.models.atomistic.molecules.molecule import (
    Molecule,
    covalent_bonds,
    molecule,
)
from interphase.models.atomistic.molecules.thermo import gibbs
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.store import Store
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError

# Two relaxed geometries whose energies are closer than this are one [eV].
_SAME: Final = 2e-3


@dataclass(frozen=True)
class Conformers:
    """Free energy of all shapes together less that of the one at hand, by a cheap method.

    -kT ln sum exp(-(G_i - G_0)/kT) over the minima that other starting geometries lead to, with
    the same bonds; lithium may sit at another oxygen. Never above 0.

    Attributes:
        xtb: the cheap method.
        store: keeps free energies.
        starts: geometries that are tried.
        temperature: [K].
    """

    xtb: XTB
    store: Store = field(default_factory=Store, repr=False, compare=False)
    starts: int = 8
    temperature: float = 298.15
    name: str = "conformers"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]."""
        key = (
            f"conformers {self.xtb.name} {self.xtb.fmax} {self.starts} {self.temperature:g} "
            f"{molecule.name} {molecule.fingerprint}"
        )
        levels = np.array(self.store.recall(key, lambda: self.levels(molecule)))
        thermal = BOLTZMANN * self.temperature / ELEMENTARY_CHARGE
        return float(-thermal * np.log(np.sum(np.exp(-levels / thermal))))

    def levels(self, one: Molecule) -> list[float]:
        """Return free energies of the minima over that of the given one, itself first [eV]."""
        if len(one.symbols) < 3:
            return [0.0]
        start = gibbs(one, self.xtb, self.temperature)
        known, found = [self.xtb.energy(one)], [0.0]
        for seed in range(1, self.starts + 1):
            try:
                other = self.xtb.relaxed(molecule(one.name, seed))
                energy = self.xtb.energy(other)
                if covalent_bonds(other) != covalent_bonds(one) or any(
                    abs(energy - before) < _SAME for before in known
                ):
                    continue
                found.append(gibbs(other, self.xtb, self.temperature) - start)
            except AtomisticError:
                # no geometry, or a saddle between two shapes: neither is a shape
                continue
            known.append(energy)
        return found
