"""What a run says while it goes: one line about every second on rank 0, with the time left."""

from __future__ import annotations

import logging
import math
import time
from collections import deque

from interphase.solvers.diagnostics import Row
from interphase.solvers.stepping import ControlState

logger = logging.getLogger(__name__)

# Wall time between two lines [s].
_INTERVAL = 1.0
# The time left is judged from this much of the recent past [s].
_WINDOW = 30.0
# Fewer samples tell nothing: the first steps are short.
_LEAST = 4


class Progress:
    """Logs how far a run is; does nothing on other ranks than 0.

    Attributes:
        started: wall clock at the start [s].
    """

    def __init__(self, rank: int, start: float, end: float) -> None:
        self._active = rank == 0
        self._end = end
        self._last = -math.inf
        self._samples: deque[tuple[float, float]] = deque([(time.perf_counter(), start)])

    def update(self, row: Row, control: ControlState, *, force: bool = False) -> None:
        """Log a line if it is time for one."""
        if not self._active:
            return
        now = time.perf_counter()
        if not force and now - self._last < _INTERVAL:
            return
        self._last = now
        self._samples.append((now, row["time"]))
        while len(self._samples) > 3 and self._samples[1][0] < now - _WINDOW:
            self._samples.popleft()
        logger.info(
            "%5.1f %%  t = %-9s dt = %-9s L = %6.2f nm  grains %3d  step %5d (%d rejected)  "
            "left %s",
            100.0 * min(row["time"] / self._end, 1.0),
            readable(row["time"]),
            readable(row["step"]),
            1e9 * row["thickness"],
            row["grains"],
            control.accepted,
            control.rejected,
            readable(time_left(list(self._samples), self._end)),
        )


def time_left(samples: list[tuple[float, float]], end: float) -> float:
    """Return the wall time left [s] from recent (wall time, simulated time) pairs.

    The speed is taken to go on as a power of the simulated time, ``dt/dw ~ t^p`` with p between 0
    (equal steps, as under a ramp) and 1 (steps that grow with time, as of a film that closes).
    """
    (w0, t0), (w2, t2) = samples[0], samples[-1]
    if t2 >= end:
        return 0.0
    if len(samples) < _LEAST or w2 <= w0 or t2 <= t0:
        return math.nan
    w1, t1 = samples[len(samples) // 2]
    power, speed = 0.0, (t2 - t0) / (w2 - w0)
    if t0 > 0.0 and t0 < t1 < t2 and w0 < w1 < w2:
        # The mean speed of a stretch belongs to its logarithmic mean time.
        first, second = _log_mean(t0, t1), _log_mean(t1, t2)
        early, late = (t1 - t0) / (w1 - w0), (t2 - t1) / (w2 - w1)
        power = min(max(math.log(late / early) / math.log(second / first), 0.0), 1.0)
        speed = late * (t2 / second) ** power
    if power > 0.999:
        return t2 / speed * math.log(end / t2)
    return t2 / speed * ((end / t2) ** (1.0 - power) - 1.0) / (1.0 - power)


def _log_mean(a: float, b: float) -> float:
    return (b - a) / math.log(b / a)


def readable(seconds: float) -> str:
    """Return a duration [s] as people say it, such as ``1.25 h``."""
    if not math.isfinite(seconds):
        return "?"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= size * (1.5 if size > 1.0 else 1.0):
            return f"{seconds / size:.3g} {unit}"
    return "0 s" if seconds == 0.0 else f"{seconds * 1e6:.3g} us"
