"""Where the wall time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Timings:
    """Wall time by part of a run.

    Attributes:
        seconds: by name.
        started: clock at the start [s].
        before: wall time of the earlier starts of the same run [s].
    """

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    before: float = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time inside the block to the part ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def wall(self) -> float:
        """Wall time of the run so far, earlier starts included [s]."""
        return self.before + time.perf_counter() - self.started
