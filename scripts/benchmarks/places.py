"""Local models at the places of a cell: one call for all of them beside PyBaMM's own steps."""

from __future__ import annotations

from typing import Final

import numpy as np

from interphase.models.cell.spec import CellKind, CellSpec, MeshPoints
from interphase.scripts.benchmarks.record import Outcome, Run
from interphase.solvers.p3d.local_models import PyBaMMPlaces
from interphase.solvers.p3d.pair import ElectrodePair
from interphase.solvers.p3d.places import Array

KINDS: Final[tuple[CellKind, ...]] = ("SPM", "SPMe", "DFN")
COUNTS: Final = (100, 200, 400, 800)
STEPS: Final = 10
SECONDS: Final = 30.0
_POINTS: Final = MeshPoints(8, 4, 8, 8, 8)


def pair_of(kind: CellKind, *, compiled: bool = False) -> ElectrodePair:
    """Return the electrode pair that all ways have."""
    spec = CellSpec(kind=kind, points=_POINTS, initial_soc=0.8, knot_count=13, rtol=1e-5, atol=1e-7)
    return ElectrodePair(spec, compiled=compiled)


def conditions(count: int) -> tuple[Array, Array]:
    """Return current densities [A/m2] and temperatures [K] as of a pouch at 1C, (count,) each."""
    place = np.arange(count)
    return 48.7 * (1.0 + 0.1 * np.sin(place)), 300.0 + 2.5 * np.cos(place)


def together(kind: CellKind, count: int, *, compiled: bool = False, steps: int = STEPS) -> Run:
    """Return a run of ``count`` places in one call a step."""
    pair = pair_of(kind, compiled=compiled)
    current, warmth = conditions(count)

    def work() -> Outcome:
        places = PyBaMMPlaces(pair, count)
        for _ in range(steps):
            voltage = places.advance(SECONDS, current, warmth).voltage
            places.commit()
        states = int(pair.initial_states().size)
        return Outcome(steps, count * states, note=f"V of place 0 {voltage[0]:.9f}")

    return work


def one_by_one(kind: CellKind, count: int, *, steps: int = STEPS) -> Run:
    """Return the same by `solver.step`, place by place."""
    pair = pair_of(kind)
    current, warmth = conditions(count)

    def work() -> Outcome:
        rows = pair.rows(current, warmth, pair.inert_films(count))
        states = np.tile(pair.initial_states(), (count, 1))
        for _ in range(steps):
            courses = [pair.retry(s, r, SECONDS) for s, r in zip(states, rows, strict=True)]
            states = np.array([course.state for course in courses])
        voltage = pair.read(courses[0].outputs).voltage[-1]
        return Outcome(steps, states.size, note=f"V of place 0 {voltage:.9f}")

    return work
