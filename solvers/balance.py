"""Atoms and charge: what is in the fields against what crossed the boundary.

It detects errors of stoichiometry, booking and fluxes. It does not measure solver residuals or
debts: amounts move by the fluxes of whatever field a solve returned, and what that did not deliver
is owed (`carrier_mismatch` shows the carriers' part). For every element

    imbalance = |change of inventory + outflow - inflow| / integral of sum_r |nu_e R_r| dt

with the inventory integrated from the fields (solids from phi and shares, solvent and salt from
their amounts per node), the inflow from the residuals of the fields at the top and at the
electrode, and the outflow of gases and other products that dissolve: they leave the domain at
once, so their amount is that of the reactions. An element that no reaction has touched yet, or by
less than a thousandth of its inventory (0.01 nm of film in a 24 nm domain, where round-off of
the inventory would be all there is), is measured against its inventory.

Lithium ions in the liquid follow from electroneutrality: anions less the positive charge that is
still owed. A field that a case has switched off supplies nothing through the top; its amount per
node then counts what the reservoir owes, so the film is checked against the books only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.reactions import ANION, CATION, ELECTRON, SOLVENT
from interphase.solvers.booking import inventory
from interphase.solvers.film import FilmSolver
from interphase.solvers.state import Books, FilmState

# Name of the solids' lithium among the initial inventories.
SOLID_LITHIUM = "Li in solids"
# An element whose turnover is less than this part of its inventory counts as untouched.
_TOUCHED = 1.0e-3


@dataclass(frozen=True)
class Balance:
    """How well a run conserves, as parts of its throughput.

    Attributes:
        elements: imbalance of each element [-].
        charge: imbalance of the electrons [-].
        carrier: electrons that localised carriers still owe [-]: how far their field lags.
    """

    elements: dict[str, float]
    charge: float
    carrier: float

    @property
    def worst_element(self) -> float:
        """Return the largest imbalance of an element [-]."""
        return max(self.elements.values(), default=0.0)


class BalanceSheet:
    """Inventories and balances of a film. Collective on the space's communicator."""

    def __init__(self, solver: FilmSolver) -> None:
        self._space, self._set = solver.space, solver.model.reactions
        species = {s.name: s for s in self._set.species}
        self._elements = sorted({e for s in species.values() for e in s.elements})
        # Elements of each species, (species, elements); rows in the order of the stoichiometry.
        self._content = np.array(
            [[s.elements.get(e, 0) for e in self._elements] for s in self._set.species], dtype=float
        ).reshape(len(self._set.species), len(self._elements))
        self._rows = {s.name: self._content[i] for i, s in enumerate(self._set.species)}
        nu = self._set.stoichiometry
        held = (*self._set.solids, SOLVENT, ANION, CATION, ELECTRON)
        leaving = np.array([s.name not in held for s in self._set.species])
        self._leaving = (nu * leaving) @ self._content
        self._turnover = np.maximum(-nu, 0.0) @ self._content

    def lithium_in_solids(self, state: FilmState) -> float:
        """Return the lithium in the film's solids [mol]."""
        return float(self._solids(state) @ self._lithium())

    def inventory(self, state: FilmState) -> dict[str, float]:
        """Return the amount of each element in the domain [mol]."""
        amounts = self._solids(state) @ self._solid_rows()
        for name, amount in (
            (SOLVENT, self._space.sum(state.solvent)),
            (ANION, self._space.sum(state.salt)),
            (CATION, self._space.sum(state.salt) - self._space.sum(state.charge_debt)),
        ):
            amounts = amounts + amount * self._row(name)
        return dict(zip(self._elements, amounts.tolist(), strict=True))

    def opening(self, state: FilmState) -> dict[str, float]:
        """Return what `Books.initial` must hold at the start of a run [mol]."""
        return {**self.inventory(state), SOLID_LITHIUM: self.lithium_in_solids(state)}

    def check(self, state: FilmState) -> Balance:
        """Return the imbalances since the start of the run."""
        books = state.books
        now = self.inventory(state)
        inflow, outflow = self._inflow(books), books.extents @ self._leaving
        turnover = books.throughput @ self._turnover
        elements = {}
        for i, name in enumerate(self._elements):
            before = books.initial.get(name, 0.0)
            gap = abs(now[name] - before + outflow[i] - inflow[i])
            elements[name] = _part(gap, turnover[i], before)
        return Balance(elements, self._charge(state), self._lag(state))

    def _charge(self, state: FilmState) -> float:
        """Return the imbalance of charge entered as ions against electrons from the electrode."""
        books = state.books
        ions = books.inflow.get("charge", 0.0) + books.inflow.get("intercalation", 0.0)
        owed = self._space.sum(state.charge_debt) - self._space.sum(state.carrier_debt)
        electrons = books.electrons_tunnelling + books.electrons_carrier
        return _part(abs(ions + owed - electrons), self._electron_throughput(books), 0.0)

    def _lag(self, state: FilmState) -> float:
        debt = abs(self._space.sum(state.carrier_debt))
        return _part(debt, self._electron_throughput(state.books), 0.0)

    def _electron_throughput(self, books: Books) -> float:
        return float(books.throughput @ np.abs(self._set.electrons))

    def _inflow(self, books: Books) -> np.ndarray:
        """Return the elements that came in through top and electrode [mol], (elements,)."""
        anions = books.inflow.get(ANION, 0.0)
        charge = books.inflow.get("charge", 0.0) + books.inflow.get("intercalation", 0.0)
        total = books.inflow.get(SOLVENT, 0.0) * self._row(SOLVENT)
        return np.asarray(total + anions * self._row(ANION) + (anions + charge) * self._row(CATION))

    def _solids(self, state: FilmState) -> np.ndarray:
        """Return the moles of each solid, (solids,)."""
        moles = inventory(self._space, self._set, state.phi, state.shares)
        return np.array([self._space.sum(row) for row in moles])

    def _solid_rows(self) -> np.ndarray:
        return np.stack([self._row(s) for s in self._set.solids])

    def _lithium(self) -> np.ndarray:
        rows = self._solid_rows()
        return rows[:, self._elements.index("Li")] if "Li" in self._elements else 0.0 * rows[:, 0]

    def _row(self, name: str) -> np.ndarray:
        """Return the elements of a species; zero for one that no reaction touches."""
        return np.asarray(self._rows.get(name, np.zeros(len(self._elements))))


def _part(gap: float, turnover: float, stock: float) -> float:
    scale = turnover if turnover > _TOUCHED * abs(stock) else abs(stock)
    return float(gap / scale) if scale > 0.0 else 0.0
