"""Reaction free energies and reduction potentials as sums of named terms that can be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Molecule, molecule
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

LITHIUM_ABSOLUTE: Final = 1.40
"""Absolute potential of Li/Li+ [V]: 4.44 V of the hydrogen electrode (Trasatti, Pure Appl. Chem.
58, 955, 1986) less 3.04 V."""

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
    """Vibrations, rotation and translation at a temperature, solutes at 1 mol/l.

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


TERMS: Final = ("electronic", "zero_point", "thermal", "solvation")
"""Names of all terms."""


def terms_of(level: Level, xtb: XTB, names: Sequence[str] = TERMS) -> tuple[Term, ...]:
    """Return the terms that are switched on.

    Raises:
        AtomisticError: if a name is unknown.
    """
    every: dict[str, Term] = {
        one.name: one for one in (Electronic(level), ZeroPoint(xtb), Thermal(xtb), Solvation(level))
    }
    for name in names:
        if name not in every:
            raise AtomisticError(f"term '{name}' is not known; {did_you_mean(name, every)}")
    return tuple(every[name] for name in names)


@dataclass(frozen=True)
class Cycle:
    """A reaction between molecules, and electrons that it takes from an electrode.

    Attributes:
        name: of the reaction.
        stoichiometry: coefficient of each molecule, negative for what is consumed.
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
        start = {name: molecule(name) for name in self.stoichiometry}
        self._check_balance(start)
        relaxed = {name: self.xtb.relaxed(one) for name, one in start.items()}
        return {
            part.name: sum(nu * part.energy(relaxed[n]) for n, nu in self.stoichiometry.items())
            for part in parts
        }

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

    def _check_balance(self, molecules: Mapping[str, Molecule]) -> None:
        atoms: Counter[str] = Counter()
        charge = self.electrons
        for name, nu in self.stoichiometry.items():
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
    """

    def run(self) -> tuple[Computed, ...]:
        """Return the potential with its terms."""
        if self.electrons < 1:
            raise AtomisticError(f"{self.name}: a reduction consumes electrons")
        volts = {name: -part / self.electrons for name, part in self.contributions().items()}
        volts["reference Li/Li+"] = -LITHIUM_ABSOLUTE
        return (self.computed("reduction_potential", "V", volts),)


REDUCTIONS: Final[Mapping[str, tuple[Mapping[str, int], int]]] = {
    "CO2": ({"CO2": -1, "CO2-": 1}, 1),
    "EC": ({"EC": -1, "EC-": 1}, 1),
    "Li+EC": ({"Li+EC": -1, "LiEC": 1}, 1),
    "Li+EC ring opening": ({"Li+EC": -1, "LiEC-open": 1}, 1),
    "FEC": ({"FEC": -1, "FEC-": 1}, 1),
    "Li+FEC": ({"Li+FEC": -1, "LiFEC": 1}, 1),
    "Li+FEC LiF elimination": ({"Li+FEC": -1, "LiF": 1, "FEC-F": 1}, 1),
    "VC": ({"VC": -1, "VC-": 1}, 1),
    "DMC": ({"DMC": -1, "DMC-": 1}, 1),
    "EMC": ({"EMC": -1, "EMC-": 1}, 1),
    "Li+VC": ({"Li+VC": -1, "LiVC": 1}, 1),
    "LiEC-open second electron": (
        {"LiEC-open": -1, "Li+EC": -1, "Li2CO3": 1, "C2H4": 1, "EC": 1},
        1,
    ),
    # the reactions of tables; ions come from their shells, solids are single molecules
    "R1": ({"Li+EC": -2, "Li2EDC": 1, "C2H4": 1}, 2),
    "R2": ({"Li+EC": -2, "Li2CO3": 1, "C2H4": 1, "EC": 1}, 2),
    "R3": ({"Li+EC": -3, "PF6-": -1, "LiF": 3, "PF3": 1, "EC": 3}, 2),
    "R4": ({"Li+EC": -2, "Li2EDC": -1, "Li2CO3": 2, "C2H4": 1, "EC": 2}, 2),
    "R5": ({"Li+EC": -2, "Li2CO3": -1, "Li2O": 2, "CO": 1, "EC": 2}, 2),
    "R7": ({"Li+EC": -2, "DMC": -1, "Li2CO3": 1, "C2H6": 1, "EC": 2}, 2),
    "R8": ({"Li+EC": -2, "CO2": -2, "Li2CO3": 1, "CO": 1, "EC": 2}, 2),
}
"""Reductions by name: stoichiometry and electrons."""

GIBBS: Final[Mapping[str, Mapping[str, int]]] = {
    "ring opening of LiEC": {"LiEC": -1, "LiEC-open": 1},
    "2 LiEC -> Li2EDC + C2H4": {"LiEC": -2, "Li2EDC": 1, "C2H4": 1},
    "2 LiEC-open -> Li2EDC + C2H4": {"LiEC-open": -2, "Li2EDC": 1, "C2H4": 1},
    "R6a": {"Li2EDC": -1, "H2O": -1, "Li2CO3": 1, "CO2": 1, "(CH2OH)2": 1},
    "R6b": {"Li2CO3": -1, "HF": -2, "LiF": 2, "H2O": 1, "CO2": 1},
}
"""Reactions without electrons by name."""
