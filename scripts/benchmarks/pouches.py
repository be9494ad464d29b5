"""Whole cells in three dimensions: beside PyBaMM's own pouch, and many places shared by ranks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.models.cell.spec import CellKind
from interphase.parameters.case import load_any
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import ParameterError
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.benchmarks.record import Outcome, PeakMemory, Record, Run, Way, paired
from interphase.scripts.verification.p3d_cells import POINTS, PouchReference, pouch_case, watch
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.setup import build_cell, program_of

# Half an hour at 1C.
UNTIL: Final = 1800.0
STEP: Final = 60.0
# Of the spread of temperature. With an SPMe PyBaMM's pouch has heat that its SPMe alone has not
# (`scripts/cases/p3d.md`), and its DFN comes with 25 nodes only: they are no measure.
GATES: Final = {"SPM": 0.03}

PAIRS: Final[tuple[tuple[CellKind, int], ...]] = (
    ("SPM", 5), ("SPMe", 5), ("DFN", 5), ("SPM", 10), ("SPMe", 10),
)  # fmt: skip
"""Local model and places along each side; PyBaMM does not finish a DFN with 100 places."""


# The other's answer is read here and interpolated: dense where the voltage falls fast.
_TIMES: Final = np.geomspace(0.1, UNTIL, 500)


def ours(kind: CellKind, side: int, step: float = STEP) -> Run:
    """Return half an hour at 1C with ``side`` x ``side`` places."""
    case = pouch_case(kind, side, 2 * side, step, compiled=True, rtol=1e-5)
    cell = build_cell(case, MPI.COMM_SELF)
    start, other = cell.state(), PouchReference(kind, side).course(_TIMES)

    def work() -> Outcome:
        cell.restore(start)
        course = watch(cell, ControlStep("current", cell.nominal_capacity, UNTIL))
        volts = np.abs(course.voltage - np.interp(course.times, _TIMES, other.voltage)).max()
        return Outcome(
            course.times.size,
            side * side,
            error=float(course.spread[-1] / other.spread[-1] - 1.0),
            note=f"error of the spread of T ({1e3 * course.spread[-1]:.3f} mK); V within "
            f"{1e3 * volts:.2f} mV",
        )

    return work


def pybamms(kind: CellKind, side: int) -> Run:
    """Return the same by PyBaMM's 2+1D pouch."""
    reference = PouchReference(kind, side)
    times = np.linspace(STEP, UNTIL, round(UNTIL / STEP))

    def work() -> Outcome:
        course = reference.course(times)
        return Outcome(times.size, side * side, note=f"V at the end {course.voltage[-1]:.5f}")

    return work


def beside_pybamm(repeats: int, say: Callable[[str], None]) -> list[Record]:
    """Measure both ways for all pairs."""
    rows: list[Record] = []
    for kind, side in PAIRS:
        ways = [
            Way("interphase", partial(ours, kind, side)),
            Way("PyBaMM 2+1D", partial(pybamms, kind, side), reference=True),
        ]
        name = f"{kind} at {side * side} places, 2+1D"
        rows += paired(name, ways, repeats, gate=GATES.get(kind), say=say)
    return rows


def many_places(comm: MPI.Comm, until: float | None = None) -> list[Record]:
    """Measure a 1C discharge of 400 places with a DFN, in steps of 30 s. Collective.

    Args:
        comm: ranks that share the places.
        until: stop after so much time [s] instead of at the end of the discharge.
    """
    overrides = [
        "geometry.cells=[1, 20, 20]",
        "geometry.places=[1, 20, 20]",
        "pair.model=DFN",
        "pair.compiled=true",
        f"pair.points={POINTS}",
        "drive.experiment=[Discharge at 1C until 2.7 V]",
    ]
    case = load_any(CASES / "pouch_discharge_p3d.yaml", overrides)
    if not isinstance(case, P3DCase):
        raise ParameterError("pouch_discharge_p3d is no whole cell any more")
    memory = PeakMemory()
    memory.reset()
    start = time.process_time()
    cell = build_cell(case, comm)
    step = program_of(case, cell.nominal_capacity)[0]
    if until is not None:
        step = replace(step, duration=until)
    set_up = comm.allreduce(time.process_time() - start)
    comm.Barrier()
    start, clock = time.process_time(), time.perf_counter()
    course = watch(cell, step)
    own, wall = time.process_time() - start, time.perf_counter() - clock
    parts = cell.balance.timings.seconds
    listed = ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts.items())
    places = cell.balance.places.total
    note = (
        f"{course.times[-1]:.0f} s to {course.voltage[-1]:.4f} V, wall {wall:.1f} s ({listed}); "
        f"spread of T {course.spread[-1]:.4f} K"
    )
    return [
        Record(
            benchmark=f"{places} places with a DFN, 1C", method="interphase", unknowns=places,
            ranks=comm.size, steps=course.times.size, cpu=comm.allreduce(own), spread=0.0,
            repeats=1, set_up=set_up, memory=comm.allreduce(memory.read() or 0.0), note=note,
        )
    ]  # fmt: skip
