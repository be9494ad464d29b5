"""The end of a run in a few numbers."""

from __future__ import annotations

import logging
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interphase.solvers.diagnostics import Row
from interphase.solvers.progress import readable
from interphase.solvers.setup import Problem
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState
from interphase.solvers.stopping import Ending
from interphase.solvers.timings import Timings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worst:
    """Largest imbalances since the start of the run [-].

    Attributes:
        elements: by element.
        charge: of the electrons.
        carrier: electrons that localised carriers owed.
    """

    elements: dict[str, float] = field(default_factory=dict)
    charge: float = 0.0
    carrier: float = 0.0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Worst:
        """Return what `asdict` made of one; the best there is for an empty mapping."""
        return cls(**stored)

    def with_row(self, row: Row) -> Worst:
        """Return the largest of these and of one more step."""
        balance = row.balance
        elements = {
            name: max(value, self.elements.get(name, 0.0))
            for name, value in balance.elements.items()
        }
        return Worst(elements, max(self.charge, balance.charge), max(self.carrier, balance.carrier))


def summarise(
    problem: Problem,
    state: FilmState,
    outcome: tuple[Ending, str, list[Row], Worst],
    control: ControlState,
    timings: Timings,
) -> dict[str, Any]:
    """Return ``summary.json`` and log its main lines. Collective.

    Args:
        problem: what was simulated.
        state: the last state.
        outcome: how the run ended, why if it failed, the steps since this start, the largest
            imbalances.
        control: state of the step controller.
        timings: wall time by part.
    """
    comm, (ending, reason, rows, worst) = problem.comm, outcome
    peak = comm.gather(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
    steps = control.accepted
    summary = {
        "title": problem.case.title,
        "ending": ending.value,
        "finished": ending is Ending.DONE,
        "reason": reason,
        "time": state.time,
        "final": dict(rows[-1].values) if rows else {},
        "worst": {
            "element_imbalance": max(worst.elements.values(), default=0.0),
            "elements": worst.elements,
            "charge_imbalance": worst.charge,
            "carrier_mismatch": worst.carrier,
        },
        "steps": {"accepted": steps, "rejected": control.rejected},
        "unknowns": problem.space.global_size,
        "ranks": comm.size,
        "wall_time": {
            "total": timings.wall,
            "earlier_starts": timings.before,
            **timings.seconds,
            "per_step": timings.seconds.get("steps", 0.0) / max(len(rows), 1),
            "parts_of_steps": dict(problem.solver.timings.seconds),
        },
        "peak_memory_MiB": sum(peak) if peak else None,
    }
    if comm.rank == 0:
        _log(summary, worst)
    return summary


def _log(summary: dict[str, Any], worst: Worst) -> None:
    final, wall = summary["final"], summary["wall_time"]
    apart = ("total", "earlier_starts", "parts_of_steps")
    parts = _listed({k: v for k, v in wall.items() if k not in apart})
    logger.info("%s at t = %s", summary["ending"], readable(summary["time"]))
    if final:
        logger.info(
            "film %.4g nm, grains %d, charge %.4g C/m2, resistance %.3g ohm cm2",
            1e9 * final["thickness"], final["grains"], final["charge"],
            1e4 * final["film_resistance"],
        )  # fmt: skip
    logger.info(
        "largest imbalance: elements %.1e, charge %.1e (parts of the throughput)",
        summary["worst"]["element_imbalance"], worst.charge,
    )  # fmt: skip
    logger.info(
        "%d steps (%d rejected) in %s wall time: %s",
        summary["steps"]["accepted"], summary["steps"]["rejected"], readable(wall["total"]), parts,
    )  # fmt: skip
    if wall["parts_of_steps"]:
        logger.info("parts of the steps: %s", _listed(wall["parts_of_steps"]))


def _listed(seconds: Mapping[str, float]) -> str:
    """Return the parts and their wall time as text, the longest first."""
    rows = sorted(seconds.items(), key=lambda row: -row[1])
    return ", ".join(f"{name} {value:.3g} s" for name, value in rows)
