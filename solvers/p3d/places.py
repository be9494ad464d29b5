"""What the fields of a cell ask of the local models at its places, and what they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interphase.parameters.errors import CouplingError

type Array = NDArray[np.float64]


class PlaceError(CouplingError):
    """Local models cannot do what is asked; the state of all places is as before.

    Raised by one rank alone: whoever calls shares it out.

    Attributes:
        places: which of this rank's places, counted from 0.
        limit: whether they are at the end of what they can give (an empty particle, no salt left),
            which is a matter of the cell, rather than a failure of the integration.
    """

    def __init__(self, message: str, places: Sequence[int], *, limit: bool = False) -> None:
        super().__init__(message)
        self.places = tuple(int(place) for place in places)
        self.limit = limit

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the places when the error is sent to another process."""
        return _place_error, (str(self), self.places, self.limit)


def _place_error(message: str, places: Sequence[int], limit: bool) -> PlaceError:
    return PlaceError(message, places, limit=limit)


@dataclass(frozen=True, slots=True, eq=False)
class LocalAnswer:
    """What the local models say at the end of a step; n places of this rank.

    Attributes:
        voltage: of the electrode pair [V], (n,).
        heat: set free per volume of the electrode pair, collectors left out [W/m3], (n,).
        soc: state of charge [-], (n,).
        film: quantities of the film by name, (n,) each, SI: ``thickness`` [m], ``lost_lithium``
            [mol/m2 of the electrode pair] and what else the models have. Same names on all ranks.
    """

    voltage: Array
    heat: Array
    soc: Array
    film: Mapping[str, Array] = field(default_factory=dict)


class LocalModels(Protocol):
    """The places that one rank owns. Not collective; a rank may have none."""

    @property
    def size(self) -> int:
        """Number of places of this rank, n."""
        ...

    def advance(self, seconds: float, current_density: Array, temperature: Array) -> LocalAnswer:
        """Go on from the committed state and say how it looks at the end; do not commit.

        May be called again from the same committed state.

        Args:
            seconds: length of the step [s].
            current_density: constant over the step, per area of the electrode pair, discharge
                positive [A/m2], (n,).
            temperature: constant over the step [K], (n,).

        Raises:
            PlaceError: on this rank alone; the committed state is untouched.
        """
        ...

    def commit(self) -> None:
        """Make the end of the last advance the committed state."""
        ...

    def rollback(self) -> None:
        """Forget the last advance."""
        ...

    def state(self) -> Mapping[str, Array]:
        """Return the committed state as arrays whose first axis is the place, (n, ...)."""
        ...

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go back to what :meth:`state` returned."""
        ...

    def resistance(self) -> Array:
        """Return -dV/di at the committed state, found anew when it is stale [ohm m2], (n,)."""
        ...
