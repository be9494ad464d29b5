"""What a leap is asked for and what it answers: patches, conditions, proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """A film on a uniform grid: lateral axes first, the normal last, the electrode at index 0.

    Attributes:
        phi: film order parameter [-], (grid).
        shares: volume share of each solid in the film [-], (solids, grid).
        carrier: activity of localised electrons relative to the electrode [-], (grid).
        speed: of the front along its normal, outward positive, on the nodes within 1.5 l of it
            and 0 elsewhere [m/s], (grid).
        spacing: cell edge along each axis [m].
        periodic: of each lateral axis: whether its ends are one; others, and the normal, are
            mirrors.
    """

    phi: Array
    shares: Array
    carrier: Array
    speed: Array
    spacing: tuple[float, ...]
    periodic: tuple[bool, ...]

    def thickness(self, phi: Array) -> float:
        """Return the film's volume per lateral area [m] for an order parameter (grid)."""
        weights = [np.full(n, h) for n, h in zip(phi.shape, self.spacing, strict=True)]
        for row, closed in zip(weights, (*self.periodic, False), strict=True):
            if not closed:
                row[[0, -1]] *= 0.5
        area = float(np.prod([row.sum() for row in weights[:-1]]))
        volume = phi
        for row in reversed(weights):
            volume = volume @ row
        return float(volume) / area


@dataclass(frozen=True)
class Conditions:
    """What a film grows under, constant over a leap.

    Attributes:
        potential: of the electrode [V vs Li/Li+].
        temperature: [K].
        width: interface width l [m].
        logarithms: log10 of the parameters that a proposer may depend on (SI), by key of the
            table, such as ``interstitial_diffusivity.Li2CO3``.
        phases: the solids in the order of the shares.
        deposit: shares of what the front deposits now [-], (solids,), in a film whose columns are
            not resolved; None where new material continues the column that it grows on.
    """

    potential: float
    temperature: float
    width: float
    logarithms: Mapping[str, float] = field(default_factory=dict)
    phases: tuple[str, ...] = ()
    deposit: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Proposal:
    """A film after a leap, as proposed.

    Attributes:
        phi: film order parameter [-], (grid).
        shares: of the solids [-], (solids, grid).
        spread: of the gained volume over an ensemble, relative [-]; 0 without one.
        distance: from the training data, in units of the 99th percentile of the training set [-];
            0 for a proposer that was not trained.
    """

    phi: Array
    shares: Array
    spread: float = 0.0
    distance: float = 0.0


class Proposer(Protocol):
    """Says what a film looks like after its front has advanced."""

    @property
    def largest_advance(self) -> float:
        """Largest mean advance of the front that may be asked for, in interface widths [-]."""
        ...

    @property
    def smallest_patch(self) -> tuple[int, ...]:
        """Fewest nodes along each axis, lateral axes first; its length is the dimension."""
        ...

    def propose(self, patch: Patch, conditions: Conditions, advance: float) -> Proposal:
        """Return the film after a mean advance of ``advance`` interface widths.

        The advance is that of the film's volume per lateral area; a proposal may miss it by a few
        per cent, since what was gained is measured. Shares count where the film is new: what
        reactions do inside the film that was there is solved.

        Args:
            patch: the film now.
            conditions: under which it grows.
            advance: mean advance of the front, in interface widths [-].
        """
        ...
