"""Limits of whole cells: analytic fields, books, ranks, and PyBaMM's own models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI

from interphase.meshes.cell3d import CellGrid, distribute
from interphase.meshes.cell3d_box import Tab, block_grid
from interphase.meshes.cell3d_roll import roll_grid
from interphase.meshes.parallel import global_max
from interphase.models.cell.layers import cell_layers
from interphase.models.cell.spec import CellSpec
from interphase.models.thermal import Held, Material
from interphase.parameters.case_p3d import P3DCase
from interphase.scripts.verification.check import Check, absolute, relative, worst
from interphase.scripts.verification.p3d_cells import (
    compare_lumped,
    compare_pouch,
)
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.collectors import CollectorField
from interphase.solvers.p3d.control import Moment
from interphase.solvers.p3d.heat import HeatField
from interphase.solvers.p3d.linear_places import LinearPair, LinearPlaces
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.setup import build_cell

_SIZE: Final = (0.01, 0.04, 0.1)
_TABS: Final = {"tab_negative": Tab("top", 0.0, 0.04), "tab_positive": Tab("bottom", 0.0, 0.04)}
_STACK: Final = {"stack": Material(25.0, 1.1, 1.7e6)}
_HEAT: Final = 1.0e5
ORDER_TOLERANCE: Final = 0.1
"""Of the order between the two finer meshes; the next term of the error is what is left."""


def heat_of_a_block(comm: MPI.Comm) -> Check:
    """Uniform heat between two cold faces, T = T0 + q x (d - x)/(2 k): order in the mesh size."""

    def error(count: int) -> float:
        cells = lambda: block_grid(_SIZE, (count, 2, 2), _TABS, (1, 2, 2))  # noqa: E731
        faces = {"front": Held(300.0), "back": Held(300.0)}
        return _heat_error(
            comm, cells, faces,
            lambda x: 300.0 + _HEAT / 2.2 * x[0] * (_SIZE[0] - x[0]), f"block{count}",
        )  # fmt: skip

    return _order("P3D-heat order of T, heated block", error, (4, 8, 16))


def heat_of_a_roll(comm: MPI.Comm) -> Check:
    """Uniform heat in a roll with a cold mantle and an insulated mandrel: order."""
    inner, outer = 2.0e-3, 1.0e-2

    def exact(x: Any) -> Any:
        square = x[0] ** 2 + x[1] ** 2
        inside = outer**2 - square + inner**2 * ufl.ln(square / outer**2)
        return 300.0 + _HEAT / 4.4 * inside

    def error(count: int) -> float:
        cells = lambda: roll_grid((inner, outer), 0.05, (4 * count, 12 * count, 2), 4)  # noqa: E731
        return _heat_error(comm, cells, {"side": Held(300.0)}, exact, f"roll{count}")

    return _order("P3D-roll order of T, heated roll", error, (2, 4, 8))


def _heat_error(
    comm: MPI.Comm,
    make: Callable[[], CellGrid],
    faces: dict[str, Held],
    exact: Callable[[Any], Any],
    name: str,
) -> float:
    places = PlaceMap(distribute(comm, make))
    heat = HeatField(places, _STACK, dict(faces), 300.0, name=f"verify_{name}")
    heat.steady(heat.place_load(np.full(places.size, _HEAT)))
    x = ufl.SpatialCoordinate(heat.space.mesh)
    square = (heat.function - exact(x)) ** 2 * ufl.dx(metadata={"quadrature_degree": 6})
    own = fem.assemble_scalar(fem.form(square))
    return float(np.sqrt(comm.allreduce(own, op=MPI.SUM)))


def _order(name: str, error: Callable[[int], float], counts: tuple[int, ...]) -> Check:
    errors = [error(count) for count in counts]
    return absolute(name, 2.0, float(np.log2(errors[-2] / errors[-1])), ORDER_TOLERANCE)


def current_crowding(comm: MPI.Comm) -> Check:
    """Tabs over both ends, i = -w/R with w'' = w/l^2: order of the places' current densities."""
    layers = cell_layers(CellSpec())
    resistance, current, height = 1.0e-5, 200.0, _SIZE[2]
    negative, positive = (current / (_SIZE[0] * _SIZE[1] * s) for s in layers.sheet_conductivity)
    length = np.sqrt(resistance * layers.period / sum(1.0 / s for s in layers.sheet_conductivity))
    sine = length * positive
    cosine = -(length * negative + sine * np.cosh(height / length)) / np.sinh(height / length)

    def error(count: int) -> float:
        cells = distribute(comm, lambda: block_grid(_SIZE, (1, 1, count), _TABS, (1, 1, count)))
        places = PlaceMap(cells)
        space = fem.functionspace(cells.mesh, ("Lagrange", 1))
        field = CollectorField(places, layers, {}, 0.0, space, f"verify_crowding{count}")
        field.set_resistance(np.full(places.size, resistance))
        field.prepare(np.zeros(places.size), np.full(places.size, 3.7))
        density = field.flow(current).density
        low, high = ((places.centre[:, 2] + s * height / count / 2) / length for s in (-1, 1))
        integral = cosine * (np.sinh(high) - np.sinh(low)) + sine * (np.cosh(high) - np.cosh(low))
        expected = -integral / (high - low) / resistance
        return global_max(comm, np.abs(density - expected))

    return _order("P3D-crowding order of i beside tabs", error, (32, 64, 128))


def _linear_cell(comm: MPI.Comm) -> Cell3D:
    case = P3DCase(
        kind="p3d",
        geometry={
            "shape": "pouch",
            "size": ["6 mm", "80 mm", "120 mm"],
            "cells": [2, 8, 12],
            "places": [1, 4, 6],
            "tabs": {
                "negative": {"side": "top", "start": "10 mm", "width": "20 mm", "length": "10 mm"},
                "positive": {"side": "top", "start": "50 mm", "width": "20 mm", "length": "10 mm"},
            },
        },
        pair={"model": "SPM"},
        heat={"cooling": {"left": {"transfer": "60 W/m^2/K"}}},
        drive={"experiment": ["Rest for 1 minute"], "contact_resistance": "0.1 mohm"},
    )
    return build_cell(case, comm, lambda places: LinearPlaces(LinearPair(), places.size))


def books(comm: MPI.Comm) -> tuple[Check, ...]:
    """Current, power and heat of a 3C pulse: largest relative imbalance."""
    cell = _linear_cell(comm)
    moments: list[Moment] = []
    cell.observe = lambda cell, moment: moments.append(moment)
    cell.run(ControlStep("current", 3.0 * cell.nominal_capacity, 300.0))
    current = max(m.trial.flow.current_imbalance for m in moments)
    power = max(m.trial.flow.power_imbalance for m in moments)
    heat = max(m.books.imbalance for m in moments)
    return (
        absolute("P3D-books current, relative", 0.0, current, 1e-8),
        absolute("P3D-books power, relative", 0.0, power, 1e-8),
        absolute("P3D-books heat, relative", 0.0, heat, 1e-6),
    )


def ranks(comm: MPI.Comm) -> Check:
    """Current densities on all ranks against one rank, relative."""
    found = []
    for some in (MPI.COMM_SELF, comm):
        cell = _linear_cell(some)
        cell.run(ControlStep("current", 3.0 * cell.nominal_capacity, 300.0))
        found.append(comm.bcast(cell.balance.places.gather(cell.balance.density)))
    alone, shared = found
    error = np.abs(shared / alone - 1.0)
    at = int(error.argmax())
    return worst(
        "P3D-ranks i [A/m2], all ranks against one",
        float(alone[at]), float(shared[at]), float(error[at]), 1e-8,
    )  # fmt: skip


def lumped(comm: MPI.Comm) -> tuple[Check, ...]:
    """Ideal foils and heat conduction: one SPM with lumped heat, over a 1C discharge at 30 s."""
    return _lumped(comm, "SPM")


def lumped_dfn(comm: MPI.Comm) -> tuple[Check, ...]:
    """The same with a DFN."""
    return _lumped(comm, "DFN")


def _lumped(comm: MPI.Comm, kind: str) -> tuple[Check, ...]:
    voltage, temperature = compare_lumped(comm, kind)
    return (
        absolute(f"P3D-lumped {kind} largest difference of V [V]", 0.0, voltage, 1e-3),
        absolute(f"P3D-lumped {kind} largest difference of T [K]", 0.0, temperature, 0.1),
    )


def pouch_spm(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's 2+1D pouch, SPM, 25 and 100 places, 1C for half an hour."""
    checks: list[Check] = []
    for side in (5, 10):
        found = compare_pouch(comm, "SPM", side)
        name = f"P3D-pouch SPM {side * side} places"
        checks += [
            absolute(f"{name} largest difference of V [V]", 0.0, found["voltage"], 2e-3),
            relative(f"{name} spread of T [K]", found["expected_spread"], found["spread"], 0.03),
        ]
    return tuple(checks)


def pouch_spme(comm: MPI.Comm) -> tuple[Check, ...]:
    """The voltage of the same with an SPMe.

    Not the spread: in PyBaMM's pouch an SPMe sets free more Ohmic heat within the layers than
    PyBaMM's own SPMe does at the same current (`scripts/cases/p3d.md` has the figures).
    """
    return tuple(
        absolute(
            f"P3D-pouch SPMe {side * side} places largest difference of V [V]",
            0.0,
            compare_pouch(comm, "SPMe", side)["voltage"],
            2e-3,
        )
        for side in (5, 10)
    )
