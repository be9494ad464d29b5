"""The geometric leap on the network's grid: what the network adds to."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.canvas import Array, Canvas, Sampler, order
from interphase.models.surrogate.geometric import GeometricProposer
from interphase.models.surrogate.proposal import Conditions, Patch

# Speeds are known so near to the front, in interface widths, as those of a patch of the mesh.
_NEAR = 1.5
# Lengths are in interface widths; the geometric leap asks for nothing else.
_ANY = Conditions(potential=0.0, temperature=0.0, width=1.0)


def geometric_leap(canvas: Canvas, advance: float) -> tuple[Array, Array]:
    """Return psi in interface widths, (grid), and the shares, (solids, grid), after an advance.

    Made on a grid twice as fine, where it differs little from that on the mesh.

    Args:
        canvas: the film before.
        advance: mean advance, in interface widths.
    """
    proposal = GeometricProposer(advance).propose(_refined(canvas), _ANY, advance)
    coarse: tuple[Any, ...] = (..., *(slice(None, None, 2),) * canvas.psi.ndim)
    return signed_distance(proposal.phi, 1.0)[coarse], proposal.shares[coarse]


def _refined(canvas: Canvas) -> Patch:
    """Return a film as a patch on a grid twice as fine."""
    *lateral, levels = canvas.psi.shape
    steps = tuple(0.5 * h for h in canvas.steps)
    counts = [*(2 * n for n in lateral), 2 * levels - 1]
    axes = [np.arange(n) * h for n, h in zip(counts, steps, strict=True)]
    at = Sampler(axes, canvas.steps, canvas.psi.shape)
    psi = at(canvas.psi)
    # At the electrode the activity is one.
    level = at(canvas.carrier) - canvas.carrier[..., 0].mean()
    speed = np.where(np.abs(psi) <= _NEAR, at(canvas.pace), 0.0)
    shares = np.stack([at(share) for share in canvas.shares])
    return Patch(order(psi), shares, 10.0**level, speed, steps, (True,) * len(lateral))
