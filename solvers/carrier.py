"""Electrons on their way through the film: tunnelling action and localised carriers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from petsc4py import PETSc

from interphase.models.electrons import ACTION_LIMIT, Interstitial, Tunnelling
from interphase.models.thin_interface import LIQUID_FLOOR
from interphase.models.transport import Mixture, layer_tensor
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.solvers.graph import BoolArray, NodeGraph
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.space import Array, NodalSpace, release
from interphase.solvers.stiffness import CellStiffness, ShiftedSystem, Workspace

# At most this part of a step's carriers may be paid back from earlier steps.
_REPAYMENT = 0.5
# Below this phi there is no front to react at: three interface widths ahead of it.
_NO_FRONT = 3.0e-6
# Their field closes the books whatever the tolerance; growth follows it to better than this.
_RTOL = 1.0e-6
# Carriers are followed where phi exceeds this; below, their sink and diffusivity are nothing.
_TAIL = 1.0e-4
# The domain reaches down to this part of it, and is renewed when the film has grown that far.
_MARGIN = 1.0e-4


class ActionField:
    """Tunnelling action from the electrode, by the eikonal equation."""

    def __init__(self, graph: NodeGraph, electrode: BoolArray) -> None:
        self._graph, self._electrode = graph, electrode

    def solve(self, model: Tunnelling, phi: Array, shares: Array, start: Array) -> Array:
        """Return S [-], (size,), from the solids' shares (solids, size); ``start``: the last S.

        Only in the film and the front's profile; elsewhere it is the limit.
        """
        away = (phi < _NO_FRONT) & ~self._electrode
        base = np.where(away, ACTION_LIMIT, 0.0)
        return self._graph.eikonal(
            model.slowness(shares), self._electrode | away, start, limit=ACTION_LIMIT, base=base
        )


@dataclass(frozen=True)
class CarrierSolution:
    """Localised electrons at one time.

    Attributes:
        activity: w = c exp(-F phi_l/RT) / c(electrode), (size,).
        delivered: electrons handed over per node in the step [mol], (size,), repayments included.
        inflow: electrons that entered from the electrode in the step [mol].
    """

    activity: Array
    delivered: Array
    inflow: float


class CarrierField:
    """Quasi-steady diffusion and migration of localised electrons.

    div(D exp(F phi_l/RT) grad w) = sinks, w = 1 on the electrode (or down to the start depth).
    """

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        model: Interstitial,
        width: float,
        options: LinearOptions,
        prefix: str,
        work: Workspace,
    ) -> None:
        self._space, self._width = space, width
        depth = space.geometry.elevation(space.points)
        held = (
            electrode | (depth <= model.start_depth + 1e-3 * space.geometry.cell_size)
            if model.start_depth
            else electrode
        )
        self._stiffness = CellStiffness(space, tensor=True, matrix=work.stiffness)
        self._system = ShiftedSystem(space, held, work.system)
        self._linear = LinearSolver(space, f"{prefix}carrier", options)
        self._active = np.zeros(space.size, dtype=bool)
        self._rows: Any = None
        self._block: Any = None

    def solve(
        self,
        model: Interstitial,
        mixture: Mixture,
        phi: Array,
        shares: Array,
        potential: Array,
        sink: Array,
        source: Array,
        debt: Array,
        start: Array,
        *,
        electrode_potential: float,
        temperature: float,
        dt: float,
    ) -> CarrierSolution:
        """Solve for the carriers of one step.

        Args:
            model: parameters of the carrier.
            mixture: diffusivities of the solids [m2/s] and how they mix.
            phi: order parameter, (size,).
            shares: of the solids, (solids, size).
            potential: ionic potential [V], (size,).
            sink: electrons consumed per volume and time at c = c_ref [mol/(m3 s)], (size,).
            source: electrons released there whatever c [mol/(m3 s)], (size,).
            debt: electrons booked before but not delivered [mol], (size,).
            start: first guess of w, (size,).
            electrode_potential: phi_E [V].
            temperature: [K].
            dt: step [s].
        """
        space = self._space
        drift = np.exp(FARADAY * potential / (GAS_CONSTANT * temperature))
        self._follow(phi)
        matrix = self._stiffness.assemble(self._tensor(mixture, phi, shares, drift))
        level = model.concentration_ref * model.boltzmann(electrode_potential, temperature)
        consume = space.mass * sink * drift / model.concentration_ref
        system = self._system.build(matrix, consume)
        release = space.mass * source / level
        # Of the net consumption: near equilibrium the forward one alone is far larger.
        repay = self._repayment(debt, (consume * start - release) * level * dt)
        # For w - 1: its boundary value is zero, so the tolerance is not one of the boundary value.
        given = release - repay / (level * dt)
        deviation = self._solve_active(system, given - consume, start - 1.0)
        w = np.where(self._active, 1.0 + deviation, 0.0)
        entered = self._system.inflow(w, 1.0) * self._active
        # What the discrete field hands over, solver residual included: boundary inflow - K w.
        delivered = (entered - space.apply(matrix, w)) * level * dt
        return CarrierSolution(w, delivered, space.sum(entered) * level * dt)

    def _follow(self, phi: Array) -> None:
        """Keep the carriers' domain a margin ahead of the film: beyond it there are none."""
        # exp(-4 margin/l) further down the profile's tail: renewed every dozen steps or so.
        ahead = (phi > _TAIL * _MARGIN) | self._system.held
        # Beyond that margin, where a growth that was taken back left it, nothing conducts.
        unfit = ((phi > _TAIL) & ~self._active) | (self._active & ~ahead)
        if self._block is not None and not self._space.any(unfit):
            return
        self._active = ahead
        start, _ = self._space.range
        rows = (start + np.flatnonzero(self._active)).astype(np.int32)
        release(self._rows, self._block)
        self._rows = PETSc.IS().createGeneral(rows, comm=self._space.comm)
        self._block = None
        # No coupling across the edge of the carriers' domain: nothing leaves it there.
        self._stiffness.restrict(self._space.full(self._active.astype(np.float64)) > 0.5)

    def _solve_active(self, system: Any, rhs: Array, guess: Array) -> Array:
        """Solve on the carriers' domain; zero elsewhere, (size,)."""
        fresh = self._block is None
        self._block = system.createSubMatrix(self._rows, self._rows, None if fresh else self._block)
        if fresh:
            self._linear.restructure(self._block)
        out = np.zeros(self._space.size)
        out[self._active] = self._linear.solve(
            self._block, rhs[self._active], guess[self._active], rtol=_RTOL
        )
        return out

    def _repayment(self, debt: Array, consumed: Array) -> Array:
        """Return what is delivered beyond this step's consumption [mol], (size,).

        The sum of the debt is repaid where carriers are consumed now: node by node it would force
        the booked distribution on the sink and so move it outward.
        """
        able = self._space.sum(np.abs(consumed))
        if not able > 0.0:
            return np.zeros_like(debt)
        owed = self._space.sum(debt)
        return consumed * float(np.clip(owed / able, -_REPAYMENT, _REPAYMENT))

    def _tensor(self, mixture: Mixture, phi: Array, shares: Array, drift: Array) -> Array:
        """Return D exp(F phi_l/RT) per cell of the domain, (dim, dim, cells)."""
        space, k = self._space, self._stiffness
        # Linear in phi at the front: the thin-interface correction is made for just this.
        dilution = (phi + LIQUID_FLOOR * (1.0 - phi)) * drift
        floor = 1e-6 * mixture.values.min()
        arithmetic = mixture.arithmetic(shares) + floor
        harmonic = mixture.harmonic(shares) + floor
        full = np.stack([space.full(f) for f in (arithmetic, harmonic, dilution)])
        a, d = k.cell_mean(full[0]), k.cell_mean(full[2])
        h = 1.0 / k.cell_mean(1.0 / full[1])
        log_slope = space.gradient(np.log(arithmetic))
        direction = k.cell_mean(np.stack([space.full(g) for g in log_slope]))
        return layer_tensor(a, h, direction, self._width) * d
