"""BM7: Allen-Cahn with a manufactured solution, the orders in space and in time.

Definition: PFHub benchmark 7a.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models.double_well import DoubleWell
from interphase.models.interpolation import Array
from interphase.scripts.benchmarks.record import Outcome, Run
from interphase.solvers.flow_march import FixedStep, March
from interphase.solvers.gradient_flow import GradientFlow
from interphase.solvers.space import NodalSpace

KAPPA: Final = 4.0e-4
ENERGY: Final = DoubleWell(barrier=1.0, low=0.0, high=1.0, gradient_coefficient=KAPPA)
SIZE: Final = (1.0, 0.5)
UNTIL: Final = 8.0
STEP: Final = 0.02
"""Short enough that the error in space is all that is left."""
_A1: Final = 0.0075
_B1: Final = 8.0 * np.pi
_A2: Final = 0.03
_B2: Final = 22.0 * np.pi
_C2: Final = 0.0625 * np.pi


class Manufactured:
    """The exact solution and the source that makes it one, at fixed points."""

    def __init__(self, points: Array) -> None:
        """Take positions, (nodes, at least 2)."""
        self._x, self._y = points[:, 0], points[:, 1]

    def field(self, time: float) -> Array:
        """Return eta = (1 - tanh((y - alpha)/sqrt(2 kappa)))/2."""
        front = 0.25 + _A1 * time * np.sin(_B1 * self._x)
        front += _A2 * np.sin(_B2 * self._x + _C2 * time)
        return np.asarray(0.5 * (1.0 - np.tanh((self._y - front) / np.sqrt(2.0 * KAPPA))))

    def source(self, time: float) -> Array:
        """Return S = eta_t - kappa lap(eta) + f'(eta).

        eta depends on u = (y - alpha)/sqrt(2 kappa) only, and kappa eta''/(2 kappa) = f'(eta): what
        is left are the terms of the front's motion, slope and curvature.
        """
        s1, c1 = np.sin(_B1 * self._x), np.cos(_B1 * self._x)
        phase = _B2 * self._x + _C2 * time
        s2, c2 = np.sin(phase), np.cos(phase)
        front = 0.25 + _A1 * time * s1 + _A2 * s2
        moving = _A1 * s1 + _A2 * _C2 * c2
        slope = _A1 * _B1 * time * c1 + _A2 * _B2 * c2
        bend = -_A1 * _B1**2 * time * s1 - _A2 * _B2**2 * s2
        width = np.sqrt(2.0 * KAPPA)
        tanh = np.tanh((self._y - front) / width)
        steep = (1.0 - tanh**2) / (2.0 * width)
        # eta_alpha = steep; eta_alpha_alpha = 2 tanh steep/width.
        return np.asarray(
            steep * moving - KAPPA * (2.0 * tanh * steep / width * slope**2 + steep * bend)
        )


def build(
    comm: MPI.Comm, cells: int, *, order: int = 3, fast: bool = True
) -> tuple[GradientFlow, Manufactured]:
    """Return the flow with ``cells`` cells per unit length, and the exact solution at its nodes."""
    # Triangles of a square grid have the five-point stencil, whose errors are the published ones.
    space = NodalSpace(
        rectangle(comm, SIZE, 1.0 / cells, cell="triangle", periodic=(0,), depth=1.0)
    )
    exact = Manufactured(space.points)
    held = space.on_boundary("electrode") | space.on_boundary("bulk")
    flow = GradientFlow(space, ENERGY, 1.0, source=exact.source, held=held, order=order, fast=fast)
    return flow, exact


def solve(flow: GradientFlow, exact: Manufactured, step: float, until: float) -> Array:
    """Return the field at the time ``until``."""
    march = March(flow, FixedStep(step, ramp=64.0))
    return march.to(flow.start(exact.field(0.0)), until).field


def norm(flow: GradientFlow, field: Array) -> float:
    """Return the L2 norm."""
    return float(np.sqrt(flow.space.integral(field**2)))


def errors_in_space(
    comm: MPI.Comm, cells: Sequence[int], step: float, until: float, *, fast: bool = True
) -> list[float]:
    """Return the L2 error at ``until`` of every mesh."""
    errors = []
    for count in cells:
        flow, exact = build(comm, count, fast=fast)
        field = solve(flow, exact, step, until)
        errors.append(norm(flow, field - exact.field(until)))
    return errors


def errors_in_time(
    comm: MPI.Comm, cells: int, steps: Sequence[float], until: float, order: int
) -> list[float]:
    """Return the L2 distance at ``until`` from the mesh's own limit dt -> 0, of every step."""
    flow, exact = build(comm, cells, order=order)
    limit = solve(flow, exact, min(steps) / 16.0, until)
    return [norm(flow, solve(flow, exact, step, until) - limit) for step in steps]


def orders(errors: Sequence[float], refinement: float = 2.0) -> list[float]:
    """Return the order between each pair of errors."""
    return [float(np.log(a / b) / np.log(refinement)) for a, b in pairwise(errors)]


def way(cells: int, until: float) -> Run:
    """Return a run on one mesh."""
    flow, exact = build(MPI.COMM_SELF, cells)
    steps = round(until / STEP)

    def work() -> Outcome:
        error = norm(flow, solve(flow, exact, STEP, until) - exact.field(until))
        return Outcome(steps, flow.space.global_size, error, note=f"L2 error at t = {until:g}")

    return work
