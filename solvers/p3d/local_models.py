"""PyBaMM models at the places of a large cell; implements `LocalModels`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_types import CellLimitError
from interphase.solvers.p3d.batch import Course
from interphase.solvers.p3d.pair import ElectrodePair, Outputs
from interphase.solvers.p3d.place_films import PlaceFilms
from interphase.solvers.p3d.places import Array, LocalAnswer, PlaceError

logger = logging.getLogger(__name__)

STALE_SOC: Final = 0.05
"""A resistance is found anew when the state of charge has moved by so much [-]."""

STALE_LENGTH: Final = 3.0
"""Or when steps have become so many times longer or shorter: it holds for the step's length."""

FIRST_PROBE: Final = 10.0
"""Length of a probe before the first step [s]."""

SHORTEST_PROBE: Final = 0.1
"""No probe is shorter [s]."""

PROBE_CURRENT: Final = 0.05
"""The probe goes so far up and down from the present current, in units of 1C."""


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """What the films of the places saw and took in the last advance; n places of k nodes.

    Attributes:
        seconds: length of the step [s].
        before: charge booked before it, per geometric area [C/m2], (n, k).
        taken: charge booked in it [C/m2], (n, k).
        potential: mean over the step of what the response is a function of [V], (n, k).
        lowest: least of the same within the step [V], (n, k).
        highest: largest of the same [V], (n, k).
        temperature: [K], (n,).
    """

    seconds: float
    before: Array
    taken: Array
    potential: Array
    lowest: Array
    highest: Array
    temperature: Array


class PyBaMMPlaces:
    """Local models of one kind, each with its own state, advanced together.

    Args:
        pair: the discretised model of the places.
        size: number of places of this rank; may be 0.
        numbers: what the places are called in messages; counted from 0 when None.
        temperature: at the start [K], (n,) or one for all.

    Attributes:
        pair: the discretised model of the places.
        travel: of the last advance, if there was one.
        watch: called with the travel of each step that is committed, if set.
    """

    def __init__(
        self,
        pair: ElectrodePair,
        size: int,
        numbers: Sequence[int] | None = None,
        temperature: Array | float | None = None,
    ) -> None:
        self.pair = pair
        self._numbers = tuple(range(size)) if numbers is None else tuple(numbers)
        if len(self._numbers) != size:
            raise CouplingError(f"{size} places but {len(self._numbers)} numbers for them")
        self._states = np.tile(pair.initial_states(), (size, 1))
        warmth = pair.spec.temperature if temperature is None else temperature
        self._temperature = np.broadcast_to(np.asarray(warmth, dtype=float), (size,)).copy()
        self._current = np.zeros(size)
        self._seconds = FIRST_PROBE
        self._resistance: Array | None = None
        self._probed = np.zeros(size), 0.0
        self._next: tuple[Array, Array, Array, float] | None = None
        self.travel: Travel | None = None
        self.watch: Callable[[Travel], None] | None = None
        self._films = pair.inert_films(size)

    @property
    def size(self) -> int:
        """Number of places."""
        return self._states.shape[0]

    @property
    def films(self) -> PlaceFilms:
        """Films that the models follow now."""
        return self._films

    def set_films(self, films: PlaceFilms) -> None:
        """Take the films' answer, valid from now on.

        Beyond its ends a table is flat: whoever drives looks at the potentials of the travels.

        Raises:
            CouplingError: they are of other places, nodes or knots.
        """
        wanted = self.size, self.pair.nodes.count, self.pair.spec.knot_count
        if films.rates.shape != wanted:
            raise CouplingError(
                f"films have tables of (places, nodes, knots) = {films.rates.shape}, the local "
                f"models of {wanted}"
            )
        self._films = films

    # ---------------------------------------------------------------- LocalModels

    def advance(self, seconds: float, current_density: Array, temperature: Array) -> LocalAnswer:
        """Go on from the committed state; see `LocalModels`.

        Raises:
            PlaceError: a place cannot give the current, or its model cannot be integrated.
        """
        current = np.asarray(current_density, dtype=np.float64)
        warmth = np.asarray(temperature, dtype=np.float64)
        courses = self._integrate(seconds, current, warmth)
        read = [self.pair.read(course.outputs) for course in courses]
        states = np.array([c.state for c in courses]).reshape(self._states.shape)
        self._next = states, current.copy(), warmth.copy(), seconds
        before = self._rows([r.charge[0] for r in read])
        answer = self._answer(courses, read)
        self.travel = Travel(
            seconds,
            before,
            self._rows([r.charge[-1] for r in read]) - before,
            self._rows([_mean(c.times, r.potential) for c, r in zip(courses, read, strict=True)]),
            self._rows([r.potential.min(axis=0) for r in read]),
            self._rows([r.potential.max(axis=0) for r in read]),
            warmth.copy(),
        )
        return answer

    def commit(self) -> None:
        """Make the end of the last advance the committed state."""
        if self._next is None:
            raise CouplingError("nothing has been advanced that could be committed")
        self._states, self._current, self._temperature, self._seconds = self._next
        self._next = None
        if self.watch is not None and self.travel is not None:
            self.watch(self.travel)

    def rollback(self) -> None:
        """Forget the last advance."""
        self._next = None

    def state(self) -> Mapping[str, Array]:
        """Return the committed state; the films' tables are not part of it."""
        column = np.ones(self.size)
        known = np.full(self.size, np.nan) if self._resistance is None else self._resistance
        return {
            "states": self._states.copy(),
            "current_density": self._current.copy(),
            "temperature": self._temperature.copy(),
            "seconds": self._seconds * column,
            "resistance": known.copy(),
            "probed_soc": self._probed[0].copy(),
            "probed_seconds": self._probed[1] * column,
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go back to what :meth:`state` returned.

        Raises:
            CouplingError: it is of other models or another number of places.
        """
        if state["states"].shape != self._states.shape:
            raise CouplingError(
                f"the state of the places has shape {state['states'].shape}, the models "
                f"{self._states.shape}: the case or the number of places has changed"
            )
        self._next = None
        self._states = np.array(state["states"])
        self._current = np.array(state["current_density"])
        self._temperature = np.array(state["temperature"])
        if self.size:
            self._seconds = float(state["seconds"][0])
            self._probed = np.array(state["probed_soc"]), float(state["probed_seconds"][0])
            known = np.array(state["resistance"])
            self._resistance = None if np.isnan(known).any() else known

    def resistance(self) -> Array:
        """Return -dV/di over a step like the last one [ohm m2], (n,).

        Found by a step with a little more and one with a little less current, which leave no trace;
        found anew when the state of charge of a place has moved by `STALE_SOC` or steps have become
        `STALE_LENGTH` times longer or shorter.
        """
        soc = self._look(self._states).soc
        if self._resistance is None or self._stale(soc):
            self._resistance = self._probe()
            self._probed = soc, self._seconds
        return self._resistance.copy()

    # ---------------------------------------------------------------- more that films ask

    def look(self) -> Outputs:
        """Return the outputs of the committed states with the last currents, (n, ...)."""
        return self._look(self._states)

    def film_now(self) -> dict[str, Array]:
        """Return thickness [m] and lost lithium [mol/m2] of the committed state, (n,) each."""
        seen, area = self.look(), self.pair.nodes.area
        return {
            "thickness": seen.thickness @ area / area.sum(),
            "lost_lithium": seen.charge @ area / FARADAY,
        }

    def put(self, states: Array) -> None:
        """Replace the committed states, (n, states), as after cycles that were jumped over."""
        self.restore({**self.state(), "states": states})

    # ---------------------------------------------------------------- parts

    def _integrate(self, seconds: float, current: Array, temperature: Array) -> list[Course]:
        rows = self.pair.rows(current, temperature, self._films)
        courses = self.pair.integrate(self._states, rows, seconds)
        for place, course in enumerate(courses):
            if course.failed:
                name = self._name(place, current, temperature)
                courses[place] = self._retried(name, course, rows[place], (place, seconds))
        stopped = [k for k, course in enumerate(courses) if course.stopped]
        if stopped:
            first = stopped[0]
            event = self.pair.event(courses[first], rows[first])
            raise PlaceError(
                f"{self._name(first, current, temperature)} is at its limit '{event}' after "
                f"{courses[first].times[-1]:.4g} s of {seconds:.4g} s",
                stopped,
                limit=True,
            )
        return courses

    def _retried(self, name: str, failed: Course, row: Array, what: tuple[int, float]) -> Course:
        """Integrate a place that failed with small steps and tighter tolerances.

        Raises:
            PlaceError: in vain. When its voltage had left the window of the cell before, it is not
                the integration's fault: the place cannot give its current.
        """
        place, seconds = what
        logger.info("%s failed; smaller steps are tried", name)
        try:
            return self.pair.retry(self._states[place], row, seconds)
        except CellLimitError as error:
            raise PlaceError(f"{name} {error}", [place], limit=True) from error
        except CouplingError as error:
            low, high = self.pair.cut_offs
            last = float(self.pair.read(failed.outputs).voltage[-1]) if failed.outputs.size else low
            if low <= last <= high:
                raise PlaceError(f"{name}: {error}", [place]) from error
            raise PlaceError(
                f"{name} cannot give its current: at {last:.3f} V after {failed.times[-1]:.4g} s "
                f"of {seconds:.4g} s there is no solution any more",
                [place],
                limit=True,
            ) from error

    def _name(self, place: int, current: Array, temperature: Array) -> str:
        return (
            f"place {self._numbers[place]} ({current[place]:.4g} A/m2, {temperature[place]:.2f} K)"
        )

    def _answer(self, courses: list[Course], read: list[Outputs]) -> LocalAnswer:
        heat = {
            f"{name}_heat": np.array(
                [_mean(c.times, getattr(r, name)) for c, r in zip(courses, read, strict=True)]
            )
            for name in ("reversible", "irreversible", "ohmic")
        }
        area = self.pair.nodes.area
        thickness = self._rows([r.thickness[-1] for r in read])
        charge = self._rows([r.charge[-1] for r in read])
        return LocalAnswer(
            voltage=np.array([r.voltage[-1] for r in read]),
            heat=np.asarray(sum(heat.values())),
            soc=np.array([r.soc[-1] for r in read]),
            film={
                "thickness": thickness @ area / area.sum(),
                "lost_lithium": charge @ area / FARADAY,
                "lowest_potential": np.array([r.potential.min() for r in read]),
                **heat,
            },
        )

    def _rows(self, values: list[Array]) -> Array:
        return np.array(values).reshape(self.size, self.pair.nodes.count)

    def _look(self, states: Array) -> Outputs:
        return self.pair.look(states, self.pair.rows(self._current, self._temperature, self._films))

    def _stale(self, soc: Array) -> bool:
        probed, seconds = self._probed
        moved = np.abs(soc - probed).max(initial=0.0)
        ratio = self._seconds / seconds if seconds > 0.0 else np.inf
        return bool(moved > STALE_SOC or not 1.0 / STALE_LENGTH < ratio < STALE_LENGTH)

    def _probe(self) -> Array:
        """Return the slope of the voltage over a step like the last one, or the longest possible.

        Raises:
            PlaceError: a place cannot give its current even for `SHORTEST_PROBE`.
        """
        seconds = self._seconds
        while True:
            try:
                return self._slope(seconds)
            except PlaceError:
                # near its end a place may not last for as long as the step before
                if seconds <= SHORTEST_PROBE:
                    raise
                seconds = max(0.1 * seconds, SHORTEST_PROBE)

    def _slope(self, seconds: float) -> Array:
        shift = PROBE_CURRENT * self.pair.rated_current_density
        voltages = []
        for current in (self._current + shift, self._current - shift):
            courses = self._integrate(seconds, current, self._temperature)
            read = [self.pair.read(course.outputs) for course in courses]
            voltages.append(np.array([r.voltage[-1] for r in read]))
        return np.asarray((voltages[1] - voltages[0]) / (2.0 * shift))


def _mean(times: Array, values: Array) -> Array:
    """Return the mean over time of values at ``times``, (n,) or (n, k)."""
    whole = np.trapezoid(values, times, axis=0)
    return np.asarray(whole / (times[-1] - times[0]))
