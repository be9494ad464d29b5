"""A control step of a whole cell: what is asked of it in time, and the limits that end it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from interphase.models.collectors import Source
from interphase.parameters.errors import CaseError, ConvergenceError, ParameterError
from interphase.solvers.cell_types import ControlStep, Termination
from interphase.solvers.p3d.balance import Balance, Trial
from interphase.solvers.p3d.heat import HeatBooks
from interphase.solvers.p3d.places import PlaceError

logger = logging.getLogger(__name__)

CUT_OFF_MARGIN: Final = 1.0e-3
"""How far beyond the cut-off voltages a step without voltage limits may go [V], so that a hold at
a cut-off does not end the step after it."""

# A limit passed within so much time is passed at the start [s].
_AT_START: Final = 1.0e-3
# Relative to a limit's scale, how closely the moment it is reached is found.
_CLOSE: Final[Mapping[str, float]] = {"voltage": 1.0e-4, "current": 1.0e-3, "abs_current": 1.0e-3}
_TRIES: Final = 12
# A step that fails is tried again with this part of its length.
_SHORTER: Final = 0.25
_SHORTEST: Final = 1.0e-2


@dataclass(frozen=True, slots=True)
class Pace:
    """Lengths of the steps in time.

    Attributes:
        longest: while things change slowly [s].
        first: after the control has changed [s].
        growth: from one step to the next, at most [-].
    """

    longest: float
    first: float
    growth: float = 3.0


@dataclass(slots=True)
class Cursor:
    """Where a control step stands.

    Attributes:
        elapsed: time since its start [s].
        seconds: length of the next step in time [s].
        steps: how many there were.
    """

    elapsed: float = 0.0
    seconds: float = 0.0
    steps: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The end of an accepted step in time.

    Attributes:
        trial: the step.
        books: its heat.
        termination: what ended the control step here; empty if it goes on.
        own_limit: whether a place is at the end of what it can do.
    """

    trial: Trial
    books: HeatBooks
    termination: str = ""
    own_limit: bool = False


@dataclass
class StepMarch:
    """One control step on its way. Collective.

    Attributes:
        step: what is asked for.
        cursor: where it stands.
        done: whether it has ended.
        termination: what ended it.
        own_limit: whether that was a place at the end of what it can do.
        skipped: whether nothing was done.
    """

    balance: Balance
    step: ControlStep
    pace: Pace
    cut_offs: tuple[float, float]
    cursor: Cursor = field(default_factory=Cursor)
    done: bool = False
    termination: str = ""
    own_limit: bool = False
    skipped: bool = False

    def __post_init__(self) -> None:
        if self.step.temperature is not None:
            raise CaseError(
                f"'{self.step.label}': the temperature of the surroundings is that of "
                "heat.cooling; leave it out of the step"
            )
        self._limits = limits_of(self.step, self.cut_offs)
        self._last: tuple[float, float] | None = None
        if self.cursor.steps == 0:
            self.balance.new_control()
            self.cursor.seconds = self.pace.first
            self._begin()

    def advance(self) -> Moment | None:
        """Take one step in time; None if the control step ended without one. Collective.

        Raises:
            PlaceError: on every rank; a place failed however short the step.
            ConvergenceError: on every rank; the same for currents or heat.
            CaseError: a step that was to reach a limit did not.
        """
        left = self.step.duration - self.cursor.elapsed
        seconds = min(self.cursor.seconds, left)
        # no sliver at the end
        if seconds < left < 1.5 * seconds:
            seconds = 0.5 * left
        trial = self._try(seconds)
        if trial is None:
            return None
        limit = self._passed(trial)
        if limit is not None:
            trial = self._locate(limit, trial)
        books = self.balance.accept(trial)
        self._last = trial.flow.voltage, trial.flow.current
        cursor = self.cursor
        cursor.elapsed += trial.seconds
        cursor.steps += 1
        cursor.seconds = min(self.pace.longest, self.pace.growth * trial.seconds)
        if limit is not None:
            self._end(str(limit))
        elif cursor.elapsed >= self.step.duration * (1.0 - 1e-12):
            if self.step.guard:
                raise CaseError(
                    f"step '{self.step.label}' did not reach its limit within "
                    f"{self.step.duration:.6g} s; give it a duration, or a limit that it reaches"
                )
            self._end("duration")
        return Moment(trial, books, self.termination, self.own_limit)

    def _begin(self) -> None:
        """End at once where a limit is passed already."""
        source = self.balance.look()
        try:
            current = self._current(source, 0.0)
        except ParameterError:
            return  # judged by the local models themselves, in the first step
        self._last = source.voltage - source.resistance * current, current
        if not any(limit.violated_by(*self._last) for limit in self._limits):
            return
        # resistances are those of a step in time; what holds at the start is seen in a short one
        trial = self._try(_AT_START)
        if trial is None:
            return
        self._last = trial.flow.voltage, trial.flow.current
        limit = self._passed(trial)
        self.balance.models.rollback()
        if limit is None:
            return
        if not self.step.may_skip:
            raise CaseError(
                f"step '{self.step.label}' cannot start: the limit '{limit}' is already passed; "
                "begin with a step that leads away from it, or change the limit"
            )
        self.skipped = True
        self._end("skipped")

    def _end(self, reason: str, *, own_limit: bool = False) -> None:
        self.done, self.termination, self.own_limit = True, reason, own_limit

    def _current(self, source: Source, seconds: float) -> float:
        """Return the current [A] that is asked for in the next ``seconds`` [s]."""
        value = demanded(self.step, self.cursor.elapsed, seconds)
        at = {
            "current": source.at_current,
            "voltage": source.at_voltage,
            "power": source.at_power,
        }
        return at[self.step.mode](value)

    def _try(self, seconds: float) -> Trial | None:
        """Return a trial, shorter if it must be; None at the end of what a place can do."""
        while True:
            try:
                return self.balance.attempt(
                    lambda source: self._current(source, seconds),  # noqa: B023 - runs at once
                    seconds,
                )
            except (PlaceError, ConvergenceError, ParameterError) as error:
                self.balance.models.rollback()
                if seconds * _SHORTER >= min(_SHORTEST, self.pace.first):
                    logger.debug("%s; a step of %.3g s is tried", error, _SHORTER * seconds)
                    seconds *= _SHORTER
                    continue
                if isinstance(error, ConvergenceError):
                    raise
                if isinstance(error, PlaceError) and not error.limit:
                    raise
                self._end(str(error), own_limit=True)
                return None

    def _passed(self, trial: Trial) -> Termination | None:
        voltage, current = trial.flow.voltage, trial.flow.current
        passed = [one for one in self._limits if one.violated_by(voltage, current)]
        return max(passed, key=lambda one: _excess(one, voltage, current), default=None)

    def _locate(self, limit: Termination, trial: Trial) -> Trial:
        """Return the trial that ends where the limit is just passed: regula falsi (Illinois)."""
        early, late = 0.0, trial.seconds
        before = _excess(limit, *self._last) if self._last else -1.0
        after = _excess(limit, trial.flow.voltage, trial.flow.current)
        side = 0
        for _ in range(_TRIES):
            if after <= 1.0 or before >= 0.0 or late - early <= _AT_START:
                break
            # aim at the middle of what is close enough, so as to end beyond the limit
            seconds = early + (late - early) * (0.5 - before) / (after - before)
            shorter = self._try(seconds)
            if shorter is None or shorter.seconds < seconds:
                break
            found = _excess(limit, shorter.flow.voltage, shorter.flow.current)
            if found > 0.0:
                trial, late, after = shorter, seconds, found
                before = 0.5 * before if side == 1 else before
                side = 1
            else:
                early, before = seconds, found
                after = 0.5 * after if side == -1 and after > 2.0 else after
                side = -1
        # the local models must stand at the end of the trial that is returned
        self.balance.models.rollback()
        again = self._try(trial.seconds)
        return trial if again is None else again


def _excess(limit: Termination, voltage: float, current: float) -> float:
    """Return how far a limit is passed, in units of how closely it is to be met."""
    seen = {"voltage": voltage, "current": current, "abs_current": abs(current)}
    beyond = seen[limit.quantity] - limit.value
    scale = _CLOSE[limit.quantity]
    if limit.quantity != "voltage":
        scale *= max(abs(limit.value), 1e-6)
    return (beyond if limit.side == "above" else -beyond) / scale


def limits_of(step: ControlStep, cut_offs: tuple[float, float]) -> tuple[Termination, ...]:
    """Return the limits of a step, with the cell's own where it has none of the voltage."""
    limits = list(step.terminations)
    at_rest = step.mode == "current" and step.value == 0.0 and step.profile is None
    if step.mode == "voltage" or at_rest:
        return tuple(limits)
    if not any(limit.quantity == "voltage" for limit in limits):
        lowest, highest = cut_offs
        limits += [
            Termination("voltage", "below", lowest - CUT_OFF_MARGIN),
            Termination("voltage", "above", highest + CUT_OFF_MARGIN),
        ]
    return tuple(limits)


def demanded(step: ControlStep, start: float, seconds: float) -> float:
    """Return what a step asks for [A], [V] or [W] in the ``seconds`` after ``start`` [s].

    Of a profile it is the mean, which keeps charge and energy, but of a voltage the last value.
    """
    if step.profile is None:
        return step.value
    times, values = step.profile.times, step.profile.values
    end = min(start + seconds, float(times[-1]))
    if step.mode == "voltage" or not end > start:
        return float(np.interp(end, times, values))
    inner = times[(times > start) & (times < end)]
    at = np.concatenate([[start], inner, [end]])
    return float(np.trapezoid(np.interp(at, times, values), at) / (end - start))
