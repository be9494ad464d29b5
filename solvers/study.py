"""A coupled study from its case to its end: folder, rows, events, checkpoints, restart."""

from __future__ import annotations

import logging
import math
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.case import Case
from interphase.parameters.errors import (
    CaseError,
    ConvergenceError,
    CouplingError,
    MeshError,
)
from interphase.parameters.program import Drive
from interphase.solvers import study_checkpoint as checkpoints
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import CellLimitError
from interphase.solvers.leg import Leg
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.progress import readable
from interphase.solvers.provenance import describe, write_provenance
from interphase.solvers.room import RoomWatch
from interphase.solvers.run_folder import RunFolder, open_folder, write_whole
from interphase.solvers.run_log import RunLog
from interphase.solvers.space import Array
from interphase.solvers.stopping import Ending, StopRequest
from interphase.solvers.study_fields import PatchFields
from interphase.solvers.study_numbers import (
    Capacity,
    ageing_row,
    conductivity,
    initial_salt,
    patch_row,
)
from interphase.solvers.study_records import StudyRecorder, discharged
from interphase.solvers.study_setup import Condition, build_study, cell_of
from interphase.solvers.study_state import Exchange

logger = logging.getLogger(__name__)

# A checkpoint is written at least this often [s of wall time].
_SAFETY_INTERVAL: Final = 600.0
# Balances and geometry of a film that are no news for a patch of a study.
_NO_COLUMNS: Final = (
    "time", "step", "potential", "temperature", "current_density", "wall_time", "newton_iterations",
)  # fmt: skip


@dataclass(frozen=True)
class StudyResult:
    """How a study ended.

    Attributes:
        ending: done, stopped or failed.
        reason: which end of life, empty if all cycles were run.
        folder: of its files.
        summary: its last numbers.
    """

    ending: Ending
    reason: str
    folder: Path
    summary: dict[str, Any]


class StudyRun:
    """One study on its way. Collective on ``comm``.

    Attributes:
        study: cell and films.
    """

    def __init__(
        self, case: Case, condition: Condition, comm: MPI.Comm, folder: Path, *,
        restart: bool = False, overwrite: bool = False,
    ) -> None:  # fmt: skip
        self._case, self._condition, self._comm, self._folder = case, condition, comm, folder
        self._started = self._saved = clock.perf_counter()
        restart = restart and on_root(comm, lambda: checkpoints.exists(folder))
        run_folder = on_root(
            comm,
            lambda: open_folder(folder, restart=restart, overwrite=overwrite),
        )
        self.study = build_study(case, condition, comm)
        patch = next(iter(self.study.films.own.values()), None)
        columns = comm.bcast(self._columns(patch) if comm.rank == 0 else None)
        if not isinstance(patch, PhaseFieldPatch):
            raise CouplingError("a study needs phase-field patches, on every rank")
        problem = patch.problem
        self._room = RoomWatch(problem.geometry, problem.width, problem.resolved_height)
        self._check_room()
        self._recorder = StudyRecorder(folder, columns)
        self._notes: dict[str, Any] = {
            "wall": 0.0,
            "first_capacity": math.nan,
            "worst": {},
            "first_thickness": self.study.films.each(lambda i, film: film.thickness),
            "snapshots": [],
        }
        counts: Mapping[str, int] | None = None
        if restart:
            self._notes = checkpoints.load(self.study, folder, case)
            counts = self._notes["counts"]
        else:
            on_root(comm, run_folder.clear)
        self._fields = PatchFields(case, self.study.films, folder, self._notes["snapshots"])
        self._log = RunLog(run_folder.log)
        if "salt" not in self._notes:
            self._bathe(np.full(self.study.films.size, self.study.on_cell(initial_salt)))
        self._nominal = self.study.on_cell(lambda cell: float(cell.nominal_capacity))
        on_root(comm, lambda: self._begin(counts))
        self._describe(restart=restart)

    def _bathe(self, salt: Array) -> None:
        """Let the films see the salt of the cell's electrolyte [mol/m3], (films,).

        It is the mean of the exchange before: a film meets the electrolyte one exchange late.
        """
        self._notes["salt"] = salt.tolist()
        for i, film in self.study.films.own.items():
            if isinstance(film, PhaseFieldPatch):
                film.bathe(float(salt[i]))

    def _check_room(self) -> None:
        """Refuse a film that does not fit into its domain from the start."""
        try:
            self._room.check(max(self.study.films.each(lambda i, film: film.thickness)))
        except ConvergenceError as error:
            raise MeshError(str(error)) from error

    def run(self, *, walltime: float | None = None) -> StudyResult:
        """Run to the end of the program, an end of life or the wall-time limit. Collective.

        Raises:
            CouplingError: film and cell do not come together; a checkpoint has been written.
            ConvergenceError: a film's step failed; a checkpoint has been written.
        """
        on_root(self._comm, self._log.open)
        try:
            return self._run(walltime)
        finally:
            self._log.close()

    def _run(self, walltime: float | None) -> StudyResult:
        until = self._case.time.until
        if self.study.state.exchanges == 0:
            self._show(0.0)
        with StopRequest(self._comm, walltime=walltime) as stop:
            while not self.study.done:
                now = self.study.on_cell(lambda cell: float(cell.time))
                if now >= until * (1.0 - 1e-9):
                    break
                try:
                    exchange = self._exchange(now, until)
                    reason = self._note(exchange)
                except CellLimitError as error:
                    return self._conclude(Ending.DONE, f"end of life: {error}")
                except (CouplingError, ConvergenceError) as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                except CaseError as error:
                    if self.study.state.exchanges == 0:
                        # Nothing was computed: the folder is free for the mended case.
                        self._log.close()
                        on_root(self._comm, RunFolder(self._folder).clear)
                        raise
                    # The program was right for the fresh cell and is not for the aged one.
                    self._conclude(Ending.FAILED, str(error))
                    raise CouplingError(str(error)) from error
                if reason:
                    return self._conclude(Ending.DONE, reason)
                ending = stop.check()
                if ending is not None:
                    return self._conclude(ending, "")
                if self._fields.due(exchange.time):
                    self._show(exchange.time)
                if clock.perf_counter() - self._saved > _SAFETY_INTERVAL:
                    self.save()
        return self._conclude(Ending.DONE, "")

    def _exchange(self, now: float, until: float) -> Exchange:
        """Go on to the next exchange, in storage no further than to what is asked for.

        If it fails, cell and films are as they were before it, so that a checkpoint holds both at
        one time.
        """
        study, block = self.study, cell_of(self._case).storage
        films, cell = study.films.keep(), study.on_cell(lambda cell: cell.state())
        pace = study.state.pace
        try:
            if block is None:
                return study.exchange()
            wanted = min(until, self._fields.next(now)) - now
            return study.exchange(min(wanted, block.check_every or math.inf))
        except (CouplingError, ConvergenceError, CaseError):
            study.films.give_back(films)
            study.on_cell(lambda stepper: stepper.restore(cell))
            # Tries that came to nothing do not make the exchanges of a restart short.
            study.state.pace = pace
            raise

    def _note(self, exchange: Exchange) -> str:
        """Write down an exchange; return which end of life it reached, if any."""
        leg = self.study.last_leg
        if leg is None or not leg.segments[-1]:
            raise CouplingError(
                "the cell does not advance: film and cell differ however short the exchange; use "
                "a finer mesh of the film, other drive.cell.patches, or a larger "
                "drive.cell.exchange.rtol"
            )
        drives = self._drives()
        films = self.study.films.each(lambda i, film: patch_row(film, drives[i]))
        self._room.check(max(row["film_top"] for row in films))
        around = leg.surroundings(self.study.places)
        rows = [
            {
                **row,
                **around.of(i),
                "time": exchange.time,
                "cycle": exchange.cycle,
                "patch": i,
                "position": float(self.study.places.films[i]),
                "electrolyte_salt": self._notes["salt"][i],
                "growth": row["thickness"] - self._notes["first_thickness"][i],
                "conductivity": conductivity(row),
            }
            for i, row in enumerate(films)
        ]
        values = ageing_row(
            self.study, exchange, leg, rows, capacity=self._capacity(leg), wall=self._wall
        )
        worst = self._notes["worst"]
        for name in ("lithium_imbalance", "coupling_error"):
            worst[name] = max(float(worst.get(name, 0.0)), abs(values[name]))
        for name in ("element_imbalance", "charge_imbalance"):
            worst[name] = max([float(worst.get(name, 0.0)), *(row[name] for row in rows)])

        def write() -> None:
            self._recorder.ageing(values)
            self._recorder.patches(rows)
            self._recorder.cell(leg, exchange.cycle, exchange.time)
            self._progress(exchange, values)

        on_root(self._comm, write)
        self._last = values
        self._bathe(around.salt)
        return self._own_limit() or self._end_of_life(values)

    def _drives(self) -> list[Drive]:
        """Return what each film sees of the cell now."""
        places, leg = self.study.places, self.study.last_leg
        seen = self.study.on_cell(lambda cell: cell.film_potential) @ places.covered
        warm = self._condition.temperature
        if leg is not None and leg.segments and leg.segments[-1]:
            warm = float(leg.segments[-1][-1].temperature[-1])
        return [Drive(float(potential), 0.0, warm) for potential in seen]

    def _show(self, time: float) -> None:
        """Write the films' fields. Collective."""
        self._fields.write(time, self._drives())
        self._notes["snapshots"] = self._fields.entries

    def _capacity(self, leg: Leg) -> Capacity:
        """Return what is left of the cell's capacity.

        A cycle may take several exchanges.
        """
        notes = self._notes
        so_far = float(notes.get("discharged", 0.0)) + discharged(leg)
        done = leg.cursor.cycle > 0 and leg.cursor.at_start
        notes["discharged"] = 0.0 if done else so_far
        last = so_far if done else math.nan
        if math.isnan(float(notes["first_capacity"])) and last > 0.0:
            notes["first_capacity"] = last
        return Capacity(last, float(notes["first_capacity"]), self._nominal)

    def _end_of_life(self, values: Mapping[str, float]) -> str:
        stop = cell_of(self._case).stop
        if stop.capacity is not None and values["remaining_capacity"] < stop.capacity:
            return f"end of life: {values['remaining_capacity']:.1%} of the capacity is left"
        if stop.dry > 0.0 and values["solvent_left"] < stop.dry:
            return f"end of life: {values['solvent_left']:.1%} of the solvent is left"
        if stop.plating and values["lowest_potential"] < 0.0:
            return f"end of life: lithium plates at {values['lowest_potential']:.4f} V"
        return ""

    def _own_limit(self) -> str:
        """Return which limit of the cell itself ended the last exchange, if any."""
        leg = self.study.last_leg
        steps = leg.segments[-1] if leg is not None else ()
        ended = next((s.termination for s in steps if s.own_limit), "")
        return f"end of life: the cell is at its limit '{ended}'" if ended else ""

    @property
    def _wall(self) -> float:
        return float(self._notes["wall"]) + clock.perf_counter() - self._started

    def _progress(self, exchange: Exchange, values: Mapping[str, float]) -> None:
        cycles = cell_of(self._case).cycles
        if cell_of(self._case).storage is None:
            part = exchange.cycle / cycles
        else:
            part = exchange.time / self._case.time.until
        wall = clock.perf_counter() - self._started
        left = wall * (1.0 - part) / part if part > 0.0 else math.nan
        logger.info(
            "%s%5.1f %%  t = %-8s cycle %4d (+%d)  L = %6.2f nm  lost %.3f %%  error %.1e  "
            "books %.0e  left %s",
            f"{self._condition.name}  " if self._condition.name else "",
            100.0 * min(part, 1.0), readable(exchange.time), exchange.cycle, exchange.jumped,
            1e9 * values["film_thickness"], 100.0 * values["lost_capacity"] / self._nominal,
            exchange.error, exchange.books, readable(left),
        )  # fmt: skip

    def _begin(self, counts: Mapping[str, int] | None) -> None:
        self._recorder.begin(counts)
        write_whole(self._folder / "case.yaml", self._case.to_yaml())

    def save(self) -> None:
        """Write a checkpoint. Collective."""
        notes = {**self._notes, "wall": self._wall, "counts": self._recorder.counts}
        checkpoints.save(self.study, self._folder, self._case, notes)
        self._saved = clock.perf_counter()

    def _conclude(self, ending: Ending, reason: str) -> StudyResult:
        """Write pictures' data, a checkpoint and the summary."""
        time = self.study.on_cell(lambda cell: float(cell.time))
        self._show(time)
        self.save()
        state = self.study.state
        summary = {
            "title": self._case.title,
            "ending": ending.value,
            "finished": ending is Ending.DONE,
            "reason": reason,
            "condition": {"soc": self._condition.soc, "temperature": self._condition.temperature},
            "time": time,
            "final": getattr(self, "_last", {}),
            "worst": self._notes["worst"],
            "exchanges": {"accepted": state.exchanges, "rejected": state.rejected},
            "cycles": {"done": state.cursor.cycle, "simulated": state.simulated},
            "patches": self.study.films.size,
            "ranks": self._comm.size,
            "wall_time": {"total": self._wall},
        }
        on_root(self._comm, lambda: self._recorder.summary(summary))
        if self._comm.rank == 0:
            logger.info("%s %s after %d exchanges", ending.value, reason, state.exchanges)
        return StudyResult(ending, reason, self._folder, summary)

    def _describe(self, *, restart: bool) -> None:
        film = next(iter(self.study.films.own.values()), None)
        cell = self.study.cell
        if isinstance(cell, PyBaMMCell) and isinstance(film, PhaseFieldPatch):
            # PyBaMM takes seconds to import; it is there already when a study has a cell
            from interphase.models.cell.sources import describe_cell

            problem = film.problem
            entry = describe(self._comm, problem.table, problem.space.global_size)
            area = cell_of(self._case).area_ratio.model_dump()
            entry["cell"] = {**describe_cell(cell.spec), "area_ratio": area}
            write_provenance(self._folder / "provenance.json", entry, restart=restart)

    @staticmethod
    def _columns(film: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(film, PhaseFieldPatch):
            return ()
        return tuple(c for c in film.columns if c[0] not in _NO_COLUMNS)
