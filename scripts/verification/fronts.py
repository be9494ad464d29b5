"""Limits of the moving film: fronts at a given speed, curved fronts, phases side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.models import analytic
from interphase.models.electrons import Tunnelling
from interphase.models.front import FrontLaw
from interphase.models.interpolation import logistic, profile
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.film import (
    ELECTRONS,
    OPEN,
    SOLID,
    TEMPERATURE,
    VOLUME,
    WIDTH,
    advance,
    film_model,
    thermal,
)
from interphase.scripts.verification.march import march, two_phases
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import film_state
from interphase.solvers.prescribed import PrescribedFront
from interphase.solvers.space import NodalSpace

SPEED = WIDTH
"""Speed of the fronts that have one given [m/s]: one width per second."""

# Steps of l/20: backward Euler's own error, 0.9 % at l/10, is then 0.01 %.
_FRACTION = 0.05


def travelling_front(comm: MPI.Comm) -> Check:
    """T2: a flat front moves at V R, whatever the driving force; 8 l in steps of l/20."""
    space = NodalSpace(interval(comm, 14.0 * WIDTH, WIDTH / 8.0))
    front = PrescribedFront(space, FrontLaw(WIDTH), SPEED)
    start = two_phases(profile(space.points[:, 0] - 2.0 * WIDTH, WIDTH))
    end = march(front, start, _FRACTION, 160)
    speed = space.integral(end.now[0] - start.now[0]) / space.geometry.area / 8.0
    return relative("T2 travelling front, speed [m/s]", SPEED, speed, 0.01)


def _disc(comm: MPI.Comm, factor: float) -> Check:
    """Return the growth of the radius of a disc, as that of a quarter between mirrors."""
    edge = 10.5 * WIDTH
    space = NodalSpace(rectangle(comm, (edge, edge), WIDTH / 8.0, periodic=()))
    front = PrescribedFront(space, FrontLaw(WIDTH, factor), SPEED)
    distance = np.hypot(space.points[:, 0], space.points[:, 1])
    start = two_phases(profile(distance - 2.5 * WIDTH, WIDTH))
    end = march(front, start, _FRACTION, 100)
    areas = [space.integral(p.now[0]) / space.geometry.depth for p in (start, end)]
    radii = np.sqrt(4.0 / np.pi * np.array(areas))
    return relative(
        f"T4' disc of 2.5 to 7.5 l, factor {factor:g}, growth [m]",
        5.0 * WIDTH,
        radii[1] - radii[0],
        0.01,
    )


def disc_20(comm: MPI.Comm) -> Check:
    """T4': growth of a disc, relaxation factor 20."""
    return _disc(comm, 20.0)


def disc_40(comm: MPI.Comm) -> Check:
    """T4': growth of a disc, relaxation factor 40 (the default)."""
    return _disc(comm, 40.0)


def disc_80(comm: MPI.Comm) -> Check:
    """T4': growth of a disc, relaxation factor 80."""
    return _disc(comm, 80.0)


def two_fronts(comm: MPI.Comm) -> tuple[Check, Check]:
    """T21: two fronts in one domain, speeds 100:1, each against its own growth (50 l, l/2)."""
    height = 61.0 * WIDTH
    space = NodalSpace(interval(comm, height, WIDTH / 8.0))
    x = space.points[:, 0]
    upper = x > height - 5.5 * WIDTH
    front = PrescribedFront(space, FrontLaw(WIDTH), np.where(upper, 0.01, 1.0) * SPEED)
    start = two_phases(profile(x - 2.0 * WIDTH, WIDTH) + profile(height - x - 2.0 * WIDTH, WIDTH))
    end = march(front, start, _FRACTION, 1000)
    gain = (end.now[0] - start.now[0]) / space.geometry.area
    fast, slow = (space.integral(np.where(part, gain, 0.0)) for part in (~upper, upper))
    return (
        relative("T21 fast of two fronts 100:1, growth [m]", 50.0 * WIDTH, fast, 0.02),
        relative("T21 slow of two fronts 100:1, growth [m]", 0.5 * WIDTH, slow, 0.02),
    )


def _pair_model(fast: float, slow: float, width: float) -> SEIGrowth:
    """Return a film of Li2EDC growing at ``fast`` and Li2CO3 at ``slow`` [m/s] at 0.1 V."""
    case = ModelCase(
        phases=("electrode", SOLID, "Li2CO3", "electrolyte"),
        reactions=("R1", "R2"),
        electron_channels=(),
        transport=(),
    )
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    set_ = model.reactions
    exponent = (
        -set_.alpha * FARADAY * (0.1 - set_.reference_potential) / (GAS_CONSTANT * TEMPERATURE)
    )
    rates = np.array([fast, slow]) / (set_.volume_rate * np.exp(exponent))
    return replace(
        model, front=replace(model.front, width=width),
        tunnelling=Tunnelling(np.array([OPEN, OPEN])),
        reactions=replace(set_, rate=rates, interstitial_rate=np.zeros(2)),
    )  # fmt: skip


def overgrowth(
    comm: MPI.Comm, cells: int = 8, fraction: float = 0.1, scale: float = 1.0
) -> tuple[Check, Check]:
    """T20: a phase at v beside one at v/2; the fast one has grown by 6 l.

    Args:
        comm: ranks that share the domain.
        cells: per interface width.
        fraction: of the width per step.
        scale: of the interface width, the geometry staying as it is.
    """
    unit, width = WIDTH, scale * WIDTH
    size, height, middle = (16.0 * unit, 12.0 * unit), 2.0 * unit, 8.0 * unit
    space = NodalSpace(rectangle(comm, size, width / cells, periodic=()))
    solver = FilmSolver(space, _pair_model(SPEED, 0.5 * SPEED, width))
    x, y = space.points[:, 0], space.points[:, 1]
    fast = logistic(middle - x, width)
    start = film_state(solver, profile(y - height, width), np.stack([fast, 1.0 - fast]))
    end = advance(
        solver,
        start,
        6.0 * unit / SPEED,
        lambda t: Drive(0.1, 0.0, TEMPERATURE),
        fraction=fraction,
        first=fraction * scale,
    )
    grown = space.integral(end.phi - start.phi) / space.geometry.depth
    expected = analytic.overgrowth_area(size[0], middle, 6.0 * unit, 3.0 * unit)
    # The fast phase's territory ends at x = middle and, above the start, at a line 30 degrees up.
    line = 0.5 * (x - middle) - np.sqrt(0.75) * (y - height)
    inside = (line >= 3.0 * unit) & (y > height + 0.25 * unit) & (end.phi > 0.5)
    ghost = space.max(np.where(inside, end.shares[0], 0.0))
    return (
        relative("T20 overgrowth, growth area at 6 l [m2]", expected, grown, 0.03),
        absolute(
            "T20 overgrowth, share of the fast phase 3 l inside the slow one [-]", 0.0, ghost, 1e-3
        ),
    )


def gibbs_thomson(comm: MPI.Comm) -> Check:
    """T5: the film's disc of 5 l is at rest at an overpotential of V sigma/(n F R)."""
    radius, edge, standard, sigma = 5.0 * WIDTH, 8.0 * WIDTH, 2.8, 0.15
    space = NodalSpace(rectangle(comm, (edge, edge), WIDTH / 8.0, periodic=()))
    model = film_model(rate=1.0e-6, decay=OPEN)
    reactions = replace(
        model.reactions, interface_energy=sigma, reference_potential=np.array([standard])
    )
    solver = FilmSolver(space, replace(model, reactions=reactions))
    distance = np.hypot(space.points[:, 0], space.points[:, 1])
    start = film_state(solver, profile(distance - radius, WIDTH), np.ones((1, space.size)))
    expected = VOLUME * sigma / (ELECTRONS * FARADAY * radius)
    shifts, gains = np.array([0.8, 1.2]) * expected, []
    for shift in shifts:
        # Half a percent of the width at the speed that the other 20 % of the shift give.
        speed = VOLUME * 1.0e-6 * 0.2 * expected * ELECTRONS * FARADAY / thermal()
        end, _ = solver.step(
            start, 0.005 * WIDTH / speed, Drive(standard - shift, 0.0, TEMPERATURE)
        )
        gains.append(space.integral(end.phi - start.phi))
    rest = shifts[0] - gains[0] * (shifts[1] - shifts[0]) / (gains[1] - gains[0])
    return relative("T5 film's disc at rest, overpotential [V]", expected, float(rest), 0.02)
