"""What every description of the phases has in common, whatever moves them.

Two are implemented: the film order parameter driven by sharp-interface rates
(``solvers.prescribed``, and with chemistry ``solvers.film``), and the multi-order-parameter energy
(``solvers.energy``). Both hold one order parameter per phase that is 1 in the phase and 0 outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from interphase.models.interpolation import Array


@dataclass(frozen=True)
class Phases:
    """Order parameters of all phases at one time; they add up to one on sharp and flat fronts.

    Attributes:
        now: the solids and, last, the liquid, (phases, nodes).
        before: the same one step earlier, for schemes of second order.
        step: length of the last step [s]; 0 at the start.
    """

    now: Array
    before: Array
    step: float = 0.0

    @classmethod
    def at_start(cls, order_parameters: Array) -> Self:
        """Return phases without a past from ``order_parameters`` (phases, nodes)."""
        return cls(order_parameters, order_parameters.copy())

    def followed_by(self, order_parameters: Array, dt: float) -> Phases:
        """Return the phases after a step of ``dt`` [s]."""
        return Phases(np.asarray(order_parameters), self.now, dt)


class FrontModel(Protocol):
    """Moves phases through space."""

    @property
    def width(self) -> float:
        """Interface width l [m] of the profile (1 - tanh(2 d/l))/2."""
        ...

    def step(self, phases: Phases, dt: float) -> Phases:
        """Return the phases after ``dt`` [s]; the given ones are left as they are.

        Raises:
            ConvergenceError: the step did not converge; try a smaller one.
        """
        ...
