"""Free energies of species by xTB, and of edges at an electrode potential."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.molecules.cycle import LITHIUM_ABSOLUTE
from interphase.models.atomistic.molecules.molecule import Molecule, build
from interphase.models.atomistic.molecules.thermo import rigid_gibbs
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.network import skeleton
from interphase.models.atomistic.network.network import Edge, Network, Species
from interphase.parameters.errors import AtomisticError

# Bonds are kept if they are shorter than this part of the sum of covalent radii, and none is new.
_BOUND: Final = 1.3

# Species between two writes of the cache.
_KEEP_EVERY: Final = 5

ANCHORS: Final[Mapping[tuple[str, int], float]] = {
    ("O=C1OCCO1", 0): -0.26,
    ("O=C1OCCO1", 1): 0.46,
}
"""Reduction potentials of EC with so many lithium ions [V vs Li/Li+]: M06-2X/6-31+G(d) in IEF-PCM,
electronic energies, one-electron reduction with the ring closed."""


@dataclass(frozen=True, slots=True)
class Energies:
    """Free energies of species, and what they are corrected by.

    Attributes:
        gibbs: of each species, without vibrations, 1 mol/l [eV].
        lithium: of a solvated lithium ion [eV].
        electron_shift: what xTB overrates the binding of an electron by [eV].
        shift_error: scatter of the shift over the anchors [eV].
        dropped: species without an energy, and why.
    """

    gibbs: Mapping[Species, float]
    lithium: float
    electron_shift: float
    shift_error: float
    dropped: Mapping[Species, str] = field(default_factory=dict)

    def change(self, edge: Edge, potential: float) -> float:
        """Return the free energy of an edge with the electrode at a potential [eV].

        The electron's is -(U + 1.40 eV), the computational lithium electrode.

        Args:
            edge: the reaction.
            potential: of the electrode [V vs Li/Li+].
        """
        electron = -(potential + LITHIUM_ABSOLUTE) - self.electron_shift
        return (
            sum(self.gibbs[one] for one in edge.made)
            - sum(self.gibbs[one] for one in edge.consumed)
            - edge.ions * self.lithium
            - edge.electrons * electron
        )


def compute(network: Network, xtb: XTB | None = None, cache: Path | None = None) -> Energies:
    """Relax every species and fit the electron's shift.

    A species whose bonds change as it relaxes is no minimum of its own and is dropped; so is one
    whose tight-binding equations do not converge.

    Args:
        network: its species are computed.
        xtb: how.
        cache: file of energies that are known already; it is added to.

    Raises:
        AtomisticError: if an anchor of the shift is missing.
    """
    method = xtb or XTB(fmax=0.1, steps=100)
    known = _read(cache)
    found: dict[Species, float] = {}
    dropped: dict[Species, str] = {}
    for one in network.species:
        key = f"{one.smiles} {one.charge} {one.lithium} {method.name} {method.fmax}"
        if key not in known:
            known[key] = _energy(one, method)
            if len(known) % _KEEP_EVERY == 0:
                _write(cache, known)
        answer = known[key]
        if isinstance(answer, float):
            found[one] = answer
        else:
            dropped[one] = answer
    _write(cache, known)
    shift, error = _electron_shift(found)
    return Energies(found, lithium_in_solvent(found, method), shift, error, dropped)


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
        if _bonds(relaxed) != skeleton.bonds(one.smiles):
            return "its bonds change"
        return xtb.energy(relaxed) + rigid_gibbs(relaxed, 298.15)
    except AtomisticError as error:
        return str(error)


def _bonds(molecule: Molecule) -> set[tuple[int, int]]:
    """Return the pairs of atoms but lithium that are bound."""
    radii = load("ase.data").covalent_radii
    atoms = molecule.atoms()
    count = sum(symbol != "Li" for symbol in molecule.symbols)
    sizes = radii[atoms.numbers[:count]]
    distance = np.linalg.norm(atoms.positions[:count, None] - atoms.positions[None, :count], axis=2)
    near = distance < _BOUND * (sizes[:, None] + sizes[None, :])
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True)}


def _electron_shift(gibbs: Mapping[Species, float]) -> tuple[float, float]:
    shifts = []
    for (smiles, lithium), volts in ANCHORS.items():
        pair = [gibbs.get(Species(smiles, charge, lithium)) for charge in (0, -1)]
        if pair[0] is None or pair[1] is None:
            continue
        shifts.append(pair[0] - pair[1] - LITHIUM_ABSOLUTE - volts)
    if not shifts:
        raise AtomisticError("no anchor of the electron's shift is in the network; seed it with EC")
    return float(np.mean(shifts)), float(np.std(shifts))


def _read(cache: Path | None) -> dict[str, float | str]:
    if cache is None or not cache.exists():
        return {}
    content: dict[str, float | str] = json.loads(cache.read_text(encoding="utf-8"))
    return content


def _write(cache: Path | None, known: Mapping[str, float | str]) -> None:
    if cache is not None:
        cache.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Barriers:
    """Activation free energies by Bell, Evans and Polanyi: E = E0 + alpha dG, not below 0 or dG.

    The intrinsic barriers are assumed, one for each kind of reaction; ring opening of reduced EC
    is the one that is known best, about 0.5 eV at dG of about -1 eV.

    Attributes:
        intrinsic: E0 of each kind [eV].
        slope: alpha [-].

    Source: Evans & Polanyi, Trans. Faraday Soc. 34, 11 (1938).
    """

    intrinsic: Mapping[str, float] = field(
        default_factory=lambda: {
            "reduction": 0.3,
            "dissociation": 0.6,
            "lithiation": 0.1,
            "split": 0.9,
            "exchange": 1.0,
        }
    )
    slope: float = 0.5

    def barrier(self, edge: Edge, change: float) -> float:
        """Return the activation free energy in the direction written [eV]."""
        return max(0.0, change, self.intrinsic[edge.kind] + self.slope * change)


def summary(energies: Energies, edges: Sequence[Edge]) -> str:
    """Return one line for people."""
    return (
        f"{len(energies.gibbs)} species, {len(edges)} reactions, {len(energies.dropped)} species "
        f"dropped; electron shifted by {energies.electron_shift:.2f} "
        f"+- {energies.shift_error:.2f} eV"
    )
