"""A flame graph of the film: ``python -m interphase.scripts.benchmarks.flame -o FILE.png``.

Width is CPU time of one rank, from below: the part of a step, then who called whom. The stack is
looked at a few hundred times a second of CPU time; a library at work is not interrupted, so its
time is counted when it comes back, with the function that called it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

# Before numpy is imported: one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib as mpl
from mpi4py import MPI

from interphase.parameters.case import load_case
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.commands.common import DONE, write
from interphase.solvers.simulation import Simulation
from interphase.solvers.timings import Timings

type Stack = tuple[str, ...]

_ROOTS: Final = ("FilmSolver.step", "Simulation.run")
"""Where stacks begin."""
_EVERY: Final = 0.004
"""CPU time between two looks [s]."""
_NARROW: Final = 0.004
"""Bars below this part of the whole are left out."""
_LABELLED: Final = 0.02
_DEPTH: Final = 7


@dataclass
class NamedParts(Timings):
    """Timings that tell which part is under way; outside of all it is ``outside``."""

    now: str = "outside the step"

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time inside the block to the part ``name``."""
        self.now, before = name, self.now
        try:
            with super().part(name):
                yield
        finally:
            self.now = before


@dataclass
class Sampler:
    """Counts CPU seconds by stack.

    Attributes:
        parts: tells the part of the step.
        seconds: CPU time by stack, outermost first [s].
    """

    parts: NamedParts
    seconds: defaultdict[Stack, float] = field(default_factory=lambda: defaultdict(float))
    _last: float = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at the stack while the block runs."""
        before = signal.signal(signal.SIGPROF, self._look)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, number: int, frame: FrameType | None) -> None:
        now = time.process_time()
        names: list[str] = []
        while frame is not None and frame.f_code.co_qualname not in _ROOTS:
            if "interphase" in frame.f_globals.get("__name__", ""):
                names.append(frame.f_code.co_qualname.replace(".<locals>", ""))
            frame = frame.f_back
        self.seconds[self.parts.now, *reversed(names)] += now - self._last
        self._last = now


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a case and draw where its time went."""
    parser = argparse.ArgumentParser(description="Draw a flame graph of a film, on one rank.")
    parser.add_argument("--case", default="mosaic_formation", help="of scripts/cases")
    parser.add_argument("--begin", type=float, default=1200.0, help="simulated time [s]")
    parser.add_argument("--end", type=float, default=2400.0, help="simulated time [s]")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.png")
    parsed = parser.parse_args(arguments)
    simulation = Simulation.from_case(load_case(CASES / f"{parsed.case}.yaml"), comm=MPI.COMM_SELF)
    simulation.run(parsed.begin)
    solver = simulation.problem.solver
    solver.timings = NamedParts(solver.timings.seconds, solver.timings.started)
    sampler, first = Sampler(solver.timings), len(simulation.rows)
    with sampler.watching():
        simulation.run(parsed.end)
    total = sum(sampler.seconds.values())
    steps, nodes = len(simulation.rows) - first, solver.space.global_size
    draw(
        sampler.seconds,
        f"{parsed.case}, t = {parsed.begin:g} to {parsed.end:g} s: {steps} steps of {nodes} nodes, "
        f"{total:.1f} CPU s, {1e6 * total / steps / nodes:.2f} us per step and node",
        parsed.output,
    )
    write(f"{parsed.output}: {total:.1f} CPU s in {steps} steps")
    return DONE


def draw(seconds: Mapping[Stack, float], title: str, path: Path) -> None:
    """Draw the stacks as bars on bars, the widest first."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    total = sum(seconds.values())
    figure, axes = plt.subplots(figsize=(13.0, 4.6))
    _bars(axes, seconds, 0.0, 0, total)
    axes.set_xlim(0.0, 100.0)
    axes.set_ylim(0.0, _DEPTH)
    axes.set_yticks([])
    axes.set_xlabel("CPU time [%]")
    axes.set_title(title, fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _bars(axes: Any, seconds: Mapping[Stack, float], left: float, depth: int, total: float) -> None:
    """Draw one level over ``left`` [%], and what stands on it."""
    if depth == _DEPTH:
        return
    groups: dict[str, defaultdict[Stack, float]] = {}
    for stack, time_ in seconds.items():
        if stack:
            groups.setdefault(stack[0], defaultdict(float))[stack[1:]] += time_
    shades = ["#d9c77b", "#e0a458", "#cf7c4c", "#b8685c"]
    for name, inner in sorted(groups.items(), key=lambda item: -sum(item[1].values())):
        width = 100.0 * sum(inner.values()) / total
        if width >= 100.0 * _NARROW:
            colour = "#8fb3c9" if depth == 0 else shades[depth % len(shades)]
            axes.barh(
                depth + 0.5, width, left=left, height=0.94, color=colour, edgecolor="white", lw=0.5
            )
            if width >= 100.0 * _LABELLED:
                room = int(width * 1.9)
                label = f"{name} {width:.0f} %" if depth == 0 else name.rsplit(".", 1)[-1]
                axes.text(left + 0.2, depth + 0.5, label[:room], va="center", fontsize=7.5)
            _bars(axes, inner, left, depth + 1, total)
        left += width


if __name__ == "__main__":
    sys.exit(main())
