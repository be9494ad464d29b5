"""What a coupled study writes: a row per exchange, rows of the patches, the cell's history."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from interphase.solvers.leg import Leg
from interphase.solvers.run_folder import write_whole, writing

logger = logging.getLogger(__name__)

AGEING: Final = (
    ("time", "s"), ("cycle", "-"), ("cycles_jumped", "-"), ("throughput", "A.h"),
    ("discharge_capacity", "A.h"), ("lost_capacity", "A.h"), ("remaining_capacity", "-"),
    ("lost_charge", "C/m2"), ("lost_charge_geometric", "C/m2"),
    ("lost_lithium", "mol"), ("film_lithium", "mol"), ("film_resistance", "ohm"),
    ("film_thickness", "m"), ("film_thickness_least", "m"), ("film_thickness_largest", "m"),
    ("film_thickness_geometric", "m"), ("lowest_potential", "V"), ("highest_potential", "V"),
    ("temperature", "K"), ("coupling_error", "-"), ("potential_error", "V"),
    ("lithium_imbalance", "-"), ("minimal_porosity", "-"), ("plated_lithium", "mol"),
    ("solvent_left", "-"), ("film_steps", "-"), ("rejected", "-"), ("wall_time", "s"),
)  # fmt: skip
"""Columns of ``ageing.csv``: name and unit."""

PATCH_FIRST: Final = (
    ("time", "s"), ("cycle", "-"), ("patch", "-"), ("position", "m"),
    ("electrolyte_salt", "mol/m3"), ("lowest_potential", "V"), ("mean_potential", "V"),
    ("highest_potential", "V"), ("intercalation", "A/m2"), ("temperature", "K"),
    ("growth", "m"), ("conductivity", "S/m"),
)  # fmt: skip
"""First columns of ``patches.csv``; those of a film's time series follow."""

# PyBaMM's names, so that the file reads like a saved solution.
_CELL: Final = (
    "Cycle", "Time [s]", "Voltage [V]", "Current [A]",
    "X-averaged negative electrode temperature [K]",
    "X-averaged negative electrode surface potential difference [V]",
)  # fmt: skip


class Table:
    """A CSV file that grows row by row; one rank only."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self.columns = path, tuple(columns)

    def begin(self, rows: int | None) -> None:
        """Start the file anew, or keep its header and the first ``rows`` rows."""
        lines: list[str] = []
        if rows is not None and self._path.exists():
            lines = self._path.read_text(encoding="utf-8").splitlines()[1 : rows + 1]
        write_whole(self._path, "\n".join([",".join(self.columns), *lines]) + "\n")

    def append(self, rows: Sequence[Sequence[float]]) -> None:
        """Add rows."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([[_text(v) for v in row] for row in rows])
        with writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())


def _text(value: float) -> str:
    # of NumPy's numbers the repr names the type
    number = float(value)
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def header(columns: Sequence[tuple[str, str]]) -> list[str]:
    """Return ``name [unit]`` of each column."""
    return [f"{name} [{unit}]" for name, unit in columns]


class StudyRecorder:
    """Writes the files of one study; used on rank 0.

    Attributes:
        counts: rows written so far, by file, for a restart.
    """

    def __init__(self, folder: Path, patch_columns: Sequence[tuple[str, str]]) -> None:
        self.folder = folder
        self._tables = {
            "ageing": Table(folder / "ageing.csv", header(AGEING)),
            "patches": Table(folder / "patches.csv", header((*PATCH_FIRST, *patch_columns))),
            "cell": Table(folder / "cell.csv", _CELL),
        }
        self._patch_columns = [name for name, _ in (*PATCH_FIRST, *patch_columns)]
        self.counts = dict.fromkeys(self._tables, 0)

    def begin(self, counts: Mapping[str, int] | None) -> None:
        """Open the files, cut back to ``counts`` rows at a restart."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for name, table in self._tables.items():
            table.begin(None if counts is None else counts[name])
        if counts is not None:
            self.counts = dict(counts)

    def ageing(self, values: Mapping[str, float]) -> None:
        """Write the numbers of an exchange."""
        self._add("ageing", [[values[name] for name, _ in AGEING]])

    def patches(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the numbers of the patches."""
        self._add("patches", [[row[name] for name in self._patch_columns] for row in rows])

    def cell(self, leg: Leg, cycle: int, end: float) -> None:
        """Write what the cell did, every simulated cycle.

        Args:
            leg: between two exchanges.
            cycle: whole cycles done at its end.
            end: time of the cell at its end [s]; cycles that were jumped over come last.
        """
        rows = []
        number = cycle - leg.jumped - len(leg.segments) + (not leg.cursor.at_start)
        repeated = sum(s.duration for s in leg.segments[-1]) if leg.jumped else 0.0
        start = end - leg.spent - leg.jumped * repeated
        for index, steps in enumerate(leg.segments):
            for s in steps:
                if s.skipped:
                    continue
                potential = s.surface_potential.mean(axis=1)
                rows += [
                    [max(number, 0) + index, start + t, v, i, w, u]
                    for t, v, i, w, u in zip(
                        s.times, s.voltage, s.current, s.temperature, potential, strict=True
                    )
                ]
                start += s.duration
        self._add("cell", rows)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Write ``summary.json``."""
        write_whole(self.folder / "summary.json", json.dumps(values, indent=1) + "\n")

    def _add(self, name: str, rows: Sequence[Sequence[float]]) -> None:
        self._tables[name].append(rows)
        self.counts[name] += len(rows)


def discharged(leg: Leg) -> float:
    """Return the charge discharged in the last cycle of a leg, or in the part that it is [A h]."""
    total = 0.0
    for s in leg.segments[-1]:
        if not s.skipped:
            total += float(np.trapezoid(np.maximum(s.current, 0.0), s.times)) / 3600.0
    return total
