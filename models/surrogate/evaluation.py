"""How well leaps are proposed: errors of held-out films, and bounds that hold by construction.

What reactions do inside the film is solved in a leap, not proposed: it is that of the reference
here, whoever proposes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from interphase.models.surrogate.base import geometric_leap
from interphase.models.surrogate.canvas import (
    ROOM,
    Array,
    Canvas,
    canvas_of,
    limited,
    order,
    volume,
)
from interphase.models.surrogate.features import front_of
from interphase.models.surrogate.leaper import Ensemble
from interphase.models.surrogate.pairs import LARGEST_PART, Film, partners
from interphase.models.surrogate.proposal import Conditions, Patch

type Way = Callable[[Canvas, Conditions, float], tuple[Array, Array]]
"""Returns psi [l] and the shares after an advance."""

ADVANCES: Final = (0.5, 1.0, 2.0, 4.0)
"""Advances that are looked at, in interface widths."""

# The end is met to this part of an interface width.
_MET = 0.02


def persistent(canvas: Canvas, conditions: Conditions, advance: float) -> tuple[Array, Array]:
    """Return the film as it is: the least that can be said."""
    return canvas.psi, canvas.shares


def geometric(canvas: Canvas, conditions: Conditions, advance: float) -> tuple[Array, Array]:
    """Return the geometric leap, which is also what a network adds to."""
    return geometric_leap(canvas, advance)


def learnt(ensemble: Ensemble) -> Way:
    """Return the way of an ensemble."""

    def way(canvas: Canvas, conditions: Conditions, advance: float) -> tuple[Array, Array]:
        found = ensemble.leap(canvas, conditions, advance)
        return found.psi.mean(axis=0), found.shares

    return way


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one leap.

    Attributes:
        advance: of the leap, in interface widths.
        thickness: error of the film's volume, relative to it [-].
        front: root mean square distance of the front from the true one, in interface widths.
        fractions: error of each solid's part of the film's volume [-], (solids,).
        correlation: root mean square error of the lateral two-point correlations of the solids over
            the root mean square of the true ones [-].
    """

    advance: float
    thickness: float
    front: float
    fractions: Array
    correlation: float


def errors_of(psi: Array, shares: Array, truth: Canvas, advance: float) -> Errors:
    """Return the errors of a film that should be ``truth``."""
    front = front_of(truth.psi)
    difference = fractions(psi, shares) - fractions(truth.psi, truth.shares)
    mine, true = correlations(psi, shares), correlations(truth.psi, truth.shares)
    return Errors(
        advance=advance,
        thickness=volume(psi, truth.steps) / truth.volume - 1.0,
        front=float(np.sqrt((front * (psi - truth.psi) ** 2).sum() / front.sum())),
        fractions=difference,
        correlation=float(np.sqrt(((mine - true) ** 2).sum() / (true**2).sum())),
    )


def fractions(psi: Array, shares: Array) -> Array:
    """Return each solid's part of the film's volume [-], (solids,)."""
    film = order(psi)
    return np.asarray((shares * film).reshape(shares.shape[0], -1).sum(axis=1) / film.sum())


def correlations(psi: Array, shares: Array) -> Array:
    """Return the two-point correlation of each solid along the lateral axes, (solids, lateral).

    The probability that both ends of a segment along the film lie in the solid, per area of film;
    in one dimension there is but its mean square.
    """
    field = shares * order(psi)
    axes = tuple(range(1, field.ndim - 1))
    if not axes:
        return np.asarray((field**2).sum(axis=-1, keepdims=True))
    spectrum = np.abs(np.fft.fftn(field, axes=axes)) ** 2
    return np.asarray(np.fft.ifftn(spectrum.sum(axis=-1), axes=axes).real)


def single_leaps(way: Way, film: Film, advances: Sequence[float], largest: float) -> list[Errors]:
    """Return the errors of every leap between two frames of a film by about those advances."""
    found = []
    for wanted in advances:
        for first, second in partners(film.volumes, wanted, largest):
            before, after = film.canvases[first], film.canvases[second]
            advance = after.volume - before.volume
            psi, shares = way(before, film.conditions, advance)
            shares = np.where(before.psi > 0.0, after.shares, shares)
            found.append(errors_of(psi, shares, after, advance))
    return found


def successive(way: Way, film: Film, advance: float) -> Errors:
    """Return the errors at the end of a film that is leapt over from its first frame.

    Leaps are by ``advance`` interface widths, of thin films by less, see `LARGEST_PART`.

    Speed of the front and carriers, which a run solves for between leaps, are those of the frame
    that is nearest in thickness; so is the change of the shares where both are film.
    """
    canvas, volumes = film.canvases[0], film.volumes
    last = canvas
    while (left := volumes[-1] - canvas.volume) > _MET:
        stride = min(advance, LARGEST_PART * canvas.volume, left)
        near = film.canvases[int(np.argmin(np.abs(volumes - canvas.volume - stride)))]
        psi, shares = way(canvas, film.conditions, stride)
        both = (canvas.psi > 0.0) & (last.psi > 0.0)
        shares = limited(shares + np.where(both, near.shares - last.shares, 0.0))
        last = near
        if volume(psi, canvas.steps) < canvas.volume + 0.5 * stride:
            # A way that does not move the front has no end.
            canvas = replace(canvas, psi=psi, shares=shares)
            break
        canvas = canvas_again(psi, shares, near)
    return errors_of(canvas.psi, canvas.shares, film.canvases[-1], float(volumes[-1] - volumes[0]))


def canvas_again(psi: Array, shares: Array, near: Canvas) -> Canvas:
    """Return a canvas of a film whose slow fields are those of another."""
    patch = Patch(
        order(psi), shares, 10.0**near.carrier,
        np.where(np.abs(psi) < 1.5, near.pace, 0.0), near.steps, (True,) * (psi.ndim - 1),
    )  # fmt: skip
    again = canvas_of(patch, 1.0, ROOM, levels=psi.shape[-1])
    return again if again.psi.shape == psi.shape else _cut(again, psi.shape[-1])


def _cut(canvas: Canvas, levels: int) -> Canvas:
    fields = {
        name: getattr(canvas, name)[..., :levels] for name in ("psi", "shares", "pace", "carrier")
    }
    return replace(canvas, **fields)


def scores(leaps: Sequence[Errors], names: Sequence[str]) -> Mapping[str, float]:
    """Return the largest errors of a film's leaps per advance by an interface width, by name."""
    worst = {"front": max(e.front / e.advance for e in leaps)}
    for k, name in enumerate(names):
        worst[name] = max(abs(float(e.fractions[k])) / e.advance for e in leaps)
    return worst


def conformal(calibration: Sequence[Mapping[str, float]], level: float) -> dict[str, float]:
    """Return bounds that a new film keeps in all its leaps with at least the probability ``level``.

    Films count as wholes, since leaps of one film are alike; a bound that so few films do not give
    is infinite.

    Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, Springer (2005), sec.
    2.2; Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018), for the split form.

    Args:
        calibration: largest errors of each film that was not used in the fit, by name.
        level: probability [-].
    """
    rank = int(np.ceil(level * (len(calibration) + 1)))
    bounds = {}
    for name in calibration[0] if calibration else ():
        ordered = sorted(one[name] for one in calibration)
        bounds[name] = ordered[rank - 1] if rank <= len(ordered) else np.inf
    return bounds
