"""Ways to carry a mature film on under one potential: steps, laws and leaps beside fine steps.

All start from the same film, grown by usual steps to the time from which it is called mature, and
carry it on to the same end; errors are those against steps of a fiftieth of the interface width.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.models.analytic import mixed_thickness
from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.proposal import Conditions, Patch, Proposer
from interphase.models.surrogate.reduced import Reduced
from interphase.parameters.errors import ConvergenceError
from interphase.scripts.benchmarks.contest import (
    Contest,
    Grown,
    conditions_of,
    correlations_of,
    parts_of,
)
from interphase.scripts.benchmarks.record import Outcome, Run, Way
from interphase.solvers.accelerators import load_proposer
from interphase.solvers.raster import Raster
from interphase.solvers.simulation import Simulation
from interphase.solvers.space import Array
from interphase.solvers.starting import prepare

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
        problem = simulation.problem
        patch = Raster(problem.space).patch(simulation.state, problem.width)
        grown = Grown(
            np.array([r["time"] for r in history]),
            np.array([r["thickness"] for r in history]),
            parts_of(history[-1], solids),
            correlations_of(patch, problem.width),
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
    """Return the growth by the reduced model that was fitted to the films of the network.

    Raises:
        ImportError: it does not ship, or scikit-learn is missing.
    """
    if not REDUCED.is_file():
        raise ImportError(f"there is no {REDUCED.name}")
    importlib.import_module("sklearn")
    model = Reduced.load(REDUCED)
    state, _, _, solids, problem = contest.mature
    conditions = conditions_of(contest)
    order = [solids.index(name) for name in model.phases]
    patch = Raster(problem.space).patch(state, problem.width)
    patch = replace(patch, shares=patch.shares[order])

    def work() -> Outcome:
        time = contest.task.mature
        past, heights, last = model.grow(patch, conditions, contest.task.end - time)
        found = np.zeros(len(solids))
        found[order] = last
        return contest.outcome(Grown(time + past, heights, found), 0)

    return work


def network_alone(contest: Contest) -> Run:
    """Return leaps of the network one after the other, nothing solved; the regime law's clock.

    The carriers move with the mean front; its speed is that of the leap before, at first that of
    one step. Nothing reacts inside the film.
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
        patch, leaps = raster.patch(after, width), 0
        while (left := (goal - patch.thickness(patch.phi)) / width) > 1e-3:
            patch = _leapt(patch, proposer, conditions, min(left, proposer.largest_advance))
            leaps += 1
        grown = grown_by_law(later - time[-1], thickness[-1], a, b)
        amounts = np.array([patch.thickness(patch.phi * share) for share in patch.shares])
        grown[-1] = patch.thickness(patch.phi)
        at_end = Grown(later, grown, amounts / grown[-1], correlations_of(patch, width))
        return contest.outcome(at_end, leaps)

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
