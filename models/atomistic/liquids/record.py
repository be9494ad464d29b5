"""What a run has so far, in a file: a run that is stopped goes on where it was."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from interphase.models.atomistic.transport import Array
from interphase.parameters.errors import AtomisticError

_NAME = "key"


@dataclass
class Record:
    """Frames and the state after the last of them, in nm, ps and e.

    Attributes:
        volumes: at constant pressure, of each frame [nm^3].
        edge: of the cube now [nm].
        positions: of the atoms now, unwrapped, shape (atoms, 3) [nm]; empty before the start.
        velocities: of the atoms now, shape (atoms, 3) [nm/ps].
        centres: of mass of the molecules, of each frame at constant volume, shape (molecules, 3).
        dipoles: of the box, likewise, shape (3,).
        seconds: processor time that it took [s].
    """

    volumes: list[float] = field(default_factory=list)
    edge: float = 0.0
    positions: Array = field(default_factory=lambda: np.empty((0, 3)))
    velocities: Array = field(default_factory=lambda: np.empty((0, 3)))
    centres: list[Array] = field(default_factory=list)
    dipoles: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def write(self, path: Path, key: str) -> None:
        """Write all of it; a file that is there is replaced when the new one is whole.

        Args:
            path: of the file.
            key: all that the run depends on.

        Raises:
            AtomisticError: if it cannot be written.
        """
        part = path.with_name(path.name + ".part")
        content = {one.name: np.asarray(getattr(self, one.name)) for one in fields(self)}
        try:
            with part.open("wb") as file:
                np.savez(file, **{_NAME: np.asarray(key)}, **content)  # type: ignore[arg-type]
            part.replace(path)
        except OSError as error:
            raise AtomisticError(f"cannot write record {path}: {error.strerror}") from error


def read(path: Path, key: str) -> Record:
    """Return what a file holds, an empty record if there is none.

    Args:
        path: of the file.
        key: all that the run depends on.

    Raises:
        AtomisticError: if it cannot be read or is of another run.
    """
    if not path.exists():
        return Record()
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        if str(held.pop(_NAME)) != key:
            raise AtomisticError(f"record {path} is of another run; name another cache")
        return Record(
            held["volumes"].tolist(), float(held["edge"]), held["positions"], held["velocities"],
            list(held["centres"]), list(held["dipoles"]), float(held["seconds"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise AtomisticError(f"record {path} cannot be read: {error}; delete it") from error
