"""From what a proposer says to a film that can be: shares that are shares, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interphase.models.reactions import ReactionSet
from interphase.solvers.conversion import Conversion, Converted, Pair
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState

# Proposers that advance reactions know shares to about this [-]; less is noise.
_KNOWN = 0.02


@dataclass(frozen=True)
class Projected:
    """A proposal made possible.

    Attributes:
        phi: film order parameter [-], (size,).
        shares: of the solids [-], (solids, size).
        gain: volume of film gained [m3].
        correction: volume that the projection moved, over ``gain`` [-].
    """

    phi: Array
    shares: Array
    gain: float
    correction: float


def project(
    space: NodalSpace,
    set_: ReactionSet,
    state: FilmState,
    phi: Array,
    shares: Array,
    *,
    converts: bool,
    mixes: bool,
) -> Projected:
    """Return the nearest film that grew out of ``state``. Collective.

    The film gives nothing back: phi does not fall, and where there was film shares change by
    reactions that turn one solid into another only, if the proposer advances such reactions. If it
    does not, the shares of resolved columns stay as they are there, as in a step.

    Args:
        space: the nodal space.
        set_: the reactions.
        state: the film before the leap.
        phi: as proposed, finite, (size,).
        shares: as proposed, finite, (solids, size).
        converts: whether the proposer advances reactions inside the film.
        mixes: whether new material mixes with what a node holds (columns that are not resolved).
    """
    film = np.clip(np.maximum(phi, state.phi), 0.0, 1.0)
    solid = state.phi >= 0.5
    new = to_simplex(shares, np.ones(space.size))
    if converts:
        projected = np.where(solid, _converted(set_, state.shares, shares), _without_traces(new))
    elif mixes:
        floor = state.shares * state.phi / np.maximum(film, 1e-300)
        room = np.maximum(1.0 - floor.sum(axis=0), 0.0)
        projected = floor + to_simplex(shares - floor, room)
    else:
        projected = np.where(solid, state.shares, new)
    gain = space.integral(film - state.phi)
    moved = np.abs(film - phi) + (film * np.abs(projected - shares)).sum(axis=0)
    correction = space.integral(moved) / gain if gain > 0.0 else np.inf
    return Projected(film, projected, gain, correction)


def _converted(set_: ReactionSet, before: Array, proposed: Array) -> Array:
    """Return the shares with the proposed gains of products, taken from what they are made of.

    Nothing else changes where there was film: a trace of a solid that conducts electrons a million
    times better, which no reaction makes there, opens a compact layer.
    """
    shares = before.copy()
    for r in set_.conversions:
        pair = Pair.of(r, set_)
        gain = proposed[pair.product] - shares[pair.product]
        gain = np.where(gain > _KNOWN, gain, 0.0)
        used = np.minimum(gain / pair.ratio, shares[pair.reactant])
        shares[pair.reactant] -= used
        shares[pair.product] += used * pair.ratio
    return shares


def _without_traces(shares: Array) -> Array:
    """Return new material without shares that are smaller than a proposer knows them."""
    kept = np.where(shares > _KNOWN, shares, 0.0)
    total = kept.sum(axis=0)
    scale = np.where(total > 0.0, shares.sum(axis=0) / np.maximum(total, 1e-300), 1.0)
    return np.where(total > 0.0, kept * scale, shares)


def to_simplex(values: Array, total: Array) -> Array:
    """Return the nearest points with no negative part and a sum of at most ``total``.

    Source: Duchi et al., Proc. 25th ICML, 272 (2008), fig. 1, for the sum that is met.

    Args:
        values: points, (parts, n).
        total: largest sum of each, not negative, (n,).
    """
    positive = np.maximum(values, 0.0)
    falling = -np.sort(-values, axis=0)
    excess = np.cumsum(falling, axis=0) - total
    count = np.arange(1, len(values) + 1)[:, None]
    last = np.maximum((falling * count > excess).sum(axis=0), 1)
    level = np.take_along_axis(excess, last[None] - 1, axis=0) / last
    met = np.maximum(values - level, 0.0)
    return np.asarray(np.where(positive.sum(axis=0) > total, met, positive))


def inferred(
    set_: ReactionSet,
    conversions: Sequence[Conversion],
    state: FilmState,
    phi: Array,
    shares: Array,
    carried: float,
) -> list[Converted]:
    """Return what reactions inside the film did in a leap that advanced them.

    Where there was film, what a solid lost went through the conversions that use it, the first of
    them where there are several; the rest of every change is booked to depositions.

    Args:
        set_: the reactions.
        conversions: of the film's solver.
        state: the film before the leap.
        phi: after it, (size,).
        shares: after it, (solids, size).
        carried: part of the electrons that came as localised carriers [-].
    """
    lost = np.where(state.phi >= 0.5, state.phi * state.shares - phi * shares, 0.0)
    lost = np.maximum(lost, 0.0)
    tunnelled = np.full(phi.size, 1.0 - carried)
    out = []
    for c in conversions:
        extent = np.zeros(phi.size)
        if set_.reactant[c.reaction] is not None:
            pair = Pair.of(c.reaction, set_)
            extent = lost[pair.reactant] / pair.volume
            lost[pair.reactant] = 0.0
        out.append(Converted(extent, tunnelled, 0.0))
    return out
