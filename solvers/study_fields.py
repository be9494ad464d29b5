"""Fields of the films of a study at times along the way, as a film of its own would write them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interphase.meshes.parallel import on_root
from interphase.parameters.case import Case
from interphase.parameters.program import Drive
from interphase.solvers.diagnostics import field_values
from interphase.solvers.film_group import FilmGroup
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.run_folder import RunFolder
from interphase.solvers.snapshots import Snapshots
from interphase.solvers.stepping import Milestones, every


class PatchFields:
    """Snapshots of every phase-field patch. Collective on the films' communicator.

    Args:
        case: says when.
        films: of the study.
        folder: of the study; each film has ``patches/NN`` in it.
        entries: snapshots that are there already, at a restart.
    """

    def __init__(
        self, case: Case, films: FilmGroup, folder: Path, entries: Sequence[Mapping[str, Any]]
    ) -> None:
        wanted, end = case.output.fields, case.time.until
        self._milestones = Milestones.of(end, every(wanted.every, end), wanted.times)
        self._films = films
        self._last = float(entries[-1]["time"]) if entries else -math.inf
        self._snapshots: dict[int, Snapshots] = {}
        self.entries = [dict(entry) for entry in entries]

        def start(index: int, film: object) -> None:
            if isinstance(film, PhaseFieldPatch):
                space, place = film.problem.space, RunFolder(folder / "patches" / f"{index:02d}")
                on_root(space.comm, lambda: place.path.mkdir(parents=True, exist_ok=True))
                self._snapshots[index] = Snapshots(space, place, [dict(e) for e in entries])

        films.each(start)

    def next(self, time: float) -> float:
        """Return the first time after ``time`` [s] at which fields are wanted [s]."""
        return self._milestones.after(time)

    def due(self, time: float) -> bool:
        """Return whether fields are to be written at ``time`` [s]."""
        return self._milestones.met(max(self._last, 0.0), time)

    def write(self, time: float, drives: Sequence[Drive]) -> None:
        """Write all films at ``time`` [s], each under its drive, unless this has been done.

        Raises:
            OutputError: on every rank, if it cannot be written.
        """
        if time <= self._last:
            return

        def save(index: int, film: object) -> None:
            if isinstance(film, PhaseFieldPatch):
                fields = field_values(film.problem, film.state, drives[index])
                self._snapshots[index].write(time, fields)

        self._films.each(save)
        self._last = time
        self.entries.append({"time": time, "file": f"{len(self.entries):04d}.vtu"})
