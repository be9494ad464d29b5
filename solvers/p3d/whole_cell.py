"""What an ageing study asks of a cell in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.places import Array


@dataclass(frozen=True, slots=True, eq=False)
class TerminalHistory:
    """One control step seen from the terminals; n times.

    Attributes:
        times: since the start of the step [s], (n,); the first is 0.
        voltage: [V], (n,).
        current: discharge positive [A], (n,).
        temperature: mean of the cell [K], (n,).
        termination: what ended it: "duration" or the limit.
        own_limit: whether a place is at the end of what it can do.
        skipped: whether a limit was passed at the start, so that nothing was done.
    """

    times: Array
    voltage: Array
    current: Array
    temperature: Array
    termination: str
    own_limit: bool = False
    skipped: bool = False


class WholeCell(Protocol):
    """A cell with collectors, heat and local models. Collective; answers are the same on all ranks.

    Every step in time ends with ``commit`` of the local models, which is when films take note.
    """

    @property
    def nominal_capacity(self) -> float:
        """Capacity on the label [A h]."""
        ...

    @property
    def time(self) -> float:
        """Time since the start [s]."""
        ...

    @property
    def voltage(self) -> float:
        """Terminal voltage [V]."""
        ...

    def run(self, step: ControlStep) -> TerminalHistory:
        """Run one control step to its end.

        Raises:
            CaseError: a limit is passed at the start and the step may not be skipped.
            InterphaseError: that of any rank's local models, on all ranks; of its class.
        """
        ...

    def state(self) -> Any:
        """Return this rank's part of the state: fields and local models."""
        ...

    def restore(self, state: Any) -> None:
        """Go back to what :meth:`state` returned."""
        ...

    def pass_time(self, seconds: float) -> None:
        """Move the clock without running [s]; for cycles that are jumped over."""
        ...
