"""Linear solves of similar matrices: when a preconditioner is kept and when it is made anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.parameters.errors import ConvergenceError
from interphase.solvers import stiffness
from interphase.solvers.grid import blocks
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.stiffness import CellStiffness, ShiftedSystem, Workspace


@pytest.fixture
def space(comm: MPI.Comm) -> NodalSpace:
    return NodalSpace(rectangle(comm, (1.0, 1.0), 0.05))


class _Family:
    """Diffusion with a dense block of a given width, held at the top."""

    def __init__(self, space: NodalSpace) -> None:
        self._space = space
        self._stiffness = CellStiffness(space, tensor=False)
        self._system = ShiftedSystem(space, space.on_boundary("bulk"))

    def matrix(self, width: float, dense: float) -> Any:
        space = self._space
        inside = np.hypot(space.points[:, 0] - 0.5, space.points[:, 1] - 0.3) < width
        k = self._stiffness.cell_mean(space.full(np.where(inside, dense, 1.0))[None])[0]
        return self._system.build(self._stiffness.assemble(k), 1e-3 * space.mass)


@pytest.mark.parametrize("tensor", [False, True])
def test_stiffness_of_some_cells_is_that_of_no_conduction_elsewhere(
    space: NodalSpace, tensor: bool
) -> None:
    """Assembled over growing domains, K x is that of D = 0 in the cells left out."""
    dim, x = space.dim, space.points[:, 0] ** 2 + space.points[:, 1]
    whole, some = CellStiffness(space, tensor=tensor), CellStiffness(space, tensor=tensor)

    def coefficient(k: CellStiffness) -> Array:
        d = k.cell_mean(space.full(1.0 + space.points[:, 1])[None])[0]
        return d if not tensor else np.eye(dim)[:, :, None] * d

    for top in (0.3, 0.7):
        low = space.full((space.points[:, 1] < top).astype(np.float64)) > 0.5
        some.restrict(low)
        inside = low[space.cells].all(axis=1)
        expected = space.apply(whole.assemble(coefficient(whole) * inside), x)
        found = space.apply(some.assemble(coefficient(some)), x)
        assert space.max(np.abs(expected)) > 0.0
        assert space.max(np.abs(found - expected)) < 1e-12 * space.max(np.abs(expected))


def test_stiffness_found_block_by_block_is_that_of_all_cells(
    space: NodalSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also into a matrix that another field has used before."""
    monkeypatch.setattr(stiffness, "blocks", lambda count: blocks(count, 7))
    work = Workspace.of(space)
    CellStiffness(space, tensor=False, matrix=work.stiffness).assemble(np.ones(len(space.cells)))
    x = space.points[:, 0] ** 2 + space.points[:, 1]
    fields = np.stack([space.full(1.0 + space.points[:, 1]), space.full(x)])
    shared = CellStiffness(space, tensor=True, matrix=work.stiffness)
    own = CellStiffness(space, tensor=True)

    def law(means: Array) -> Array:
        return np.eye(space.dim)[:, :, None] * (means[0] + means[1] ** 2)

    found = space.apply(shared.assemble_law(fields, law), x)
    expected = space.apply(own.assemble(law(own.cell_mean(fields))), x)
    assert space.max(np.abs(expected)) > 0.0
    assert space.max(np.abs(found - expected)) < 1e-12 * space.max(np.abs(expected))


@pytest.mark.parametrize("kind", ["direct", "multigrid"])
def test_solutions_meet_the_tolerance_with_kept_and_new_preconditioners(
    space: NodalSpace, kind: str
) -> None:
    family = _Family(space)
    solver = LinearSolver(space, f"test_{kind}_", LinearOptions(kind=kind, rtol=1e-8))
    for width in (0.0, 0.02, 0.2, 0.21, 0.35):
        a = family.matrix(width, 1e-6)
        x = solver.solve(a, space.mass)
        residual = space.mass - space.apply(a, x)
        norm = np.sqrt(space.sum(residual**2) / space.sum(space.mass**2))
        # The true residual may lie above that of the recurrence by round-off of the held rows.
        assert norm < 2e-8


def test_factors_are_kept_while_they_serve(space: NodalSpace) -> None:
    family = _Family(space)
    solver = LinearSolver(space, "test_keep_", LinearOptions(kind="direct"))
    for dense in (0.5, 0.5001, 0.5002, 0.5003):
        solver.solve(family.matrix(0.2, dense), space.mass, rtol=1e-6)
    assert (solver.renewed, solver.given_up) == (1, 0)


def test_factors_that_never_serve_are_soon_not_tried_any_more(space: NodalSpace) -> None:
    """Every attempt costs some solves; with the waits 1, 3, 7, 15 few are made in vain."""
    family = _Family(space)
    solver = LinearSolver(space, "test_wait_", LinearOptions(kind="direct"))
    for step in range(30):
        dense, width = (1.0, 0.0) if step % 2 else (1e-9, 0.3)
        solver.solve(family.matrix(width, dense), space.mass, rtol=1e-8)
    assert solver.renewed == 30
    assert 1 <= solver.given_up <= 5


def test_factors_that_could_not_be_made_are_not_kept_for_the_next_matrix(space: NodalSpace) -> None:
    """A failed step is tried again, shorter: MUMPS ends the process if it is asked to use them."""
    family = _Family(space)
    solver = LinearSolver(space, "unmade", LinearOptions(kind="direct"))
    rhs = np.ones(space.size)
    solver.solve(family.matrix(0.2, 10.0), rhs)
    empty = family.matrix(0.2, 20.0)
    solver.restructure(empty)
    empty.zeroEntries()
    with pytest.raises(ConvergenceError, match="linear solve"):
        solver.solve(empty, rhs)
    matrix = family.matrix(0.2, 20.0)
    residual = space.apply(matrix, solver.solve(matrix, rhs)) - rhs
    assert space.max(np.abs(residual)) < 1e-5
