"""What new material is made of: the shares after growth."""

from __future__ import annotations

import numpy as np

from interphase.models.sei import SEIGrowth
from interphase.solvers.front import FrontGeometry
from interphase.solvers.graph import NodeGraph
from interphase.solvers.rates import FrontRates
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState

# Sweeps that carry the shares ahead of the front: it moves less than a cell in a step.
_SHARE_SWEEPS = 4


def grown_shares(
    graph: NodeGraph,
    model: SEIGrowth,
    state: FilmState,
    phi: Array,
    geometry: FrontGeometry,
    rates: FrontRates,
    dt: float,
) -> Array:
    """Return the shares after growth, (solids, size). Collective.

    Args:
        graph: upwind operators.
        model: the film's physics at the temperature of the step.
        state: the film at the start of the step.
        phi: order parameter after it, (size,).
        geometry: of the front at its start.
        rates: on the front.
        dt: step [s].
    """
    solidity = model.solidity[:, None]
    if model.proportional:
        total = np.maximum(rates.deposited.sum(axis=0), 1e-300)
        new = np.where(
            rates.deposited.sum(axis=0) > 0, rates.deposited / total * solidity, state.shares
        )
        gain = np.maximum(phi - state.phi, 0.0)
        kept = np.where(phi > 0, gain / np.maximum(phi, 1e-300), 0.0)
        return np.asarray(state.shares + kept * (new - state.shares))
    liquid = (phi < 0.5) & geometry.band
    ahead = graph.extension(-geometry.distance, liquid, ~liquid)
    columns = ahead.apply(state.columns.T, _SHARE_SWEEPS).T
    change = model.front.selection(phi, columns, rates.phase_speed, rates.speed) * dt
    columns = np.where(liquid, np.clip(columns + change, 0.0, 1.0), columns)
    columns /= np.maximum(columns.sum(axis=0), 1e-12)
    return np.where(liquid, columns * solidity, state.shares)
