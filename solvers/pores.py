"""Depositions inside the film: on the walls of open pores, which they fill."""

from __future__ import annotations

import numpy as np

from interphase.models.reactions import ReactionSet
from interphase.models.transport import Pores
from interphase.solvers.conversion import FARTHEST, Converted, FilmView, surroundings
from interphase.solvers.space import Array, NodalSpace

# Pores that fill by this much in a step count as a front that moved by one interface width.
_FILLED = 0.2


class PoreDeposition:
    """A deposition on pore walls: the solid fraction grows by ds/dt = V R(x) a(p).

    The wall area per volume of film that the liquid reaches is
    a(p) = (4/d) (1 - p) (p - p_c)/(1 - p_c) with the spacing d of the pores; it vanishes at the
    percolation threshold p_c, where pores close with their liquid. At a constant rate
    u = (p - p_c)/(1 - p) then falls as exp(-4 V R t/d) (`models.analytic.pore_filling`).

    Source: ds/dt = V R after Single, Horstmann & Latz, Phys. Chem. Chem. Phys. 18, 17810 (2016);
    the area is a closure of this model.
    """

    def __init__(
        self,
        space: NodalSpace,
        reaction: int,
        together: tuple[int, ...],
        set_: ReactionSet,
        pores: Pores,
        spacing: float,
        *,
        inherit: bool,
    ) -> None:
        """Make the deposition.

        Args:
            space: the nodal space.
            reaction: index in the set; a deposition.
            together: all that fill the same pores, this one included.
            set_: the reactions.
            pores: when pores are open.
            spacing: d [m].
            inherit: each grows on its own phase only, as at a front that inherits.
        """
        self.reaction, self._together, self._space = reaction, together, space
        self._pores, self._spacing, self._inherit = pores, spacing, inherit
        self._product, self._volume = set_.product, set_.volume_rate

    def _wall(self, view: FilmView, reaction: int) -> Array:
        """Return a reaction's wall area per volume of film and open porosity [1/m], (size,)."""
        solid = np.minimum(view.shares.sum(axis=0), 1.0)
        wall = 4.0 / self._spacing * solid / (1.0 - self._pores.threshold)
        if self._inherit:
            wall = wall * view.shares[self._product[reaction]] / np.maximum(solid, 1e-12)
        return np.asarray(wall)

    def _open(self, view: FilmView) -> Array:
        """Return the porosity above the threshold, (size,)."""
        return np.maximum(1.0 - view.shares.sum(axis=0) - self._pores.threshold, 0.0)

    def locate(self, view: FilmView) -> Array:
        """Return zeros: it has no boundary of its own."""
        return np.zeros_like(view.phi)

    def sink(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Array:
        """Return the carriers' sink on the walls."""
        each = set_.electrons[self.reaction] * set_.interstitial_rate[self.reaction]
        return np.asarray(each * self._wall(view, self.reaction) * self._open(view) * view.phi)

    def advance(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Converted:
        """Fill pores in every node, with the others: the exact exponential of all rates together.

        One by one, several fast reactions would each fill the same pores, to beyond the threshold.
        """
        at = surroundings(view, view.action, view.carrier)
        rates = {r: set_.rates(r, at) for r in self._together}
        falls = {
            r: np.maximum(t + c, 0.0) * self._volume[r] * self._wall(view, r) * view.step
            for r, (t, c) in rates.items()
        }
        fall = sum(falls.values(), start=np.zeros_like(view.phi))
        closed = -np.expm1(-fall) * self._open(view)
        filled = closed * falls[self.reaction] / np.maximum(fall, 1e-300)
        tunnelling, carried = rates[self.reaction]
        total = np.maximum(tunnelling + carried, 1e-300)
        moved = view.width * max(self._space.max(closed * (view.phi > 0.5)), 0.0) / _FILLED
        return Converted(
            view.phi * filled / self._volume[self.reaction],
            np.clip(tunnelling / total, 0.0, 1.0),
            moved,
            moved,
            float(moved > FARTHEST * view.width),
        )
