"""Leaps: what is kept is what steps would have made, what is wrong is refused, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.surrogate.geometric import GeometricProposer
from interphase.models.surrogate.proposal import Conditions, Patch, Proposal
from interphase.parameters.errors import CaseError, ConvergenceError
from interphase.solvers.film import FilmSolver
from interphase.solvers.judge import Judge, Refusal
from interphase.solvers.project import to_simplex
from interphase.solvers.simulation import Simulation
from interphase.solvers.starting import prepare
from interphase.solvers.step_report import StepReport
from interphase.solvers.stopping import Ending
from interphase.solvers.tempo import Clock, Tempo

type Change = Callable[[Proposal], Proposal]

FILM = {
    "model": {"reactions": ["R2", "R3"]},
    "initial": {
        "kind": "planar_film",
        "thickness": "4 nm",
        "shares": {"Li2CO3": 0.98, "LiF": 0.02},
    },
    "drive": {"steps": [{"hold": "0.1 V"}]},
    "mesh": {"size": ["16 nm"]},
    "time": {"until": "100 day"},
}
LEAPS = {"accelerator": {"kind": "geometric"}}


@dataclass(frozen=True)
class Bad:
    """The geometric leap, changed."""

    change: Change
    largest_advance: float = 1.0
    smallest_patch: tuple[int, ...] = ()

    def propose(self, patch: Patch, conditions: Conditions, advance: float) -> Proposal:
        return self.change(GeometricProposer().propose(patch, conditions, advance))


def _run(case, comm: MPI.Comm, change: Change | None = None) -> tuple[Simulation, list]:
    """Run a case, its proposals changed."""
    start = prepare(case, comm)
    if change is not None:
        start = replace(start, proposer=Bad(change))
    simulation = Simulation(start)
    result = simulation.run()
    return simulation, result


@pytest.mark.mpi
def test_leaps_make_the_film_that_steps_make(line, comm: MPI.Comm) -> None:
    """In fewer strides, with every atom in its place, and the milestones met."""
    output = {"fields": {"every": "60 day"}}
    _, steps = _run(line(**FILM), comm)
    _, leaps = _run(line(**FILM, solver=LEAPS, output=output), comm)
    told = leaps.summary["leaps"]
    one, other = steps.rows[-1], leaps.rows[-1]
    # Steps hold their rates and run ahead by 0.5 % of the growth (against steps of a fifth); the
    # clock of the leaps does not.
    growth = one["thickness"] - 4e-9
    assert other["thickness"] == pytest.approx(one["thickness"], abs=0.01 * growth)
    for name in ("thickness_Li2CO3", "thickness_LiF", "charge"):
        gained = one[name] - steps.rows[0][name]
        assert other[name] - leaps.rows[0][name] == pytest.approx(gained, rel=0.015), name
    assert other["time"] == one["time"] == 100 * 86400.0
    assert told["accepted"] >= 2
    assert told["tried"] == told["accepted"] + sum(told["refused"].values())
    assert len(leaps.rows) < 0.75 * len(steps.rows)
    assert max(row["element_imbalance"] for row in leaps.rows) < 1e-10
    assert max(row["charge_imbalance"] for row in leaps.rows) < 1e-10
    leapt = leaps.column("leap")
    assert np.count_nonzero(leapt) == told["accepted"]
    assert leapt.sum() == pytest.approx(told["widths_leapt"])
    assert np.count_nonzero(steps.column("leap")) == 0


def _nan(proposal: Proposal) -> Proposal:
    phi = proposal.phi.copy()
    phi[phi.size // 2] = np.nan
    return replace(proposal, phi=phi)


def _half(proposal: Proposal) -> Proposal:
    """Half the thickness that was asked for."""
    rows = proposal.phi.size
    return replace(proposal, phi=np.interp(np.arange(rows) * 1.08, np.arange(rows), proposal.phi))


def _blurred(proposal: Proposal) -> Proposal:
    """The same volume with a front that is wider by a third."""
    psi = np.arctanh(np.clip(2.0 * proposal.phi - 1.0, -1 + 1e-12, 1 - 1e-12))
    return replace(proposal, phi=0.5 * (1.0 + np.tanh(psi / 1.35)))


def _too_much(proposal: Proposal) -> Proposal:
    return replace(proposal, shares=proposal.shares + 0.3)


WRONG = {
    Refusal.DOMAIN: lambda p: replace(p, distance=1.5),
    Refusal.SPREAD: lambda p: replace(p, spread=0.05),
    Refusal.BROKEN: _nan,
    Refusal.GAIN: _half,
    Refusal.ENERGY: _blurred,
    Refusal.CORRECTION: _too_much,
}


@pytest.mark.parametrize("reason", WRONG, ids=lambda reason: reason.name)
def test_a_wrong_proposal_is_refused_and_the_run_is_that_of_the_physics(
    line, comm: MPI.Comm, reason: Refusal
) -> None:
    """Every leap is refused for its own reason; not a digit of the film changes."""
    changes = {**FILM, "time": {"until": "40 day"}}
    physics, _ = _run(line(**changes), comm)
    other, result = _run(line(**changes, solver=LEAPS), comm, WRONG[reason])
    told = result.summary["leaps"]
    assert told["accepted"] == 0 < told["tried"]
    assert reason.value in told["refused"]
    assert max(told["refused"], key=lambda name: told["refused"][name]) == reason.value
    if reason is Refusal.ENERGY:
        # The step that judged it has moved the edge of the nodes that Newton's method changes.
        assert np.abs(other.state.phi - physics.state.phi).max() < 1e-6
        return
    assert np.array_equal(other.state.phi, physics.state.phi)
    assert np.array_equal(other.state.shares, physics.state.shares)
    assert other.state.books.electrons_carrier == physics.state.books.electrons_carrier


def test_a_proposer_that_fails_costs_only_its_leaps(line) -> None:
    def fail(proposal: Proposal) -> Proposal:
        raise ValueError("no such thing")

    _, result = _run(
        line(**{**FILM, "time": {"until": "40 day"}}, solver=LEAPS), MPI.COMM_SELF, fail
    )
    assert list(result.summary["leaps"]["refused"]) == [Refusal.FAILURE.value]
    assert result.rows[-1]["time"] == 40 * 86400.0


def test_outside_its_domain_a_run_stops_where_the_case_says_so(line) -> None:
    accelerator = {**LEAPS["accelerator"], "outside_domain": "stop"}
    case = line(**FILM, solver={"accelerator": accelerator})
    with pytest.raises(ConvergenceError, match="outside_domain: physics"):
        _run(case, MPI.COMM_SELF, WRONG[Refusal.DOMAIN])


@pytest.mark.parametrize("later", [0, -1, -2])
def test_a_restart_leaps_as_the_uninterrupted_run(line, tmp_path, monkeypatch, later: int) -> None:
    """What leaps remember is in the checkpoint, stopped at the first one, just before or earlier.

    A proposer sees nothing but the film, so that the first stride may be a leap.
    """
    case = line(**FILM, solver=LEAPS)
    whole = Simulation.from_case(case).run()
    leaps = np.flatnonzero(whole.column("leap"))
    stop = leaps[0] + later
    calls = iter(range(len(whole.rows)))
    with monkeypatch.context() as patch:
        patch.setattr(
            "interphase.solvers.stopping.StopRequest.check",
            lambda self: Ending.WALLTIME if next(calls) == stop else None,
        )
        Simulation.from_case(case, output=tmp_path / "run").run()
    rest = Simulation.from_case(case, output=tmp_path / "run", restart=True).run()
    assert (leaps > stop).sum() >= 1
    np.testing.assert_array_equal(rest.column("leap") > 0.0, whole.column("leap")[stop + 1 :] > 0.0)
    # Kept preconditioners leave other residues in the fields, which are solved to 1e-6.
    for name, rtol in (("thickness", 1e-7), ("time", 1e-6)):
        ones = rest.column(name), whole.column(name)[stop + 1 :]
        np.testing.assert_allclose(*ones, rtol=rtol, err_msg=name)
    written = json.loads((tmp_path / "run" / "summary.json").read_text())["leaps"]
    assert written["refused"] == whole.summary["leaps"]["refused"]
    assert written["accepted"] == whole.summary["leaps"]["accepted"]


def test_no_leap_crosses_a_seed_or_a_ramp(plane) -> None:
    """While the potential falls and seeds appear, and just after, there are steps only."""
    result = Simulation.from_case(plane(solver=LEAPS)).run()
    leapt = result.column("leap") > 0.0
    ramp = result.column("time") <= 60.0
    seeded = np.diff(result.column("grains"), prepend=0.0) > 0.0
    assert not np.any(leapt & (ramp | seeded))


def test_the_judge_names_what_a_step_after_a_leap_shows() -> None:
    judge = Judge(width=1e-9, rtol=0.02, front_fraction=0.1)
    report = StepReport(0.1e-9, 0.0, 0.01, 3, ())
    assert judge.relaxed(report, (1.0, 1.0, 1.0)) is None
    assert judge.relaxed(replace(report, error=0.11), (1.0, 1.0, 1.0)) is Refusal.RESIDUAL
    assert judge.relaxed(replace(report, displacement=0.2e-9), (1.0, 1.0, 1.0)) is Refusal.RESIDUAL
    assert judge.relaxed(report, (1.03, 1.03, 1.0)) is Refusal.ENERGY
    assert judge.relaxed(report, (1.0, 1.021, 1.021)) is Refusal.ENERGY
    assert judge.relaxed(report, (1.0, 0.979, 0.979)) is Refusal.ENERGY
    assert judge.relaxed(report, (1.0, 1.019, 1.0)) is None
    assert judge.leapt(replace(report, held=0.06)) is Refusal.CONVERSION
    assert judge.leapt(replace(report, conversion=0.5e-9, held=0.04)) is None
    assert judge.balanced(1e-13, 1e-9) is Refusal.BALANCE
    assert judge.balanced(1e-13, 9e-11) is None
    assert judge.lasted(0.85, 1.0) is judge.lasted(1.15, 1.0) is Refusal.FORETOLD
    assert judge.lasted(0.95, 1.0) is None
    tempo = Tempo(1e-25, 1e30, (1e-20,), 1.0)
    assert judge.timed(tempo, replace(tempo, slowness=1.6e30)) is Refusal.TEMPO
    assert judge.timed(tempo, replace(tempo, slowness=0.6e30)) is Refusal.TEMPO
    assert judge.timed(tempo, None) is Refusal.TEMPO
    assert judge.timed(tempo, replace(tempo, slowness=1.4e30)) is None


def test_the_clock_is_exact_behind_a_diffusion_barrier() -> None:
    """dL/dt = D/L from L = 2 to 3: the time is (9 - 4) / (2 D)."""
    tempos = [Tempo(v, v / 7.0, (), 1.0) for v in (2.1, 3.05)]
    assert Clock.through(*tempos).elapsed(2.0, 3.0) == pytest.approx(5.0 / 14.0, rel=1e-12)


def test_shares_go_to_the_nearest_that_can_be() -> None:
    """No point of the simplex is nearer than the projection (random search), sums stay below."""
    rng = np.random.default_rng(3)
    values, total = rng.normal(0.3, 0.6, (4, 50)), rng.uniform(0.2, 1.0, 50)
    found = to_simplex(values, total)
    assert found.min() >= 0.0
    assert np.all(found.sum(axis=0) <= total + 1e-12)
    for _ in range(2000):
        other = rng.dirichlet(np.full(5, 0.5), 50).T[:4] * total
        assert np.all(((other - values) ** 2).sum(axis=0) >= ((found - values) ** 2).sum(axis=0))
    inside = np.full((4, 50), 0.04)
    np.testing.assert_array_equal(to_simplex(inside, total), inside)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accelerator": {"kind": "surrogate"}}, "solver.accelerator.file: is missing"),
        ({"accelerator": {"kind": "geometric", "file": "x"}}, "solver.accelerator.file: is for"),
        ({"accelerator": {"kind": "fast"}}, "solver.accelerator.kind"),
        ({"accelerator": {"kind": "geometric", "largest_advance": -1}}, "largest_advance"),
        (
            {"accelerator": {"kind": "surrogate", "file": "mosai"}},
            "solver.accelerator.file: no model 'mosai' ships with the package",
        ),
        (
            {"accelerator": {"kind": "surrogate", "file": "/nowhere/x"}},
            "there is no file /nowhere/x",
        ),
    ],
)
def test_a_bad_block_is_refused_by_its_key(line, change: dict, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        prepare(line(solver=change), MPI.COMM_SELF)


def test_a_mesh_without_a_patch_is_refused(plane) -> None:
    mesh = {
        "kind": "particle",
        "size": ["6 nm"],
        "radius": "20 nm",
        "angle": "30 deg",
    }
    with pytest.raises(CaseError, match=r"solver.accelerator: a leap needs a flat electrode"):
        prepare(plane(mesh=mesh, solver=LEAPS), MPI.COMM_SELF)


@pytest.mark.mpi
def test_a_leap_takes_reactions_inside_the_film_along(line, comm: MPI.Comm) -> None:
    """R4 turns the organic into carbonate from below as the film grows, as far as steps do."""
    changes = {
        **FILM,
        "mesh": {"size": ["36 nm"]},
        "model": {"reactions": ["R1", "R2", "R4"]},
        "initial": {
            "kind": "planar_film",
            "thickness": "4 nm",
            "shares": {"Li2CO3": 0.3, "Li2EDC": 0.7},
        },
    }
    _, steps = _run(line(**changes), comm)
    _, leaps = _run(line(**changes, solver=LEAPS), comm)
    told = leaps.summary["leaps"]
    one, other = steps.rows[-1], leaps.rows[-1]
    assert told["accepted"] >= 2
    for name in ("thickness", "thickness_Li2CO3", "thickness_Li2EDC"):
        grown = abs(one[name] - steps.rows[0][name])
        assert other[name] == pytest.approx(one[name], abs=0.03 * grown), name
    assert max(row["element_imbalance"] for row in leaps.rows) < 1e-10


def test_the_first_leap_knows_how_the_rate_changes(line, monkeypatch) -> None:
    """From the steps before it: reactions inside the film get the time that the leap then takes."""
    foretold, after = [], []
    leap, step = FilmSolver.leap, FilmSolver.step

    def leaping(self, state, phi, shares, stages, *rest):
        foretold.append(sum(stage.length for stage in stages))
        return leap(self, state, phi, shares, stages, *rest)

    def stepping(self, state, dt, drive):
        after.extend([dt] if len(after) < len(foretold) else [])
        return step(self, state, dt, drive)

    monkeypatch.setattr(FilmSolver, "leap", leaping)
    monkeypatch.setattr(FilmSolver, "step", stepping)
    case = line(**{**FILM, "mesh": {"size": ["30 nm"]}}, solver=LEAPS)
    result = Simulation.from_case(case).run()
    leapt = np.diff(result.column("time"))[result.column("leap")[1:] > 0.0]
    assert result.summary["leaps"]["refused"] == {}
    assert foretold[0] == pytest.approx(leapt[0] - after[0], rel=0.03)


def test_liquid_rests_where_no_field_is_far_from_the_reservoir(line) -> None:
    """Only then does a leap leave it unsolved; one field off by more than 0.2 % is enough."""
    start = prepare(line(**FILM), MPI.COMM_SELF)
    solver, one = start.problem.solver, np.ones(start.problem.space.size)
    near = replace(start.state, solvent_level=one, salt_level=one, potential=0.0 * one)

    def rests(**change: object) -> bool:
        return solver._liquid.at_rest(solver.model, replace(near, **change), 300.0)

    assert rests()
    assert rests(solvent_level=0.999 * one, salt_level=1.001 * one, potential=2e-5 * one)
    assert not rests(solvent_level=0.99 * one)
    assert not rests(salt_level=1.01 * one)
    assert not rests(potential=1e-4 * one)
    assert not rests(reservoir=0.99)
    porous = replace(solver.model, pore_reactions=(0,))
    assert not solver._liquid.at_rest(porous, near, 300.0)


def test_carriers_in_a_leap_are_those_of_a_step(line) -> None:
    """They owe as much per time as in the step before, for any length of a stage."""
    simulation = Simulation.from_case(line(**{**FILM, "time": {"until": "5 day"}}))
    simulation.run()
    solver, state = simulation.problem.solver, simulation.state
    drive = simulation.problem.program.at(state.time)
    for _ in range(3):
        state, _ = solver.step(state, 7200.0, drive)
    step, _ = solver.step(state, state.step, drive)
    for times in (1.0, 30.0):
        rest, _ = solver._rest(solver.model, state, drive, times * state.step)
        np.testing.assert_allclose(rest.carrier, step.carrier, rtol=1e-4, atol=1e-12)
