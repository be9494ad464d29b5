"""Places that are alike share a film: how they are grouped, and what the group sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from interphase.solvers.cell_types import Segment
from interphase.solvers.film_group import Places
from interphase.solvers.p3d.places import Array

type Labels = NDArray[np.intp]

# Features are compared to this part of their scale, so that round-off, which depends on the number
# of ranks, moves no place from one cluster to another.
_GRAIN: Final = 1.0e-3


def cluster(features: Array, scales: Array, most: int) -> Labels:
    """Group places until those of a group differ by less than the scales, or there are enough.

    The widest group is cut in two, again and again, near the middle of its widest feature and there
    at the largest gap. The result depends on the features only.

    Args:
        features: of the places, in the order of their numbers, (places, features).
        scales: how much places of one group may differ, (features,).
        most: number of groups at most.

    Returns:
        The group of each place, (places,); groups are numbered by their first place.
    """
    grains = np.round(features / (scales * _GRAIN))
    labels = np.zeros(features.shape[0], dtype=np.intp)
    for new in range(1, most):
        spans = np.array([np.ptp(grains[labels == g], axis=0) for g in range(new)])
        widest, feature = np.unravel_index(int(np.argmax(spans)), spans.shape)
        if spans[widest, feature] * _GRAIN <= 1.0:
            break
        values = grains[:, feature]
        labels[(labels == widest) & (values > _cut(values[labels == widest]))] = new
    _, first = np.unique(labels, return_index=True)
    rank = np.argsort(np.argsort(first))
    return np.asarray(rank[labels], dtype=np.intp)


def _cut(values: Array) -> float:
    """Return where to cut values in two: at the largest gap of the middle half of their range."""
    levels = np.unique(values)
    middles, gaps = 0.5 * (levels[1:] + levels[:-1]), np.diff(levels)
    away = np.abs(middles - 0.5 * (levels[0] + levels[-1])) / (levels[-1] - levels[0])
    inner = away <= max(0.25, float(away.min()))
    return float(middles[inner][np.argmax(gaps[inner])])


@dataclass(frozen=True)
class Clusters:
    """Groups of places. Collective on ``comm`` where it says so.

    Attributes:
        comm: the ranks that own the places.
        labels: cluster of each place of this rank, (n,).
        area: electrode-pair area that each place of this rank stands for [m2], (n,).
        total: the same of each cluster [m2], (clusters,).
        temperature: at which the film of each cluster is asked [K], (clusters,).
    """

    comm: MPI.Comm
    labels: Labels
    area: Array
    total: Array
    temperature: Array

    @classmethod
    def of(
        cls,
        comm: MPI.Comm,
        numbers: Labels,
        area: Array,
        features: Array,
        scales: Array,
        most: int,
    ) -> Self:
        """Group the places of all ranks. Collective.

        Args:
            comm: the ranks.
            numbers: global numbers of this rank's places, (n,).
            area: [m2], (n,).
            features: of this rank's places, the temperature [K] first, (n, features).
            scales: see `cluster`.
            most: see `cluster`.
        """
        every = np.concatenate(comm.allgather(numbers))
        order = np.argsort(every)
        gathered = np.concatenate(comm.allgather(features))[order]
        areas = np.concatenate(comm.allgather(area))[order]
        labels = cluster(gathered, scales, most)
        total = np.bincount(labels, areas)
        warmth = np.bincount(labels, areas * gathered[:, 0]) / total
        own = labels[np.searchsorted(every[order], numbers)]
        return cls(comm, own, area, total, warmth)

    @classmethod
    def given(
        cls, comm: MPI.Comm, numbers: Labels, area: Array, whole: Labels, temperature: Array
    ) -> Self:
        """Return clusters that are known. Collective.

        Args:
            comm: the ranks.
            numbers: global numbers of this rank's places, (n,).
            area: [m2], (n,).
            whole: cluster of every place of all ranks, by number.
            temperature: of the clusters [K], (clusters,).
        """
        own = whole[numbers]
        sums = np.bincount(own, area, minlength=temperature.size)
        total = np.empty_like(sums)
        comm.Allreduce(sums, total)
        return cls(comm, own, area, total, temperature)

    def whole(self, numbers: Labels) -> Labels:
        """Return the cluster of every place of all ranks by its number. Collective.

        Args:
            numbers: global numbers of this rank's places, (n,).
        """
        every = np.concatenate(self.comm.allgather(numbers))
        labels = np.concatenate(self.comm.allgather(self.labels))
        return np.asarray(labels[np.argsort(every)], dtype=np.intp)

    @property
    def count(self) -> int:
        """Number of clusters."""
        return int(self.total.size)

    def mean(self, values: Array) -> Array:
        """Return the mean over the places of each cluster, by area. Collective.

        Args:
            values: of this rank's places, (n, ...).

        Returns:
            (clusters, ...).
        """
        sums = np.zeros((self.count, *values.shape[1:]))
        weighted = values * self.area.reshape(-1, *[1] * (values.ndim - 1))
        np.add.at(sums, self.labels, weighted)
        whole = np.empty_like(sums)
        self.comm.Allreduce(sums, whole)
        return np.asarray(whole / self.total.reshape(-1, *[1] * (values.ndim - 1)))


@dataclass(frozen=True)
class ClusterPlaces(Places):
    """Films of clusters: each has the nodes and films of one electrode.

    Attributes:
        clusters: how many.
        reference: temperature at which the films of each cluster are asked [K], (clusters,).
    """

    clusters: int = 1
    reference: Array | None = None

    @classmethod
    def of(
        cls, clusters: Clusters, nodes: Array, area: Array, patches: int, area_ratio: float
    ) -> Self:
        """Return ``patches`` films for each cluster.

        Args:
            clusters: the clusters.
            nodes: x of the nodes of one place [m], (k,).
            area: their geometric area per area of the electrode pair [-], (k,).
            patches: films along x.
            area_ratio: film-carrying area over geometric area [-].
        """
        one = Places.spread(nodes, area, patches, area_ratio)
        return cls(
            np.tile(one.nodes, clusters.count),
            np.tile(one.films, clusters.count),
            (clusters.total[:, None] * area).ravel(),
            area_ratio,
            clusters.count,
            clusters.temperature,
        )

    @property
    def weights(self) -> Array:
        """Return the share of each film in each node; none of other clusters."""
        k, m = self.nodes.size // self.clusters, self.films.size // self.clusters
        one = Places(self.nodes[:k], self.films[:m], self.area[:k]).weights
        return np.asarray(np.kron(np.eye(self.clusters), one), dtype=np.float64)

    @property
    def group(self) -> Labels:
        """Return the cluster of each film: each is jumped over cycles by its own growth."""
        return np.repeat(np.arange(self.clusters), self.films.size // self.clusters)

    @property
    def node_group(self) -> Labels:
        """Return the cluster of each node."""
        return np.repeat(np.arange(self.clusters), self.nodes.size // self.clusters)

    @property
    def film_temperature(self) -> Array:
        """Return the temperature at which each film is asked [K], (films,)."""
        return np.repeat(np.asarray(self.reference), self.films.size // self.clusters)

    def warmth(self, segment: Segment) -> list[Array]:
        """Return the temperature at which each film was asked [K], (times,).

        What the places saw at other temperatures is told as the potential that makes the same rate
        at this one.
        """
        return [np.full(segment.times.size, t) for t in self.film_temperature]
