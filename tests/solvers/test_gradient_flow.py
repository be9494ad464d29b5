"""Gradient flows: conservation, decay of the energy, orders, ranks."""

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.models.double_well import DoubleWell
from interphase.parameters.errors import ParameterError
from interphase.solvers.flow_march import ErrorControl, FixedStep, March, fitted
from interphase.solvers.gradient_flow import ConservedFlow, GradientFlow, SemiImplicitBDF
from interphase.solvers.space import NodalSpace

WELL = DoubleWell(barrier=5.0, low=0.3, high=0.7, gradient_coefficient=2.0)


def mixture(space: NodalSpace) -> np.ndarray:
    """Return a field that unmixes, the same on any partition."""
    x, y = space.points[:, 0], space.points[:, 1]
    return 0.5 + 0.02 * np.cos(0.4 * x) * np.cos(0.3 * y) + 0.01 * np.cos(0.2 * x + 0.5 * y)


def test_derivative_is_that_of_the_density() -> None:
    law = DoubleWell(2.0, -0.5, 1.5, 1.0, driving_force=0.3)
    field, step = np.linspace(-1.0, 2.0, 31), 1e-5
    slope = (law.density(field + step) - law.density(field - step)) / (2.0 * step)
    assert law.derivative(field) == pytest.approx(slope, abs=1e-8)
    wells = law.density(np.array([law.low, law.high]))
    assert wells == pytest.approx([0.0, -0.3], abs=1e-15)


def test_an_energy_without_a_barrier_is_refused() -> None:
    with pytest.raises(ParameterError, match="barrier"):
        DoubleWell(0.0, 0.0, 1.0, 1.0)


def test_scheme_is_exact_for_polynomials_of_its_order() -> None:
    steps, dt = (0.7, 1.1), 0.9
    times = np.array([0.9, 0.0, -0.7, -1.8])
    for order in (1, 2, 3):
        scheme = SemiImplicitBDF(dt, steps, order)
        values = (times + 2.0) ** order
        slope = scheme.lead * (values[0] - values[1])
        for j, momentum in enumerate(scheme.momentum):
            slope += momentum * (values[j + 1] - values[j + 2])
        assert slope == pytest.approx(order * (dt + 2.0) ** (order - 1))
        lower = (times + 2.0) ** (order - 1)
        ahead = sum(w * v for w, v in zip(scheme.extrapolation, lower[1:], strict=False))
        assert ahead == pytest.approx(lower[0])


def test_unmixing_conserves_the_mean_and_never_gains_energy() -> None:
    space = NodalSpace(rectangle(MPI.COMM_SELF, (24.0, 24.0), 1.0, periodic=(), depth=1.0))
    flow = ConservedFlow(space, WELL, 5.0)
    assert flow.fast
    state = flow.start(mixture(space))
    mean, energies = space.integral(state.field), [state.energy]
    for after in March(flow, ErrorControl(1e-5, 0.01)).through(state, [5.0, 20.0]):
        energies.append(after.energy)
    assert space.integral(after.field) == pytest.approx(mean, rel=1e-14)
    assert after.time == pytest.approx(20.0)
    assert max(np.diff(energies)) <= 1e-12 * energies[0]
    assert energies[-1] < 0.9 * energies[0]


@pytest.mark.mpi
def test_transforms_and_iteration_give_the_same_field(comm: MPI.Comm) -> None:
    """Four steps: on several ranks, more of them than cores, the iteration is slow."""
    energies = []
    for ranks, fast in ((MPI.COMM_SELF, True), (comm, False)):
        space = NodalSpace(rectangle(ranks, (24.0, 24.0), 1.0, periodic=(), depth=1.0))
        flow = ConservedFlow(space, WELL, 5.0, fast=fast)
        march = March(flow, FixedStep(0.25))
        start = flow.start(mixture(space))
        after = march.to(start, 1.0)
        assert space.integral(after.field) == pytest.approx(space.integral(start.field), rel=1e-13)
        energies.append(after.energy)
    assert energies[0] == pytest.approx(energies[1], rel=1e-7)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_order_in_time(order: int) -> None:
    space = NodalSpace(interval(MPI.COMM_SELF, 20.0, 0.5, depth=1.0))
    flow = GradientFlow(space, DoubleWell(0.25, -1.0, 1.0, 1.0), 1.0, order=order)
    start = 0.3 * np.cos(np.pi * space.points[:, 0] / 20.0) + 0.1

    def end(step: float) -> np.ndarray:
        return March(flow, FixedStep(step, ramp=64.0)).to(flow.start(start), 2.0).field

    limit = end(0.00125)
    errors = [np.abs(end(step) - limit).max() for step in (0.08, 0.04, 0.02)]
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    # The limit itself is of finite steps, which at first order shows in the rate.
    assert rates[-1] == pytest.approx(order, abs=0.15), f"errors {errors}, rates {rates}"


def test_held_nodes_keep_their_value() -> None:
    space = NodalSpace(rectangle(MPI.COMM_SELF, (4.0, 8.0), 0.5, depth=1.0))
    held = space.on_boundary("electrode") | space.on_boundary("bulk")
    start = np.where(space.points[:, 1] < 3.0, 1.0, -1.0)
    fields = []
    for fast in (True, False):
        flow = GradientFlow(space, DoubleWell(0.25, -1.0, 1.0, 1.0), 1.0, held=held, fast=fast)
        assert flow.fast is fast
        fields.append(March(flow, FixedStep(0.1)).to(flow.start(start), 2.0).field)
    assert fields[0][held] == pytest.approx(start[held], abs=1e-14)
    assert fields[0] == pytest.approx(fields[1], abs=1e-6)


def test_a_step_that_gains_energy_is_made_anew() -> None:
    """Steps far beyond the scheme's stability are cut until the energy falls."""
    space = NodalSpace(rectangle(MPI.COMM_SELF, (24.0, 24.0), 1.0, periodic=(), depth=1.0))
    rough = np.random.default_rng(2).uniform(0.0, 1.0, space.size)
    flow = ConservedFlow(space, WELL, 5.0)
    march = March(flow, FixedStep(50.0))
    state = flow.start(rough)
    for after in march.through(state, [100.0]):
        assert after.energy <= state.energy * (1.0 + 1e-12)
        state = after


def test_steps_meet_a_time_without_a_sliver() -> None:
    assert fitted(1.0, 0.4) == 0.4
    assert fitted(1.0, 1.5) == 0.75
    assert fitted(1.0, 2.0) == 1.0
    assert fitted(1.0, 7.0) == 1.0
