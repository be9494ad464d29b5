"""What a run writes: table, fields, snapshots, checkpoints, summary. Collective unless said."""

from __future__ import annotations

import json
import logging
import math
import time as clock
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.errors import OutputError
from interphase.parameters.nuclei_csv import NUCLEI_COLUMNS
from interphase.parameters.program import Drive
from interphase.solvers import checkpoint as checkpoints
from interphase.solvers.diagnostics import Row, field_values
from interphase.solvers.field_writers import FieldSegments
from interphase.solvers.nucleation import Seed
from interphase.solvers.provenance import describe, write_provenance
from interphase.solvers.restart import parameter_values
from interphase.solvers.run_folder import RunFolder, write_whole, writing
from interphase.solvers.run_log import RunLog
from interphase.solvers.setup import Problem
from interphase.solvers.snapshots import Snapshots
from interphase.solvers.state import FilmState
from interphase.solvers.stepping import ControlState, Milestones, every, reached

logger = logging.getLogger(__name__)

# A checkpoint is written at least this often [s of wall time], whatever the case says.
_SAFETY_INTERVAL: Final = 900.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands, besides the film.

    Attributes:
        control: state of the step controller.
        notes: what the run's reports remember.
        wall: time the run has taken [s].
    """

    control: ControlState
    notes: Mapping[str, Any]
    wall: float


class Recorder(Protocol):
    """Takes note of a run."""

    @property
    def times(self) -> tuple[float, ...]:
        """Times at which fields are to be written [s]."""
        ...

    def begin(self) -> None:
        """Open what a run writes to."""
        ...

    def due(self, time: float) -> bool:
        """Return whether fields are to be written at ``time`` [s]."""
        ...

    def fields(self, state: FilmState, drive: Drive) -> None:
        """Write the fields, unless this time has been written."""
        ...

    def row(self, row: Row) -> None:
        """Take down the numbers of a step."""
        ...

    def nuclei(self, time: float, seeds: Sequence[Seed]) -> None:
        """Take down the nuclei that appeared at ``time`` [s]."""
        ...

    def checkpoint_if_due(self, state: FilmState, standing: Standing) -> None:
        """Write a checkpoint if it is time for one."""
        ...

    def checkpoint(self, state: FilmState, standing: Standing) -> None:
        """Write a checkpoint."""
        ...

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary and close all files."""
        ...

    def close(self) -> None:
        """Close what can be closed; never raises."""
        ...


class NoRecorder:
    """Keeps nothing: a run in a notebook without files."""

    times: tuple[float, ...] = ()

    def begin(self) -> None:
        """Do nothing."""

    def due(self, time: float) -> bool:
        """Return that nothing is to be written."""
        return False

    def fields(self, state: FilmState, drive: Drive) -> None:
        """Do nothing."""

    def row(self, row: Row) -> None:
        """Do nothing."""

    def nuclei(self, time: float, seeds: Sequence[Seed]) -> None:
        """Do nothing."""

    def checkpoint_if_due(self, state: FilmState, standing: Standing) -> None:
        """Do nothing."""

    def checkpoint(self, state: FilmState, standing: Standing) -> None:
        """Do nothing."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class TimeSeries:
    """A table whose rows come in the order of time, their first cell. For rank 0 only."""

    def __init__(self, path: Path, columns: Sequence[tuple[str, str]]) -> None:
        self._path, self._columns = path, columns
        self._file: Any = None

    def start(self, until: float | None) -> None:
        """Start the table, or go on behind its rows up to the time ``until`` [s] of a restart.

        Raises:
            OutputError: it cannot be written.
        """
        header = ",".join(f"{name} [{unit}]" for name, unit in self._columns)
        kept = [] if until is None else self._rows_until(until, header)
        write_whole(self._path, "\n".join([header, *kept, ""]))

    def open(self) -> None:
        """Open the table to append rows.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._path):
            self._file = self._path.open("a", encoding="utf-8")

    def _rows_until(self, until: float, header: str) -> list[str]:
        """Return the whole rows that are not later than ``until`` [s]."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        if not lines or lines[0] != header:
            return []
        kept = []
        for line in lines[1:]:
            cells = line.split(",")
            if len(cells) == len(self._columns) and reached(until, float(cells[0])):
                kept.append(line)
        return kept

    def write(self, values: Mapping[str, float | str]) -> None:
        """Append a row.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._path):
            self._file.write(",".join(_cell(values[name]) for name, _ in self._columns) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            file, self._file = self._file, None
            with writing(self._path):
                file.close()


def _cell(value: float | str) -> str:
    """Return a number as text; nothing for one that is not known."""
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.15g}"


class FolderRecorder:
    """Writes the run folder of a problem. Collective on the problem's communicator."""

    def __init__(
        self,
        problem: Problem,
        folder: RunFolder,
        columns: Sequence[tuple[str, str]],
        stored: checkpoints.Stored | None,
    ) -> None:
        self._problem, self._folder = problem, folder
        output, end = problem.case.output, problem.case.time.until
        self._milestones = Milestones.of(end, every(output.fields.every, end), output.fields.times)
        self.times = self._milestones.times
        self._interval = output.checkpoint.every
        self._saved, self._saved_wall = (stored.time if stored else 0.0), clock.perf_counter()
        self._log = RunLog(folder.log)
        fresh: dict[str, Any] = {"snapshots": [], "written": -1.0}
        counters = stored.checkpoint.counters if stored else fresh
        self._written = float(counters["written"])
        comm = problem.comm
        segments = on_root(comm, lambda: _segments(folder))
        self._segments = FieldSegments(problem.space, folder, output.fields.format, segments)
        self._snapshots = Snapshots(problem.space, folder, list(counters["snapshots"]))
        self._series = TimeSeries(folder.series, columns)
        self._nuclei = TimeSeries(folder.nuclei, NUCLEI_COLUMNS)
        on_root(comm, lambda: self._start(stored))

    def _start(self, stored: checkpoints.Stored | None) -> None:
        """Write what is known before the first step; on rank 0."""
        problem, folder = self._problem, self._folder
        write_whole(folder.case, problem.case.to_yaml())
        entry = describe(problem.comm, problem.table, problem.space.global_size)
        write_provenance(folder.path / "provenance.json", entry, restart=stored is not None)
        for table in (self._series, self._nuclei):
            table.start(stored.time if stored else None)

    def begin(self) -> None:
        """Open log and table; a run closes them when it ends."""
        on_root(self._problem.comm, self._begin)

    def _begin(self) -> None:
        self._log.open()
        self._series.open()
        self._nuclei.open()

    def due(self, time: float) -> bool:
        """Return whether fields are to be written at ``time`` [s]."""
        return self._milestones.met(max(self._written, 0.0), time)

    def fields(self, state: FilmState, drive: Drive) -> None:
        """Write fields and snapshot, unless this time has been written."""
        if state.time <= self._written:
            return
        values = field_values(self._problem, state, drive)
        self._segments.write(state.time, values)
        self._snapshots.write(state.time, values)
        self._written = state.time

    def row(self, row: Row) -> None:
        """Append the numbers of a step to the table."""
        on_root(self._problem.comm, lambda: self._series.write(row.values))

    def nuclei(self, time: float, seeds: Sequence[Seed]) -> None:
        """Append the nuclei of a step to their table."""
        solids = self._problem.model.solids

        def work() -> None:
            for seed in seeds:
                place = {axis: round(x, 15) for axis, x in zip("xyz", seed.position, strict=True)}
                self._nuclei.write(
                    {"time": time, **place, "phase": solids[seed.phase],
                     "converted": float(seed.converts)}
                )  # fmt: skip

        on_root(self._problem.comm, work)

    def checkpoint_if_due(self, state: FilmState, standing: Standing) -> None:
        """Write a checkpoint if simulated or wall time ask for one."""
        interval = math.inf if self._interval is None else self._interval
        simulated = reached(state.time, self._saved + interval)
        late = clock.perf_counter() - self._saved_wall > _SAFETY_INTERVAL
        if self._problem.comm.allreduce(simulated or late, op=MPI.LOR):
            self.checkpoint(state, standing)

    def checkpoint(self, state: FilmState, standing: Standing) -> None:
        """Write a checkpoint."""
        problem = self._problem
        extra = checkpoints.Checkpoint(
            control=standing.control,
            notes=dict(standing.notes),
            case=problem.case.resolved(),
            parameters=parameter_values(problem.table),
            counters={"snapshots": self._snapshots.entries, "written": self._written},
            wall=standing.wall,
        )
        checkpoints.save(problem.space, problem.solver.electrode, self._folder, state, extra)
        self._saved, self._saved_wall = state.time, clock.perf_counter()

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary and close all files."""
        self._segments.close()
        text = json.dumps(_plain(summary), indent=1, allow_nan=False)

        def work() -> None:
            self._series.close()
            self._nuclei.close()
            write_whole(self._folder.path / "summary.json", text)

        on_root(self._problem.comm, work)
        self._log.close()

    def close(self) -> None:
        """Close what can be closed; called when writing has failed, so nothing else is tried."""
        with suppress(OutputError):
            self._series.close()
            self._nuclei.close()
        self._log.close()


def _segments(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the segments of fields that are in a folder."""
    path = folder.path / "fields.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: null for numbers that are not known."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
