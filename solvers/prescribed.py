"""The film order parameter alone, moved at a given speed: the front law without chemistry."""

from __future__ import annotations

import numpy as np

from interphase.models.front import FrontLaw
from interphase.models.interpolation import signed_distance
from interphase.models.representation import Phases
from interphase.solvers.front import FrontStepper, front_geometry
from interphase.solvers.graph import NodeGraph
from interphase.solvers.linear import LinearOptions
from interphase.solvers.schemes import BackwardEuler, TimeScheme
from interphase.solvers.space import Array, NodalSpace


class PrescribedFront:
    """One solid that grows into the liquid at a given speed, behind the ``FrontModel`` protocol.

    Phases are (solid, liquid) = (phi, 1 - phi). Collective on the space's communicator.

    Attributes:
        space: the nodal space.
    """

    def __init__(
        self,
        space: NodalSpace,
        law: FrontLaw,
        speed: float | Array,
        *,
        scheme: TimeScheme | None = None,
    ) -> None:
        """Build the front.

        Args:
            space: the nodal space.
            law: the law of the front.
            speed: along the normal into the liquid [m/s], a number or (size,).
            scheme: how d(phi)/dt is approximated.
        """
        self.space, self._law = space, law
        self._graph = NodeGraph(space)
        self._scheme = scheme or BackwardEuler()
        self._speed = np.array(np.broadcast_to(np.asarray(speed, dtype=np.float64), (space.size,)))
        self._stepper = FrontStepper(space, law, LinearOptions(), rtol=1e-8, prefix="prescribed_")

    @property
    def width(self) -> float:
        """Interface width l [m]."""
        return self._law.width

    def step(self, phases: Phases, dt: float) -> Phases:
        """Return the phases after ``dt`` [s].

        Raises:
            ConvergenceError: Newton's iteration did not converge.
        """
        phi = phases.now[0]
        geometry = front_geometry(
            self.space, self._graph, signed_distance(phi, self.width), self.width
        )
        new = self._stepper.step(
            self._scheme, dt, phi, phases.before[0], phases.step, geometry, self._speed
        )
        return phases.followed_by(np.stack([new, 1.0 - new]), dt)
