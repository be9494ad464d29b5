"""From changes of the fields to extents of reactions, node by node."""

from __future__ import annotations

import numpy as np

from interphase.models.reactions import ReactionSet
from interphase.parameters.errors import ConvergenceError
from interphase.solvers.space import Array, NodalSpace


def inventory(space: NodalSpace, set_: ReactionSet, phi: Array, shares: Array) -> Array:
    """Return the moles of each solid per node, (solids, size)."""
    return np.asarray(space.mass * phi * shares / set_.molar_volume[:, None])


def book(
    space: NodalSpace, set_: ReactionSet, change: Array, rates: Array, converted: Array
) -> Array:
    """Return the extents [mol] of one step per node, (reactions, size).

    Whatever changed a solid (growth, relaxation of the profile, selection, a seed) is booked to the
    reactions that make it, in proportion to their rates there; what reacted inside the film is
    booked as it ran. So the extents reproduce the change of every solid to round-off, and liquid
    species, electrons and gases follow from the stoichiometry.

    Args:
        space: the nodal space.
        set_: the reactions.
        change: of each solid [mol], (solids, size).
        rates: of each reaction at the front, any common unit, (reactions, size); conversions
            ignored.
        converted: extents inside the film, of conversions and in pores [mol], (reactions, size).

    Raises:
        ConvergenceError: a solid changed that no reaction makes.
    """
    nu = set_.solid_stoichiometry
    extents = converted.copy()
    left = change - nu.T @ converted
    for a in _order(set_):
        makers = [r for r in set_.depositions if set_.product[r] == a]
        indirect = [r for r in set_.conversions if set_.product[r] == a]
        if makers:
            weights = _weights(space, rates[makers])
            for r, w in zip(makers, weights, strict=True):
                extents[r] += left[a] * w / nu[r, a]
        elif indirect:
            r = indirect[0]
            part = left[a] / nu[r, a]
            extents[r] += part
            left = left - np.outer(nu[r], part)
        elif space.any(left[a] != 0.0):
            raise ConvergenceError(
                f"{set_.solids[a]} changed but no reaction makes it: add one to model.reactions"
            )
    return extents


def _order(set_: ReactionSet) -> list[int]:
    """Return the solids, those that only conversions make first."""
    deposited = {set_.product[r] for r in set_.depositions}
    return sorted(range(len(set_.solids)), key=lambda a: a in deposited)


def _weights(space: NodalSpace, rates: Array) -> Array:
    """Return each reaction's part at each node; where nothing runs, its part of the whole film."""
    if rates.shape[0] == 1:
        return np.ones_like(rates)
    positive = np.maximum(rates, 0.0)
    totals = np.array([space.sum(row) for row in positive])
    whole = (
        totals / totals.sum() if totals.sum() > 0 else np.full(rates.shape[0], 1.0 / rates.shape[0])
    )
    here = positive.sum(axis=0)
    return np.asarray(np.where(here > 0, positive / np.maximum(here, 1e-300), whole[:, None]))
