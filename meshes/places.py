"""Clusters of cells that share one local model, and who computes which; positions alone decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

# Positions that differ by less than this part of the extent are the same: bisection must not turn
# on the rounding of a centroid.
_SAME = 1.0e-9


def make_places(
    position: Floats,
    volume: Floats,
    places: int | Sequence[int],
    extents: Iterable[tuple[float, float]],
) -> Ints:
    """Return the place of each cell, (cells,).

    Args:
        position: of the cells' centres, (cells, 3).
        volume: of the cells [m3], (cells,).
        places: how many, found by bisection, or how many along each axis.
        extents: low and high end of each axis, for a grid of places.

    Raises:
        MeshError: a place would have no cell.
    """
    if isinstance(places, int):
        return bisected_places(position, volume, places)
    return grid_places(position, places, extents)


def grid_places(
    position: Floats, counts: Sequence[int], extents: Iterable[tuple[float, float]]
) -> Ints:
    """Return the place of each cell on a regular grid, (cells,).

    Raises:
        MeshError: a place would have no cell.
    """
    index = np.zeros(len(position), dtype=np.int64)
    for axis, (count, (low, high)) in enumerate(zip(counts, extents, strict=True)):
        along = (position[:, axis] - low) / (high - low) * count
        index = index * count + np.clip(along.astype(np.int64), 0, count - 1)
    total = int(np.prod(counts))
    empty = total - np.unique(index).size
    if empty:
        raise MeshError(
            f"geometry.places: {empty} of {total} places have no cell; write fewer places or more "
            "cells"
        )
    return index


def bisected_places(position: Floats, volume: Floats, count: int) -> Ints:
    """Return the place of each cell by cutting the longest axis again and again, (cells,).

    Args:
        position: of the cells' centres [m], (cells, 3).
        volume: of the cells [m3], (cells,).
        count: how many places of nearly the same volume.

    Raises:
        MeshError: there are fewer cells than places.
    """
    if count > len(position):
        raise MeshError(
            f"geometry.places: {count} places, but only {len(position)} cells; write fewer places "
            "or smaller cells"
        )
    place = np.empty(len(position), dtype=np.int64)
    _bisect(position, volume, np.arange(len(position)), count, 0, place)
    return place


def rank_of_places(position: Floats, ranks: int) -> Ints:
    """Return the rank of each place, as many to each as can be, (places,)."""
    return bisected_places(position, np.ones(len(position)), ranks)


def _bisect(
    position: Floats, weight: Floats, chosen: Ints, count: int, first: int, place: Ints
) -> None:
    if count == 1:
        place[chosen] = first
        return
    here = position[chosen]
    extent = np.ptp(here, axis=0)
    axis = int(np.argmax(np.round(extent / extent.max(initial=1e-300), 9)))
    scale = max(float(extent[axis]), 1e-300)
    # ties are broken by the other axes, in order
    keys = [np.round(here[:, a] / scale / _SAME) for a in (*range(3), axis)]
    order = chosen[np.lexsort(keys)]
    left = count // 2
    passed = np.cumsum(weight[order])
    cut = int(np.searchsorted(passed, passed[-1] * left / count * (1.0 + _SAME), side="right"))
    # each part keeps a cell for every place
    cut = min(max(cut, left), len(order) - (count - left))
    _bisect(position, weight, order[:cut], left, first, place)
    _bisect(position, weight, order[cut:], count - left, first + left, place)
