"""Ways to carry a mature film on under one potential: steps, laws and leaps beside fine steps.

All start from the same film, grown by usual steps to the time from which it is called mature, and
carry it on to the same end; errors are those against steps of a fiftieth of the interface width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from mpi4py import MPI

from interphase.models.analytic import mixed_thickness
from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.proposal import Conditions, Patch, Proposer
from interphase.models.surrogate.reduced import Reduced
from interphase.parameters.case import load_case
from interphase.parameters.errors import ConvergenceError
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.benchmarks.record import Outcome, Run, Way
from interphase.solvers.accelerators import load_proposer
from interphase.solvers.diagnostics import Row
from interphase.solvers.raster import Raster
from interphase.solvers.simulation import Simulation
from interphase.solvers.space import Array
from interphase.solvers.starting import prepare
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState

DAY: Final = 86400.0
_SHIPPED: Final = Path(__file__).resolve().parents[2] / "models/surrogate/shipped"
MODEL: Final = _SHIPPED / "mosaic.npz"
REDUCED: Final = _SHIPPED / "mosaic_reduced.npz"
FINE: Final = 0.02
"""Displacement of the front in a step of the reference, in interface widths."""
# The rate before the end of the steps, for laws: so many steps.
_PAST: Final = 12
# Times between which the exponent of growth is taken, parts of the end.
_LATE: Final = (0.25, 1.0)


@dataclass(frozen=True)
class Task:
    """A film to carry on.

    Attributes:
        case: name in ``scripts/cases``.
        overrides: keys of the case that are changed.
        mature: time from which leaps compete [s].
        end: time at which films are compared [s].
    """

    case: str
    overrides: Mapping[str, str]
    mature: float
    end: float


_HELD_OUT: Final = {
    "model.override.interstitial_diffusivity.Li2CO3": "1e-15 m^2/s",
    "model.override.interstitial_rate.R1": "9e-7 mol/m^2/s",
    "model.override.interstitial_rate.R4": "7e-8 mol/m^2/s",
    "drive.steps[1].hold": "0.07 V",
    "drive.steps[1].temperature": "305 K",
    "initial.seeds.seed": "21",
}
"""Inside the ranges of the films that the network was trained on, and none of them."""
_OLD: Final = {
    "mesh.grading.uniform_height": "36 nm",
    "drive.steps[1].until": "160 day",
    "time.until": "160 day",
}
TASKS: Final[Mapping[str, Task]] = MappingProxyType(
    {
        "40 days, 12 nm wide": Task(
            "mosaic_growth", {**_HELD_OUT, "mesh.size": "[12 nm, 46 nm]"}, 2 * DAY, 40 * DAY
        ),
        "160 days, 12 nm wide": Task(
            "mosaic_growth", {**_HELD_OUT, **_OLD, "mesh.size": "[12 nm, 60 nm]"},
            2 * DAY, 160 * DAY,
        ),
        "160 days, 48 nm wide": Task(
            "mosaic_growth", {**_HELD_OUT, **_OLD, "mesh.size": "[48 nm, 60 nm]"},
            2 * DAY, 160 * DAY,
        ),
    }
)  # fmt: skip
"""What is compared, by its name in the table."""


@dataclass(frozen=True)
class Grown:
    """A film's history after it was mature.

    Attributes:
        time: [s], (rows,).
        thickness: [m], (rows,).
        parts: of each solid in the film at the end [-], (solids,).
    """

    time: Array
    thickness: Array
    parts: Array

    @property
    def exponent(self) -> float:
        """Return d ln L/d ln t over the last part of the time [-]."""
        late = np.geomspace(_LATE[0], _LATE[1], 20) * self.time[-1]
        return float(
            np.polyfit(np.log(late), np.log(np.interp(late, self.time, self.thickness)), 1)[0]
        )


@dataclass
class Contest:
    """The mature film and the reference, made at first use.

    Attributes:
        task: what is compared.
        say: takes messages.
    """

    task: Task
    say: Callable[[str], None]
    _mature: tuple[FilmState, ControlState, list[Row], tuple[str, ...], Any] | None = None
    _reference: Grown | None = field(default=None)

    def case(self, **changes: str) -> Any:
        """Return the case with further keys changed."""
        every = {**self.task.overrides, **changes}
        path = CASES / f"{self.task.case}.yaml"
        return load_case(path, [f"{k}={v}" for k, v in every.items()])

    @property
    def mature(self) -> tuple[FilmState, ControlState, list[Row], tuple[str, ...], Any]:
        """Return the mature film: state, control, rows, solids, problem."""
        if self._mature is None:
            simulation = Simulation.from_case(self.case())
            rows = simulation.run(self.task.mature).rows
            problem = simulation.problem
            self._mature = simulation.state, simulation.control, rows, problem.model.solids, problem
            last = rows[-1]
            self.say(
                f"mature at {self.task.mature / DAY:g} days: {1e9 * last['thickness']:.3f} nm, "
                f"{len(rows)} steps, {last['grains']:.0f} grains, "
                f"{problem.space.global_size} nodes"
            )
        return self._mature

    def outcome(self, grown: Grown, steps: int, note: str = "") -> Outcome:
        """Return errors against the reference, which is the first to come."""
        if self._reference is None:
            self._reference = grown
        reference = self._reference
        thickness, last = grown.thickness[-1], reference.thickness[-1]
        start = self.mature[2][-1]["thickness"]
        words = (
            f"{1e9 * thickness:.3f} nm, growth {100 * ((thickness - last) / (last - start)):+.2f} %"
            f", parts {100 * np.abs(grown.parts - reference.parts).max():.2f} points, exponent "
            f"{grown.exponent:.3f} ({grown.exponent - reference.exponent:+.3f})"
        )
        size = self.mature[4].space.global_size
        return Outcome(steps, size, float(thickness / last - 1.0), note=words + note)


def parts_of(row: Row, solids: tuple[str, ...]) -> Array:
    """Return the part of each solid in the film [-], (solids,)."""
    return np.array([row[f"thickness_{s}"] for s in solids]) / row["thickness"]


def simulated(contest: Contest, **changes: str) -> Run:
    """Return a run of the simulation with keys of the case changed."""
    state, control, rows, solids, _ = contest.mature
    start = prepare(contest.case(**changes), MPI.COMM_SELF)
    fraction = start.problem.case.time.controller.front_fraction
    # The last step was that of the usual fraction.
    control = replace(control, wanted=control.wanted * min(fraction / 0.1, 1.0))

    def work() -> Outcome:
        simulation = Simulation(replace(start, state=state, control=control))
        try:
            result = simulation.run(contest.task.end)
        except ConvergenceError as error:
            # A way that leaves the mesh is a result too.
            size = start.problem.space.global_size
            return Outcome(len(simulation.rows), size, note=f"failed: {error}")
        history = [rows[-1], *result.rows]
        grown = Grown(
            np.array([r["time"] for r in history]),
            np.array([r["thickness"] for r in history]),
            parts_of(history[-1], solids),
        )
        note = f"; elements {max(r['element_imbalance'] for r in result.rows):.0e}"
        leaps = result.summary.get("leaps")
        if leaps:
            refused = ", ".join(f"{n} {why}" for why, n in leaps["refused"].items())
            note += f"; {leaps['accepted']} of {leaps['tried']} leaps kept ({refused})"
        return contest.outcome(grown, len(result.rows), note)

    return work


def by_law(contest: Contest, slowness: Callable[[Array, Array], tuple[float, float]]) -> Run:
    """Return the growth by dt/dL = a + b L with (a, b) from the last steps before.

    What grows is made of what grew in those steps.

    Args:
        contest: what is compared.
        slowness: from thickness [m] and slowness [s/m] of the steps to (a [s/m], b [s/m2]).
    """
    _, _, rows, solids, _ = contest.mature
    past = rows[-_PAST - 1 :]
    time = np.array([r["time"] for r in past])
    thickness = np.array([r["thickness"] for r in past])
    amounts = np.array([[r[f"thickness_{s}"] for s in solids] for r in (past[0], past[-1])])

    def work() -> Outcome:
        a, b = slowness(0.5 * (thickness[1:] + thickness[:-1]), np.diff(time) / np.diff(thickness))
        start, later = thickness[-1], np.linspace(time[-1], contest.task.end, 200)
        grown = grown_by_law(later - time[-1], start, a, b)
        gain = (amounts[1] - amounts[0]) / (thickness[-1] - thickness[0])
        parts = (amounts[1] + gain * (grown[-1] - start)) / grown[-1]
        return contest.outcome(Grown(later, grown, parts), 0)

    return work


def grown_by_law(time: Array, start: float, a: float, b: float) -> Array:
    """Return L [m] at ``time`` [s] for dt/dL = a + b L [s/m]."""
    if not np.isfinite(a):
        return np.full(time.size, start)
    if b <= 0.0:
        return start + time / a
    return np.asarray(mixed_thickness(time, start, 1.0 / b, a / b))


def regime(thickness: Array, slowness: Array) -> tuple[float, float]:
    """Return (a, b) of diffusion and reaction in series through the steps."""
    b, a = np.polyfit(thickness, slowness, 1)
    return float(a), float(b)


def linear(thickness: Array, slowness: Array) -> tuple[float, float]:
    """Return (a, 0): the rate of the last step for ever."""
    return float(slowness[-1]), 0.0


def persistent(thickness: Array, slowness: Array) -> tuple[float, float]:
    """Return an infinite slowness: the film stays as it is."""
    return np.inf, 0.0


def reduced(contest: Contest) -> Run:
    """Return the growth by the regression that was fitted to the films of the network.

    Raises:
        ImportError: it does not ship.
    """
    if not REDUCED.is_file():
        raise ImportError(f"there is no {REDUCED.name}")
    model = Reduced.load(REDUCED)
    _, _, rows, solids, _ = contest.mature
    conditions = conditions_of(contest)
    order = [solids.index(name) for name in model.phases]

    def work() -> Outcome:
        start, time = rows[-1], contest.task.mature
        parts = parts_of(start, solids)[order]
        past, heights, last = model.grow(
            start["thickness"], parts, conditions, contest.task.end - time
        )
        found = np.zeros(len(solids))
        found[order] = last
        return contest.outcome(Grown(time + past, heights, found), 0)

    return work


def conditions_of(contest: Contest) -> Conditions:
    """Return what the film grows under."""
    _, _, _, solids, problem = contest.mature
    drive = problem.program.at(contest.task.end)
    logarithms = {
        row.key: float(np.log10(row.value))
        for row in problem.table.parameters
        if row.value is not None and row.value > 0.0
    }
    return Conditions(drive.potential, drive.temperature, problem.width, logarithms, solids)


def network_alone(contest: Contest) -> Run:
    """Return leaps of the network one after the other, nothing solved; the regime law's clock.

    The carriers move with the mean front; speed and reactions inside are those of the leap before,
    at first those of one step.
    """
    state, control, rows, _, problem = contest.mature
    proposer = _network(contest)
    raster, width = Raster(problem.space), problem.width
    conditions = conditions_of(contest)
    past = rows[-_PAST - 1 :]
    time = np.array([r["time"] for r in past])
    thickness = np.array([r["thickness"] for r in past])

    def work() -> Outcome:
        a, b = regime(0.5 * (thickness[1:] + thickness[:-1]), np.diff(time) / np.diff(thickness))
        later = np.linspace(time[-1], contest.task.end, 200)
        goal = float(grown_by_law(later - time[-1], thickness[-1], a, b)[-1])
        drive = problem.program.at(contest.task.end)
        after, _ = problem.solver.step(state, control.wanted, drive)
        patch, leaps = raster.patch(after, width, before=state.shares), 0
        while (left := (goal - patch.thickness(patch.phi)) / width) > 1e-3:
            patch = _leapt(patch, proposer, conditions, min(left, proposer.largest_advance))
            leaps += 1
        grown = grown_by_law(later - time[-1], thickness[-1], a, b)
        amounts = np.array([patch.thickness(patch.phi * share) for share in patch.shares])
        grown[-1] = patch.thickness(patch.phi)
        return contest.outcome(Grown(later, grown, amounts / grown[-1]), leaps)

    return work


def _leapt(patch: Patch, proposer: Proposer, conditions: Conditions, advance: float) -> Patch:
    proposal = proposer.propose(patch, conditions, advance)
    old, new = (signed_distance(f, conditions.width) for f in (patch.phi, proposal.phi))
    near = np.abs(new) <= 1.5 * conditions.width
    cells = round(advance * conditions.width / patch.spacing[-1])
    carrier = np.concatenate(
        [np.repeat(patch.carrier[..., :1], cells, axis=-1), patch.carrier[..., :-cells]], axis=-1
    ) if cells else patch.carrier  # fmt: skip
    return replace(
        patch, phi=proposal.phi, shares=proposal.shares, carrier=carrier,
        speed=np.where(near, new - old, 0.0),
        conversion=np.where(patch.phi > 0.5, proposal.shares - patch.shares, 0.0),
    )  # fmt: skip


def _network(contest: Contest) -> Proposer:
    """Return the network that ships.

    Raises:
        ImportError: it does not, or its libraries are missing.
    """
    if not MODEL.is_file():
        raise ImportError(f"there is no {MODEL.name}")
    changes = {"solver.accelerator.kind": "surrogate", "solver.accelerator.file": str(MODEL)}
    problem = replace(contest.mature[4], case=contest.case(**changes))
    proposer = load_proposer(problem)
    if proposer is None:
        raise ImportError("the case has no accelerator")
    return proposer


def _relaxed_network(contest: Contest, largest: float) -> Run:
    _network(contest)
    changes = {"kind": "surrogate", "file": str(MODEL), "largest_advance": str(largest)}
    return simulated(contest, **{f"solver.accelerator.{k}": v for k, v in changes.items()})


def ways(contest: Contest) -> list[Way]:
    """Return all ways, the reference first."""
    key = "time.controller.front_fraction"

    def steps(fraction: float, rtol: float) -> Callable[[], Run]:
        changes = {key: str(fraction), "time.controller.rtol": str(rtol)}
        return partial(simulated, contest, **changes)

    def geometric(largest: float) -> Callable[[], Run]:
        changes = {"kind": "geometric", "largest_advance": str(largest)}
        named = {f"solver.accelerator.{k}": v for k, v in changes.items()}
        return partial(simulated, contest, **named)

    return [
        Way(f"steps of {FINE:g} l", steps(FINE, 4e-3), 1, reference=True),
        Way("steps of 0.1 l (default)", steps(0.1, 0.02)),
        Way("steps of 0.2 l", steps(0.2, 0.04)),
        Way("steps of 0.4 l", steps(0.4, 0.08)),
        Way("regime law", partial(by_law, contest, regime)),
        Way("persistence", partial(by_law, contest, persistent)),
        Way("linear extrapolation", partial(by_law, contest, linear)),
        Way("reduced model", partial(reduced, contest)),
        Way("geometric leaps of 1 l, relaxed", geometric(1.0)),
        Way("geometric leaps of 2 l, relaxed", geometric(2.0)),
        Way("geometric leaps of 3 l, relaxed", geometric(3.0)),
        Way("network alone", partial(network_alone, contest)),
        Way("network, leaps of 1 l, relaxed", partial(_relaxed_network, contest, 1.0)),
        Way("network, leaps of 2 l, relaxed", partial(_relaxed_network, contest, 2.0)),
    ]
