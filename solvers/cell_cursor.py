"""Where a cell is in its program, and pieces of the program that end at an exchange."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_types import CellStepper, ControlStep, Profile, Segment

# Steps that end within this part of their length of each other end together.
_SAME = 1.0e-9
# What is left of a step when less than this much time is left [s] is run with what comes before.
_SLIVER = 1.0e-6


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a program of control steps that is repeated cycle after cycle.

    Attributes:
        cycle: number of whole cycles done.
        step: index of the step at hand.
        elapsed: time spent in it [s].
    """

    cycle: int = 0
    step: int = 0
    elapsed: float = 0.0

    @property
    def at_start(self) -> bool:
        """Whether a cycle is about to begin."""
        return self.step == 0 and self.elapsed == 0.0

    def after(self, segment: Segment, step: ControlStep, steps: int) -> Cursor:
        """Return the place after ``segment``, the piece ``step`` of one of ``steps`` steps."""
        ended = segment.skipped or segment.duration < step.duration * (1.0 - _SAME)
        if not ended:
            return replace(self, elapsed=self.elapsed + segment.duration)
        return self.next(steps)

    def next(self, steps: int) -> Cursor:
        """Return the start of the next step."""
        last = self.step == steps - 1
        return Cursor(self.cycle + 1, 0) if last else Cursor(self.cycle, self.step + 1)


def piece(step: ControlStep, elapsed: float, longest: float) -> ControlStep:
    """Return the part of ``step`` from ``elapsed`` [s], ``longest`` [s] at most."""
    left = step.duration - elapsed
    whole = left <= longest + _SLIVER
    duration = left if whole else longest
    # Only the end of the whole step can show that its limit was never met.
    cut = replace(step, duration=duration, guard=step.guard and whole)
    if step.profile is None or (elapsed == 0.0 and whole):
        return cut
    times, values = step.profile.times, step.profile.values
    inside = (times > elapsed) & (times < elapsed + duration)
    ends = np.array([elapsed, elapsed + duration])
    at = np.concatenate([ends[:1], times[inside], ends[1:]])
    return replace(cut, profile=Profile(at - elapsed, np.interp(at, times, values)))


def run_leg(
    cell: CellStepper, program: tuple[ControlStep, ...], cursor: Cursor, longest: float, cycles: int
) -> tuple[list[Segment], Cursor]:
    """Run a cell until ``longest`` [s] have passed or its cycle is done.

    Where the rest of a cycle is skipped, the next of ``cycles`` cycles is begun in the same leg.
    A limit of the cell itself, such as closed pores, ends it.

    Returns:
        What the films saw, step by step, and the place after it.

    Raises:
        CouplingError: every step of a cycle is skipped.
    """
    segments: list[Segment] = []
    left, spent, cycle = longest, 0.0, cursor.cycle
    while left > _SLIVER and (cursor.cycle == cycle or (spent == 0.0 and cursor.cycle < cycles)):
        if len(segments) > len(program):
            raise CouplingError("every step of the experiment is skipped: check its limits")
        step = piece(program[cursor.step], cursor.elapsed, left)
        segment = cell.run(step)
        segments.append(segment)
        if segment.own_limit:
            # The cell is at the end of what it can do; the films still take what it has booked.
            return segments, cursor.after(segment, step, len(program))
        left, spent = left - segment.duration, spent + segment.duration
        done = cursor.elapsed + segment.duration
        finished = done >= program[cursor.step].duration - _SLIVER
        cursor = (
            cursor.next(len(program)) if finished else cursor.after(segment, step, len(program))
        )
    return segments, cursor
