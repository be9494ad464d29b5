"""Gibbs energy of nuclei: zero-point, thermal and entropic parts of a molecule."""

from __future__ import annotations

from typing import Final

import numpy as np

from interphase.models.atomistic.molecules.molecule import Array, Molecule
from interphase.models.atomistic.molecules.xtb import XTB, is_linear
from interphase.parameters.constants import (
    AVOGADRO,
    BOLTZMANN,
    ELEMENTARY_CHARGE,
    HBAR,
    PLANCK,
)

_ATOMIC_MASS: Final = 1.66053906660e-27
_LIGHT: Final = 2.99792458e10
# Softer vibrations count as this one: their harmonic entropy would grow without end [1/cm].
_SOFTEST: Final = 100.0


def zero_point_energy(wavenumbers: Array) -> float:
    """Return the zero-point energy of vibrations [eV]; imaginary ones count as soft ones."""
    return float(0.5 * np.sum(_energies(wavenumbers)) / ELEMENTARY_CHARGE)


def vibrational_gibbs(wavenumbers: Array, temperature: float) -> float:
    """Return the thermal free energy of vibrations without the zero-point energy [eV]."""
    thermal = BOLTZMANN * temperature
    return float(
        thermal * np.sum(np.log1p(-np.exp(-_energies(wavenumbers) / thermal))) / ELEMENTARY_CHARGE
    )


def gibbs(molecule: Molecule, xtb: XTB, temperature: float) -> float:
    """Return the free energy of a relaxed molecule, all of it by xTB [eV].

    Raises:
        AtomisticError: if the geometry is no minimum.
    """
    waves = xtb.wavenumbers(molecule)
    return (
        xtb.energy(molecule)
        + zero_point_energy(waves)
        + vibrational_gibbs(waves, temperature)
        + rigid_gibbs(molecule, temperature)
    )


def rigid_gibbs(molecule: Molecule, temperature: float) -> float:
    """Return the free energy of translation and rotation [eV].

    Of an ideal solute at one mole per litre, or of a gas at 1 bar.

    Symmetry numbers are left out: at most kT ln 12 = 0.06 eV.

    Args:
        molecule: its masses and geometry.
        temperature: [K].

    Source: McQuarrie, Statistical Mechanics (1976), chapters 5, 6 and 8.
    """
    atoms = molecule.atoms()
    thermal = BOLTZMANN * temperature
    mass = float(atoms.get_masses().sum()) * _ATOMIC_MASS
    number = 1e5 / thermal if molecule.gas else 1000.0 * AVOGADRO
    log_q = 1.5 * np.log(2.0 * np.pi * mass * thermal / PLANCK**2) - np.log(number)
    log_q += np.log(molecule.unpaired + 1.0)
    if len(atoms) > 1:
        moments = np.sort(atoms.get_moments_of_inertia()) * _ATOMIC_MASS * 1e-20
        parts = 2.0 * moments * thermal / HBAR**2
        if is_linear(molecule.positions):
            log_q += np.log(parts[-1])
        else:
            log_q += 0.5 * (np.log(np.pi) + np.sum(np.log(parts)))
    # per particle G = A + kT, and the kT cancels the one of Stirling's N!
    return float(-thermal * log_q / ELEMENTARY_CHARGE)


def _energies(wavenumbers: Array) -> Array:
    return PLANCK * _LIGHT * np.maximum(wavenumbers, _SOFTEST)
