"""What a run gives back to a script or notebook."""

from __future__ import annotations

from dataclasses import dataclass
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
    state: FilmState
    rows: list[Row]
    summary: dict[str, Any]
    folder: Path | None

    def column(self, name: str) -> Array:
        """Return a column of the time series in SI, such as ``thickness``, (steps,)."""
        return np.array([row[name] for row in self.rows])
