"""Molecular dynamics of a box: to the density of one bar, then at constant volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.liquids.box import Box
from interphase.models.atomistic.transport import Array
from interphase.parameters.constants import ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError

_NM: Final = 1e-9
_PS: Final = 1e-12
_BAR: Final = 1.0
# Closes the voids of the loose start while a stiff box is mixed [bar].
_PRESSED: Final = 2000.0
# Steps between attempts of the barostat.
_BAROSTAT: Final = 25


@dataclass(frozen=True, slots=True)
class Plan:
    """How a box is run.

    Attributes:
        temperature: [K].
        mixed: temperature at which the box is mixed and pressed for half of the time that it
            settles, so that a stiff one forgets its start; None for that of the run [K].
        settle: at constant pressure, not counted [ps].
        density: at constant pressure, for the density [ps].
        transport: at constant volume, for the rest [ps].
        timestep: [ps]; hydrogens weigh 3 u and their bonds are rigid, which bears 4 fs.
        friction: of the thermostat, weak against collisions [1/ps].
        every: between stored frames [ps].
        cutoff: of the direct sums [nm].
        seed: of the first places, velocities and the thermostat.
        threads: of the processor.
    """

    temperature: float = 313.15
    mixed: float | None = None
    settle: float = 100.0
    density: float = 150.0
    transport: float = 700.0
    timestep: float = 0.004
    friction: float = 0.1
    every: float = 0.4
    cutoff: float = 0.85
    seed: int = 7
    threads: int = 1


@dataclass(frozen=True)
class Trajectory:
    """What a run leaves.

    Attributes:
        volumes: at constant pressure [m^3], shape (frames,).
        volume: of the cube that the rest was run in [m^3].
        interval: between frames [s].
        centres: of mass of every molecule, unwrapped, shape (frames, molecules, 3) [m].
        dipoles: of the box, shape (frames, 3) [C m].
    """

    volumes: Array
    volume: float
    interval: float
    centres: Array
    dipoles: Array


def run(box: Box, plan: Plan) -> Trajectory:
    """Relax, settle and follow a box.

    Raises:
        AtomisticError: if the box becomes smaller than twice the cutoff, or the run breaks down.
    """
    openmm = load("openmm")
    volumes, positions, edge = _at_constant_pressure(openmm, box, plan)
    shrunk = float(np.mean(volumes)) ** (1.0 / 3.0)
    # to the mean volume: whole molecules move, their bonds keep their lengths
    starts = box.starts()
    masses = box.masses()
    centres = _centres(positions, starts, masses)
    moved = positions + np.repeat(centres * (shrunk / edge - 1.0), np.diff(starts), axis=0)
    context = _context(openmm, box, plan, shrunk, barostat=False)
    context.setPositions(moved)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=50)
    context.setVelocitiesToTemperature(plan.temperature, plan.seed)
    charges = box.charges()
    frames, dipoles = [], []
    _steps(context, plan, min(plan.settle, 20.0))
    for _ in range(round(plan.transport / plan.every)):
        _steps(context, plan, plan.every)
        now = _positions(context)
        frames.append(_centres(now, starts, masses))
        dipoles.append(charges @ now)
    return Trajectory(
        volumes * _NM**3,
        shrunk**3 * _NM**3,
        _whole(plan, plan.every) * plan.timestep * _PS,
        np.array(frames) * _NM,
        np.array(dipoles) * _NM * ELEMENTARY_CHARGE,
    )


def _at_constant_pressure(openmm: Any, box: Box, plan: Plan) -> tuple[Array, Array, float]:
    """Return volumes [nm^3], the last positions [nm] and the last edge [nm]."""
    context = _context(openmm, box, plan, box.edge, barostat=True)
    context.setPositions(box.positions)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=300)
    context.setVelocitiesToTemperature(plan.temperature, plan.seed)
    try:
        if plan.mixed is not None:
            _hold(openmm, context, plan.mixed, _PRESSED)
        _steps(context, plan, plan.settle / 2.0)
        _hold(openmm, context, plan.temperature, _BAR)
        _steps(context, plan, plan.settle / 2.0)
        volumes = []
        for _ in range(round(plan.density / plan.every)):
            _steps(context, plan, plan.every)
            vectors = context.getState().getPeriodicBoxVectors(asNumpy=True)
            volumes.append(float(np.prod(np.diag(np.asarray(vectors._value)))))
    except openmm.OpenMMException as error:
        raise AtomisticError(
            f"the liquid cannot be run: {error}; take more molecules or a smaller cutoff "
            f"({plan.cutoff:g} nm)"
        ) from error
    return np.array(volumes), _positions(context), volumes[-1] ** (1.0 / 3.0)


def _hold(openmm: Any, context: Any, temperature: float, pressure: float) -> None:
    """Set what thermostat and barostat hold [K, bar]."""
    context.getIntegrator().setTemperature(temperature)
    context.setParameter(openmm.MonteCarloBarostat.Temperature(), temperature)
    context.setParameter(openmm.MonteCarloBarostat.Pressure(), pressure)


def _context(openmm: Any, box: Box, plan: Plan, edge: float, *, barostat: bool) -> Any:
    if edge < 2.0 * plan.cutoff:
        raise AtomisticError(
            f"a box of {edge:.2f} nm is smaller than twice the cutoff of {plan.cutoff:g} nm; "
            "take more molecules"
        )
    system = box.system(plan.cutoff)
    system.setDefaultPeriodicBoxVectors((edge, 0, 0), (0, edge, 0), (0, 0, edge))
    if barostat:
        force = openmm.MonteCarloBarostat(
            _BAR * openmm.unit.bar, plan.temperature * openmm.unit.kelvin, _BAROSTAT
        )
        force.setRandomNumberSeed(plan.seed)
        system.addForce(force)
    integrator = openmm.LangevinMiddleIntegrator(plan.temperature, plan.friction, plan.timestep)
    integrator.setRandomNumberSeed(plan.seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    return openmm.Context(system, integrator, platform, {"Threads": str(plan.threads)})


def _whole(plan: Plan, duration: float) -> int:
    return max(1, round(duration / plan.timestep))


def _steps(context: Any, plan: Plan, duration: float) -> None:
    context.getIntegrator().step(_whole(plan, duration))


def _positions(context: Any) -> Array:
    """Return unwrapped positions [nm]."""
    state = context.getState(positions=True, enforcePeriodicBox=False)
    return np.asarray(state.getPositions(asNumpy=True)._value)


def _centres(positions: Array, starts: list[int], masses: Array) -> Array:
    weighted = np.add.reduceat(positions * masses[:, None], starts[:-1], axis=0)
    return np.asarray(weighted / np.add.reduceat(masses, starts[:-1])[:, None])
