"""The leap that needs no network: the front goes on along its normal at the speed it has.

Speeds travel with the front, which moves by small parts of the way, so that what grows overgrows
what rests beside it; deviations of the speed fade as the diffusion of its feed makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt, gaussian_filter

from interphase.models.analytic import levelling
from interphase.models.interpolation import profile, signed_distance
from interphase.models.surrogate.proposal import Array, Conditions, Patch, Proposal
from interphase.parameters.errors import ParameterError

type Marks = npt.NDArray[np.bool_]
type Places = tuple[npt.NDArray[np.intp], ...]

# The profile's tail is cut off here, in interface widths.
_TAIL = 3.0
# Speeds are means over nodes so near to the front, in interface widths.
_NEAR = 0.5
# The fastest part of the front goes so far at once, in interface widths.
_PART = 0.2
_MOST_PARTS = 64
# A leap's levelling is followed in so many parts.
_LEVELS = 20
# The gain of volume is met to this part of it.
_MET, _TRIES = 1.0e-6, 30


@dataclass(frozen=True, slots=True)
class GeometricProposer:
    """Shifts the distance to the front by its speed and carries the shares outward.

    What it leaves out: that the speed changes on the way but for its levelling, that a front which
    overgrows another feeds on it, and whatever happens behind the front.

    Attributes:
        largest_advance: largest mean advance that may be asked for, in interface widths [-].
    """

    largest_advance: float = 2.0

    @property
    def smallest_patch(self) -> tuple[int, ...]:
        """Return that any patch will do."""
        return ()

    def propose(self, patch: Patch, conditions: Conditions, advance: float) -> Proposal:
        """Return the film after a mean advance of ``advance`` interface widths; see `Proposer`.

        Raises:
            ParameterError: the front does not advance.
        """
        width = conditions.width
        distance = signed_distance(patch.phi, width)
        speed = _smooth(patch, distance, width)
        near = np.abs(distance) <= _NEAR * width
        mean = float(speed[near].mean()) if near.any() else 0.0
        if not mean > 0.0:
            raise ParameterError("the front does not advance: there is nothing to leap along")
        speed = speed * _levelling(patch, speed, near, advance * width)[..., None]
        parts = int(np.ceil(advance * float(speed[near].max()) / mean / _PART))
        parts = min(max(parts, 1), _MOST_PARTS)
        film = patch
        for _ in range(parts):
            film, speed = self._onward(film, speed, conditions, advance / parts)
        if conditions.deposit is not None:
            return Proposal(film.phi, _mixed(patch, film.phi, np.array(conditions.deposit)))
        return Proposal(film.phi, film.shares)

    def _onward(
        self, patch: Patch, speed: Array, conditions: Conditions, advance: float
    ) -> tuple[Patch, Array]:
        """Return the film after a part of the way, and the speeds that its front takes along."""
        width = conditions.width
        reach = (_TAIL + 2.0 * advance) * width
        distance = signed_distance(patch.phi, width)
        edge = _edge(patch)
        # Of two nodes beside the front the nearer one: with both, its flanks would move apart.
        nearer = edge & (np.abs(distance) <= 0.55 * max(patch.spacing))
        edge = nearer if nearer.any() else edge
        nearest, way = _nearest(patch, edge, reach)
        speed = np.maximum(speed[nearest], 0.0)
        # A tail that rests does not know how near the front has come.
        distance = np.clip(distance, distance[nearest] - way, distance[nearest] + way)
        # Where phi is 0 to round-off it says nothing, and would come nearer with every leap.
        distance = np.where(distance < -_TAIL * width, distance[nearest] - way, distance)
        phi = _grown(patch, distance, speed, width, advance * width)
        solid = patch.phi >= 0.5
        behind, _ = _nearest(patch, solid, reach)
        shares = np.where(solid, patch.shares, np.stack([share[behind] for share in patch.shares]))
        return replace(patch, phi=phi, shares=shares), speed


def _grown(patch: Patch, distance: Array, speed: Array, width: float, gain: float) -> Array:
    """Return phi, (grid), after the front has gained the mean thickness ``gain`` [m]."""
    start = patch.thickness(patch.phi)
    # Secant steps for the time: the gain is nearly linear in it.
    time, phi = gain / float(speed[np.abs(distance) <= width].mean()), patch.phi
    for _ in range(_TRIES):
        phi = np.maximum(profile(-(distance + speed * time), width), patch.phi)
        # As in a step, film that the front has left behind rests.
        phi = np.where(distance > _TAIL * width, patch.phi, phi)
        gained = patch.thickness(phi) - start
        if abs(gained - gain) <= _MET * gain:
            return phi
        time *= min(max(gain / max(gained, 0.1 * gain), 0.2), 5.0)
    return phi


def _smooth(patch: Patch, distance: Array, width: float) -> Array:
    """Return the speed [m/s], (grid), as a mean over the front's neighbourhood.

    A diffuse front has no speeds that differ within its width; those of single nodes do, by the
    staircase of the grid, and a leap would make steps of them in the front.
    """
    near = (np.abs(distance) <= _NEAR * width).astype(np.float64)
    sigma = [_NEAR * width / h for h in patch.spacing]
    modes = ["wrap" if closed else "mirror" for closed in (*patch.periodic, False)]
    total, weight = (
        gaussian_filter(values, sigma, mode=modes) for values in (near * patch.speed, near)
    )
    return np.asarray(total / np.maximum(weight, 1e-300))


def _levelling(patch: Patch, speed: Array, near: Marks, advance: float) -> Array:
    """Return a column's mean speed over a leap as a part of that at its start [-], (lateral).

    Where the front is ahead, its feed has a longer way through the film, so a wave of its height
    decays (`models.analytic.levelling`). How much a speed v answers to a height is in proportion
    to it: d ln v/dA = -Lambda (v - mean)/mean, with Lambda = K/(1 + K M) for each wave; what rests
    rests. Speeds of the start that are kept over a whole leap A make waves shorter than pi A grow
    from leap to leap where M is small. M follows from the carrier's activity w at the front over
    that at the electrode: L w/(1 - w), L the film above where carriers are held.

    Args:
        patch: the film.
        speed: of the front [m/s], (grid).
        near: nodes at the front, (grid).
        advance: mean, over the leap [m].
    """
    lateral = patch.phi.shape[:-1]
    held = np.all(patch.carrier >= 1.0 - 1e-12, axis=tuple(range(len(lateral)))).sum() - 1
    thickness = patch.thickness(patch.phi) - held * patch.spacing[-1]
    activity = float(patch.carrier[near].mean())
    if not (lateral and thickness > 0.0 and activity < 1.0 - 1e-6):
        return np.ones(lateral)
    length = thickness * max(activity, 0.0) / (1.0 - activity)
    weight = near.sum(axis=-1)
    sums = np.where(near, speed, 0.0).sum(axis=-1)
    start = np.where(weight > 0, sums / np.maximum(weight, 1), sums.sum() / weight.sum())
    waves = []
    for axis, (closed, h) in enumerate(zip(patch.periodic, patch.spacing[:-1], strict=True)):
        # A mirror stands in the first and in the last node.
        if not closed:
            inner = np.take(start, range(start.shape[axis] - 2, 0, -1), axis)
            start = np.concatenate([start, inner], axis=axis)
        waves.append(2.0 * np.pi * np.fft.fftfreq(start.shape[axis], h))
    k = np.linalg.norm(np.stack(np.meshgrid(*waves, indexing="ij")), axis=0)
    now, total = start, np.zeros_like(start)
    for n in range(_LEVELS):
        rate = levelling(k, thickness + advance * (n + 0.5) / _LEVELS, length)
        change = np.where(k > 0.0, np.expm1(-rate * advance / _LEVELS), 0.0)
        other = np.fft.ifftn(change * np.fft.fftn(now)).real / now.mean()
        total += 0.5 * now * (1.0 + np.exp(other)) / _LEVELS
        now = now * np.exp(other)
    part = np.where(start > 0.0, total / np.where(start > 0.0, start, 1.0), 1.0)
    return np.asarray(part[tuple(slice(n) for n in lateral)])


def _mixed(patch: Patch, phi: Array, deposit: Array) -> Array:
    """Return the shares, (solids, grid), with what was gained made of ``deposit`` (solids,)."""
    part = np.where(phi > 0.0, (phi - patch.phi) / np.maximum(phi, 1e-300), 0.0)
    new = deposit.reshape(-1, *[1] * phi.ndim)
    return np.asarray(patch.shares + part * (new - patch.shares))


def _edge(patch: Patch) -> Marks:
    """Return the nodes beside phi = 1/2, (grid)."""
    inside = patch.phi > 0.5
    marks = np.zeros_like(inside)
    for axis in range(inside.ndim):
        closed = axis < len(patch.periodic) and patch.periodic[axis]
        ahead = np.roll(inside, -1, axis) != inside
        if not closed:
            np.moveaxis(ahead, axis, 0)[-1] = False
        marks |= ahead | np.roll(ahead, 1, axis)
    return marks


def _nearest(patch: Patch, marks: Marks, reach: float) -> tuple[Places, Array]:
    """Return the place of the marked node nearest to every node, and its distance [m], (grid).

    Args:
        patch: gives spacing and periods.
        marks: at least one node, (grid).
        reach: how far across a periodic side is looked [m].
    """
    shape = marks.shape
    pads = [
        min(int(np.ceil(reach / h)), n) if closed else 0
        for n, h, closed in zip(shape, patch.spacing, (*patch.periodic, False), strict=True)
    ]
    padded = np.pad(marks, [(p, p) for p in pads], mode="wrap")
    way, places = distance_transform_edt(
        ~padded, sampling=patch.spacing, return_indices=True
    )  # fmt: skip
    middle = tuple(slice(p, p + n) for p, n in zip(pads, shape, strict=True))
    found = tuple(
        (row[middle] - p) % n for row, p, n in zip(places, pads, shape, strict=True)
    )  # fmt: skip
    return found, np.asarray(way[middle])
