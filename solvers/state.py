"""The state of a film: everything a step needs and changes, so that a restart is exact."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from interphase.solvers.space import Array


@dataclass(frozen=True)
class Books:
    """What has been booked since the start, summed over all ranks.

    Attributes:
        extents: extent of each reaction [mol], (reactions,).
        throughput: integral of |extent| [mol], (reactions,).
        electrons_tunnelling: electrons taken directly from the electrode [mol], by tunnelling and
            by seeds.
        electrons_carrier: electrons that entered as localised carriers, from the residual of their
            field on the electrode [mol].
        inflow: species that entered through the top, from the residuals there [mol], by name.
        initial: inventory of the species at the start [mol], by name.
    """

    extents: Array
    throughput: Array
    electrons_tunnelling: float = 0.0
    electrons_carrier: float = 0.0
    inflow: dict[str, float] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=dict)

    def add(self, extents: Array, throughput: Array, **electrons: float) -> Books:
        """Return the books with one step's numbers added."""
        sums = {f"electrons_{k}": getattr(self, f"electrons_{k}") + v for k, v in electrons.items()}
        return replace(
            self, extents=self.extents + extents, throughput=self.throughput + throughput, **sums
        )

    def flow_in(self, name: str, amount: float) -> Books:
        """Return the books with ``amount`` [mol] of a species that came in through the top."""
        return replace(self, inflow={**self.inflow, name: self.inflow.get(name, 0.0) + amount})


@dataclass(frozen=True, slots=True)
class TransportClock:
    """When liquid and ionic current, which follow the film at once, are solved next.

    What is booked in between waits in the amounts and debts, so conservation does not depend on it.

    Attributes:
        elapsed: time since the last solve [s].
        charge: Li+ that left the electrode since then [C/m2]; negative while it takes up lithium.
        wait: steps left until the next solve.
        interval: steps between solves.
        current_density: of the drive at the last solve [A/m2].
    """

    elapsed: float = 0.0
    charge: float = 0.0
    wait: int = 0
    interval: int = 1
    current_density: float = 0.0


@dataclass(frozen=True)
class FilmState:
    """Fields at one time; arrays over the owned unknowns, (size,) unless stated.

    Attributes:
        time: [s].
        step: length of the step that led here [s]; 0 at the start.
        phi: film order parameter [-].
        phi_before: phi one step earlier (for the second-order scheme and the error estimate).
        shares: volume share of each solid in the film [-], (solids, size); 1 - sum is the porosity.
        action: tunnelling action S [-].
        carrier: activity w of localised electrons relative to the electrode [-].
        potential: ionic potential phi_l [V].
        solvent: solvent per node [mol]; amounts, so that conservation does not hang on a solve.
        salt: anions per node [mol].
        solvent_level: c_EC/c_ref where it was last solved [-].
        salt_level: c_salt/c_ref where it was last solved [-].
        carrier_debt: electrons booked but not yet delivered by the carrier field, per node [mol].
        charge_debt: positive charge not yet delivered by the ionic current, per node [mol].
        clock: when the liquid and the ionic current are solved next.
        hazard: integral of J A dt of each site, (solids, sites).
        draws: seeds fired per site, (solids, sites).
        grains: number of seeds so far.
        reservoir: solvent concentration in the reservoir over that at the start [-].
        wetted: volume of the electrolyte over that at the start [-], as an indicator of the wetted
            part of the electrode; reported only, reactions run on all of it.
        books: what was booked.
        salt_outside: salt in the electrolyte above the domain over that of the table [-], where a
            cell sets it.
    """

    time: float
    step: float
    phi: Array
    phi_before: Array
    shares: Array
    action: Array
    carrier: Array
    potential: Array
    solvent: Array
    salt: Array
    solvent_level: Array
    salt_level: Array
    carrier_debt: Array
    charge_debt: Array
    clock: TransportClock
    hazard: Array
    draws: Array
    grains: int
    reservoir: float
    wetted: float
    books: Books
    salt_outside: float = 1.0

    @property
    def pore(self) -> Array:
        """Return the porosity of the film [-]."""
        return np.asarray(np.maximum(1.0 - self.shares.sum(axis=0), 0.0))

    @property
    def columns(self) -> Array:
        """Return the shares scaled to sum to one, (solids, size)."""
        return np.asarray(self.shares / np.maximum(self.shares.sum(axis=0), 1e-12))
