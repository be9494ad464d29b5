"""What becomes of a little electrolyte at an electrode: stochastic runs at a potential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a stochastic run begins with.

    Attributes:
        start: number of each species; lithium ions and electrons are never short.
        concentration: that the numbers stand for [mol/m^3].
        tunnelling: probability that an electron passes the film, a factor of reductions.
        temperature: [K].
        events: of one run, at most.
    """

    start: Mapping[Species, int]
    concentration: float = 1000.0
    tunnelling: float = 1e-3
    temperature: float = 298.15
    events: int = 5000


@dataclass(frozen=True, slots=True)
class Yield:
    """Products of several runs.

    Attributes:
        mean: of each product, per molecule at the start that is first in the conditions.
        error: standard error of the mean.
        final: species left, of all runs together.
    """

    mean: Mapping[str, float]
    error: Mapping[str, float]
    final: Counter[Species]


def simulate(steps: Sequence[Step], conditions: Conditions, runs: int, seed: int) -> Yield:
    """Run Gillespie's direct method on the steps that go downhill.

    Uphill steps are left out: with them most events would be fast equilibria back and forth. Each
    event then lowers the free energy, so a run ends by itself when nothing can react further.

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
        name: np.array([system.count(final, smiles) for final in finals]) / total
        for name, smiles in PRODUCTS.items()
    }
    left: Counter[Species] = Counter()
    for final in finals:
        left.update({one: int(n) for one, n in zip(system.species, final, strict=True) if n})
    return Yield(
        {name: float(values.mean()) for name, values in counts.items()},
        {name: float(values.std() / np.sqrt(runs)) for name, values in counts.items()},
        left,
    )


class _System:
    """The downhill steps as arrays; a second reactant of a unimolecular step is a dummy of one."""

    def __init__(self, steps: Sequence[Step], conditions: Conditions) -> None:
        down = [step for step in steps if step.change < 0.0 and len(step.consumed) < 3]
        members = {one for step in down for one in (*step.consumed, *step.made)}
        self.species = sorted(members | set(conditions.start))
        index = {one: number for number, one in enumerate(self.species)}
        dummy = len(self.species)
        self._start = np.zeros(dummy + 1, dtype=np.int64)
        self._start[dummy] = 1
        for one, number in conditions.start.items():
            self._start[index[one]] = number
        self._first = np.array([index[step.consumed[0]] for step in down])
        self._second = np.array(
            [index[step.consumed[1]] if len(step.consumed) > 1 else dummy for step in down]
        )
        self._rate = np.array([self._constant(step, conditions) for step in down])
        self._change = np.zeros((len(down), dummy + 1), dtype=np.int64)
        for row, step in zip(self._change, down, strict=True):
            for sign, side in ((-1, step.consumed), (1, step.made)):
                for one in side:
                    row[index[one]] += sign
        self._events = conditions.events

    @staticmethod
    def _constant(step: Step, conditions: Conditions) -> float:
        """Return events per second for one (pair of) molecule(s)."""
        thermal = BOLTZMANN * conditions.temperature
        rate = thermal / PLANCK * np.exp(-step.barrier * ELEMENTARY_CHARGE / thermal)
        if step.electrons > 0:
            rate *= conditions.tunnelling
        if len(step.consumed) == 2:
            # standard state one mole per litre; the volume follows from the numbers at the start
            number = sum(conditions.start.values())
            volume = number / (conditions.concentration * AVOGADRO)
            rate /= 1000.0 * AVOGADRO * volume
        return float(rate)

    def run(self, random: np.random.Generator) -> NDArray[np.int64]:
        """Return the numbers of species when nothing can react further."""
        amounts = self._start.copy()
        twice = self._first == self._second
        for _ in range(self._events):
            pairs = amounts[self._first] * (amounts[self._second] - twice) / (1 + twice)
            rates = self._rate * pairs
            ladder = np.cumsum(rates)
            if ladder.size == 0 or ladder[-1] <= 0.0:
                return amounts[:-1]
            chosen = int(np.searchsorted(ladder, random.random() * ladder[-1], side="right"))
            amounts += self._change[chosen]
        raise AtomisticError(f"a stochastic run has not ended after {self._events} events")

    def count(self, amounts: NDArray[np.int64], smiles: str) -> int:
        """Return how many species of a skeleton that carry all their electrons are left."""
        return int(
            sum(
                n
                for one, n in zip(self.species, amounts, strict=True)
                if n and one.smiles == smiles and _finished(one)
            )
        )


def _finished(one: Species) -> bool:
    """Whether all open valences are filled, so that the species is no radical."""
    from interphase.models.atomistic.network import skeleton

    filled = skeleton.formal_charge(one.smiles) - one.charge
    return filled == skeleton.radicals(one.smiles)
