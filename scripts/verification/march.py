"""Steps of fixed length of any description of the phases."""

from __future__ import annotations

import numpy as np

from interphase.models.interpolation import Array
from interphase.models.representation import FrontModel, Phases


def two_phases(phi: Array) -> Phases:
    """Return (solid, liquid) at the start from the solid's order parameter, (nodes,)."""
    return Phases.at_start(np.stack([phi, 1.0 - phi]))


def march(front: FrontModel, phases: Phases, dt: float, count: int) -> Phases:
    """Return the phases after ``count`` steps of ``dt`` [s]."""
    for _ in range(count):
        phases = front.step(phases, dt)
    return phases
