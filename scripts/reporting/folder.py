"""Reading a run folder; what is missing or broken is said in one line with what to do."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from interphase.parameters.errors import OutputError
from interphase.parameters.yaml_io import YAMLError, read_yaml

Array = npt.NDArray[np.float64]

_COLUMN = re.compile(r"\s*(.*?)\s*(?:\[(.*)\])?\s*")
_THICKNESS = "thickness_"
_INDEX = "snapshots.json"


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """The table of a run, SI.

    Attributes:
        columns: values by name (without the unit), each (rows,).
        units: unit by name.
    """

    columns: dict[str, Array]
    units: dict[str, str]

    def __getitem__(self, name: str) -> Array:
        """Return a column that every run has.

        Raises:
            OutputError: if the table lacks it.
        """
        if name not in self.columns:
            raise OutputError(f"timeseries.csv: the column '{name}' is missing; run the case again")
        return self.columns[name]

    def get(self, name: str) -> Array | None:
        """Return a column, or None if it is absent or holds no number."""
        column = self.columns.get(name)
        return column if column is not None and bool(np.any(np.isfinite(column))) else None

    @property
    def phases(self) -> tuple[str, ...]:
        """Solid phases that ever make up 1e-4 of the film, in the table's order.

        All of them while there is no film.
        """
        names = [name for name in self.columns if name.startswith(_THICKNESS)]
        trace = 1.0e-4 * np.nanmax(self["thickness"], initial=0.0)
        formed = [name for name in names if np.nanmax(self.columns[name], initial=0.0) > trace]
        return tuple(name.removeprefix(_THICKNESS) for name in formed or names)

    def at(self, name: str, time: float) -> float:
        """Return a column at a time [s], linear between rows."""
        return float(np.interp(time, self["time"], self[name]))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the fields of one time are.

    Attributes:
        time: [s].
        path: of the VTU file.
    """

    time: float
    path: Path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What a run left behind.

    Attributes:
        path: the folder.
        case: the resolved case, plain values.
        case_text: the same as text.
        provenance: versions, host and parameters.
        series: the table.
        summary: final numbers; empty for a run that has not finished.
        snapshots: in order of time; empty only where a partial report was asked for.
    """

    path: Path
    case: dict[str, Any]
    case_text: str
    provenance: dict[str, Any]
    series: TimeSeries
    summary: dict[str, Any]
    snapshots: tuple[Snapshot, ...]

    @property
    def title(self) -> str:
        """Title of the case."""
        return str(self.case.get("title") or self.path.name)


def read_run(path: Path, *, partial: bool = False, table: str = "timeseries.csv") -> RunFolder:
    """Read a run folder.

    Args:
        path: the folder.
        partial: accept a run without summary.json (not finished) or without snapshots.
        table: name of the file with its numbers in time.

    Raises:
        OutputError: if the folder or a file of it is missing or broken; the text names the file.
    """
    if not path.is_dir():
        raise OutputError(f"{path} is no folder; give the folder that `interphase run` wrote")
    case, text = read_case(path / "case.yaml")
    summary, shots = path / "summary.json", path / "snapshots"
    if not (partial and not summary.exists()):
        _need(summary, "the run has not finished; run it with --restart, or report with --partial")
    return RunFolder(
        path=path,
        case=case,
        case_text=text,
        provenance=read_json(path / "provenance.json"),
        series=read_series(path / table),
        summary=read_json(summary) if summary.exists() else {},
        snapshots=() if partial and not (shots / _INDEX).exists() else read_snapshots(shots),
    )


def read_case(path: Path) -> tuple[dict[str, Any], str]:
    """Return the resolved case of a run, plain values, and its text.

    Raises:
        OutputError: if the file is missing or broken.
    """
    _need(path, "it is no run folder; give one that a run wrote")
    try:
        return dict(read_yaml(path)), path.read_text(encoding="utf-8")
    except YAMLError as error:
        raise OutputError(f"{path}: cannot be read ({error}); run the case again") from error


def read_series(path: Path) -> TimeSeries:
    """Read a table with the header ``name [unit]``; an empty cell is not a number (nan).

    Raises:
        OutputError: if the file is missing, empty, or holds a cell that is no number.
    """
    _need(path, "run the case again")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:
        raise OutputError(f"{path}: holds no time step; let the run make at least one")
    header = [_COLUMN.fullmatch(cell) for cell in rows[0]]
    names = [match[1] if match else "" for match in header]
    units = [(match[2] or "-") if match else "-" for match in header]
    body = rows[1:]
    if len(body[-1]) < len(names) and len(body) > 1:
        body = body[:-1]  # a run that was killed may leave half a row
    values = np.empty((len(body), len(names)))
    for number, row in enumerate(body):
        try:
            values[number] = [float(cell) if cell.strip() else np.nan for cell in row]
        except ValueError as error:
            raise OutputError(
                f"{path}: line {number + 2} is broken ({error}); run the case again"
            ) from error
    return TimeSeries(
        {name: values[:, index] for index, name in enumerate(names)},
        dict(zip(names, units, strict=True)),
    )


def choose_snapshots(
    run: RunFolder, count: int, times: tuple[float, ...] = ()
) -> tuple[Snapshot, ...]:
    """Return the snapshots to show, in order of time.

    Args:
        run: the folder.
        count: how many, at most.
        times: wanted times [s], the nearest snapshots are taken; empty: evenly over the growth, so
            that the pictures differ from each other, the last always among them.
    """
    stamps = np.array([shot.time for shot in run.snapshots])
    levels = np.interp(stamps, run.series["time"], run.series["thickness"])
    # a bare electrode is not worth a picture, unless there is nothing else
    grown = np.flatnonzero(levels > 0.01 * levels[-1])
    if times:
        picked = {int(np.argmin(np.abs(stamps - time))) for time in times}
    elif grown.size == 0:
        picked = {stamps.size - 1}
    else:
        picked = {int(grown[index]) for index in _evenly(levels[grown], count)}
    return tuple(run.snapshots[index] for index in sorted(picked))


def _evenly(level: Array, count: int) -> set[int]:
    """Return indices at which ``level`` is spaced as evenly as can be, all different."""
    wanted = np.linspace(0.0, level[-1], count + 1)[1:]
    picked = {level.size - 1}
    for value in wanted[-2::-1]:
        free = [index for index in range(level.size) if index not in picked]
        if free:
            picked.add(min(free, key=lambda index: abs(level[index] - value)))
    return picked


def read_snapshots(folder: Path) -> tuple[Snapshot, ...]:
    """Return the snapshots that a folder lists, in order of time.

    Raises:
        OutputError: if the list or one of them is missing or broken.
    """
    index = folder / _INDEX
    entries = read_json(index, "very large runs write none; report what there is with --partial")
    try:
        shots = [Snapshot(float(one["time"]), folder / str(one["file"])) for one in entries]
    except (TypeError, KeyError, ValueError) as error:
        raise OutputError(f"{index}: is no list of time and file; run the case again") from error
    if not shots:
        raise OutputError(f"{index}: lists no snapshot; let the run reach its first output time")
    for shot in shots:
        _need(shot.path, f"{index.name} names it; run the case again")
    return tuple(sorted(shots, key=lambda shot: shot.time))


def _need(path: Path, advice: str) -> Path:
    if not path.is_file():
        raise OutputError(f"{path} is missing: {advice}")
    return path


def read_json(path: Path, advice: str = "run the case again") -> Any:
    """Return the content of a JSON file.

    Args:
        path: of the file.
        advice: what to do if it is missing.

    Raises:
        OutputError: if it is missing or broken.
    """
    _need(path, advice)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(f"{path}: is no JSON ({error}); run the case again") from error
