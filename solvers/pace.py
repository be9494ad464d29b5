"""How far a cell runs between two exchanges with its films: seconds, a cycle, or many cycles."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from interphase.parameters.case_cell import ExchangeCase
from interphase.parameters.errors import CouplingError

# An error above this many times the tolerance is not accepted.
_REJECT = 4.0
_RETRIES = 12
_SAFETY, _LEAST, _GROWTH = 0.8, 0.2, 2.0
# Cycles that are simulated before some are jumped over: the first lets what is fast settle.
SIMULATED = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Length of the next exchange; a pure function of explicit states, so restarts are exact.

    Attributes:
        rtol: relative error of the films' charge aimed at [-].
        longest: bound on an exchange within a cycle or in storage [s].
        most_cycles: bound on the cycles that are jumped over.
        seconds: wanted length of an exchange [s].
        cycles: wanted number of cycles to jump over; 0: one cycle, simulated.
        retries: rejections of the exchange that is being tried.
    """

    rtol: float
    longest: float
    most_cycles: int
    seconds: float
    cycles: float = 0.0
    retries: int = 0

    @classmethod
    def from_case(cls, case: ExchangeCase) -> Pace:
        """Return the pace at the start of a study."""
        return cls(case.rtol, case.longest, case.most_cycles, min(case.first, case.longest))

    def jump(self, left: int) -> int:
        """Return how many cycles to jump over when ``left`` remain; 0 is none."""
        return max(0, min(int(self.cycles), self.most_cycles - 1, left - SIMULATED))

    @property
    def largest_error(self) -> float:
        """Return the relative error above which an exchange is not kept [-]."""
        return _REJECT * self.rtol

    @property
    def exhausted(self) -> bool:
        """Return whether an exchange has been tried often enough."""
        return self.retries >= _RETRIES

    def acceptable(self, error: float) -> bool:
        """Return whether an exchange with this relative error may be kept."""
        return abs(error) <= self.largest_error

    def accept(self, error: float, *, spent: float, jumped: int, whole_cycle: bool) -> Pace:
        """Return the pace after an exchange was kept.

        Args:
            error: relative error of the films' charge [-].
            spent: time the cell was simulated for [s].
            jumped: cycles that were jumped over.
            whole_cycle: whether the exchange was one whole cycle or more.
        """
        factor = self._factor(error)
        if whole_cycle:
            if jumped:
                cycles = _longer(jumped, factor)
            else:
                cycles = (1.0 if self.cycles >= 1.0 else 0.5) * factor
            return replace(self, cycles=cycles, seconds=max(self.seconds, spent), retries=0)
        wanted = min(max(spent * factor, _LEAST * self.seconds), self.longest)
        # A leg cut short by the end of a cycle says nothing against a longer one.
        wanted = max(wanted, self.seconds) if factor >= 1.0 else wanted
        return replace(self, seconds=wanted, retries=0)

    def reject(self, error: float, *, spent: float, jumped: int) -> Pace:
        """Return the pace for another try.

        Raises:
            CouplingError: it was tried often enough.
        """
        if self.exhausted:
            raise CouplingError(
                f"film and cell differ by {abs(error):.1%} of the film's charge even over "
                f"{spent:.3g} s: loosen drive.cell.exchange.rtol, or start from a thicker film"
            )
        factor = min(self._factor(error), 0.5)
        if jumped:
            return replace(self, cycles=_longer(jumped, factor), retries=self.retries + 1)
        return replace(self, seconds=spent * factor, cycles=0.0, retries=self.retries + 1)

    def _factor(self, error: float) -> float:
        # The error of an exchange grows with its length; that of its charge with the square.
        ratio = self.rtol / max(abs(error), 1e-12)
        factor = min(max(_SAFETY * math.sqrt(ratio), _LEAST), _GROWTH)
        # A front on a grid grows a little unevenly from cell to cell: this part of the error does
        # not fall with the length, and what is within the tolerance is no reason for shorter ones.
        return max(factor, 1.0) if ratio >= 1.0 else factor


def _longer(jumped: int, factor: float) -> float:
    """Return how many cycles to jump over for an exchange ``factor`` times as long.

    It is the whole exchange that becomes longer, the cycles that are simulated in it too: one cycle
    made half as long again would be one for ever.
    """
    return max((jumped + SIMULATED) * factor - SIMULATED, 0.0)
