"""The coupled study: what passes between cell and films, and what is conserved on the way."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.cell.response import ResponseTable
from interphase.parameters.case import Case
from interphase.parameters.case_cell import ExchangeCase
from interphase.parameters.errors import CouplingError
from interphase.parameters.program import Drive
from interphase.scripts.verification.law_study import LawPlan, finish, law_study, repeat
from interphase.solvers.cell_cursor import piece
from interphase.solvers.cell_types import ControlStep, IntegrationError, Profile, Termination
from interphase.solvers.exposure import Advance, Exposure, FilmResponse, uptake
from interphase.solvers.film import StepReport
from interphase.solvers.film_group import Places
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.setup import build_problem, initial_state
from interphase.solvers.stepping import StepController

LAW = "ec reaction limited"
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
    for own in (np.zeros((10, count)), np.outer(np.exp(-p.nodes), 1.0 + np.arange(count))):
        taken = p.split(charge, own)
        assert taken @ p.film_area == pytest.approx(charge @ p.area, rel=1e-13)
        assert np.all(taken > 0.0)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_films_that_differ_take_what_their_own_rates_say(count: int) -> None:
    """Each film takes what it would take alone, whatever the one beside it does.

    With the tables interpolated and the charge given back by least squares, two films whose rates
    differ by a factor of four were asked for a third more or less than that, however short the
    exchange.
    """
    p = places(count)
    factors = 4.0 ** np.arange(count)
    tables = [replace(TABLE, rates=f * np.asarray(TABLE.rates)) for f in factors]
    responses = [FilmResponse(table, 1e-10) for table in tables]
    history = np.stack([0.1 + 0.3 * p.nodes, 0.2 - 0.1 * p.nodes])
    inputs = p.inputs(responses, np.full(count, 1e-3), np.zeros(10), 1.0)
    booked = -sum(inputs.response.rate(row, 1e-8) for row in history) * p.area_ratio
    own = sum(np.stack([uptake(t, row) for t in tables], axis=1) for row in history)
    expected = [
        sum(float(uptake(table, level)[0]) for level in seen)
        for table, seen in zip(tables, p.seen(history, tables).T, strict=True)
    ]
    # Between knots asinh(j/scale) is a straight line, with a scale of 1e-3 of the smallest rate in
    # the cell and of 1e-9 of the largest where a potential is looked up: 2e-5 at these rates.
    assert p.split(booked, own) == pytest.approx(expected, rel=1e-4)


def test_films_may_stand_at_chosen_places() -> None:
    nodes = np.linspace(0.05, 0.95, 10)
    p = Places.chosen(nodes, np.ones(10), np.array([0.1, 0.9]), 1.0)
    assert p.weights[0] == pytest.approx([1.0, 0.0])
    assert p.film_area == pytest.approx([5.0, 5.0])
    with pytest.raises(CouplingError, match="covers no node"):
        Places.chosen(nodes, np.ones(10), np.array([0.1, 0.51, 0.52, 0.53, 0.9]), 1.0)


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


def test_jumps_grow_from_one_cycle_on() -> None:
    """At a third of the tolerance; one times 1.4 was one for a hundred cycles."""
    pace, jumps = replace(Pace.from_case(ExchangeCase()), cycles=1.0), []
    for _ in range(6):
        jumps.append(pace.jump(500))
        pace = pace.accept(0.3 * pace.rtol, spent=1e4, jumped=jumps[-1], whole_cycle=True)
    assert jumps[0] == 1 and all(b > a for a, b in zip(jumps, jumps[1:], strict=False))
    shorter = pace.reject(2.0 * pace.largest_error, spent=1e4, jumped=10)
    assert 1.0 <= shorter.cycles <= 5.0


def program_of(capacity: float) -> tuple[ControlStep, ...]:
    return (
        ControlStep("current", capacity, 7200.0, (Termination("voltage", "below", 2.5),)),
        ControlStep("current", -capacity, 7200.0, (Termination("voltage", "above", 4.2),)),
    )


def test_a_law_in_the_place_of_the_film_gives_pybamm_its_own_loss() -> None:
    """Three cycles exchanged by the error estimate; the cell's books and the film's agree."""
    plan = LawPlan(LAW, 3, exchange=ExchangeCase(most_cycles=1))
    reference = plan.reference()
    program = program_of(reference.nominal_capacity)
    study, cell = law_study(plan, program)
    assert max(exchange.books for exchange in finish(study)) < 1e-12
    repeat(reference, plan.cycles, program)
    assert cell.lost_lithium == pytest.approx(reference.lost_lithium, rel=3e-3)


@pytest.mark.parametrize("area_ratio", [1.0, 8.0])
def test_a_jump_is_corrected_by_what_the_film_wants(
    area_ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt leaves little of the first error, whatever the area of the film."""
    study, _ = law_study(LawPlan("solvent-diffusion limited", 60, area_ratio=area_ratio))
    study.state.pace = replace(study.state.pace, cycles=40.0, rtol=3e-3)
    errors: list[float] = []
    advance = study.films.advance

    def spy(*args: Any) -> list[Advance]:
        found = advance(*args)
        errors.append(found[0].error)
        return found

    monkeypatch.setattr(study.films, "advance", spy)
    kept = study._keep()
    responses, leg = study._run(math.inf)
    assert leg.jumped
    study._advance(responses, leg, kept, math.inf)
    assert abs(errors[1]) < 0.2 * abs(errors[0])


@pytest.mark.slow
def test_cycles_that_are_jumped_over_cost_little_accuracy() -> None:
    """A hundred cycles, far fewer simulated, within one per cent of PyBaMM's own law."""
    plan = LawPlan(LAW, 100)
    reference = plan.reference()
    program = program_of(reference.nominal_capacity)
    study, cell = law_study(plan, program)
    finish(study)
    repeat(reference, plan.cycles, program)
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


def test_a_trial_step_is_found_where_the_film_moves_with_the_square_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the boundaries of columns begin to: half and double missed it for ever."""
    problem = build_problem(patch_case(), MPI.COMM_SELF)
    patch = PhaseFieldPatch(problem, initial_state(problem))
    patch.trial = 2.0

    def step(state: object, dt: float, drive: Drive) -> tuple[object, StepReport]:
        return state, StepReport(0.0, 0.05 * dt**2 * problem.width, 0.0, 1, ())

    monkeypatch.setattr(problem.solver, "step", step)
    _, dt = patch._trial_step(patch.state, Drive(0.1, 0.0, 298.15), 0.1, 1.5)
    assert 0.1 / 1.5 <= 0.05 * dt**2 <= 0.1 * 1.5


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
    study, cell = law_study(LawPlan(LAW, 1))
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
