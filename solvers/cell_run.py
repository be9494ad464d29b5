"""Running one control step of a cell: pieces of a profile, limits, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.cell.inputs import THRESHOLDS
from interphase.parameters.errors import CaseError, CouplingError
from interphase.solvers.cell_engine import Advance, CellEngine, ViolatedAtStartError
from interphase.solvers.cell_readout import Readout
from interphase.solvers.cell_types import CellLimitError, ControlStep, Segment, Termination

type Array = NDArray[np.float64]
type Inputs = dict[str, Array]

CUT_OFF_MARGIN: Final = 1e-3
"""How far beyond the cut-off voltages of the cell a step without voltage limits may go [V], so
that a hold at a cut-off does not end the step after it."""

FIRST_LOOK: Final = 1e-3
"""Length of the step that finds the current when a limit seems passed at the start [s]."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a step in which the controlled quantity is linear in time.

    Attributes:
        duration: [s].
        value: at its start [A], [V] or [W].
        slope: [A/s], [V/s] or [W/s].
    """

    duration: float
    value: float
    slope: float


class StepRunner:
    """Runs control steps on an engine.

    Args:
        engine: the discretised model.
        history: reads the quantities of a segment.
        names: PyBaMM's name of each quantity.
        cut_offs: lowest and highest voltage of the cell [V].
    """

    def __init__(
        self,
        engine: CellEngine,
        history: Readout,
        names: Mapping[str, str],
        cut_offs: tuple[float, float],
    ) -> None:
        self._engine = engine
        self._history = history
        self._names = dict(names)
        self._cut_offs = cut_offs

    def read(self, times: Array, states: Array, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return each quantity at all times, shapes (n, size)."""
        values = self._history(times, states, inputs)
        return {quantity: values[name] for quantity, name in self._names.items()}

    def run(self, step: ControlStep, states: Array, inputs: Inputs) -> tuple[Segment, Array]:
        """Run ``step`` from ``states``; return what was seen and the new states.

        Raises:
            CaseError: if a limit is passed at the start, or a guarded step never ends.
            CouplingError: if the model cannot be integrated.
        """
        limits = self._limits(step)
        parts: list[dict[str, Array]] = []
        start, event, own = 0.0, "", False
        for piece in pieces_of(step):
            wanted = {**inputs, **_control(step, piece), **_thresholds(limits)}
            advance = self._advance(step, states, piece, wanted, limits, first=not parts)
            if advance is None:
                return self._skipped(step, states, wanted), states
            read = self.read(advance.times, advance.states, wanted)
            read["times"] = start + advance.times
            if not parts:
                passed = _violated(limits, read)
                if passed is not None:
                    if step.may_skip:
                        return self._skipped(step, states, wanted), states
                    raise _refusal(step, passed)
            parts.append(read)
            states = advance.states[:, -1].copy()
            start += float(advance.times[-1])
            event, own = advance.event, advance.own_limit
            if event:
                break
        if step.guard and not event:
            raise CaseError(
                f"step '{step.label}' did not reach its limit within {step.duration:.6g} s; give "
                "it a duration, or a limit that it reaches"
            )
        return _segment(parts, _reason(event, own, limits), own_limit=own), states

    def _advance(
        self,
        step: ControlStep,
        states: Array,
        piece: Piece,
        inputs: Inputs,
        limits: Mapping[str, Termination],
        *,
        first: bool,
    ) -> Advance | None:
        """Integrate one piece; None when the step is to be skipped."""
        try:
            return self._engine.advance(states, piece.duration, inputs)
        except ViolatedAtStartError:
            # PyBaMM judges by the current of the step before: look at the new one first
            free = {**inputs, **_thresholds({})}
            moment = min(FIRST_LOOK, 0.1 * piece.duration)
            try:
                look = self._engine.advance(states, moment, free)
            except ViolatedAtStartError as error:
                raise CellLimitError(
                    f"step '{step.label}': the cell is at the end of what it can do: "
                    f"{', '.join(error.limits)}"
                ) from error
            read = self.read(look.times[-1:], look.states[:, -1:], free)
            passed = _violated(limits, read)
            if passed is not None:
                if step.may_skip and first:
                    return None
                raise _refusal(step, passed) from None
            rest = self._engine.advance(look.states[:, -1], piece.duration - moment, inputs)
            return replace(
                rest,
                times=np.concatenate([look.times, look.times[-1] + rest.times]),
                states=np.hstack([look.states, rest.states]),
            )

    def _limits(self, step: ControlStep) -> dict[str, Termination]:
        """Return the tightest limit of each kind, with the cell's own where the step has none."""
        limits: dict[str, Termination] = {}
        for limit in step.terminations:
            other = limits.get(limit.threshold)
            lower = other is None or limit.value < other.value
            if other is None or lower == (limit.side == "above"):
                limits[limit.threshold] = limit
        at_rest = step.mode == "current" and step.value == 0.0 and step.profile is None
        if step.mode == "voltage" or at_rest:
            return limits
        if not any(limit.quantity == "voltage" for limit in step.terminations):
            lowest, highest = self._cut_offs
            low = Termination("voltage", "below", lowest - CUT_OFF_MARGIN)
            high = Termination("voltage", "above", highest + CUT_OFF_MARGIN)
            limits |= {low.threshold: low, high.threshold: high}
        return limits

    def _skipped(self, step: ControlStep, states: Array, inputs: Inputs) -> Segment:
        read = self.read(np.zeros(1), states[:, None], inputs)
        read["times"] = np.zeros(1)
        return replace(_segment([read], "skipped", own_limit=False), skipped=True)


def pieces_of(step: ControlStep) -> list[Piece]:
    """Return the linear pieces of a step, cut at its duration."""
    if step.profile is None:
        return [Piece(step.duration, step.value, 0.0)]
    pieces = []
    times, values = step.profile.times, step.profile.values
    for index in range(times.size - 1):
        length = times[index + 1] - times[index]
        left = min(length, step.duration - times[index])
        # a sliver left by rounding is no piece
        if left <= 1e-9 * length:
            break
        slope = (values[index + 1] - values[index]) / length
        pieces.append(Piece(float(left), float(values[index]), float(slope)))
    return pieces


def _control(step: ControlStep, piece: Piece) -> Inputs:
    weights = {f"control {mode}": np.zeros(1) for mode in ("current", "voltage", "power")}
    weights[f"control {step.mode}"] = np.ones(1)
    return {
        **weights,
        "control value": np.array([piece.value]),
        "control slope": np.array([piece.slope]),
    }


def _thresholds(limits: Mapping[str, Termination]) -> Inputs:
    return {
        f"threshold {name}": np.array([limits[name].value if name in limits else off])
        for name, off in THRESHOLDS.items()
    }


def _violated(limits: Mapping[str, Termination], read: Mapping[str, Array]) -> Termination | None:
    voltage, current = float(read["voltage"][0, 0]), float(read["current"][0, 0])
    for limit in limits.values():
        if limit.violated_by(voltage, current):
            return limit
    return None


def _refusal(step: ControlStep, limit: Termination) -> CaseError:
    return CaseError(
        f"step '{step.label}' cannot start: the limit '{limit}' is already passed; begin with a "
        "step that leads away from it, or change the limit"
    )


def _reason(event: str, own_limit: bool, limits: Mapping[str, Termination]) -> str:
    if not event:
        return "duration"
    if own_limit:
        return event
    if event not in limits:
        raise CouplingError(f"the cell model stopped at '{event}', which was switched off")
    return str(limits[event])


def _segment(parts: list[dict[str, Array]], reason: str, *, own_limit: bool) -> Segment:
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    throughput = sum(abs(float(part["passed"][-1, 0] - part["passed"][0, 0])) for part in parts)
    return Segment(
        times=joined["times"],
        film_potential=joined["film_potential"],
        surface_potential=joined["surface_potential"],
        intercalation=joined["intercalation"],
        concentration=joined["concentration"],
        charge=joined["charge"],
        thickness=joined["thickness"],
        temperature=joined["temperature"][:, 0],
        voltage=joined["voltage"][:, 0],
        current=joined["current"][:, 0],
        termination=reason,
        throughput=throughput,
        own_limit=own_limit,
    )
