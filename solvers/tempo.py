"""How fast a film grows where it stands: the clock of a leap.

A leap is measured by the volume that the front gains. The time it took follows from the slowness
dt/dV of the physics before and after it, by the trapezoidal rule: exact where slowness grows
linearly with thickness, as behind a diffusion barrier. Where it grows exponentially, as behind a
tunnelling barrier, the rule is wrong by ln(ratio)^2 / 12, which bounds the ratio that may be
leapt over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState
from interphase.solvers.step_report import StepReport


@dataclass(frozen=True, slots=True)
class Tempo:
    """The growth of a film in one step.

    Attributes:
        volume: of the film that set the pace [m3].
        slowness: dt/dV [s/m3].
        extents: of each reaction per time [mol/s], (reactions,).
        carried: part of the electrons that came as localised carriers [-].
        inside: mean speed of an internal front, of the one that moves most [m/s].
    """

    volume: float
    slowness: float
    extents: tuple[float, ...]
    carried: float
    inside: float = 0.0

    @classmethod
    def between(
        cls, space: NodalSpace, old: FilmState, new: FilmState, report: StepReport
    ) -> Self | None:
        """Return the tempo of the step from ``old`` to ``new``, None if no film grew. Collective.

        Carriers meet the film as it was at the start of a step, tunnelling is averaged over it.
        """
        before, after = space.integral(old.phi), space.integral(new.phi)
        carried = new.books.electrons_carrier - old.books.electrons_carrier
        direct = new.books.electrons_tunnelling - old.books.electrons_tunnelling
        if not after > before or not new.time > old.time:
            return None
        part = carried / (carried + direct) if carried + direct > 0.0 else 0.0
        part = min(max(part, 0.0), 1.0)
        step = new.time - old.time
        return cls(
            before + 0.5 * (1.0 - part) * (after - before),
            step / (after - before),
            tuple(((new.books.extents - old.books.extents) / step).tolist()),
            part,
            report.inside / step,
        )

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Return what `asdict` made of one."""
        if stored is None:
            return None
        return cls(**{**stored, "extents": tuple(stored["extents"])})


@dataclass(frozen=True)
class Stage:
    """A part of a leap, over which reactions inside the film see one film.

    Attributes:
        phi: order parameter of the film in its middle, (size,).
        length: of the stage [s].
    """

    phi: Array
    length: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Slowness as a linear function of the film's volume.

    Attributes:
        volume: at which the slowness is known [m3].
        slowness: there [s/m3].
        slope: d(slowness)/dV [s/m6].
    """

    volume: float
    slowness: float
    slope: float = 0.0

    @classmethod
    def through(cls, first: Tempo | None, second: Tempo) -> Self:
        """Return the line through two tempos; level without the first."""
        slope = 0.0
        if first is not None and second.volume > first.volume:
            slope = (second.slowness - first.slowness) / (second.volume - first.volume)
        return cls(second.volume, second.slowness, slope)

    def at(self, volume: float) -> float:
        """Return the slowness [s/m3] at ``volume`` [m3]; never less than half the known one."""
        return max(self.slowness + self.slope * (volume - self.volume), 0.5 * self.slowness)

    def elapsed(self, start: float, end: float) -> float:
        """Return the time [s] in which the volume grows from ``start`` to ``end`` [m3]."""
        return (end - start) * self.at(0.5 * (start + end))


def changed(first: Tempo, second: Tempo) -> float:
    """Return the larger over the smaller of two slownesses [-]."""
    return float(np.exp(abs(np.log(second.slowness / first.slowness))))
