"""What a benchmark measures, and how: paired runs, CPU seconds, peak memory."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MIB: Final = 1024.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gave.

    Attributes:
        steps: accepted steps.
        unknowns: of one field times the number of fields.
        error: of the quantity that the benchmark names, relative unless it says otherwise.
        scale: CPU seconds of the whole task over those of this run: more than one where only the
            first steps were run.
        note: what else there is to say.
    """

    steps: int
    unknowns: int
    error: float | None = None
    scale: float = 1.0
    note: str = ""


type Run = Callable[[], Outcome]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to solve a problem.

    Attributes:
        method: its name.
        prepare: sets up once and returns what is run and measured. Raises ImportError where a
            package is missing.
        repeats: how often it runs at most; None: as often as asked for.
        reference: it is the measure of the others.
    """

    method: str
    prepare: Callable[[], Run]
    repeats: int | None = None
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the table.

    Attributes:
        benchmark: what was computed.
        method: by which way.
        unknowns: of one field times the number of fields.
        ranks: that shared the work.
        steps: accepted steps.
        cpu: of the whole task, all ranks; median of the repeats [s].
        spread: largest minus smallest of the repeats, relative to the median [-].
        repeats: how often it ran.
        set_up: CPU time before the first step, compilation included [s].
        memory: peak of the process during the runs [MiB].
        error: relative error of the quantity that the benchmark names [-].
        gate: largest error allowed [-]; None where there is none.
        note: what else there is to say.
    """

    benchmark: str
    method: str
    unknowns: int
    ranks: int
    steps: int
    cpu: float
    spread: float
    repeats: int
    set_up: float
    memory: float | None
    error: float | None = None
    gate: float | None = None
    note: str = ""

    @property
    def per_step(self) -> float:
        """Return CPU seconds per accepted step and unknown."""
        return self.cpu / max(self.steps * self.unknowns, 1)

    @property
    def passed(self) -> bool:
        """Return whether the error is within the gate."""
        return self.gate is None or (self.error is not None and abs(self.error) <= self.gate)


class PeakMemory:
    """Largest resident memory of this process since the last reset (Linux only)."""

    def __init__(self) -> None:
        self._status, self._clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def reset(self) -> None:
        """Forget the peak so far."""
        gc.collect()
        try:
            self._clear.write_text("5")
        except OSError:
            return

    def read(self, key: str = "VmHWM") -> float | None:
        """Return the peak [MiB], or with ``VmRSS`` what is resident now; None if unknown."""
        try:
            lines = self._status.read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        return next((float(x.split()[1]) / _MIB for x in lines if x.startswith(key)), None)


def paired(
    benchmark: str,
    ways: Sequence[Way],
    repeats: int,
    *,
    gate: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Record]:
    """Measure all ways in one process, by turns (A B A B), and return one record for each.

    Args:
        benchmark: name in the table.
        ways: what to compare; those whose packages are missing are left out with a message.
        repeats: runs of each.
        gate: largest error allowed of ways that are not the reference.
        say: takes messages.
    """
    ready: list[tuple[Way, Run, float]] = []
    for way in ways:
        start = time.process_time()
        try:
            run = way.prepare()
        except ImportError as error:
            say(f"{benchmark}: {way.method} is left out: {error}")
            continue
        ready.append((way, run, time.process_time() - start))
    seconds: dict[str, list[float]] = {way.method: [] for way, _, _ in ready}
    outcomes: dict[str, Outcome] = {}
    peaks: dict[str, float | None] = {}
    memory = PeakMemory()
    for turn in range(repeats):
        for way, run, _ in ready:
            if turn >= (repeats if way.repeats is None else way.repeats):
                continue
            memory.reset()
            start = time.process_time()
            outcome = run()
            seconds[way.method].append((time.process_time() - start) * outcome.scale)
            outcomes[way.method] = outcome
            peaks[way.method] = memory.read()
    return [
        _record(benchmark, way, set_up, seconds[way.method], outcomes[way.method],
                peaks[way.method], gate)
        for way, _, set_up in ready
    ]  # fmt: skip


def _record(
    benchmark: str,
    way: Way,
    set_up: float,
    seconds: list[float],
    outcome: Outcome,
    peak: float | None,
    gate: float | None,
) -> Record:
    middle = statistics.median(seconds)
    return Record(
        benchmark=benchmark,
        method=way.method,
        unknowns=outcome.unknowns,
        ranks=1,
        steps=round(outcome.steps * outcome.scale),
        cpu=middle,
        spread=(max(seconds) - min(seconds)) / middle if middle else 0.0,
        repeats=len(seconds),
        set_up=set_up,
        memory=peak,
        error=outcome.error,
        gate=None if way.reference else gate,
        note=outcome.note,
    )
