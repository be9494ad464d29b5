"""Free energies of species by xTB, and of edges at an electrode potential."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from interphase.models.atomistic.molecules.molecule import Molecule, build, covalent_bonds
from interphase.models.atomistic.molecules.phases import LITHIUM_ABSOLUTE
from interphase.models.atomistic.molecules.thermo import rigid_gibbs
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.network import skeleton
from interphase.models.atomistic.network.anchors import (
    Correction,
    computed_potentials,
    fit,
    salts,
)
from interphase.models.atomistic.network.network import Edge, Network, Species
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError


@dataclass(frozen=True, slots=True)
class Energies:
    """Free energies of species, and what they are corrected by.

    Attributes:
        gibbs: of each species, without vibrations, 1 mol/l [eV].
        lithium: of a solvated lithium ion [eV].
        correction: what xTB is corrected by.
        dropped: species without an energy, and why.
    """

    gibbs: Mapping[Species, float]
    lithium: float
    correction: Correction
    dropped: Mapping[Species, str] = field(default_factory=dict)

    def change(self, edge: Edge, potential: float) -> float:
        """Return the free energy of an edge with the electrode at a potential [eV].

        The electron's is -(U + 1.40 eV), the computational lithium electrode.

        Args:
            edge: the reaction.
            potential: of the electrode [V vs Li/Li+].
        """
        electron = -(potential + LITHIUM_ABSOLUTE) - self.correction.electron
        return (
            sum(map(self._corrected, edge.made))
            - sum(map(self._corrected, edge.consumed))
            - edge.ions * self.lithium
            - edge.electrons * electron
        )

    def _corrected(self, one: Species) -> float:
        return self.gibbs[one] + self.correction.salt * salts(one)


def compute(network: Network, xtb: XTB | None = None, store: Store | None = None) -> Energies:
    """Relax every species and fit what xTB is corrected by.

    A species whose bonds change as it relaxes is no minimum of its own and is dropped; so is one
    whose tight-binding equations do not converge.

    Args:
        network: its species are computed.
        xtb: how.
        store: keeps energies.

    Raises:
        AtomisticError: if no anchor of the correction is in the network.
    """
    method = xtb or XTB(fmax=0.1, steps=100)
    known = store or Store()
    found: dict[Species, float] = {}
    dropped: dict[Species, str] = {}
    for one in network.species:
        key = f"{one.smiles} {one.charge} {one.lithium} {method.name} {method.fmax}"
        answer = known.recall(key, functools.partial(_energy, one, method))
        if isinstance(answer, float):
            found[one] = answer
        else:
            dropped[one] = answer
    correction = fit(found, computed_potentials())
    return Energies(found, lithium_in_solvent(found, method), correction, dropped)


def lithium_in_solvent(gibbs: Mapping[Species, float], xtb: XTB) -> float:
    """Return the free energy of a lithium ion that one EC holds, less that of the EC [eV].

    An ion without its shell is far too high in an implicit solvent; with one EC it stands as in
    the complexes that it forms.
    """
    bare = Molecule("Li+", ("Li",), np.zeros((1, 3)), 1)
    alone = xtb.energy(bare) + rigid_gibbs(bare, 298.15)
    free, held = (gibbs.get(Species("O=C1OCCO1", 0, n)) for n in (0, 1))
    return alone if free is None or held is None else min(alone, held - free)


def _energy(one: Species, xtb: XTB) -> float | str:
    """Return the free energy [eV], or why there is none."""
    try:
        start = build(one.name, one.smiles, one.lithium, one.total_charge, one.unpaired)
        relaxed = xtb.relaxed(start)
        if covalent_bonds(relaxed) != skeleton.bonds(one.smiles):
            return "its bonds change"
        return xtb.energy(relaxed) + rigid_gibbs(relaxed, 298.15)
    except AtomisticError as error:
        return str(error)


def summary(energies: Energies, edges: Sequence[Edge]) -> str:
    """Return one line for people."""
    known = energies.correction
    return (
        f"{len(energies.gibbs)} species, {len(edges)} reactions, {len(energies.dropped)} species "
        f"dropped; electron shifted by {known.electron:.2f}, lithium of a salt by "
        f"{known.salt:.2f} eV, {known.error:.2f} eV left over {len(known.anchors)} anchors"
    )
