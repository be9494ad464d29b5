"""Films with one reaction, and a plain way to step them: what the growth limits share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval
from interphase.models.electrons import Interstitial, Tunnelling
from interphase.models.interpolation import Array
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import planar_film
from interphase.solvers.schemes import TimeScheme
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

WIDTH = 1.0e-9
"""Interface width l [m]."""

TEMPERATURE = 298.15
"""[K]."""

SOLID = "Li2EDC"
VOLUME = 9.585e-5
"""Molar volume of the film [m3/mol], one mole per two electrons."""

ELECTRONS = 2.0
ALPHA = 0.5
"""Transfer coefficient."""

ONSET = 0.8
"""Reference potential U_ref of the reaction [V]."""

# So small a decay constant [1/m] that electrons tunnel as if there were no film.
OPEN = 1.0


def thermal() -> float:
    """Return R T [J/mol]."""
    return GAS_CONSTANT * TEMPERATURE


def boltzmann(potential: float) -> float:
    """Return exp(-F U/RT) [-]."""
    return float(np.exp(-FARADAY * potential / thermal()))


def tafel(potential: float) -> float:
    """Return exp(-alpha F (U - U_ref)/RT) [-]."""
    return float(np.exp(-ALPHA * FARADAY * (potential - ONSET) / thermal()))


def film_model(
    *,
    rate: float = 0.0,
    carrier_rate: float = 0.0,
    decay: float | None = None,
    permeability: float | None = None,
    start_depth: float = 0.0,
    transport: tuple[str, ...] = (),
    inner_face: bool = False,
) -> SEIGrowth:
    """Return a film of one solid grown by one reaction (R1 of the default table, numbers replaced).

    Args:
        rate: k of the tunnelling path [mol/(m2 s)].
        carrier_rate: k0 of the carrier path [mol/(m2 s)].
        decay: beta [1/m]; None: no tunnelling.
        permeability: D c_ref of localised electrons [mol/(m s)]; None: none.
        start_depth: depth down to which those are in equilibrium [m].
        transport: fields that are solved.
        inner_face: solvent is reduced at the electrode.
    """
    case = ModelCase(
        phases=("electrode", SOLID, "electrolyte"),
        reactions=("R1",),
        electron_channels=(),
        transport=transport,
        reaction_site="inner_face" if inner_face else "front",
    )
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    reactions = replace(
        model.reactions, rate=np.array([rate]), interstitial_rate=np.array([carrier_rate]),
        alpha=np.array([ALPHA]), reference_potential=np.array([ONSET]),
        molar_volume=np.array([VOLUME]),
    )  # fmt: skip
    concentration = 0.015
    carriers = None
    if permeability is not None:
        carriers = Interstitial(
            concentration, np.array([permeability / concentration]), start_depth
        )
    return replace(
        model,
        front=replace(model.front, width=WIDTH),
        reactions=reactions,
        tunnelling=None if decay is None else Tunnelling(np.array([decay])),
        interstitial=carriers,
    )


@dataclass(frozen=True)
class History:
    """A film's growth.

    Attributes:
        time: [s], (points,).
        thickness: integral of phi per area [m], (points,).
        state: at the end.
        solver: that made it.
    """

    time: Array
    thickness: Array
    state: FilmState
    solver: FilmSolver

    def at(self, times: Array) -> Array:
        """Return the thickness at other times [m]."""
        return np.interp(times, self.time, self.thickness)


def thickness(solver: FilmSolver, state: FilmState) -> float:
    """Return the film's volume per electrode area [m]. Collective."""
    return solver.space.integral(state.phi) / solver.space.geometry.area


def advance(
    solver: FilmSolver,
    state: FilmState,
    until: float,
    drive: Callable[[float], Drive],
    *,
    fraction: float = 0.1,
    first: float | None = None,
    longest: float = np.inf,
    watch: Callable[[FilmState], None] | None = None,
) -> FilmState:
    """Step to ``until`` [s], the front moving ``fraction`` l a step; longer steps are rejected.

    Args:
        solver: the film's solver.
        state: at the start.
        until: end [s].
        drive: imposed on the electrode at a time [s].
        fraction: of the interface width per step.
        first: first step [s].
        longest: longest step [s].
        watch: called after every step.
    """
    goal = fraction * solver.model.front.width
    dt = first or 1e-6 * (until - state.time)
    while state.time < until * (1.0 - 1e-12):
        dt = min(dt, longest, until - state.time)
        new, report = solver.step(state, dt, drive(state.time + 0.5 * dt))
        moved = max(report.displacement, 0.4 * report.conversion)
        if moved > 1.3 * goal:
            dt *= 0.5
            continue
        state = new
        if watch:
            watch(state)
        dt *= min(2.0, goal / max(moved, 1e-30))
    return state


def grow(
    comm: MPI.Comm,
    model: SEIGrowth,
    *,
    height: float,
    start: float,
    until: float,
    potential: float = 0.1,
    drive: Callable[[float], Drive] | None = None,
    cells: int = 8,
    fraction: float = 0.1,
    longest: float = np.inf,
    scheme: TimeScheme | None = None,
) -> History:
    """Grow a flat film on a line.

    Args:
        comm: ranks that share the line.
        model: the film's physics.
        height: of the domain [m].
        start: thickness at the start [m].
        until: end [s].
        potential: held [V], unless ``drive`` is given.
        drive: imposed on the electrode at a time [s].
        cells: per interface width.
        fraction: of the interface width per step.
        longest: longest step [s].
        scheme: of time.
    """
    space = NodalSpace(interval(comm, height, WIDTH / cells))
    solver = FilmSolver(space, model, scheme=scheme)
    state = planar_film(solver, start, {SOLID: 1.0})
    held = Drive(potential, 0.0, TEMPERATURE)
    times, values = [0.0], [thickness(solver, state)]

    def record(now: FilmState) -> None:
        times.append(now.time)
        values.append(thickness(solver, now))

    state = advance(
        solver,
        state,
        until,
        drive or (lambda time: held),
        fraction=fraction,
        longest=longest,
        watch=record,
    )
    return History(np.array(times), np.array(values), state, solver)
