"""From what a proposer says to a film that can be: shares that are shares, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState


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
    state: FilmState,
    phi: Array,
    shares: Array,
    *,
    mixes: bool,
) -> Projected:
    """Return the nearest film that grew out of ``state``. Collective.

    The film gives nothing back: phi does not fall, and where there was film the shares of resolved
    columns stay as they are: the solver advances the reactions inside it.

    Args:
        space: the nodal space.
        state: the film before the leap.
        phi: as proposed, finite, (size,).
        shares: as proposed, finite, (solids, size).
        mixes: whether new material mixes with what a node holds (columns that are not resolved).
    """
    film = np.clip(np.maximum(phi, state.phi), 0.0, 1.0)
    solid = state.phi >= 0.5
    new = to_simplex(shares, np.ones(space.size))
    if mixes:
        floor = state.shares * state.phi / np.maximum(film, 1e-300)
        room = np.maximum(1.0 - floor.sum(axis=0), 0.0)
        projected = floor + to_simplex(shares - floor, room)
    else:
        projected = np.where(solid, state.shares, new)
    gain = space.integral(film - state.phi)
    # What a proposer says of the film that was there is not asked for.
    differs = np.where(solid & (not mixes), 0.0, np.abs(projected - shares).sum(axis=0))
    moved = np.abs(film - phi) + film * differs
    correction = space.integral(moved) / gain if gain > 0.0 else np.inf
    return Projected(film, projected, gain, correction)


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
