"""What a step did, for those who choose the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import signed_distance
from interphase.solvers.conversion import Converted
from interphase.solvers.front import FrontGeometry
from interphase.solvers.nucleation import Seed
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState

# How much of rate times step counts as displacement where the front moved less than that.
_RATE_WEIGHT = 0.3


@dataclass(frozen=True)
class StepReport:
    """What a step did.

    Attributes:
        displacement: of the fastest outer front [m].
        conversion: displacement of the fastest internal front [m].
        error: local error of phi, root mean square over the front [-].
        newton: Newton iterations.
        seeds: placed in this step.
        inside: mean displacement of an internal front, of the one that moved most [m].
        held: part of an internal front that was not let move as far as it wanted to [-].
    """

    displacement: float
    conversion: float
    error: float
    newton: int
    seeds: tuple[Seed, ...]
    inside: float = 0.0
    held: float = 0.0


def displacement(
    space: NodalSpace, geometry: FrontGeometry, phi: Array, speed: Array, dt: float, width: float
) -> float:
    """Return how far the fastest outer front moved in a step [m]. Collective.

    Where two fronts merge the distance jumps, and the rate bounds it from above. A foot may lag
    behind its rate, which still may not move it by more than a third of l.

    Args:
        space: the nodal space.
        geometry: of the front at the start of the step.
        phi: after growth, (size,).
        speed: of the front [m/s], (size,).
        dt: step [s].
        width: interface width l [m].
    """
    moved = np.abs(signed_distance(phi, width) - geometry.distance)
    rate = np.abs(speed) * dt
    moved = np.where(geometry.edge, np.clip(moved, _RATE_WEIGHT * rate, rate), 0.0)
    return max(space.max(moved), 0.0)


def local_error(
    space: NodalSpace, geometry: FrontGeometry, old: FilmState, phi: Array, dt: float
) -> float:
    """Return how far phi is from what the step before foretold [-], rms over the front.

    Collective.

    Args:
        space: the nodal space.
        geometry: of the front at the start of the step.
        old: the film there; without a step behind it nothing is foretold.
        phi: after growth, (size,).
        dt: step [s].
    """
    if not old.step > 0.0:
        return 0.0
    predicted = old.phi + dt / old.step * (old.phi - old.phi_before)
    difference = np.where(geometry.band, phi - predicted, 0.0) * dt / (dt + old.step)
    weight = space.integral(old.phi * (1.0 - old.phi))
    return float(np.sqrt(space.integral(difference**2) / weight)) if weight > 0 else 0.0


def inside_film(converted: Sequence[Converted]) -> tuple[float, float, float]:
    """Return an internal front's largest and mean displacement [m] and its part held [-]."""
    ways = [(c.displacement, c.usual, c.held) for c in converted]
    largest, usual, held = np.max([(0.0, 0.0, 0.0), *ways], axis=0)
    return float(largest), float(usual), float(held)
