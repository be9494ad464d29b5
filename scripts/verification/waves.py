"""Waves of a front that is fed through its film: they decay at the rate of the linear theory."""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models import analytic
from interphase.models.interpolation import profile
from interphase.parameters.program import Drive
from interphase.scripts.verification.check import Check, relative
from interphase.scripts.verification.film import (
    ELECTRONS,
    TEMPERATURE,
    WIDTH,
    advance,
    film_model,
    thickness,
)
from interphase.scripts.verification.growth import PERMEABILITY, POTENTIAL, permeation
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import film_state
from interphase.solvers.space import NodalSpace

_START, _END = 4.0 * WIDTH, 5.0 * WIDTH
# A diffuse front levels waves more slowly by 1.3 % at k l = 0.16, 6 % at 0.31, 15 % at 0.63.
_HALF_WAVE, _AMPLITUDE = 20.0 * WIDTH, 0.1 * WIDTH


def levelling_by_diffusion(comm: MPI.Comm) -> Check:
    """T25: d ln(amplitude)/dL = -k coth(k L), the reaction 1000 times faster than diffusion."""
    return _levelling(comm, "T25 wave of 40 l levelled by diffusion", 1.0e3)


def levelling_at_one(comm: MPI.Comm) -> Check:
    """T25: the same with a reaction that resists as much as a film of one interface width."""
    return _levelling(comm, "T25 the same at Da = 1", 1.0)


def _levelling(comm: MPI.Comm, name: str, damkohler: float) -> Check:
    """Return the decay of a wave while the film grows by an interface width; Da = k l/D."""
    space = NodalSpace(rectangle(comm, (_HALF_WAVE, _END + 5.0 * WIDTH), WIDTH / 8.0, periodic=()))
    rate = damkohler * PERMEABILITY / WIDTH / ELECTRONS
    solver = FilmSolver(space, film_model(carrier_rate=rate, permeability=PERMEABILITY))
    wave = np.cos(np.pi * space.points[:, 0] / _HALF_WAVE)
    height = space.points[:, 1] - _START - _AMPLITUDE * wave
    start = film_state(solver, profile(height, WIDTH), np.ones((1, space.size)))
    resistance = WIDTH / damkohler
    until = analytic.mixed_time(_END, _START, permeation(), resistance)
    held = Drive(POTENTIAL, 0.0, TEMPERATURE)
    end = advance(solver, start, until, lambda time: held, fraction=0.05)
    decay = np.log(space.integral(start.phi * wave) / space.integral(end.phi * wave))
    mean = np.linspace(thickness(solver, start), thickness(solver, end), 101)
    rates = analytic.levelling(np.pi / _HALF_WAVE, mean, resistance)
    return relative(f"{name}, decay over 1 l [-]", float(np.trapezoid(rates, mean)), decay, 0.03)
