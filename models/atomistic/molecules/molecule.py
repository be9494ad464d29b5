"""Molecules and ions: atoms, charge and spin, built from a line of text and checked."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.crystals.structures import check_overlap
from interphase.models.atomistic.extras import load
from interphase.parameters.errors import AtomisticError, did_you_mean
from interphase.parameters.yaml_io import read_yaml

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]

_SEED = 7
# Li-O in carbonates and Li-F in LiF are 1.8 to 2.0 angstrom.
_LITHIUM_DISTANCE = 1.85


@dataclass(frozen=True, slots=True)
class Molecule:
    """A molecule or ion with a geometry.

    Attributes:
        name: for messages and result files.
        symbols: element of each atom.
        positions: shape (atoms, 3) [angstrom].
        charge: of the whole [e].
        unpaired: number of unpaired electrons, the multiplicity less one.
    """

    name: str
    symbols: tuple[str, ...]
    positions: Array
    charge: int = 0
    unpaired: int = 0

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


def molecule(name: str) -> Molecule:
    """Build a molecule by name, not relaxed.

    Raises:
        AtomisticError: if there is none of that name.
    """
    entries = _entries()
    if name not in entries:
        raise AtomisticError(f"molecule '{name}' is not known; {did_you_mean(name, entries)}")
    entry = entries[name]
    return build(
        name, entry.get("smiles", ""), entry.get("lithium", 0), entry["charge"], entry["unpaired"]
    )


def build(name: str, smiles: str, lithium: int, charge: int, unpaired: int) -> Molecule:
    """Build a geometry from a SMILES and lithium ions beside its oxygens or fluorines.

    Args:
        name: of the molecule.
        smiles: of the part without lithium, empty for none.
        lithium: number of lithium ions.
        charge: of the whole [e].
        unpaired: number of unpaired electrons.

    Raises:
        AtomisticError: if the SMILES cannot be read or embedded, or lithium finds no place.
    """
    symbols, positions = _embedded(name, smiles) if smiles else ([], np.zeros((0, 3)))
    for _ in range(lithium):
        place = _lithium_site(symbols, positions)
        if place is None:
            raise AtomisticError(f"{name}: no oxygen or fluorine for another lithium ion")
        symbols.append("Li")
        positions = np.vstack([positions, place])
    return Molecule(name, tuple(symbols), positions, charge, unpaired)


def _embedded(name: str, smiles: str) -> tuple[list[str], Array]:
    chem, embed = load("rdkit.Chem"), load("rdkit.Chem.AllChem")
    load("rdkit.RDLogger").DisableLog("rdApp.*")
    mol = chem.MolFromSmiles(smiles)
    if mol is None:
        raise AtomisticError(f"{name}: '{smiles}' is no SMILES")
    mol = chem.AddHs(mol)
    if embed.EmbedMolecule(mol, randomSeed=_SEED) != 0 and (
        embed.EmbedMolecule(mol, randomSeed=_SEED, useRandomCoords=True) != 0
    ):
        raise AtomisticError(f"{name}: no geometry could be made for '{smiles}'")
    return [atom.GetSymbol() for atom in mol.GetAtoms()], mol.GetConformer().GetPositions()


def _lithium_site(symbols: list[str], positions: Array) -> Array | None:
    """Return the place with most oxygen and fluorine near it that is free of other atoms."""
    if not symbols:
        return np.zeros((1, 3))
    anchors = [i for i, symbol in enumerate(symbols) if symbol in ("O", "F")]
    best: tuple[float, Array] | None = None
    for anchor in anchors:
        for direction in directions(200):
            place = positions[anchor] + _LITHIUM_DISTANCE * direction
            distances = np.linalg.norm(positions - place, axis=1)
            if distances.min() < 0.97 * _LITHIUM_DISTANCE:
                continue
            # Coulomb attraction, other lithium repels; few neighbours of the anchor mean charge
            pull = sum(1.0 / distances[i] for i in anchors)
            push = sum(1.5 / d for d, s in zip(distances, symbols, strict=True) if s == "Li")
            push += sum(0.3 / d for d, s in zip(distances, symbols, strict=True) if s in "CHP")
            if best is None or pull - push > best[0]:
                best = (pull - push, place)
    return None if best is None else best[1][None, :]


@functools.cache
def directions(count: int) -> Array:
    """Return even directions (a Fibonacci sphere), shape (count, 3)."""
    k = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1.0 - 2.0 * k / count), np.pi * (1.0 + np.sqrt(5.0)) * k
    return np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1
    )
