"""The books of a film: what changed in a step or a leap, and what everything else owes for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from interphase.models.reactions import ANION, SOLVENT, ReactionSet
from interphase.solvers.booking import book, inventory
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState


@dataclass(frozen=True)
class Turnover:
    """How the change of the solids in a step or a leap came about.

    Attributes:
        rates: of each reaction at the front, any common unit, (reactions, size); conversions
            ignored.
        tunnelling: part of the electrons of each deposition that tunnelled [-], (reactions, size).
        done: extents inside the film, of conversions and in pores [mol], (reactions, size).
        carried: electrons that ``done`` took from the carriers [mol], (size,).
        delivered: electrons that the carrier field delivered [mol], (size,); None: what is booked
            to it, as a field at rest does.
        inflow: electrons that entered it [mol]; with None above what is booked.
    """

    rates: Array
    tunnelling: Array
    done: Array
    carried: Array
    delivered: Array | None
    inflow: float = 0.0


class Ledger:
    """Books changes to reactions and gives liquid species, carriers and charge their sources.

    Collective on the space's communicator.
    """

    def __init__(self, space: NodalSpace, *, carriers: bool, face: Array | None) -> None:
        """Open the books.

        Args:
            space: the nodal space.
            carriers: whether localised electrons are a field.
            face: weights of the electrode's nodes that sum to one where the solvent is reduced at
                the inner face, (size,); None where it is reduced at the front.
        """
        self._space, self._carriers, self._face = space, carriers, face

    def enter(
        self, set_: ReactionSet, old: FilmState, new: FilmState, turnover: Turnover
    ) -> FilmState:
        """Return ``new`` with the change of its solids since ``old`` booked and owed."""
        space, done = self._space, turnover.done
        change = inventory(space, set_, new.phi, new.shares) - inventory(
            space, set_, old.phi, old.shares
        )
        extents = book(space, set_, change, turnover.rates, done)
        electrons = set_.electrons[:, None] * extents
        carried = np.zeros(space.size)
        if self._carriers:
            front = set_.electrons[:, None] * (extents - done) * (1.0 - turnover.tunnelling)
            carried = turnover.carried + front.sum(axis=0)
        delivered, inflow = turnover.delivered, turnover.inflow
        if delivered is None:
            delivered, inflow = carried, space.sum(carried)
        total = np.array([space.sum(e) for e in extents])
        throughput = np.array([space.sum(np.abs(e)) for e in extents])
        direct = space.sum(electrons.sum(axis=0)) - space.sum(carried)
        solvent = new.solvent + set_.column(SOLVENT) @ extents
        if self._face is not None:
            # Solvent is used where film and electrode meet, the solid it becomes is pushed outward.
            solvent = new.solvent + float(set_.column(SOLVENT) @ total) * self._face
        return replace(
            new,
            books=old.books.add(total, throughput, tunnelling=direct, carrier=inflow),
            solvent=solvent,
            salt=new.salt + set_.column(ANION) @ extents,
            carrier_debt=old.carrier_debt + carried - delivered,
            charge_debt=old.charge_debt + electrons.sum(axis=0),
        )
