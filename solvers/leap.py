"""Leaps: a proposed film, made possible, booked, relaxed by one step, and judged.

The film's growth over some interface widths is proposed at once; everything else is solved. A leap
that a gate refuses is tried at half its length, then the physics goes on for a stretch that doubles
with every refusal in a row: far outside a proposer's domain a run is the run of the physics.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np

from interphase.meshes.parallel import on_root
from interphase.models.interpolation import profile, signed_distance
from interphase.models.surrogate.proposal import Conditions, Proposal, Proposer
from interphase.parameters.errors import ConvergenceError, InterphaseError
from interphase.parameters.program import Drive
from interphase.solvers.balance import BalanceSheet
from interphase.solvers.judge import Judge, Refusal, interface_energy
from interphase.solvers.project import Projected, project
from interphase.solvers.raster import Raster
from interphase.solvers.setup import Problem
from interphase.solvers.space import Array
from interphase.solvers.state import Books, FilmState
from interphase.solvers.step_report import StepReport
from interphase.solvers.stepping import ControlState, Milestones
from interphase.solvers.stride import Stepper, Stride
from interphase.solvers.tempo import Clock, Stage, Tempo

logger = logging.getLogger(__name__)

# A leap over less than so many steps saves nothing.
_LEAST_STEPS = 6.0
# Steps of physics after a refusal, doubled with every further one up to the second number.
_REST, _LONGEST_REST = 4, 64
# Steps of physics before the first leap, and after a seed or a kink of the drive: the profile and
# the carriers settle.
_SETTLE = 5
# So many of them, the last ones, tell how the rate changes.
_TELLING = 3
# What a leap leaves of the time to a milestone: it is met by steps.
_LEFT = 0.02
# A step that gains less than this part of the usual one is one of a transient: no leap from there.
_MOVING = 0.25
# Foretold, the rate may change by this part of what the judge allows.
_EVEN = 0.9
# Internal fronts may move so far on one film, in interface widths: two usual steps.
_STAGE = 0.2
# Above the film's top a leap needs this many widths of grid, the profile's tail.
_ROOM = 3.0


@dataclass(frozen=True)
class LeapState:
    """What leaps remember, so that a restart is exact.

    Attributes:
        advance: length of the next leap, in interface widths [-].
        rest: steps of physics until the next one is tried.
        refusals: in a row, for the length of the rest.
        tempo: of the last step; None after a seed, a kink of the drive or in a transient.
        before: the tempo before the last leap, or early in the steps if there was none.
        accepted: leaps that were kept.
        leapt: sum of their advances, in interface widths [-].
        tried: leaps that were tried.
        refused: how many, by reason.
    """

    advance: float
    rest: int = _SETTLE
    refusals: int = 0
    tempo: Tempo | None = None
    before: Tempo | None = None
    accepted: int = 0
    leapt: float = 0.0
    tried: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """Return what `asdict` made of one."""
        tempos = {name: Tempo.of(stored[name]) for name in ("tempo", "before")}
        return cls(**{**stored, **tempos})

    def refuse(self, reason: Refusal) -> Self:
        """Return the state with one refusal counted."""
        counted = {**self.refused, reason.value: self.refused.get(reason.value, 0) + 1}
        return replace(self, tried=self.tried + 1, refused=counted)


class Leaper:
    """Leaps where it can and steps where it cannot. Collective on the problem's communicator."""

    def __init__(
        self, problem: Problem, stepper: Stepper, proposer: Proposer, *, largest: float | None,
        stops: bool, stored: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Get ready.

        Args:
            problem: what is simulated.
            stepper: makes the steps.
            proposer: proposes the leaps.
            largest: bound on the advance in interface widths, besides the proposer's own.
            stops: whether to end the run outside the proposer's domain.
            stored: from the notes of a checkpoint.

        Raises:
            MeshError: the mesh has no uniform patch.
        """
        self._problem, self._stepper, self._proposer = problem, stepper, proposer
        self._stops = stops
        self._raster = Raster(problem.space)
        self._sheet = BalanceSheet(problem.solver)
        control = stepper.controller
        self._largest = min(proposer.largest_advance, largest or np.inf)
        self._least = min(_LEAST_STEPS * control.front_fraction, self._largest)
        self._judge = Judge(problem.width, control.rtol, control.front_fraction)
        self._logarithms = {
            row.key: float(np.log10(row.value))
            for row in problem.table.parameters
            if row.value is not None and row.value > 0.0
        }
        self.memory = LeapState.of(stored) if stored else LeapState(self._largest)

    def notes(self) -> dict[str, Any]:
        """Return what must be remembered."""
        return asdict(self.memory)

    def summary(self) -> dict[str, Any]:
        """Return how many leaps were tried and kept, and why others were not."""
        memory = self.memory
        return {
            "tried": memory.tried,
            "accepted": memory.accepted,
            "widths_leapt": memory.leapt,
            "refused": memory.refused,
        }

    def stride(self, state: FilmState, control: ControlState, milestones: Milestones) -> Stride:
        """Return a leap that was kept, or a step; see `Strider`."""
        memory, milestone = self.memory, milestones.after(state.time)
        if memory.rest <= 0 and memory.tempo is not None and state.step > 0.0:
            leap = self._leap(memory.tempo, state, control, milestone)
            if leap is not None:
                return leap
        return self._step(state, control, milestones)

    def _step(self, state: FilmState, control: ControlState, milestones: Milestones) -> Stride:
        """Return a step, its tempo remembered."""
        stride = self._stepper.stride(state, control, milestones)
        memory = self.memory
        if stride.state.step > 0.0:
            space, width = self._problem.space, self._problem.width
            tempo = Tempo.between(space, state, stride.state, stride.report)
            gain = space.integral(stride.state.phi - state.phi) / (width * space.geometry.area)
            if gain > _MOVING * self._stepper.controller.front_fraction:
                rest = max(memory.rest - 1, 0)
                # The rate has settled: from here on steps tell how it changes.
                start = memory.before or (tempo if rest <= _TELLING else None)
                self.memory = replace(memory, tempo=tempo, before=start, rest=rest)
            else:
                self.memory = replace(memory, tempo=None)
        else:
            self.memory = replace(memory, tempo=None, before=None, rest=_SETTLE)
        return stride

    def _leap(
        self, tempo: Tempo, state: FilmState, control: ControlState, milestone: float
    ) -> Stride | None:
        """Return the first leap that is kept, the longest first; None if there is none."""
        drive = self._drive(state.time, milestone)
        clock = Clock.through(self.memory.before, tempo)
        advance = self._room(state, clock, control, milestone) if drive else 0.0
        if drive is None or advance < self._least:
            return None
        while advance >= self._least:
            found = self._try(_Attempt(state, control, drive, tempo, clock, advance, milestone))
            if isinstance(found, Stride):
                return found
            logger.debug("leap of %.3g l from %.6g s refused: %s", advance, state.time, found.value)
            self.memory = self.memory.refuse(found)
            if found is Refusal.DOMAIN and self._stops:
                raise ConvergenceError(
                    f"the film at {state.time:.6g} s is outside the training data of "
                    "solver.accelerator.file: train on such films or write outside_domain: physics"
                )
            if found.hopeless:
                break
            advance *= 0.5
        rest = min(_REST * 2**self.memory.refusals, _LONGEST_REST)
        self.memory = replace(
            self.memory, rest=rest, refusals=self.memory.refusals + 1, before=None,
            advance=max(advance, self._least),
        )  # fmt: skip
        return None

    def _drive(self, time: float, milestone: float) -> Drive | None:
        """Return the drive up to the milestone [s] if it is constant."""
        program = self._problem.program
        if not np.isfinite(milestone) or program.slope(time) != 0.0:
            return None
        middle, end = program.at(0.5 * (time + milestone)), program.at(milestone)
        return middle if middle == end else None

    def _room(
        self, state: FilmState, clock: Clock, control: ControlState, milestone: float
    ) -> float:
        """Return the longest advance that time and space leave, in interface widths."""
        space, width = self._problem.space, self._problem.width
        elevation = space.geometry.elevation(space.points)
        top = space.max(np.where(state.phi > 0.5, elevation, 0.0))
        height = min(self._problem.resolved_height, self._raster.height - _ROOM * width)
        advance = min(self.memory.advance, self._largest, 0.5 * (height - top) / width)
        volume, area = space.integral(state.phi), space.geometry.area
        left = (1.0 - _LEFT) * (milestone - state.time) - control.wanted
        limit = _EVEN * self._judge.tempo * clock.slowness
        while advance >= self._least:
            end = volume + advance * width * area
            if clock.elapsed(volume, end) <= left and clock.at(end) <= limit:
                return advance
            advance *= 0.9
        return 0.0

    def _try(self, attempt: _Attempt) -> Stride | Refusal:
        """Return a leap, or why there is none."""
        try:
            return self._attempt(attempt)
        except InterphaseError as error:
            # The film before the leap is untouched: whatever went wrong, the physics goes on.
            if self._problem.comm.rank == 0:
                logger.warning("leap at %.6g s failed: %s", attempt.state.time, error)
            return Refusal.FAILURE

    def _attempt(self, a: _Attempt) -> Stride | Refusal:
        problem, judge, solver = self._problem, self._judge, self._problem.solver
        space, width = problem.space, problem.width
        wanted = a.advance * width * space.geometry.area
        proposal = self._propose(a)
        refused = judge.proposal(proposal)
        if refused:
            return refused
        film = self._project(a.state, proposal)
        refused = judge.projected(film, wanted)
        if refused:
            return refused
        volume = space.integral(a.state.phi)
        stages = self._stages(a, film)
        leapt, report = solver.leap(a.state, film.phi, film.shares, stages, a.drive, a.tempo)
        refused = judge.leapt(report)
        if refused:
            return refused
        slowness = a.clock.at(volume + film.gain)
        step = a.control.wanted * slowness / a.tempo.slowness
        # The film one step before the leap's end foretells the step after it, which is judged by
        # how far it is from that.
        done = 1.0 - min(step / (slowness * film.gain), 1.0)
        leapt = replace(leapt, step=step, phi_before=self._between(a.state, film, done))
        relaxed, report = solver.step(leapt, step, a.drive)
        energies = (
            interface_energy(space, a.state.phi, width),
            interface_energy(space, film.phi, width),
            interface_energy(space, relaxed.phi, width),
        )
        after = Tempo.between(space, leapt, relaxed, report)
        refused = (
            judge.relaxed(report, energies)
            or judge.timed(a.tempo, after)
            or judge.balanced(self._imbalance(a.state), self._imbalance(relaxed))
        )
        if refused or after is None:
            return refused or Refusal.TEMPO
        taken = Clock.through(a.tempo, after).elapsed(volume, volume + film.gain)
        refused = judge.lasted(leapt.time - a.state.time, taken)
        end = a.state.time + taken + step
        if refused or end > a.milestone:
            return refused or Refusal.MILESTONE
        relaxed = replace(relaxed, time=end, books=_shared(a, leapt, relaxed, after))
        return self._keep(a, relaxed, report, after, step, film.gain)

    def _keep(
        self, a: _Attempt, state: FilmState, report: StepReport, after: Tempo, step: float,
        gain: float,
    ) -> Stride:  # fmt: skip
        """Return the leap as a stride, and remember it."""
        control = self._stepper.controller
        leap = gain / (self._problem.width * self._problem.space.geometry.area)
        memory = self.memory
        settled = not report.seeds
        self.memory = replace(
            memory, advance=min(2.0 * a.advance, self._largest), refusals=0,
            tempo=after if settled else None, before=a.tempo if settled else None,
            rest=0 if settled else _SETTLE,
            tried=memory.tried + 1, accepted=memory.accepted + 1, leapt=memory.leapt + leap,
        )  # fmt: skip
        state = state if settled else replace(state, step=0.0)
        onward = control.accept(a.control, step, control.judge(report))
        return Stride(state, onward, report, state.time - a.state.time, leap)

    def _propose(self, a: _Attempt) -> Proposal:
        """Return the proposal, made on one rank. Collective."""
        problem = self._problem
        patch = self._raster.patch(a.state, problem.width)
        conditions = Conditions(
            a.drive.potential, a.drive.temperature, problem.width, self._logarithms,
            problem.model.solids, self._deposit(a.tempo),
        )  # fmt: skip
        propose = self._proposer.propose
        with problem.solver.timings.part("proposals"):
            return on_root(problem.comm, lambda: propose(patch, conditions, a.advance))

    def _project(self, state: FilmState, proposal: Proposal) -> Projected:
        raster = self._raster
        phi = raster.scatter(proposal.phi, state.phi)
        shares = raster.scatter(proposal.shares, state.shares)
        return project(
            self._problem.space, state, phi, shares,
            mixes=self._problem.model.proportional,
        )  # fmt: skip

    def _deposit(self, tempo: Tempo) -> tuple[float, ...] | None:
        """Return what the front deposits, see `Conditions.deposit`."""
        model, set_ = self._problem.model, self._problem.model.reactions
        if not model.proportional:
            return None
        volume = np.zeros(len(model.solids))
        for r in set_.depositions:
            a = set_.product[r]
            volume[a] += max(tempo.extents[r], 0.0) * set_.volume_rate[r] / model.solidity[a]
        return tuple((volume / volume.sum() * model.solidity).tolist())

    def _stages(self, a: _Attempt, film: Projected) -> list[Stage]:
        """Return the stages in which reactions inside the film go along with a leap."""
        volume = self._problem.space.integral(a.state.phi)
        whole = a.clock.elapsed(volume, volume + film.gain)
        way = a.tempo.inside * whole / (_STAGE * self._problem.width)
        n = max(int(np.ceil(way)), 1)
        edges = volume + film.gain * np.linspace(0.0, 1.0, n + 1)
        return [
            Stage(self._between(a.state, film, (k + 0.5) / n), a.clock.elapsed(first, last))
            for k, (first, last) in enumerate(pairwise(edges))
        ]

    def _between(self, state: FilmState, film: Projected, part: float) -> Array:
        """Return phi when ``part`` of a leap is done, (size,)."""
        width = self._problem.width
        start, end = signed_distance(state.phi, width), signed_distance(film.phi, width)
        near = np.minimum(np.abs(start), np.abs(end)) < _ROOM * width
        return np.where(near, profile(-(start + part * (end - start)), width), film.phi)

    def _imbalance(self, state: FilmState) -> float:
        return self._sheet.check(state).worst_element


@dataclass(frozen=True)
class _Attempt:
    """One leap that is tried.

    Attributes:
        state: before it.
        control: of the steps, before it.
        drive: constant up to the milestone.
        tempo: of the last step.
        clock: foretells its time.
        advance: asked for, in interface widths [-].
        milestone: time that must not be passed [s].
    """

    state: FilmState
    control: ControlState
    drive: Drive
    tempo: Tempo
    clock: Clock
    advance: float
    milestone: float


def _shared(a: _Attempt, leapt: FilmState, relaxed: FilmState, after: Tempo) -> Books:
    """Return the books with a leap's electrons shared as those at both of its ends [mol].

    Between the ways they came, which were those of its start when it was booked; their sum stays.
    """
    old, new, books = a.state.books, leapt.books, relaxed.books
    electrons = new.electrons_carrier + new.electrons_tunnelling
    electrons -= old.electrons_carrier + old.electrons_tunnelling
    moved = 0.5 * (after.carried - a.tempo.carried) * electrons
    return replace(
        books,
        electrons_carrier=books.electrons_carrier + moved,
        electrons_tunnelling=books.electrons_tunnelling - moved,
    )
