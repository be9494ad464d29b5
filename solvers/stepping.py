"""How long the next step is: displacement of fronts, drive, local error, milestones, rejection.

The controller is a set of pure functions of explicit states, so that a restart continues exactly
as the uninterrupted run would have.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from interphase.parameters.case_run import ControllerCase
from interphase.parameters.errors import ConvergenceError

# Two times closer than this part of their value are the same time.
_SAME = 1.0e-12
# A step that leaves less than this part of itself to a milestone is stretched to reach it.
_SLIVER = 1.0e-6
# Aim below the limit, so that most steps pass.
_SAFETY = 0.9


class Motion(Protocol):
    """What the controller must know of a step; `step_report.StepReport` has it."""

    @property
    def displacement(self) -> float:
        """Displacement of the fastest outer front [m]."""
        ...

    @property
    def conversion(self) -> float:
        """Displacement of the fastest internal front [m]."""
        ...

    @property
    def error(self) -> float:
        """Local error of the order parameter [-]."""
        ...


class Limit(Enum):
    """What limited a step; the value is for people."""

    NONE = "nothing"
    FRONT = "the outer front's displacement"
    CONVERSION = "an internal front's displacement"
    ERROR = "the local error"
    SOLVER = "a solve that failed"


@dataclass(frozen=True, slots=True)
class ControlState:
    """What the controller remembers between steps.

    Attributes:
        wanted: length of the next step if nothing else limits it [s].
        retries: rejections of the step that is being tried.
        accepted: steps accepted so far.
        rejected: steps rejected so far.
    """

    wanted: float
    retries: int = 0
    accepted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judgement of a step.

    Attributes:
        accepted: whether the step may be kept.
        factor: length of the next step (or of the retry) over this one's [-].
        limit: what set the factor.
    """

    accepted: bool
    factor: float
    limit: Limit


@dataclass(frozen=True, slots=True)
class StepController:
    """Chooses the length of steps.

    Attributes:
        width: interface width l [m].
        front_fraction: displacement of the outer front aimed at, in l [-].
        conversion_fraction: displacement of internal fronts aimed at, in l [-].
        conversion_limit: internal displacement above which a step is rejected, in l [-].
        potential_change: largest change of the drive's potential in a step [V].
        rtol: local error aimed at [-]; twice it is rejected.
        initial_step: first step [s].
        smallest_step: a shorter step ends the run [s].
        largest_step: bound on the step [s].
        max_rejections: retries of one step.
        growth: largest ratio of two successive steps [-].
    """

    width: float
    front_fraction: float = 0.1
    conversion_fraction: float = 0.25
    conversion_limit: float = 0.4
    potential_change: float = 0.015
    rtol: float = 2.0e-2
    initial_step: float = 1.0e-3
    smallest_step: float = 1.0e-9
    largest_step: float = math.inf
    max_rejections: int = 30
    growth: float = 2.0

    @classmethod
    def from_case(cls, case: ControllerCase, width: float) -> StepController:
        """Return the controller that a case describes, for the interface width ``width`` [m]."""
        return cls(
            width=width,
            front_fraction=case.front_fraction,
            rtol=case.rtol,
            initial_step=case.initial_step,
            smallest_step=case.smallest_step,
            largest_step=case.largest_step or math.inf,
            max_rejections=case.max_rejections,
        )

    def start(self) -> ControlState:
        """Return the state before the first step."""
        return ControlState(wanted=self.initial_step)

    def propose(self, state: ControlState, time: float, slope: float, milestone: float) -> float:
        """Return the length of the step to try [s].

        Args:
            state: of the controller.
            time: now [s].
            slope: dU/dt of the drive ahead [V/s].
            milestone: next time that must be met exactly [s].
        """
        dt = min(state.wanted, self.largest_step)
        if slope != 0.0:
            dt = min(dt, self.potential_change / abs(slope))
        left = milestone - time
        if dt >= left * (1.0 - _SLIVER):
            return left
        # Two halves rather than a long step and a sliver: the step's length changes less.
        return 0.5 * left if dt > 0.5 * left else dt

    def judge(self, motion: Motion) -> Verdict:
        """Return whether a step may be kept and how long the next one should be."""
        front, internal = motion.displacement / self.width, motion.conversion / self.width
        factors = {
            Limit.FRONT: _SAFETY * _ratio(self.front_fraction, front),
            Limit.CONVERSION: _SAFETY * _ratio(self.conversion_fraction, internal),
            # The local error of a first-order scheme grows with the square of the step.
            Limit.ERROR: _SAFETY * math.sqrt(_ratio(self.rtol, motion.error)),
        }
        excess = {
            Limit.FRONT: front > 1.5 * self.front_fraction,
            Limit.CONVERSION: internal > self.conversion_limit,
            Limit.ERROR: motion.error > 2.0 * self.rtol,
        }
        limit = min(factors, key=lambda key: factors[key])
        if any(excess.values()):
            limit = min((key for key in excess if excess[key]), key=lambda key: factors[key])
            return Verdict(False, min(max(factors[limit], 0.1), 0.7), limit)
        if factors[limit] >= self.growth:
            return Verdict(True, self.growth, Limit.NONE)
        return Verdict(True, max(factors[limit], 0.1), limit)

    def accept(self, state: ControlState, dt: float, verdict: Verdict) -> ControlState:
        """Return the state after a step of length ``dt`` [s] was kept."""
        wanted = dt * verdict.factor
        if verdict.limit is Limit.NONE:
            # A step cut short by a milestone must not make the next ones short.
            wanted = max(wanted, min(state.wanted, self.largest_step))
        return replace(state, wanted=wanted, retries=0, accepted=state.accepted + 1)

    def reject(self, state: ControlState, dt: float, verdict: Verdict) -> ControlState:
        """Return the state after a step of length ``dt`` [s] was not kept.

        Raises:
            ConvergenceError: there is no smaller step to try; the text says what to do.
        """
        return self._retry(state, dt * verdict.factor, verdict.limit, "")

    def fail(self, state: ControlState, dt: float, error: ConvergenceError) -> ControlState:
        """Return the state after a solve failed in a step of length ``dt`` [s].

        Raises:
            ConvergenceError: there is no smaller step to try; the text says what to do.
        """
        return self._retry(state, 0.25 * dt, Limit.SOLVER, f" ({error})")

    def _retry(self, state: ControlState, wanted: float, limit: Limit, detail: str) -> ControlState:
        retries = state.retries + 1
        if retries > self.max_rejections:
            raise ConvergenceError(
                f"the step was rejected {state.retries} times, last for {limit.value}{detail}: try "
                "a smaller time.controller.initial_step or a larger time.controller.max_rejections"
            )
        if wanted < self.smallest_step:
            raise ConvergenceError(
                f"the step fell below {self.smallest_step:.3g} s because of {limit.value}{detail}: "
                "check rates and units of the table, loosen time.controller.rtol or front_fraction,"
                " or allow a smaller time.controller.smallest_step"
            )
        return replace(state, wanted=wanted, retries=retries, rejected=state.rejected + 1)


def _ratio(target: float, value: float) -> float:
    return target / value if value > 0.0 else math.inf


@dataclass(frozen=True, slots=True)
class Milestones:
    """Times that steps must meet exactly.

    Attributes:
        times: in rising order, none twice [s].
    """

    times: tuple[float, ...]

    @classmethod
    def of(cls, end: float, *sources: Iterable[float]) -> Milestones:
        """Return all times of ``sources`` in (0, end), and ``end`` [s]."""
        times = sorted(t for source in sources for t in source if 0.0 < t < end)
        kept: list[float] = []
        for time in [*times, end]:
            if kept and time - kept[-1] <= _SAME * time:
                # The later one wins: the end must be met exactly.
                kept.pop()
            kept.append(time)
        return cls(tuple(kept))

    def after(self, time: float) -> float:
        """Return the first milestone later than ``time`` [s]; infinity if there is none."""
        index = bisect_right(self.times, time)
        while index < len(self.times) and self.times[index] - time <= _SAME * self.times[index]:
            index += 1
        return self.times[index] if index < len(self.times) else math.inf

    def met(self, since: float, time: float) -> bool:
        """Return whether ``time`` [s] has reached one of the times after ``since`` [s]."""
        return reached(time, self.after(since))


def reached(time: float, target: float) -> bool:
    """Return whether ``time`` [s] has come to ``target`` [s] but for round-off."""
    return time >= target * (1.0 - _SAME)


def every(interval: float | None, end: float) -> list[float]:
    """Return the multiples of ``interval`` [s] up to ``end`` [s]; none without an interval."""
    if interval is None:
        return []
    return [k * interval for k in range(1, math.floor(end / interval * (1.0 + _SAME)) + 1)]
