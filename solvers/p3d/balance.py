"""One step in time of a whole cell: currents and local models brought together, then heat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.meshes.cell3d import TABS
from interphase.meshes.parallel import global_max, raise_together
from interphase.models.collectors import CellLayers, Source
from interphase.parameters.errors import ConvergenceError, InterphaseError
from interphase.solvers.p3d.collectors import CollectorField, Flow
from interphase.solvers.p3d.heat import HeatBooks, HeatField
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array, LocalAnswer, LocalModels, PlaceError
from interphase.solvers.timings import Timings

logger = logging.getLogger(__name__)

type Demand = Callable[[Source], float]
"""Returns the cell's current [A] for what the terminals see."""

# The look at the state without current takes so long [s].
_LOOK: Final = 1.0e-3
# Resistances that moved by less than this part are not worth new factors.
_SAME_RESISTANCE: Final = 0.1
# Voltages must differ by so much for a slope [V]. Their models are integrated to some 1e-5 V, but
# from one state that error is a smooth function of the current.
_TELLING: Final = 1.0e-6
# From one exchange to the next a resistance changes by this factor at most.
_LEAP: Final = 3.0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """When currents and local models agree.

    Attributes:
        voltage: largest difference of local voltage and collector potentials [V].
        exchanges: most exchanges of one step.
    """

    voltage: float = 5.0e-5
    exchanges: int = 20


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A step in time that may still be undone.

    Attributes:
        seconds: its length [s].
        flow: currents and potentials at its end.
        answer: of the local models of this rank.
        exchanges: how often currents and local models were brought together.
        mismatch: difference of local voltages and collector potentials that is left [V].
    """

    seconds: float
    flow: Flow
    answer: LocalAnswer
    exchanges: int
    mismatch: float


class Balance:
    """Fields and local models of a cell. Collective.

    Args:
        places: of the cell.
        models: at the places of this rank.
        collectors: potentials.
        heat: temperature.
        layers: of the stack.
        contact: resistance at the terminals [ohm]; its heat is set free at the tabs.
        tolerance: of the exchange.

    Attributes:
        density: current density of the places at the end of the last step [A/m2], (n,).
        voltage: their voltage [V], (n,).
        answer: all of their last answer.
        timings: wall time of local models, collectors and heat.
    """

    def __init__(
        self,
        places: PlaceMap,
        models: LocalModels,
        collectors: CollectorField,
        heat: HeatField,
        layers: CellLayers,
        *,
        contact: float = 0.0,
        tolerance: Tolerance | None = None,
    ) -> None:
        self.places, self.models = places, models
        self.collectors, self.heat = collectors, heat
        self._layers, self._contact = layers, contact
        self._tolerance = tolerance or Tolerance()
        self._comm = places.cells.comm
        self.timings = Timings()
        self._resistance = np.empty(0)
        self.density = np.zeros(places.size)
        self._drift = np.zeros(places.size)
        self._warming = np.zeros(places.size)
        self.answer = self._advance(_LOOK, self.density, heat.at_places())
        self.models.rollback()
        self.voltage = self.answer.voltage
        self._resistance = self._first_resistance()
        collectors.set_resistance(self._resistance)

    def new_control(self) -> None:
        """Forget how things went on: the control changes."""
        self._drift = np.zeros(self.places.size)

    def look(self) -> Source:
        """Return what the terminals see of the places as they are now. Collective."""
        return self.collectors.prepare(self.density, self.voltage)

    def attempt(self, demand: Demand, seconds: float) -> Trial:
        """Try a step of ``seconds`` [s] under a demand. Collective.

        Raises:
            PlaceError: on every rank; a place cannot do it.
            ConvergenceError: on every rank; currents and places do not come together.
            ParameterError: on every rank; the demand is more than the cell can give.
        """
        temperature = self.heat.at_places() + 0.5 * seconds * self._warming
        density, voltage = self.density, self.voltage + seconds * self._drift
        for exchange in range(1, self._tolerance.exchanges + 1):
            before = density, voltage
            with self.timings.part("collectors"):
                current = demand(self.collectors.prepare(density, voltage))
                density, difference = self.collectors.densities(current)
            answer = self._advance(seconds, density, temperature)
            voltage = answer.voltage
            mismatch = global_max(self._comm, np.abs(voltage - difference))
            logger.debug("exchange %d: mismatch %.2e V", exchange, mismatch)
            if mismatch <= self._tolerance.voltage:
                with self.timings.part("collectors"):
                    flow = self.collectors.flow(current)
                return Trial(seconds, flow, answer, exchange, mismatch)
            if exchange > 1:
                self._learn(density - before[0], voltage - before[1])
        raise ConvergenceError(
            f"currents and local models still differ by {mismatch:.3g} V after "
            f"{self._tolerance.exchanges} exchanges: shorten time.step"
        )

    def accept(self, trial: Trial) -> HeatBooks:
        """Make a trial the state, and let its heat flow. Collective.

        Raises:
            ConvergenceError: on every rank; the heat equation cannot be solved.
        """
        before = self.heat.at_places()
        share = self._layers.thickness / self._layers.period
        load = self.heat.place_load(share * trial.answer.heat + trial.flow.uneven)
        load = load + trial.flow.load
        lost = trial.flow.current**2 * self._contact
        if lost > 0.0:
            load = load + 0.5 * lost * sum(self.heat.face_load(tab) for tab in TABS)
        with self.timings.part("heat"):
            books = self.heat.step(trial.seconds, load)
        self.models.commit()
        self._drift = (trial.answer.voltage - self.voltage) / trial.seconds
        self._warming = (self.heat.at_places() - before) / trial.seconds
        self.density, self.voltage = trial.flow.density, trial.answer.voltage
        self.answer = trial.answer
        return books

    def state(self) -> dict[str, Array]:
        """Return the state of this rank's places, (n, ...) each; the temperature is apart."""
        own = {
            "density": self.density,
            "voltage": self.voltage,
            "drift": self._drift,
            "warming": self._warming,
            "resistance": self._resistance,
        }
        return {
            **{name: np.array(values) for name, values in own.items()},
            **{f"answer:{name}": values for name, values in _columns(self.answer).items()},
            **{f"model:{name}": np.array(v) for name, v in self.models.state().items()},
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go back to a state. Collective."""
        self.models.restore(
            {k.removeprefix("model:"): v for k, v in state.items() if k.startswith("model:")}
        )
        self.density, self.voltage = np.array(state["density"]), np.array(state["voltage"])
        self._drift, self._warming = np.array(state["drift"]), np.array(state["warming"])
        self._resistance = np.array(state["resistance"])
        self.collectors.set_resistance(self._resistance)
        known = {k.removeprefix("answer:"): v for k, v in state.items() if k.startswith("answer:")}
        film = {k.removeprefix("film:"): v for k, v in known.items() if k.startswith("film:")}
        self.answer = LocalAnswer(known["voltage"], known["heat"], known["soc"], film)

    def _first_resistance(self) -> Array:
        """Return the resistances that the local models give."""
        found = self._together(self.models.resistance)
        bad = np.flatnonzero(~(found > 0.0))
        error = None
        if bad.size:
            text = f"its voltage does not fall with current (resistance {found[bad[0]]:.3g} ohm m2)"
            error = self._named(PlaceError(text, bad.tolist()))
        raise_together(self._comm, error)
        return found

    def _learn(self, density: Array, voltage: Array) -> None:
        """Take the slope between two exchanges of one step as the resistance for what follows.

        A resistance holds for the length of the step and the present state: both change.

        Args:
            density: difference of the current densities [A/m2], (n,).
            voltage: difference of the voltages that they led to [V], (n,).
        """
        old = self._resistance
        told = (np.abs(voltage) > _TELLING) & (voltage * density < 0.0)
        slope = np.divide(-voltage, density, out=old.copy(), where=told)
        new = np.clip(slope, old / _LEAP, old * _LEAP)
        if global_max(self._comm, np.abs(new / old - 1.0)) > _SAME_RESISTANCE:
            self._resistance = new
            with self.timings.part("collectors"):
                self.collectors.set_resistance(new)

    def _advance(self, seconds: float, density: Array, temperature: Array) -> LocalAnswer:
        with self.timings.part("local_models"):
            return self._together(lambda: self.models.advance(seconds, density, temperature))

    def _together[T](self, work: Callable[[], T]) -> T:
        """Return what this rank's models say; an error of one rank is raised on all."""
        error: InterphaseError | None = None
        result: list[T] = []
        try:
            result.append(work())
        except PlaceError as failure:
            error = self._named(failure)
        except InterphaseError as failure:
            error = failure
        raise_together(self._comm, error)
        return result[0]

    def _named(self, error: PlaceError) -> PlaceError:
        """Return the error with the places' numbers over all ranks, and where the first is."""
        numbers = self.places.numbers[list(error.places)]
        if not numbers.size:
            return error
        x, y, z = 1e3 * self.places.centre[error.places[0]]
        text = f"place {numbers[0]} at ({x:.3g}, {y:.3g}, {z:.3g}) mm: {error}"
        return PlaceError(text, numbers.tolist(), limit=error.limit)


def _columns(answer: LocalAnswer) -> dict[str, Array]:
    film = {f"film:{name}": np.array(values) for name, values in answer.film.items()}
    return {"voltage": answer.voltage, "heat": answer.heat, "soc": answer.soc, **film}
