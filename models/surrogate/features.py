"""What the network sees of a film, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from interphase.models.surrogate.canvas import Array, Canvas, order
from interphase.models.surrogate.proposal import Conditions

type Grid = npt.NDArray[np.float32]

BASIC: Final = ("potential", "temperature")
"""Conditions that every network is given; the table's rows follow, then the advance."""


def inputs_of(canvas: Canvas, base: Array, shares: Array) -> Grid:
    """Return the fields that the network sees, (4 + solids, grid), all of order one.

    Args:
        canvas: the film.
        base: psi after the geometric leap, in interface widths, (grid).
        shares: after it, (solids, grid).
    """
    return np.stack(
        [
            np.clip(0.5 * canvas.psi, -1.0, 1.0),
            np.clip(0.5 * base, -1.0, 1.0),
            canvas.pace - 1.0,
            np.clip(canvas.carrier / 3.0, -1.0, 1.5),
            *shares,
        ]
    ).astype(np.float32)


def window[T: Any](inputs: T) -> T:
    """Return where the network may move the front: near that of the geometric leap, (grid).

    Elsewhere psi tells the film from the liquid only, and what is said there was not taught.
    ``inputs`` are those of `inputs_of`, of numpy or JAX.
    """
    found: T = (4.0 * (1.0 - abs(inputs[1]))).clip(0.0, 1.0)
    return found


@dataclass(frozen=True, slots=True)
class Scales:
    """Conditions of the training data: which, and their ranges.

    Attributes:
        names: BASIC, then keys of the table's rows whose log10 counts.
        low: (names,).
        high: (names,).
        largest: largest advance, in interface widths.
        margin: how far beyond its range a condition still counts as inside, in half ranges.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    largest: float
    margin: float = 0.0

    @classmethod
    def of(cls, conditions: Sequence[Conditions], rows: Sequence[str], largest: float) -> Scales:
        """Return the scales of a set of conditions.

        Of n films spread evenly over a range the outermost stand half a stratum inside it, which
        is 1/(n - 1) of the half range that they span: so far the range goes on.
        """
        names = (*BASIC, *rows)
        table = np.array([_values(one, names) for one in conditions])
        low, high = table.min(axis=0), table.max(axis=0)
        margin = 1.0 / max(len(conditions) - 1, 1)
        return cls(names, tuple(map(float, low)), tuple(map(float, high)), largest, margin)

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Return the range of each condition."""
        return {n: (a, b) for n, a, b in zip(self.names, self.low, self.high, strict=True)}

    def relative(self, conditions: Conditions) -> Array:
        """Return each condition, -1 and 1 at the ends of its range, (names,).

        One that did not vary in training is 0 where it is the same and far out elsewhere.
        """
        value = np.array(_values(conditions, self.names))
        low, high = np.array(self.low), np.array(self.high)
        # A spread below this is round-off of a value that did not vary.
        half = np.maximum(0.5 * (high - low), 1e-3 * np.maximum(np.abs(high), 1e-3))
        return np.asarray((value - 0.5 * (low + high)) / half)

    def vector(self, conditions: Conditions, advance: float) -> Grid:
        """Return what the network is given, (names + 1,)."""
        relative = np.clip(self.relative(conditions), -1.5, 1.5)
        return np.array([*relative, 2.0 * advance / self.largest - 1.0], dtype=np.float32)

    def excess(self, conditions: Conditions) -> float:
        """Return how far outside the ranges the conditions are; 1 or less inside."""
        farthest = np.max(np.abs(self.relative(conditions)), initial=0.0)
        return float(farthest / (1.0 + self.margin))


def _values(conditions: Conditions, names: tuple[str, ...]) -> list[float]:
    basic = {"potential": conditions.potential, "temperature": conditions.temperature}
    # A row that a case does not have counts as far outside.
    return [basic.get(name, conditions.logarithms.get(name, -np.inf)) for name in names]


def front_of(psi: Array) -> Array:
    """Return how much of the front there is at a node, 1 on it, (grid)."""
    phi = order(psi)
    return np.asarray(4.0 * phi * (1.0 - phi))
