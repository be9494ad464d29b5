"""How a run goes on: the next stretch of simulated time that is kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Protocol

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.setup import Problem
from interphase.solvers.state import FilmState
from interphase.solvers.step_report import StepReport
from interphase.solvers.stepping import ControlState, Milestones, StepController, reached

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stride:
    """A stretch of simulated time that was kept.

    Attributes:
        state: the film after it.
        control: state of the step controller after it.
        report: of its last step.
        length: [s].
        leap: mean advance of the front that was leapt over, in interface widths; 0 for a step.
    """

    state: FilmState
    control: ControlState
    report: StepReport
    length: float
    leap: float = 0.0


class Strider(Protocol):
    """Makes strides; what it remembers between them goes into a checkpoint."""

    def stride(self, state: FilmState, control: ControlState, milestones: Milestones) -> Stride:
        """Return the next stride, over no milestone. Collective.

        Raises:
            ConvergenceError: there is none; the text says what to do.
        """
        ...

    def notes(self) -> dict[str, Any] | None:
        """Return what must be remembered, as plain values; None if nothing is."""
        ...

    def summary(self) -> dict[str, Any] | None:
        """Return what to say about it at the end of a run; None if nothing is."""
        ...


class Stepper:
    """Steps by the physics, each as long as the controller says."""

    def __init__(self, problem: Problem, controller: StepController) -> None:
        self._problem, self.controller = problem, controller

    def stride(self, state: FilmState, control: ControlState, milestones: Milestones) -> Stride:
        """Return one step that is accepted; see `Strider`."""
        program, controller = self._problem.program, self.controller
        milestone = milestones.after(state.time)
        while True:
            dt = controller.propose(control, state.time, program.slope(state.time), milestone)
            drive = program.at(state.time + 0.5 * dt)
            try:
                new, report = self._problem.solver.step(state, dt, drive)
            except ConvergenceError as error:
                control = controller.fail(control, dt, error)
                logger.debug("step of %.3g s failed: %s", dt, error)
                continue
            verdict = controller.judge(report)
            if verdict.accepted:
                break
            control = controller.reject(control, dt, verdict)
            logger.debug("step of %.3g s rejected: %s", dt, verdict.limit.value)
        control = controller.accept(control, dt, verdict)
        kink = milestone in program.breakpoints and reached(new.time, milestone)
        # After a seed or a kink of the drive the last step does not foretell the next.
        new = replace(new, step=0.0) if report.seeds or kink else new
        return Stride(new, control, report, dt)

    def notes(self) -> None:
        """Return that nothing must be remembered: the state of the controller is the run's."""

    def summary(self) -> None:
        """Return that there is nothing to say: the run counts its steps."""
