"""Pairs of states of a trajectory, before and after an advance: what a network is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.models.surrogate.base import geometric_leap
from interphase.models.surrogate.canvas import ROOM, Array, Canvas, canvas_of, order
from interphase.models.surrogate.features import Grid, Scales, front_of, inputs_of
from interphase.models.surrogate.proposal import Conditions, Patch
from interphase.models.surrogate.trajectory import Trajectory
from interphase.parameters.errors import SurrogateError

LARGEST_PART: Final = 0.5
"""Largest advance over the thickness of the film: beyond, the growth itself has changed."""

# Frames of thinner films [l] are left to the physics.
_THINNEST = 2.0
FEWEST = 4
"""Frames of a trajectory that teach something."""

# phi at the patch's top is less while the front is below it.
_BELOW_TOP = 0.01


@dataclass(frozen=True)
class Film:
    """The part of a trajectory between the last seed and the end, on the network's grid.

    Attributes:
        canvases: one per frame, all of one shape.
        conditions: under which it grew.
        times: of the frames [s].
    """

    canvases: tuple[Canvas, ...]
    conditions: Conditions
    times: Array

    @property
    def volumes(self) -> Array:
        """Return the volume per lateral area of every frame, in interface widths."""
        return np.array([one.volume for one in self.canvases])


@dataclass(frozen=True)
class Sample:
    """What a network is shown and what it should say.

    Attributes:
        inputs: (fields, grid).
        conditions: (conditions,).
        target: increments of psi (in l) and of the shares, (1 + solids, grid).
        weights: parts of the front, whose sum is 1, and parts of the film that are new, (2, grid).
        advance: in interface widths.
    """

    inputs: Grid
    conditions: Grid
    target: Grid
    weights: Grid
    advance: float


def patch_of(trajectory: Trajectory, frame: int) -> Patch:
    """Return a frame as a patch."""
    fields = {name: values[frame].astype(float) for name, values in trajectory.fields.items()}
    return Patch(
        fields["phi"], fields["shares"], fields["carrier"], fields["speed"],
        trajectory.spacing, trajectory.periodic,
    )  # fmt: skip


def grown_frames(trajectory: Trajectory) -> list[int]:
    """Return the frames after the last seed under the drive of the end.

    Of films that are thick enough and whose front is inside the patch.
    """
    series = trajectory.series
    same = np.ones(len(trajectory), dtype=bool)
    for name in ("grains", "potential", "temperature"):
        same &= np.isclose(series[name], series[name][-1], rtol=1e-9)
    same &= series["thickness"] >= _THINNEST * trajectory.width
    # Of the frames before the last that is not, none counts.
    start = int(np.flatnonzero(~same)[-1]) + 1 if (~same).any() else 0
    top = trajectory.fields["phi"][..., -1].reshape(len(trajectory), -1).max(axis=1)
    return [k for k in range(start, len(trajectory)) if top[k] < _BELOW_TOP]


def levels_of(trajectories: Sequence[Trajectory], room: float) -> int:
    """Return the nodes along the normal that hold every film with room above it."""
    return max(
        canvas_of(patch_of(one, grown_frames(one)[-1]), one.width, room).psi.shape[-1]
        for one in trajectories
        if grown_frames(one)
    )


def film_of(trajectory: Trajectory, levels: int) -> Film:
    """Return a trajectory on the network's grid.

    Raises:
        SurrogateError: too few frames belong to one drive and one set of grains.
    """
    frames = grown_frames(trajectory)
    if len(frames) < FEWEST:
        raise SurrogateError(
            f"a trajectory has fewer than {FEWEST} frames after its last seed under one potential; "
            "let it run longer"
        )
    canvases = tuple(
        canvas_of(patch_of(trajectory, k), trajectory.width, ROOM, levels=levels) for k in frames
    )
    series = trajectory.series
    conditions = Conditions(
        float(series["potential"][-1]), float(series["temperature"][-1]), trajectory.width,
        trajectory.parameters, trajectory.solids,
    )  # fmt: skip
    return Film(canvases, conditions, series["time"][frames])


def sample_of(film: Film, first: int, second: int, scales: Scales) -> Sample:
    """Return the pair of two frames."""
    before, after = film.canvases[first], film.canvases[second]
    advance = after.volume - before.volume
    base, shares = geometric_leap(before, advance)
    front, phi = front_of(after.psi), order(after.psi)
    new = np.where(before.psi > 0.0, 0.0, phi)
    target = np.concatenate([(after.psi - base)[None], after.shares - shares])
    return Sample(
        inputs=inputs_of(before, base, shares),
        conditions=scales.vector(film.conditions, advance),
        target=target.astype(np.float32),
        weights=np.stack([front / front.sum(), new / phi.sum()]).astype(np.float32),
        advance=advance,
    )


def partners(volumes: Array, advance: float, largest: float) -> list[tuple[int, int]]:
    """Return for each frame the one that is nearest to ``advance`` (in l) ahead, where one is.

    Frames of films for which that is too far a leap, see `LARGEST_PART`, have none.
    """
    pairs = []
    for first, volume in enumerate(volumes[:-1]):
        if advance > LARGEST_PART * volume:
            continue
        second = first + 1 + int(np.argmin(np.abs(volumes[first + 1 :] - volume - advance)))
        reached = volumes[second] - volume
        if abs(reached - advance) <= 0.3 * advance and reached <= largest:
            pairs.append((first, second))
    return pairs


def drawn_pairs(film: Film, largest: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return for each frame one ahead of it, by a random advance up to ``largest`` (in l).

    And up to `LARGEST_PART` of the film's thickness.
    """
    volumes, pairs = film.volumes, []
    for first in range(volumes.size - 1):
        ahead = volumes[first + 1 :] - volumes[first]
        inside = np.flatnonzero(ahead <= min(largest, LARGEST_PART * volumes[first]))
        if inside.size:
            pairs.append((first, first + 1 + int(rng.choice(inside))))
    return pairs


def turned(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a sample moved and mirrored along its periodic axes, which changes nothing."""
    fields = [sample.inputs, sample.target, sample.weights]
    for axis in range(1, sample.inputs.ndim - 1):
        shift, mirror = int(rng.integers(sample.inputs.shape[axis])), bool(rng.integers(2))
        fields = [np.roll(f, shift, axis) for f in fields]
        if mirror:
            fields = [np.flip(f, axis) for f in fields]
    inputs, target, weights = fields
    return Sample(inputs, sample.conditions, target, weights, sample.advance)
