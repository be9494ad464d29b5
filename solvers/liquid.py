"""Species dissolved in the electrolyte, and the ionic potential."""

from __future__ import annotations

import numpy as np

from interphase.models.transport import IonicConduction, LiquidSpecies, layer_tensor
from interphase.parameters.constants import FARADAY
from interphase.solvers.graph import BoolArray
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.stiffness import CellStiffness, ShiftedSystem

# Amounts are conserved whatever the tolerance and these fields are nearly uniform: this is enough.
_RTOL = 1.0e-4
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

    def __init__(self, space: NodalSpace, bulk: BoolArray, linear: LinearSolver) -> None:
        self._space = space
        self._stiffness = CellStiffness(space, tensor=False)
        self._system = ShiftedSystem(space, bulk)
        # Species may share it: their systems differ by little more than a factor.
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
        theta = liquid_fraction(phi, pore)
        full = np.stack([space.full(species.effective(phi, pore))])
        matrix = self._stiffness.assemble(self._stiffness.cell_mean(full)[0])
        capacity = space.mass * theta
        system = self._system.build(matrix, capacity, dt)
        excess = amount - capacity * top
        # Deviation from the reservoir: its boundary value is zero and the right-hand side small.
        u = self._linear.solve(system, excess, rtol=_RTOL)
        entered = self._system.inflow(u, 0.0)
        moved = amount - dt * space.apply(matrix, u) + entered
        return moved, top + u, space.sum(entered)


class IonicPotential:
    """Current conservation in film and liquid; phi_l = 0 at the top."""

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        bulk: BoolArray,
        width: float,
        options: LinearOptions,
        prefix: str,
    ) -> None:
        self._space, self._width = space, width
        self._stiffness = CellStiffness(space, tensor=True)
        self._system = ShiftedSystem(space, bulk)
        self._linear = LinearSolver(space, f"{prefix}potential", options)
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
        matrix = self._stiffness.assemble(self._tensor(model, phi, shares, pore))
        system = self._system.build(matrix, np.zeros(space.size))
        source = self._electrode * current_density - debt * FARADAY / dt
        potential = self._linear.solve(system, source, start, rtol=_RTOL)
        entered = self._system.inflow(potential, 0.0)
        left = source - space.apply(matrix, potential) + entered
        return potential, -left * dt / FARADAY, space.sum(entered) * dt / FARADAY

    def resistance(self, model: IonicConduction, phi: Array, shares: Array, pore: Array) -> float:
        """Return the film's resistance [ohm m2]: drop at unit current less the liquid's."""
        space = self._space
        matrix = self._stiffness.assemble(self._tensor(model, phi, shares, pore))
        drop = self._linear.solve(
            self._system.build(matrix, np.zeros(space.size)), self._electrode, rtol=_RTOL
        )
        total = space.sum(self._electrode * drop) / space.geometry.area
        return total - self._bare(model)

    def _bare(self, model: IonicConduction) -> float:
        geometry = self._space.geometry
        return geometry.height / model.liquid

    def _tensor(self, model: IonicConduction, phi: Array, shares: Array, pore: Array) -> Array:
        """Return the conductivity per cell [S/m], (dim, dim, cells)."""
        space, k = self._space, self._stiffness
        arithmetic, harmonic = model.means(phi, shares, pore)
        full = np.stack([space.full(arithmetic), space.full(harmonic)])
        a, h = k.cell_mean(full[0]), 1.0 / k.cell_mean(1.0 / full[1])
        direction = k.cell_mean(
            np.stack([space.full(g) for g in space.gradient(np.log(arithmetic))])
        )
        return layer_tensor(a, h, direction, self._width)
