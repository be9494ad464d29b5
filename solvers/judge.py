"""May a leap be kept? Every gate is a number with its reason, and every refusal has a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from interphase.models.surrogate.proposal import Proposal
from interphase.solvers.project import Projected
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.step_report import StepReport
from interphase.solvers.tempo import Tempo, changed

# Of the steps' own tolerance of the local error (physics.md, section F).
_RESIDUAL = 5.0


class Refusal(Enum):
    """Why a leap was not kept; the value is its name in ``summary.json``."""

    DOMAIN = "outside the training data"
    SPREAD = "the ensemble disagrees"
    BROKEN = "not finite"
    CORRECTION = "far from a film that can be"
    GAIN = "not the advance that was asked for"
    SEEDS = "a seed falls on the way"
    CONVERSION = "an internal front moves too far"
    RESIDUAL = "the step after it changes what was proposed"
    ENERGY = "the energy of its interfaces is another"
    TEMPO = "the rate changes too much on the way"
    FORETOLD = "it took another time than foretold"
    BALANCE = "elements are not conserved"
    FAILURE = "the proposer or a solve failed"
    MILESTONE = "it took longer than foretold and passes a milestone"

    @property
    def hopeless(self) -> bool:
        """Return whether a shorter leap from the same state would be refused as well."""
        return self in (Refusal.BROKEN, Refusal.FAILURE)


@dataclass(frozen=True, slots=True)
class Judge:
    """The gates of a leap.

    Attributes:
        width: interface width l [m].
        rtol: local error that steps aim at [-].
        front_fraction: displacement that steps aim at, in l [-].
        spread: largest spread of the gained volume over an ensemble, relative [-].
        distance: largest distance from the training data, in units of its 99th percentile [-].
        correction: largest volume that the projection may move, over the gain [-].
        gain: how far the gain may be from what was asked for, relative [-].
        held: largest part of an internal front that wants to go farther than it may at once [-].
        energy: interface energy that the step after a leap may free, relative [-].
        change: of the interface energy over a leap, relative, largest [-]. Steps hardly change it
            but where gaps close, and then the film is another on the way; a front that splits
            frees none in the step after.
        foretold: how far the time foretold may be from the time taken, relative [-]: reactions
            inside the film, seeds and liquid went on for as long as foretold.
        tempo: largest ratio of the slowness at both ends [-]: the clock's trapezoid is exact for
            a linear law and wrong by ln(1.5)^2/12 = 1.4 % of the leap for an exponential one.
        imbalance: largest imbalance of an element after a leap [-], unless steps have more.
    """

    width: float
    rtol: float
    front_fraction: float
    spread: float = 0.02
    distance: float = 1.0
    correction: float = 0.05
    gain: float = 0.2
    held: float = 0.05
    energy: float = 0.02
    change: float = 0.02
    foretold: float = 0.1
    tempo: float = 1.5
    imbalance: float = 1.0e-10

    def proposal(self, proposal: Proposal) -> Refusal | None:
        """Return why a proposal is not tried, None if it is."""
        if not (np.isfinite(proposal.phi).all() and np.isfinite(proposal.shares).all()):
            return Refusal.BROKEN
        if not proposal.distance <= self.distance:
            return Refusal.DOMAIN
        return Refusal.SPREAD if not proposal.spread <= self.spread else None

    def projected(self, projected: Projected, wanted: float) -> Refusal | None:
        """Return why a projected proposal is not tried; ``wanted`` is the volume asked for [m3]."""
        if not abs(projected.gain - wanted) <= self.gain * wanted:
            return Refusal.GAIN
        return Refusal.CORRECTION if not projected.correction <= self.correction else None

    def leapt(self, report: StepReport) -> Refusal | None:
        """Return why the solver's part of a leap is not kept."""
        if report.seeds:
            return Refusal.SEEDS
        return Refusal.CONVERSION if report.held > self.held else None

    def relaxed(self, report: StepReport, energies: tuple[float, float, float]) -> Refusal | None:
        """Return why a leap is not kept after the step that followed it.

        Args:
            report: of that step.
            energies: of the interfaces before the leap, after it, and after the step [m3].
        """
        far = report.displacement > 1.5 * self.front_fraction * self.width
        if far or report.error > _RESIDUAL * self.rtol:
            return Refusal.RESIDUAL
        before, leapt, after = energies
        other = abs(leapt - before) > self.change * before
        return Refusal.ENERGY if other or leapt > (1.0 + self.energy) * after else None

    def timed(self, before: Tempo, after: Tempo | None) -> Refusal | None:
        """Return why the clock of a leap is not trusted."""
        if after is None or changed(before, after) > self.tempo:
            return Refusal.TEMPO
        return None

    def lasted(self, foretold: float, taken: float) -> Refusal | None:
        """Return why the time foretold for a leap [s] is not good enough."""
        return Refusal.FORETOLD if abs(foretold / taken - 1.0) > self.foretold else None

    def balanced(self, before: float, after: float) -> Refusal | None:
        """Return whether elements are conserved: worst imbalance [-] before and after a leap."""
        return Refusal.BALANCE if after > max(self.imbalance, 2.0 * before) else None


def interface_energy(space: NodalSpace, phi: Array, width: float) -> float:
    """Return the energy of the outer interface per energy density scale [m3]. Collective.

    (l^2/32) |grad phi|^2 + phi^2 (1 - phi)^2 / 2, whose gradient flow is the relaxation of
    `models.front.FrontLaw`; l/24 per area at rest.
    """
    gradient = float(np.dot(phi, space.apply(space.laplacian, phi)))
    well = float(np.dot(space.mass, (phi * (1.0 - phi)) ** 2))
    parts = space.comm.allreduce(np.array([width**2 / 32.0 * gradient, 0.5 * well]))
    return float(parts.sum())
