"""A film on the network's own grid: coarser than the mesh, with the signed distance as its field.

The signed distance and the shares are smooth on the scale of the interface width l, so a third of
l resolves them, on whatever mesh the film grows. What is carried ahead of the front (speed and
shares) is taken from the nearest point of the front, so distance, speed and shares are known as far
from it as a leap goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.proposal import Patch
from interphase.parameters.errors import SurrogateError

type Array = npt.NDArray[np.float64]

SPACING: Final = 1.0 / 3.0
"""Spacing of the grid, in interface widths."""
LATERAL: Final = 4
"""The number of lateral nodes is a multiple of this (two levels of the network below the first)."""
NORMAL: Final = 16
"""As for the normal; more, so that few shapes occur: each is compiled once."""
ROOM: Final = 3.0
"""Room above a front, in interface widths."""

# Within the inner distance [l] the profile gives the distance, beyond the outer the nearest point.
_PROFILE = (1.0, 1.5)
# The profile's distance is cut here [l], where phi is 1e-3 from rest.
_CUT = 1.7
# No part of a front is taken to be faster than this many times the mean.
_FASTEST = 4.0


@dataclass(frozen=True)
class Canvas:
    """Fields on the network's grid; lateral axes periodic, the normal last from the electrode up.

    Attributes:
        psi: signed distance, positive in the film, in interface widths, (grid).
        shares: of the solids; those of the nearest point of the front ahead of it, (solids, grid).
        pace: speed of the nearest point of the front over the mean rise of the film [-], (grid).
        carrier: log10 of the carrier's activity over its mean at the front [-], (grid).
        steps: spacing of the grid, in interface widths, per axis.
    """

    psi: Array
    shares: Array
    pace: Array
    carrier: Array
    steps: tuple[float, ...]

    @cached_property
    def volume(self) -> float:
        """Volume of the film per lateral area, in interface widths."""
        return volume(self.psi, self.steps)


def limited(shares: Array) -> Array:
    """Return shares between 0 and 1 whose sum is at most 1."""
    shares = np.clip(shares, 0.0, 1.0)
    return np.asarray(shares / np.maximum(shares.sum(axis=0), 1.0))


def order(psi: Array) -> Array:
    """Return phi at a signed distance (positive in the film) in interface widths."""
    return np.asarray(0.5 * (1.0 + np.tanh(2.0 * psi)))


def volume(psi: Array, steps: tuple[float, ...]) -> float:
    """Return the volume of the film per lateral area, in interface widths."""
    column = order(psi).mean(axis=tuple(range(psi.ndim - 1)))
    return float((column.sum() - 0.5 * (column[0] + column[-1])) * steps[-1])


def canvas_of(patch: Patch, width: float, room: float, *, levels: int = 0) -> Canvas:
    """Return a film on the network's grid.

    Args:
        patch: the film.
        width: interface width l [m].
        room: height above the front's highest point, in interface widths.
        levels: nodes along the normal at least.

    Raises:
        SurrogateError: the film has no front, or none that moves.
    """
    patch = unfolded(patch)
    psi = np.clip(signed_distance(patch.phi, width) / width, -_CUT, _CUT)
    h = tuple(step / width for step in patch.spacing)
    front = _front(psi, patch, h)
    top = float(front.places[:, -1].max()) + room
    axes = axes_of(patch.phi.shape, h, max(top, (levels - 1) * SPACING))
    at = Sampler(axes, h, patch.phi.shape)
    # Above the patch is liquid.
    near = np.where(at.beyond, -_CUT, at(psi))
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    distance, index = front.tree.query(nodes.reshape(-1, nodes.shape[-1]))
    distance, index = distance.reshape(near.shape), index.reshape(near.shape)
    inner, outer = _PROFILE
    part = np.clip((outer - distance) / (outer - inner), 0.0, 1.0)
    signed = part * near + (1.0 - part) * np.sign(near) * distance
    level = np.log10(np.maximum(patch.carrier, 1e-12))
    ahead = np.asarray(front.shares[:, index])
    inside = (signed > 0.0)[None]
    return Canvas(
        psi=signed,
        shares=np.where(inside, np.stack([at(q) for q in patch.shares]), ahead),
        pace=np.clip(front.speed / front.rise, 0.0, _FASTEST)[index],
        carrier=at(level) - float(front.level.mean()),
        steps=tuple(float(axis[1] - axis[0]) for axis in axes),
    )


def unfolded(patch: Patch) -> Patch:
    """Return a patch whose lateral axes are periodic: mirrors become a film and its image."""
    fields = [patch.phi, patch.carrier, patch.speed, patch.shares]
    for axis, closed in enumerate(patch.periodic):
        if not closed:
            fields = [_mirrored(f, axis - patch.phi.ndim) for f in fields]
    phi, carrier, speed, shares = fields
    every = (True,) * len(patch.periodic)
    return Patch(phi, shares, carrier, speed, patch.spacing, every)


def _mirrored(values: Array, axis: int) -> Array:
    inner = np.flip(values, axis)[
        tuple(slice(1, -1) if k == axis % values.ndim else slice(None) for k in range(values.ndim))
    ]
    return np.concatenate([values, inner], axis=axis)


def axes_of(shape: tuple[int, ...], h: tuple[float, ...], top: float) -> list[Array]:
    """Return the positions of the network's nodes along each axis, in interface widths."""
    axes: list[Array] = []
    for count, step in zip(shape[:-1], h[:-1], strict=True):
        length = count * step
        nodes = max(LATERAL * round(length / (LATERAL * SPACING)), 2 * LATERAL)
        axes.append(np.asarray(np.arange(nodes) * (length / nodes), dtype=float))
    levels = NORMAL * int(np.ceil((top / SPACING + 1.0 - 1e-9) / NORMAL))
    axes.append(np.asarray(np.arange(levels) * SPACING, dtype=float))
    return axes


class Sampler:
    """Linear interpolation from a uniform grid, lateral axes periodic, to a product of axes.

    Attributes:
        beyond: which nodes lie above the grid; they get its uppermost values.
    """

    def __init__(self, axes: list[Array], h: tuple[float, ...], shape: tuple[int, ...]) -> None:
        """Prepare; ``axes`` and the grid's spacing ``h`` in the same unit."""
        self._lower, self._upper, self._part = [], [], []
        last = len(axes) - 1
        for k, (axis, step, count) in enumerate(zip(axes, h, shape, strict=True)):
            place = axis / step
            low = np.floor(place + 1e-9).astype(np.int64)
            part = np.clip(place - low, 0.0, 1.0)
            if k == last:
                part = np.where(low >= count - 1, 0.0, part)
                low = np.minimum(low, count - 1)
                high = np.minimum(low + 1, count - 1)
            else:
                low, high = low % count, (low + 1) % count
            self._lower.append(low)
            self._upper.append(high)
            self._part.append(part)
        above = axes[-1] > (shape[-1] - 1) * h[-1] * (1.0 + 1e-9)
        self.beyond = np.broadcast_to(above, tuple(axis.size for axis in axes))

    def __call__(self, values: Array) -> Array:
        """Return the values at the nodes."""
        for k, (low, high, part) in enumerate(
            zip(self._lower, self._upper, self._part, strict=True)
        ):
            weight = part.reshape([-1 if axis == k else 1 for axis in range(values.ndim)])
            values = values.take(low, k) * (1.0 - weight) + values.take(high, k) * weight
        return values


@dataclass(frozen=True)
class _Front:
    """Points of a front, where the grid's lines cross it.

    Attributes:
        places: in interface widths, (points, dim).
        speed: [m/s], (points,).
        shares: (solids, points).
        level: log10 of the carrier's activity, (points,).
        rise: mean rise of the film [m/s].
        tree: of the places.
    """

    places: Array
    speed: Array
    shares: Array
    level: Array
    rise: float
    tree: cKDTree


def _front(psi: Array, patch: Patch, h: tuple[float, ...]) -> _Front:
    level = np.log10(np.maximum(patch.carrier, 1e-12))
    fields = np.stack([patch.speed, level, *patch.shares])
    index = np.stack(list(np.indices(psi.shape)), axis=-1).astype(float)
    places, values = [], []
    for axis in range(psi.ndim):
        other, there = np.roll(psi, -1, axis), np.roll(fields, -1, axis + 1)
        crossing = (psi > 0.0) != (other > 0.0)
        if axis == psi.ndim - 1:
            crossing[..., -1] = False
        part = psi[crossing] / (psi[crossing] - other[crossing])
        place = index[crossing]
        place[:, axis] += part
        places.append(place * np.array(h))
        values.append(fields[:, crossing] * (1.0 - part) + there[:, crossing] * part)
    points, found = np.concatenate(places), np.concatenate(values, axis=1)
    if points.shape[0] == 0:
        raise SurrogateError("the film has no front to move; let the physics start it")
    box = [n * step for n, step in zip(psi.shape[:-1], h[:-1], strict=True)]
    points[:, :-1] %= np.array(box)
    density = 4.0 * patch.phi * (1.0 - patch.phi)
    rise = float((density * patch.speed).mean() * psi.shape[-1] * h[-1])
    if not rise > 0.0:
        raise SurrogateError("the film's front does not move; a physical step must come first")
    tree = cKDTree(points, boxsize=[*box, 0.0])
    return _Front(points, found[0], found[2:], found[1], rise, tree)
