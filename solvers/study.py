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
from interphase.parameters.constants import FARADAY
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
from interphase.solvers.diagnostics import field_values
from interphase.solvers.leg import Leg
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.progress import readable
from interphase.solvers.provenance import describe, write_provenance
from interphase.solvers.room import RoomWatch
from interphase.solvers.run_folder import RunFolder, open_folder, write_whole
from interphase.solvers.snapshots import Snapshots
from interphase.solvers.space import Array
from interphase.solvers.stopping import Ending, StopRequest
from interphase.solvers.study_records import StudyRecorder, discharged
from interphase.solvers.study_setup import Condition, build_study, cell_of
from interphase.solvers.study_state import Exchange

logger = logging.getLogger(__name__)

_COULOMB_PER_AH: Final = 3600.0
# A checkpoint is written at least this often [s of wall time].
_SAFETY_INTERVAL: Final = 600.0
# Balances and geometry of a film that are no news for a patch of a study.
_NO_COLUMNS: Final = ("time", "step", "potential", "temperature", "wall_time", "newton_iterations")


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
        self._snapshots = self._open_snapshots()
        patch = next(iter(self.study.films.own.values()), None)
        columns = comm.bcast(self._columns(patch) if comm.rank == 0 else None)
        if not isinstance(patch, PhaseFieldPatch):
            raise CouplingError("a study needs phase-field patches, on every rank")
        self._room = RoomWatch(patch.problem.geometry, patch.problem.width)
        self._check_room()
        self._recorder = StudyRecorder(folder, columns)
        self._notes: dict[str, Any] = {"wall": 0.0, "first_capacity": math.nan, "worst": {}}
        counts: Mapping[str, int] | None = None
        if restart:
            self._notes = checkpoints.load(self.study, folder, case)
            counts = self._notes["counts"]
        else:
            on_root(comm, run_folder.clear)
        if "salt" not in self._notes:
            self._bathe(np.full(self.study.films.size, self.study.on_cell(_initial_salt)))
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
        until = self._case.time.until
        with StopRequest(self._comm, walltime=walltime) as stop:
            while not self.study.done:
                now = self.study.on_cell(lambda cell: float(cell.time))
                if now >= until * (1.0 - 1e-9):
                    break
                try:
                    exchange = self._exchange(until - now)
                    reason = self._note(exchange)
                except CellLimitError as error:
                    return self._conclude(Ending.DONE, f"end of life: {error}")
                except (CouplingError, ConvergenceError) as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                except CaseError as error:
                    if self.study.state.exchanges == 0:
                        # Nothing was computed: the folder is free for the mended case.
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
                if clock.perf_counter() - self._saved > _SAFETY_INTERVAL:
                    self.save()
        return self._conclude(Ending.DONE, "")

    def _exchange(self, left: float) -> Exchange:
        """Go on to the next exchange, no further than the end of the study.

        If it fails, cell and films are as they were before it, so that a checkpoint holds both at
        one time.
        """
        study, block = self.study, cell_of(self._case).storage
        films, cell = study.films.keep(), study.on_cell(lambda cell: cell.state())
        pace = study.state.pace
        try:
            if block is None:
                return study.exchange()
            return study.exchange(min(left, block.check_every or math.inf))
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
        drive = Drive(float(leg.segments[-1][-1].film_potential[-1].mean()), 0.0,
                      float(leg.segments[-1][-1].temperature[-1]))  # fmt: skip
        rows = self.study.films.each(lambda i, film: _patch_row(film, drive))
        self._room.check(max(row["film_top"] for row in rows))
        numbers = self.study.on_cell(_cell_numbers)
        values = self._values(exchange, leg, rows, numbers)
        worst = self._notes["worst"]
        for name in ("lithium_imbalance", "coupling_error"):
            worst[name] = max(float(worst.get(name, 0.0)), abs(values[name]))
        for name in ("element_imbalance", "charge_imbalance"):
            worst[name] = max([float(worst.get(name, 0.0)), *(row[name] for row in rows)])

        def write() -> None:
            self._recorder.ageing(values)
            salt = np.array(self._notes["salt"])
            self._recorder.patches(
                exchange.time, exchange.cycle, self.study.places.films, salt, rows
            )
            self._recorder.cell(leg, exchange.cycle, exchange.time)
            self._progress(exchange, values)

        on_root(self._comm, write)
        self._last = values
        self._bathe(leg.salt(self.study.places))
        return self._own_limit() or self._end_of_life(values)

    def _values(
        self, exchange: Exchange, leg: Leg, rows: list[dict[str, float]], cell: dict[str, float]
    ) -> dict[str, float]:
        places = self.study.places
        thickness = np.array([row["thickness"] for row in rows])
        weight = places.film_area / places.film_area.sum()
        capacity = self._cycle_capacity(leg)
        first = float(self._notes["first_capacity"])
        if math.isnan(first) and not math.isnan(capacity) and capacity > 0.0:
            first = self._notes["first_capacity"] = capacity
        lost = cell["lost_lithium"] * FARADAY / _COULOMB_PER_AH
        plated = cell["plated_lithium"] * FARADAY / _COULOMB_PER_AH
        by_loss = 1.0 - (lost + plated) / self._nominal
        runs = [s for cycle in leg.segments for s in cycle]
        return {
            **cell,
            "time": exchange.time,
            "cycle": exchange.cycle,
            "cycles_jumped": exchange.jumped,
            "discharge_capacity": capacity,
            "lost_capacity": lost,
            "film_lithium": float(
                places.film_area @ [row["lithium_lost"] - row["lithium_salt"] for row in rows]
            ),
            "remaining_capacity": capacity / first if capacity > 0.0 else by_loss,
            "film_thickness": float(weight @ thickness),
            "film_thickness_least": float(thickness.min()),
            "film_thickness_largest": float(thickness.max()),
            "film_thickness_geometric": float(weight @ thickness) * places.area_ratio,
            "film_resistance": 1.0
            / float(np.sum(places.film_area / np.maximum([r["film_resistance"] for r in rows],
                                                         1e-30))),
            "lowest_potential": min(float(s.film_potential.min()) for s in runs),
            "highest_potential": max(float(s.film_potential.max()) for s in runs),
            "temperature": float(runs[-1].temperature[-1]),
            "coupling_error": exchange.error,
            "potential_error": exchange.potential_error,
            "lithium_imbalance": exchange.books,
            "solvent_left": min(row["reservoir"] for row in rows),
            "film_steps": exchange.film_steps,
            "rejected": self.study.state.rejected,
            "wall_time": self._wall,
        }  # fmt: skip

    def _cycle_capacity(self, leg: Leg) -> float:
        """Return the discharge of the cycle that is done [A h]; nan within one.

        A cycle may take several exchanges.
        """
        so_far = float(self._notes.get("discharged", 0.0)) + discharged(leg)
        done = leg.cursor.cycle > 0 and leg.cursor.at_start
        self._notes["discharged"] = 0.0 if done else so_far
        return so_far if done else math.nan

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
        self.save()
        time = self.study.on_cell(lambda cell: float(cell.time))
        for i, film in self.study.films.own.items():
            if isinstance(film, PhaseFieldPatch):
                drive = Drive(0.1, 0.0, self._condition.temperature)
                fields = field_values(film.problem, film.state, drive)
                self._snapshots[i].write(time, fields)
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

    def _open_snapshots(self) -> dict[int, Snapshots]:
        opened = {}
        for i, film in self.study.films.own.items():
            if isinstance(film, PhaseFieldPatch):
                folder = RunFolder(self._folder / "patches" / f"{i:02d}")
                space = film.problem.space
                on_root(space.comm, lambda: folder.path.mkdir(parents=True, exist_ok=True))  # noqa: B023
                opened[i] = Snapshots(space, folder, [])
        return opened

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


def _patch_row(film: object, drive: Drive) -> dict[str, float]:
    if not isinstance(film, PhaseFieldPatch):
        raise CouplingError("only phase-field patches have rows")
    return dict(film.row(drive).values)


def _initial_salt(cell: Any) -> float:
    return float(cell.parameter_values["Initial concentration in electrolyte [mol.m-3]"])


def _cell_numbers(cell: Any) -> dict[str, float]:
    return {
        "throughput": float(cell.throughput),
        "lost_lithium": float(cell.lost_lithium),
        "minimal_porosity": float(cell.minimal_porosity),
        "plated_lithium": float(cell.plated_lithium),
    }
