"""Polynomials of M^-1 K on any mesh and any number of ranks, by conjugate gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.cosine import Polynomial
from interphase.solvers.grid import Marks
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.stiffness import ShiftedSystem

# The preconditioner is within a factor of two of the operator, so this is far more than it takes.
_STEPS = 100
# Up to this condition number no preconditioner is worth its while: some twenty cheap iterations.
_LIGHT = 20.0
# A preconditioner must be the same in every iteration, so its own solves are tight.
_INNER_RTOL = 1.0e-11


class IterativePolynomial:
    """Solves (q0 + q1 A + q2 A^2) x = b with A = M^-1 K: where `cosine.BoxModes` does not serve.

    A first-degree polynomial is one symmetric system. One of second degree is solved by conjugate
    gradients with the square (a + b A)^2, a = sqrt(q0), b = sqrt(q2), as preconditioner: two such
    systems, and a condition number of at most two whatever the mesh and the step
    (between a^2 + b^2 l^2 and (a + b l)^2 for every eigenvalue l, since q1 is between 0 and 2 a b,
    or not far above).

    Collective on the space's communicator.

    Attributes:
        iterations: of the outer and the linear solves so far.
    """

    def __init__(
        self,
        space: NodalSpace,
        held: Marks | None = None,
        *,
        options: LinearOptions | None = None,
        prefix: str = "flow_",
    ) -> None:
        self._space = space
        self._options = options or LinearOptions(rtol=1.0e-9)
        self._free = np.ones(space.size) if held is None else 1.0 - held
        self._system = ShiftedSystem(space, 1.0 - self._free)
        self._linear = LinearSolver(space, prefix + "linear", self._options)
        self._light = LinearSolver(space, prefix + "light", self._options, simple=True)
        # Gershgorin: no eigenvalue of A is much above twice its diagonal, as rows of K sum to zero.
        diagonal = np.array(space.laplacian.getDiagonal().array)
        self._stiffest = 2.0 * space.max(diagonal / space.mass)
        self._built: tuple[float, float] | None = None
        self._matrix: Any = None
        self.iterations = 0

    def times(self, values: Array) -> Array:
        """Return A ``values``, (size,)."""
        return self._space.apply(self._space.laplacian, values) / self._space.mass

    def solve(self, polynomial: Polynomial, rhs: Array) -> Array:
        """Return x of (q0 + q1 A + q2 A^2) x = ``rhs``, (size,), zero on held nodes.

        Raises:
            ConvergenceError: the iteration failed.
        """
        q0, q1, q2 = polynomial
        weighted = self._space.mass * rhs * self._free
        if q2 == 0.0:
            return self._linear_solve(q0, q1, weighted, self._options.rtol)
        return self._quadratic(polynomial, weighted)

    def _linear_solve(self, constant: float, linear: float, weighted: Array, rtol: float) -> Array:
        """Return x of (constant M + linear K) x = ``weighted``."""
        space = self._space
        if (constant, linear) != self._built:
            self._matrix = self._system.build(space.laplacian, constant * space.mass, linear)
            self._built = (constant, linear)
        if not space.max(np.abs(weighted)) > 0.0:
            return np.zeros_like(weighted)
        light = linear * self._stiffest < _LIGHT * constant
        return (self._light if light else self._linear).solve(self._matrix, weighted, rtol=rtol)

    def _quadratic(self, polynomial: Polynomial, weighted: Array) -> Array:
        """Return x of (q0 M + q1 K + q2 K M^-1 K) x = ``weighted`` by conjugate gradients."""
        space, rtol = self._space, self._options.rtol
        x, r = np.zeros_like(weighted), weighted.copy()
        z = self._precondition(polynomial, r)
        p, rho = z.copy(), space.sum(r * z)
        first = rho
        for _ in range(_STEPS):
            if rho <= rtol**2 * first:
                return x
            product = self._times(polynomial, p)
            step = rho / space.sum(p * product)
            x += step * p
            r -= step * product
            z = self._precondition(polynomial, r)
            last, rho = rho, space.sum(r * z)
            p = z + rho / last * p
            self.iterations += 1
        raise ConvergenceError(
            "gradient flow: conjugate gradients did not converge; tighten solver.rtol or use a "
            "smaller step"
        )

    def _times(self, polynomial: Polynomial, x: Array) -> Array:
        q0, q1, q2 = polynomial
        space = self._space
        stiff = space.apply(space.laplacian, x)
        return q0 * space.mass * x + space.apply(space.laplacian, q1 * x + q2 * stiff / space.mass)

    def _precondition(self, polynomial: Polynomial, r: Array) -> Array:
        """Return z of (a M + b K) M^-1 (a M + b K) z = ``r``."""
        a, b = float(np.sqrt(polynomial[0])), float(np.sqrt(polynomial[2]))
        half = self._linear_solve(a, b, r, _INNER_RTOL)
        return self._linear_solve(a, b, self._space.mass * half, _INNER_RTOL)
