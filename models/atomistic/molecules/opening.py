"""Molecules that break a bond once they have taken an electron: barrier, and where it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.molecules.conformers import Conformers
from interphase.models.atomistic.molecules.cycle import (
    ONE_LEVEL,
    PACKAGES,
    TERMS,
    Electronic,
    ReductionPotential,
    Solvation,
)
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Array, Molecule
from interphase.models.atomistic.molecules.thermo import (
    rigid_gibbs,
    vibrational_gibbs,
    zero_point_energy,
)
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.result import Computed
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE, FARADAY, PLANCK
from interphase.parameters.errors import AtomisticError

# Lengths of the bond that is stretched, and how finely its saddle is found [angstrom].
_LENGTHS: Final = np.arange(1.45, 2.66, 0.1)
_FINE: Final = 0.025
# Force that half of such a step may leave where the way is as curved as a bond [eV/angstrom].
_LEVEL: Final = 0.3


@dataclass(frozen=True)
class BondBreaking:
    """Free energy of the barrier over which a molecule breaks a bond.

    All but the bond relaxes while it is stretched, by the cheap method, from the molecule's best
    shape; the highest place must have one imaginary vibration.

    Attributes:
        name: of the process.
        molecule: that breaks, by name.
        bond: its two atoms.
        level: of the energies.
        xtb: the cheap method.
        temperature: [K].
    """

    name: str
    molecule: str
    bond: tuple[int, int]
    level: Level
    xtb: XTB = field(default_factory=XTB)
    temperature: float = 298.15

    def run(self) -> tuple[Computed, ...]:
        """Return the barrier with its terms."""
        terms = {name: part * FARADAY for name, part in self.contributions().items()}
        settings = self.level.settings() | {
            "geometry": self.xtb.name,
            "molecule": self.molecule,
            "bond": [f"{atom}" for atom in self.bond],
            "temperature [K]": self.temperature,
        }
        return (
            Computed("activation_energy", self.name, sum(terms.values()), "J/mol", ONE_LEVEL,
                     f"{self.level.name} at a saddle of {self.xtb.name}", settings,
                     versions_of(PACKAGES), terms, "Gibbs energy, enters kT/h exp(-G/kT)"),
        )  # fmt: skip

    def contributions(self) -> dict[str, float]:
        """Return the terms of the barrier [eV].

        Raises:
            AtomisticError: if there is no saddle, or a calculation fails.
        """
        start = Conformers(self.xtb, self.level.store).best(self.molecule)
        top = self.saddle(start)
        found = {
            part.name: part.energy(top) - part.energy(start)
            for part in (Electronic(self.level), Solvation(self.level))
        }
        rest, turned = self.xtb.wavenumbers(start), self.xtb.saddle_wavenumbers(top)
        found["zero_point"] = zero_point_energy(turned) - zero_point_energy(rest)
        found["thermal"] = (
            vibrational_gibbs(turned, self.temperature) + rigid_gibbs(top, self.temperature)
            - vibrational_gibbs(rest, self.temperature) - rigid_gibbs(start, self.temperature)
        )  # fmt: skip
        return found

    def saddle(self, start: Molecule) -> Molecule:
        """Return the molecule at the highest place of the way.

        Raises:
            AtomisticError: if the energy rises or falls all the way.
        """
        way, energies = self._way(start, _LENGTHS)
        top = int(np.argmax(energies))
        if top in (0, len(way) - 1):
            raise AtomisticError(
                f"{self.name}: no saddle between {_LENGTHS[0]:.2f} and {_LENGTHS[-1]:.2f} "
                "angstrom; name the atoms of the bond that breaks"
            )
        around = np.arange(_LENGTHS[top - 1] + _FINE, _LENGTHS[top + 1], _FINE)
        way, energies = self._way(way[top - 1], around)
        found = replace(way[int(np.argmax(energies))], name=f"{self.molecule} breaking")
        if (force := self.xtb.largest_force(found)) > _LEVEL:
            # the way jumps from one valley to another: its highest place is none of the ridge
            raise AtomisticError(
                f"{found.name}: a force of {force:.2g} eV/angstrom is left: this is no saddle of "
                f"{self.xtb.name}; relax to smaller forces than {self.xtb.fmax:g}"
            )
        return found

    def _way(self, start: Molecule, lengths: Array) -> tuple[list[Molecule], list[float]]:
        way, energies, at = [], [], start
        for length in lengths:
            at = self.xtb.stretched(at, self.bond, float(length))
            way.append(at)
            energies.append(self.xtb.energy(at))
        return way, energies


@dataclass(frozen=True)
class ReductionOnset:
    """Potential at which a reduction is seen whose product breaks a bond at once.

    The electron's step is at equilibrium, breaking is not undone: the peak of a sweep lies above
    the potential of the electron's step, and does not depend on that of the broken product.

    Attributes:
        name: of the molecule that is reduced.
        reduction: of the molecule as it is.
        breaking: of the product.
        sweep: speed of the sweep [V/s].
    """

    name: str
    reduction: ReductionPotential
    breaking: BondBreaking
    sweep: float = 1e-4

    def run(self) -> tuple[Computed, ...]:
        """Return the barrier and the potential of the peak.

        Raises:
            AtomisticError: if the bond breaks too slowly to be seen in the sweep.
        """
        # the shell of a closed ring is one-sided: GFN2-xTB moves its electron to a solvent
        bare = replace(self.reduction, terms=tuple(t for t in TERMS if t != "explicit_shell"))
        (closed,), (barrier,) = bare.run(), self.breaking.run()
        shift = peak_shift(barrier.value / FARADAY, self.sweep, self.breaking.temperature)
        terms = dict(closed.terms) | {"breaking": shift}
        settings = {**closed.settings, "sweep [V/s]": self.sweep,
                    "barrier [J/mol]": barrier.value}  # fmt: skip
        onset = Computed("reduction_onset", self.name, sum(terms.values()), "V",
                         ONE_LEVEL, closed.method, settings, closed.versions, terms,
                         "peak of a sweep; breaking follows the electron")  # fmt: skip
        return (onset, barrier)


def peak_shift(barrier: float, sweep: float, temperature: float) -> float:
    """Return by how much the peak of a sweep lies above the potential of the electron's step [V].

    RT/F (ln sqrt(k/a) - 0.780) with k = kT/h exp(-G/kT) and a = F v/(R T): one electron at
    equilibrium, and a step without return.

    Args:
        barrier: Gibbs energy G of the step that follows [eV].
        sweep: speed v [V/s].
        temperature: [K].

    Raises:
        AtomisticError: if k is below 10 a, where the law does not hold.

    Source: Nicholson & Shain, Anal. Chem. 36, 706 (1964), case VI (recalled).
    """
    thermal = BOLTZMANN * temperature / ELEMENTARY_CHARGE
    rate = BOLTZMANN * temperature / PLANCK * np.exp(-barrier / thermal)
    times = rate * thermal / sweep
    if times < 10.0:
        raise AtomisticError(
            f"a step of {rate:.3g}/s is too slow to be seen at {sweep:g} V/s; sweep more slowly"
        )
    return float(thermal * (0.5 * np.log(times) - 0.780))
