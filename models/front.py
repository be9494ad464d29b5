"""Laws of the film's fronts: outer front (phi), selection of phases, internal fronts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array, front_density


@dataclass(frozen=True, slots=True)
class FrontLaw:
    """Film order parameter driven by sharp-interface speeds.

    d(phi)/dt = Lambda [ (l^2/16) lap(phi) - phi (1-phi)(1-2 phi) - (l/4) phi (1-phi) k ]
                + v (4/l) phi (1-phi)
    with n = grad(psi)/|grad(psi)| into the solid, k = div n and the relaxation rate
    Lambda = factor |v| / l: the profile must relax faster than the front moves, and no faster than
    that matters, since the curvature term cancels the relaxation's own curvature motion only
    approximately.

    Source: Folch et al., Phys. Rev. E 60, 1724 (1999), and Sun & Beckermann, J. Comput. Phys. 220,
    626 (2007), for the curvature term; the rule for Lambda is this project's (models/README.md).

    Attributes:
        width: interface width l [m].
        factor: Lambda l / |v| [-].
        floor: smallest Lambda relative to the largest on the front [-].
        purity: c1, how strongly shares ahead of the front are kept pure [-].
        competition: c2, how strongly the faster phase wins ahead of the front [-].
    """

    width: float
    factor: float = 40.0
    floor: float = 1.0e-3
    purity: float = 2.0
    competition: float = 8.0

    def relaxation(self, speed: Array, fastest: float) -> Array:
        """Return Lambda [1/s], (nodes,), from the front's speed carried along n [m/s]."""
        return np.asarray(
            self.factor / self.width * np.maximum(np.abs(speed), self.floor * fastest + 1e-300)
        )

    def reaction(
        self, phi: Array, relaxation: Array, curvature: Array, speed: Array
    ) -> tuple[Array, Array]:
        """Return the local part of -d(phi)/dt [1/s] and its derivative by phi, (nodes,) each."""
        drive = 0.25 * self.width * relaxation * curvature - 4.0 / self.width * speed
        value = relaxation * phi * (1 - phi) * (1 - 2 * phi) + drive * phi * (1 - phi)
        slope = relaxation * (1 - 6 * phi + 6 * phi**2) + drive * (1 - 2 * phi)
        return value, slope

    def selection(self, phi: Array, columns: Array, speeds: Array, front_speed: Array) -> Array:
        """Return d(columns)/dt [1/s] in the liquid ahead of the front, (solids, nodes).

        sum over b of (4/l)(1 - phi) q_a q_b [c1 |v| (q_a - q_b) + c2 (v_a - v_b)]; sums to zero.

        Args:
            phi: order parameter, (nodes,).
            columns: shares of the solids that sum to one, (solids, nodes).
            speeds: speed of each phase [m/s], (solids, nodes).
            front_speed: speed of the front [m/s], (nodes,).
        """
        square = (columns**2).sum(axis=0)
        mean = (columns * speeds).sum(axis=0)
        pure = self.purity * np.abs(front_speed) * (columns - square)
        win = self.competition * (speeds - mean)
        return np.asarray(4.0 / self.width * (1.0 - phi) * columns * (pure + win))

    def density(self, phi: Array) -> Array:
        """Return the area of front per volume [1/m]."""
        return front_density(phi, self.width)
