"""Rates of the depositions on the outer front, and what they take from the carriers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from interphase.models.electrons import mean_tunnelling_speed
from interphase.models.reactions import Surroundings
from interphase.models.sei import SEIGrowth
from interphase.models.thin_interface import ThinInterface
from interphase.parameters.program import Drive
from interphase.solvers.conversion import Conversion, FilmView
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


def bare_speeds(model: SEIGrowth, drive: Drive) -> tuple[Array, Array]:
    """Return the speeds on the bare electrode: growth, conversion [m/s], (solids,) each."""
    set_, one = model.reactions, np.ones(1)
    level = (
        model.interstitial.boltzmann(drive.potential, drive.temperature)
        if model.interstitial
        else 0.0
    )
    probability = one if model.tunnelling else 0.0 * one
    at = Surroundings(one * drive.potential, probability, one * level, one, one, 0.0 * one)
    bare, converting = np.zeros(len(model.solids)), np.zeros(len(model.solids))
    for r, a in enumerate(set_.product):
        tunnelled, carried = set_.rates(r, at)
        speed = float((tunnelled + carried)[0]) * set_.volume_rate[r]
        (bare if r in set_.depositions else converting)[a] += speed
    return bare, converting


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


def carrier_sink(
    space: NodalSpace,
    model: SEIGrowth,
    state: FilmState,
    view: FilmView,
    geometry: FrontGeometry,
    thin: tuple[Array, Array],
    converting: Iterable[tuple[Conversion, Array]],
) -> tuple[Array, Array]:
    """Return (sink at c = c_ref, source) of localised electrons [mol/(m3 s)], (size,) each.

    The net rates of depositions and conversions, linear in the carriers about those of the last
    step, so that what the field delivers is what is booked. Collective.

    Args:
        space: the nodal space.
        model: the film's physics at the temperature of the step.
        state: the film at the start of the step.
        view: what reactions see of it.
        geometry: of its front.
        thin: thin-interface factors of the rate constant and of the mean concentration.
        converting: the conversions and where their boundaries are.
    """
    set_, columns, one = model.reactions, state.columns, np.ones_like(state.phi)
    sink, source = np.zeros_like(one), np.zeros_like(one)
    density = model.front.density(state.phi)
    factor, ratio = thin
    (front,) = geometry.at_front(space, [view.carrier * factor * ratio])
    # Off the band the profile's tail sees a forward reaction.
    carrier = np.where(geometry.band, np.maximum(front, 0.0), 1.0)
    curvature = np.where(geometry.band, -geometry.curvature, 0.0)
    at = Surroundings(
        view.potential, one, carrier, state.solvent_level, state.salt_level, curvature, thin
    )
    for r in set_.depositions:
        weight = 1.0 if model.proportional else columns[set_.product[r]]
        _, slope, back = set_.carrier_law(r, at)
        each = set_.electrons[r] * weight * density
        sink += each * factor * slope
        source += each * back
    # Where none have been yet (a new seed) they are taken to come.
    carrier = np.where(view.carrier > 0.0, view.carrier, 1.0)
    inside = Surroundings(view.potential, one, carrier, view.solvent, view.salt, 0.0 * one)
    for c, boundary in converting:
        _, slope, back = set_.carrier_law(c.reaction, inside)
        # Inside the film nothing runs backwards on carriers.
        runs = slope * carrier >= back
        taken = (
            c.sink(set_, view, boundary) * runs / max(set_.interstitial_rate[c.reaction], 1e-300)
        )
        sink += taken * slope
        source += taken * back
    return sink, source


def front_rates(
    space: NodalSpace,
    graph: NodeGraph,
    model: SEIGrowth,
    state: FilmState,
    view: FilmView,
    geometry: FrontGeometry,
    thin: tuple[Array, Array],
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
        thin: thin-interface factors of the rate constant and of the mean concentration.
        dt: step [s].
        face: weights of the electrode's nodes that sum to one where the solvent is reduced at the
            inner face, (size,); None where it is reduced at the front.
    """
    set_ = model.reactions
    fields = [
        view.action,
        view.carrier * (thin[0] * thin[1]),
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
        thin = one, one
        if model.tunnelling is None:
            action = 1e3 * one
    rows = np.flatnonzero(geometry.band)
    at = Surroundings(
        potential[rows], np.exp(-2.0 * action[rows]), np.maximum(carrier[rows], 0.0),
        np.maximum(solvent[rows], 0.0), np.maximum(salt[rows], 0.0), -geometry.curvature[rows],
        (thin[0][rows], thin[1][rows]),
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
    part = np.where(rates != 0, tunnelled * scale / np.where(rates != 0, rates, 1.0), 1.0)
    return FrontRates(speed, phase_speed, deposited, rates, np.clip(part, 0.0, 1.0))
