"""Upwind operators: eikonal and extension along normals."""

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.solvers.graph import NodeGraph
from interphase.solvers.space import NodalSpace

NM = 1e-9
pytestmark = pytest.mark.mpi


def _space(comm: MPI.Comm, cell: str = "quadrilateral") -> NodalSpace:
    return NodalSpace(rectangle(comm, (4 * NM, 2 * NM), 0.125 * NM, cell=cell, periodic=(0,)))


@pytest.mark.parametrize("cell", ["quadrilateral", "triangle"])
def test_action_over_a_flat_electrode_is_exact(comm: MPI.Comm, cell: str) -> None:
    space = _space(comm, cell)
    graph = NodeGraph(space)
    action = graph.eikonal(
        np.full(space.size, 3e9),
        space.on_boundary("electrode"),
        np.full(space.size, np.inf),
        limit=100.0,
    )
    assert action == pytest.approx(3e9 * space.points[:, 1], abs=1e-5)


def test_action_of_two_layers_adds(comm: MPI.Comm) -> None:
    space = _space(comm)
    y = space.points[:, 1]
    slowness = np.where(y < 1.01 * NM, 2e9, 5e9)
    action = NodeGraph(space).eikonal(
        slowness, space.on_boundary("electrode"), np.zeros(space.size), limit=100.0
    )
    expected = np.where(y < 1.01 * NM, 2e9 * y, 2.0 + 5e9 * (y - 1.0 * NM))
    assert action == pytest.approx(expected, abs=1e-5)


def test_solution_does_not_depend_on_the_first_guess(comm: MPI.Comm) -> None:
    space = _space(comm)
    graph, source = NodeGraph(space), space.on_boundary("electrode")
    slowness = 3e9 * (1 + 0.5 * np.sin(2 * np.pi * space.points[:, 0] / (4 * NM)))
    high = graph.eikonal(slowness, source, np.full(space.size, np.inf), limit=50.0)
    low = graph.eikonal(slowness, source, np.zeros(space.size), limit=50.0)
    assert high == pytest.approx(low, abs=1e-5)


def test_extension_carries_values_along_the_normal_and_leaves_constants(comm: MPI.Comm) -> None:
    space = _space(comm)
    graph = NodeGraph(space)
    y, x = space.points[:, 1], space.points[:, 0]
    known = y < 0.51 * NM
    values = np.where(known, np.cos(2 * np.pi * x / (4 * NM)), -7.0)
    extended = graph.extension(y, np.ones(space.size, dtype=bool), known).apply(values, 20)
    # Along y nothing changes, so the last known row is copied upward to round-off.
    assert extended == pytest.approx(np.cos(2 * np.pi * x / (4 * NM)), abs=1e-12)
