"""Correction of the rate constant for the finite width of the front.

A carrier that diffuses through the film (D, linear in phi) and is consumed in the diffuse front at
``k N(x) c`` obeys ``J = D c / (L + D/k + delta)``: the offset delta is of the order of the
interface width l and depends on Da = k l / D alone. Using k_pf with ``1/Da_pf + delta/l = 1/Da``
gives back the sharp-interface flux. Where the reaction is infinitely fast, Da_pf tends to about 3.

The front's speed uses c at phi = 1/2; ``ratio`` is what the average of N c is of it, so that growth
and flux are the same number.

Source: derived here from the one-dimensional boundary value problem (models/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solveh_banded
from scipy.optimize import brentq

from interphase.models.interpolation import Array, front_density, profile

# Diffusivity of the carrier in the liquid, relative to the film beside it: small, but not zero.
LIQUID_FLOOR = 1.0e-4
# Resistance of the fastest reaction in units of l/D.
_FASTEST = 1.0e-5


@dataclass(frozen=True)
class ThinInterface:
    """Table of the thin-interface correction, made once from the boundary value problem.

    Attributes:
        points: grid points of the boundary value problem.
        reach: half-width of its domain in interface widths.
    """

    points: int = 1601
    reach: float = 5.0

    def solve(self, damkohler: float) -> tuple[float, float]:
        """Return (delta/l, average of N c over c at phi = 1/2) for Da = k l / D.

        Finite volumes on [-reach, reach] with l = D = 1, c = 1 at the film end and no flux at the
        other.
        """
        x = np.linspace(-self.reach, self.reach, self.points)
        h = x[1] - x[0]
        phi = profile(x, 1.0)
        d = phi + LIQUID_FLOOR * (1.0 - phi)
        conductance = 0.5 * (d[1:] + d[:-1]) / h
        sink = damkohler * front_density(phi, 1.0) * h
        sink[-1] *= 0.5
        diagonal = sink.copy()
        diagonal[:-1] += conductance
        diagonal[1:] += conductance
        rhs = np.zeros(self.points - 1)
        rhs[0] = conductance[0]
        upper = np.concatenate([[0.0], -conductance[1:]])
        c = np.concatenate([[1.0], solveh_banded(np.stack([upper, diagonal[1:]]), rhs)])
        flux = conductance[0] * (c[0] - c[1])
        offset = 1.0 / flux - self.reach - 1.0 / damkohler
        total = float(np.sum(sink[1:] * c[1:]))
        return float(offset), total / (damkohler * float(c[self.points // 2]))

    @cached_property
    def _table(self) -> tuple[Array, Array, Array]:
        """Return numerical Da, its resistance 1/Da + delta/l and the ratio."""

        def resistance(log_da: float) -> float:
            da = float(np.exp(log_da))
            return 1.0 / da + self.solve(da)[0]

        # There the sharp reaction is faster than any numerical one: Da_pf is about 3.
        end = brentq(lambda x: resistance(x) - _FASTEST, 0.0, 2.0)
        numeric = np.exp(np.linspace(np.log(1e-3), end, 200))
        solved = np.array([self.solve(float(da)) for da in numeric])
        return numeric, 1.0 / numeric + solved[:, 0], solved[:, 1]

    def correct(self, damkohler: Array) -> tuple[Array, Array]:
        """Return (k_pf / k, ratio of the average of N c to c at phi = 1/2) for sharp Da = k l / D.

        Below Da = 1e-3 the correction is below 2e-4 and left out.
        """
        numeric, resistance, ratio = self._table
        wanted = 1.0 / np.maximum(damkohler, 1e-300)
        # 1/Da_pf is nearly linear in the resistance, down to an infinitely fast reaction.
        inverse = np.interp(wanted, resistance[::-1], 1.0 / numeric[::-1])
        used = np.where(wanted > resistance[0], damkohler, 1.0 / inverse)
        factor = used / np.maximum(damkohler, 1e-300)
        return np.asarray(factor), np.asarray(np.interp(np.log(used), np.log(numeric), ratio))
