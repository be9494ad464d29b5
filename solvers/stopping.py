"""Reasons to stop before the end: a wall-time limit or a signal, decided by all ranks together."""

from __future__ import annotations

import signal
import threading
import time
from enum import Enum
from types import FrameType, TracebackType
from typing import Any, Self

from mpi4py import MPI

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
# A step may take this many times as long as the longest so far; then a checkpoint must fit in.
_RESERVE = 3.0


class Ending(Enum):
    """How a run ended; the value is what a summary says."""

    DONE = "done"
    WALLTIME = "stopped by the wall-time limit"
    SIGNAL = "stopped by a signal"
    FAILED = "failed"


class StopRequest:
    """Asks after every step whether to stop. Use as a context: it takes over the signals.

    A second signal of the same kind acts as if there were no such handling.
    """

    def __init__(self, comm: MPI.Comm, *, walltime: float | None = None) -> None:
        self._comm, self._limit = comm, walltime
        self._started = self._last = time.perf_counter()
        self._longest = 0.0
        self._caught = False
        self._old: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take over the signals (only the main thread may)."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._old[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old.clear()

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self._caught = True
        signal.signal(number, self._old.get(signal.Signals(number), signal.SIG_DFL))

    def check(self) -> Ending | None:
        """Return why to stop, None to go on; the same on all ranks. Collective."""
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        late = (
            self._limit is not None and now - self._started + _RESERVE * self._longest > self._limit
        )
        vote = self._comm.allreduce(2 if self._caught else int(late), op=MPI.MAX)
        return (None, Ending.WALLTIME, Ending.SIGNAL)[vote]
