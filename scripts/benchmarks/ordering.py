"""Allen-Cahn 256 x 256: a random field orders into two phases; periodic, through our classes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models.double_well import DoubleWell
from interphase.models.interpolation import Array
from interphase.scripts.benchmarks.record import Outcome, Run
from interphase.solvers.flow_march import ErrorControl, FixedStep, March
from interphase.solvers.gradient_flow import GradientFlow
from interphase.solvers.space import NodalSpace

ENERGY: Final = DoubleWell(barrier=0.25, low=-1.0, high=1.0, gradient_coefficient=1.0)
CELLS: Final = 256
UNTIL: Final = 20.0
FIRST: Final = 0.02
TOLERANCE: Final = 1.0e-4
LIMIT_STEP: Final = 0.02
"""Step of the run that stands for dt -> 0."""
GATE: Final = 3.0e-3


def initial(cells: int) -> Array:
    """Return the field at t = 0, (cells, cells)."""
    return np.random.default_rng(1).normal(0.0, 0.1, (cells, cells))


def build(comm: MPI.Comm, cells: int, *, fast: bool = True) -> GradientFlow:
    """Return the flow on a square of unit cells that is periodic both ways."""
    side = float(cells)
    # Triangles of a square grid have the five-point stencil, as the published energy.
    geometry = rectangle(comm, (side, side), 1.0, cell="triangle", depth=1.0)
    geometry = replace(geometry, periods=((0, side), (1, side)))
    return GradientFlow(NodalSpace(geometry, by_position=True), ENERGY, 1.0, fast=fast)


def start_field(flow: GradientFlow, cells: int) -> Array:
    """Return the field at t = 0 at the nodes, (size,)."""
    place = np.rint(flow.space.points[:, :2]).astype(int)
    return np.asarray(initial(cells)[place[:, 0], place[:, 1]])


def limit(flow: GradientFlow, cells: int, until: float, step: float = LIMIT_STEP) -> float:
    """Return F(until) of very short steps: the flow's own limit."""
    march = March(flow, FixedStep(step, ramp=64.0))
    return march.to(flow.start(start_field(flow, cells)), until).energy


def way(cells: int, until: float, tolerance: float = TOLERANCE) -> Run:
    """Return a run of the project's way with error control; its error is against its own limit."""
    flow = build(MPI.COMM_SELF, cells)
    field, exact = start_field(flow, cells), limit(flow, cells, until)

    def work() -> Outcome:
        march = March(flow, ErrorControl(tolerance, FIRST))
        energy = march.to(flow.start(field), until).energy
        note = f"{march.rejected} rejected; F = {energy:.6g}, limit {exact:.6g}"
        return Outcome(march.accepted, flow.space.global_size, energy / exact - 1.0, note=note)

    return work


def timing_way(cells: int, steps: int = 20) -> Run:
    """Return a run of a few fixed steps, for the growth of cost with the number of unknowns."""
    flow = build(MPI.COMM_SELF, cells)
    field = start_field(flow, cells)

    def work() -> Outcome:
        state = flow.start(field)
        for _ in range(steps):
            state = flow.step(state, 0.1)
        return Outcome(steps, flow.space.global_size)

    return work


def shared_way(comm: MPI.Comm, cells: int, steps: int = 20) -> Callable[[], Run]:
    """Return a run of the iteration that serves any mesh, shared between ranks. Collective."""

    def prepare() -> Run:
        flow = build(comm, cells, fast=False)
        field = start_field(flow, cells)

        def work() -> Outcome:
            comm.Barrier()
            clock = time.perf_counter()
            state = flow.start(field)
            for _ in range(steps):
                state = flow.step(state, 0.1)
            wall = time.perf_counter() - clock
            return Outcome(steps, flow.space.global_size, note=f"of rank 0, wall {wall:.2f} s")

        return work

    return prepare
