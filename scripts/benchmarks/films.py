"""The film itself: seconds per step and node of a shipped case, by part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mpi4py import MPI

from interphase.parameters.case import load_case
from interphase.scripts.benchmarks.record import PeakMemory, Record
from interphase.solvers.simulation import Simulation

CASES: Final = Path(__file__).resolve().parents[1] / "cases"


def film(
    comm: MPI.Comm, name: str, overrides: Mapping[str, str], begin: float, end: float, label: str
) -> Record:
    """Measure a case from one simulated time to another. Collective.

    Args:
        comm: ranks that share the film.
        name: of the case in ``scripts/cases``.
        overrides: keys of the case that are changed.
        begin: simulated time [s] up to which the film is prepared, not measured.
        end: simulated time [s] up to which it is measured.
        label: what the row is called.
    """
    memory = PeakMemory()
    memory.reset()
    resident = memory.read("VmRSS")
    start = time.process_time()
    case = load_case(CASES / f"{name}.yaml", [f"{k}={v}" for k, v in overrides.items()])
    simulation = Simulation.from_case(case, comm=comm)
    set_up = time.process_time() - start
    simulation.run(begin)
    parts = simulation.problem.solver.timings.seconds
    first, before = len(simulation.rows), dict(parts)
    comm.Barrier()
    start, clock = time.process_time(), time.perf_counter()
    simulation.run(end)
    own = time.process_time() - start
    cpu, wall = comm.allreduce(own), time.perf_counter() - clock
    steps, nodes = len(simulation.rows) - first, simulation.problem.space.global_size
    peak = memory.read()
    total = comm.allreduce(peak or 0.0)
    grown = comm.allreduce((peak or 0.0) - (resident or 0.0))
    spent = {name: parts[name] - before.get(name, 0.0) for name in parts}
    split = sorted(((s, part) for part, s in spent.items()), reverse=True)
    listed = ", ".join(f"{part} {1e6 * s * comm.size / steps / nodes:.2f}" for s, part in split)
    worst = simulation.rows[-1].balance
    note = (
        f"t = {begin:g} to {end:g} s, {simulation.rows[-1]['grains']:.0f} grains, wall {wall:.1f} s"
        f"; us of all ranks per step and node: {listed}; memory {1024 * grown / nodes:.2f} kB per "
        f"node; elements balance to {max(worst.elements.values(), default=0.0):.0e}"
    )
    return Record(
        benchmark=label, method="interphase", unknowns=nodes, ranks=comm.size, steps=steps,
        cpu=cpu, spread=0.0, repeats=1, set_up=comm.allreduce(set_up), memory=total, note=note,
    )  # fmt: skip


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


def growth(comm: MPI.Comm) -> list[Record]:
    """Measure a planar film on wider and wider planes, all fields on. Collective.

    A film of 2 nm in the hold phase: the same work per node at any width, so what is left is how
    the parts grow with the number of nodes. The node count is the width over l/8 times 193.
    """
    rows = []
    for width in ("6.5 nm", "26 nm", "104 nm", "260 nm"):
        overrides = {
            "mesh.size": f"[{width}, 24 nm]",
            "initial": "{kind: planar_film, thickness: 2 nm, shares: {Li2EDC: 1.0}}",
            "drive.steps": "[{hold: 0.1 V, until: 6 h}]",
        }
        # The first second has short steps of its own.
        label = f"planar film, {width} wide"
        rows.append(film(comm, "mosaic_formation", overrides, 1.0, 100.0, label))
    return rows
