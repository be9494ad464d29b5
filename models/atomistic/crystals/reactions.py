"""Energies of reactions between solids and gases, against the tables of NIST-JANAF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from interphase.models.atomistic.crystals.base import ONE_POTENTIAL, energy_per_unit
from interphase.models.atomistic.crystals.potentials import Potential
from interphase.models.atomistic.crystals.reference import (
    Formation,
    potential_against_lithium,
    reaction,
)
from interphase.models.atomistic.crystals.relax import energy, relax
from interphase.models.atomistic.crystals.structures import crystal_names
from interphase.models.atomistic.extras import load
from interphase.models.atomistic.result import Computed, Setting
from interphase.parameters.chemistry import count_elements
from interphase.parameters.constants import AVOGADRO, ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError, did_you_mean

GASES: Final = ("CO", "CO2", "F2", "O2")
_BOX: Final = 12.0

REACTIONS: Final[Mapping[str, Mapping[str, float]]] = {
    "Li2O + CO2 -> Li2CO3": {"Li2O": -1, "CO2": -1, "Li2CO3": 1},
    "Li2CO3 + 4 Li -> 3 Li2O + C": {"Li2CO3": -1, "Li": -4, "Li2O": 3, "C": 1},
    "Li2CO3 + 2 Li -> 2 Li2O + CO": {"Li2CO3": -1, "Li": -2, "Li2O": 2, "CO": 1},
    "2 CO2 + 2 Li -> Li2CO3 + CO": {"CO2": -2, "Li": -2, "Li2CO3": 1, "CO": 1},
    "2 Li + 1/2 O2 -> Li2O": {"Li": -2, "O2": -0.5, "Li2O": 1},
    "Li + 1/2 F2 -> LiF": {"Li": -1, "F2": -0.5, "LiF": 1},
    "2 Li + C + 3/2 O2 -> Li2CO3": {"Li": -2, "C": -1, "O2": -1.5, "Li2CO3": 1},
}
"""Reactions whose energies are tabulated."""

NAMES: Final[Mapping[str, str]] = {
    "Li2CO3 + 4 Li -> 3 Li2O + C": "R5c",
    "Li2CO3 + 2 Li -> 2 Li2O + CO": "R5",
    "2 CO2 + 2 Li -> Li2CO3 + CO": "R8",
}
"""What tables call the ones that a film runs."""


@dataclass(frozen=True, slots=True)
class ReactionEnergy:
    """Energy of a reaction at rest, and its Gibbs energy with the tabulated thermal part.

    The potential gives the energy of nuclei at rest. What lies between it and the Gibbs energy at
    298.15 K is small for solids and well tabulated, so it is taken from NIST-JANAF as the
    difference of the Gibbs energy at 298.15 K and the enthalpy at 0 K; zero-point energies of the
    reaction are left out.

    Attributes:
        equation: one of `REACTIONS`.
        potential: what computes the energies.
        fmax: forces below which a structure counts as relaxed [eV/angstrom].
    """

    equation: str
    potential: Potential
    fmax: float = 0.01

    def run(self) -> tuple[Computed, ...]:
        """Return the energy, the Gibbs energy and the potential against lithium metal.

        The tabulated ones are in the settings; a reaction without lithium has no potential.
        """
        if self.equation not in REACTIONS:
            raise AtomisticError(
                f"'{self.equation}' is not known; {did_you_mean(self.equation, REACTIONS)}"
            )
        stoichiometry = REACTIONS[self.equation]
        check_balance(self.equation, stoichiometry)
        molar = ELEMENTARY_CHARGE * AVOGADRO
        parts = {name: nu * self._energy(name) * molar for name, nu in stoichiometry.items()}
        value = sum(parts.values())
        tabulated: Formation = reaction(stoichiometry)
        thermal = tabulated.gibbs - tabulated.enthalpy_0
        settings: dict[str, Setting] = {
            "potential": self.potential.name,
            "tabulated energy, 0 K [J/mol]": tabulated.enthalpy_0,
            "tabulated Gibbs energy [J/mol]": tabulated.gibbs,
        }
        rest = Computed(
            "reaction_energy",
            self.equation,
            value,
            "J/mol",
            ONE_POTENTIAL,
            f"{self.potential.name}, relaxed crystals and molecules",
            settings,
            self.potential.versions(),
        )
        gibbs = replace(
            rest,
            name="reaction_gibbs_energy",
            value=value + thermal,
            method=f"{rest.method}, thermal part of NIST-JANAF",
            terms={"rest": value, "thermal": thermal},
        )
        lithium = -stoichiometry.get("Li", 0.0)
        if lithium <= 0.0:
            return rest, gibbs
        return rest, gibbs, self._potential(gibbs, tabulated.gibbs, lithium)

    def _potential(self, gibbs: Computed, tabulated: float, lithium: float) -> Computed:
        """Return the potential of the equilibrium with lithium metal, term by term."""
        volts = {
            name: potential_against_lithium(part, lithium) for name, part in gibbs.terms.items()
        }
        settings: dict[str, Setting] = {
            "potential": gibbs.settings["potential"],
            "tabulated potential [V]": potential_against_lithium(tabulated, lithium),
        }
        of = NAMES.get(self.equation, self.equation)
        return replace(gibbs, name="equilibrium_potential", of=of, value=sum(volts.values()),
                       unit="V", settings=settings, terms=volts)  # fmt: skip

    def _energy(self, name: str) -> float:
        """Return the energy per formula unit [eV]."""
        if name in crystal_names():
            return energy_per_unit(name, self.potential, self.fmax)
        atoms = load("ase.build").molecule(name, cell=[_BOX] * 3, pbc=True)
        atoms.center()
        return energy(relax(self.potential.attach(atoms, name), name, fmax=self.fmax))


def check_balance(equation: str, stoichiometry: Mapping[str, float]) -> None:
    """Refuse a reaction that gains or loses atoms.

    Raises:
        AtomisticError: names the element.
    """
    total: dict[str, float] = {}
    for name, nu in stoichiometry.items():
        for element, count in count_elements(name).items():
            total[element] = total.get(element, 0.0) + nu * count
    for element, amount in total.items():
        if abs(amount) > 1e-9:
            raise AtomisticError(f"'{equation}' gains {amount:g} {element}")
