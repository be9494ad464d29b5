"""Skeletons of species: covalent graphs without lithium and charge, broken and joined by RDKit.

A skeleton is written as a canonical SMILES in which every atom is neutral and open valences are
radical electrons: the carbonate ion is ``[O]C([O])=O``. Charge and lithium are kept apart, so that
breaking a bond never has to decide where the electrons go; the energies do.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from interphase.models.atomistic.extras import load
from interphase.parameters.errors import AtomisticError

# What the rule of neighbouring radicals cannot write: carbon monoxide and the salt's anion.
_RENAMED: Final = {"[C]=O": "[C-]#[O+]"}
_BY_HAND: Final = {
    "F[P-](F)(F)(F)(F)F": [("FP(F)(F)(F)F", "[F]")],
    "[C-]#[O+]": [],
}

Split = tuple[str, ...]
"""What a broken bond leaves: two skeletons, or one if the bond was in a ring."""


def canonical(smiles: str) -> str:
    """Return the canonical SMILES of a skeleton.

    Raises:
        AtomisticError: if the text is no SMILES.
    """
    mol = load("rdkit.Chem").MolFromSmiles(smiles)
    if mol is None:
        raise AtomisticError(f"'{smiles}' is no SMILES")
    return str(load("rdkit.Chem").MolToSmiles(mol))


@functools.lru_cache(maxsize=4096)
def elements(smiles: str) -> Counter[str]:
    """Return the atoms of a skeleton, hydrogen included."""
    chem = load("rdkit.Chem")
    return Counter(atom.GetSymbol() for atom in chem.AddHs(_mol(smiles)).GetAtoms())


@functools.lru_cache(maxsize=4096)
def bonds(smiles: str) -> frozenset[tuple[int, int]]:
    """Return the pairs of atoms that are bound, hydrogen included, in the order of RDKit."""
    chem = load("rdkit.Chem")
    pairs = (
        sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        for bond in chem.AddHs(chem.MolFromSmiles(smiles)).GetBonds()
    )
    return frozenset((first, second) for first, second in pairs)


@functools.lru_cache(maxsize=4096)
def radicals(smiles: str) -> int:
    """Return the number of open valences."""
    if smiles in _BY_HAND:
        return 0
    return sum(atom.GetNumRadicalElectrons() for atom in _mol(smiles).GetAtoms())


def formal_charge(smiles: str) -> int:
    """Return the charge of the skeleton with no electron added; of PF6- it is -1."""
    return int(load("rdkit.Chem").GetFormalCharge(_mol(smiles)))


@functools.lru_cache(maxsize=4096)
def splits(smiles: str) -> tuple[Split, ...]:
    """Return what each single bond between heavy atoms leaves when it is broken.

    Equal results are given once. Neighbouring open valences close to a double bond.
    """
    if smiles in _BY_HAND:
        return tuple(_BY_HAND[smiles])
    mol = _mol(smiles)
    found: dict[Split, None] = {}
    for bond in mol.GetBonds():
        if bond.GetBondTypeAsDouble() == 1.0:
            parts = _broken(mol, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            if parts is not None and parts != (smiles,):
                found[parts] = None
    return tuple(found)


def joins(first: str, second: str) -> Iterator[str]:
    """Return skeletons in which open valences of two others are joined by a single bond.

    Bonds between oxygen, fluorine and each other are left out: peroxides do not form here.
    """
    chem = load("rdkit.Chem")
    one, two = _mol(first), _mol(second)
    seen = set()
    for i in _open(one):
        for j in _open(two):
            pair = {one.GetAtomWithIdx(i).GetSymbol(), two.GetAtomWithIdx(j).GetSymbol()}
            if pair <= {"O", "F"}:
                continue
            both = chem.RWMol(chem.CombineMols(one, two))
            k = one.GetNumAtoms() + j
            both.AddBond(i, k, chem.BondType.SINGLE)
            for index in (i, k):
                atom = both.GetAtomWithIdx(index)
                atom.SetNumRadicalElectrons(atom.GetNumRadicalElectrons() - 1)
                atom.SetNoImplicit(True)
            _close(both)
            text = _text(both)
            if text is not None and text not in seen:
                seen.add(text)
                yield text


def fragments(seeds: Iterable[str]) -> list[str]:
    """Return the seeds and everything that breaking their bonds again and again leaves."""
    queue = [canonical(seed) for seed in seeds]
    found: dict[str, None] = dict.fromkeys(queue)
    while queue:
        for parts in splits(queue.pop()):
            for part in parts:
                if part not in found:
                    found[part] = None
                    queue.append(part)
    return list(found)


def heavy_atoms(smiles: str) -> int:
    """Return the number of atoms other than hydrogen."""
    return sum(count for element, count in elements(smiles).items() if element != "H")


@functools.lru_cache(maxsize=4096)
def _mol(smiles: str) -> Any:
    mol = load("rdkit.Chem").MolFromSmiles(smiles)
    # vinylene carbonate counts as aromatic, and aromatic bonds cannot be broken one by one
    load("rdkit.Chem").Kekulize(mol, clearAromaticFlags=True)
    return mol


def _open(mol: Any) -> list[int]:
    return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons() > 0]


def _broken(mol: Any, i: int, j: int) -> Split | None:
    chem = load("rdkit.Chem")
    work = chem.RWMol(mol)
    work.RemoveBond(i, j)
    for index in (i, j):
        atom = work.GetAtomWithIdx(index)
        # hydrogens stay where they are: without this RDKit would fill the open valence
        atom.SetNumExplicitHs(mol.GetAtomWithIdx(index).GetTotalNumHs())
        atom.SetNoImplicit(True)
        atom.SetNumRadicalElectrons(atom.GetNumRadicalElectrons() + 1)
    _close(work)
    texts = [_text(part) for part in chem.GetMolFrags(work, asMols=True, sanitizeFrags=False)]
    return None if None in texts else tuple(sorted(str(text) for text in texts))


def _close(work: Any) -> None:
    """Make a higher bond of two open valences side by side."""
    chem = load("rdkit.Chem")
    higher = {1.0: chem.BondType.DOUBLE, 2.0: chem.BondType.TRIPLE}
    changed = True
    while changed:
        changed = False
        for bond in work.GetBonds():
            ends = (bond.GetBeginAtom(), bond.GetEndAtom())
            order = bond.GetBondTypeAsDouble()
            if all(atom.GetNumRadicalElectrons() for atom in ends) and order in higher:
                bond.SetBondType(higher[order])
                for atom in ends:
                    atom.SetNumRadicalElectrons(atom.GetNumRadicalElectrons() - 1)
                changed = True


def _text(mol: Any) -> str | None:
    """Return the canonical SMILES, None for what RDKit takes for no molecule."""
    chem = load("rdkit.Chem")
    load("rdkit.RDLogger").DisableLog("rdApp.*")
    written = chem.MolToSmiles(mol)
    again = chem.MolFromSmiles(written)
    if again is None:
        return None
    text = str(chem.MolToSmiles(again))
    return _RENAMED.get(text, text)
