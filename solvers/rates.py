"""Rates of the depositions on the outer front, as means over a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.electrons import mean_tunnelling_speed
from interphase.models.reactions import Surroundings
from interphase.models.sei import SEIGrowth
from interphase.models.thin_interface import ThinInterface
from interphase.solvers.conversion import FilmView
from interphase.solvers.front import FrontGeometry, foot_of_front, led_action
from interphase.solvers.graph import NodeGraph
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState


@dataclass(frozen=True)
class FrontRates:
    """Rates on the outer front, carried along n; arrays (..., size), zero outside the band."""

    speed: Array
    phase_speed: Array
    deposited: Array
    rates: Array
    tunnelling: Array


def thin_interface_factors(
    thin: ThinInterface, model: SEIGrowth, state: FilmState
) -> tuple[Array, Array]:
    """Return the thin-interface factors (k_pf/k, mean of N c over c at 1/2), (size,) each."""
    if model.interstitial is None:
        one = np.ones_like(state.phi)
        return one, one
    set_, columns = model.reactions, state.columns
    k = np.zeros_like(state.phi)
    for r in set_.depositions:
        weight = 1.0 if model.proportional else columns[set_.product[r]]
        k += (
            set_.electrons[r]
            * set_.interstitial_rate[r]
            * weight
            / model.interstitial.concentration_ref
        )
    # Pores carry none: the shares, not the columns.
    d = model.interstitial.diffusivity @ state.shares
    return thin.correct(k * model.front.width / np.maximum(d, 1e-300))


def front_rates(
    space: NodalSpace,
    graph: NodeGraph,
    model: SEIGrowth,
    state: FilmState,
    view: FilmView,
    geometry: FrontGeometry,
    factor: Array,
    dt: float,
    face: Array | None,
) -> FrontRates:
    """Return the rates of the depositions on the outer front, as means over the step. Collective.

    Args:
        space: the nodal space.
        graph: its upwind operators.
        model: the film's physics at the temperature of the step.
        state: the film at the start of the step.
        view: what reactions see of it.
        geometry: of its front.
        factor: thin-interface factor of the carrier's concentration, (size,).
        dt: step [s].
        face: weights of the electrode's nodes that sum to one where the solvent is reduced at the
            inner face, (size,); None where it is reduced at the front.
    """
    set_ = model.reactions
    fields = [
        view.action,
        view.carrier * factor,
        view.potential,
        state.solvent_level,
        state.salt_level,
    ]
    foot = foot_of_front(space, graph, geometry, view.action, model.front.width)
    carried_along = geometry.at_front(space, fields, foot.fields)
    action, carrier, potential, solvent, salt, lead, lowest, decay = carried_along
    action = led_action(action, lead, lowest)
    if face is not None:
        # At the electrode nothing is between: P = 1, the carriers' and the ionic level are its own.
        one = np.ones_like(action)
        potential, solvent = one * space.sum(face * view.potential), state.solvent_level
        action, decay, carrier = 0.0 * one, 0.0 * one, one * space.sum(face * view.carrier)
        if model.tunnelling is None:
            action = 1e3 * one
    rows = np.flatnonzero(geometry.band)
    at = Surroundings(
        potential[rows], np.exp(-2.0 * action[rows]), np.maximum(carrier[rows], 0.0),
        np.maximum(solvent[rows], 0.0), np.maximum(salt[rows], 0.0), -geometry.curvature[rows],
    )  # fmt: skip
    n, size = len(model.solids), space.size
    columns = state.columns
    tunnelled, carried = np.zeros((len(set_.names), size)), np.zeros((len(set_.names), size))
    for r in set_.depositions:
        weight = 1.0 if model.proportional else columns[set_.product[r]][rows]
        t, c = set_.rates(r, at)
        tunnelled[r, rows], carried[r, rows] = t * weight, c * weight
    solidity = model.solidity
    volume = np.array(
        [set_.volume_rate[r] / solidity[set_.product[r]] for r in range(len(set_.names))]
    )
    fast = (volume[:, None] * tunnelled).sum(axis=0)
    slow = (volume[:, None] * carried).sum(axis=0)
    speed = mean_tunnelling_speed(np.maximum(fast, 0.0), slow, decay, dt) + np.minimum(fast, 0.0)
    scale = np.where(fast > 0, (speed - slow) / np.maximum(fast, 1e-300), 1.0)
    rates = tunnelled * scale + carried
    deposited = np.zeros((n, size))
    for r in set_.depositions:
        deposited[set_.product[r]] += volume[r] * rates[r]
    phase_speed = deposited / np.maximum(columns, 1e-12) if not model.proportional else deposited
    part = np.where(rates > 0, tunnelled * scale / np.maximum(rates, 1e-300), 1.0)
    return FrontRates(speed, phase_speed, deposited, rates, np.clip(part, 0.0, 1.0))
