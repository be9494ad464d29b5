"""A film that follows a rate law of its thickness and potential: the stand-in for a phase field.

With PyBaMM's own laws it shows that the coupling itself reproduces PyBaMM.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from interphase.models.cell.response import ResponseTable
from interphase.parameters.constants import FARADAY
from interphase.solvers.exposure import Advance, Exposure, FilmResponse
from interphase.solvers.space import Array

# Pieces in which the law is integrated over an exposure, to compare with the charge booked.
_PIECES = 200


class RateLaw(Protocol):
    """Rate of a homogeneous film; `interphase.models.cell.laws` has those of PyBaMM."""

    def rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        """Return the rate [A/m2], negative while the film grows."""
        ...

    def thickness_exponent(self, potential: Array, thickness: Array, temperature: float) -> Array:
        """Return -d ln|j| / d ln L [-]."""
        ...


class LawFilm:
    """A homogeneous film.

    Attributes:
        law: its rate.
        thickness: now [m].
        charge: taken since the start [C/m2].
    """

    def __init__(
        self, law: RateLaw, *, thickness: float, volume_per_charge: float, resistivity: float
    ) -> None:
        self.law, self.thickness, self.charge = law, thickness, 0.0
        self._volume, self._resistivity = volume_per_charge, resistivity

    @property
    def resistance(self) -> float:
        """Resistance to Li+ [ohm m2]."""
        return self._resistivity * self.thickness

    @property
    def lithium(self) -> float:
        """Lithium taken since the start [mol/m2]."""
        return self.charge / FARADAY

    @property
    def content(self) -> float:
        """Charge that the whole film took, what it started with included [C/m2]."""
        return self.thickness / self._volume

    def response(self, potentials: Array, temperature: float) -> FilmResponse:
        """Return the law at ``potentials`` [V], (knots,)."""
        thickness = np.full(potentials.shape, self.thickness)
        table = ResponseTable(
            potentials,
            self.law.rate(potentials, thickness, temperature),
            self.law.thickness_exponent(potentials, thickness, temperature),
            self.thickness,
        )
        return FilmResponse(table, self._volume)

    def advance(self, exposure: Exposure, response: ResponseTable, charge: float) -> Advance:
        """Take ``charge`` [C/m2]; the error is against the law integrated over ``exposure``."""
        own = self._integrated(exposure)
        self.charge += charge
        self.thickness += self._volume * charge
        error = own / charge - 1.0 if charge != 0.0 else 0.0
        return Advance(charge, error, float("nan"), 1)

    def keep(self) -> object:
        """Return thickness and charge."""
        return self.thickness, self.charge

    def give_back(self, kept: object) -> None:
        """Return to a state that was kept."""
        self.thickness, self.charge = kept  # type: ignore[misc]

    def _integrated(self, exposure: Exposure) -> float:
        """Return the charge by the law itself [C/m2].

        The thickness follows in a few pieces; within one, all potentials of the exposure count
        by their time, as they do when the exposure is many cycles.
        """
        rates_at = exposure.potential, exposure.durations / _PIECES
        warmth = float(np.average(exposure.temperature, weights=exposure.durations))
        total, thickness = 0.0, self.thickness
        for _ in range(_PIECES):
            half = thickness + 0.5 * self._volume * self._grown(rates_at, thickness, warmth)
            step = self._grown(rates_at, half, warmth)
            total += step
            thickness += self._volume * step
        return total

    def _grown(self, at: tuple[Array, Array], thickness: float, temperature: float) -> float:
        potential, step = at
        rate = self.law.rate(potential, np.full(potential.shape, thickness), temperature)
        return float(-rate @ step)
