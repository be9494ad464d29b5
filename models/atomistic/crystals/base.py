"""What all calculations of crystals share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from interphase.models.atomistic.crystals.potentials import Potential
from interphase.models.atomistic.crystals.relax import ALL, energy, relax
from interphase.models.atomistic.crystals.structures import Crystal, crystal
from interphase.models.atomistic.result import Computed, Setting
from interphase.parameters.provenance import NoUncertainty, Uncertainty

if TYPE_CHECKING:
    from ase import Atoms

ONE_POTENTIAL: Final = NoUncertainty(
    "one potential; the spread over several and the calibration on known crystals give it"
)


@dataclass(frozen=True)
class CrystalCalculation:
    """A property of one crystal by one potential.

    Attributes:
        crystal: what is computed.
        potential: what computes it.
        fmax: forces below which a structure counts as relaxed [eV/angstrom].
    """

    crystal: Crystal
    potential: Potential
    fmax: float = 0.01

    def relaxed_cell(self) -> Atoms:
        """Return the conventional cell, relaxed in shape, size and positions."""
        what = self.crystal.name
        atoms = self.potential.attach(self.crystal.atoms, what)
        return relax(atoms, what, fmax=self.fmax, strains=ALL)

    def computed(
        self,
        name: str,
        of: str,
        value: float,
        unit: str,
        how: str,
        *,
        settings: Mapping[str, Setting] | None = None,
        uncertainty: Uncertainty = ONE_POTENTIAL,
        **rest: Any,
    ) -> Computed:
        """Return a value with the potential, its versions and the settings of this class."""
        everything: dict[str, Setting] = {
            "potential": self.potential.name,
            "fmax [eV/angstrom]": self.fmax,
        }
        everything.update(settings or {})
        return Computed(
            name,
            of,
            value,
            unit,
            uncertainty,
            f"{self.potential.name}, {how}",
            settings=everything,
            versions=self.potential.versions(),
            **rest,
        )


def energy_per_unit(name: str, potential: Potential, fmax: float) -> float:
    """Return the energy of a named crystal, relaxed, per formula unit [eV]."""
    if (name, fmax) not in potential.known:
        what = crystal(name)
        atoms = CrystalCalculation(what, potential, fmax).relaxed_cell()
        potential.known[name, fmax] = energy(atoms) / what.formula_units
    return potential.known[name, fmax]
