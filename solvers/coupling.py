"""A cell and the films on its negative electrode, advanced together through formation and ageing.

An exchange: every film gives its response (rate against potential and thickness), the cell runs
with it and books the films' charge, and every film takes exactly this charge under the potentials
it has seen. How much longer or shorter than the cell a film needs for it is an error of its
response: the cell runs again with the response so corrected, and the error chooses the length of
the next exchange. Cycles that differ little are jumped over: the change of the whole state of the
cell over one cycle, which conserves lithium, is repeated.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from interphase.meshes.parallel import on_root
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_cursor import run_leg
from interphase.solvers.cell_types import (
    CellState,
    CellStepper,
    ControlStep,
    IntegrationError,
    TableWindowError,
)
from interphase.solvers.exposure import Advance, FilmResponse
from interphase.solvers.film_group import FilmGroup, Places
from interphase.solvers.leg import Jump, Leg, cycle_growth, drift_factor
from interphase.solvers.pace import SIMULATED, Pace
from interphase.solvers.space import Array
from interphase.solvers.study_state import Exchange, StudyState

logger = logging.getLogger(__name__)

# The table reaches this far beyond the potentials met before [V].
_MARGIN = 0.02
_WIDENINGS = 8
# An exchange is corrected until films and cell agree on the charge to this part of the tolerance.
_AGREED = 0.25
_CORRECTIONS = 3
# Part of the first error that is taken to stay after it was corrected: in cycles that were jumped
# over, which the correction repeats as they were, and in an exchange that was run again. There a
# part of the error is what carriers owe from the last step, and no shorter exchange makes it less.
_REMAINS_OF_JUMP, _REMAINS = 0.25, 0.04
# By no more than this factor, either way.
_LARGEST = 5.0
# An exchange that brings less than this part of what a film has taken since the start, or of all
# that it is made of, is judged against this part.
_TRIFLE, _TRACE = 1.0e-3, 1.0e-4
# A film this far from its response is not corrected.
_HOPELESS = 0.7


@dataclass(frozen=True)
class _Kept:
    """Where an exchange began: films of this rank and, on all ranks, the cell."""

    films: dict[int, object]
    cell: CellState


class AgeingStudy:
    """Couples a cell to its films. Collective on the films' communicator.

    Attributes:
        cell: on rank 0; None elsewhere.
        films: on the ranks.
        places: where the films stand for the electrode.
        state: where the study is.
        last_leg: what the cell did in the last exchange.
    """

    def __init__(
        self,
        cell: CellStepper | None,
        films: FilmGroup,
        places: Places,
        program: Sequence[ControlStep],
        *,
        cycles: int,
        pace: Pace,
        knots: int,
        window: tuple[float, float],
        temperature: float | Array,
        drop_share: float = 1.0,
        collective: bool = False,
        span: float = 0.0,
    ) -> None:
        """Put cell and films together.

        Args:
            cell: on rank 0, or on all ranks if ``collective``.
            films: on the ranks.
            places: where the films stand for the electrode.
            program: steps of one cycle.
            cycles: how often it is run.
            pace: length of the first exchange.
            knots: number of potentials of a table.
            window: lowest and highest potential of the first tables [V].
            temperature: at which the films are asked [K], (films,) or one for all.
            drop_share: see `FilmInputs`.
            collective: whether the cell's methods are called on all ranks, and answer the same.
            span: see `FilmGroup.responses`.
        """
        self.cell, self.films, self.places = cell, films, places
        self._program, self._cycles, self._knots = tuple(program), cycles, knots
        warmth = np.broadcast_to(np.asarray(temperature, dtype=float), (films.size,))
        self._temperature, self._drop_share, self._span = warmth, drop_share, span
        self._collective = collective
        self._last_jump: Jump | None = None
        self._known: tuple[tuple[int, float, float], list[FilmResponse]] | None = None
        self.last_leg: Leg | None = None
        self.state = StudyState(pace, *window)

    @property
    def done(self) -> bool:
        """Whether all cycles are done."""
        return self.state.cursor.cycle >= self._cycles

    def exchange(self, longest: float = math.inf) -> Exchange:
        """Run the cell and the films from one exchange to the next.

        Args:
            longest: time that the exchange may take at most [s], for an end of the study within a
                cycle; cycles are not jumped over then.

        Raises:
            CouplingError: cell and films do not come together.
            ConvergenceError: a film's step failed.
        """
        while True:
            kept = self._keep()
            try:
                responses, leg = self._run(longest)
            except IntegrationError:
                # A response goes astray far from where it was measured.
                if self.state.pace.exhausted:
                    raise
                self._give_back(kept)
                self._shorten(longest)
                continue
            leg, advances, error = self._advance(responses, leg, kept, longest)
            if self.state.pace.acceptable(error):
                return self._accept(leg, advances, error)
            self._give_back(kept)
            self.state.rejected += 1
            self.state.pace = self.state.pace.reject(error, spent=leg.spent, jumped=leg.jumped)

    def _shorten(self, longest: float) -> None:
        """Take note of an exchange over which the cell could not be integrated."""
        state = self.state
        jumped = state.pace.jump(self._cycles - state.cursor.cycle)
        jumped = jumped if state.cursor.at_start and math.isinf(longest) else 0
        spent = min(state.pace.seconds, longest)
        state.rejected += 1
        state.pace = state.pace.reject(1.0, spent=spent, jumped=jumped)

    def _keep(self) -> _Kept:
        return _Kept(self.films.keep(), self.on_cell(lambda cell: cell.state()))

    def _give_back(self, kept: _Kept) -> None:
        self.films.give_back(kept.films)
        self.on_cell(lambda stepper: stepper.restore(kept.cell))

    def _run(self, longest: float) -> tuple[list[FilmResponse], Leg]:
        """Run the cell with the films' responses; widen their tables where it leaves them."""
        for _ in range(_WIDENINGS):
            responses = self._responses()
            found = self._ran(responses, longest)
            if isinstance(found, Leg):
                return responses, found
            low, high = float(found.lowest.min()), float(found.highest.max())
            self.state.lowest = min(self.state.lowest, low - _MARGIN)
            self.state.highest = max(self.state.highest, high + _MARGIN)
        raise CouplingError(
            f"the electrode's potential left every table, last at {low:.3g} to {high:.3g} V: "
            "check the limits of the experiment"
        )

    def _responses(self) -> list[FilmResponse]:
        """Return the films' responses; those of the last try if nothing has changed since."""
        state = self.state
        key = (state.exchanges, state.lowest, state.highest)
        if self._known is None or self._known[0] != key:
            found = self.films.responses(self._knot_potentials(), self._temperature, self._span)
            self._known = key, found
        return self._known[1]

    def _ran(self, responses: list[FilmResponse], longest: float) -> Leg | TableWindowError:
        """Run the cell with ``responses``; it is back where it was if it left their tables."""
        resistance = np.array(self.films.each(lambda i, film: film.resistance))
        return self.on_cell(lambda cell: self._leg(cell, responses, resistance, longest))

    def _knot_potentials(self) -> Array:
        """Return the potentials of the tables [V], denser where films grow fast."""
        low, high = self.state.lowest, self.state.highest
        return low + (high - low) * np.linspace(0.0, 1.0, self._knots) ** 1.5

    def _leg(
        self, cell: CellStepper, responses: list[FilmResponse], resistance: Array, longest: float
    ) -> Leg | TableWindowError:
        """Run the cell; where the cell lives."""
        state = self.state
        start = cell.state()
        before = cell.charge.copy()
        cell.set_film(self.places.inputs(responses, resistance, before, self._drop_share))
        seconds = min(state.pace.seconds, longest)
        jump = 0
        if state.cursor.at_start and math.isinf(longest):
            jump = state.pace.jump(self._cycles - state.cursor.cycle)
        try:
            if jump:
                return self._jump(cell, responses, before, jump)
            segments, cursor = run_leg(cell, self._program, state.cursor, seconds, self._cycles)
        except TableWindowError as error:
            cell.restore(start)
            return error
        return Leg((tuple(segments),), cursor, before, cell.charge.copy())

    def _jump(
        self, cell: CellStepper, responses: list[FilmResponse], before: Array, jump: int
    ) -> Leg:
        """Run two cycles and repeat the change of the second; where the cell lives."""
        simulated, ends = [], []
        cursor = self.state.cursor
        for _ in range(SIMULATED):
            segments, cursor = run_leg(cell, self._program, cursor, math.inf, self._cycles)
            simulated.append(tuple(segments))
            ends.append((cell.state(), cell.charge.copy()))
        (first, charge), (second, later) = ends[-2:]
        last = Leg((simulated[-1],), cursor, charge, later)
        growth = cycle_growth(last, self.places, responses, charge - before, self._drop_share)
        earlier = self.state.growth or (None,) * len(growth)
        drift = [now.drift(then) for now, then in zip(growth, earlier, strict=True)]
        repeats = np.array([g.repeats(jump, d) for g, d in zip(growth, drift, strict=True)])
        self._last_jump = Jump(first, second, later - charge, jump, repeats)
        cell.restore(self._last_jump.state)
        cursor = replace(cursor, cycle=cursor.cycle + jump)
        after = cell.charge.copy()
        factors = tuple(drift_factor(d, jump) for d in drift)
        return Leg(tuple(simulated), cursor, before, after, jump, factors, growth)

    def _advance(
        self, responses: list[FilmResponse], leg: Leg, kept: _Kept, longest: float
    ) -> tuple[Leg, list[Advance], float]:
        """Let the films take what the cell booked; correct the cell until both agree."""
        if not leg.spent > 0.0:
            return leg, [], 0.0
        first, remains = 0.0, _REMAINS_OF_JUMP if leg.jumped else _REMAINS
        for attempt in range(1, _CORRECTIONS + 1):
            exposures = leg.exposures(self.places, responses, self._drop_share)
            taken = leg.taken(self.places, responses, self._drop_share)
            advances = self.films.advance(exposures, responses, taken)
            weighted = self._weights(taken) * np.array([a.error for a in advances])
            error = float(np.abs(weighted).max())
            # What a correction removes still tells how far the exchange went.
            first = max(first, error)
            # Cycles that were jumped over are repeated as they are: all films of a group together.
            excess, wrong = self._excess(taken, advances, weighted)
            wrong = wrong if leg.jumped else error
            agreed = wrong <= _AGREED * self.state.pace.rtol
            hopeless = first > _HOPELESS or not self.state.pace.acceptable(remains * first)
            if agreed or hopeless or attempt == _CORRECTIONS:
                break
            if leg.jumped and (len(advances) == excess.size or attempt > 1):
                self.films.give_back(kept.films)
                leg = self._corrected(leg, excess)
                continue
            self._give_back(kept)
            responses = [
                response.scaled(min(max(1.0 + advance.error, 1.0 / _LARGEST), _LARGEST))
                for response, advance in zip(responses, advances, strict=True)
            ]
            again = self._ran(responses, longest)
            if isinstance(again, TableWindowError):
                # Only just, since it did not before: shorter, it will not.
                return leg, advances, max(error, 2.0 * self.state.pace.largest_error)
            leg = again
            if leg.jumped:
                # That was the responses' error; what the next attempt finds is the jump's own.
                self.state.simulated += len(leg.segments)
                first *= _REMAINS / _REMAINS_OF_JUMP
        drift = max(abs(d - 1.0) for d in leg.drift)
        return leg, advances, max(error, remains * max(first, drift))

    def _weights(self, taken: Array) -> Array:
        """Return what the error of each film's charge counts: little where it takes little."""
        since = np.abs(self.films.each(lambda i, film: film.charge)).max()
        whole = np.max(self.films.each(lambda i, film: film.content))
        size = np.abs(taken)
        least = max(_TRIFLE * float(since), _TRACE * float(whole), 1e-300)
        return np.asarray(size / max(float(size.max()), least))

    def _excess(
        self, taken: Array, advances: list[Advance], weighted: Array
    ) -> tuple[Array, float]:
        """Return what each group's films want beyond the cell [C], (groups,), and its largest part.

        Args:
            taken: charge of each film [C/m2 of film area], (films,).
            advances: of the films.
            weighted: their errors as they count [-], (films,).
        """
        group, booked = self.places.group, taken * self.places.film_area
        wanted = np.bincount(group, booked * np.array([a.error for a in advances]))
        size = np.bincount(group, np.abs(booked))
        counts = np.bincount(group, booked * weighted)
        return wanted, float(np.max(np.abs(counts) / np.maximum(size, 1e-300)))

    def _corrected(self, leg: Leg, excess: Array) -> Leg:
        """Return the leg with more charge booked by the cycles jumped over.

        Args:
            leg: the leg.
            excess: how much more in each group of films [C], (groups,).
        """

        def again(cell: CellStepper) -> Array:
            jump = self._last_jump
            if jump is None:
                raise CouplingError("no cycle was jumped over")
            cycle = np.bincount(self.places.node_group, self.places.area * jump.cycle)
            self._last_jump = replace(jump, repeats=jump.repeats + excess / cycle)
            cell.restore(self._last_jump.state)
            return cell.charge.copy()

        return replace(leg, after=self.on_cell(again))

    def _accept(self, leg: Leg, advances: list[Advance], error: float) -> Exchange:
        """Take note of an exchange that is kept."""
        state = self.state
        time, lost = self.on_cell(lambda cell: (cell.state().time, cell.lost_lithium))
        whole = state.cursor.at_start and leg.cursor.at_start
        state.pace = state.pace.accept(error, spent=leg.spent, jumped=leg.jumped, whole_cycle=whole)
        state.cursor = leg.cursor
        state.growth = leg.growth or state.growth
        state.exchanges += 1
        state.simulated += len(leg.segments) if whole else 0
        state.lowest, state.highest = self._window(leg)
        shifts = [a.potential_error for a in advances]
        known = bool(shifts) and bool(np.all(np.isfinite(shifts)))
        shift = float(np.max(np.abs(shifts))) if known else math.nan
        self.last_leg = leg
        return Exchange(
            time, state.cursor.cycle, leg.jumped, error, shift, self._books(lost),
            sum(a.steps for a in advances),
        )  # fmt: skip

    def _window(self, leg: Leg) -> tuple[float, float]:
        """Return lowest and highest potential for the next tables [V]."""
        runs = [s for cycle in leg.segments for s in cycle]
        if not runs:
            return self.state.lowest, self.state.highest
        low = min(float(s.lowest_potential.min()) for s in runs)
        high = max(float(s.highest_potential.max()) for s in runs)
        return low - _MARGIN, max(high, low + _MARGIN) + _MARGIN

    def _books(self, lost: float) -> float:
        """Return the relative difference of the lithium lost by the cell and found in the films.

        A film's lithium is counted in its solids, less what came from the salt.
        """
        moles = np.array(self.films.each(lambda i, film: film.lithium))
        found = float(moles @ self.places.film_area)
        return abs(found - lost) / max(abs(lost), abs(found), 1e-300)

    def _cell(self) -> CellStepper:
        if self.cell is None:
            raise CouplingError("the cell lives on rank 0 only")
        return self.cell

    def on_cell[T](self, work: Callable[[CellStepper], T]) -> T:
        """Return on every rank what ``work`` returns for the cell. Collective."""
        if self._collective:
            return work(self._cell())
        return on_root(self.films.comm, lambda: work(self._cell()))
