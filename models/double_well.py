"""Free energy of one field with two wells: spinodal decomposition, ordering, one grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array
from interphase.parameters.errors import ParameterError

# Of f'' in the wells: what the time scheme takes implicitly. Third-order extrapolation of the rest
# bears any step from 7/8 on; with less the error control finds the longest step itself, and what
# unmixes between the wells is damped less, which matters more (measured on BM1b).
_IMPLICIT_PART = 0.6


@dataclass(frozen=True, slots=True)
class DoubleWell:
    """F = integral of f(c) + (kappa/2) |grad c|^2, with wells at ``low`` and ``high``.

    f = rho (c - low)^2 (high - c)^2 - g p(s), s = (c - low)/(high - low), p = s^3 (10 - 15 s +
    6 s^2): the well at ``high`` lies lower by g.

    Source: PFHub benchmarks 1 (spinodal decomposition), 7 and 8 (g > 0); Jokisaari et al., Comput.
    Mater. Sci. 126, 139 (2017).

    Attributes:
        barrier: rho; the barrier between the wells is rho (high - low)^4/16 [J/m3].
        low: field in one well.
        high: field in the other.
        gradient_coefficient: kappa [J/m].
        driving_force: g [J/m3].
    """

    barrier: float
    low: float
    high: float
    gradient_coefficient: float
    driving_force: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that make no energy."""
        if not (self.barrier > 0.0 and self.gradient_coefficient > 0.0):
            raise ParameterError("double well: barrier and gradient coefficient must be positive")
        if not self.high > self.low:
            raise ParameterError(f"double well: {self.low} must lie below {self.high}")

    @property
    def well_curvature(self) -> float:
        """Return f'' in the wells [J/m3]; the driving force does not change it."""
        return 2.0 * self.barrier * (self.high - self.low) ** 2

    @property
    def implicit_curvature(self) -> float:
        """Return the curvature that a semi-implicit scheme treats implicitly [J/m3]."""
        return _IMPLICIT_PART * self.well_curvature

    def density(self, field: Array) -> Array:
        """Return f(c) [J/m3] at the nodes."""
        product = (field - self.low) * (field - self.high)
        density = self.barrier * product * product
        if self.driving_force:
            s = self._progress(field)
            density -= self.driving_force * s * s * s * (10.0 + s * (6.0 * s - 15.0))
        return np.asarray(density)

    def derivative(self, field: Array) -> Array:
        """Return f'(c) [J/m3] at the nodes."""
        product = (field - self.low) * (field - self.high)
        slope = (2.0 * self.barrier) * product
        slope *= 2.0 * field - (self.low + self.high)
        if self.driving_force:
            s = self._progress(field)
            shape = s * (1.0 - s)
            slope -= 30.0 * self.driving_force / (self.high - self.low) * shape * shape
        return np.asarray(slope)

    def _progress(self, field: Array) -> Array:
        """Return s, 0 in the well ``low`` and 1 in the well ``high``."""
        return (field - self.low) / (self.high - self.low)
