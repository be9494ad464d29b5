"""BM1b: spinodal decomposition in a square without flux, through the project's classes.

Definition: PFHub benchmark 1b; Jokisaari et al., Comput. Mater. Sci. 126, 139 (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models.double_well import DoubleWell
from interphase.models.interpolation import Array
from interphase.scripts.benchmarks.record import Outcome, Run
from interphase.solvers.flow_march import ErrorControl, March
from interphase.solvers.gradient_flow import ConservedFlow
from interphase.solvers.space import NodalSpace

SIDE: Final = 200.0
ENERGY: Final = DoubleWell(barrier=5.0, low=0.3, high=0.7, gradient_coefficient=2.0)
MOBILITY: Final = 5.0
TOLERANCE: Final = 3.0e-7
FIRST: Final = 0.01

REFERENCE: Final = MappingProxyType(
    {
        1.0: 318.838, 5.0: 317.018, 10.0: 304.12, 20.0: 209.43, 50.0: 166.69, 100.0: 129.88,
        200.0: 111.45, 1000.0: 73.99, 10000.0: 38.80,
    }
)  # fmt: skip
"""F at the listed times: spectral, 200^2 and 400^2 agree to 0.03 % up to t = 100."""

GATE: Final = 3.0e-3
WIDE_GATE: Final = 1.0e-2
"""At t = 20, where F falls fastest, and at t = 1e4."""


def gate(time: float) -> float:
    """Return the largest relative error of F allowed at a time."""
    return WIDE_GATE if time in (20.0, 10000.0) else GATE


def initial(x: Array, y: Array) -> Array:
    """Return the field at t = 0."""
    waves = np.cos(0.105 * x) * np.cos(0.11 * y) + (np.cos(0.13 * x) * np.cos(0.087 * y)) ** 2
    waves = waves + np.cos(0.025 * x - 0.15 * y) * np.cos(0.07 * x - 0.02 * y)
    return np.asarray(0.5 + 0.01 * waves)


@dataclass(frozen=True, slots=True)
class Spinodal:
    """What a run gave.

    Attributes:
        energies: F by time.
        steps: accepted.
        rejected: made in vain.
        mean_drift: largest relative change of the mean of the field.
        rises: accepted steps that raised F by more than round-off.
    """

    energies: dict[float, float]
    steps: int
    rejected: int
    mean_drift: float
    rises: int


def build(
    comm: MPI.Comm, cells: int, *, cell: str = "quadrilateral", fast: bool = True
) -> ConservedFlow:
    """Return the flow on ``cells`` x ``cells`` cells."""
    size = (SIDE, SIDE)
    geometry = rectangle(comm, size, SIDE / cells, cell=cell, periodic=(), depth=1.0)
    space = NodalSpace(geometry, by_position=True)
    return ConservedFlow(space, ENERGY, MOBILITY, fast=fast)


def run(flow: ConservedFlow, times: Sequence[float], tolerance: float = TOLERANCE) -> Spinodal:
    """Return F at the ``times``, up to the last of them."""
    space = flow.space
    state = flow.start(initial(space.points[:, 0], space.points[:, 1]))
    mean, last = space.integral(state.field), state.energy
    march = March(flow, ErrorControl(tolerance, FIRST))
    energies: dict[float, float] = {}
    drift, rises = 0.0, 0
    for after in march.through(state, times):
        drift = max(drift, abs(space.integral(after.field) / mean - 1.0))
        rises += after.energy > last * (1.0 + 1e-12)
        last = after.energy
        for time in times:
            if abs(after.time - time) < 1e-9 * time:
                energies[time] = after.energy
    return Spinodal(energies, march.accepted, march.rejected, drift, rises)


def way(cells: int, until: float) -> Run:
    """Return a run of the project's way to the time ``until``."""
    flow = build(MPI.COMM_SELF, cells)
    times = [t for t in REFERENCE if t <= until]

    def work() -> Outcome:
        result = run(flow, times)
        errors = {t: result.energies[t] / REFERENCE[t] - 1.0 for t in times}
        missed = [f"t={t:g}" for t in times if abs(errors[t]) > gate(t)]
        listed = ", ".join(f"{t:g}: {100 * e:+.3f} %" for t, e in errors.items())
        note = (
            f"{result.rejected} rejected; F({listed}); mean drifts by {result.mean_drift:.0e}; "
            f"F rises in {result.rises} steps"
            + (f"; gate missed at {', '.join(missed)}" if missed else "")
        )
        return Outcome(result.steps, flow.space.global_size, errors[times[-1]], note=note)

    return work
