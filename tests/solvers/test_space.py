"""Nodal space: periodic numbering, sums, gradients."""

import numpy as np
import pytest
import ufl
from mpi4py import MPI

from interphase.meshes.builders import box, interval, rectangle
from interphase.solvers.space import NodalSpace

NM = 1e-9
pytestmark = pytest.mark.mpi


def test_volume_and_number_of_unknowns(comm: MPI.Comm) -> None:
    space = NodalSpace(rectangle(comm, (4 * NM, 2 * NM), 0.25 * NM, periodic=(0,), depth=5 * NM))
    assert space.global_size == 16 * 9
    assert space.volume == pytest.approx(4 * 2 * 5 * NM**3)


def test_corners_of_a_doubly_periodic_box_are_one_unknown(comm: MPI.Comm) -> None:
    space = NodalSpace(box(comm, (1 * NM, 1 * NM, 1 * NM), 0.25 * NM, periodic=(0, 1)))
    assert space.global_size == 4 * 4 * 5
    assert space.sum(np.ones(space.size)) == 80


def test_periodic_laplacian_of_a_wave_against_a_doubled_domain(comm: MPI.Comm) -> None:
    """What ties the faces must give what a domain of two periods gives in its middle."""
    results = []
    for periods in (1, 2):
        space = NodalSpace(rectangle(comm, (periods * 4 * NM, 1 * NM), 0.25 * NM, periodic=(0,)))
        wave = np.sin(2 * np.pi * space.points[:, 0] / (4 * NM) + 0.3)
        results.append(space.sum(wave * space.apply(space.laplacian, wave)) / periods)
    assert results[0] == pytest.approx(results[1], rel=1e-12)


def test_gradient_of_a_linear_field_is_exact(comm: MPI.Comm) -> None:
    space = NodalSpace(interval(comm, 3 * NM, 0.1 * NM))
    assert space.gradient(2.0 * space.points[:, 0])[0] == pytest.approx(np.full(space.size, 2.0))


def test_electrode_nodes_and_their_area(comm: MPI.Comm) -> None:
    space = NodalSpace(rectangle(comm, (4 * NM, 2 * NM), 0.25 * NM, periodic=(0,), depth=5 * NM))
    assert space.sum(space.on_boundary("electrode") * 1.0) == 16
    face = space.face("electrode")
    assert space.sum(face[1]) == pytest.approx(-4 * 5 * NM**2)
    assert space.sum(np.abs(face[0])) == pytest.approx(0.0, abs=1e-30)


def test_full_gives_slaves_the_value_of_their_master(comm: MPI.Comm) -> None:
    space = NodalSpace(rectangle(comm, (4 * NM, 1 * NM), 0.25 * NM, periodic=(0,)))
    full = space.full(np.cos(2 * np.pi * space.points[:, 0] / (4 * NM)))
    x = space.space.tabulate_dof_coordinates()
    assert full == pytest.approx(np.cos(2 * np.pi * x[:, 0] / (4 * NM)), abs=1e-12)


def test_assembly_into_unknowns_is_symmetric(comm: MPI.Comm) -> None:
    space = NodalSpace(rectangle(comm, (2 * NM, 1 * NM), 0.25 * NM, periodic=(0,)))
    u, w = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
    assert space.assemble(ufl.inner(ufl.grad(u), ufl.grad(w)) * ufl.dx).isSymmetric(1e-20)


def test_unknowns_numbered_by_position_are_the_same_space(comm: MPI.Comm) -> None:
    geometry = rectangle(comm, (4 * NM, 2 * NM), 0.25 * NM, periodic=(0,))
    space, ordered = NodalSpace(geometry), NodalSpace(geometry, by_position=True)
    places = np.rint(ordered.points[:, :2] / (0.25 * NM)).astype(int)
    steps = np.diff(places[:, 0] * 100 + places[:, 1])
    assert np.all(steps > 0), "the last axis runs fastest"

    def bent(of: NodalSpace) -> float:
        wave = np.sin(np.pi * of.points[:, 0] / (2 * NM)) * of.points[:, 1] / NM
        assert of.full(wave).size == of.numbers.size
        assert of.owned(of.full(wave)) == pytest.approx(wave, abs=0.0)
        return of.sum(wave * of.apply(of.laplacian, wave))

    assert bent(ordered) == pytest.approx(bent(space), rel=1e-12)
