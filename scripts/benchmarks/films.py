"""The film itself: seconds per step and node of a shipped case, by part."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from mpi4py import MPI

from interphase.parameters.case import Case, load_case
from interphase.scripts.benchmarks.record import PeakMemory, Record
from interphase.solvers.simulation import Simulation

CASES: Final = Path(__file__).resolve().parents[1] / "cases"


def film(
    comm: MPI.Comm,
    name: str,
    overrides: Mapping[str, str],
    begin: float,
    end: float,
    label: str,
    repeats: int = 1,
) -> Record:
    """Measure a case from one simulated time to another. Collective.

    Args:
        comm: ranks that share the film.
        name: of the case in ``scripts/cases``.
        overrides: keys of the case that are changed.
        begin: simulated time [s] up to which the film is prepared, not measured.
        end: simulated time [s] up to which it is measured.
        label: what the row is called.
        repeats: how often, each time from the start.
    """
    memory = PeakMemory()
    memory.reset()
    resident = memory.read("VmRSS")
    case = load_case(CASES / f"{name}.yaml", [f"{k}={v}" for k, v in overrides.items()])
    passes = [_Pass.of(comm, case, begin, end) for _ in range(repeats)]
    last = passes[-1]
    nodes = last.nodes
    peak = memory.read()
    total = comm.allreduce(peak or 0.0)
    grown = comm.allreduce((peak or 0.0) - (resident or 0.0))
    split = sorted(((s, part) for part, s in last.parts.items()), reverse=True)
    listed = ", ".join(
        f"{part} {1e6 * s * comm.size / last.steps / nodes:.2f}" for s, part in split
    )
    cpu = statistics.median(p.cpu for p in passes)
    wall = statistics.median(p.wall for p in passes)
    note = (
        f"t = {begin:g} to {end:g} s, {last.grains} grains, wall {wall:.2f} s"
        f"; us of all ranks per step and node: {listed}; memory {1024 * grown / nodes:.2f} kB per "
        f"node; elements balance to {last.imbalance:.0e}"
    )
    spread = (max(p.cpu for p in passes) - min(p.cpu for p in passes)) / cpu
    return Record(
        benchmark=label, method="interphase", unknowns=nodes, ranks=comm.size, steps=last.steps,
        cpu=cpu, spread=spread, repeats=repeats, set_up=passes[0].set_up, memory=total, note=note,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Pass:
    """One run through the measured time: seconds of all ranks, of the clock and by part."""

    nodes: int
    steps: int
    grains: int
    set_up: float
    cpu: float
    wall: float
    parts: dict[str, float]
    imbalance: float

    @classmethod
    def of(cls, comm: MPI.Comm, case: Case, begin: float, end: float) -> Self:
        """Run a case. Collective."""
        start = time.process_time()
        simulation = Simulation.from_case(case, comm=comm)
        set_up = time.process_time() - start
        simulation.run(begin)
        parts = simulation.problem.solver.timings.seconds
        first, before = len(simulation.rows), dict(parts)
        comm.Barrier()
        start, clock = time.process_time(), time.perf_counter()
        simulation.run(end)
        own, wall = time.process_time() - start, time.perf_counter() - clock
        worst = simulation.rows[-1].balance.elements
        return cls(
            nodes=simulation.problem.space.global_size,
            steps=len(simulation.rows) - first,
            grains=int(simulation.rows[-1]["grains"]),
            set_up=comm.allreduce(set_up),
            cpu=comm.allreduce(own),
            wall=wall,
            parts={name: parts[name] - before.get(name, 0.0) for name in parts},
            imbalance=max(worst.values(), default=0.0),
        )


def formation(comm: MPI.Comm) -> list[Record]:
    """Measure ``mosaic_formation`` at three cell sizes, from the third grain on. Collective."""
    sizes = {"l/6": "0.16666666666666666 nm", "l/8": "0.125 nm", "l/10": "0.1 nm"}
    return [
        film(
            comm, "mosaic_formation", {"mesh.cell_size": size}, 880.0, 930.0,
            f"mosaic_formation, h = {name}",
        )
        for name, size in sizes.items()
    ]  # fmt: skip


def solid(comm: MPI.Comm) -> list[Record]:
    """Measure ``mosaic_3d`` from the first grains on. Collective."""
    return [film(comm, "mosaic_3d", {}, 900.0, 1000.0, "mosaic_3d")]


def _planar(size: str) -> dict[str, str]:
    """Return a film of 2 nm in the hold phase: the same work per node whatever its width."""
    return {
        "mesh.size": size,
        "initial": "{kind: planar_film, thickness: 2 nm, shares: {Li2EDC: 1.0}}",
        "drive.steps": "[{hold: 0.1 V, until: 6 h}]",
    }


def growth(comm: MPI.Comm) -> list[Record]:
    """Measure a planar film on wider and wider planes, all fields on. Collective.

    What is left is how the parts grow with the number of nodes, which is the width over l/8 times
    193. The first second has short steps of its own.
    """
    return [
        film(
            comm, "mosaic_formation", _planar(f"[{width}, 24 nm]"), 1.0, 100.0,
            f"planar film, {width} wide",
        )
        for width in ("6.5 nm", "26 nm", "104 nm", "260 nm")
    ]  # fmt: skip


def scaling(comm: MPI.Comm, repeats: int) -> list[Record]:
    """Measure films of one size, and of one size per rank, in two and three dimensions. Collective.

    Run on one rank and on several: the first is strong, the second weak scaling.
    """
    rows = []
    for ranks in sorted({1, comm.size}):
        plane, solid_ = f"{52 * ranks} nm, 24 nm", f"{16 * ranks} nm, 16 nm, 10 nm"
        for case, size in (("mosaic_formation", plane), ("mosaic_3d", solid_)):
            label = f"planar film, {size}"
            rows.append(film(comm, case, _planar(f"[{size}]"), 1.0, 100.0, label, repeats))
    return rows
