"""The log of a run: what the package says while it is under way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from interphase.solvers.run_folder import writing

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(message)s"


class RunLog:
    """Writes messages of the package to a file between `open` and `close`; for one rank."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handler: logging.Handler | None = None

    def open(self) -> None:
        """Begin, behind what the file holds already.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._path):
            self._handler = logging.FileHandler(self._path, encoding="utf-8")
        self._handler.setFormatter(logging.Formatter(_FORMAT))
        package = logging.getLogger("interphase")
        if package.level == logging.NOTSET:
            # A script that has not chosen what it hears: the log of the run is complete anyway.
            package.setLevel(logging.INFO)
        package.addHandler(self._handler)

    def close(self) -> None:
        """End; twice is once."""
        if self._handler is not None:
            logging.getLogger("interphase").removeHandler(self._handler)
            self._handler.close()
            self._handler = None


@contextmanager
def log_to(path: Path, *, active: bool) -> Iterator[None]:
    """Write what is said to a file as well.

    Args:
        path: of the log; what is in it stays.
        active: whether this rank writes.

    Raises:
        OutputError: it cannot be opened.
    """
    log = RunLog(path)
    if active:
        log.open()
    try:
        yield
    finally:
        log.close()
