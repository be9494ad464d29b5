"""Crystals to start from, and what must hold before anything is computed with a structure."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.parameters.errors import AtomisticError, did_you_mean
from interphase.parameters.yaml_io import read_yaml

if TYPE_CHECKING:
    from ase import Atoms

# Atoms closer than this part of the sum of their covalent radii overlap. The shortest real bonds
# (C-O in CO) stand at 0.79 of it.
_CLOSEST: Final = 0.6


@dataclass(frozen=True)
class Crystal:
    """A crystal's conventional cell and what is known about it.

    Attributes:
        name: formula, such as ``Li2CO3``.
        atoms: conventional cell, not relaxed.
        formula_units: of the name in the cell.
        cubic: whether one length describes the cell.
        charges: formal charge of each element [e].
        interstitial: a void of the lattice, fractional; None where none is named.
    """

    name: str
    atoms: Atoms
    formula_units: int
    cubic: bool
    charges: Mapping[str, float] = field(default_factory=dict)
    interstitial: tuple[float, float, float] | None = None

    def with_atoms(self, atoms: Atoms) -> Crystal:
        """Return the crystal with another (relaxed) cell of the same atoms."""
        return Crystal(
            self.name, atoms, self.formula_units, self.cubic, self.charges, self.interstitial
        )


@functools.lru_cache(maxsize=1)
def _entries() -> Mapping[str, Any]:
    return read_yaml(Path(__file__).with_name("crystals.yaml"))


def crystal_names() -> list[str]:
    """Return the crystals that can be built by name."""
    return list(_entries())


def crystal(name: str) -> Crystal:
    """Build a crystal by name.

    Raises:
        AtomisticError: if there is none of that name.
    """
    entries = _entries()
    if name not in entries:
        raise AtomisticError(f"crystal '{name}' is not known; {did_you_mean(name, entries)}")
    entry = entries[name]
    sites = [(element, at) for element, places in entry["sites"].items() for at in places]
    atoms = load("ase.spacegroup").crystal(
        [element for element, _ in sites],
        basis=[at for _, at in sites],
        spacegroup=entry["spacegroup"],
        cellpar=entry["cell"],
    )
    place = entry.get("interstitial")
    return Crystal(
        name,
        load("ase").Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True),
        entry["formula_units"],
        entry["cubic"],
        entry["charges"],
        None if place is None else tuple(place),
    )


def check_overlap(atoms: Atoms, name: str) -> None:
    """Refuse a structure in which two atoms sit on each other.

    Args:
        atoms: the structure.
        name: of the structure, for the message.

    Raises:
        AtomisticError: names the two atoms and their distance.
    """
    radii = load("ase.data").covalent_radii
    reach = 2.0 * _CLOSEST * max(radii[number] for number in set(atoms.numbers))
    first, second, distance = load("ase.neighborlist").neighbor_list("ijd", atoms, reach)
    wanted = _CLOSEST * (radii[atoms.numbers[first]] + radii[atoms.numbers[second]])
    close = np.flatnonzero(distance < wanted)
    if close.size:
        worst = close[np.argmin(distance[close] / wanted[close])]
        i, j = int(first[worst]), int(second[worst])
        raise AtomisticError(
            f"{name}: atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) overlap, "
            f"{distance[worst]:.2f} angstrom apart; at least {wanted[worst]:.2f} is wanted"
        )
