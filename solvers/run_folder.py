"""The folder of a run: which one, what may be in it, and files that are whole or not there."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interphase.parameters.errors import OutputError

logger = logging.getLogger(__name__)


_OURS: Final = (
    "case.yaml", "provenance.json", "timeseries.csv", "nuclei.csv", "summary.json", "run.log",
    "fields.json", "fields.pvd", "checkpoint.h5", "checkpoint_previous.h5", "fields_*", "snapshots",
    "ageing.csv", "patches.csv", "places.csv", "cell.csv", "patches", "checkpoint",
    "checkpoint_previous",
)  # fmt: skip


# What ADIOS2 says of a failed write holds the system's reason, dressed in colours.
_SYSTEM_REASON: Final = re.compile(r"errno = \d+: ([^\x1b]+)")


class FolderError(OutputError):
    """The folder asked for holds a run already, or none to continue; nothing was computed."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of the files of a run.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def case(self) -> Path:
        """The resolved case."""
        return self.path / "case.yaml"

    @property
    def series(self) -> Path:
        """One row per accepted step."""
        return self.path / "timeseries.csv"

    @property
    def nuclei(self) -> Path:
        """One row per nucleus."""
        return self.path / "nuclei.csv"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.path / "checkpoint.h5"

    @property
    def previous(self) -> Path:
        """The checkpoint before the last."""
        return self.path / "checkpoint_previous.h5"

    @property
    def log(self) -> Path:
        """The log of the run."""
        return self.path / "run.log"

    @property
    def snapshots(self) -> Path:
        """Folder of the snapshots."""
        return self.path / "snapshots"

    def holds_run(self) -> bool:
        """Return whether a run has been started in the folder."""
        return self.case.exists() or self.checkpoint.exists() or self.series.exists()

    def clear(self) -> None:
        """Remove the files of an old run and nothing else."""
        for pattern in _OURS:
            for path in self.path.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def next_folder(parent: Path, name: str) -> Path:
    """Return the first free ``parent/name_NNN``."""
    last = last_folder(parent, name)
    number = int(last.name.rpartition("_")[2]) + 1 if last else 1
    return parent / f"{name}_{number:03d}"


def last_folder(parent: Path, name: str) -> Path | None:
    """Return the ``parent/name_NNN`` with the highest number, None if there is none."""
    pattern = re.compile(re.escape(name) + r"_(\d+)")
    found = [
        (int(m[1]), path)
        for path in parent.glob(f"{name}_*")
        if (m := pattern.fullmatch(path.name))
    ]
    return max(found)[1] if found else None


def open_folder(path: Path, *, restart: bool, overwrite: bool) -> RunFolder:
    """Make the folder of a run, or take the one that is there. For one rank.

    An old run is removed by `RunFolder.clear`, once the new one is known to be able to start.

    Args:
        path: the folder.
        restart: continue the run in it.
        overwrite: a run in it may be removed.

    Raises:
        FolderError: a run is in it and neither was asked for, or there is none to continue.
        OutputError: the folder cannot be made.
    """
    folder = RunFolder(path)
    if restart and not folder.holds_run():
        raise FolderError(f"{path}: holds no run to continue; leave out --restart")
    if folder.holds_run() and not restart:
        if not overwrite:
            raise FolderError(
                f"{path}: holds a run already; say --restart, --overwrite or another -o"
            )
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write into one clear line.

    Raises:
        OutputError: the disk is full, a quota is reached, a permission is missing.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        # Libraries for HDF5 and ADIOS2 report a full disk as a RuntimeError with their own text.
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        found = _SYSTEM_REASON.search(reason)
        reason = found[1] if found else reason
        raise OutputError(
            f"cannot write {path}: {reason}; check space and permissions, then continue with "
            "--restart from the last checkpoint"
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it is whole or as it was before.

    Raises:
        OutputError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    with writing(path):
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
