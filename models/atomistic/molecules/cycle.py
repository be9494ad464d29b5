"""Reaction free energies and reduction potentials as sums of named terms that can be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.molecules.conformers import Conformers
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Molecule, molecule
from interphase.models.atomistic.molecules.phases import LITHIUM_ABSOLUTE, METAL_ION, evaporated
from interphase.models.atomistic.molecules.shell import ExplicitShell
from interphase.models.atomistic.molecules.thermo import (
    rigid_gibbs,
    vibrational_gibbs,
    zero_point_energy,
)
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.result import Computed, Setting
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import AtomisticError, did_you_mean
from interphase.parameters.provenance import NoUncertainty

ONE_LEVEL: Final = NoUncertainty("one level of theory; compare with others and with experiment")

PACKAGES: Final = ("ase", "pyscf", "rdkit", "tblite")


class Term(Protocol):
    """A part of the free energy of a molecule."""

    @property
    def name(self) -> str:
        """Name in tables."""

    def energy(self, molecule: Molecule) -> float:
        """Return the part of a relaxed molecule [eV]."""


@dataclass(frozen=True, slots=True)
class Electronic:
    """Energy of electrons and nuclei at rest, in vacuum."""

    level: Level
    name: str = "electronic"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]."""
        return self.level.energy(molecule)


@dataclass(frozen=True, slots=True)
class Solvation:
    """What an implicit solvent changes, at the same geometry."""

    level: Level
    name: str = "solvation"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]."""
        if molecule.gas:
            return 0.0
        return self.level.energy(molecule, solvated=True) - self.level.energy(molecule)


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """Zero-point energy, by xTB."""

    xtb: XTB
    name: str = "zero_point"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]."""
        return zero_point_energy(self.xtb.wavenumbers(molecule))


@dataclass(frozen=True, slots=True)
class Thermal:
    """Vibrations, rotation and translation; solutes at 1 mol/l, gases at 1 bar.

    Attributes:
        temperature: [K].
    """

    xtb: XTB
    temperature: float = 298.15
    name: str = "thermal"

    def energy(self, molecule: Molecule) -> float:
        """Return the part [eV]."""
        vibrations = vibrational_gibbs(self.xtb.wavenumbers(molecule), self.temperature)
        return vibrations + rigid_gibbs(molecule, self.temperature)


TERMS: Final = (
    "electronic", "zero_point", "thermal", "solvation", "explicit_shell", "conformers",
)  # fmt: skip
"""Names of the terms that are computed for every molecule."""


def terms_of(level: Level, xtb: XTB, names: Sequence[str] = TERMS) -> tuple[Term, ...]:
    """Return the terms that are switched on.

    Raises:
        AtomisticError: if a name is unknown.
    """
    every: dict[str, Term] = {
        one.name: one
        for one in (
            Electronic(level), ZeroPoint(xtb), Thermal(xtb), Solvation(level),
            ExplicitShell(xtb, level.store), Conformers(xtb, level.store),
        )
    }  # fmt: skip
    for name in names:
        if name not in every:
            raise AtomisticError(f"term '{name}' is not known; {did_you_mean(name, every)}")
    return tuple(every[name] for name in names)


@dataclass(frozen=True)
class Cycle:
    """A reaction between molecules, and electrons that it takes from an electrode.

    Attributes:
        name: of the reaction.
        stoichiometry: coefficient of each molecule, negative for what is consumed; gases, solids
            and ions of the metal are named as in `phases`.
        level: of the energies.
        electrons: that are consumed.
        xtb: gives geometries and vibrations.
        terms: names of those that are switched on.
    """

    name: str
    stoichiometry: Mapping[str, int]
    level: Level
    electrons: int = 0
    xtb: XTB = field(default_factory=XTB)
    terms: tuple[str, ...] = TERMS

    def contributions(self) -> dict[str, float]:
        """Return the change of each term [eV], electrons at rest in vacuum.

        Raises:
            AtomisticError: if the reaction is not balanced or a calculation fails.
        """
        parts = terms_of(self.level, self.xtb, self.terms)
        molecules, tabulated = evaporated(self.stoichiometry)
        self._check_balance({name: molecule(name) for name in molecules}, molecules)
        shapes = Conformers(self.xtb, self.level.store)
        relaxed = {name: shapes.best(name) for name in molecules}
        computed = {
            part.name: sum(nu * part.energy(relaxed[n]) for n, nu in molecules.items())
            for part in parts
        }
        return computed | tabulated

    def computed(self, quantity: str, unit: str, terms: Mapping[str, float]) -> Computed:
        """Return the sum of terms as a value."""
        settings: dict[str, Setting] = self.level.settings() | {
            "geometry": self.xtb.name,
            "reaction": [f"{nu:+d} {name}" for name, nu in self.stoichiometry.items()],
            "electrons": self.electrons,
            "left out": [name for name in TERMS if name not in self.terms],
        }
        return Computed(quantity, self.name, sum(terms.values()), unit, ONE_LEVEL,
                        f"{self.level.name} on geometries of {self.xtb.name}", settings,
                        versions_of(PACKAGES), terms)  # fmt: skip

    def _check_balance(
        self, molecules: Mapping[str, Molecule], stoichiometry: Mapping[str, int]
    ) -> None:
        atoms: Counter[str] = Counter()
        # an ion of the metal is counted as an atom, its charge is missing there
        charge = self.electrons + self.stoichiometry.get(METAL_ION, 0)
        for name, nu in stoichiometry.items():
            charge += nu * molecules[name].charge
            for element, count in molecules[name].elements.items():
                atoms[element] += nu * count
        wrong = [f"{count:+d} {element}" for element, count in atoms.items() if count]
        wrong += [f"charge {charge:+d}"] if charge else []
        if wrong:
            raise AtomisticError(f"{self.name}: not balanced: {', '.join(wrong)}")


@dataclass(frozen=True)
class ReactionGibbs(Cycle):
    """Free energy of a reaction without electrons."""

    def run(self) -> tuple[Computed, ...]:
        """Return the free energy with its terms."""
        molar = {name: part * FARADAY for name, part in self.contributions().items()}
        return (self.computed("reaction_gibbs_energy", "J/mol", molar),)


@dataclass(frozen=True)
class ReductionPotential(Cycle):
    """Potential of the reaction's equilibrium with an electrode, against Li/Li+.

    U = -dG/(n F) - 1.40 V; each term of dG is a term of U.

    Attributes:
        quantity: ``equilibrium_potential`` for reactions of the film with their crystals.
    """

    quantity: str = "reduction_potential"

    def run(self) -> tuple[Computed, ...]:
        """Return the potential with its terms."""
        if self.electrons < 1:
            raise AtomisticError(f"{self.name}: a reduction consumes electrons")
        volts = {name: -part / self.electrons for name, part in self.contributions().items()}
        volts["reference Li/Li+"] = -LITHIUM_ABSOLUTE
        return (self.computed(self.quantity, "V", volts),)
