"""Solvent molecules of their own around the lithium ions of a solute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from interphase.models.atomistic.molecules.molecule import (
    Molecule,
    covalent_bonds,
    molecule,
    surround,
)
from interphase.models.atomistic.molecules.thermo import gibbs
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.store import Store
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError

# Lithium and oxygen or fluorine are neighbours up to this distance [angstrom].
_NEIGHBOUR: Final = 2.4
# Molecules that hold a lithium ion give it charge; below this the solute's electron is theirs [e].
_LEFT: Final = -0.2


@dataclass(frozen=True)
class ExplicitShell:
    """What the solvent molecules around lithium change, beyond the implicit solvent.

    A subtractive scheme of two layers: free energy of the solute with n solvents less that of the
    solute and of n solvents of the pure liquid, all by the cheap method, n of the lowest free
    energy up to where every lithium ion has its neighbours. Clusters whose solute breaks, or whose
    electron moves to the solvent (a failure of the cheap method: it spreads charge too far), do
    not count.

    Attributes:
        xtb: the cheap method, with its own implicit solvent.
        store: keeps free energies.
        solvent: of which the shell is.
        neighbours: oxygen or fluorine around each lithium ion; four in carbonates.
        concentration: of the pure solvent [mol/m^3]; 1321 kg/m^3 of EC.
        starts: geometries that are tried for each n.
        temperature: [K].

    Source: layers, Maseras & Morokuma, J. Comput. Chem. 16, 1170 (1995); states of the solvent,
        Bryantsev, Diallo & Goddard, J. Phys. Chem. B 112, 9709 (2008).
    """

    xtb: XTB
    store: Store = field(default_factory=Store, repr=False, compare=False)
    solvent: str = "EC"
    neighbours: int = 4
    concentration: float = 15.0e3
    starts: int = 2
    temperature: float = 298.15
    name: str = "explicit_shell"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]; never above 0, and 0 without lithium."""
        return min(self.changes(molecule))

    def changes(self, molecule: Molecule) -> list[float]:
        """Return the change of free energy with 0, 1, 2, ... solvents [eV]."""
        if molecule.gas or "Li" not in molecule.symbols:
            return [0.0]
        key = (
            f"shell {self.xtb.name} {self.xtb.fmax} {self.solvent} {self.neighbours} "
            f"{self.concentration:g} {self.starts} {self.temperature:g} {molecule.fingerprint}"
        )
        return self.store.recall(key, lambda: list(self._changes(molecule)))

    def _changes(self, core: Molecule) -> Iterator[float]:
        yield 0.0
        one = self.xtb.relaxed(molecule(self.solvent))
        thermal = BOLTZMANN * self.temperature / ELEMENTARY_CHARGE
        each = gibbs(one, self.xtb, self.temperature)
        each += thermal * np.log(self.concentration / 1000.0)
        start = gibbs(core, self.xtb, self.temperature)
        cluster, count = core, 0
        while (ion := _unfilled(cluster, self.neighbours)) is not None:
            grown = self._grown(core, cluster, ion, one)
            if grown is None:
                return
            cluster, count = grown, count + 1
            yield float(gibbs(cluster, self.xtb, self.temperature) - start - count * each)

    def _grown(self, core: Molecule, cluster: Molecule, ion: int, one: Molecule) -> Molecule | None:
        """Return the best relaxed cluster with one more solvent at an ion, None if none is whole.

        A shell that is full for steric reasons takes no further one: the ion keeps as many
        neighbours as it had.
        """
        found = []
        for turn in range(self.starts):
            try:
                grown = self.xtb.relaxed(surround(cluster, ion, one, turn))
            except AtomisticError:
                continue
            if len(_near(grown, ion)) > len(_near(cluster, ion)) and self._whole(core, grown):
                found.append((self.xtb.energy(grown), turn, grown))
        return min(found)[2] if found else None

    def _whole(self, core: Molecule, cluster: Molecule) -> bool:
        count = len(core.symbols)
        inner = Molecule(core.name, core.symbols, cluster.positions[:count], core.charge,
                         core.unpaired)  # fmt: skip
        shell = float(self.xtb.charges(cluster)[count:].sum())
        return covalent_bonds(inner) == covalent_bonds(core) and shell > _LEFT


def _near(one: Molecule, ion: int) -> list[int]:
    """Return the oxygens and fluorines next to a lithium ion."""
    distance = np.linalg.norm(one.positions - one.positions[ion], axis=1)
    return [i for i, symbol in enumerate(one.symbols)
            if symbol in ("O", "F") and distance[i] < _NEIGHBOUR]  # fmt: skip


def _unfilled(one: Molecule, neighbours: int) -> int | None:
    """Return the lithium ion with fewest neighbours, None if all have enough."""
    counts = {i: len(_near(one, i)) for i, symbol in enumerate(one.symbols) if symbol == "Li"}
    ion = min(counts, key=lambda i: counts[i])
    return ion if counts[ion] < neighbours else None
