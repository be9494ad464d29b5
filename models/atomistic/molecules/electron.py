"""Electron affinities and the reorganisation energy of an electron transfer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from interphase.models.atomistic.extras import load, versions_of
from interphase.models.atomistic.molecules.cycle import ONE_LEVEL, PACKAGES
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Molecule, molecule
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.result import Computed, Setting

# e^2/(4 pi eps0) [eV angstrom].
_COULOMB: Final = 14.3996455
# Grid of the volume [angstrom].
_GRID: Final = 0.1


@dataclass(frozen=True)
class ElectronTransfer:
    """The four points of an electron transfer: two charges, each at both geometries.

    Attributes:
        name: of the molecule before the transfer.
        level: of the energies.
        xtb: gives the geometries.
        solvated: whether the energies are those in the implicit solvent.
        distance: of the molecule's middle from the metal, for the solvent's part [angstrom];
            about a molecule's layer.
        optical_permittivity: of the solvent, the square of its refractive index [-]; 1.42^2 of
            carbonates.
    """

    name: str
    level: Level
    xtb: XTB = field(default_factory=XTB)
    solvated: bool = False
    distance: float = 6.0
    optical_permittivity: float = 2.0

    def run(self) -> tuple[Computed, ...]:
        """Return vertical and adiabatic affinity and the reorganisation energy.

        The inner reorganisation energy of one molecule at an electrode is half of Nelsen's sum,
        which is that of a self-exchange between two molecules.

        Source: Nelsen, Blackstock & Kim, J. Am. Chem. Soc. 109, 677 (1987).
        """
        before = self.xtb.relaxed(molecule(self.name))
        charged = before.ionised(
            f"{self.name} with an electron", before.charge - 1, 1 - before.unpaired % 2
        )
        after = self.xtb.relaxed(charged)
        uncharged = after.ionised(before.name, before.charge, before.unpaired)
        vertical = self._energy(before) - self._energy(charged)
        back = self._energy(uncharged) - self._energy(before)
        forth = self._energy(charged) - self._energy(after)
        radius = cavity_radius(before)
        solvent = solvent_reorganisation(
            radius, self.distance, self.optical_permittivity, self.level.permittivity
        )
        return (
            self._value("electron_affinity", f"{self.name} vertical", {"vertical": vertical}),
            self._value("electron_affinity", f"{self.name} adiabatic",
                        {"vertical": vertical, "relaxation": forth}),
            self._value("reorganisation_energy", self.name,
                        {"with the electron": forth / 2.0, "without": back / 2.0,
                         "solvent": solvent},
                        f"at an electrode {self.distance:g} angstrom away, sphere of "
                        f"{radius:.2f} angstrom"),
        )  # fmt: skip

    def _energy(self, one: Molecule) -> float:
        return self.level.energy(one, solvated=self.solvated)

    def _value(self, quantity: str, of: str, terms: dict[str, float], note: str = "") -> Computed:
        settings: dict[str, Setting] = self.level.settings() | {
            "geometry": self.xtb.name,
            "solvated": self.solvated,
            "distance [angstrom]": self.distance,
            "optical permittivity": self.optical_permittivity,
        }
        return Computed(quantity, of, sum(terms.values()), "eV", ONE_LEVEL,
                        f"{self.level.name} on geometries of {self.xtb.name}", settings,
                        versions_of(PACKAGES), terms, note)  # fmt: skip


@dataclass(frozen=True)
class Orbitals:
    """Energies of the highest full and the lowest empty orbital, for screening.

    Attributes:
        name: of the molecule.
        level: of the field; Hartree-Fock and hybrids give gaps that are too wide.
        xtb: gives the geometry.
    """

    name: str
    level: Level
    xtb: XTB = field(default_factory=XTB)

    def run(self) -> tuple[Computed, ...]:
        """Return both, against vacuum."""
        found = self.level.field(self.xtb.relaxed(molecule(self.name)))
        settings: dict[str, Setting] = self.level.settings() | {"geometry": self.xtb.name}
        return tuple(
            Computed("orbital_energy", f"{self.name} {which}", value, "eV", ONE_LEVEL,
                     f"{self.level.name} on geometries of {self.xtb.name}", settings,
                     versions_of(PACKAGES), note="in vacuum; for ranking, not a potential")
            for which, value in (("HOMO", found.homo), ("LUMO", found.lumo))
        )  # fmt: skip


def solvent_reorganisation(radius: float, distance: float, optical: float, static: float) -> float:
    """Return the reorganisation energy of a solvent around a sphere before a metal [eV].

    e^2/(8 pi eps0) (1/a - 1/(2 d)) (1/eps_op - 1/eps_s).

    Args:
        radius: a of the sphere [angstrom].
        distance: d of its middle from the metal [angstrom].
        optical: permittivity at optical frequencies [-].
        static: permittivity at rest [-].

    Source: Marcus, J. Chem. Phys. 43, 679 (1965), eq. 90.
    """
    shape = 1.0 / radius - 0.5 / distance
    return 0.5 * _COULOMB * shape * (1.0 / optical - 1.0 / static)


def cavity_radius(molecule: Molecule) -> float:
    """Return the radius of the sphere as large as the molecule's van der Waals body [angstrom]."""
    radii = load("ase.data.vdw").vdw_radii[molecule.atoms().numbers]
    low = (molecule.positions - radii[:, None]).min(axis=0)
    high = (molecule.positions + radii[:, None]).max(axis=0)
    axes = [np.arange(start, end, _GRID) for start, end in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.zeros(len(points), dtype=bool)
    for centre, radius in zip(molecule.positions, radii, strict=True):
        inside |= np.sum((points - centre) ** 2, axis=1) < radius**2
    return float((3.0 * inside.sum() * _GRID**3 / (4.0 * np.pi)) ** (1.0 / 3.0))
