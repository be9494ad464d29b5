"""Steps a gradient flow through time: fixed steps, or steps chosen by their error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.gradient_flow import FlowState, GradientFlow

# Round-off of the energy's sum over the nodes is no rise.
_ROUND_OFF = 1.0e-12
# The first steps have no estimate yet; more rejections in a row than this mean a lost cause.
_PATIENCE = 40
# Times closer than this part of a step are the same.
_SAME = 1.0e-9
# Third order is stable for ratios of steps below one and a half.
_RAMP_GROWTH = 1.3


class StepChoice(Protocol):
    """Chooses the lengths of steps."""

    @property
    def first(self) -> float:
        """Return the first step [s]."""
        ...

    def after(self, dt: float, error: float, order: int) -> tuple[bool, float]:
        """Return whether a step ``dt`` [s] with this error holds, and the next length [s].

        ``order`` is that of the scheme.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedStep:
    """Every step has the same length, but for shorter ones at the start.

    The first steps are of lower order, for want of a past: made ``ramp`` times shorter, they do not
    spoil the order of the whole.

    Attributes:
        length: of the steps [s].
        ramp: ratio of the length to the first step.
    """

    length: float
    ramp: float = 1.0

    @property
    def first(self) -> float:
        """Return the first step [s]."""
        return self.length / self.ramp

    def after(self, dt: float, error: float, order: int) -> tuple[bool, float]:
        """Return that the step holds, and the next length [s]."""
        return True, min(_RAMP_GROWTH * dt, self.length) if dt < self.length else self.length


@dataclass(frozen=True, slots=True)
class ErrorControl:
    """Steps as long as their estimated error allows.

    Attributes:
        tolerance: largest root mean square error of a step, in units of the field.
        first: first step [s].
        longest: longest step [s].
        growth: largest ratio of a step to the last; third order is unstable from 1.5 on.
        shelf: a step is kept while it could grow by less than this.
    """

    tolerance: float
    first: float
    longest: float = math.inf
    growth: float = 1.3
    shelf: float = 1.1

    def after(self, dt: float, error: float, order: int) -> tuple[bool, float]:
        """Return whether the step holds, and the next length [s]."""
        # Aimed a little below the tolerance: a rejected step costs as much as one that holds.
        power = 1.0 / (order + 1.0)
        factor = (0.5 * self.tolerance / error) ** power if error > 0.0 else self.growth
        if error > self.tolerance:
            return False, dt * min(max(factor, 0.3), 0.9)
        factor = min(factor, self.growth)
        return True, min(dt * (1.0 if 1.0 <= factor < self.shelf else factor), self.longest)


@dataclass
class March:
    """A gradient flow on its way through time. Collective on the flow's communicator.

    Steps that raise the energy of a closed system are rejected and made anew with half the length.

    Attributes:
        flow: what moves the field.
        choice: chooses the steps.
        accepted: steps so far.
        rejected: steps made in vain so far.
    """

    flow: GradientFlow
    choice: StepChoice
    accepted: int = 0
    rejected: int = 0

    def through(self, state: FlowState, times: Sequence[float]) -> Iterator[FlowState]:
        """Yield every accepted state up to the last of ``times`` [s]; each time is met.

        Raises:
            ConvergenceError: no step is short enough.
        """
        dt = self.choice.first
        for end in times:
            while state.time < end - _SAME * dt:
                state, dt = self._advance(state, dt, end)
                yield state

    def to(self, state: FlowState, end: float) -> FlowState:
        """Return the state at ``end`` [s]."""
        for after in self.through(state, [end]):
            state = after
        return state

    def _advance(self, state: FlowState, dt: float, end: float) -> tuple[FlowState, float]:
        """Return the state after one step that holds, and the next length [s]."""
        for _ in range(_PATIENCE):
            taken = fitted(dt, end - state.time)
            new = self.flow.step(state, taken)
            holds, following = self.choice.after(taken, new.error, self.flow.order)
            if holds and self._falls(state, new):
                self.accepted += 1
                # A step cut short by a time to be met says little about the next.
                return new, max(following, dt) if taken < dt else following
            self.rejected += 1
            dt = min(following, 0.5 * taken) if holds else following
        raise ConvergenceError(
            f"gradient flow: no step from t = {state.time:g} s is short enough: check the energy"
        )

    def _falls(self, state: FlowState, new: FlowState) -> bool:
        """Return whether the energy did not rise, or may rise."""
        return not self.flow.closed or new.energy <= state.energy + _ROUND_OFF * abs(state.energy)


def fitted(dt: float, left: float) -> float:
    """Return a step of at most ``dt`` that leaves no sliver of the time ``left`` [s]."""
    if left <= dt * (1.0 + _SAME):
        return left
    return 0.5 * left if left < 2.0 * dt * (1.0 - _SAME) else dt
