"""What becomes of a little electrolyte at an electrode: stochastic runs at a potential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.models.atomistic.network import skeleton
from interphase.models.atomistic.network.network import Species
from interphase.models.atomistic.network.paths import Step
from interphase.parameters.constants import AVOGADRO, BOLTZMANN, ELEMENTARY_CHARGE, PLANCK
from interphase.parameters.errors import AtomisticError

PRODUCTS: Final[Mapping[str, str]] = {
    "Li2EDC": "[O]C(=O)OCCOC([O])=O",
    "Li2BDC": "[O]C(=O)OCCCCOC([O])=O",
    "Li2CO3": "[O]C([O])=O",
    "Li2O": "[O]",
    "LiF": "[F]",
    "C2H4": "C=C",
    "CO": "[C-]#[O+]",
    "CO2": "O=C=O",
}
"""Products that are counted, by skeleton: bare ions bind lithium of which there is enough."""

DECAY: Final = 1.025e10
"""Decay of tunnelling through a barrier of 1 eV, 2 sqrt(2 m E)/hbar [1/m]."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a stochastic run begins with.

    Attributes:
        start: number of each species; lithium ions and electrons are never short.
        concentration: that the numbers stand for [mol/m^3].
        film: thickness that electrons tunnel through [m], 0 for a bare electrode.
        layer: depth of the liquid whose molecules electrons reach [m]; one molecule.
        diffusivity: with which molecules leave it [m^2/s]; 0 keeps them there for good.
        uphill: by which steps of the electrode go uphill at most [eV]; what they make may leave
            before it goes back.
        temperature: [K].
        events: of one run, at most.
    """

    start: Mapping[Species, int]
    concentration: float = 1000.0
    film: float = 1e-9
    layer: float = 6e-10
    diffusivity: float = 3e-10
    uphill: float = 0.5
    temperature: float = 298.15
    events: int = 50_000

    @property
    def tunnelling(self) -> float:
        """Probability that an electron passes the film, a factor of all reductions [-]."""
        return float(np.exp(-DECAY * self.film))

    @property
    def leaving(self) -> float:
        """Rate at which a molecule leaves the layer, D/a^2 [1/s]."""
        return self.diffusivity / self.layer**2


@dataclass(frozen=True, slots=True)
class Yield:
    """Products of several runs.

    Attributes:
        mean: of each product, per molecule at the start that is first in the conditions.
        error: standard error of the mean.
        inorganic: part of the lithium bound to anions (radicals too, those with phosphorus not)
            that is in those without hydrogen; nan if there is none.
        inorganic_error: its standard error.
        final: species left, of all runs together.
    """

    mean: Mapping[str, float]
    error: Mapping[str, float]
    inorganic: float
    inorganic_error: float
    final: Counter[Species]


def simulate(steps: Sequence[Step], conditions: Conditions, runs: int, seed: int) -> Yield:
    """Run Gillespie's direct method on downhill steps, and a little uphill at the electrode.

    Other uphill steps are left out: with them most events would be fast equilibria back and forth.
    What an electrode makes uphill goes back, or leaves. A run ends when nothing can react further.

    Molecules are in the layer that electrons reach, or have left it for good and react among
    themselves. Those of the start are in both, the liquid brings them; salts stay where they are.

    Args:
        steps: of `paths.directed`, at one potential.
        conditions: of the start.
        runs: how many.
        seed: of the random numbers; each run has its own stream.

    Raises:
        AtomisticError: if a run does not end within its events.

    Source: Gillespie, J. Phys. Chem. 81, 2340 (1977).
    """
    system = _System(steps, conditions)
    streams = np.random.default_rng(seed).spawn(runs)
    finals = [system.run(stream) for stream in streams]
    total = next(iter(conditions.start.values()))
    counts = {
        name: np.array([_count(final, smiles) for final in finals]) / total
        for name, smiles in PRODUCTS.items()
    }
    shares = np.array([share for share in map(_inorganic, finals) if share is not None])
    left: Counter[Species] = Counter()
    for final in finals:
        left.update(final)
    return Yield(
        {name: float(values.mean()) for name, values in counts.items()},
        {name: float(values.std() / np.sqrt(runs)) for name, values in counts.items()},
        float(shares.mean()) if shares.size else float("nan"),
        float(shares.std() / np.sqrt(shares.size)) if shares.size else float("nan"),
        left,
    )


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that may happen: what it takes and makes (numbers of species in a place)."""

    consumed: tuple[int, ...]
    made: tuple[int, ...]
    rate: float


class _System:
    """The events as arrays; a second reactant of a unimolecular one is a dummy of one."""

    def __init__(self, steps: Sequence[Step], conditions: Conditions) -> None:
        down = [
            step
            for step in steps
            if step.change < conditions.uphill * bool(step.electrons) and len(step.consumed) < 3
        ]
        members = {one for step in down for one in (*step.consumed, *step.made)}
        self._species = sorted(members | set(conditions.start))
        places = len(self._species)
        dummy = 2 * places
        self._start = np.zeros(dummy + 1, dtype=np.int64)
        self._start[dummy] = 1
        for one, number in conditions.start.items():
            self._start[self._species.index(one)] = number
        events = list(_events(down, self._species, conditions))
        self._first = np.array([one.consumed[0] for one in events], dtype=np.int64)
        self._second = np.array([(*one.consumed, dummy)[1] for one in events], dtype=np.int64)
        self._rate = np.array([one.rate for one in events])
        self._events = events
        self._most = conditions.events

    def run(self, random: np.random.Generator) -> Counter[Species]:
        """Return the numbers of species, wherever they are, when nothing can react further."""
        amounts = self._start.copy()
        twice = self._first == self._second
        for _ in range(self._most):
            pairs = amounts[self._first] * (amounts[self._second] - twice) / (1 + twice)
            ladder = np.cumsum(self._rate * pairs)
            if ladder.size == 0 or ladder[-1] <= 0.0:
                count = len(self._species)
                both = amounts[:count] + amounts[count : 2 * count]
                return Counter(
                    {one: int(n) for one, n in zip(self._species, both, strict=True) if n}
                )
            chosen = int(np.searchsorted(ladder, random.random() * ladder[-1], side="right"))
            for index in self._events[chosen].consumed:
                amounts[index] -= 1
            for index in self._events[chosen].made:
                amounts[index] += 1
        raise AtomisticError(f"a stochastic run has not ended after {self._most} events")


def _events(
    steps: Sequence[Step], species: Sequence[Species], conditions: Conditions
) -> Iterator[_Event]:
    """Give every step in the layer, those without electrons outside it too, and leaving it."""
    inside = {one: number for number, one in enumerate(species)}
    brought = {(one.smiles, one.charge) for one in conditions.start}
    outside = {one: number + len(species) * _leaves(one, brought) for one, number in inside.items()}
    for step in steps:
        rate = _constant(step, conditions)
        places = [inside] if step.electrons else [inside, outside]
        for where in places:
            consumed = tuple(where[one] for one in step.consumed)
            made = tuple(where[one] for one in step.made)
            # among molecules that are everywhere both places are one
            if where is inside or any(index >= len(species) for index in consumed):
                yield _Event(consumed, made, rate)
    if conditions.leaving > 0.0:
        for one, number in inside.items():
            if outside[one] != number:
                yield _Event((number,), (outside[one],), conditions.leaving)


def _leaves(one: Species, brought: Collection[tuple[str, int]]) -> bool:
    """Whether a molecule can leave: all but salts, and what the liquid brings (with lithium)."""
    salt = bool(one.lithium) and not one.total_charge and _finished(one)
    return not salt and (one.smiles, one.charge) not in brought


def _constant(step: Step, conditions: Conditions) -> float:
    """Return events per second for one (pair of) molecule(s)."""
    thermal = BOLTZMANN * conditions.temperature
    rate = thermal / PLANCK * np.exp(-step.barrier * ELEMENTARY_CHARGE / thermal)
    if step.electrons:
        rate *= conditions.tunnelling
    if len(step.consumed) == 2:
        # standard state one mole per litre; the volume follows from the numbers at the start
        number = sum(conditions.start.values())
        volume = number / (conditions.concentration * AVOGADRO)
        rate /= 1000.0 * AVOGADRO * volume
    return float(rate)


def _count(final: Mapping[Species, int], smiles: str) -> int:
    """Return how many species of a skeleton that carry all their electrons are left."""
    return sum(n for one, n in final.items() if one.smiles == smiles and _finished(one))


def _inorganic(final: Mapping[Species, int]) -> float | None:
    """Return the part of the lithium bound to anions that is in those without hydrogen."""
    bare = every = 0
    for one, number in final.items():
        inside = skeleton.elements(one.smiles)
        if one.lithium and one.charge < 0 and "P" not in inside:
            every += number * min(one.lithium, -one.charge)
            bare += number * min(one.lithium, -one.charge) * ("H" not in inside)
    return bare / every if every else None


def _finished(one: Species) -> bool:
    """Whether all open valences are filled, so that the species is no radical."""
    filled = skeleton.formal_charge(one.smiles) - one.charge
    return filled == skeleton.radicals(one.smiles)
