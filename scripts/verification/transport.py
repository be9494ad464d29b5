"""Limits of transport through the film: migration of localised electrons, Ohmic resistance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.meshes.geometry import Geometry
from interphase.models import analytic
from interphase.models.interpolation import Array, logistic, profile
from interphase.models.sei import build_model
from interphase.models.transport import Mixture
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, relative
from interphase.scripts.verification.film import (
    ELECTRONS,
    SOLID,
    TEMPERATURE,
    WIDTH,
    film_model,
    thermal,
)
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import planar_film
from interphase.solvers.liquid import IonicPotential
from interphase.solvers.space import NodalSpace

_POTENTIAL = 0.1
# Conductivity of the film [S/m].
_FILM = 5.0e-6
# Conductivity of the liquid that the film displaces [S/m].
_ELECTROLYTE = 0.95


def _carrier_flux(solver: FilmSolver, thickness: float, current: float) -> tuple[float, float]:
    """Return (electrons that enter [mol/s], phi_l at the electrode [V])."""
    drive = Drive(_POTENTIAL, current, TEMPERATURE)
    # The film moves by 1e-5 l; the potential of the first step is the field of the second.
    dt = 1.0e-3
    first, _ = solver.step(planar_film(solver, thickness, {SOLID: 1.0}), dt, drive)
    second, _ = solver.step(first, dt, drive)
    space = solver.space
    at_electrode = space.sum(np.where(solver.electrode, first.potential, 0.0))
    flux = (second.books.electrons_carrier - first.books.electrons_carrier) / dt
    return flux, at_electrode


def _migration(comm: MPI.Comm, current: float, name: str) -> tuple[Check, Check]:
    """Return the factor by which a current through a film of 20 l changes the carriers' flux.

    Both numbers are expected from the current alone: of the wrong sign, it would show in both.
    """
    thickness, permeability = 20.0 * WIDTH, 2.4e-13
    rate = 1.0e3 * permeability / WIDTH / ELECTRONS
    model = film_model(carrier_rate=rate, permeability=permeability, transport=("ionic_potential",))
    if model.conduction is None:
        raise RuntimeError("the model was asked for an ionic potential")
    solid = Mixture(np.array([_FILM]))
    model = replace(model, conduction=replace(model.conduction, solid=solid))
    solver = FilmSolver(NodalSpace(interval(comm, 26.0 * WIDTH, WIDTH / 8.0)), model)
    still, _ = _carrier_flux(solver, thickness, 0.0)
    flux, inner = _carrier_flux(solver, thickness, current)
    # The field also changes the concentration at the electrode, which is no matter of migration.
    computed = flux / still / np.exp(FARADAY * inner / thermal())
    # Lithium that the electrode takes up flows down to it.
    drop = -current * thickness / _FILM
    expected = analytic.migration_factor(drop, TEMPERATURE)
    return (
        relative(f"T11 migration factor while {name} [-]", expected, float(computed), 0.02),
        relative(f"T11 ionic potential at the electrode while {name} [V]", drop, inner, 0.01),
    )


def migration_charging(comm: MPI.Comm) -> tuple[Check, Check]:
    """T11: lithium moves to the electrode and takes electrons out, u = 2 (j = 12.8 A/m2)."""
    return _migration(comm, 12.8, "charging, u = 2")


def migration_discharging(comm: MPI.Comm) -> tuple[Check, Check]:
    """T11: lithium leaves the electrode and holds electrons back, u = -2 (j = -12.8 A/m2)."""
    return _migration(comm, -12.8, "discharging, u = -2")


def _resistance(
    geometry: Geometry, conductivity: Array, phi: Array, shares: Array, space: NodalSpace
) -> float:
    """Return the film's resistance [ohm m2] for conductivities [S/m] of (LiF, Li2CO3, Li2EDC)."""
    case = ModelCase(
        phases=("electrode", "LiF", "Li2CO3", SOLID, "electrolyte"), reactions=("R1", "R2", "R3"),
        electron_channels=(), transport=("ionic_potential",),
    )  # fmt: skip
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    if model.conduction is None:
        raise RuntimeError("the model was asked for an ionic potential")
    conduction = replace(model.conduction, solid=Mixture(conductivity), liquid=_ELECTROLYTE)
    solver = FilmSolver(space, replace(model, conduction=conduction))
    potential = solver.potential
    if not isinstance(potential, IonicPotential):
        raise RuntimeError("the model was asked for an ionic potential")
    return potential.resistance(conduction, phi, shares, np.zeros(space.size))


def series(comm: MPI.Comm) -> Check:
    """T14: 4 l of a phase under 8 l of one that conducts 100 times better: R = sum of L/kappa."""
    geometry = interval(comm, 18.0 * WIDTH, WIDTH / 8.0)
    space = NodalSpace(geometry)
    x = space.points[:, 0]
    inner = logistic(4.0 * WIDTH - x, WIDTH)
    shares = np.stack([np.zeros_like(x), inner, 1.0 - inner])
    kappa = np.array([5e-6, 5e-8, 5e-6])
    computed = _resistance(geometry, kappa, profile(x - 12.0 * WIDTH, WIDTH), shares, space)
    layers = WIDTH * np.array([4.0, 8.0])
    expected = analytic.series_resistance(layers, kappa[1:]) - layers.sum() / _ELECTROLYTE
    return relative("T14 resistance of two layers [ohm m2]", expected, computed, 0.01)


def parallel(comm: MPI.Comm) -> Check:
    """T14: columns side by side, conductivities 10:1: R = L/sum of f kappa.

    The film hangs in the liquid: on the electrode itself the current density is given, not the
    potential, and the columns would not be in parallel.
    """
    geometry = rectangle(comm, (16.0 * WIDTH, 18.0 * WIDTH), WIDTH / 8.0)
    space = NodalSpace(geometry)
    x, y = space.points[:, 0], space.points[:, 1]
    phi = profile(y - 13.0 * WIDTH, WIDTH) * (1.0 - profile(y - 3.0 * WIDTH, WIDTH))
    left = logistic(4.0 * WIDTH - np.abs(x - 8.0 * WIDTH), WIDTH)
    kappa = np.array([5e-6, 5e-6, 5e-7])
    computed = _resistance(
        geometry, kappa, phi, np.stack([np.zeros_like(x), left, 1.0 - left]), space
    )
    half = np.array([0.5, 0.5])
    expected = (
        analytic.parallel_resistance(10.0 * WIDTH, half, kappa[1:]) - 10.0 * WIDTH / _ELECTROLYTE
    )
    return relative("T14 resistance of columns [ohm m2]", expected, computed, 0.01)
