"""A whole cell with linear places: books, controls, limits, failures, ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.collectors import CellLayers
from interphase.models.thermal import Convection
from interphase.parameters.errors import CaseError, ConvergenceError
from interphase.solvers.cell_types import ControlStep, Profile, Termination
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.control import Cursor, Moment, Pace, demanded
from interphase.solvers.p3d.linear_places import LinearPair, LinearPlaces
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array, LocalAnswer, PlaceError

pytestmark = pytest.mark.mpi

type CellMaker = Callable[..., Cell3D]


def constant(cell: Cell3D, rate: float, seconds: float, *limits: Termination) -> ControlStep:
    return ControlStep("current", rate * cell.nominal_capacity, seconds, limits)


def test_books_of_current_power_and_heat_close(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    cell = make_cell(comm)
    moments: list[Moment] = []
    cell.observe = lambda cell, moment: moments.append(moment)
    cell.run(constant(cell, 2.0, 600.0))
    cell.run(ControlStep("current", -0.5 * cell.nominal_capacity, 300.0))
    assert max(m.trial.flow.current_imbalance for m in moments) < 1e-8
    assert max(m.trial.flow.power_imbalance for m in moments) < 1e-8
    assert max(m.books.imbalance for m in moments) < 1e-6
    assert max(m.trial.mismatch for m in moments) < 1e-5
    # what the places have given is what the terminals have taken
    soc = cell.mean(cell.balance.answer.soc)
    assert (1.0 - soc) * cell.nominal_capacity == pytest.approx(cell.discharged, rel=1e-9)


def test_energy_of_a_discharge_is_what_the_places_lose(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    """Energy at open circuit = work + heat of reaction, resistance and collectors."""
    pair = LinearPair(capacity=1.75e5, thickness=1.73e-4, slope=0.0, empty=3.6)
    cell = make_cell(comm, models=lambda p: LinearPlaces(pair, p.size), pace=Pace(30.0, 30.0))
    work = heat = 0.0

    def watch(cell: Cell3D, moment: Moment) -> None:
        nonlocal work, heat
        work += moment.trial.flow.voltage * moment.trial.flow.current * moment.trial.seconds
        heat += moment.books.generated * moment.trial.seconds

    cell.observe = watch
    cell.run(constant(cell, 3.0, 600.0))
    # local voltages and collectors differ by up to 1e-5 V
    assert work + heat == pytest.approx(3.6 * 3600.0 * cell.discharged, rel=1e-5)


@pytest.mark.parametrize("mode", ["voltage", "power", "current"])
def test_controls_are_met(comm: MPI.Intracomm, make_cell: CellMaker, mode: Any) -> None:
    cell = make_cell(comm)
    value = {"voltage": 3.8, "power": 25.0, "current": 4.0}[mode]
    history = cell.run(ControlStep(mode, value, 120.0))
    found = {
        "voltage": history.voltage[1:],
        "power": history.voltage[1:] * history.current[1:],
        "current": history.current[1:],
    }[mode]
    assert found == pytest.approx(np.full(found.size, value), rel=1e-10)


def test_voltage_of_uniform_cells_is_that_of_one_place(
    comm: MPI.Intracomm, make_cell: CellMaker, layers: CellLayers
) -> None:
    """Foils that do not resist: every place gives the mean current, V = E + S soc - i R."""
    ideal = replace(layers, negative_conductivity=1e13, positive_conductivity=1e13)
    pair = LinearPair(capacity=layers.capacity, thickness=layers.thickness)
    cell = make_cell(comm, layers=ideal, contact=0.0, models=lambda p: LinearPlaces(pair, p.size))
    history = cell.run(constant(cell, 1.0, 1200.0))
    density = layers.capacity / 3600.0
    expected = 4.0 - history.times[1:] / 3600.0 - density * pair.resistance
    # tabs of copper and aluminium still resist
    tabs = 2 * 0.01 / (0.006 * 0.02) / 2e6 * cell.nominal_capacity
    assert history.voltage[1:] == pytest.approx(expected, abs=tabs)


def test_limit_is_met_and_ends_the_step(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    cell = make_cell(comm)
    below = Termination("voltage", "below", 3.6)
    history = cell.run(constant(cell, 1.0, 7200.0, below))
    assert history.termination == "voltage below 3.6 V"
    assert 0.0 <= 3.6 - history.voltage[-1] <= 1.1e-4
    falling = Termination("abs_current", "below", 0.1 * cell.nominal_capacity)
    history = cell.run(ControlStep("voltage", 3.9, 7200.0, (falling,)))
    wanted = 0.1 * cell.nominal_capacity
    assert 0.0 <= wanted - abs(history.current[-1]) <= 1.2e-3 * wanted


def test_cut_off_of_the_cell_ends_a_step_without_limits(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    pair = LinearPair(empty=2.7, slope=1.3)
    cell = make_cell(comm, models=lambda places: LinearPlaces(pair, places.size))
    history = cell.run(ControlStep("current", 10.0, 36000.0))
    assert history.termination == "voltage below 2.899 V"


def test_limit_passed_at_the_start_is_refused_or_skipped(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    cell = make_cell(comm)
    below = Termination("voltage", "below", 4.1)
    with pytest.raises(CaseError, match=r"cannot start: the limit 'voltage below 4.1 V'"):
        cell.run(constant(cell, 1.0, 600.0, below))
    small = Termination("abs_current", "below", 1.0)
    history = cell.run(ControlStep("voltage", cell.voltage, 600.0, (small,), may_skip=True))
    assert history.skipped and history.times.size == 1 and cell.time == 0.0


def test_profile_keeps_charge_and_power(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    """Steps in time longer than the rows of a profile ask for its mean."""
    times = np.array([0.0, 3.0, 3.5, 20.0, 47.0, 90.0])
    values = np.array([0.0, 12.0, -8.0, 5.0, 5.0, 1.0])
    cell = make_cell(comm, models=lambda places: LinearPlaces(LinearPair(), places.size, 0.5))
    profile = Profile(times, values)
    cell.run(ControlStep("current", 0.0, 90.0, profile=profile))
    charge = np.trapezoid(values, times) / 3600.0
    assert cell.discharged == pytest.approx(charge, rel=1e-12)
    assert demanded(ControlStep("voltage", 0.0, 90.0, profile=profile), 3.0, 0.5) == -8.0


def test_place_that_is_empty_ends_the_step_on_all_ranks(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    """The cell would have gone on: one place had nothing left."""

    def models(places: PlaceMap) -> LinearPlaces:
        local = LinearPlaces(LinearPair(slope=0.0, empty=3.6), places.size)
        local.restore({"soc": np.where(places.numbers == 17, 0.1, 1.0)})
        return local

    cell = make_cell(comm, models=models)
    history = cell.run(constant(cell, 1.0, 7200.0))
    assert history.own_limit
    assert history.termination.startswith("place 17 at (")
    assert 300.0 < history.times[-1] < 400.0
    # nothing half-done: the places are as the last step left them
    soc = cell.mean(cell.balance.models.state()["soc"])
    start = 1.0 - 0.9 / cell.balance.places.total
    assert (start - soc) * cell.nominal_capacity == pytest.approx(cell.discharged, rel=1e-9)


class Broken(LinearPlaces):
    """Fails at one place from some charge on, or only for long steps."""

    def __init__(self, places: PlaceMap, *, longest: float = 0.0) -> None:
        super().__init__(LinearPair(), places.size)
        self._bad = np.flatnonzero(places.numbers == 5)
        self._longest = longest
        self.failures = 0

    def advance(self, seconds: float, current_density: Array, temperature: Array) -> LocalAnswer:
        answer = super().advance(seconds, current_density, temperature)
        if self._bad.size and answer.soc[self._bad[0]] < 0.9 and seconds > self._longest:
            self.failures += 1
            self.rollback()
            raise PlaceError("did not converge", self._bad.tolist())
        return answer


def test_failing_place_is_tried_again_then_named_on_all_ranks(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    cell = make_cell(comm, models=Broken)
    with pytest.raises(PlaceError, match=r"place 5 at .* did not converge") as caught:
        cell.run(constant(cell, 1.0, 3000.0))
    assert caught.value.places == (5,)
    assert not caught.value.limit
    assert comm.allreduce(cell.balance.models.failures, op=MPI.MAX) >= 3  # type: ignore[attr-defined]
    assert cell.mean(cell.balance.answer.soc) == pytest.approx(0.9, abs=0.01)


def test_place_that_needs_short_steps_gets_them(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    cell = make_cell(comm, models=lambda places: Broken(places, longest=20.0))
    history = cell.run(constant(cell, 1.0, 500.0))
    assert history.termination == "duration"
    assert np.diff(history.times)[history.times[1:] > 420.0].max() <= 20.0


def test_power_beyond_the_cell_ends_the_step(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    history = make_cell(comm).run(ControlStep("power", 1.0e5, 60.0))
    assert history.own_limit
    assert "more than the" in history.termination


def test_ranks_agree(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    runs = []
    for ranks in (MPI.COMM_SELF, comm):
        cell = make_cell(ranks, cooling={"left": Convection(60.0, 298.15)})
        history = cell.run(constant(cell, 3.0, 300.0))
        places = cell.balance.places
        found = [
            places.gather(v)
            for v in (cell.balance.density, cell.balance.voltage, cell.balance.heat.at_places())
        ]
        runs.append((history, comm.bcast(found if comm.rank == 0 else None)))
    (alone, first), (shared, second) = runs
    assert shared.voltage == pytest.approx(alone.voltage, rel=1e-8)
    for one, other in zip(first, second, strict=True):
        assert other == pytest.approx(one, rel=1e-8)


def test_state_goes_on_exactly(comm: MPI.Intracomm, make_cell: CellMaker) -> None:
    first = make_cell(comm)
    step = constant(first, 2.0, 600.0)
    march = first.march(step)
    for _ in range(4):
        first.take(march)
    state, cursor = first.state(), replace_cursor(march.cursor)
    second = make_cell(comm)
    second.restore(state)
    again = second.march(step, cursor)
    while not march.done:
        first.take(march)
        second.take(again)
    assert second.voltage == pytest.approx(first.voltage, rel=1e-12)
    assert second.time == first.time
    assert second.balance.heat.values == pytest.approx(first.balance.heat.values, rel=1e-12)


def replace_cursor(cursor: Cursor) -> Cursor:
    return Cursor(cursor.elapsed, cursor.seconds, cursor.steps)


def test_exchange_that_does_not_end_says_what_to_do(
    comm: MPI.Intracomm, make_cell: CellMaker
) -> None:
    class Restless(LinearPlaces):
        def advance(self, seconds: float, current_density: Array, temperature: Array) -> Any:
            answer = super().advance(seconds, current_density, temperature)
            self.count = getattr(self, "count", 0) + 1
            return replace(answer, voltage=answer.voltage + 0.01 * (-1) ** self.count)

    cell = make_cell(comm, models=lambda places: Restless(LinearPair(), places.size, 0.5))
    with pytest.raises(ConvergenceError, match=r"shorten time\.step"):
        cell.run(constant(cell, 1.0, 60.0))
