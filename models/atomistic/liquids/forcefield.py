"""A force field with fixed charges, from the data file beside this one."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from interphase.models.atomistic.transport import Array
from interphase.parameters.errors import AtomisticError, did_you_mean
from interphase.parameters.yaml_io import read_yaml

Bond = tuple[int, int]
Angle = tuple[int, int, int]
Torsion = tuple[int, int, int, int]

# Opposite bonds of an octahedron: the force of a bending term has no direction there [rad].
_STRAIGHT: Final = 3.0


@dataclass(frozen=True)
class Template:
    """One kind of molecule.

    Attributes:
        name: of the molecule.
        elements: symbol of each atom.
        types: type of each atom in the force field.
        charges: of each atom, before the liquid's electrons screen them [e].
        formal_charge: of the whole, that it carries in a current [e].
        positions: geometry to start from, whose lengths and angles are those of rest [nm].
        bonds: pairs of atoms.
    """

    name: str
    elements: tuple[str, ...]
    types: tuple[str, ...]
    charges: Array
    formal_charge: int
    positions: Array
    bonds: tuple[Bond, ...]

    def angles(self) -> Iterator[Angle]:
        """Return every pair of bonds at one atom, the atom in the middle."""
        for middle, around in enumerate(self._neighbours()):
            for i, first in enumerate(around):
                for second in around[i + 1 :]:
                    yield first, middle, second

    def torsions(self) -> Iterator[Torsion]:
        """Return every chain of three bonds."""
        around = self._neighbours()
        for i, j in self.bonds:
            for first in around[i]:
                for last in around[j]:
                    if first != j and last != i and first != last:
                        yield first, i, j, last

    def length(self, bond: Bond) -> float:
        """Return the length of a bond at rest [nm]."""
        i, j = bond
        return float(np.linalg.norm(self.positions[i] - self.positions[j]))

    def bend(self, angle: Angle) -> float:
        """Return an angle at rest [rad]."""
        i, j, k = angle
        one, other = self.positions[i] - self.positions[j], self.positions[k] - self.positions[j]
        cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        return float(np.arccos(np.clip(cosine, -1.0, 1.0)))

    def flat_centres(self) -> Iterator[Torsion]:
        """Return atoms of type ``c`` with their three neighbours, the atom third."""
        for centre, around in enumerate(self._neighbours()):
            if self.types[centre] == "c" and len(around) == 3:
                yield around[0], around[1], centre, around[2]

    def _neighbours(self) -> list[list[int]]:
        around: list[list[int]] = [[] for _ in self.elements]
        for i, j in self.bonds:
            around[i].append(j)
            around[j].append(i)
        return around


@dataclass(frozen=True)
class ForceField:
    """Parameters by type, in the units of OpenMM: nm, kJ/mol, rad, e.

    Attributes:
        name: for result files.
        screening: part of each charge that acts in the liquid.
        lennard_jones: sigma and epsilon of each type.
        stretch: force constant of each pair of types.
        bending: of each three types, the middle one in the middle.
        twist: periodicity, phase and force constant about each pair of types.
        out_of_plane: force constant that keeps carbonyl carbons flat.
        molecules: templates by name.
    """

    name: str
    screening: float
    lennard_jones: Mapping[str, tuple[float, float]]
    stretch: Mapping[str, float]
    bending: Mapping[str, float]
    twist: Mapping[str, tuple[int, float, float]]
    out_of_plane: float
    molecules: Mapping[str, Template]

    def template(self, name: str) -> Template:
        """Return a molecule.

        Raises:
            AtomisticError: if there is none of that name.
        """
        if name not in self.molecules:
            raise AtomisticError(
                f"molecule '{name}' has no force field; {did_you_mean(name, self.molecules)}"
            )
        return self.molecules[name]

    def stretching(self, template: Template) -> Iterator[tuple[Bond, float, float]]:
        """Return each bond with its length and force constant."""
        for bond in template.bonds:
            yield bond, template.length(bond), _constant(self.stretch, template, bond)

    def bendings(self, template: Template) -> Iterator[tuple[Angle, float, float]]:
        """Return each angle that is not straight, with its value and force constant."""
        for angle in template.angles():
            rest = template.bend(angle)
            if rest < _STRAIGHT:
                yield angle, rest, _constant(self.bending, template, angle)

    def twists(self, template: Template) -> Iterator[tuple[Torsion, int, float, float]]:
        """Return each torsion with periodicity, phase and force constant."""
        for torsion in template.torsions():
            about = (torsion[1], torsion[2])
            found = self.twist.get(_key(template, about))
            if found is not None:
                yield torsion, *found
        for torsion in template.flat_centres():
            yield torsion, 2, np.pi, self.out_of_plane


def _key(template: Template, atoms: tuple[int, ...]) -> str:
    names = [template.types[atom] for atom in atoms]
    return "-".join(min(names, names[::-1]))


def _constant(table: Mapping[str, float], template: Template, atoms: tuple[int, ...]) -> float:
    key = _key(template, atoms)
    if key not in table:
        raise AtomisticError(f"{template.name}: the force field has no constant for {key}")
    return table[key]


@functools.lru_cache(maxsize=1)
def force_field() -> ForceField:
    """Return the force field that ships."""
    data = read_yaml(Path(__file__).with_name("forcefield.yaml"))
    return ForceField(
        data["name"],
        float(data["screening"]),
        {name: (float(row[0]), float(row[1])) for name, row in data["lennard_jones"].items()},
        data["stretch"],
        data["bending"],
        {name: (int(row[0]), float(row[1]), float(row[2])) for name, row in data["twist"].items()},
        float(data["out_of_plane"]),
        {name: _template(name, entry) for name, entry in data["molecules"].items()},
    )


def _template(name: str, entry: Mapping[str, Any]) -> Template:
    rows = entry["atoms"]
    charges = np.array([float(row[2]) for row in rows])
    formal = entry["charge"]
    if abs(charges.sum() - formal) > 1e-6:
        raise AtomisticError(
            f"{name}: its charges add up to {charges.sum():g} e, {formal:g} e is wanted"
        )
    return Template(
        name,
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        charges,
        formal,
        0.1 * np.array([row[3:6] for row in rows], dtype=float),
        tuple((bond[0], bond[1]) for bond in entry["bonds"]),
    )
