"""Whole cells in three dimensions against PyBaMM: one P2D with lumped heat, its own 2+1D pouch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from interphase.meshes.parallel import on_root
from interphase.parameters.case_p3d import P3DCase
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.control import Moment
from interphase.solvers.p3d.setup import build_cell

type Array = NDArray[np.float64]

POINTS: Final = {"x_n": 8, "x_s": 4, "x_p": 8, "r_n": 8, "r_p": 8}
"""Mesh of the pair, the same on both sides of a comparison."""

_DEPTH: Final = 8.0e-3
_TRANSFER: Final = 20.0
_AMBIENT: Final = 298.15


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A discharge, n times.

    Attributes:
        times: [s], (n,).
        voltage: [V], (n,).
        temperature: mean [K], (n,).
        spread: of the temperature between nodes [K], (n,).
        cpu: CPU time without building [s].
    """

    times: Array
    voltage: Array
    temperature: Array
    spread: Array
    cpu: float


def watch(cell: Cell3D, step: ControlStep) -> Course:
    """Run a step and note down what a comparison wants. Collective."""
    rows: list[tuple[float, float, float, float]] = []
    comm = cell.balance.places.cells.comm

    def note(cell: Cell3D, moment: Moment) -> None:
        found = cell.balance.heat.values
        low = comm.allreduce(float(found.min(initial=np.inf)), op=MPI.MIN)
        high = comm.allreduce(float(found.max(initial=-np.inf)), op=MPI.MAX)
        rows.append((cell.time, cell.voltage, cell.temperature, high - low))

    cell.observe = note
    start = time.process_time()
    cell.run(step)
    times, voltage, temperature, spread = np.array(rows).T
    return Course(times, voltage, temperature, spread, time.process_time() - start)


def uniform_case(kind: str, step: float) -> P3DCase:
    """Return a cell whose foils and heat conduct without end: one pair with lumped heat."""
    full = {"start": "0 mm", "width": "50 mm"}
    return P3DCase(
        kind="p3d",
        geometry={
            "shape": "pouch",
            "size": [f"{_DEPTH * 1e3} mm", "50 mm", "60 mm"],
            "cells": [2, 4, 4],
            "places": [1, 2, 2],
            "tabs": {"negative": {"side": "bottom", **full}, "positive": {"side": "top", **full}},
        },
        pair={
            "model": kind,
            "points": POINTS,
            "foil_share": 1.0,
            "rtol": 1e-6,
            "override": {
                "Negative current collector conductivity [S.m-1]": 1e12,
                "Positive current collector conductivity [S.m-1]": 1e12,
            },
        },
        heat={
            "stack": {"along": "1e5 W/m/K", "across": "1e5 W/m/K"},
            "cooling": {"front": {"transfer": f"{_TRANSFER} W/m^2/K"}},
        },
        drive={"experiment": ["Discharge at 1C until 2.7 V"]},
        time={"step": f"{step} s"},
    )


def lumped_reference(kind: str, times: Array) -> tuple[Array, Array]:
    """Return voltage [V] and temperature [K] of PyBaMM's model with lumped heat. For one rank."""
    import pybamm

    values = pybamm.ParameterValues("OKane2022")
    layers = ("Negative electrode", "Separator", "Positive electrode",
              "Negative current collector", "Positive current collector")  # fmt: skip
    depth = sum(values[f"{name} thickness [m]"] for name in layers)
    volume = depth * values["Electrode width [m]"] * values["Electrode height [m]"]
    values.update(
        {
            "Cell volume [m3]": volume,
            "Cell cooling surface area [m2]": volume / _DEPTH,
            "Total heat transfer coefficient [W.m-2.K-1]": _TRANSFER,
            "Lower voltage cut-off [V]": 2.4,
        },
        check_already_exists=False,
    )
    model = getattr(pybamm.lithium_ion, kind)({"thermal": "lumped"})
    solver = pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-9)
    simulation = pybamm.Simulation(
        model, parameter_values=values, var_pts=POINTS, solver=solver, C_rate=1.0
    )
    solution = simulation.solve([0.0, float(times[-1]) + 1.0])
    names = ("Voltage [V]", "Volume-averaged cell temperature [K]")
    voltage, temperature = (np.asarray(solution[name](times)) for name in names)
    return voltage, temperature


def compare_lumped(comm: MPI.Comm, kind: str = "DFN", step: float = 30.0) -> tuple[float, float]:
    """Return the largest differences of voltage [V] and temperature [K] over a discharge."""
    case = uniform_case(kind, step)
    cell = build_cell(case, comm)
    from interphase.solvers.p3d.setup import program_of

    course = watch(cell, program_of(case, cell.nominal_capacity)[0])
    voltage, temperature = on_root(comm, lambda: lumped_reference(kind, course.times))
    return (
        float(np.abs(course.voltage - voltage).max()),
        float(np.abs(course.temperature - temperature).max()),
    )


# Foils of a tenth of their conductivity: places that differ by more than the tolerances.
_THIN_FOILS: Final = {
    "Negative current collector conductivity [S.m-1]": 5.96e6,
    "Positive current collector conductivity [S.m-1]": 3.55e6,
}
_POUCH: Final[Mapping[str, float]] = {
    "Negative current collector surface heat transfer coefficient [W.m-2.K-1]": 5.0,
    "Positive current collector surface heat transfer coefficient [W.m-2.K-1]": 5.0,
    "Negative tab heat transfer coefficient [W.m-2.K-1]": 0.0,
    "Positive tab heat transfer coefficient [W.m-2.K-1]": 0.0,
    "Edge heat transfer coefficient [W.m-2.K-1]": 0.0,
    # tabs along whole edges, so that neither side has a corner of a tab: PyBaMM gives a tab the
    # width of the nodes that lie within it and a uniform current, here it is equipotential
    "Negative tab width [m]": 0.207,
    "Negative tab centre y-coordinate [m]": 0.1035,
    "Positive tab width [m]": 0.207,
    "Positive tab centre y-coordinate [m]": 0.1035,
    "Positive tab centre z-coordinate [m]": 0.0,
    **_THIN_FOILS,
}


def pouch_case(
    kind: str, side: int, cells: int, step: float, *, compiled: bool = False, rtol: float = 1e-6
) -> P3DCase:
    """Return one electrode pair of Marquis2019 as a cell, as PyBaMM's pouch has it."""
    return P3DCase(
        kind="p3d",
        geometry={
            "shape": "pouch",
            # 0.2 mm of layers with both foils whole
            "size": ["0.275 mm", "207 mm", "137 mm"],
            "cells": [1, cells, cells],
            "places": [1, side, side],
            "tabs": {
                "negative": {"side": "top", "start": "0 mm", "width": "207 mm"},
                "positive": {"side": "bottom", "start": "0 mm", "width": "207 mm"},
            },
        },
        pair={
            "model": kind,
            "parameters": "Marquis2019",
            "override": _THIN_FOILS,
            "points": POINTS,
            "foil_share": 1.0,
            "rtol": rtol,
            "compiled": compiled,
        },
        heat={
            "cooling": {
                "front": {"transfer": "5 W/m^2/K"},
                "back": {"transfer": "5 W/m^2/K"},
            },
        },
        drive={"experiment": ["Discharge at 1C for 30 minutes"]},
        time={"step": f"{step} s"},
    )


class PouchReference:
    """PyBaMM's 2+1D pouch with ``points`` nodes along each side, built once. For one rank."""

    def __init__(self, kind: str, points: int, rate: float = 1.0) -> None:
        import pybamm

        values = pybamm.ParameterValues("Marquis2019")
        values.update({**_POUCH, "Lower voltage cut-off [V]": 2.0})
        model = getattr(pybamm.lithium_ion, kind)(
            {"current collector": "potential pair", "dimensionality": 2, "thermal": "x-lumped"}
        )
        self._simulation = pybamm.Simulation(
            model,
            parameter_values=values,
            var_pts={**POINTS, "y": points, "z": points},
            solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
            C_rate=rate,
        )
        self._simulation.build()

    def course(self, times: Array) -> Course:
        """Return a discharge that is read at ``times`` [s]."""
        start = time.process_time()
        solution = self._simulation.solve(
            [0.0, float(times[-1])], t_interp=np.concatenate([[0.0], times])
        )
        cpu = time.process_time() - start
        temperature = np.asarray(solution["X-averaged cell temperature [K]"].entries)
        field = temperature.reshape(-1, temperature.shape[-1])[:, 1:]
        voltage = np.asarray(solution["Voltage [V]"].entries)[1:]
        mean = np.asarray(solution["Volume-averaged cell temperature [K]"].entries)[1:]
        return Course(times, voltage, mean, field.max(axis=0) - field.min(axis=0), cpu)


def compare_pouch(
    comm: MPI.Comm, kind: str, side: int, rate: float = 1.0, step: float = 30.0
) -> dict[str, Any]:
    """Compare ``side`` x ``side`` places with PyBaMM's pouch of as many nodes."""
    case = pouch_case(kind, side, 2 * side, step)
    cell = build_cell(case, comm)
    course = watch(cell, ControlStep("current", rate * cell.nominal_capacity, 1800.0 / rate))
    other = on_root(comm, lambda: PouchReference(kind, side, rate).course(course.times))
    return {
        "voltage": float(np.abs(course.voltage - other.voltage).max()),
        "temperature": float(np.abs(course.temperature - other.temperature).max()),
        "spread": float(course.spread[-1]),
        "expected_spread": float(other.spread[-1]),
        "cpu": course.cpu,
        "expected_cpu": other.cpu,
    }
