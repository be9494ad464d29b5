"""Carriers near rest, a jump of the current, a reservoir that dries out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from scipy.optimize import brentq

from interphase.meshes.builders import interval
from interphase.parameters.constants import FARADAY
from interphase.parameters.program import Drive
from interphase.scripts.verification.film import SOLID, TEMPERATURE, boltzmann, film_model, thermal
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import planar_film
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import Books

NM = 1e-9
pytestmark = pytest.mark.mpi


@pytest.mark.parametrize(("held", "damkohler"), [(0.1, 1.0), (0.128, 1.0), (0.1, 1000.0)])
def test_carriers_near_rest_cross_a_film_as_in_the_sharp_problem(
    comm: MPI.Comm, held: float, damkohler: float
) -> None:
    """R1 is at rest at 0.13 V. Its carriers once had the electrode's affinity, their sink none."""
    permeability, thickness, rest = 2.4e-13, 8 * NM, 0.13
    rate = damkohler * permeability / NM / 2.0
    model = film_model(carrier_rate=rate, permeability=permeability)
    reactions = replace(model.reactions, equilibrium_potential=np.array([rest]))
    space = NodalSpace(interval(comm, 14 * NM, NM / 8))
    solver = FilmSolver(space, replace(model, reactions=reactions))
    before = state = planar_film(solver, thickness, {SOLID: 1.0})
    for _ in range(24):
        before = state
        state, _ = solver.step(state, 1e-3, Drive(held, 0.0, TEMPERATURE))
    per_step = 1.0 / (1e-3 * space.geometry.area)
    # D c (1 - y)/L = k (y - r^2/y) with k l = Da D c, y = c/c(electrode), r its value at rest
    r = float(np.exp(-FARADAY * (rest - held) / thermal()))
    y = brentq(lambda y: (1.0 - y) * NM / thickness - damkohler * (y - r * r / y), 1e-3, 1.0)
    sharp = permeability * boltzmann(held) * (1.0 - y) / thickness
    flux = (state.books.electrons_carrier - before.books.electrons_carrier) * per_step
    grown = 2.0 * float(state.books.extents[0] - before.books.extents[0]) * per_step
    assert flux == pytest.approx(sharp, rel=0.03)
    assert grown == pytest.approx(sharp, rel=0.03)


def test_a_film_in_equilibrium_with_its_carriers_neither_grows_nor_dissolves(
    comm: MPI.Comm,
) -> None:
    permeability = 2.4e-13
    model = film_model(carrier_rate=1e3 * permeability / NM / 2.0, permeability=permeability)
    reactions = replace(model.reactions, equilibrium_potential=np.array([0.13]))
    space = NodalSpace(interval(comm, 14 * NM, NM / 8))
    solver = FilmSolver(space, replace(model, reactions=reactions))
    state = planar_film(solver, 8 * NM, {SOLID: 1.0})
    for _ in range(3):
        state, _ = solver.step(state, 1e-3, Drive(0.13, 0.0, TEMPERATURE))
    grown = 2.0 * float(state.books.throughput[0]) / (3e-3 * space.geometry.area)
    # Against what the film lets through.
    assert grown < 1e-3 * permeability * boltzmann(0.13) / (8 * NM)


def test_after_a_jump_of_the_current_the_potential_is_that_of_the_new_one(comm: MPI.Comm) -> None:
    """It was once averaged over the steps that had waited: -2.3 mV instead of -16 mV."""
    model = film_model(rate=1e-9, decay=2.0 / NM, transport=("ionic_potential",))
    solver = FilmSolver(NodalSpace(interval(comm, 14 * NM, NM / 8)), model)
    state = planar_film(solver, 8 * NM, {SOLID: 1.0})
    while state.clock.elapsed < 30.0:
        state, _ = solver.step(state, 10.0, Drive(0.1, 0.0, TEMPERATURE))
    for _ in range(2):
        state, _ = solver.step(state, 10.0, Drive(0.1, 10.0, TEMPERATURE))
        found = solver.space.sum(np.where(solver.electrode, state.potential, 0.0))
        assert found == pytest.approx(-10.0 * 8 * NM / 5e-6, rel=0.01)


def test_a_reservoir_loses_volume_with_its_solvent_and_concentrates_the_salt(
    comm: MPI.Comm,
) -> None:
    model = film_model(rate=1e-9, decay=2.0 / NM, transport=("solvent", "salt"))
    model = replace(model, reservoir_depth=1e-6)
    solver = FilmSolver(NodalSpace(interval(comm, 8 * NM, NM / 8)), model)
    assert model.solvent is not None and model.salt is not None
    state = planar_film(solver, 2 * NM, {SOLID: 1.0})
    stock = model.solvent.reservoir * 1e-6 * solver.space.geometry.area
    # R1 uses two EC: half of all
    half = Books(np.array([0.25 * stock]), np.array([0.25 * stock]))
    state = replace(state, books=half)
    for _ in range(2):
        state, _ = solver.step(state, 1e-9, Drive(0.1, 0.0, TEMPERATURE))
    volume = 1.0 - 0.5 * model.solvent.reservoir * model.solvent_volume
    assert state.wetted == pytest.approx(volume, rel=1e-6)
    assert state.reservoir == pytest.approx(0.5 / volume, rel=1e-6)
    top = solver.space.max(state.salt_level * solver.space.on_boundary("bulk"))
    assert top == pytest.approx(1.0 / volume, rel=1e-6)
