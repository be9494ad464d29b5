"""What a cell did between two exchanges with its films."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from interphase.models.cell.response import ResponseTable
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_cursor import Cursor
from interphase.solvers.cell_types import CellState, Segment
from interphase.solvers.exposure import Exposure, FilmResponse, uptake
from interphase.solvers.film_group import Places
from interphase.solvers.space import Array

# A cycle's growth changes by no more than this from one cycle to the next, thickness apart [-].
_LARGEST_DRIFT = 0.05


@dataclass(frozen=True)
class CycleGrowth:
    """Mean growth of the films in one cycle.

    Attributes:
        cycle: cycles done at its end.
        step: growth [m].
        thickness: afterwards [m].
        exponent: -d ln(rate) / d ln(L) [-].
    """

    cycle: int
    step: float
    thickness: float
    exponent: float

    def drift(self, before: CycleGrowth | None) -> float:
        """Return how fast the growth per cycle changes, thickness apart [1/cycle].

        The electrodes shift against each other as lithium is lost, so that the film sees other
        potentials. It is judged from an earlier cycle; zero if there was none.
        """
        if before is None or self.cycle <= before.cycle:
            return 0.0
        if not (self.step > 0.0 and before.step > 0.0):
            return 0.0
        change = math.log(self.step / before.step)
        change += self.exponent * math.log(self.thickness / before.thickness)
        rate = change / (self.cycle - before.cycle)
        return min(max(rate, -_LARGEST_DRIFT), _LARGEST_DRIFT)

    def repeats(self, cycles: int, drift: float) -> float:
        """Return how often this cycle's growth fits into ``cycles`` cycles of a thicker film.

        With u = L/L_0 and du/dn = g u^-s exp(drift n): u^(s+1) = 1 + (s+1) g m, where m is the
        number of cycles times their mean drift.
        """
        if not self.step > 0.0 or not self.thickness > 0.0:
            return float(cycles)
        growth = self.step / self.thickness
        effective = cycles * drift_factor(drift, cycles)
        if abs(self.exponent + 1.0) < 1e-6:
            return math.expm1(growth * effective) / growth
        inside = max(1.0 + (self.exponent + 1.0) * growth * effective, 1e-12)
        return (inside ** (1.0 / (self.exponent + 1.0)) - 1.0) / growth


def drift_factor(drift: float, cycles: int) -> float:
    """Return the mean of exp(drift n) over ``cycles`` cycles [-]."""
    total = drift * cycles
    return math.expm1(total) / total if abs(total) > 1e-9 else 1.0


@dataclass(frozen=True)
class Surroundings:
    """What a cell was like between two exchanges where its films are, the time's mean; (films,).

    Attributes:
        salt: in the electrolyte [mol/m3].
        lowest_potential: that the film's rates follow [V].
        mean_potential: the same, its mean [V].
        highest_potential: the same [V].
        intercalation: size of the current density per geometric area [A/m2].
        temperature: of the electrode [K], one for all.
    """

    salt: Array
    lowest_potential: Array
    mean_potential: Array
    highest_potential: Array
    intercalation: Array
    temperature: float

    def of(self, film: int) -> dict[str, float]:
        """Return the numbers of one film."""
        return {
            "lowest_potential": float(self.lowest_potential[film]),
            "mean_potential": float(self.mean_potential[film]),
            "highest_potential": float(self.highest_potential[film]),
            "intercalation": float(self.intercalation[film]),
            "temperature": self.temperature,
        }


@dataclass(frozen=True)
class Leg:
    """What a cell did between two exchanges, the same on every rank.

    Attributes:
        segments: of every cycle simulated, (cycles, steps).
        cursor: place in the program afterwards.
        before: charge booked per geometric area before [C/m2], (nodes,).
        after: the same afterwards, (nodes,).
        jumped: cycles jumped over.
        drift: mean rate in them over that in the last cycle simulated, thickness apart [-], of
            each group of films.
        growth: in the last cycle simulated, of each group; None without a jump.
    """

    segments: tuple[tuple[Segment, ...], ...]
    cursor: Cursor
    before: Array
    after: Array
    jumped: int = 0
    drift: tuple[float, ...] = (1.0,)
    growth: tuple[CycleGrowth, ...] | None = None

    @property
    def cycles_of_last(self) -> Array:
        """How many cycles the last one simulated stands for, in each group [-], (groups,)."""
        return 1.0 + np.array(self.drift) * self.jumped

    @property
    def spent(self) -> float:
        """Time simulated [s]."""
        return sum(s.duration for cycle in self.segments for s in cycle)

    def surroundings(self, places: Places) -> Surroundings:
        """Return what the cell was like at each film."""
        runs = [s for cycle in self.segments for s in cycle if s.duration > 0.0]
        covered = places.covered
        seen = [s.film_potential @ covered for s in runs]

        def mean(histories: Sequence[Array]) -> Array:
            parts = [np.trapezoid(h, s.times, axis=0) for h, s in zip(histories, runs, strict=True)]
            return np.asarray(sum(parts)) / self.spent

        return Surroundings(
            salt=mean([s.concentration @ covered for s in runs]),
            lowest_potential=np.min(np.concatenate(seen), axis=0),
            mean_potential=mean(seen),
            highest_potential=np.max(np.concatenate(seen), axis=0),
            intercalation=mean([np.abs(s.intercalation) @ covered for s in runs]),
            temperature=float(mean([s.temperature for s in runs])),
        )

    def exposures(
        self, places: Places, responses: Sequence[FilmResponse], drop_share: float
    ) -> list[Exposure]:
        """Return what each film saw."""
        tables = [r.table for r in responses]
        histories: list[list[Exposure]] = []
        for cycle in self.segments:
            pieces = [
                self._seen(s, places, tables, drop_share)
                for s in cycle
                if not s.skipped and s.duration > 0
            ]
            if pieces:
                histories.append([Exposure.joined(film) for film in zip(*pieces, strict=True)])
        if not histories:
            raise CouplingError("the cell did not advance: check its limits and the experiment")
        last = self.cycles_of_last
        last = last[places.group] if self.jumped else np.ones(places.films.size)
        return [
            Exposure.joined(film, last=float(times))
            for film, times in zip(zip(*histories, strict=True), last, strict=True)
        ]

    def taken(self, places: Places, responses: Sequence[FilmResponse], drop_share: float) -> Array:
        """Return the charge that each film takes [C/m2 of film area], (films,)."""
        own = np.zeros((places.nodes.size, places.films.size))
        for index, cycle in enumerate(self.segments):
            last = self.jumped and index == len(self.segments) - 1
            repeats = self.cycles_of_last[places.group] if last else np.ones(places.films.size)
            for s in cycle:
                potential = s.film_potential if drop_share else s.surface_potential
                for i, response in enumerate(responses):
                    rates = uptake(response.table, potential.ravel()).reshape(potential.shape)
                    own[:, i] += repeats[i] * np.trapezoid(rates, s.times, axis=0)
        return places.split(self.after - self.before, own)

    @staticmethod
    def _seen(
        segment: Segment, places: Places, tables: Sequence[ResponseTable], drop_share: float
    ) -> list[Exposure]:
        seen = segment.film_potential if drop_share else segment.surface_potential
        return [
            Exposure.of(segment.times, potential, warmth)
            for potential, warmth in zip(
                places.seen(seen, tables).T, places.warmth(segment), strict=True
            )
        ]


def cycle_growth(
    leg: Leg, places: Places, responses: Sequence[FilmResponse], past: Array, drop_share: float
) -> tuple[CycleGrowth, ...]:
    """Return the mean growth of each group of films in one cycle.

    Args:
        leg: the cycle.
        places: where the films stand.
        responses: of the films.
        past: charge booked since the responses and before it [C/m2], (nodes,).
        drop_share: see `FilmInputs`.
    """
    seen = leg.exposures(places, responses, drop_share)
    thickness = np.array([float(np.asarray(r.table.thickness)) for r in responses])
    volume = np.array([r.volume_per_charge for r in responses])
    exponent = np.array([e.exponent(r.table) for e, r in zip(seen, responses, strict=True)])
    charge = leg.taken(places, responses, drop_share)
    booked = places.area * past
    growths = []
    for group in range(int(places.group.max()) + 1):
        members = places.group == group
        weight = places.film_area[members] / places.film_area[members].sum()
        mean_volume = float(weight @ volume[members])
        cycle = weight * charge[members]
        step = mean_volume * float(cycle.sum())
        after = float(weight @ thickness[members]) + step
        before = float(booked[places.node_group == group].sum())
        after += mean_volume * before / float(places.film_area[members].sum())
        mean_exponent = float(cycle @ exponent[members]) / max(float(cycle.sum()), 1e-300)
        growths.append(CycleGrowth(leg.cursor.cycle, step, after, mean_exponent))
    return tuple(growths)


@dataclass(frozen=True)
class Jump:
    """Cycles that are jumped over.

    Attributes:
        first: state of the cell before the last simulated cycle.
        second: state after it.
        cycle: charge that it booked [C per m2 of geometric area], (nodes,).
        cycles: how many cycles' time passes.
        repeats: how many times its change is repeated, in each group of films, (groups,).
    """

    first: CellState
    second: CellState
    cycle: Array
    cycles: int
    repeats: Array

    @property
    def state(self) -> CellState:
        """Return the cell's state after the jump.

        Everything that is linear in the states and conserved by a cycle, lithium above all, is
        conserved by the jump.
        """
        a, b = self.first, self.second
        times = self.repeats if b.groups is None else self.repeats[b.groups, None]
        return replace(
            b,
            states=b.states + times * (b.states - a.states),
            time=b.time + self.cycles * (b.time - a.time),
            throughput=b.throughput + self.cycles * (b.throughput - a.throughput),
        )
