"""Fast transforms do exactly what the assembled matrices do."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import box, interval, rectangle
from interphase.meshes.geometry import Geometry
from interphase.meshes.refinement import Grading
from interphase.solvers import cosine, grid
from interphase.solvers.cosine import BoxModes
from interphase.solvers.polynomial import IterativePolynomial
from interphase.solvers.space import NodalSpace

SELF = MPI.COMM_SELF


def twice_periodic(cell: str) -> Geometry:
    geometry = rectangle(SELF, (6.0, 6.0), 0.5, cell=cell, depth=1.0)
    return replace(geometry, periods=((0, 6.0), (1, 6.0)))


BOXES = {
    "line": lambda: interval(SELF, 3.0, 0.25, depth=1.0),
    "mirror": lambda: rectangle(SELF, (4.0, 3.0), 0.25, periodic=(), depth=2.0),
    "periodic": lambda: rectangle(SELF, (4.0, 3.0), 0.25, periodic=(0,), depth=2.0),
    "twice periodic": lambda: twice_periodic("quadrilateral"),
    "twice periodic triangles": lambda: twice_periodic("triangle"),
    "box": lambda: box(SELF, (2.0, 1.5, 1.0), 0.25, periodic=(0,)),
}


@pytest.mark.parametrize("by_position", [False, True])
@pytest.mark.parametrize("name", BOXES)
def test_modes_invert_the_assembled_polynomial(
    name: str, by_position: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in blocks that do not divide the grid, and with the unknowns in its order."""
    monkeypatch.setattr(cosine, "BLOCK", 60)
    monkeypatch.setattr(grid, "BLOCK", 60)
    space = NodalSpace(BOXES[name](), by_position=by_position)
    modes = BoxModes.of(space)
    assert modes is not None
    rhs = np.random.default_rng(3).normal(size=space.size)
    q0, q1, q2 = 2.0, 0.3, 0.05
    x = modes.solve((q0, q1, q2), rhs.copy())
    once = space.apply(space.laplacian, x) / space.mass
    again = space.apply(space.laplacian, once) / space.mass
    assert q0 * x + q1 * once + q2 * again == pytest.approx(rhs, abs=1e-11)
    assert modes.times(rhs) == pytest.approx(
        space.apply(space.laplacian, rhs) / space.mass, abs=1e-12 * modes.eigenvalues.max()
    )


def test_held_faces_stay_zero_and_the_rest_is_solved() -> None:
    space = NodalSpace(rectangle(SELF, (4.0, 3.0), 0.25, cell="triangle", depth=1.0))
    held = space.on_boundary("electrode") | space.on_boundary("bulk")
    modes = BoxModes.of(space, held)
    assert modes is not None
    rhs = np.random.default_rng(4).normal(size=space.size) * ~held
    x = modes.solve((2.0, 0.3, 0.0), rhs.copy())
    left = 2.0 * x + 0.3 * space.apply(space.laplacian, x) / space.mass
    assert np.abs(x[held]).max() == 0.0
    assert left[~held] == pytest.approx(rhs[~held], abs=1e-12)


def test_what_is_no_uniform_box_is_refused() -> None:
    graded = rectangle(SELF, (4.0, 8.0), 0.25, grading=Grading(2.0, 1.2), depth=1.0)
    assert BoxModes.of(NodalSpace(graded)) is None
    # The corners of triangulated mirrors have other masses than the modes need.
    triangles = rectangle(SELF, (4.0, 3.0), 0.25, cell="triangle", periodic=(), depth=1.0)
    assert BoxModes.of(NodalSpace(triangles)) is None


def test_one_held_face_is_refused() -> None:
    space = NodalSpace(rectangle(SELF, (4.0, 3.0), 0.25, depth=1.0))
    assert BoxModes.of(space, space.on_boundary("electrode")) is None


def test_iteration_agrees_with_the_modes() -> None:
    space = NodalSpace(rectangle(SELF, (4.0, 3.0), 0.25, depth=1.0))
    modes, iteration = BoxModes.of(space), IterativePolynomial(space)
    assert modes is not None
    rhs = np.random.default_rng(5).normal(size=space.size)
    for polynomial in ((2.0, 0.3, 0.0), (2.0, 0.3, 0.05), (0.01, 1.0, 2.0)):
        x = modes.solve(polynomial, rhs.copy())
        assert iteration.solve(polynomial, rhs) == pytest.approx(x, abs=1e-6 * np.abs(x).max())


@pytest.mark.mpi
def test_iteration_solves_on_any_number_of_ranks(comm: MPI.Comm) -> None:
    space = NodalSpace(rectangle(comm, (4.0, 3.0), 0.25, depth=1.0))
    rhs = np.cos(np.pi * space.points[:, 1] / 3.0) + 0.5
    x = IterativePolynomial(space).solve((2.0, 0.3, 0.05), rhs)
    once = space.apply(space.laplacian, x) / space.mass
    again = space.apply(space.laplacian, once) / space.mass
    assert 2.0 * x + 0.3 * once + 0.05 * again == pytest.approx(rhs, abs=1e-6)
