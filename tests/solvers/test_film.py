"""One step of the film: what went wrong once and must not again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.models.interpolation import profile, signed_distance
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.solvers.film import FilmSolver
from interphase.solvers.front import FrontStepper, front_geometry
from interphase.solvers.initial import film_state, planar_film
from interphase.solvers.linear import LinearOptions
from interphase.solvers.nucleation import Seed
from interphase.solvers.schemes import BackwardEuler
from interphase.solvers.space import NodalSpace

NM = 1e-9
HOLD = Drive(0.3, 0.0, 298.15)
pytestmark = pytest.mark.mpi


def _model(**case: object) -> SEIGrowth:
    return build_model(
        ModelCase(**case), load_table("graphite_carbonate"), Seeds(law="poisson", seed=1)
    )


def test_a_film_thinner_than_the_interface_is_not_drawn_to_the_wall(comm: MPI.Comm) -> None:
    """With no flux of phi at the electrode a film of 0.25 l dissolved within one step."""
    space = NodalSpace(interval(comm, 4 * NM, 0.125 * NM))
    model = replace(_model(deposition="proportional"), nucleation=None)
    solver = FilmSolver(space, model)
    state = planar_film(solver, 0.25 * NM, {"Li2EDC": 1.0})
    before = space.integral(state.phi)
    state, _ = solver.step(state, 1e-3, Drive(0.6, 0.0, 298.15))
    grown = (space.integral(state.phi) - before) / space.geometry.area
    assert 0.0 < grown < 0.01 * NM


def test_a_seed_takes_nothing_from_the_film_it_touches(comm: MPI.Comm) -> None:
    """A seed once turned the liquid ahead of the film beside it into its own phase."""
    space = NodalSpace(rectangle(comm, (12 * NM, 5 * NM), 0.125 * NM, periodic=(0,)))
    solver = FilmSolver(space, _model())
    x, y = space.points[:, 0], space.points[:, 1]
    shares = np.zeros((4, space.size))
    organic = solver.model.solids.index("Li2EDC")
    shares[organic] = 1.0
    phi = np.minimum(profile(y - 1.0 * NM, NM), profile(np.abs(x - 6 * NM) - 3 * NM, NM))
    state = film_state(solver, phi, shares)
    lif = solver.model.solids.index("LiF")
    assert solver.nucleator is not None
    seeded, placed = solver.nucleator.place(state, [Seed((10.75 * NM, 0.0, 0.0), lif)], NM)
    lost = space.integral(state.phi * state.shares[organic]) - space.integral(
        seeded.phi * seeded.shares[organic]
    )
    assert seeded.grains == len(placed) == 1
    assert abs(lost) < 1e-12 * space.integral(state.phi * state.shares[organic])


def test_a_step_leaves_the_given_state_alone(comm: MPI.Comm) -> None:
    space = NodalSpace(interval(comm, 8 * NM, 0.125 * NM))
    solver = FilmSolver(space, replace(_model(deposition="proportional"), nucleation=None))
    state = planar_film(solver, 2 * NM, {"Li2EDC": 0.5, "Li2CO3": 0.5})
    copies = {k: v.copy() for k, v in vars(state).items() if isinstance(v, np.ndarray)}
    solver.step(state, 1.0, HOLD)
    for name, copy in copies.items():
        assert np.array_equal(getattr(state, name), copy), name


def test_resistance_of_a_flat_film_is_thickness_over_conductivity(comm: MPI.Comm) -> None:
    """Traces of liquid in the film and the parallel mean at the front once short-cut it."""
    space = NodalSpace(rectangle(comm, (2 * NM, 12 * NM), 0.125 * NM, periodic=(0,)))
    solver = FilmSolver(space, _model())
    state = planar_film(solver, 5 * NM, {"Li2EDC": 1.0})
    assert solver.potential is not None and solver.model.conduction is not None
    found = solver.potential.resistance(
        solver.model.conduction, state.phi, state.shares, state.pore
    )
    assert found == pytest.approx(5 * NM / 5e-6, rel=0.01)


def test_closed_pores_do_not_conduct(comm: MPI.Comm) -> None:
    space = NodalSpace(interval(comm, 12 * NM, 0.125 * NM))
    solver = FilmSolver(space, replace(_model(deposition="proportional"), nucleation=None))
    assert solver.potential is not None and solver.model.conduction is not None
    found = []
    for share in (1.0, 0.73, 0.5):
        state = planar_film(solver, 5 * NM, {"Li2CO3": share})
        found.append(
            solver.potential.resistance(
                solver.model.conduction, state.phi, state.shares, state.pore
            )
        )
    assert found[1] > found[0] and found[2] < 1e-2 * found[0]


def test_a_stray_speed_off_the_front_does_not_move_the_film(comm: MPI.Comm) -> None:
    """A neck between two fronts once had a speed of its own, and the whole film grew by 1 nm."""
    space = NodalSpace(rectangle(comm, (2 * NM, 8 * NM), 0.125 * NM, periodic=(0,)))
    solver = FilmSolver(space, _model())
    phi = profile(space.points[:, 1] - 3 * NM, NM)
    geometry = front_geometry(space, solver.graph, signed_distance(phi, NM), NM)
    speed = np.where(geometry.band, 1e-12, 0.0)
    stray = np.where(np.abs(geometry.distance + 2 * NM) < 0.07 * NM, 1e-6, speed)
    stepper = FrontStepper(space, solver.model.front, LinearOptions(), rtol=1e-8, prefix="test_")
    moved = [
        stepper.step(BackwardEuler(), 50.0, phi, phi, 0.0, geometry, v) for v in (speed, stray)
    ]
    difference = space.integral(moved[1] - moved[0]) / space.geometry.area
    assert abs(difference) < 1e-4 * NM


def test_a_growth_that_was_taken_back_leaves_no_carriers_ahead_of_the_film(comm: MPI.Comm) -> None:
    """After a leap that was refused the next solve ran out to its top, where nothing conducts."""
    space = NodalSpace(rectangle(comm, (4 * NM, 40 * NM), 0.25 * NM, periodic=(0,)))
    drive, found = Drive(0.1, 0.0, 298.15), []
    for tried in ([], [25 * NM]):
        solver = FilmSolver(space, replace(_model(transport=()), nucleation=None))
        for thickness in tried:
            solver.step(planar_film(solver, thickness, {"Li2CO3": 1.0}), 10.0, drive)
        state, _ = solver.step(planar_film(solver, 4 * NM, {"Li2CO3": 1.0}), 10.0, drive)
        found.append(state.carrier)
    assert space.max(np.abs(found[1] - found[0])) < 1e-9
