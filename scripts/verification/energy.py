"""Limits of the multi-order-parameter energy: profile, speed, curvature, junctions, decay."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import box, interval, rectangle
from interphase.models import analytic
from interphase.models.free_energy import MultiWell, secant_mobility
from interphase.models.interpolation import Array, profile
from interphase.models.representation import Phases
from interphase.parameters.constants import GAS_CONSTANT
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.march import march, two_phases
from interphase.solvers.energy import EnergySolver, Splitting
from interphase.solvers.schemes import BDF2
from interphase.solvers.space import NodalSpace

WIDTH = 1.0e-9
"""l [m]; the limits do not depend on it."""

SIGMA = 0.15
"""Interface energy [J/m2]; the limits do not depend on it."""


def _mobility(energy: MultiWell) -> float:
    """Return L [m3/(J s)] with L m = 1/s: times are counted in relaxation times of the profile."""
    return 1.0 / energy.barrier


def _relaxed_profile(comm: MPI.Comm) -> tuple[EnergySolver, Array]:
    """Return a flat front at rest, h = l/8, that started a third too narrow."""
    space = NodalSpace(interval(comm, 10.0 * WIDTH, WIDTH / 8.0))
    energy = MultiWell.equal(2, WIDTH, SIGMA)
    solver = EnergySolver(space, energy, _mobility(energy))
    start = profile(space.points[:, 0] - 5.0 * WIDTH, 0.67 * WIDTH)
    return solver, march(solver, two_phases(start), 0.5, 60).now


def profile_at_rest(comm: MPI.Comm) -> Check:
    """T1: the profile is (1 - tanh(2 x/l))/2."""
    solver, eta = _relaxed_profile(comm)
    space = solver.space
    front = space.integral(eta[0]) / space.geometry.area
    exact = profile(space.points[:, 0] - front, WIDTH)
    deviation = space.max(np.abs(eta[0] - exact))
    return absolute("T1 profile, largest deviation of eta [-]", 0.0, deviation, 0.005)


def interface_energy(comm: MPI.Comm) -> Check:
    """T1: the energy of that profile is sigma."""
    solver, eta = _relaxed_profile(comm)
    return relative(
        "T1 interface energy [J/m2]", SIGMA, solver.total(eta) / solver.space.geometry.area, 0.005
    )


def _front_speed(
    comm: MPI.Comm,
    mobility: float,
    energy: MultiWell,
    difference: float,
    expected: float,
    cells: int,
) -> float:
    """Return the speed of a flat front over 2 l in steps of l/24, after 1 l to settle."""
    space = NodalSpace(interval(comm, 8.0 * WIDTH, WIDTH / cells))
    solver = EnergySolver(
        space, energy, mobility, omega=np.array([-difference, 0.0]), scheme=BDF2()
    )
    phases = two_phases(profile(space.points[:, 0] - 2.5 * WIDTH, WIDTH))
    dt = WIDTH / 24.0 / expected
    phases = march(solver, phases, dt, 24)
    start = space.integral(phases.now[0])
    phases = march(solver, phases, dt, 48)
    return (space.integral(phases.now[0]) - start) / (48.0 * dt * space.geometry.area)


def variational_front(comm: MPI.Comm) -> Check:
    """T3: v = (3/4) L l (difference of omega) at 0.2 m; the energy itself is 1.5 % off there."""
    energy = MultiWell.equal(2, WIDTH, SIGMA)
    difference = 0.2 * energy.barrier
    mobility = _mobility(energy)
    expected = 0.75 * mobility * WIDTH * difference
    computed = _front_speed(comm, mobility, energy, difference, expected, 24)
    return relative(
        "T3 variational front at 0.2 m, h = l/24, speed [m/s]", expected, computed, 0.02
    )


def secant_front(comm: MPI.Comm) -> Check:
    """T3: with the secant mobility the front moves at V R(A), here Butler-Volmer at 5 RT."""
    # The driving force A/V is 0.1 m for this energy, whatever sigma the film has.
    volume, affinity = 9.585e-5, 5.0 * GAS_CONSTANT * 298.15
    energy = MultiWell.equal(2, WIDTH, affinity / volume * WIDTH / 0.6)
    rate = 1e-6 * (np.exp(2.5) - np.exp(-2.5))
    mobility = secant_mobility(rate, affinity, volume, WIDTH)
    expected = volume * rate
    computed = _front_speed(comm, mobility, energy, affinity / volume, expected, 8)
    return relative(
        "T3 front with the secant rate at 0.1 m, h = l/8, speed [m/s]", expected, computed, 0.02
    )


def shrinking_circle(comm: MPI.Comm) -> Check:
    """T4: R^2 = R0^2 - 2 L kappa t, from 6 l to about 3.5 l."""
    space = NodalSpace(rectangle(comm, (8.5 * WIDTH, 8.5 * WIDTH), WIDTH / 8.0, periodic=()))
    energy = MultiWell.equal(2, WIDTH, SIGMA)
    solver = EnergySolver(space, energy, _mobility(energy))
    coefficient = _mobility(energy) * energy.gradient_coefficient
    radius = np.hypot(space.points[:, 0], space.points[:, 1])
    # The first steps round off the start; the law is compared from there on.
    phases = march(solver, two_phases(profile(radius - 6.0 * WIDTH, WIDTH)), 1.0, 4)
    start = _quarter_radius(solver, phases)
    phases = march(solver, phases, 1.0, 88)
    end = _quarter_radius(solver, phases)
    expected = start**2 - analytic.circle_radius(88.0, start, coefficient) ** 2
    return relative(
        "T4 shrinking circle, loss of R^2 [m2]", float(expected), start**2 - end**2, 0.01
    )


def _quarter_radius(solver: EnergySolver, phases: Phases) -> float:
    space = solver.space
    return float(np.sqrt(4.0 / np.pi * space.integral(phases.now[0]) / space.geometry.depth))


def _critical_radius(comm: MPI.Comm, dim: int, radius: float, cells: int) -> float:
    """Return the radius at which the driving force that should hold ``radius`` holds a ball.

    The speed at a radius R is (difference of omega) - (dim - 1) sigma/R; from the speeds at 5 %
    above and below, the radius at rest.
    """
    energy = MultiWell.equal(2, WIDTH, SIGMA)
    difference = (dim - 1) * SIGMA / radius
    edge = radius + 2.0 * WIDTH
    if dim == 2:
        space = NodalSpace(rectangle(comm, (edge, edge), WIDTH / cells, periodic=()))
    else:
        space = NodalSpace(box(comm, (edge, edge, edge), WIDTH / cells, periodic=()))
    solver = EnergySolver(space, energy, _mobility(energy), omega=np.array([-difference, 0.0]))
    distance = np.sqrt((space.points**2).sum(axis=1))
    radii, gains = [], []
    for trial in (0.95 * radius, 1.05 * radius):
        phases = march(solver, two_phases(profile(distance - trial, WIDTH)), 0.9, 2)
        before = space.integral(phases.now[0])
        phases = march(solver, phases, 0.9, 2)
        after = space.integral(phases.now[0])
        gains.append(after - before)
        radii.append(_ball_radius(0.5 * (before + after) / space.geometry.depth, dim))
    return float(radii[0] - gains[0] * (radii[1] - radii[0]) / (gains[1] - gains[0]))


def _ball_radius(content: float, dim: int) -> float:
    """Return the radius of a quarter circle or an eighth of a sphere from its area or volume."""
    return float(np.sqrt(4.0 * content / np.pi) if dim == 2 else np.cbrt(6.0 * content / np.pi))


def critical_circle(comm: MPI.Comm) -> Check:
    """T5: a circle is at rest at R = sigma/(difference of omega)."""
    radius = 5.0 * WIDTH
    return relative(
        "T5 circle at rest, radius [m]", radius, _critical_radius(comm, 2, radius, 8), 0.02
    )


def critical_sphere(comm: MPI.Comm) -> Check:
    """T5: a sphere is at rest at R = 2 sigma/(difference of omega)."""
    radius = 3.0 * WIDTH
    return relative(
        "T5 sphere at rest, radius [m]", radius, _critical_radius(comm, 3, radius, 6), 0.02
    )


def _junction(comm: MPI.Comm, ratio: float) -> float:
    """Return the dihedral angle [rad] of two solids under a third phase.

    ``ratio`` is the energy of their boundary over that of the other two. It stands upright in the
    middle, mirrors at both sides: the third phase moves down at a steady speed and its front is
    the grim reaper y = -ln(cos(c x))/c on either side.
    Its one parameter c comes from the speed, v = L kappa c, measured far from the junction's core.
    """
    half, height = 7.0 * WIDTH, 13.0 * WIDTH
    space = NodalSpace(rectangle(comm, (2.0 * half, height), WIDTH / 6.0, periodic=()))
    sigma = SIGMA * np.array([[0.0, ratio, 1.0], [ratio, 0.0, 1.0], [1.0, 1.0, 0.0]])
    energy = MultiWell.from_energies(WIDTH, sigma)
    solver = EnergySolver(space, energy, _mobility(energy))
    x, y = space.points[:, 0] - half, space.points[:, 1] - 8.5 * WIDTH
    solid, left = profile(y, WIDTH), profile(x, WIDTH)
    phases = Phases.at_start(np.stack([solid * left, solid * (1.0 - left), 1.0 - solid]))
    phases = march(solver, phases, 0.9, 130)
    start = space.integral(phases.now[2])
    phases = march(solver, phases, 0.9, 40)
    lost = (space.integral(phases.now[2]) - start) / space.geometry.depth / (2.0 * half)
    speed = lost / (40 * 0.9)
    coefficient = _mobility(energy) * energy.gradient_coefficient
    turn = speed / coefficient * half
    return float(np.pi - 2.0 * turn)


def triple_junction(comm: MPI.Comm) -> Check:
    """T6: Young's angle where the middle boundary has 0.7 of the others' energy."""
    expected = np.degrees(analytic.young_angle(0.7, 1.0))
    return absolute(
        "T6 triple junction, dihedral angle [degrees]",
        expected,
        np.degrees(_junction(comm, 0.7)),
        2.0,
    )


def triple_junction_equal(comm: MPI.Comm) -> Check:
    """T6: 120 degrees between three equal boundaries."""
    return absolute(
        "T6 triple junction of equal energies, dihedral angle [degrees]",
        120.0,
        np.degrees(_junction(comm, 1.0)),
        2.0,
    )


def _decay(comm: MPI.Comm, *, split: bool, dt: float) -> float:
    """Return how often the energy of a closed mixture of four phases rose in 40 steps."""
    space = NodalSpace(rectangle(comm, (6.0 * WIDTH, 6.0 * WIDTH), WIDTH / 6.0))
    sigma = SIGMA * np.array([[0, 0.8, 1, 1], [0.8, 0, 0.9, 1], [1, 0.9, 0, 0.7], [1, 1, 0.7, 0]])
    energy = MultiWell.from_energies(WIDTH, sigma)
    omega = 0.1 * energy.barrier * np.array([-1.0, 0.0, 0.5, 1.0])
    solver = EnergySolver(
        space, energy, _mobility(energy), omega=omega, splitting=Splitting() if split else None
    )
    x, y = (
        2.0 * np.pi * space.points[:, 0] / (6.0 * WIDTH),
        2.0 * np.pi * space.points[:, 1] / (6.0 * WIDTH),
    )
    waves = [np.sin(x + y), np.cos(2 * x - y), np.sin(3 * y), np.cos(x) * np.sin(2 * y)]
    # Patches with jumps between them: much energy to lose, in profiles, curvature and phases.
    owner = np.argmax(np.stack(waves), axis=0)
    phases = Phases.at_start((owner == np.arange(4)[:, None]).astype(np.float64))
    energies = [solver.total(phases.now)]
    for _ in range(40):
        phases = solver.step(phases, dt)
        energies.append(solver.total(phases.now))
    # Round-off of the sum over the nodes is no violation.
    return float(
        sum(after > before + 1e-13 * abs(energies[0]) for before, after in pairwise(energies))
    )


def energy_decay(comm: MPI.Comm) -> Check:
    """T16: the energy of a closed mixture never rises, implicit steps."""
    return absolute(
        "T16 energy decay, implicit: steps that gain energy [-]",
        0.0,
        _decay(comm, split=False, dt=0.4),
        0.0,
    )


def energy_decay_split(comm: MPI.Comm) -> Check:
    """T16: nor with convex splitting and steps of ten relaxation times."""
    return absolute(
        "T16 energy decay, convex splitting: steps that gain energy [-]",
        0.0,
        _decay(comm, split=True, dt=10.0),
        0.0,
    )
