"""Nucleation on the electrode: how often or when, which phase, how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array


@dataclass(frozen=True)
class PoissonNucleation:
    """Nuclei appear at the rate J_a = chi_a v_a(U) max(0, 1 - exp(-A/RT)) per area.

    v_a is the growth speed of phase a on the bare surface, so the number of grains does not depend
    on how the potential is run down.

    Source: derived for this model (models/README.md); classical nucleation theory gives critical
    radii below 0.4 nm here, so the barrier is not the limit.

    Attributes:
        density: chi of each solid [1/m3], (solids,); 0: does not nucleate.
        radius: radius of a seed [m].
        seed: key of the random draws.
    """

    density: Array
    radius: float
    seed: int

    def intensity(self, speed: Array) -> Array:
        """Return J [1/(m2 s)] of each solid from its bare-surface ``speed`` [m/s], (solids,)."""
        return np.asarray(self.density * np.maximum(speed, 0.0))

    def thresholds(self, keys: np.ndarray, draw: Array) -> Array:
        """Return -ln(u) [-], the integral of J A dt at which a site fires.

        The uniform u comes from a counter-based generator of (seed, position, phase, draw): it
        does not depend on the partition, on steps taken or rejected.

        Args:
            keys: integer position of each site, (sites, 3).
            draw: how many seeds the site has fired per phase, (solids, sites).

        Returns:
            Thresholds, shape (solids, sites).
        """
        out = np.empty(draw.shape)
        for phase in range(draw.shape[0]):
            state = np.full(keys.shape[0], np.uint64(self.seed % 2**64))
            for word in (*keys.T, np.full(keys.shape[0], phase), draw[phase].astype(np.int64)):
                state = _mix(state ^ _mix(word.astype(np.int64).view(np.uint64)))
            u = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
            out[phase] = -np.log(u)
        return out


@dataclass(frozen=True)
class Nucleus:
    """One nucleus that is given, not drawn.

    Attributes:
        time: at which it appears [s]; 0: in the first step.
        position: on the electrode [m], (3,).
        phase: index of the solid.
    """

    time: float
    position: tuple[float, float, float]
    phase: int


@dataclass(frozen=True)
class GivenNuclei:
    """Nuclei at given places and times: the same grains on any mesh.

    Attributes:
        nuclei: in the order of their times.
        radius: radius of a seed [m].
    """

    nuclei: tuple[Nucleus, ...]
    radius: float

    def between(self, start: float, end: float) -> tuple[Nucleus, ...]:
        """Return the nuclei with ``start`` < time <= ``end`` [s]."""
        # A step to a milestone may end a rounding error before it.
        same = 1.0 + 1.0e-12
        return tuple(n for n in self.nuclei if start * same < n.time <= end * same)


def _mix(x: np.ndarray) -> np.ndarray:
    """Return the SplitMix64 finaliser of 64-bit words.

    Source: Steele, Lea & Flood, OOPSLA 2014, doi 10.1145/2660193.2660195.
    """
    with np.errstate(over="ignore"):
        z = x + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))
