"""A trained ensemble as a proposer of leaps. Needs the extra ``surrogate``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, maximum_filter

from interphase.models.surrogate.base import geometric_leap
from interphase.models.surrogate.canvas import (
    LATERAL,
    NORMAL,
    ROOM,
    SPACING,
    Array,
    Canvas,
    Sampler,
    canvas_of,
    limited,
    order,
    volume,
)
from interphase.models.surrogate.features import Scales, front_of, inputs_of, window
from interphase.models.surrogate.latent import Neighbourhood, pooled
from interphase.models.surrogate.network import SINGLE, UNet
from interphase.models.surrogate.pairs import LARGEST_PART
from interphase.models.surrogate.proposal import Conditions, Patch, Proposal
from interphase.parameters.errors import SurrogateError

# A front is finer resolved than this part of its width, or a patch is no film on a fine mesh.
_COARSEST = 1.0 / 3.0
# Displacements are smoothed over so many interface widths.
_BLUR = 0.5
# Shares are known to about this [-]; less is noise, and a trace of a solid that conducts electrons
# a million times better opens a compact layer.
_KNOWN = 0.02
# Columns compete within this distance beside the way of a leap [l].
_BESIDE = 1.0
# So far behind the front [l] phi stays as it is to the last bit.
_DEEP = 3.0


@dataclass(frozen=True)
class Leap:
    """What an ensemble says of a leap, on the network's grid.

    Attributes:
        psi: of the members, signed distance after the leap, in l, (members, grid).
        shares: after the leap, mean of the members, those of the film before it as they were,
            (solids, grid).
        distance: from the training films, in units of their 99th percentile [-].
    """

    psi: Array
    shares: Array
    distance: float


class Ensemble:
    """Networks that were fitted to the same films from different starts.

    Attributes:
        members: the networks.
        scales: of the conditions.
        neighbourhoods: of the training films among each member's features; empty before they are
            known.
    """

    def __init__(
        self,
        members: tuple[UNet, ...],
        scales: Scales,
        neighbourhoods: tuple[Neighbourhood, ...] = (),
    ) -> None:
        self.members, self.scales, self.neighbourhoods = members, scales, neighbourhoods
        self._run: Any = eqx.filter_jit(UNet.__call__)

    def raw(
        self, canvas: Canvas, base: tuple[Array, Array], conditions: Conditions, advance: float
    ) -> tuple[Array, list[Array]]:
        """Return every member's increments (members, 1 + solids, grid) and pooled features.

        Args:
            canvas: the film.
            base: psi and shares after the geometric leap.
            conditions: under which it grows.
            advance: mean advance, in interface widths.
        """
        inputs = inputs_of(canvas, *base)
        near = window(inputs)
        vector = jnp.asarray(self.scales.vector(conditions, advance), SINGLE)
        front = front_of(base[0])
        said, features = [], []
        for network in self.members:
            out, latent = self._run(network, jnp.asarray(inputs, SINGLE), vector)
            increments = np.asarray(out, dtype=float) * advance
            increments[0] *= near
            said.append(increments)
            features.append(pooled(np.asarray(latent, dtype=float), front))
        return np.stack(said), features

    def leap(self, canvas: Canvas, conditions: Conditions, advance: float) -> Leap:
        """Return the film after a mean advance of ``advance`` interface widths."""
        base = geometric_leap(canvas, advance)
        said, features = self.raw(canvas, base, conditions, advance)
        pairs = zip(self.neighbourhoods, features, strict=True)
        near = float(np.mean([area.distance(f) for area, f in pairs])) if self.neighbourhoods else 0
        excess = max(self.scales.excess(conditions), advance / (LARGEST_PART * canvas.volume))
        distance = max(near, excess if excess > 1.0 + 1e-9 else 0.0)
        ahead = _new(canvas, base[1], base[1] + said[:, 1:].mean(axis=0), advance)
        shares = np.where(canvas.psi > 0.0, canvas.shares, ahead)
        moved = base[0] + said[:, 0] - canvas.psi
        return Leap(
            canvas.psi + np.stack([_smooth(one, canvas) for one in moved]), shares, distance
        )


class NetworkProposer:
    """Leaps by a trained ensemble: the geometric leap, and what the networks add to it.

    Attributes:
        ensemble: the networks.
        phases: the solids that they know, in the order of the shares.
        dim: number of space dimensions that they are built for.
    """

    def __init__(self, ensemble: Ensemble, phases: tuple[str, ...], dim: int) -> None:
        self.ensemble, self.phases, self.dim = ensemble, phases, dim

    @property
    def largest_advance(self) -> float:
        """Largest mean advance of the training data, in interface widths."""
        return self.ensemble.scales.largest

    @property
    def smallest_patch(self) -> tuple[int, ...]:
        """Fewest nodes along each axis: those of the coarsest level, on the coarsest mesh."""
        return (*(2 * LATERAL,) * (self.dim - 1), NORMAL)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Ranges of the conditions of the training data; log10 for rows of the table."""
        return dict(self.ensemble.scales.ranges)

    def propose(self, patch: Patch, conditions: Conditions, advance: float) -> Proposal:
        """Return the film after a mean advance of ``advance`` interface widths.

        Raises:
            SurrogateError: the network was not built for such a patch, or the front stands still.
        """
        self._check(patch, conditions, advance)
        width = conditions.width
        canvas = canvas_of(patch, width, advance + ROOM)
        found = self.ensemble.leap(canvas, conditions, advance)
        gains = np.array([volume(psi, canvas.steps) for psi in found.psi]) - canvas.volume
        psi = found.psi.mean(axis=0)
        at = _back(patch, canvas, width)
        phi = _advanced(patch, at(psi), at(canvas.psi) > _DEEP, advance, width)
        # The film that was there stays as sharp as it is.
        new = np.stack([at(share) for share in found.shares])
        shares = np.where(patch.phi >= 0.5, patch.shares, limited(new))
        return Proposal(phi, shares, float(gains.std() / advance), found.distance)

    def _check(self, patch: Patch, conditions: Conditions, advance: float) -> None:
        """Refuse what the networks were not built for."""
        if conditions.phases != self.phases:
            raise SurrogateError(
                f"the network knows the solids {', '.join(self.phases)}, the film has "
                f"{', '.join(conditions.phases)}; train one on this model"
            )
        if patch.phi.ndim != self.dim:
            raise SurrogateError(
                f"the network is built for {self.dim} dimensions, the patch has {patch.phi.ndim}"
            )
        if any(n < least for n, least in zip(patch.phi.shape, self.smallest_patch, strict=True)):
            raise SurrogateError(
                f"the patch has {patch.phi.shape} nodes, the network needs {self.smallest_patch}; "
                "take a larger domain"
            )
        if max(patch.spacing) > _COARSEST * conditions.width:
            raise SurrogateError("the mesh is coarser than the network's grid of a third of l")
        if not 0.0 < advance <= self.largest_advance * (1.0 + 1e-9):
            raise SurrogateError(
                f"a leap by {advance:.3g} l is more than the {self.largest_advance:.3g} l of the "
                "training data"
            )


def _new(canvas: Canvas, base: Array, shares: Array, advance: float) -> Array:
    """Return the shares of new film: of solids that the front has where it can come from.

    Columns compete at their boundaries: beside one solid alone there is nothing to say, and no
    other appears, which is the solver's to decide.

    Args:
        canvas: the film before.
        base: shares after the geometric leap, (solids, grid).
        shares: as proposed, (solids, grid).
        advance: mean advance, in interface widths.
    """
    there = (canvas.shares > _KNOWN) & (canvas.psi <= 0.0)
    size = [1, *(2 * round((_BESIDE + advance) / step) + 1 for step in canvas.steps)]
    modes = ["nearest", *["wrap"] * (canvas.psi.ndim - 1), "nearest"]
    near = maximum_filter(there, size, mode=modes)
    found = limited(np.where(near & (shares > _KNOWN), shares, 0.0))
    # What is left out goes to the others: the porosity is that of the columns.
    total, whole = found.sum(axis=0), limited(shares).sum(axis=0)
    found = found * np.where(total > 0.0, whole / np.maximum(total, 1e-300), 0.0)
    competing = (near.sum(axis=0) > 1) & (total > 0.0)
    return np.asarray(np.where(competing, found, base))


def _smooth(displacement: Array, canvas: Canvas) -> Array:
    """Return the displacement of a front without what varies within its own width, (grid).

    A diffuse front cannot: what single points of it say is the staircase of the mesh.
    """
    sigma = [_BLUR / step for step in canvas.steps]
    modes = ["wrap"] * (displacement.ndim - 1) + ["mirror"]
    return np.asarray(gaussian_filter(displacement, sigma, mode=modes))


def _back(patch: Patch, canvas: Canvas, width: float) -> Sampler:
    """Return the interpolation from the network's grid to the patch's."""
    axes = [np.arange(n) * (h / width) for n, h in zip(patch.phi.shape, patch.spacing, strict=True)]
    return Sampler(axes, canvas.steps, canvas.psi.shape)


def _advanced(
    patch: Patch, psi: Array, deep: npt.NDArray[np.bool_], advance: float, width: float
) -> Array:
    """Return phi of the profile at ``psi`` [l], nowhere less, with the volume asked for.

    Args:
        patch: the film before.
        psi: signed distance after the leap, (grid).
        deep: where the film is to stay as it is: what closes there opens it to electrons, (grid).
        advance: mean advance, in interface widths.
        width: interface width l [m].
    """
    wanted = patch.thickness(patch.phi) + advance * width
    low, high = -SPACING - 0.5 * advance, SPACING + 0.5 * advance
    phi = patch.phi
    for _ in range(12):
        shift = 0.5 * (low + high)
        phi = np.where(deep, patch.phi, np.maximum(patch.phi, order(psi + shift)))
        if patch.thickness(phi) < wanted:
            low = shift
        else:
            high = shift
    return phi
