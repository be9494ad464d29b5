"""Molecules and ions: atoms, charge and spin, built from a line of text and checked."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from interphase.models.atomistic.crystals.structures import check_overlap
from interphase.models.atomistic.extras import load
from interphase.parameters.errors import AtomisticError, did_you_mean
from interphase.parameters.yaml_io import read_yaml

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]

GAS: Final = "(g)"
"""Ends the name of a gas."""

_SEED = 7
# Li-O in carbonates and Li-F in LiF are 1.8 to 2.0 angstrom.
_LITHIUM_DISTANCE = 1.85
# Oxygen of a solvent is put at this distance from lithium [angstrom].
_SOLVENT_DISTANCE = 1.95
# Atoms are bound up to this part of the sum of their covalent radii.
_BOUND = 1.3


@dataclass(frozen=True, slots=True)
class Molecule:
    """A molecule or ion with a geometry.

    Attributes:
        name: for messages and result files.
        symbols: element of each atom.
        positions: shape (atoms, 3) [angstrom].
        charge: of the whole [e].
        unpaired: number of unpaired electrons, the multiplicity less one.
        gas: whether it is a gas at 1 bar and not a solute at 1 mol/l.
    """

    name: str
    symbols: tuple[str, ...]
    positions: Array
    charge: int = 0
    unpaired: int = 0
    gas: bool = False

    def __post_init__(self) -> None:
        """Refuse electrons that cannot be paired as asked, and atoms that overlap."""
        electrons = self.electrons
        if self.unpaired < 0 or electrons < self.unpaired or (electrons - self.unpaired) % 2:
            parity = "odd" if electrons % 2 else "even"
            raise AtomisticError(
                f"{self.name}: {electrons} electrons ({parity}) cannot have {self.unpaired} "
                "unpaired; give a charge or a number of unpaired electrons that fits"
            )
        check_overlap(self.atoms(), self.name)

    @property
    def electrons(self) -> int:
        """Number of electrons."""
        numbers = load("ase.data").atomic_numbers
        return int(sum(numbers[symbol] for symbol in self.symbols)) - self.charge

    @property
    def elements(self) -> Counter[str]:
        """How many atoms there are of each element."""
        return Counter(self.symbols)

    @property
    def fingerprint(self) -> str:
        """What its energy depends on, in one line; geometries count to 1e-3 angstrom."""
        place = (np.round(self.positions, 3) + 0.0).tobytes()
        return (
            f"{''.join(self.symbols)} {self.charge:+d} {self.unpaired} "
            f"{hashlib.sha256(place).hexdigest()[:16]}"
        )

    def atoms(self) -> Atoms:
        """Return the geometry for ASE."""
        return load("ase").Atoms(self.symbols, self.positions)

    def moved(self, positions: Array) -> Self:
        """Return the molecule with another geometry."""
        return replace(self, positions=np.array(positions))

    def ionised(self, name: str, charge: int, unpaired: int) -> Self:
        """Return the same geometry with another charge."""
        return replace(self, name=name, charge=charge, unpaired=unpaired)


@functools.lru_cache(maxsize=1)
def _entries() -> Mapping[str, Any]:
    return read_yaml(Path(__file__).with_name("molecules.yaml"))


def molecule_names() -> list[str]:
    """Return the molecules that can be built by name."""
    return list(_entries())


def molecule(name: str, seed: int = 0) -> Molecule:
    """Build a molecule by name, not relaxed.

    Args:
        name: of one of those known; followed by ``(g)`` it is a gas.
        seed: of the geometry; others than 0 may give other conformers.

    Raises:
        AtomisticError: if there is none of that name.
    """
    entries = _entries()
    known = name.removesuffix(GAS)
    if known not in entries:
        raise AtomisticError(f"molecule '{known}' is not known; {did_you_mean(known, entries)}")
    entry = entries[known]
    one = build(
        name, entry.get("smiles", ""), entry.get("lithium", 0), entry["charge"],
        entry["unpaired"], seed,
    )  # fmt: skip
    for _ in range(entry.get("solvents", 0)):
        one = surround(one, one.symbols.index("Li"), molecule("EC"), seed)
    return replace(one, name=name, gas=known != name)


def build(
    name: str, smiles: str, lithium: int, charge: int, unpaired: int, seed: int = 0
) -> Molecule:
    """Build a geometry from a SMILES and lithium ions beside its oxygens or fluorines.

    Args:
        name: of the molecule.
        smiles: of the part without lithium, empty for none.
        lithium: number of lithium ions.
        charge: of the whole [e].
        unpaired: number of unpaired electrons.
        seed: 0 puts each ion where oxygens and fluorines pull most; others weigh them at random.

    Raises:
        AtomisticError: if the SMILES cannot be read or embedded, or lithium finds no place.
    """
    symbols, positions = _embedded(name, smiles, seed) if smiles else ([], np.zeros((0, 3)))
    pull = np.isin(symbols, ("O", "F")).astype(np.float64)
    if seed:
        pull *= np.random.default_rng(seed).uniform(0.3, 1.7, len(symbols))
    for _ in range(lithium):
        place = _lithium_site(symbols, positions, pull)
        if place is None:
            raise AtomisticError(f"{name}: no oxygen or fluorine for another lithium ion")
        symbols.append("Li")
        positions = np.vstack([positions, place])
        pull = np.append(pull, 0.0)
    return Molecule(name, tuple(symbols), positions, charge, unpaired)


def _embedded(name: str, smiles: str, seed: int) -> tuple[list[str], Array]:
    chem, embed = load("rdkit.Chem"), load("rdkit.Chem.AllChem")
    load("rdkit.RDLogger").DisableLog("rdApp.*")
    mol = chem.MolFromSmiles(smiles)
    if mol is None:
        raise AtomisticError(f"{name}: '{smiles}' is no SMILES")
    mol = chem.AddHs(mol)
    if embed.EmbedMolecule(mol, randomSeed=_SEED + seed) != 0 and (
        embed.EmbedMolecule(mol, randomSeed=_SEED + seed, useRandomCoords=True) != 0
    ):
        raise AtomisticError(f"{name}: no geometry could be made for '{smiles}'")
    return [atom.GetSymbol() for atom in mol.GetAtoms()], mol.GetConformer().GetPositions()


def _lithium_site(symbols: list[str], positions: Array, weights: Array) -> Array | None:
    """Return the place with most oxygen and fluorine near it that is free of other atoms.

    Args:
        symbols: of the atoms so far.
        positions: of the atoms so far [angstrom].
        weights: with which each atom pulls, 0 for those that do not.
    """
    if not symbols:
        return np.zeros((1, 3))
    anchors = np.flatnonzero(weights)
    best: tuple[float, Array] | None = None
    for anchor in anchors:
        for direction in directions(200):
            place = positions[anchor] + _LITHIUM_DISTANCE * direction
            distances = np.linalg.norm(positions - place, axis=1)
            if distances.min() < 0.97 * _LITHIUM_DISTANCE:
                continue
            # Coulomb attraction, other lithium repels; few neighbours of the anchor mean charge
            pull = float(np.sum(weights[anchors] / distances[anchors]))
            push = sum(1.5 / d for d, s in zip(distances, symbols, strict=True) if s == "Li")
            push += sum(0.3 / d for d, s in zip(distances, symbols, strict=True) if s in "CHP")
            if best is None or pull - push > best[0]:
                best = (pull - push, place)
    return None if best is None else best[1][None, :]


def surround(cluster: Molecule, ion: int, solvent: Molecule, turn: int = 0) -> Molecule:
    """Return a molecule with a solvent whose first oxygen lies at one of its lithium ions.

    It points away from the ion, in the direction and at the angle that leave it most room.

    Args:
        cluster: what takes the solvent.
        ion: index of the lithium ion.
        solvent: a molecule with a carbonyl, its oxygen first (as in the SMILES of EC).
        turn: of the directions that are tried; others may lead to other geometries.
    """
    oxygen = solvent.symbols.index("O")
    base = solvent.positions - solvent.positions[oxygen]
    gaps = np.linalg.norm(base, axis=1)
    gaps[oxygen] = np.inf
    axis = base[int(np.argmin(gaps))]
    others = np.delete(cluster.positions, ion, axis=0)
    turned = Rotation.random(rng=np.random.default_rng(turn)) if turn else Rotation.identity()
    best: tuple[float, Array] = (-np.inf, base)
    for direction in turned.apply(directions(150)):
        aligned = Rotation.align_vectors([direction], [axis])[0].apply(base)
        for angle in np.pi * np.arange(4) / 4.0:
            place = Rotation.from_rotvec(angle * direction).apply(aligned)
            place = place + cluster.positions[ion] + _SOLVENT_DISTANCE * direction
            room = np.linalg.norm(place[:, None] - others[None], axis=2).min(initial=np.inf)
            if room > best[0]:
                best = (float(room), place)
    return Molecule(
        f"{cluster.name} {solvent.name}", cluster.symbols + solvent.symbols,
        np.vstack([cluster.positions, best[1]]), cluster.charge + solvent.charge,
        cluster.unpaired,
    )  # fmt: skip


def drawn_bonds(name: str) -> set[tuple[int, int]]:
    """Return the pairs of atoms that the SMILES of a molecule binds, those of solvents too."""
    entry = _entries()[name.removesuffix(GAS)]
    chem = load("rdkit.Chem")
    parts = [entry.get("smiles", "")] + [_entries()["EC"]["smiles"]] * entry.get("solvents", 0)
    found: set[tuple[int, int]] = set()
    first = 0
    for number, smiles in enumerate(parts):
        mol = chem.AddHs(chem.MolFromSmiles(smiles))
        for bond in mol.GetBonds():
            ends = sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
            found.add((first + ends[0], first + ends[1]))
        # lithium ions stand between the solute and its solvents
        first += mol.GetNumAtoms() + (0 if number else entry.get("lithium", 0))
    return found


def covalent_bonds(one: Molecule) -> set[tuple[int, int]]:
    """Return the pairs of atoms but lithium that are bound."""
    radii = load("ase.data").covalent_radii[one.atoms().numbers] * _BOUND
    distance = np.linalg.norm(one.positions[:, None] - one.positions[None], axis=2)
    near = distance < radii[:, None] + radii[None]
    lithium = np.array(one.symbols) == "Li"
    near[lithium] = near[:, lithium] = False
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True)}


@functools.cache
def directions(count: int) -> Array:
    """Return even directions (a Fibonacci sphere), shape (count, 3)."""
    k = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1.0 - 2.0 * k / count), np.pi * (1.0 + np.sqrt(5.0)) * k
    return np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1
    )
