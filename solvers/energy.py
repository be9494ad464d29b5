"""Multi-order-parameter Allen-Cahn evolution: implicit steps of a gradient flow of the energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.free_energy import (
    MultiWell,
    driving_force,
    driving_hessian,
    phase_fractions,
)
from interphase.models.representation import Phases
from interphase.parameters.errors import ConvergenceError
from interphase.solvers.schemes import BackwardEuler, TimeScheme
from interphase.solvers.space import Array, NodalSpace

_NEWTON_STEPS = 25
_CG_STEPS = 2000
# Inexact Newton: a tighter solve would not save an iteration.
_CG_RTOL = 1.0e-3


@dataclass(frozen=True)
class Splitting:
    """Convex part implicit, concave part explicit: the energy falls for any step.

    The concave part is -(S/2) m sum eta_i^2. Fronts slow down by about 1/(1 + S m L dt), so it is
    for relaxation, not for speeds.

    Source: Eyre, MRS Proc. 529, 39 (1998).

    Attributes:
        strength: S [-]; 2 makes the rest convex for driving forces below the barrier.
    """

    strength: float = 2.0


class EnergySolver:
    """Steps ``d(eta_i)/dt = -L dOmega/d(eta_i)`` behind the ``FrontModel`` protocol.

    Omega = integral of m f0 + (kappa/2) sum |grad eta_i|^2 + sum h_a omega_a. Local terms are
    lumped at the nodes and the stiffness is the space's constant one, so the discrete evolution is
    the gradient flow of the discrete energy. The classical curvature term is kept (kappa_c = 0).
    Collective on the space's communicator.

    Attributes:
        energy: the interface energy.
        space: the nodal space.
        iterations: Newton iterations of the last step.
    """

    def __init__(
        self,
        space: NodalSpace,
        energy: MultiWell,
        mobility: float | Array,
        *,
        omega: Array | None = None,
        scheme: TimeScheme | None = None,
        splitting: Splitting | None = None,
        rtol: float = 1.0e-7,
    ) -> None:
        """Build the solver.

        Args:
            space: the nodal space.
            energy: the interface energy of the phases.
            mobility: L [m3/(J s)], a number or (size,).
            omega: grand potential density of each phase [J/m3], (phases,) or (phases, size).
            scheme: how d(eta)/dt is approximated.
            splitting: convex splitting, or None for fully implicit steps, which need
                m L dt below one to have one solution.
            rtol: largest change of an order parameter at which Newton's iteration ends.
        """
        self.space, self.energy = space, energy
        self._mobility = np.broadcast_to(np.asarray(mobility, dtype=np.float64), (space.size,))
        count = energy.gamma.shape[0]
        given = np.zeros(count) if omega is None else np.asarray(omega, dtype=np.float64)
        self._omega = given[:, None] if given.ndim == 1 else given
        self._scheme = scheme or BackwardEuler()
        self._shift = energy.barrier * splitting.strength if splitting else 0.0
        self._rtol = rtol
        self._stiffness = energy.gradient_coefficient * np.array(
            space.laplacian.getDiagonal().array
        )
        self.iterations = 0

    @property
    def width(self) -> float:
        """Interface width l [m] of the pair with the highest energy."""
        return self.energy.width

    def total(self, eta: Array) -> float:
        """Return Omega [J] of the order parameters (phases, size)."""
        local = self.energy.density(eta) + (phase_fractions(eta) * self._omega).sum(axis=0)
        return self.space.integral(local) + 0.5 * self.space.sum(
            (eta * self._diffuse(eta)).sum(axis=0)
        )

    def force(self, eta: Array) -> Array:
        """Return dOmega/d(eta_i) times the lumped mass [J], (phases, size)."""
        local = self.energy.derivative(eta) + driving_force(eta, self._omega)
        return self.space.mass * local + self._diffuse(eta)

    def step(self, phases: Phases, dt: float) -> Phases:
        """Return the phases after ``dt`` [s].

        Raises:
            ConvergenceError: Newton's iteration or its linear solve failed.
        """
        lead, history = self._scheme.coefficients(dt, phases.now, phases.before, phases.step)
        inertia = self.space.mass / self._mobility
        shift = self.space.mass * self._shift
        new = phases.now.copy()
        for iteration in range(1, _NEWTON_STEPS + 1):
            residual = (
                inertia * (lead * new - history) + self.force(new) + shift * (new - phases.now)
            )
            local = self.energy.hessian(new) + driving_hessian(new, self._omega)
            change = self._solve(self.space.mass * local, lead * inertia + shift, -residual)
            new = new + change
            self.iterations = iteration
            if self.space.max(np.abs(change)) < self._rtol:
                return phases.followed_by(new, dt)
        raise ConvergenceError(
            "multi-order-parameter energy: Newton did not converge; use a smaller step"
        )

    def _diffuse(self, eta: Array) -> Array:
        k = self.energy.gradient_coefficient
        return k * np.stack([self.space.apply(self.space.laplacian, e) for e in eta])

    def _solve(self, local: Array, diagonal: Array, rhs: Array) -> Array:
        """Solve the coupled system of all phases by conjugate gradients, matrix-free.

        Args:
            local: coupling of the phases at each node, (phases, phases, size).
            diagonal: added to every phase, (size,).
            rhs: right-hand side, (phases, size).
        """
        space = self.space
        count = rhs.shape[0]
        own = local[np.arange(count), np.arange(count)]
        scale = np.maximum(own, 0.0) + diagonal + self._stiffness
        x = np.zeros_like(rhs)
        r = rhs.copy()
        z = r / scale
        p = z.copy()
        rho = first = self._dot(r, z)
        for _ in range(_CG_STEPS):
            if rho <= _CG_RTOL**2 * first or rho == 0.0:
                return x
            ap = np.einsum("ijn,jn->in", local, p) + diagonal * p + self._diffuse(p)
            curvature = self._dot(p, ap)
            if not curvature > 0.0:
                raise ConvergenceError(
                    f"multi-order-parameter energy: the step is too long for one solution "
                    f"({space.global_size} unknowns); take m L dt below one or split the energy"
                )
            step = rho / curvature
            x += step * p
            r -= step * ap
            z = r / scale
            last, rho = rho, self._dot(r, z)
            p = z + rho / last * p
        raise ConvergenceError("multi-order-parameter energy: conjugate gradients did not converge")

    def _dot(self, a: Array, b: Array) -> float:
        return self.space.sum((a * b).sum(axis=0))
