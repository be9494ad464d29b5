"""A run of a whole cell from its case to its end: folder, rows, pictures, checkpoints, restart."""

from __future__ import annotations

import json
import logging
import math
import time as clock
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CaseError, ConvergenceError, CouplingError
from interphase.solvers.p3d import checkpoint as checkpoints
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.control import Cursor, Moment, StepMarch
from interphase.solvers.p3d.outputs import WORST, CellRecorder, row_of
from interphase.solvers.p3d.setup import ModelMaker, build_cell, program_of, spec_of
from interphase.solvers.progress import readable
from interphase.solvers.provenance import describe_run, write_provenance
from interphase.solvers.run_folder import RunFolder, open_folder, write_whole
from interphase.solvers.run_log import log_to
from interphase.solvers.stopping import Ending, StopRequest

logger = logging.getLogger(__name__)

# A checkpoint is written at least this often, and a line said at most this often [s of wall time].
_SAFETY_INTERVAL: Final = 600.0
_SAY_INTERVAL: Final = 1.0


@dataclass
class Notes:
    """What a run remembers across restarts.

    Attributes:
        cycle: whole cycles done.
        index: of the control step in the cycle.
        cursor: where the control step stands.
        written: time of the last picture [s].
        wall: time that the run has taken [s].
        steps: steps in time.
        worst: largest imbalances so far.
        ended: how often each reason has ended a control step.
    """

    cycle: int = 0
    index: int = 0
    cursor: Cursor = field(default_factory=Cursor)
    written: float = -math.inf
    wall: float = 0.0
    steps: int = 0
    worst: dict[str, float] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)


class P3DRun:
    """A run of a whole cell. Collective.

    Args:
        case: the case.
        comm: its ranks.
        output: folder of the results.
        restart: go on from the checkpoint in it.
        overwrite: an older run in it may be removed.
        models: makes the local models of a rank; PyBaMM's if left out.

    Attributes:
        cell: the cell.
    """

    def __init__(
        self,
        case: P3DCase,
        comm: MPI.Comm,
        output: Path,
        *,
        restart: bool = False,
        overwrite: bool = False,
        models: ModelMaker | None = None,
    ) -> None:
        self._case, self._comm = case, comm
        self._started = self._saved = clock.perf_counter()
        self._said = -math.inf
        folder = RunFolder(output)
        restart = restart and on_root(comm, lambda: checkpoints.exists(folder))
        self._folder = on_root(
            comm, lambda: open_folder(output, restart=restart, overwrite=overwrite)
        )
        self.cell: Cell3D = build_cell(case, comm, models)
        self._program = program_of(case, self.cell.nominal_capacity)
        self._recorder = CellRecorder(self._folder, self.cell)
        self._notes = Notes()
        counts, entries = None, []
        if restart:
            stored = checkpoints.load(self.cell, self._folder, case)
            counts, entries = stored.pop("counts"), stored.pop("entries")
            self._notes = Notes(**{**stored, "cursor": Cursor(**stored["cursor"])})
        else:
            on_root(comm, self._folder.clear)
        self._row: dict[str, float] = {}
        on_root(comm, lambda: self._begin(counts, entries))
        self._recorder.entries = entries
        self._describe(restart=restart)

    def _begin(self, counts: dict[str, int] | None, entries: list[dict[str, Any]]) -> None:
        self._recorder.begin(counts, entries)
        write_whole(self._folder.case, self._case.to_yaml())

    def _describe(self, *, restart: bool) -> None:
        # PyBaMM takes seconds to import; it is there already when a run has its local models
        from interphase.models.cell.sources import describe_cell

        def work() -> None:
            unknowns = self.cell.balance.heat.space.dofmap.index_map.size_global
            entry = describe_run(self._comm.size, 3 * unknowns)
            entry["places"] = self.cell.balance.places.total
            entry["cell"] = describe_cell(spec_of(self._case))
            write_provenance(self._folder.path / "provenance.json", entry, restart=restart)

        on_root(self._comm, work)

    def run(self, *, walltime: float | None = None) -> Ending:
        """Run to the end of the drive, of what the cell can give, or of the wall time. Collective.

        Raises:
            CouplingError: a local model fails; a checkpoint of the last good state is written.
            ConvergenceError: the same of currents or heat.
            CaseError: the drive cannot begin; nothing was computed.
        """
        notes = self._notes
        log = log_to(self._folder.log, active=self._comm.rank == 0)
        with log, StopRequest(self._comm, walltime=walltime) as stop:
            while notes.cycle < self._case.drive.cycles:
                try:
                    ending = self._control_step(stop)
                except (CouplingError, ConvergenceError) as error:
                    self._conclude(Ending.FAILED, str(error))
                    raise
                except CaseError as error:
                    if notes.steps == 0:
                        # the folder is free for the mended case
                        on_root(self._comm, self._folder.clear)
                        raise
                    self._conclude(Ending.FAILED, str(error))
                    raise CouplingError(str(error)) from error
                if ending is not None:
                    return ending
        return self._conclude(Ending.DONE, "")

    def _control_step(self, stop: StopRequest) -> Ending | None:
        """Run the control step that is next; how the run ended, if it did."""
        notes = self._notes
        march = self.cell.march(self._program[notes.index], notes.cursor)
        until = self._case.time.until or math.inf
        while not march.done:
            moment = self.cell.take(march)
            if moment is not None:
                self._note(march, moment)
            if self.cell.time >= until * (1.0 - 1e-9):
                return self._conclude(Ending.DONE, "the time of the case is over")
            ending = None if march.done else stop.check()
            if ending is not None:
                return self._conclude(ending, "")
        label = self._program[notes.index].label
        notes.ended.append(f"{label}: {march.termination}")
        if self._comm.rank == 0:
            logger.info("step '%s' ended: %s", label, march.termination)
        notes.cursor = Cursor()
        notes.index += 1
        if notes.index == len(self._program):
            notes.index, notes.cycle = 0, notes.cycle + 1
        if march.own_limit:
            return self._conclude(Ending.DONE, march.termination)
        return None

    def _note(self, march: StepMarch, moment: Moment) -> None:
        """Write down an accepted step in time."""
        notes, cell = self._notes, self.cell
        notes.steps += 1
        row = row_of(cell, moment, notes.cycle, notes.index, self._wall)
        self._row = row
        for name in WORST:
            notes.worst[name] = max(notes.worst.get(name, 0.0), row[name])
        self._recorder.counts["series"] += 1
        on_root(self._comm, lambda: self._recorder.row(row))
        every = self._case.output.fields.every
        if notes.steps == 1 or (every is not None and cell.time - notes.written >= 0.999 * every):
            self._picture()
        # all ranks decide together
        late = clock.perf_counter() - self._saved > _SAFETY_INTERVAL
        if self._comm.allreduce(int(late), op=MPI.MAX):
            self.save()
        self._say(march, row)

    def _picture(self) -> None:
        self._recorder.fields()
        self._notes.written = self.cell.time

    def _say(self, march: StepMarch, row: dict[str, float]) -> None:
        now = clock.perf_counter()
        if self._comm.rank > 0 or (now - self._said < _SAY_INTERVAL and not march.done):
            return
        self._said = now
        logger.info(
            "t = %-8s %-24s %7.4f V %8.3f A  SOC %.3f  T %.2f to %.2f K  i %.3g to %.3g A/m2  "
            "exchanges %d",
            readable(row["time"]), march.step.label[:24], row["voltage"], row["current"],
            row["soc"], row["temperature_least"], row["temperature_largest"],
            row["current_density_least"], row["current_density_largest"], row["exchanges"],
        )  # fmt: skip

    @property
    def _wall(self) -> float:
        return self._notes.wall + clock.perf_counter() - self._started

    def save(self) -> None:
        """Write a checkpoint. Collective."""
        notes = {**asdict(self._notes), "wall": self._wall}
        notes |= {"counts": self._recorder.counts, "entries": self._recorder.entries}
        checkpoints.save(self.cell, self._folder, self._case, notes)
        self._saved = clock.perf_counter()

    def _conclude(self, ending: Ending, reason: str) -> Ending:
        """Write the last picture, a checkpoint and the summary."""
        if self._notes.steps and self._notes.written < self.cell.time:
            self._picture()
        self.save()
        notes, places = self._notes, self.cell.balance.places
        summary = {
            "kind": "p3d",
            "title": self._case.title,
            "ending": ending.value,
            "finished": ending is Ending.DONE,
            "reason": reason,
            "time": self.cell.time,
            "nominal_capacity": self.cell.nominal_capacity,
            "final": self._row,
            "worst": notes.worst,
            "control_steps": notes.ended,
            "cycles": notes.cycle,
            "steps": {"accepted": notes.steps},
            "places": places.total,
            "unknowns": 3 * self.cell.balance.heat.space.dofmap.index_map.size_global,
            "ranks": self._comm.size,
            "wall_time": {"total": self._wall, **self.cell.balance.timings.seconds},
        }
        path = self._folder.path / "summary.json"
        on_root(self._comm, lambda: write_whole(path, json.dumps(summary, indent=1) + "\n"))
        if self._comm.rank == 0:
            logger.info("%s %s after %d steps in time", ending.value, reason, notes.steps)
        return ending
