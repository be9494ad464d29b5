"""Lattice parameters, molar volume and bulk modulus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.crystals.base import CrystalCalculation
from interphase.models.atomistic.crystals.relax import ALL, ANGSTROM, EV_PER_A3, energy, relax
from interphase.models.atomistic.result import Computed
from interphase.parameters.constants import AVOGADRO
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from ase import Atoms

_EDGES = ("a", "b", "c")
_ANGLES = ("alpha", "beta", "gamma")


@dataclass(frozen=True)
class Lattice(CrystalCalculation):
    """Relaxed cell and the equation of state around it.

    Attributes:
        strain: largest change of volume on either side [-].
        points: volumes that are computed, odd.
    """

    strain: float = 0.04
    points: int = 7

    def run(self) -> tuple[Computed, ...]:
        """Return the lattice parameters, the molar volume and the bulk modulus."""
        atoms = self.relaxed_cell()
        volumes, energies = self._curve(atoms)
        volume, modulus = birch_murnaghan(volumes, energies)
        scale = (volume / atoms.get_volume()) ** (1.0 / 3.0)
        settings = {"volume_strain": self.strain, "points": self.points}
        how = "Birch-Murnaghan fit"
        name = self.crystal.name
        values = [
            self.computed("lattice_parameter", of, 0.1 * length * scale, "nm",
                          how, settings=settings)
            for of, length in self._edges(atoms)
        ]  # fmt: skip
        values += [
            self.computed("lattice_angle", f"{name} {label}", angle, "deg", "relaxed")
            for label, angle in zip(_ANGLES, atoms.cell.angles(), strict=True)
            if not self.crystal.cubic and abs(angle - 90.0) > 0.1
        ]
        molar = volume * ANGSTROM**3 * AVOGADRO / self.crystal.formula_units
        return (
            *values,
            self.computed("molar_volume", name, molar, "m^3/mol", how, settings=settings,
                          note="static lattice: no zero-point motion, no thermal expansion"),
            self.computed("bulk_modulus", name, modulus * EV_PER_A3 / 1e9, "GPa", how,
                          settings=settings, note="static lattice"),
        )  # fmt: skip

    def _edges(self, atoms: Atoms) -> list[tuple[str, float]]:
        lengths = atoms.cell.lengths()
        if self.crystal.cubic:
            return [(self.crystal.name, float(np.mean(lengths)))]
        return [
            (f"{self.crystal.name} {label}", float(length))
            for label, length in zip(_EDGES, lengths, strict=True)
        ]

    def _curve(self, relaxed: Atoms) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return volumes [angstrom^3] and energies [eV]; shape relaxes unless it is cubic."""
        factors = np.linspace(1.0 - self.strain, 1.0 + self.strain, self.points)
        volumes, energies = [], []
        for factor in factors:
            atoms = self.potential.attach(relaxed, self.crystal.name)
            atoms.set_cell(relaxed.cell * factor ** (1.0 / 3.0), scale_atoms=True)
            strains = None if self.crystal.cubic else ALL
            relax(atoms, self.crystal.name, fmax=self.fmax, strains=strains,
                  constant_volume=strains is not None)  # fmt: skip
            volumes.append(atoms.get_volume())
            energies.append(energy(atoms))
        return np.array(volumes), np.array(energies)


def birch_murnaghan(
    volumes: NDArray[np.float64], energies: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the volume at rest and the bulk modulus there, from a curve of energies.

    The third-order equation is a cubic polynomial in V^(-2/3), so its fit is linear.

    Args:
        volumes: volumes, at least four.
        energies: energy at each.

    Returns:
        Volume at the minimum, in the unit given, and B = V d2E/dV2 there, in energy per volume.

    Raises:
        AtomisticError: if the minimum is not inside the volumes given.

    Source: Birch, Phys. Rev. 71, 809 (1947).
    """
    reference = float(np.mean(volumes))
    x = (volumes / reference) ** (-2.0 / 3.0)
    cubic = np.polynomial.Polynomial.fit(x, energies, 3).convert()
    slope, bend = cubic.deriv(1), cubic.deriv(2)
    low, high = float(x.min()), float(x.max())
    roots = [float(root.real) for root in slope.roots() if abs(root.imag) < 1e-9]
    rest = [root for root in roots if float(bend(root)) > 0.0 and low < root < high]
    if len(rest) != 1:
        raise AtomisticError(
            "the energy has no minimum between the volumes of the equation of state; "
            "relax the cell further or take a larger strain"
        )
    # dx/dV = -(2/3) x/V, and the first derivative of the energy vanishes
    volume = reference * rest[0] ** -1.5
    return volume, float(bend(rest[0]) * (2.0 / 3.0 * rest[0]) ** 2 / volume)
