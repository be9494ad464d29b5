"""The simplest local model: an open-circuit voltage linear in charge, and a resistance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from interphase.parameters.errors import CouplingError
from interphase.solvers.p3d.places import Array, LocalAnswer, PlaceError


@dataclass(frozen=True, slots=True)
class LinearPair:
    """An electrode pair whose voltage has a formula: V = E + S soc + B (T - T0) - i R.

    Attributes:
        empty: open-circuit voltage at soc 0 and T0 [V].
        slope: its rise to soc 1 [V].
        resistance: [ohm m2].
        capacity: charge per area between soc 0 and 1 [C/m2].
        thickness: of the pair without collectors [m].
        entropic: dV/dT [V/K].
        reference: T0 [K].
    """

    empty: float = 3.0
    slope: float = 1.0
    resistance: float = 2.0e-3
    capacity: float = 1.75e5
    thickness: float = 1.73e-4
    entropic: float = 0.0
    reference: float = 298.15


class LinearPlaces:
    """Linear local models: a formula to test the fields of a cell with, no cell of this world.

    Args:
        pair: the model of every place.
        size: number of places.
        soc: at the start [-].
    """

    def __init__(self, pair: LinearPair, size: int, soc: float = 1.0) -> None:
        self._pair = pair
        self._soc = np.full(size, soc)
        self._next: Array | None = None

    @property
    def size(self) -> int:
        """Number of places."""
        return int(self._soc.size)

    def advance(self, seconds: float, current_density: Array, temperature: Array) -> LocalAnswer:
        """Return the state after a step.

        Raises:
            PlaceError: a place would be emptied or filled beyond its ends.
        """
        pair = self._pair
        soc = self._soc - seconds * current_density / pair.capacity
        beyond = np.flatnonzero((soc < 0.0) | (soc > 1.0))
        if beyond.size:
            raise PlaceError(f"soc {soc[beyond[0]]:.4g}", beyond.tolist(), limit=True)
        self._next = soc
        rest = pair.empty + pair.slope * soc + pair.entropic * (temperature - pair.reference)
        voltage = rest - current_density * pair.resistance
        set_free = current_density * (rest - voltage - temperature * pair.entropic)
        return LocalAnswer(voltage, set_free / pair.thickness, soc.copy())

    def commit(self) -> None:
        """Make the end of the last advance the state."""
        if self._next is None:
            raise CouplingError("nothing has been advanced that could be committed")
        self._soc, self._next = self._next, None

    def rollback(self) -> None:
        """Forget the last advance."""
        self._next = None

    def state(self) -> Mapping[str, Array]:
        """Return the state."""
        return {"soc": self._soc.copy()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go back to a state."""
        self._soc, self._next = np.array(state["soc"]), None

    def resistance(self) -> Array:
        """Return the resistance [ohm m2], (n,)."""
        return np.full(self.size, self._pair.resistance)
