"""Ageing of a whole cell from its case to its end: folder, rows, pictures, summary."""

from __future__ import annotations

import json
import logging
import math
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import global_max, global_min, on_root
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CaseError, ConvergenceError, CouplingError
from interphase.solvers.cell_types import CellLimitError
from interphase.solvers.leg import Leg
from interphase.solvers.p3d import ageing_checkpoint as checkpoints
from interphase.solvers.p3d.ageing_setup import AgedCell, build_aged_cell
from interphase.solvers.p3d.clustered_cell import ClusteredSegment
from interphase.solvers.p3d.outputs import CellRecorder
from interphase.solvers.p3d.setup import spec_of
from interphase.solvers.progress import readable
from interphase.solvers.provenance import describe_run, write_provenance
from interphase.solvers.run_folder import RunFolder, open_folder, write_whole
from interphase.solvers.run_log import log_to
from interphase.solvers.stopping import Ending, StopRequest
from interphase.solvers.study_records import Table, discharged, header
from interphase.solvers.study_state import Exchange

logger = logging.getLogger(__name__)

_AH: Final = 3600.0
# A checkpoint is written at least this often [s of wall time].
_SAFETY_INTERVAL: Final = 600.0

COLUMNS: Final = (
    ("time", "s"), ("cycle", "-"), ("cycles_jumped", "-"), ("throughput", "A.h"),
    ("discharge_capacity", "A.h"), ("remaining_capacity", "-"), ("lost_capacity", "A.h"),
    ("lost_lithium", "mol"), ("film_lithium", "mol"),
    ("film_thickness", "m"), ("film_thickness_least", "m"), ("film_thickness_largest", "m"),
    ("temperature", "K"), ("temperature_least", "K"), ("temperature_largest", "K"),
    ("lowest_potential", "V"), ("coupling_error", "-"), ("lithium_imbalance", "-"),
    ("film_steps", "-"), ("rejected", "-"), ("cycles_simulated", "-"), ("wall_time", "s"),
)  # fmt: skip
"""Columns of ``ageing.csv``: of film thickness and temperature the spread over places."""

CLUSTER_COLUMNS: Final = (
    ("time", "s"), ("cycle", "-"), ("cluster", "-"), ("patch", "-"), ("position", "m"),
    ("area", "m2"), ("temperature", "K"), ("thickness", "m"), ("charge", "C/m2"),
    ("resistance", "ohm.m2"),
)  # fmt: skip
"""Columns of ``patches.csv``: the films of every cluster."""


@dataclass
class _Notes:
    """What a run remembers across restarts.

    Attributes:
        discharged: in the cycle so far [A h].
        first: discharge of the first cycle [A h]; 0 before its end.
        books: largest imbalance of lithium so far [-].
        error: largest error of an exchange so far [-].
        wall: time that the run has taken [s].
        row: the last one of ``ageing.csv``.
        counts: rows by file.
        entries: time [s] and file of every picture.
    """

    discharged: float = 0.0
    first: float = 0.0
    books: float = 0.0
    error: float = 0.0
    wall: float = 0.0
    row: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)


class P3DAgeingRun:
    """Ageing of a whole cell. Collective.

    Args:
        case: with a block ``ageing``.
        comm: its ranks.
        output: folder of the results.
        restart: go on from the checkpoint in it.
        overwrite: an older run in it may be removed.

    Attributes:
        aged: cell, local models and study.
    """

    def __init__(
        self, case: P3DCase, comm: MPI.Comm, output: Path, *,
        restart: bool = False, overwrite: bool = False,
    ) -> None:  # fmt: skip
        self._case, self._comm = case, comm
        self._started = self._saved = clock.perf_counter()
        restart = restart and on_root(comm, lambda: checkpoints.exists(output))
        self._folder: RunFolder = on_root(
            comm, lambda: open_folder(output, restart=restart, overwrite=overwrite)
        )
        found = checkpoints.find(output, comm) if restart else None
        known = None if found is None else checkpoints.known_clusters(found[1])
        self.aged: AgedCell = build_aged_cell(case, comm, known)
        self._study = self.aged.ageing.study
        with self._films_shown():
            self._recorder = CellRecorder(self._folder, self.aged.cell)
        self._tables = {
            "ageing": Table(self._folder.path / "ageing.csv", header(COLUMNS)),
            "patches": Table(self._folder.path / "patches.csv", header(CLUSTER_COLUMNS)),
        }
        self._notes = _Notes()
        if found is not None:
            self._notes = _Notes(**checkpoints.load(self.aged, *found, case))
        on_root(comm, lambda: self._begin(restart=restart))
        # known on all ranks, as the recorder counts on all
        self._recorder.counts["places"] = self._notes.counts.get("places", 0)
        self._recorder.entries = list(self._notes.entries)

    def _begin(self, *, restart: bool) -> None:
        # PyBaMM is there already
        from interphase.models.cell.sources import describe_cell

        notes = self._notes
        if not restart:
            self._folder.clear()
        counts = {"series": 0, "places": notes.counts.get("places", 0)} if restart else None
        self._recorder.begin(counts, notes.entries)
        for name, table in self._tables.items():
            table.begin(notes.counts.get(name, 0) if restart else None)
        write_whole(self._folder.case, self._case.to_yaml())
        entry = describe_run(self._comm.size, 0)
        entry["cell"] = describe_cell(spec_of(self._case))
        write_provenance(self._folder.path / "provenance.json", entry, restart=restart)

    def run(self, *, walltime: float | None = None) -> Ending:
        """Run all cycles, or to an end of life or the wall time. Collective.

        Raises:
            CouplingError: cell and films do not come together, or a local model fails.
            ConvergenceError: a film's step failed, or currents and heat.
        """
        log = log_to(self._folder.log, active=self._comm.rank == 0)
        with log, StopRequest(self._comm, walltime=walltime) as stop:
            while not self._study.done:
                try:
                    self._note(self._exchange())
                except CellLimitError as error:
                    return self._conclude(Ending.DONE, f"end of life: {error}")
                except (CouplingError, ConvergenceError) as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                ending = stop.check()
                if ending is not None:
                    return self._conclude(ending, "")
                late = clock.perf_counter() - self._saved > _SAFETY_INTERVAL
                # all ranks decide together
                if self._comm.allreduce(int(late), op=MPI.MAX):
                    self.save()
        return self._conclude(Ending.DONE, "")

    def _exchange(self) -> Exchange:
        """Go on to the next exchange; if it fails, cell and films are as they were before it."""
        study = self._study
        films, cell = study.films.keep(), study.on_cell(lambda stepper: stepper.state())
        pace = study.state.pace
        try:
            return study.exchange()
        except (CouplingError, ConvergenceError, CaseError):
            study.films.give_back(films)
            study.on_cell(lambda stepper: stepper.restore(cell))
            # Tries that came to nothing do not make the exchanges of a restart short.
            study.state.pace = pace
            raise

    # ---------------------------------------------------------------- rows

    def _note(self, exchange: Exchange) -> None:
        """Write down an exchange."""
        leg = self._study.last_leg
        if leg is None or not leg.segments[-1]:
            raise CouplingError(
                "the cell does not advance: film and cell differ however short the exchange; use "
                "a finer mesh of the film, or a larger ageing.exchange.rtol"
            )
        notes = self._notes
        notes.books = max(notes.books, exchange.books)
        notes.error = max(notes.error, exchange.error)
        row = self._values(exchange, leg)
        films = self._films(exchange)
        notes.row = row
        notes.counts["ageing"] = notes.counts.get("ageing", 0) + 1
        notes.counts["patches"] = notes.counts.get("patches", 0) + len(films)

        def write() -> None:
            self._tables["ageing"].append([[row[name] for name, _ in COLUMNS]])
            self._tables["patches"].append(films)

        on_root(self._comm, write)
        self._show()
        if self._comm.rank == 0:
            logger.info(
                "%5.1f %%  t = %-8s cycle %4d (+%d)  L = %.2f nm (%.2f to %.2f)  lost %.3f %%  "
                "%.1f to %.1f K  error %.1e  books %.0e  wall %s",
                100.0 * exchange.cycle / self._case.drive.cycles, readable(exchange.time),
                exchange.cycle, exchange.jumped, 1e9 * row["film_thickness"],
                1e9 * row["film_thickness_least"], 1e9 * row["film_thickness_largest"],
                100.0 * row["lost_capacity"] / self.aged.cell.nominal_capacity,
                row["temperature_least"], row["temperature_largest"], exchange.error,
                exchange.books, readable(self._wall),
            )  # fmt: skip

    def _values(self, exchange: Exchange, leg: Leg) -> dict[str, float]:
        notes, cell = self._notes, self.aged.cell
        so_far = notes.discharged + discharged(leg)
        done = leg.cursor.cycle > 0 and leg.cursor.at_start
        capacity = so_far if done else math.nan
        notes.discharged = 0.0 if done else so_far
        if done and not notes.first > 0.0:
            notes.first = capacity
        lost = self._study.on_cell(lambda stepper: float(stepper.lost_lithium))
        throughput = self._study.on_cell(lambda stepper: float(stepper.throughput))
        lithium = np.array(self._study.films.each(lambda i, film: film.lithium))
        thickness = self.aged.models.film_now()["thickness"]
        runs = [s for s in leg.segments[-1] if isinstance(s, ClusteredSegment)]
        warmth = [s.places for s in runs]
        return {
            "time": exchange.time,
            "cycle": exchange.cycle,
            "cycles_jumped": exchange.jumped,
            "throughput": throughput,
            "discharge_capacity": capacity,
            "remaining_capacity": capacity / notes.first if notes.first > 0.0 else math.nan,
            "lost_capacity": lost * FARADAY / _AH,
            "lost_lithium": lost,
            "film_lithium": float(self._study.places.film_area @ lithium),
            "film_thickness": cell.mean(thickness),
            "film_thickness_least": global_min(self._comm, thickness),
            "film_thickness_largest": global_max(self._comm, thickness),
            "temperature": float(
                np.average([s.temperature.mean() for s in runs], weights=[s.duration for s in runs])
            ),
            "temperature_least": min(low for low, _ in warmth),
            "temperature_largest": max(high for _, high in warmth),
            "lowest_potential": min(float(s.lowest_potential.min()) for s in runs),
            "coupling_error": exchange.error,
            "lithium_imbalance": exchange.books,
            "film_steps": exchange.film_steps,
            "rejected": self._study.state.rejected,
            "cycles_simulated": self._study.state.simulated,
            "wall_time": self._wall,
        }

    def _films(self, exchange: Exchange) -> list[list[float]]:
        """Return a row for every film."""
        study, clusters = self._study, self.aged.ageing.clusters
        places = study.places
        numbers = study.films.each(lambda i, film: (film.thickness, film.charge, film.resistance))
        patches = places.films.size // clusters.count
        return [
            [
                exchange.time, exchange.cycle, i // patches, i % patches, places.films[i],
                clusters.total[i // patches], clusters.temperature[i // patches], *numbers[i],
            ]
            for i in range(places.films.size)
        ]  # fmt: skip

    def _show(self) -> None:
        """Write the places and a picture, with films as they are after cycles jumped over."""
        with self._films_shown():
            self._recorder.fields()

    @contextmanager
    def _films_shown(self) -> Iterator[None]:
        """Let the cell show its films and their clusters among what is known of its places."""
        balance, labels = self.aged.cell.balance, self.aged.ageing.clusters.labels
        kept = balance.answer
        film = {**kept.film, **self.aged.models.film_now(), "cluster": labels.astype(float)}
        balance.answer = replace(kept, film=film)
        try:
            yield
        finally:
            balance.answer = kept

    @property
    def _wall(self) -> float:
        return self._notes.wall + clock.perf_counter() - self._started

    def save(self) -> None:
        """Write a checkpoint. Collective."""
        notes, recorder = self._notes, self._recorder
        notes.counts["places"], notes.entries = recorder.counts["places"], recorder.entries
        told = {**asdict(notes), "wall": self._wall}
        checkpoints.save(self.aged, self._folder.path, self._case, told)
        self._saved = clock.perf_counter()

    def _conclude(self, ending: Ending, reason: str) -> Ending:
        """Write a checkpoint and the summary."""
        self.save()
        state, notes, clusters = self._study.state, self._notes, self.aged.ageing.clusters
        row = notes.row
        spread = math.nan
        if row:
            largest, least = row["film_thickness_largest"], row["film_thickness_least"]
            spread = (largest - least) / row["film_thickness"]
        summary: dict[str, Any] = {
            "kind": "p3d ageing",
            "title": self._case.title,
            "ending": ending.value,
            "finished": ending is Ending.DONE,
            "reason": reason,
            "time": self.aged.cell.time,
            "cycles": state.cursor.cycle,
            "cycles_simulated": state.simulated,
            "exchanges": state.exchanges,
            "rejected": state.rejected,
            "clusters": clusters.count,
            "places": self.aged.cell.balance.places.total,
            "final": row,
            "film_thickness_spread": spread,
            "worst": {"lithium_imbalance": notes.books, "coupling_error": notes.error},
            "ranks": self._comm.size,
            "wall_time": {"total": self._wall, **self.aged.cell.balance.timings.seconds},
        }
        path = self._folder.path / "summary.json"
        on_root(self._comm, lambda: write_whole(path, json.dumps(summary, indent=1) + "\n"))
        if self._comm.rank == 0:
            logger.info("%s %s after %d cycles", ending.value, reason, state.cursor.cycle)
        return ending
