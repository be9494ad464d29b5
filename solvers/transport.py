"""Liquid species and ionic current together: when they are solved, and what they move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interphase.models.reactions import ANION, SOLVENT, Surroundings
from interphase.models.sei import SEIGrowth
from interphase.models.transport import LiquidSpecies
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.program import Drive
from interphase.solvers.graph import BoolArray
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.liquid import IonicPotential, LiquidField
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState, TransportClock
from interphase.solvers.stiffness import Workspace

# Liquid and ionic current are solved every step unless they change by less than this (relative to
# the reservoir and to RT/F), and at least every so many steps.
_STEADY = 2.0e-3
_LONGEST_WAIT = 8
# Part of the electrolyte's volume below which nothing concentrates further.
_DRY = 1.0e-3


class LiquidTransport:
    """Moves solvent, salt and charge by what was booked. Collective.

    Attributes:
        potential: the ionic potential's field, or None.
    """

    def __init__(
        self,
        space: NodalSpace,
        model: SEIGrowth,
        electrode: BoolArray,
        bulk: BoolArray,
        options: LinearOptions,
        prefix: str,
        work: Workspace,
    ) -> None:
        self._space = space
        # Factors hardly ever fit the next matrix, of the same field or of another, and they are the
        # largest thing in memory: one set in turn. A hierarchy serves its own field for long.
        common = None
        if options.resolve(space.global_size, space.dim) == "direct":
            common = LinearSolver(space, f"{prefix}liquid", options)

        def solver(name: str) -> LinearSolver:
            return common or LinearSolver(space, prefix + name, options)

        self._solvent = LiquidField(space, bulk, work, solver("solvent")) if model.solvent else None
        self._salt = LiquidField(space, bulk, work, solver("salt")) if model.salt else None
        self.potential: IonicPotential | None = None
        if model.conduction:
            width = model.front.width
            self.potential = IonicPotential(
                space, electrode, bulk, work, width, solver("potential")
            )

    def catch_up(self, model: SEIGrowth, state: FilmState, drive: Drive) -> FilmState:
        """Return the state with what waits solved for, if the current of the drive has jumped.

        The steps that waited had the old current: averaged with the new one, the potential of the
        first step would be that of neither.
        """
        clock = state.clock
        if clock.elapsed == 0.0 or clock.current_density == drive.current_density:
            return state
        after = self._charge(model, self._species(model, state, clock.elapsed), clock)
        return replace(after, clock=replace(clock, elapsed=0.0, charge=0.0, wait=0, interval=1))

    def advance(self, model: SEIGrowth, state: FilmState, drive: Drive, dt: float) -> FilmState:
        """Return the state after one step; the fields are solved when it is time to."""
        clock = replace(
            state.clock,
            elapsed=state.clock.elapsed + dt,
            # Intercalation is positive in the drive: Li+ that leaves the electrolyte.
            charge=state.clock.charge - drive.current_density * dt,
            wait=state.clock.wait - 1,
        )
        if clock.wait > 0 and clock.current_density == drive.current_density:
            return self._dry_out(model, replace(state, clock=clock))
        after = self._species(model, state, clock.elapsed)
        after = self._charge(model, after, clock)
        interval = self._interval(state, after, clock.interval, drive.temperature)
        if model.pore_reactions:
            # The little liquid in pores does not wait: it would be used up more than once.
            interval = 1
        clock = TransportClock(0.0, 0.0, interval, interval, drive.current_density)
        return self._dry_out(model, replace(after, clock=clock))

    def at_rest(self, model: SEIGrowth, state: FilmState, temperature: float) -> bool:
        """Return whether no field is so far from the reservoir that it would matter. Collective.

        Then none will be on a thicker film of the same growth, and a leap need not solve them.
        """
        if model.pore_reactions:
            return False
        away = [np.abs(state.potential) * FARADAY / (GAS_CONSTANT * temperature)]
        if model.solvent is not None:
            away.append(np.abs(state.solvent_level - state.reservoir))
        if model.salt is not None:
            outside = self._reservoir(model, state, model.salt) * state.salt_outside
            away.append(np.abs(state.salt_level - outside))
        return max(self._space.max(each) for each in away) < _STEADY

    def at_inner_face(
        self, model: SEIGrowth, state: FilmState, drive: Drive, face: Array, dt: float
    ) -> FilmState:
        """Return the state with the solvent's level at the electrode, where it is reduced.

        The level is that of the step's own sink, and the fields are solved in this step.
        """
        if self._solvent is None or model.solvent is None:
            return state
        set_, one = model.reactions, np.ones(1)
        at = face_surroundings(model, state, drive, float(self._space.sum(face * state.potential)))
        used = sum(
            -set_.column(SOLVENT)[r] * float(np.sum(set_.rates(r, replace(at, solvent=one))))
            for r in set_.depositions
        )
        species = model.solvent
        c = self._solvent.face_concentration(
            species,
            state.phi,
            state.pore,
            state.solvent,
            species.reservoir * state.reservoir,
            dt,
            face,
            used / species.reservoir,
        )
        level = np.full(self._space.size, max(c, 0.0) / species.reservoir)
        return replace(state, solvent_level=level, clock=replace(state.clock, wait=0))

    def _species(self, model: SEIGrowth, state: FilmState, elapsed: float) -> FilmState:
        if self._solvent is not None and model.solvent is not None:
            amount, level, entered = self._move(
                self._solvent, model.solvent, state, state.solvent, state.reservoir, elapsed
            )
            books = state.books.flow_in(SOLVENT, entered)
            state = replace(state, solvent=amount, solvent_level=level, books=books)
        if self._salt is not None and model.salt is not None:
            amount, level, entered = self._move(
                self._salt, model.salt, state, state.salt,
                self._reservoir(model, state, model.salt) * state.salt_outside, elapsed,
            )  # fmt: skip
            books = state.books.flow_in(ANION, entered)
            state = replace(state, salt=amount, salt_level=level, books=books)
        return state

    @staticmethod
    def _move(
        field: LiquidField,
        species: LiquidSpecies,
        state: FilmState,
        amount: Array,
        reservoir: float,
        elapsed: float,
    ) -> tuple[Array, Array, float]:
        """Return (amounts [mol], c/c_ref [-], what came in [mol]) of one species."""
        top = species.reservoir * reservoir
        moved, c, entered = field.step(species, state.phi, state.pore, amount, top, elapsed)
        return moved, np.clip(c / species.reservoir, 0.0, 10.0), entered

    def _charge(self, model: SEIGrowth, state: FilmState, clock: TransportClock) -> FilmState:
        if self.potential is None or model.conduction is None:
            return state
        potential, debt, entered = self.potential.step(
            model.conduction,
            state.phi,
            state.shares,
            state.pore,
            state.charge_debt,
            state.potential,
            current_density=clock.charge / clock.elapsed,
            dt=clock.elapsed,
        )
        electrode = clock.charge * self._space.geometry.area / FARADAY
        books = state.books.flow_in("charge", entered).flow_in("intercalation", electrode)
        return replace(state, potential=potential, charge_debt=debt, books=books)

    def _interval(
        self, before: FilmState, after: FilmState, interval: int, temperature: float
    ) -> int:
        """Return after how many steps to solve again: as long as the solution hardly changes."""
        thermal = GAS_CONSTANT * temperature / FARADAY
        changes = (
            np.abs(after.solvent_level - before.solvent_level),
            np.abs(after.salt_level - before.salt_level),
            np.abs(after.potential - before.potential) / thermal,
        )
        change = max(self._space.max(c) for c in changes)
        return min(2 * interval, _LONGEST_WAIT) if change < _STEADY else 1

    def _dry_out(self, model: SEIGrowth, state: FilmState) -> FilmState:
        """Let the reservoir lose the solvent that was used."""
        if model.solvent is None:
            return state
        left = self._reservoir(model, state, model.solvent)
        return replace(state, reservoir=left, wetted=self._volume(model, state))

    def _reservoir(self, model: SEIGrowth, state: FilmState, species: LiquidSpecies) -> float:
        """Return the concentration in the reservoir over that at the start [-].

        (1 - x)/(1 - V c0 x) for the solvent, x being the part that was used: the volume goes with
        it, which concentrates the salt.
        """
        if model.reservoir_depth is None:
            return 1.0
        stock = species.reservoir * model.reservoir_depth * self._space.geometry.area
        used = -float(model.reactions.column(species.name) @ state.books.extents)
        return max(1.0 - used / stock, 0.0) / max(self._volume(model, state), _DRY)

    def _volume(self, model: SEIGrowth, state: FilmState) -> float:
        """Return the electrolyte's volume over that at the start [-]."""
        if model.reservoir_depth is None:
            return 1.0
        used = -float(model.reactions.column(SOLVENT) @ state.books.extents)
        volume = model.reservoir_depth * self._space.geometry.area
        return max(1.0 - used * model.solvent_volume / volume, 0.0)


def face_surroundings(
    model: SEIGrowth, state: FilmState, drive: Drive, potential: float
) -> Surroundings:
    """Return what a reaction where film and electrode meet sees; arrays of one number.

    Args:
        model: the film's physics.
        state: the film; its solvent level is taken as it is at the electrode.
        drive: what is imposed on the electrode.
        potential: mean ionic potential at the electrode [V].
    """
    one = np.ones(1)
    carrier = 0.0
    if model.interstitial is not None:
        behind = drive.potential - potential
        carrier = model.interstitial.boltzmann(behind, drive.temperature)
    probability = 1.0 if model.tunnelling is not None else 0.0
    return Surroundings(
        one * (drive.potential - potential), one * probability, one * carrier, one, one, 0.0 * one
    )
