"""Results of long calculations kept between runs, so that a stopped run loses little."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interphase.parameters.errors import AtomisticError


class Store:
    """Values by key, with what each cost; in a file if one is named, else for this run only.

    Attributes:
        saved: processor time of what the file knew already and this run asked for [s].
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open a store.

        Args:
            path: of the file, which need not exist.
        """
        self.saved = 0.0
        self._path = path
        self._known: dict[str, list[Any]] = {}
        self._asked: set[str] = set()

    def recall[T](self, key: str, work: Callable[[], T]) -> T:
        """Return a value that is known, or compute and keep it.

        Args:
            key: all that the value depends on.
            work: computes it; the value must be one that JSON keeps exactly.

        Raises:
            AtomisticError: if the file cannot be read or written.
        """
        if key not in self._known:
            self._known = self._read()
        if key in self._known:
            if key not in self._asked:
                self.saved += self._known[key][1]
        else:
            start = time.process_time()
            entry = [work(), round(time.process_time() - start, 2)]
            # read again: another run may have added to it meanwhile
            self._known = self._read() | {key: entry}
            self._write()
        self._asked.add(key)
        answer: T = self._known[key][0]
        return answer

    def beside(self, key: str, suffix: str) -> Path | None:
        """Return a file for what JSON cannot keep, beside that of the store; None without one.

        Args:
            key: all that the content depends on.
            suffix: of the file's name.
        """
        if self._path is None:
            return None
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        return self._path.with_name(f"{self._path.stem}.{digest}{suffix}")

    def _read(self) -> dict[str, list[Any]]:
        if self._path is None or not self._path.exists():
            return self._known
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise AtomisticError(f"cache {self._path}: cannot be read: {error}") from error
        if not isinstance(content, dict) or not all(
            isinstance(entry, list) and len(entry) == 2 for entry in content.values()
        ):
            raise AtomisticError(f"cache {self._path}: is no cache of this program; name another")
        return content

    def _write(self) -> None:
        if self._path is None:
            return
        part = self._path.with_name(self._path.name + ".part")
        try:
            part.write_text(json.dumps(self._known, indent=0, sort_keys=True), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            raise AtomisticError(f"cannot write cache {self._path}: {error.strerror}") from error
