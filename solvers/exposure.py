"""What passes between a cell and a film: the film's response, what it saw, what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from interphase.models.cell.response import ResponseTable
from interphase.parameters.program import Drive
from interphase.solvers.space import Array

# Potentials that differ by less are one [V].
_SAME_POTENTIAL = 1.0e-4


def uptake(table: ResponseTable, potential: Array | float) -> Array:
    """Return the electron uptake of a film in its tabulated state [A/m2], growth positive."""
    return -table.rate(np.atleast_1d(potential), table.thickness)


def potential_of(table: ResponseTable, rate: Array, fallback: Array) -> Array:
    """Return the potential at which a film takes ``rate`` [A/m2], (n,) [V].

    Args:
        table: of one film.
        rate: electron uptake [A/m2], (n,).
        fallback: potential where the table does not rise or fall all the way [V], (n,).
    """
    knots = np.asarray(table.knots, dtype=float).ravel()
    values = uptake(table, knots)
    scale = max(1e-9 * float(np.abs(values).max()), 1e-30)
    falling = np.arcsinh(values[::-1] / scale)
    if not np.all(np.diff(falling) > 0.0):
        return fallback
    return np.asarray(np.interp(np.arcsinh(rate / scale), falling, knots[::-1]))


@dataclass(frozen=True)
class FilmResponse:
    """What a cell must know of a film until the next exchange.

    Attributes:
        table: rates against potential and thickness, one film.
        volume_per_charge: film volume that a coulomb makes [m3/C].
        activation: how the rate at each knot follows the temperature, j ~ exp(-activation/T) [K];
            zero where nobody asked.
    """

    table: ResponseTable
    volume_per_charge: float
    activation: Array | float = 0.0

    def with_activation(self, warm: FilmResponse, temperature: float, span: float) -> FilmResponse:
        """Return this response with the activation that a warmer one shows.

        Args:
            warm: at ``temperature`` + ``span`` [K], at the same knots.
            temperature: of this one [K].
            span: [K].
        """
        rate, other = np.asarray(self.table.rates), np.asarray(warm.table.rates)
        ratio = np.where(rate * other > 0.0, other / np.where(rate == 0.0, 1.0, rate), 1.0)
        distance = 1.0 / temperature - 1.0 / (temperature + span)
        return replace(self, activation=np.log(ratio) / distance)

    def scaled(self, factor: float) -> FilmResponse:
        """Return the response with all rates multiplied by ``factor`` [-]."""
        rates = np.asarray(self.table.rates) * factor
        return replace(self, table=replace(self.table, rates=rates))


@dataclass(frozen=True)
class Exposure:
    """What a patch saw of the cell between two exchanges, in short pieces.

    Attributes:
        durations: of the pieces [s], (n,).
        potential: electrode against electrolyte [V], (n,).
        temperature: [K], (n,).
    """

    durations: Array
    potential: Array
    temperature: Array

    @classmethod
    def of(cls, times: Array, potential: Array, temperature: Array) -> Exposure:
        """Return the exposure of a history, all (n + 1,)."""
        return cls(
            np.diff(times),
            0.5 * (potential[1:] + potential[:-1]),
            0.5 * (temperature[1:] + temperature[:-1]),
        )

    @classmethod
    def joined(cls, parts: Sequence[Exposure], last: float = 1.0) -> Exposure:
        """Return exposures one after the other, the last one repeated ``last`` times."""
        factors = [1.0] * (len(parts) - 1) + [last]
        return cls(
            np.concatenate([p.durations * f for p, f in zip(parts, factors, strict=True)]),
            np.concatenate([p.potential for p in parts]),
            np.concatenate([p.temperature for p in parts]),
        )

    def exponent(self, table: ResponseTable) -> float:
        """Return the mean thickness exponent [-], each moment by the charge that it brings."""
        charge = np.abs(uptake(table, self.potential)) * self.durations
        knots, exponents = (np.ravel(np.asarray(a)) for a in (table.knots, table.exponents))
        there = np.interp(self.potential, knots, exponents)
        return float(charge @ there / charge.sum()) if charge.sum() > 0.0 else 0.0

    def condense(self, response: ResponseTable, bins: int = 4) -> list[tuple[float, Drive]]:
        """Return the interval as a few holds (duration [s], drive), the fastest last.

        Potentials at which next to nothing grows are one hold; the others are grouped so that
        each hold brings the same charge, at the potential that has the mean rate of its group.
        """
        rate = np.abs(uptake(response, self.potential))
        order = np.argsort(rate)
        step, level, warmth = (a[order] for a in (self.durations, self.potential, self.temperature))
        charge = np.cumsum(rate[order] * step)
        if not charge[-1] > 0.0 or np.ptp(level) < _SAME_POTENTIAL:
            return [(float(step.sum()), self._mean(step, level, warmth, None))]
        edges = charge[-1] * np.array([0.0, 0.01, *np.linspace(0.0, 1.0, bins + 1)[1:]])
        edges[-1] *= 1.0 + 1e-12
        holds = []
        for low, high in zip(edges, edges[1:], strict=False):
            inside = (charge > low) & (charge <= high) if low > 0.0 else charge <= high
            if step[inside].sum() > 0.0:
                part = (step[inside], level[inside], warmth[inside])
                holds.append((float(part[0].sum()), self._mean(*part, response)))
        return holds

    @staticmethod
    def _mean(
        step: Array, potential: Array, warmth: Array, response: ResponseTable | None
    ) -> Drive:
        """Return the drive at the mean rate of a group of times; at its mean potential without."""
        weights = step / step.sum()
        level = float(weights @ potential)
        if response is not None:
            mean = float(weights @ uptake(response, potential))
            lowest, highest = float(potential.min()), float(potential.max())
            grid = np.linspace(lowest, highest, 65)
            level = float(grid[np.argmin(np.abs(uptake(response, grid) - mean))])
        return Drive(level, 0.0, float(weights @ warmth))


@dataclass(frozen=True)
class Advance:
    """How a patch took the cell's charge.

    Attributes:
        charge: taken [C/m2 of film area].
        error: charge that it would have taken in the cell's time, over the cell's, less 1 [-].
        potential_error: the same as a shift of the potential [V]; nan where the rate does not
            follow the potential.
        steps: of the film.
    """

    charge: float
    error: float
    potential_error: float
    steps: int


class Film(Protocol):
    """What grows on a part of an electrode."""

    @property
    def thickness(self) -> float:
        """Mean thickness [m]."""
        ...

    @property
    def charge(self) -> float:
        """Electrons taken since the start of the study [C/m2 of film area]."""
        ...

    @property
    def content(self) -> float:
        """Charge that the whole film took, what it started with included [C/m2 of film area]."""
        ...

    @property
    def lithium(self) -> float:
        """Lithium in the solids since the start, less that of the salt [mol/m2 of film area]."""
        ...

    @property
    def resistance(self) -> float:
        """Resistance to Li+ [ohm m2 of film area]."""
        ...

    def response(self, potentials: Array, temperature: float) -> FilmResponse:
        """Return the response at ``potentials`` [V] and ``temperature`` [K]."""
        ...

    def advance(self, exposure: Exposure, response: ResponseTable, charge: float) -> Advance:
        """Take ``charge`` [C/m2 of film area] under ``exposure``."""
        ...

    def keep(self) -> object:
        """Return what ``give_back`` needs to make this state again."""
        ...

    def give_back(self, kept: object) -> None:
        """Return to a state that was kept."""
        ...
