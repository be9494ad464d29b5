"""Molecular dynamics of a box: to the density of one bar, then at constant volume."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.liquids.box import Box
from interphase.models.atomistic.liquids.record import Record, read
from interphase.models.atomistic.store import Store
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
# Frames between writes of what there is so far.
_KEPT: Final = 50


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


def run(box: Box, plan: Plan, store: Store | None = None) -> Trajectory:
    """Relax, settle and follow a box.

    Args:
        box: molecules and forces.
        plan: how it is run.
        store: of earlier runs; beside its file goes one with what this run has so far. A run that
            finds one goes on from it, with other random numbers than if it had not been stopped;
            so does a run that differs by a longer time at constant volume alone.

    Raises:
        AtomisticError: if the box becomes smaller than twice the cutoff, the run breaks down, or
            the file cannot be read or written.
    """
    openmm = load("openmm")
    kept = _Kept(box, plan, store or Store())
    _at_constant_pressure(openmm, box, plan, kept)
    _at_constant_volume(openmm, box, plan, kept)
    found = kept.record
    frames = round(plan.transport / plan.every)
    return Trajectory(
        np.array(found.volumes) * _NM**3,
        found.edge**3 * _NM**3,
        _whole(plan, plan.every) * plan.timestep * _PS,
        np.array(found.centres[:frames]) * _NM,
        np.array(found.dipoles[:frames]) * _NM * ELEMENTARY_CHARGE,
    )


class _Kept:
    """The record of a run and the file that it goes to now and then."""

    def __init__(self, box: Box, plan: Plan, store: Store) -> None:
        members = [one.name for one in box.members]
        same = (members, box.field, replace(plan, transport=0.0, threads=1))
        self._key = hashlib.sha256(repr(same).encode()).hexdigest()
        self._path = store.beside(self._key, ".npz")
        self.record = read(self._path, self._key) if self._path is not None else Record()
        store.saved += self.record.seconds
        self._since = time.process_time()

    def seed(self, plan: Plan) -> int:
        """Return a seed that no earlier part of the run had."""
        return plan.seed + len(self.record.volumes) + len(self.record.centres)

    def now(self, context: Any) -> None:
        """Keep the state of a context."""
        self.record.positions = _positions(context)
        velocities = context.getState(velocities=True).getVelocities(asNumpy=True)
        self.record.velocities = np.asarray(velocities._value)
        self.save()

    def save(self) -> None:
        """Write the file, with the time until now."""
        ended = time.process_time()
        self.record.seconds += ended - self._since
        self._since = ended
        if self._path is not None:
            self.record.write(self._path, self._key)


def _at_constant_volume(openmm: Any, box: Box, plan: Plan, kept: _Kept) -> None:
    """Follow the box in the mean volume."""
    found = kept.record
    starts, masses, charges = box.starts(), box.masses(), box.charges()
    wanted = round(plan.transport / plan.every)
    if len(found.centres) >= wanted:
        return
    fresh = not found.centres
    if fresh:
        # to the mean volume: whole molecules move, their bonds keep their lengths
        shrunk = float(np.mean(found.volumes)) ** (1.0 / 3.0)
        centres = _centres(found.positions, starts, masses)
        moves = np.repeat(centres * (shrunk / found.edge - 1.0), np.diff(starts), axis=0)
        found.positions, found.edge = found.positions + moves, shrunk
    context = _context(openmm, box, plan, found.edge, kept.seed(plan), barostat=False)
    context.setPositions(found.positions)
    context.setVelocities(found.velocities)
    if fresh:
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=50)
        context.setVelocitiesToTemperature(plan.temperature, plan.seed)
        _steps(context, plan, min(plan.settle, 20.0))
    while len(found.centres) < wanted:
        _steps(context, plan, plan.every)
        now = _positions(context)
        found.centres.append(_centres(now, starts, masses))
        found.dipoles.append(charges @ now)
        if len(found.centres) % _KEPT == 0 or len(found.centres) == wanted:
            kept.now(context)


def _at_constant_pressure(openmm: Any, box: Box, plan: Plan, kept: _Kept) -> None:
    """Settle the box, then follow its volume."""
    found = kept.record
    wanted = round(plan.density / plan.every)
    if found.centres or len(found.volumes) >= wanted:
        return
    context = _context(openmm, box, plan, found.edge or box.edge, kept.seed(plan), barostat=True)
    try:
        if found.volumes:
            context.setPositions(found.positions)
            context.setVelocities(found.velocities)
            _hold(openmm, context, plan.temperature, _BAR)
        else:
            _settle(openmm, context, box, plan)
        while len(found.volumes) < wanted:
            _steps(context, plan, plan.every)
            vectors = context.getState().getPeriodicBoxVectors(asNumpy=True)
            found.volumes.append(float(np.prod(np.diag(np.asarray(vectors._value)))))
            found.edge = found.volumes[-1] ** (1.0 / 3.0)
            if len(found.volumes) % _KEPT == 0 or len(found.volumes) == wanted:
                kept.now(context)
    except openmm.OpenMMException as error:
        raise AtomisticError(
            f"the liquid cannot be run: {error}; take more molecules or a smaller cutoff "
            f"({plan.cutoff:g} nm)"
        ) from error


def _settle(openmm: Any, context: Any, box: Box, plan: Plan) -> None:
    """From the loose start to the density of one bar."""
    context.setPositions(box.positions)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=300)
    context.setVelocitiesToTemperature(plan.temperature, plan.seed)
    if plan.mixed is not None:
        _hold(openmm, context, plan.mixed, _PRESSED)
    _steps(context, plan, plan.settle / 2.0)
    _hold(openmm, context, plan.temperature, _BAR)
    _steps(context, plan, plan.settle / 2.0)


def _hold(openmm: Any, context: Any, temperature: float, pressure: float) -> None:
    """Set what thermostat and barostat hold [K, bar]."""
    context.getIntegrator().setTemperature(temperature)
    context.setParameter(openmm.MonteCarloBarostat.Temperature(), temperature)
    context.setParameter(openmm.MonteCarloBarostat.Pressure(), pressure)


def _context(openmm: Any, box: Box, plan: Plan, edge: float, seed: int, *, barostat: bool) -> Any:
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
        force.setRandomNumberSeed(seed)
        system.addForce(force)
    integrator = openmm.LangevinMiddleIntegrator(plan.temperature, plan.friction, plan.timestep)
    integrator.setRandomNumberSeed(seed)
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
