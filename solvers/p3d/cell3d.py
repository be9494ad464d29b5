"""A whole cell that is driven at its terminals; implements `WholeCell`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from interphase.models.collectors import CellLayers
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.balance import Balance
from interphase.solvers.p3d.control import Cursor, Moment, Pace, StepMarch
from interphase.solvers.p3d.places import Array
from interphase.solvers.p3d.whole_cell import TerminalHistory


@dataclass(frozen=True, slots=True, eq=False)
class CellState3D:
    """This rank's part of a cell's state.

    Attributes:
        temperature: at the nodes [K], (owned,).
        places: of the balance and the local models, (n, ...) each.
        numbers: the same on all ranks.
    """

    temperature: Array
    places: Mapping[str, Array]
    numbers: Mapping[str, float]


class Cell3D:
    """Collectors, heat and local models under one control. Collective.

    Args:
        balance: of fields and local models.
        layers: of the stack.
        pace: lengths of the steps in time.

    Attributes:
        balance: as given.
        pace: as given.
        time: since the start [s].
        throughput: charge passed in either direction [A h].
        observe: called with the cell and each moment, if set.
    """

    def __init__(self, balance: Balance, layers: CellLayers, pace: Pace) -> None:
        self.balance, self.layers, self.pace = balance, layers, pace
        self.time = 0.0
        self.throughput = self.discharged = 0.0
        self.observe: Callable[[Cell3D, Moment], None] | None = None
        places = balance.places
        self.area = places.sum(balance.collectors.area)
        source = balance.look()
        self._voltage, self.current = source.voltage, 0.0

    @property
    def nominal_capacity(self) -> float:
        """Capacity on the label of a cell of this size [A h]."""
        return self.layers.capacity * self.area / 3600.0

    @property
    def voltage(self) -> float:
        """Terminal voltage [V]."""
        return self._voltage

    def mean(self, values: Array) -> float:
        """Return the mean of ``values`` (n,) over the area of all places. Collective."""
        area = self.balance.collectors.area
        return self.balance.places.sum(area * values) / self.area

    @property
    def temperature(self) -> float:
        """Mean temperature of the stack [K]. Collective."""
        return self.mean(self.balance.heat.at_places())

    def march(self, step: ControlStep, cursor: Cursor | None = None) -> StepMarch:
        """Begin a control step, or go on with one. Collective.

        Raises:
            CaseError: a limit is passed at the start and the step may not be skipped.
        """
        return StepMarch(self.balance, step, self.pace, self.layers.cut_offs, cursor or Cursor())

    def take(self, march: StepMarch) -> Moment | None:
        """Take one step in time; see `StepMarch.advance`. Collective."""
        moment = march.advance()
        if moment is None:
            return None
        flow, seconds = moment.trial.flow, moment.trial.seconds
        self.time += seconds
        self._voltage, self.current = flow.voltage, flow.current
        self.throughput += abs(flow.current) * seconds / 3600.0
        self.discharged += flow.current * seconds / 3600.0
        if self.observe is not None:
            self.observe(self, moment)
        return moment

    def run(self, step: ControlStep) -> TerminalHistory:
        """Run one control step to its end. Collective.

        Raises:
            CaseError: a limit is passed at the start and the step may not be skipped.
            PlaceError: a local model fails.
            ConvergenceError: currents, places or heat do not come together.
        """
        march = self.march(step)
        rows = [(0.0, self._voltage, self.current, self.temperature)]
        while not march.done:
            moment = self.take(march)
            if moment is not None:
                rows.append((march.cursor.elapsed, self._voltage, self.current, self.temperature))
        times, voltage, current, temperature = np.array(rows).T
        return TerminalHistory(
            times, voltage, current, temperature, march.termination, march.own_limit, march.skipped
        )

    def state(self) -> CellState3D:
        """Return this rank's part of the state."""
        numbers = {
            name: float(getattr(self, name))
            for name in ("time", "throughput", "discharged", "voltage", "current")
        }
        return CellState3D(self.balance.heat.values, self.balance.state(), numbers)

    def restore(self, state: Any) -> None:
        """Go back to a state. Collective."""
        numbers = state.numbers
        self.balance.heat.values = state.temperature
        self.balance.restore(state.places)
        self.time, self.current = numbers["time"], numbers["current"]
        self.throughput, self.discharged = numbers["throughput"], numbers["discharged"]
        self._voltage = numbers["voltage"]

    def pass_time(self, seconds: float) -> None:
        """Move the clock without running [s]; for cycles that are jumped over."""
        self.time += seconds
