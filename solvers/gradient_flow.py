"""Gradient flows of the free energy of one field: conserved and non-conserved.

Local terms are evaluated on the nodal values (lumped mass), and the stiffness is the space's
constant one. A step is linear: what is stiff (the gradient energy and the curvature of the wells)
is implicit, the rest is extrapolated, both to the same order. So a step costs one evaluation of f',
two products with a constant matrix and one solve with constant coefficients, which fast transforms
do where the mesh is a uniform box. What is done node by node goes block by block, so that a field
that fits no cache is read once and leaves no temporaries of its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from interphase.parameters.errors import CaseError
from interphase.solvers.cosine import BoxModes, Polynomial
from interphase.solvers.grid import Marks, blocks
from interphase.solvers.linear import LinearOptions
from interphase.solvers.polynomial import IterativePolynomial
from interphase.solvers.space import Array, NodalSpace


class LocalEnergy(Protocol):
    """Free energy density of one field, with its gradient term."""

    @property
    def gradient_coefficient(self) -> float:
        """Return kappa of (kappa/2) |grad c|^2 [J/m]."""
        ...

    @property
    def implicit_curvature(self) -> float:
        """Return the curvature of f that is treated implicitly [J/m3]."""
        ...

    def density(self, field: Array) -> Array:
        """Return f [J/m3] at the nodes."""
        ...

    def derivative(self, field: Array) -> Array:
        """Return f' [J/m3] at the nodes."""
        ...


class PolynomialSolver(Protocol):
    """Solves constant-coefficient problems in A = M^-1 K."""

    def times(self, values: Array) -> Array:
        """Return A ``values``, (size,)."""
        ...

    def solve(self, polynomial: Polynomial, rhs: Array) -> Array:
        """Return x of (q0 + q1 A + q2 A^2) x = ``rhs``."""
        ...


@dataclass(frozen=True)
class FlowState:
    """A field on its way; arrays over the owned unknowns, (size,).

    Attributes:
        time: [s].
        fields: now, one step earlier, and so on, as many as the scheme looks back on.
        forces: f'(c) - S c, the extrapolated part, at the same times.
        steps: lengths of the steps between them [s], the last one first.
        curvature: A c = -laplacian of the field now.
        energy: F [J].
        error: estimated error of the last step, root mean square; 0 where there is no estimate.
    """

    time: float
    fields: tuple[Array, ...]
    forces: tuple[Array, ...]
    steps: tuple[float, ...]
    curvature: Array
    energy: float
    error: float = 0.0

    @property
    def field(self) -> Array:
        """Return the field now."""
        return self.fields[0]


class SemiImplicitBDF:
    """Weights of backward differences with extrapolation, for steps of any length.

    dc/dt at the new time is the slope there of the polynomial through the new value and ``order``
    old ones; the explicit part is extrapolated through as many. Written in increments,
    dc/dt = lead (c_new - c) + sum of momentum_j (c_j - c_(j+1)), so that the solve's round-off is
    that of a small change.

    Source: Wang & Ruuth, J. Comput. Math. 26, 838 (2008), the schemes VSSBDF.

    Attributes:
        lead: [1/s].
        momentum: of the old increments, the last one first [1/s].
        extrapolation: of the old explicit parts, the last one first [-].
    """

    def __init__(self, dt: float, steps: Sequence[float], order: int) -> None:
        """Build the weights of a step.

        Args:
            dt: its length [s].
            steps: lengths of earlier steps [s], the last one first.
            order: of the scheme; lower while there are fewer earlier steps.
        """
        order = min(order, len(steps) + 1)
        # Times before the new one, in units of the step.
        old = np.concatenate([[1.0], 1.0 + np.cumsum(steps[: order - 1]) / dt])
        powers = np.vander(np.concatenate([[0.0], old]), increasing=True).T
        slopes = np.linalg.solve(powers, -np.eye(order + 1)[1]) / dt
        sums = np.cumsum(slopes)
        self.lead = float(sums[0])
        self.momentum = [float(m) for m in sums[1:order]]
        self.extrapolation = extrapolation(old)


def extrapolation(ages: Array) -> list[float]:
    """Return the weights of values of these ``ages`` in the value that their polynomial has now."""
    powers = np.vander(ages, increasing=True).T
    return [float(w) for w in np.linalg.solve(powers, np.eye(ages.size)[0])]


class GradientFlow:
    """dc/dt = -L (f'(c) + kappa A c) + source: a field that is not conserved.

    Source: Allen & Cahn, Acta Metall. 27, 1085 (1979).

    Collective on the space's communicator.

    Attributes:
        space: the nodal space.
        energy_law: the free energy.
        order: of the scheme in time.
        fast: whether fast transforms solve the steps.
    """

    def __init__(
        self,
        space: NodalSpace,
        energy: LocalEnergy,
        mobility: float,
        *,
        source: Callable[[float], Array] | None = None,
        held: Marks | None = None,
        order: int = 3,
        linear: LinearOptions | None = None,
        fast: bool = True,
    ) -> None:
        """Build the flow.

        Args:
            space: the nodal space.
            energy: the free energy.
            mobility: L [m3/(J s)]; M [m5/(J s)] of a conserved field.
            source: added to dc/dt at a time [s], (size,) [1/s].
            held: nodes that keep their first value, (size,).
            order: of the scheme in time.
            linear: how linear systems are solved where no fast transform serves.
            fast: use fast transforms where they serve.
        """
        self.space, self.energy_law = space, energy
        self._mobility, self._source, self.order = mobility, source, order
        self._free = None if held is None else 1.0 - held
        modes = BoxModes.of(space, held) if fast else None
        self.fast = modes is not None
        self._solver: PolynomialSolver = modes or IterativePolynomial(space, held, options=linear)

    @property
    def closed(self) -> bool:
        """Return whether the energy can only fall: no source drives the field."""
        return self._source is None

    def start(self, field: Array, time: float = 0.0) -> FlowState:
        """Return the state of a ``field`` (size,) without a past."""
        curvature = self._solver.times(field)
        energy = self._energy(field, curvature)
        return FlowState(time, (field.copy(),), (self._force(field),), (), curvature, energy)

    def step(self, state: FlowState, dt: float) -> FlowState:
        """Return the state after ``dt`` [s]; the given one is left as it is.

        Raises:
            ConvergenceError: the linear solve failed.
        """
        scheme = SemiImplicitBDF(dt, state.steps, self.order)
        field = self._change(state, scheme, state.time + dt)
        field += state.field
        curvature = self._solver.times(field)
        return FlowState(
            time=state.time + dt,
            fields=(field, *state.fields[: self.order]),
            forces=(self._force(field), *state.forces[: self.order - 1]),
            steps=(dt, *state.steps[: self.order - 1]),
            curvature=curvature,
            energy=self._energy(field, curvature),
            error=self._error(state, field, dt),
        )

    def _change(self, state: FlowState, scheme: SemiImplicitBDF, time: float) -> Array:
        """Return the change of the field in a step that ends at ``time``."""
        rhs = self._flow(self._driving_force(state, scheme))
        for part in blocks(rhs.size):
            for momentum, new, old in zip(
                scheme.momentum, state.fields, state.fields[1:], strict=False
            ):
                rhs[part] -= momentum * (new[part] - old[part])
        if self._source is not None:
            rhs += self._source(time)
        if self._free is not None:
            rhs *= self._free
        return self._solver.solve(self._polynomial(scheme.lead), rhs)

    def _driving_force(self, state: FlowState, scheme: SemiImplicitBDF) -> Array:
        """Return the variational derivative of F, its explicit part extrapolated [J/m3]."""
        law, total = self.energy_law, np.empty_like(state.field)
        for part in blocks(total.size):
            drive = law.gradient_coefficient * state.curvature[part]
            drive += law.implicit_curvature * state.field[part]
            for weight, force in zip(scheme.extrapolation, state.forces, strict=False):
                drive += weight * force[part]
            total[part] = drive
        return total

    def _flow(self, drive: Array) -> Array:
        """Return dc/dt [1/s] from the variational derivative of F, whose array it may take."""
        drive *= -self._mobility
        return drive

    def _polynomial(self, lead: float) -> Polynomial:
        law, mobility = self.energy_law, self._mobility
        return lead + mobility * law.implicit_curvature, mobility * law.gradient_coefficient, 0.0

    def _force(self, field: Array) -> Array:
        law, force = self.energy_law, np.empty_like(field)
        for part in blocks(field.size):
            force[part] = law.derivative(field[part]) - law.implicit_curvature * field[part]
        return force

    def _energy(self, field: Array, curvature: Array) -> float:
        """Return F [J]."""
        law = self.energy_law
        half = 0.5 * law.gradient_coefficient
        return self._integral(
            lambda part: law.density(field[part]) + half * field[part] * curvature[part]
        )

    def _integral(self, density: Callable[[slice], Array]) -> float:
        """Return the integral of what ``density`` gives of a block of nodes."""
        mass = self.space.mass
        parts = [float(mass[part] @ density(part)) for part in blocks(mass.size)]
        return self.space.sum(np.array(parts))

    def _error(self, state: FlowState, field: Array, dt: float) -> float:
        """Return the estimated error of a step: a part of the miss of an extrapolation.

        Through as many earlier values as there are, one more than the scheme looks back on: it
        misses a smooth field by the derivative that the scheme's error is made of, too.
        """
        if not state.steps:
            return 0.0
        ages = np.concatenate([[1.0], 1.0 + np.cumsum(state.steps) / dt])
        weights = extrapolation(ages)

        def square(part: slice) -> Array:
            miss = field[part].copy()
            for weight, old in zip(weights, state.fields, strict=True):
                miss -= weight * old[part]
            return miss * miss

        return float(np.sqrt(self._integral(square) / self.space.volume) / ages[-1])


class ConservedFlow(GradientFlow):
    """dc/dt = -M A (f'(c) + kappa A c): the mean of the field is conserved to round-off.

    Source: Cahn & Hilliard, J. Chem. Phys. 28, 258 (1958).
    """

    def __init__(
        self,
        space: NodalSpace,
        energy: LocalEnergy,
        mobility: float,
        *,
        order: int = 3,
        linear: LinearOptions | None = None,
        fast: bool = True,
    ) -> None:
        """Build the flow; arguments as of `GradientFlow`."""
        if not mobility > 0.0:
            raise CaseError(f"must be positive, got {mobility:g}", "mobility")
        super().__init__(space, energy, mobility, order=order, linear=linear, fast=fast)

    def _change(self, state: FlowState, scheme: SemiImplicitBDF, time: float) -> Array:
        change = super()._change(state, scheme, time)
        # What flows in flows out: the rest is round-off of the solve.
        change -= self._integral(lambda part: change[part]) / self.space.volume
        return change

    def _flow(self, drive: Array) -> Array:
        rate = self._solver.times(drive)
        rate *= -self._mobility
        return rate

    def _polynomial(self, lead: float) -> Polynomial:
        law, mobility = self.energy_law, self._mobility
        return lead, mobility * law.implicit_curvature, mobility * law.gradient_coefficient
