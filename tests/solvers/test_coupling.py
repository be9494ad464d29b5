"""The coupled study: what passes between cell and films, and what is conserved on the way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.cell.laws import film_constants, law_from_parameters
from interphase.models.cell.response import ResponseTable
from interphase.models.cell.spec import CellSpec
from interphase.parameters.case import Case
from interphase.parameters.case_cell import ExchangeCase
from interphase.parameters.errors import CouplingError
from interphase.parameters.program import Drive
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_cursor import piece
from interphase.solvers.cell_types import ControlStep, IntegrationError, Profile, Termination
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.exposure import Exposure, uptake
from interphase.solvers.film_group import FilmGroup, Places
from interphase.solvers.law_film import LawFilm
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.setup import build_problem, initial_state
from interphase.solvers.stepping import StepController

TABLE = ResponseTable(
    knots=np.array([0.0, 0.2, 1.0]),
    rates=np.array([-1.0, -1e-2, -1e-8]),
    exponents=np.zeros(3),
    thickness=1e-8,
)


def places(count: int) -> Places:
    nodes = np.linspace(0.05, 0.95, 10)
    return Places.spread(nodes, np.linspace(1.0, 2.0, 10), count, 3.0)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_films_take_all_that_the_nodes_book(count: int) -> None:
    """Charge over the film area is charge over the geometric area, whatever its profile."""
    p = places(count)
    charge = np.exp(3.0 * p.nodes)
    taken = p.to_films(charge)
    assert taken @ p.film_area == pytest.approx(charge @ p.area, rel=1e-13)


def test_films_see_a_linear_profile_exactly() -> None:
    p = places(4)
    assert p.area_ratio * p.to_films(2.0 + p.nodes) == pytest.approx(2.0 + p.films, rel=1e-12)


def test_more_films_than_nodes_are_refused() -> None:
    with pytest.raises(CouplingError, match="patches"):
        places(11)


def test_a_film_sees_the_potential_of_its_mean_rate() -> None:
    """Averaging the potential instead would be wrong by a factor of two here."""
    p = Places.spread(np.array([0.25, 0.75]), np.array([1.0, 1.0]), 1, 1.0)
    history = np.array([[0.02, 0.18]])
    mean = uptake(TABLE, history[0]).mean()
    seen = p.seen(history, [TABLE])
    assert uptake(TABLE, seen[0])[0] == pytest.approx(mean, rel=1e-12)
    assert mean > 2.0 * uptake(TABLE, history.mean())[0]


def test_condensing_keeps_time_and_charge() -> None:
    times = np.linspace(0.0, 3600.0, 200)
    potential = 0.5 + 0.45 * np.cos(times / 500.0)
    exposure = Exposure.of(times, potential, np.full(200, 300.0))
    holds = exposure.condense(TABLE)
    assert sum(d for d, _ in holds) == pytest.approx(3600.0, rel=1e-12)
    charge = float(uptake(TABLE, exposure.potential) @ exposure.durations)
    condensed = sum(d * uptake(TABLE, drive.potential)[0] for d, drive in holds)
    # The potential of a hold is found on a grid of 64 intervals of its group.
    assert condensed == pytest.approx(charge, rel=2e-2)
    rates = [uptake(TABLE, drive.potential)[0] for _, drive in holds]
    assert rates == sorted(rates)


def test_a_piece_of_a_profile_begins_where_the_last_ended() -> None:
    step = ControlStep(
        "current", 0.0, 10.0, profile=Profile(np.array([0.0, 4.0, 10.0]), np.array([0.0, 4.0, 1.0]))
    )
    part = piece(step, 2.0, 5.0)
    assert part.profile is not None
    assert part.duration == 5.0
    assert part.profile.times == pytest.approx([0.0, 2.0, 5.0])
    assert part.profile.values == pytest.approx([2.0, 4.0, 2.5])


def test_a_pace_is_not_shortened_within_the_tolerance() -> None:
    pace = Pace.from_case(ExchangeCase())
    after = pace.accept(0.9 * pace.rtol, spent=pace.seconds, jumped=0, whole_cycle=False)
    assert after.seconds >= pace.seconds
    assert not pace.acceptable(5.0 * pace.rtol)
    assert pace.reject(0.1, spent=100.0, jumped=0).seconds <= 50.0


def law_study(law_name: str, cycles: int, most: int) -> tuple[AgeingStudy, PyBaMMCell, CellSpec]:
    spec = CellSpec(override={"SEI kinetic rate constant [m.s-1]": 1e-15}, knot_count=41)
    cell = PyBaMMCell(spec)
    values = PyBaMMCell.built_in(spec, law_name).parameter_values
    law, numbers = law_from_parameters(law_name, values), film_constants(values)
    films = FilmGroup(
        MPI.COMM_SELF,
        1,
        lambda i, ranks: LawFilm(
            law,
            thickness=numbers.thickness,
            volume_per_charge=numbers.volume_per_charge,
            resistivity=numbers.resistivity,
        ),
    )
    study = AgeingStudy(
        cell,
        films,
        Places.spread(cell.positions, cell.area, 1, 1.0),
        program_of(cell.nominal_capacity),
        cycles=cycles,
        pace=Pace.from_case(ExchangeCase.model_validate({"most_cycles": most})),
        knots=41,
        window=(-0.1, 1.2),
        temperature=298.15,
        drop_share=1.0 if law.behind_drop else 0.0,
    )
    return study, cell, spec


def program_of(capacity: float) -> tuple[ControlStep, ...]:
    return (
        ControlStep("current", capacity, 7200.0, (Termination("voltage", "below", 2.5),)),
        ControlStep("current", -capacity, 7200.0, (Termination("voltage", "above", 4.2),)),
    )


def test_a_law_in_the_place_of_the_film_gives_pybamm_its_own_loss() -> None:
    """Three cycles exchanged by the error estimate; the cell's books and the film's agree."""
    study, cell, spec = law_study("ec reaction limited", 3, 1)
    while not study.done:
        exchange = study.exchange()
        assert exchange.books < 1e-12
    reference = PyBaMMCell.built_in(spec, "ec reaction limited")
    for _ in range(3):
        for step in program_of(cell.nominal_capacity):
            reference.run(step)
    assert cell.lost_lithium == pytest.approx(reference.lost_lithium, rel=3e-3)


@pytest.mark.slow
def test_cycles_that_are_jumped_over_cost_little_accuracy() -> None:
    """A hundred cycles, far fewer simulated, within one per cent of PyBaMM's own law."""
    study, cell, spec = law_study("ec reaction limited", 100, 50)
    while not study.done:
        study.exchange()
    reference = PyBaMMCell.built_in(spec, "ec reaction limited")
    for _ in range(100):
        for step in program_of(cell.nominal_capacity):
            reference.run(step)
    assert study.state.simulated <= 25
    assert cell.lost_lithium == pytest.approx(reference.lost_lithium, rel=1e-2)


def patch_case(thickness: str = "6 nm", **drive: object) -> Case:
    return Case.model_validate(
        {
            "mesh": {"kind": "interval", "size": ["30 nm"], "cell_size": "0.1666666 nm"},
            "model": {"deposition": "proportional"},
            "initial": {
                "kind": "planar_film",
                "thickness": thickness,
                "shares": {"Li2CO3": 0.7, "Li2EDC": 0.3},
                "seeds": {"law": "none"},
            },
            "drive": drive or {"steps": [{"hold": "0.1 V"}]},
            "time": {"until": "2 day"},
        }
    )


def test_a_patch_takes_exactly_the_charge_of_the_cell() -> None:
    problem = build_problem(patch_case(), MPI.COMM_SELF)
    patch = PhaseFieldPatch(problem, initial_state(problem))
    knots = np.array([0.05, 0.1, 0.2, 0.4])
    response = patch.response(knots, 298.15)
    rate = float(uptake(response.table, 0.1)[0])
    assert rate > 0.0
    assert np.all(np.diff(np.asarray(response.table.rates)) > 0.0)
    times = np.linspace(0.0, 60.0, 5)
    exposure = Exposure.of(times, np.full(5, 0.1), np.full(5, 298.15))
    kept = patch.keep()
    start = patch.charge
    for charge in (0.9 * rate * 60.0, 1.1 * rate * 60.0):
        patch.give_back(kept)
        result = patch.advance(exposure, response.table, charge)
        assert patch.charge - start == pytest.approx(charge, rel=1e-9)
        # A film that is asked for more than its own rate needs more time, and says so.
        assert result.error == pytest.approx(60.0 * rate / charge - 1.0, abs=0.03)
    # Lithium counted in the solids, less the salt's, is the charge.
    assert patch.lithium * 96485.33212 == pytest.approx(patch.charge, rel=1e-8)


def test_a_response_knows_nothing_of_what_carriers_owe() -> None:
    """A film that has grown at its own pace goes on at the rate that its response says.

    Trial steps that paid back the carriers' debt of the last step said up to half as much again.
    """
    problem = build_problem(patch_case("14 nm"), MPI.COMM_SELF)
    patch = PhaseFieldPatch(problem, initial_state(problem))
    drive, control = Drive(0.14, 0.0, 298.15), patch.control
    controller = StepController.from_case(problem.case.time.controller, problem.width)
    while patch.thickness < 15.85e-9:
        dt = controller.propose(control, 0.0, 0.0, math.inf)
        patch.state, report = problem.solver.step(patch.state, dt, drive)
        control = controller.accept(control, dt, controller.judge(report))
    before, start = patch.charge, patch.state
    knots = np.array([0.13, 0.14, 0.15])
    said = float(uptake(patch.response(knots, 298.15).table, 0.14)[0])
    # Over a step at the film's own pace the rate falls by a hundredth.
    patch.state, _ = problem.solver.step(start, dt, drive)
    assert said == pytest.approx((patch.charge - before) / dt, rel=0.03)


def test_charge_that_is_owed_is_taken_later() -> None:
    """What is too little to take at once is not lost from the books."""
    problem = build_problem(patch_case(), MPI.COMM_SELF)
    patch = PhaseFieldPatch(problem, initial_state(problem))
    response = patch.response(np.array([0.05, 0.1, 0.2]), 298.15)
    rate = float(uptake(response.table, 0.1)[0])
    exposure = Exposure.of(np.linspace(0.0, 60.0, 3), np.full(3, 0.1), np.full(3, 298.15))
    # Against its own direction: a film that grows cannot give charge back.
    assert patch.advance(exposure, response.table, -0.1 * rate * 60.0).charge == 0.0
    patch.advance(exposure, response.table, rate * 60.0)
    assert patch.charge == pytest.approx(0.9 * rate * 60.0, rel=1e-9)


def test_a_film_far_from_its_response_says_so_in_few_steps() -> None:
    """Asked for too much it stops; asked for what it can, the last step is found in a few tries."""
    problem = build_problem(patch_case(), MPI.COMM_SELF)
    patch = PhaseFieldPatch(problem, initial_state(problem))
    response = patch.response(np.array([0.05, 0.1, 0.2]), 298.15)
    charge = 60.0 * float(uptake(response.table, 0.1)[0])
    exposure = Exposure.of(np.linspace(0.0, 60.0, 3), np.full(3, 0.1), np.full(3, 298.15))
    kept, made = patch.keep(), []
    step = problem.solver.step
    problem.solver.step = lambda *given: made.append(given) or step(*given)  # type: ignore[method-assign, func-returns-value, assignment]
    reached = patch.advance(exposure, response.table, charge)
    # Regula falsi that keeps one end for ever needs thirty.
    assert len(made) <= reached.steps + 8
    patch.give_back(kept)
    assert patch.advance(exposure, response.table, 20.0 * charge).error < -0.7


def test_an_exponent_is_the_mean_of_what_was_seen() -> None:
    """Each moment counts by its charge, not by its time."""
    table = replace(TABLE, exponents=np.array([1.0, 0.0, 0.0]))
    exposure = Exposure(np.array([1.0, 100.0]), np.array([0.0, 0.2]), np.full(2, 298.15))
    assert exposure.exponent(table) == pytest.approx(0.5, rel=1e-12)


def test_an_exchange_that_cannot_be_integrated_is_shortened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cell fails once; the study goes on with a shorter exchange, from where it was."""
    study, cell, _ = law_study("ec reaction limited", 1, 1)
    failures = [IntegrationError("not this time")]
    run = cell.run

    def once(step: ControlStep) -> object:
        if failures:
            raise failures.pop()
        return run(step)

    monkeypatch.setattr(cell, "run", once)
    before = study.state.pace.seconds
    exchange = study.exchange()
    assert study.state.rejected == 1
    assert 0.0 < exchange.time < before
