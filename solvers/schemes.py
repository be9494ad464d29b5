"""Implicit time schemes for the film order parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from interphase.solvers.space import Array


class TimeScheme(Protocol):
    """Approximates the time derivative at the new time as ``lead * new - history``."""

    def coefficients(
        self, dt: float, now: Array, before: Array, last: float
    ) -> tuple[float, Array]:
        """Return (lead [1/s], history [1/s], (size,)); ``last`` is the last step, 0 if none."""
        ...


@dataclass(frozen=True, slots=True)
class BackwardEuler:
    """First order, strongly damping."""

    def coefficients(
        self, dt: float, now: Array, before: Array, last: float
    ) -> tuple[float, Array]:
        """Return the scheme's lead and history."""
        return 1.0 / dt, now / dt


@dataclass(frozen=True, slots=True)
class BDF2:
    """Second order, with variable steps; the first step is backward Euler.

    Source: Hairer & Wanner, Solving Ordinary Differential Equations II (1996), sec. V.1.
    """

    def coefficients(
        self, dt: float, now: Array, before: Array, last: float
    ) -> tuple[float, Array]:
        """Return the scheme's lead and history."""
        # A step much longer than the last would leave the formula's zone of stability.
        if last <= 0.0 or dt > 2.0 * last:
            return 1.0 / dt, now / dt
        ratio = dt / last
        lead = (1.0 + 2.0 * ratio) / (1.0 + ratio) / dt
        history = (1.0 + ratio) * now / dt - ratio**2 / (1.0 + ratio) * before / dt
        return lead, history
