"""Species and reactions, with every element and the charge checked when they are made."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, Self, get_args

from interphase.parameters.errors import ParameterError, did_you_mean

ELECTRON: Final = "e-"

State = Literal["solid", "liquid", "gas", "electron", "electrode"]

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)|(\()|\)(\d*)")
_TERM = re.compile(r"(?:(\d+(?:\.\d+)?|\d+/\d+)\s+)?(\S+)")
# Coefficients are small fractions, so sums of them are exact; this allows for 1/3.
_BALANCED = 1e-9


def count_elements(formula: str) -> dict[str, int]:
    """Return how many atoms of each element a formula holds, ``"(CH2OH)2"`` -> C2 H6 O2.

    Raises:
        ParameterError: if the text is no formula.
    """
    stack: list[Counter[str]] = [Counter()]
    position = 0
    while position < len(formula):
        match = _TOKEN.match(formula, position)
        if match is None or (match[0].startswith(")") and len(stack) == 1):
            raise ParameterError(f"'{formula}' is no chemical formula (at '{formula[position:]}')")
        if match[1]:
            stack[-1][match[1]] += int(match[2] or 1)
        elif match[3]:
            stack.append(Counter())
        else:
            group = stack.pop()
            for element, count in group.items():
                stack[-1][element] += count * int(match[4] or 1)
        position = match.end()
    if len(stack) > 1:
        raise ParameterError(f"'{formula}' is no chemical formula: a bracket is not closed")
    return dict(stack[0])


@dataclass(frozen=True, slots=True)
class Species:
    """One chemical species.

    Attributes:
        name: name used in reactions, such as ``EC`` or ``PF6-``.
        formula: elements and their numbers without charge, such as ``C3H4O3``; empty for e-.
        charge: charge in units of e.
        state: where it lives: a solid phase, dissolved in (or part of) the liquid, a gas, the
            electron, or the electrode.
        elements: atoms of each element, from the formula.
    """

    name: str
    formula: str
    charge: int
    state: State
    elements: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Count the atoms."""
        if self.state not in get_args(State):
            raise ParameterError(
                f"species.{self.name}.state: '{self.state}' is not a state; "
                f"{did_you_mean(str(self.state), get_args(State))}"
            )
        try:
            elements = count_elements(self.formula)
        except ParameterError as error:
            raise ParameterError(f"species.{self.name}.formula: {error}") from error
        if not elements and self.state != "electron":
            raise ParameterError(f"species.{self.name}.formula: is empty")
        object.__setattr__(self, "elements", elements)


@dataclass(frozen=True, slots=True)
class Reaction:
    """One reaction; its extent is counted as the equation is written.

    Attributes:
        id: short name, such as ``R1``.
        equation: for people, such as ``2 EC + 2 Li+ + 2 e- -> Li2EDC + C2H4``.
        stoichiometry: coefficient of each species [-], negative for those consumed.
        electrons: electrons consumed per extent, 0 for a chemical reaction.
        species: the species that take part, by name.
        source: where the reaction is proposed or observed.
        note: anything a user must know.
    """

    id: str
    equation: str
    stoichiometry: Mapping[str, float]
    electrons: int
    species: Mapping[str, Species] = field(repr=False)
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Check every element, the charge and the number of electrons."""
        where = f"reactions.{self.id}"
        for name in self.stoichiometry:
            if name not in self.species:
                raise ParameterError(
                    f"{where}: unknown species '{name}'; {did_you_mean(name, self.species)}"
                )
        object.__setattr__(self, "stoichiometry", dict(self.stoichiometry))
        used = {name: self.species[name] for name in self.stoichiometry}
        object.__setattr__(self, "species", used)
        for what, amount in self.imbalance().items():
            if abs(amount) > _BALANCED:
                verb = "makes" if amount > 0.0 else "loses"
                raise ParameterError(
                    f"{where}: '{self.equation}' is not balanced: it {verb} {abs(amount):g} {what}"
                )
        consumed = -self.stoichiometry.get(ELECTRON, 0.0)
        if consumed != self.electrons or self.electrons < 0:
            raise ParameterError(
                f"{where}: electrons is {self.electrons}, the equation consumes {consumed:g}; "
                "write reactions as reductions with a whole number of electrons"
            )

    @classmethod
    def from_equation(
        cls, id: str, equation: str, species: Mapping[str, Species], source: str, note: str = ""
    ) -> Self:
        """Build a reaction from its equation.

        Args:
            id: short name.
            equation: terms joined by ``" + "`` with ``" -> "`` between the sides; a coefficient
                (``2``, ``1/2``, ``0.5``) stands before the species, separated by a space.
            species: all species known, by name.
            source: where the reaction is proposed or observed.
            note: anything a user must know.

        Raises:
            ParameterError: if the text cannot be read, a species is unknown or the equation is
                not balanced.
        """
        sides = equation.split(" -> ")
        if len(sides) != 2:
            raise ParameterError(
                f"reactions.{id}: '{equation}' is no equation; "
                "write for example 'EC + 2 Li+ + 2 e- -> Li2CO3 + C2H4'"
            )
        totals: dict[str, Fraction] = {}
        for sign, side in zip((-1, 1), sides, strict=True):
            for term in side.split(" + "):
                match = _TERM.fullmatch(term.strip())
                if match is None or (match[1] and Fraction(match[1]) == 0):
                    raise ParameterError(f"reactions.{id}: cannot read the term '{term.strip()}'")
                totals[match[2]] = totals.get(match[2], Fraction(0)) + sign * Fraction(
                    match[1] or 1
                )
        stoichiometry = {name: float(total) for name, total in totals.items() if total}
        electrons = -totals.get(ELECTRON, Fraction(0))
        return cls(id, equation, stoichiometry, int(electrons), species, source, note)

    def imbalance(self) -> dict[str, float]:
        """Return products minus reactants of each element, in atoms, and of ``charge``, in e."""
        total = {"charge": 0.0}
        for name, coefficient in self.stoichiometry.items():
            species = self.species[name]
            total["charge"] += coefficient * species.charge
            for element, count in species.elements.items():
                key = f"atoms of {element}"
                total[key] = total.get(key, 0.0) + coefficient * count
        return total

    def product_phase(self, solids: Collection[str]) -> str | None:
        """Return the solid phase that the reaction makes, None if it makes none of ``solids``.

        Raises:
            ParameterError: if it makes several of them, which has to be split into reactions.
        """
        return self._only([name for name in solids if self.stoichiometry.get(name, 0.0) > 0.0])

    def consumed_phase(self, solids: Collection[str]) -> str | None:
        """Return the solid phase that the reaction consumes, None if it consumes none.

        Raises:
            ParameterError: if it consumes several of ``solids``.
        """
        return self._only([name for name in solids if self.stoichiometry.get(name, 0.0) < 0.0])

    def _only(self, names: list[str]) -> str | None:
        if len(names) > 1:
            raise ParameterError(
                f"reactions.{self.id}: concerns several solids at once ({', '.join(names)}); "
                "split it into reactions with one each"
            )
        return names[0] if names else None
