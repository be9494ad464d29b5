"""Internal fronts, and columns of product in a mixture: how they rise and widen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.models.interpolation import logistic
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.solvers.conversion import (
    FARTHEST,
    Converted,
    FilmView,
    FrontConversion,
    MixtureConversion,
    surroundings,
)
from interphase.solvers.film import FilmSolver
from interphase.solvers.graph import NodeGraph
from interphase.solvers.initial import planar_film
from interphase.solvers.space import Array, NodalSpace

NM = 1e-9
pytestmark = pytest.mark.mpi


def _model() -> SEIGrowth:
    case = ModelCase(deposition="proportional", transport=())
    return build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))


def _converted(comm: MPI.Comm, part: Array, way: float, spacing: float) -> tuple[Array, Array]:
    """Return (height, the product's part) after a step in which R4's boundaries go ``way`` [m]."""
    space = NodalSpace(interval(comm, 8 * NM, 0.125 * NM))
    model = _model()
    set_, z = model.reactions, space.points[:, 0]
    conversion = MixtureConversion(space, NodeGraph(space), set_.names.index("R4"), set_, spacing)
    shares = np.zeros((len(model.solids), space.size))
    start = np.interp(z, np.linspace(0.0, 8 * NM, part.size), part)
    shares[conversion.pair.product] = conversion.pair.ratio * start
    shares[conversion.pair.reactant] = 1.0 - start
    one = np.ones(space.size)
    view = FilmView(one, shares, 0.0 * one, 0.0 * one, 0.1 * one, one, one, NM, 1.0)
    tunnelling, _ = set_.rates(conversion.reaction, surroundings(view, 0.0 * one, 0.0 * one))
    view = replace(view, step=way / float(tunnelling[0] * conversion.pair.volume))
    done = conversion.advance(set_, view, 0.0 * one)
    return z, start + done.extent * conversion.pair.volume


def test_a_boundary_that_rises_stays_one_cell_wide_and_keeps_its_speed(comm: MPI.Comm) -> None:
    """Upwind differences spread it over a cell for every few that it crossed."""
    space = NodalSpace(interval(comm, 8 * NM, 0.125 * NM))
    graph, z = NodeGraph(space), space.points[:, 0]
    f = start = np.where(z < 2 * NM, 1.0, 0.3)
    for _ in range(100):
        f = graph.rise(f, np.full(space.size, 0.3 * 0.125 * NM))
    between = (f > 0.3 + 1e-9) & (f < 1.0 - 1e-9)
    risen = space.integral(f - start) / (0.7 * space.geometry.area)
    assert risen == pytest.approx(30 * 0.125 * NM, rel=1e-9)
    assert space.sum(between * 1.0) <= 1.0


@pytest.mark.parametrize("cell", ["quadrilateral", "triangle"])
def test_an_oblique_boundary_rises_at_its_speed_between_its_bounds(
    comm: MPI.Comm, cell: str
) -> None:
    space = NodalSpace(rectangle(comm, (4 * NM, 8 * NM), 0.125 * NM, cell=cell, periodic=(0,)))
    graph, (x, y) = NodeGraph(space), space.points[:, :2].T
    f = start = np.where(y < 2 * NM + 0.4 * NM * np.cos(2 * np.pi * x / (4 * NM)), 0.9, 0.2)
    for _ in range(80):
        f = graph.rise(f, np.full(space.size, 0.2 * 0.125 * NM))
    assert space.max(f) <= 0.9 + 1e-12
    assert space.max(-f) <= -0.2 + 1e-12
    # Huygens' front, by the highest of the circles about its points.
    a = np.linspace(-4.0, 8.0, 3001)
    level = 2.0 + 0.4 * np.cos(2 * np.pi * a / 4.0)
    circles = np.maximum(
        4.0 - (a[None] - np.linspace(0.0, 4.0, 100, endpoint=False)[:, None]) ** 2, 0
    )
    exact = (np.where(circles > 0, level + np.sqrt(circles), 0.0).max(axis=1).mean() - 2.0) * NM
    risen = space.integral(f - start) / (0.7 * space.geometry.area)
    assert risen == pytest.approx(exact, rel=0.05)


def test_columns_do_not_overtake_those_they_rise_from(comm: MPI.Comm) -> None:
    """In steps of several cells they once ran away to pure product, and shut a mixture."""
    part = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    z, now = _converted(comm, part, 1.0 * NM, spacing=1.0)
    expected = np.interp(z - 1.0 * NM, np.linspace(0.0, 8 * NM, part.size), part)
    away = z > 1.2 * NM
    assert now[~away].max(initial=0.0) <= 0.9 + 1e-9
    assert now[away] == pytest.approx(expected[away], abs=0.015)


def test_columns_widen_as_their_boundaries_with_the_reactant_move(comm: MPI.Comm) -> None:
    z, now = _converted(comm, np.array([1.0, 1.0, 0.5, 0.5, 0.5]), 0.01 * NM, spacing=10 * NM)
    here = z > 5 * NM
    # Columns that fill the film but for the pores they opened: dx/dt = 4 v f x (1 - x)/spacing.
    ratio = 2 * 3.5e-5 / 9.585e-5
    f = ratio / (0.5 + 0.5 * ratio) ** 2
    expected = 0.5 + 0.25 * 4 * 0.01 * NM * f / (10 * NM)
    assert now[here] == pytest.approx(expected, abs=1e-6)


def test_a_film_of_columns_grows_alike_on_half_the_mesh(comm: MPI.Comm) -> None:
    """On cells of l/16 the compact layer shut in half the time, and the film was 1.5 % thinner."""
    found = []
    for cells in (8, 16):
        space = NodalSpace(interval(comm, 16 * NM, NM / cells))
        solver = FilmSolver(space, _model())
        state = planar_film(solver, 10 * NM, {"LiF": 0.1, "Li2CO3": 0.6, "Li2EDC": 0.3})
        for step in (1.0, 10.0, 60.0, *([240.0] * 15)):
            state, _ = solver.step(state, step, Drive(0.12, 0.0, 298.15))
        found.append(space.integral(state.phi) / space.geometry.area)
    assert found[1] == pytest.approx(found[0], rel=2e-3)
    assert found[1] > 11.2 * NM


def _moved(comm: MPI.Comm, way: float) -> tuple[Converted, float]:
    """Return what a front of R4 at 3 nm does that goes ``way`` [m], and how far it went [m]."""
    space = NodalSpace(interval(comm, 8 * NM, 0.125 * NM))
    model, z, one = _model(), space.points[:, 0], np.ones(space.size)
    set_ = model.reactions
    conversion = FrontConversion(space, NodeGraph(space), set_.names.index("R4"), set_)
    pair, x = conversion.pair, logistic(3 * NM - z, NM)
    shares = np.zeros((len(model.solids), space.size))
    shares[pair.product], shares[pair.reactant] = pair.ratio * x, 1.0 - x
    view = FilmView(one, shares, 0.0 * one, 0.0 * one, 0.1 * one, one, one, NM, 1.0)
    tunnelling, _ = set_.rates(conversion.reaction, surroundings(view, 0.0 * one, 0.0 * one))
    view = replace(view, step=way / float(tunnelling[0] * pair.volume))
    done = conversion.advance(set_, view, conversion.locate(view))
    used = space.integral(done.extent) * pair.volume / space.geometry.area
    return done, used


def test_an_internal_front_goes_its_way_and_says_so(comm: MPI.Comm) -> None:
    done, used = _moved(comm, 0.2 * NM)
    assert used == pytest.approx(0.2 * NM, rel=0.01)
    assert done.displacement == pytest.approx(0.2 * NM, rel=1e-6)
    assert done.usual == pytest.approx(0.2 * NM, rel=1e-6)
    assert done.held == 0.0


def test_an_internal_front_that_wants_to_go_far_is_held_and_says_so(comm: MPI.Comm) -> None:
    """What it wanted is told: steps are halved by it, leaps are refused by how much is held."""
    done, used = _moved(comm, 2.0 * NM)
    assert used == pytest.approx(FARTHEST * NM, rel=0.01)
    assert done.displacement == pytest.approx(2.0 * NM, rel=1e-6)
    assert done.held == 1.0


def test_stages_add_up_and_the_largest_way_is_told() -> None:
    one, other = (
        Converted(np.array([1.0, 0.0]), np.array([1.0, 1.0]), 3.0, 2.0, 0.0),
        Converted(np.array([3.0, 0.0]), np.array([0.0, 1.0]), 1.0, 1.0, 0.5),
    )
    both = Converted.together([one, other])
    np.testing.assert_array_equal(both.extent, [4.0, 0.0])
    np.testing.assert_array_equal(both.tunnelling, [0.25, 1.0])
    assert (both.displacement, both.usual, both.held) == (3.0, 2.0, 0.5)
