"""A patch: one phase-field film that stands for a part of an electrode and is driven by a cell.

The cell sees the patch through its response, the rate of electron uptake against potential and
thickness at its present state. Afterwards the patch takes exactly the charge that the cell has
booked; how much sooner or later than the cell it gets there is the error of the coupling.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from interphase.models.cell.response import ResponseTable
from interphase.models.reactions import ANION
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import ConvergenceError, CouplingError
from interphase.parameters.program import Drive
from interphase.solvers.balance import SOLID_LITHIUM
from interphase.solvers.diagnostics import Diagnostics, Row
from interphase.solvers.exposure import Advance, Exposure, FilmResponse, uptake
from interphase.solvers.room import RoomWatch
from interphase.solvers.setup import Problem
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState
from interphase.solvers.step_report import StepReport
from interphase.solvers.stepping import ControlState, StepController

# A trial step moves the front by about this part of its width: enough to stand clear of the
# solver's tolerance, too little to change the rates.
_TRIAL = 4.0e-3
# It may move it by so much less or more than that: conversions that die away make a rate depend on
# how long it is watched.
_SLACK = 2.5
# Steps that go ahead to see how rates change with growth: by this part of the width at most, and
# as exactly as that.
_STRIDE, _EXACT = 0.1, 1.5
# The exponent is not taken over less than this part of a cell of the mesh, where noise would make
# it.
_LEAST_REACH = 0.2
# Growth that is not worth another stride.
_ENOUGH = 0.9
# No trial step is longer than this [s].
_LONGEST_TRIAL = 3.0e5
# The last step of an interval is fitted until the charge is met to this part of the film's charge.
_CHARGE_RTOL = 1.0e-11
_FITS = 30
# A patch that needs this many times the cell's time to take the charge has left its response.
_PATIENCE = 4.0
# A table entry is no smaller than this part of the largest: its logarithm is not asked for.
_SMALLEST = 1.0e-9


class PhaseFieldPatch:
    """A phase-field film driven by a cell. Collective on the problem's communicator.

    Attributes:
        problem: the film.
        state: of the film now.
        control: state of its step controller.
        trial: length of the last trial step [s].
        reach: growth over which the next response is to hold: that of the last exchange [m].
        owed: charge that the cell has booked and the film has not yet taken [C/m2].
    """

    def __init__(
        self, problem: Problem, state: FilmState, control: ControlState | None = None
    ) -> None:
        self.problem, self.state = problem, state
        self._controller = StepController.from_case(problem.case.time.controller, problem.width)
        self.control = control or self._controller.start()
        self._diagnostics = Diagnostics(problem.solver)
        self._room = RoomWatch(problem.geometry, problem.width, problem.resolved_height)
        if not self.state.books.initial:
            opening = self._diagnostics.sheet.opening(self.state)
            self.state = replace(self.state, books=replace(self.state.books, initial=opening))
        self.trial = self._controller.initial_step
        self.reach = self.problem.geometry.cell_size
        self.owed = 0.0

    @property
    def thickness(self) -> float:
        """Mean thickness [m]."""
        return self._thickness_of(self.state)

    @property
    def charge(self) -> float:
        """Electrons taken since the start [C/m2]."""
        return self._charge_of(self.state)

    @property
    def lithium(self) -> float:
        """Lithium in the solids since the start, less that of the salt [mol/m2].

        Counted in the fields; the salt's is that of the anions that reacted.
        """
        state, area = self.state, self.problem.space.geometry.area
        solids = self._diagnostics.sheet.lithium_in_solids(state)
        opening = state.books.initial.get(SOLID_LITHIUM, 0.0)
        anions = -float(self.problem.model.reactions.column(ANION) @ state.books.extents)
        return (solids - opening - anions) / area

    @property
    def content(self) -> float:
        """Charge that the whole film took, an electron for a lithium in its solids [C/m2]."""
        inventory = self._diagnostics.sheet.lithium_in_solids(self.state)
        return FARADAY * inventory / self.problem.space.geometry.area

    @property
    def resistance(self) -> float:
        """Resistance to Li+ [ohm m2]; 0 where the case leaves the ionic potential out."""
        field, model = self.problem.solver.potential, self.problem.model
        if field is None or model.conduction is None:
            return 0.0
        s = self.state
        return field.resistance(model.conduction, s.phi, s.shares, s.pore)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Return name and unit of every number in a row."""
        return self._diagnostics.columns

    def row(self, drive: Drive) -> Row:
        """Return the film's numbers, its balances included."""
        return self._diagnostics.row(
            self.state, drive, step=self.state.step, newton=0, wall=0.0, exact=True
        )

    def bathe(self, salt: float) -> None:
        """Set the salt concentration of the cell's electrolyte at the film [mol/m3]."""
        model = self.problem.model
        outside = salt / self.problem.table.value("concentration_ref", "salt")
        level = self.state.salt_level
        if model.salt is None:
            # not solved: as outside everywhere
            level = np.full_like(level, outside)
        clock = replace(self.state.clock, wait=0)
        self.state = replace(self.state, salt_outside=outside, salt_level=level, clock=clock)

    def keep(self) -> object:
        """Return the state, which no step changes."""
        return self.state, self.control, self.trial, self.reach, self.owed

    def give_back(self, kept: object) -> None:
        """Return to a state that was kept."""
        if not isinstance(kept, tuple):
            raise CouplingError("this is no state of a patch")
        self.state, self.control, self.trial, self.reach, self.owed = kept

    def response(self, potentials: Array, temperature: float) -> FilmResponse:
        """Return the response at ``potentials`` [V], rising, (knots,), and ``temperature`` [K].

        Each rate is that of a short trial step, so that it is what the film will book. The
        thickness exponent is taken over as much growth as the last exchange had.
        """
        here, thickness = _unowed(self.state), self.thickness
        rate, middle, steps = self._rates(here, potentials, temperature)
        fastest = float(potentials[int(np.argmax(np.abs(rate)))])
        grown = self._grown(here, Drive(fastest, 0.0, temperature))
        growth = self._thickness_of(grown) - thickness
        charge = self._charge_of(grown) - self.charge
        exponent = np.zeros_like(rate)
        if thickness > 0.0 and growth > 0.0:
            then, later, _ = self._rates(grown, potentials, temperature, steps)
            floor = _SMALLEST * float(np.abs(rate).max())
            same = (rate * then > 0.0) & (np.abs(rate) > floor) & (np.abs(then) > floor)
            ratio = np.where(same, then / np.where(same, rate, 1.0), 1.0)
            exponent = -np.log(ratio) / np.log(later / middle)
            # A trial step is half-way at its rate, not at its beginning: tunnelling dies within a
            # hundredth of the front's width.
            rate = rate * (middle / thickness) ** exponent
        table = ResponseTable(np.asarray(potentials, dtype=float), -rate, exponent, thickness)
        return FilmResponse(table, growth / charge if charge != 0.0 else 0.0)

    def advance(self, exposure: Exposure, response: ResponseTable, charge: float) -> Advance:
        """Take ``charge`` [C/m2] under ``exposure``.

        Raises:
            ConvergenceError: a step failed at the smallest length, or the film came to the top of
                its domain.
        """
        charge += self.owed
        target, thickness = self.charge + charge, self.thickness
        holds = exposure.condense(response)
        whole = sum(duration for duration, _ in holds)
        tolerance = _CHARGE_RTOL * max(abs(target), abs(charge))
        self.owed = charge
        if abs(charge) <= tolerance or whole <= 0.0:
            return Advance(0.0, 0.0, 0.0, 0)
        expected = float(uptake(response, holds[-1][1].potential)[0])
        if charge * expected <= 0.0:
            # Next to nothing, against the film's own direction.
            return Advance(0.0, 0.0, 0.0, 0)
        spent, steps = 0.0, 0
        for index, (duration, drive) in enumerate(holds):
            final = index == len(holds) - 1
            end = spent + (duration if not final else _PATIENCE * whole)
            while spent < end * (1.0 - 1e-12):
                dt, new, report = self._step(drive, end - spent)
                steps += 1
                if (self._charge_of(new) - target) * math.copysign(1.0, charge) >= 0.0:
                    dt, new = self._fit(drive, dt, new, target, tolerance)
                    spent += dt
                    self.state = replace(new, step=0.0)
                    self.owed = target - self.charge
                    self._room.check(self.thickness)
                    least = _LEAST_REACH * self.problem.geometry.cell_size
                    self.reach = max(self.thickness - thickness, least)
                    return self._judge(response, drive, whole, spent, charge, steps)
                self.state, spent = new, spent + dt
                self._accept(dt, report)
            # After a jump of the drive the last step does not foretell the next.
            self.state = replace(self.state, step=0.0)
        # Far from its response: the exchange was too long for it.
        return Advance(charge, 1.0 / _PATIENCE - 1.0, math.nan, steps)

    def _judge(
        self,
        response: ResponseTable,
        drive: Drive,
        whole: float,
        spent: float,
        charge: float,
        steps: int,
    ) -> Advance:
        """Return what the difference in time means in charge and in potential."""
        rate = float(uptake(response, drive.potential)[0])
        error = (whole - spent) * rate / charge
        shift = 1e-3
        up, down = uptake(response, drive.potential + shift * np.array([1.0, -1.0]))
        slope = (math.log(abs(up / down)) / (2.0 * shift)) if up * down > 0.0 else 0.0
        potential = error / abs(slope) if abs(slope) > 1e-3 else math.nan
        return Advance(charge, error, potential, steps)

    def _thickness_of(self, state: FilmState) -> float:
        space = self.problem.space
        return space.integral(state.phi) / space.geometry.area

    def _charge_of(self, state: FilmState) -> float:
        electrons = self.problem.model.reactions.electrons
        area = self.problem.space.geometry.area
        return FARADAY * float(electrons @ state.books.extents) / area

    def _step(self, drive: Drive, longest: float) -> tuple[float, FilmState, StepReport]:
        """Make one accepted step of at most ``longest`` [s]."""
        controller = self._controller
        while True:
            dt = controller.propose(self.control, 0.0, 0.0, longest)
            try:
                new, report = self.problem.solver.step(self.state, dt, drive)
            except ConvergenceError as error:
                self.control = controller.fail(self.control, dt, error)
                continue
            verdict = controller.judge(report)
            if verdict.accepted:
                return dt, new, report
            self.control = controller.reject(self.control, dt, verdict)

    def _accept(self, dt: float, report: StepReport) -> None:
        self.control = self._controller.accept(self.control, dt, self._controller.judge(report))

    def _fit(
        self, drive: Drive, dt: float, new: FilmState, target: float, tolerance: float
    ) -> tuple[float, FilmState]:
        """Return the step from the present state after which the charge is ``target`` [C/m2].

        Regula falsi (Illinois) on the length of the step, which is known to reach the charge.
        """
        low, high = 0.0, dt
        below, above = self._charge_of(self.state) - target, self._charge_of(new) - target
        last = above
        for _ in range(_FITS):
            if abs(above) <= tolerance or high - low <= 1e-14 * dt:
                break
            middle = high - above * (high - low) / (above - below)
            trial, _ = self.problem.solver.step(self.state, middle, drive)
            miss = self._charge_of(trial) - target
            if abs(miss) <= tolerance:
                return middle, trial
            # An end that stays twice counts half, or it would stay for ever.
            stays, last = 0.5 if miss * last > 0.0 else 1.0, miss
            if miss * above < 0.0:
                low, below, above = middle, miss, stays * above
            else:
                high, above, below, new = middle, miss, stays * below, trial
        return high, new

    def _rates(
        self, state: FilmState, potentials: Array, temperature: float, steps: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Return the rates of trial steps [A/m2], the thickness half-way [m], and ``steps`` [s].

        Args:
            state: where the steps begin.
            potentials: at which they are made [V], (knots,).
            temperature: [K].
            steps: their lengths; None finds them.
        """
        before, thickness = self._charge_of(state), self._thickness_of(state)
        rates, middle, lengths = (np.zeros(len(potentials)) for _ in range(3))
        # The fastest last: where the next trial step begins, it is none too long.
        for index in np.argsort(potentials)[::-1]:
            drive = Drive(float(potentials[index]), 0.0, temperature)
            if steps is None:
                new, dt = self._trial_step(state, drive, _TRIAL, _SLACK)
            else:
                dt = float(steps[index])
                new, _ = self.problem.solver.step(state, dt, drive)
            rates[index] = (self._charge_of(new) - before) / dt
            middle[index] = 0.5 * (thickness + self._thickness_of(new))
            lengths[index] = dt
        return rates, middle, lengths

    def _trial_step(
        self, start: FilmState, drive: Drive, share: float, slack: float
    ) -> tuple[FilmState, float]:
        """Make a step that moves the front by about ``share`` of its width, or nearly nothing."""
        dt, short, long = self.trial, 0.0, math.inf
        for _ in range(60):
            new, report = self.problem.solver.step(start, dt, drive)
            moved = max(report.displacement, report.conversion) / self.problem.width
            wanted = share / max(moved, 1e-30)
            if moved > slack * share:
                long, dt = dt, dt * max(wanted, 1e-3)
            elif moved < share / slack and dt < _LONGEST_TRIAL:
                short, dt = dt, min(dt * min(max(wanted, 2.0), 1e3), _LONGEST_TRIAL)
            else:
                # The next one begins where this one should have been.
                self.trial = min(dt * min(max(wanted, 0.4), 2.5), _LONGEST_TRIAL)
                return new, dt
            if not short < dt < long:
                # What moves with a power of the time is overshot from both sides.
                dt = math.sqrt(short * long)
        raise CouplingError(
            "no trial step of the film has a useful length: check the table's rates"
        )

    def _grown(self, state: FilmState, drive: Drive) -> FilmState:
        """Return a state that has grown by about the reach."""
        trial, width = self.trial, self.problem.width
        end = self._thickness_of(state) + self.reach
        left = self.reach
        for _ in range(math.ceil(self.reach / (_STRIDE * width) * _EXACT) + 1):
            share = min(max(left / width, _TRIAL), _STRIDE)
            state, _ = self._trial_step(replace(state, step=0.0), drive, share, _EXACT)
            left = end - self._thickness_of(state)
            if not left > (1.0 - _ENOUGH) * self.reach:
                break
        self.trial = trial
        return _unowed(state)


def _unowed(state: FilmState) -> FilmState:
    """Return a state that the next step treats as one among many equal to it.

    What carriers still owe from a long step would be paid back in a short one, at up to half as
    much again as its own rate.
    """
    return replace(state, step=0.0, carrier_debt=np.zeros_like(state.carrier_debt))
