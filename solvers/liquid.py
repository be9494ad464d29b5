"""Species dissolved in the electrolyte, and the ionic potential."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.models.transport import IonicConduction, LiquidSpecies, front_tensor, layer_tensor
from interphase.parameters.constants import FARADAY
from interphase.solvers.graph import BoolArray
from interphase.solvers.linear import LinearSolver
from interphase.solvers.space import Array, NodalSpace, stack_full
from interphase.solvers.stiffness import CellStiffness, ShiftedSystem, Workspace

# Amounts are conserved whatever the tolerance and these fields are nearly uniform: this is enough.
_RTOL = 1.0e-4
# Where a species limits growth.
_TIGHT = 1.0e-9
# The liquid fraction never falls below this: a dense film keeps a trace of liquid as unknown.
_TRACE = 1.0e-9


def liquid_fraction(phi: Array, pore: Array) -> Array:
    """Return theta = 1 - phi + phi p [-]."""
    return np.asarray(np.maximum(1.0 - phi + phi * pore, _TRACE))


class LiquidField:
    """One dissolved species: backward Euler, amounts conserved whatever the solver's tolerance.

    The unknown c is found from ``(theta m/dt + K) c = N/dt`` and the amounts N per node are then
    moved by the fluxes of that c, so that what a solve leaves over is not lost but stays where it
    is.
    """

    def __init__(
        self, space: NodalSpace, bulk: BoolArray, work: Workspace, linear: LinearSolver
    ) -> None:
        self._space = space
        self._stiffness = CellStiffness(space, tensor=False, matrix=work.stiffness)
        self._system = ShiftedSystem(space, bulk, work.system)
        self._linear = linear

    def step(
        self, species: LiquidSpecies, phi: Array, pore: Array, amount: Array, top: float, dt: float
    ) -> tuple[Array, Array, float]:
        """Move the species for one step.

        Args:
            species: its coefficients.
            phi: order parameter, (size,).
            pore: porosity of the film, (size,).
            amount: per node, sources of the step included [mol], (size,).
            top: concentration in the reservoir [mol/m3].
            dt: step [s].

        Returns:
            Amount per node [mol], (size,), the concentration [mol/m3], (size,), and what came in
            through the top [mol].
        """
        space = self._space
        system, capacity = self._assemble(species, phi, pore, dt)
        excess = amount - capacity * top
        # Deviation from the reservoir: its boundary value is zero and the right-hand side small.
        u = self._linear.solve(system, excess, rtol=_TIGHT if species.crosses else _RTOL)
        entered = self._system.inflow(u, 0.0)
        moved = amount - dt * self._stiffness.outflow(u) + entered
        return moved, top + u, space.sum(entered)

    def face_concentration(
        self,
        species: LiquidSpecies,
        phi: Array,
        pore: Array,
        amount: Array,
        top: float,
        dt: float,
        face: Array,
        rate_constant: float,
    ) -> float:
        """Return the concentration at the electrode [mol/m3] that a first-order sink there leaves.

        The sink k c is part of the solve, c = c_0 - G k c with the drop G of a unit flux: taken
        from the last step instead, the rate would overshoot once k L/D exceeds one.

        Args:
            species: its coefficients.
            phi: order parameter, (size,).
            pore: porosity of the film, (size,).
            amount: per node [mol], (size,).
            top: concentration in the reservoir [mol/m3].
            dt: step [s].
            face: weights of the electrode's nodes, summing to one, (size,).
            rate_constant: k, consumption per area and concentration [m/s].
        """
        space = self._space
        system, capacity = self._assemble(species, phi, pore, dt)
        flux = face * space.geometry.area * dt
        undisturbed = self._linear.solve(system, amount - capacity * top, rtol=_TIGHT)
        drop = self._linear.solve(system, flux, rtol=_TIGHT)
        level = top + space.sum(face * undisturbed)
        return level / (1.0 + rate_constant * space.sum(face * drop))

    def _assemble(
        self, species: LiquidSpecies, phi: Array, pore: Array, dt: float
    ) -> tuple[Any, Array]:
        """Return (matrix of the step, capacity [m3])."""
        space, k = self._space, self._stiffness
        d = species.effective(phi, pore)
        if species.crosses:
            matrix = k.assemble_law(space.full(1.0 / d)[None], lambda means: 1.0 / means[0])
        else:
            matrix = k.assemble_law(space.full(d)[None], lambda means: means[0])
        capacity = space.mass * liquid_fraction(phi, pore)
        return self._system.build(matrix, capacity, dt), capacity


class IonicPotential:
    """Current conservation in film and liquid; phi_l = 0 at the top."""

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        bulk: BoolArray,
        work: Workspace,
        width: float,
        linear: LinearSolver,
    ) -> None:
        self._space, self._width = space, width
        self._stiffness = CellStiffness(space, tensor=True, matrix=work.stiffness)
        self._system = ShiftedSystem(space, bulk, work.system)
        self._linear = linear
        weight = space.mass * electrode
        self._electrode = weight / space.sum(weight) * space.geometry.area

    def step(
        self,
        model: IonicConduction,
        phi: Array,
        shares: Array,
        pore: Array,
        debt: Array,
        start: Array,
        *,
        current_density: float,
        dt: float,
    ) -> tuple[Array, Array, float]:
        """Solve for the potential that carries the charge consumed in one step.

        Args:
            model: conductivities.
            phi: order parameter, (size,).
            shares: of the solids, (solids, size).
            pore: porosity, (size,).
            debt: positive charge consumed and not yet delivered [mol], (size,).
            start: first guess [V], (size,).
            current_density: Li+ current out of the electrode [A/m2] (anodic positive).
            dt: step [s].

        Returns:
            phi_l [V], (size,); what remains to be delivered [mol], (size,); what came in through
            the top [mol].
        """
        space = self._space
        matrix = self._assemble(model, phi, shares, pore)
        system = self._system.build(matrix, np.zeros(space.size))
        source = self._electrode * current_density - debt * FARADAY / dt
        potential = self._linear.solve(system, source, start, rtol=_RTOL)
        entered = self._system.inflow(potential, 0.0)
        left = source - self._stiffness.outflow(potential) + entered
        return potential, -left * dt / FARADAY, space.sum(entered) * dt / FARADAY

    def resistance(self, model: IonicConduction, phi: Array, shares: Array, pore: Array) -> float:
        """Return the film's resistance [ohm m2] to a uniform current from the electrode.

        The area's mean of the potential at the electrode per current density, less the liquid's
        drop. Between equipotential surfaces it would be lower where columns conduct differently.
        """
        space = self._space
        matrix = self._assemble(model, phi, shares, pore)
        drop = self._linear.solve(
            self._system.build(matrix, np.zeros(space.size)), self._electrode, rtol=_RTOL
        )
        total = space.sum(self._electrode * drop) / space.geometry.area
        return total - self._bare(model)

    def _bare(self, model: IonicConduction) -> float:
        geometry = self._space.geometry
        return geometry.height / model.liquid

    def _assemble(self, model: IonicConduction, phi: Array, shares: Array, pore: Array) -> Any:
        """Return the stiffness with the conductivity of every cell [S/m]."""
        dim = self._space.dim

        def tensor(means: Array) -> Array:
            a, resistivity, p = means[:3]
            film = layer_tensor(a, 1.0 / resistivity, means[3 : 3 + dim], self._width)
            return front_tensor(film, p, model.liquid, means[3 + dim :], self._width)

        return self._stiffness.assemble_law(self._fields(model, phi, shares, pore), tensor)

    def _fields(self, model: IonicConduction, phi: Array, shares: Array, pore: Array) -> Array:
        """Return what the conductivity depends on, on all local nodes, (3 + 2 dim, local nodes)."""
        space = self._space
        arithmetic, harmonic = model.film_means(shares, pore)
        slopes = [*space.gradient(np.log(arithmetic)), *space.gradient(phi)]
        return stack_full(space, [arithmetic, 1.0 / harmonic, phi, *slopes])
