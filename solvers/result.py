"""What a run gives back to a script or notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from interphase.solvers.diagnostics import Row
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState
from interphase.solvers.stopping import Ending


@dataclass(frozen=True)
class Result:
    """What a run gives back.

    Attributes:
        ending: how it ended.
        state: the last state; fields on this rank.
        rows: numbers of the steps since this start.
        summary: as in ``summary.json``.
        folder: of the run, None without files.
    """

    ending: Ending
    state: FilmState = field(repr=False)
    rows: list[Row] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    folder: Path | None

    def __str__(self) -> str:
        """Return the outcome in one line."""
        if not self.rows:
            return f"{self.ending.value} at t = {self.state.time:.6g} s"
        last = self.rows[-1]
        return (
            f"{self.ending.value} at t = {last['time']:.6g} s after {len(self.rows)} steps: film "
            f"{1e9 * last['thickness']:.4g} nm, charge {last['charge']:.4g} C/m2, "
            f"{last['grains']:.0f} grains"
        )

    def column(self, name: str) -> Array:
        """Return a column of the time series in SI, such as ``thickness``, (steps,)."""
        return np.array([row[name] for row in self.rows])
