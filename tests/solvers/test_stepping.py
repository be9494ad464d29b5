"""Step control: pure functions, so every rule is one line of arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.stepping import (
    ControlState,
    Limit,
    Milestones,
    StepController,
    every,
    reached,
)

L = 1.0e-9


@dataclass(frozen=True)
class Motion:
    displacement: float = 0.0
    conversion: float = 0.0
    error: float = 0.0


@pytest.fixture
def controller() -> StepController:
    """Give the limits used below."""
    return StepController(width=L, front_fraction=0.1, rtol=0.02, max_rejections=3)


@pytest.mark.parametrize(
    ("motion", "limit", "accepted", "factor"),
    [
        (Motion(), Limit.NONE, True, 2.0),
        (Motion(displacement=0.01 * L), Limit.NONE, True, 2.0),
        (Motion(displacement=0.10 * L), Limit.FRONT, True, 0.9),
        (Motion(displacement=0.14 * L), Limit.FRONT, True, 0.9 * 0.1 / 0.14),
        (Motion(displacement=0.16 * L), Limit.FRONT, False, 0.9 * 0.1 / 0.16),
        (Motion(conversion=0.30 * L), Limit.CONVERSION, True, 0.75),
        (Motion(conversion=0.50 * L), Limit.CONVERSION, False, 0.45),
        (Motion(error=0.03), Limit.ERROR, True, 0.9 * math.sqrt(2.0 / 3.0)),
        (Motion(error=0.08), Limit.ERROR, False, 0.45),
        # the failed limit rules even if another wants an even shorter step
        (Motion(displacement=1.0 * L, error=1.0), Limit.FRONT, False, 0.1),
    ],
)
def test_a_step_is_judged_by_what_moved_most(
    controller: StepController, motion: Motion, limit: Limit, accepted: bool, factor: float
) -> None:
    """Front above 1.5 x 0.1 l, conversion above 0.4 l or error above 2 rtol is refused."""
    verdict = controller.judge(motion)
    assert (verdict.accepted, verdict.limit) == (accepted, limit)
    assert verdict.factor == pytest.approx(factor)


def test_a_ramp_limits_the_step_to_15_millivolts(controller: StepController) -> None:
    """The step is 15 mV / |slope|."""
    state = ControlState(wanted=1e3)
    assert controller.propose(state, 0.0, -1.9 / 3600.0, 1e6) == pytest.approx(0.015 * 3600 / 1.9)


def test_a_milestone_is_met_exactly_and_leaves_no_sliver(controller: StepController) -> None:
    """A step ends at the milestone, or half-way to it if the rest would be shorter than itself."""
    assert controller.propose(ControlState(wanted=10.0), 95.0, 0.0, 100.0) == 5.0
    assert controller.propose(ControlState(wanted=5.0), 95.0, 0.0, 100.0) == 5.0
    assert controller.propose(ControlState(wanted=4.0), 95.0, 0.0, 100.0) == 2.5
    assert controller.propose(ControlState(wanted=1.0), 95.0, 0.0, 100.0) == 1.0


def test_a_milestone_does_not_make_later_steps_short(controller: StepController) -> None:
    """The step before the milestone was cut; the next one is as long as it would have been."""
    state = ControlState(wanted=10.0)
    after = controller.accept(state, 0.1, controller.judge(Motion(displacement=1e-3 * L)))
    assert after.wanted == 10.0
    assert (after.accepted, after.rejected) == (1, 0)


def test_the_step_never_more_than_doubles(controller: StepController) -> None:
    """Growth is bounded, whatever the motion allows."""
    state = ControlState(wanted=1.0)
    assert controller.accept(state, 1.0, controller.judge(Motion())).wanted == 2.0


def test_a_failed_solve_is_retried_at_a_quarter_and_given_up_with_advice(
    controller: StepController,
) -> None:
    """After max_rejections retries the text says what to try."""
    state, error = ControlState(wanted=1.0), ConvergenceError("Newton did not converge")
    for _ in range(3):
        state = controller.fail(state, state.wanted, error)
    assert state.wanted == pytest.approx(1.0 / 64.0)
    assert (state.retries, state.rejected) == (3, 3)
    with pytest.raises(ConvergenceError, match=r"Newton did not converge.*time\.controller"):
        controller.fail(state, state.wanted, error)


def test_a_step_below_the_smallest_ends_the_run() -> None:
    """smallest_step bounds retries too."""
    controller = StepController(width=L, smallest_step=0.5)
    with pytest.raises(ConvergenceError, match="fell below 0.5 s"):
        controller.fail(ControlState(wanted=1.0), 1.0, ConvergenceError("x"))


def test_milestones_are_sorted_unique_and_end_with_the_end() -> None:
    """Times outside the run are left out; the end wins over a time that round-off makes equal."""
    stones = Milestones.of(100.0, [30.0, 10.0, 200.0, 0.0], [30.0, 100.0 * (1 - 1e-15)])
    assert stones.times == (10.0, 30.0, 100.0)
    assert stones.after(0.0) == 10.0
    assert stones.after(10.0 * (1 - 1e-15)) == 30.0
    assert stones.after(100.0) == math.inf
    assert stones.met(10.0, 30.0) and not stones.met(30.0, 99.0)


def test_multiples_of_an_interval() -> None:
    """The last multiple counts even if round-off puts it beyond the end."""
    assert every(0.1, 0.3) == pytest.approx([0.1, 0.2, 0.3])
    assert every(None, 1.0) == []
    assert reached(1.0 - 1e-14, 1.0) and not reached(0.999, 1.0)
