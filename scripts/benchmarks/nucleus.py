"""BM8a: one nucleus near its critical radius grows or dissolves.

Definition: PFHub benchmark 8a.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models.double_well import DoubleWell
from interphase.scripts.benchmarks.record import Outcome, Run
from interphase.solvers.flow_march import ErrorControl, March
from interphase.solvers.gradient_flow import GradientFlow
from interphase.solvers.space import NodalSpace

SIDE: Final = 100.0
CRITICAL: Final = 5.0
"""r* of a driving force of sqrt(2)/30."""
ENERGY: Final = DoubleWell(
    barrier=1.0, low=0.0, high=1.0, gradient_coefficient=1.0, driving_force=np.sqrt(2.0) / 30.0
)
AT_START: Final = {0.99: 0.008214, 1.0: 0.008370, 1.01: 0.008528}
"""Solid fraction at t = 0 by r0/r*."""
AT_END: Final = 0.0165
"""Solid fraction at t = 100 of r0 = 1.01 r*."""
UNTIL: Final = 100.0
TOLERANCE: Final = 1.0e-8
"""Tight: a nucleus near its critical size multiplies every error."""
FIRST: Final = 0.02


def build(comm: MPI.Comm, cells: int) -> GradientFlow:
    """Return the flow on ``cells`` x ``cells`` cells without flux."""
    geometry = rectangle(comm, (SIDE, SIDE), SIDE / cells, periodic=(), depth=1.0)
    space = NodalSpace(geometry, by_position=True)
    return GradientFlow(space, ENERGY, 1.0)


def fractions(
    flow: GradientFlow, ratio: float, until: float = UNTIL, tolerance: float = TOLERANCE
) -> tuple[float, float, int]:
    """Return the solid fraction at the start and the end, and the accepted steps."""
    space = flow.space
    radius = np.hypot(space.points[:, 0] - 0.5 * SIDE, space.points[:, 1] - 0.5 * SIDE)
    start = 0.5 * (1.0 - np.tanh((radius - ratio * CRITICAL) / np.sqrt(2.0)))
    march = March(flow, ErrorControl(tolerance, FIRST))
    end = march.to(flow.start(start), until).field
    return (
        space.integral(start) / space.volume,
        space.integral(end) / space.volume,
        march.accepted,
    )


def way(cells: int, ratio: float, until: float) -> Run:
    """Return a run from ``ratio`` times the critical radius."""
    flow = build(MPI.COMM_SELF, cells)

    def work() -> Outcome:
        start, end, steps = fractions(flow, ratio, until)
        verdict = "grows" if end > start else "dissolves"
        note = (
            f"solid fraction {start:.6f} (expected {AT_START[ratio]:.6f}) -> {end:.5f}: {verdict}"
        )
        error = end / AT_END - 1.0 if ratio == 1.01 and until == UNTIL else None
        return Outcome(steps, flow.space.global_size, error, note=note)

    return work
