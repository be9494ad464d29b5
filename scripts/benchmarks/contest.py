"""A mature film that several ways carry on, and how far they end from fine steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.evaluation import correlations
from interphase.models.surrogate.proposal import Conditions, Patch
from interphase.parameters.case import load_case
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.benchmarks.record import Outcome
from interphase.solvers.diagnostics import Row
from interphase.solvers.simulation import Simulation
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState

DAY: Final = 86400.0
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
    }
)  # fmt: skip
"""What is compared, by its name in the table."""
_WIDE: Final = {**_OLD, "mesh.size": "[48 nm, 60 nm]", "initial.seeds.seed": "21"}
WIDE: Final[Mapping[str, Task]] = MappingProxyType(
    {"160 days, 48 nm wide": Task("mosaic_growth", _WIDE, 2 * DAY, 160 * DAY)}
)
"""Four times as wide and as long as the training's films; the organic overgrows bare carbonate."""


@dataclass(frozen=True)
class Grown:
    """A film's history after it was mature.

    Attributes:
        time: [s], (rows,).
        thickness: [m], (rows,).
        parts: of each solid in the film at the end [-], (solids,).
        correlations: of each solid along the film at the end, (solids, lateral nodes), if it has a
            structure at all.
    """

    time: Array
    thickness: Array
    parts: Array
    correlations: Array | None = None

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
        if grown.correlations is not None and reference.correlations is not None:
            far = np.linalg.norm(grown.correlations - reference.correlations)
            words += f", correlation {100 * far / np.linalg.norm(reference.correlations):.2f} %"
        size = self.mature[4].space.global_size
        return Outcome(steps, size, float(thickness / last - 1.0), note=words + note)


def correlations_of(patch: Patch, width: float) -> Array:
    """Return the two-point correlation of each solid along the film, (solids, lateral nodes)."""
    return correlations(signed_distance(patch.phi, width) / width, patch.shares)


def parts_of(row: Row, solids: tuple[str, ...]) -> Array:
    """Return the part of each solid in the film [-], (solids,)."""
    return np.array([row[f"thickness_{s}"] for s in solids]) / row["thickness"]


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
