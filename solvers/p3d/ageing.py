"""Ageing of a cell in three dimensions: films for clusters of places, coupled as in any study."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film_group import FilmGroup, FilmMaker
from interphase.solvers.p3d.clustered_cell import ClusteredCell
from interphase.solvers.p3d.clusters import ClusterPlaces, Clusters, Labels
from interphase.solvers.p3d.local_models import PyBaMMPlaces, Travel
from interphase.solvers.p3d.places import Array
from interphase.solvers.p3d.whole_cell import WholeCell
from interphase.solvers.pace import Pace

logger = logging.getLogger(__name__)

# The first tables reach this far beyond the potentials of the first cycle [V].
_BELOW: Final = 0.03
_ABOVE: Final = 0.05
# A film is asked again so much warmer, for how its rates follow the temperature [K].
_SPAN: Final = 5.0


@dataclass(frozen=True, slots=True)
class AgeingPlan:
    """How a cell is aged.

    Attributes:
        program: steps of one cycle.
        cycles: how often it is run.
        pace: length of the first exchange, tolerance, longest jump.
        clusters: number of films at most, across the cell.
        temperature_span: places of one cluster differ by no more than this [K], unless that takes
            more clusters.
        potential_span: the same of the lowest and the mean potential [V].
        patches: films along x in each cluster.
        area_ratio: film-carrying area over geometric area [-].
        drop_share: see `FilmInputs`.
    """

    program: tuple[ControlStep, ...]
    cycles: int
    pace: Pace
    clusters: int = 8
    temperature_span: float = 2.0
    potential_span: float = 0.01
    patches: int = 1
    area_ratio: float = 1.0
    drop_share: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PlacesOfRank:
    """The places of one rank.

    Attributes:
        models: at the places.
        numbers: of the places, the same however many ranks there are, (n,).
        area: electrode-pair area that each stands for [m2], (n,).
    """

    models: PyBaMMPlaces
    numbers: Labels
    area: Array


@dataclass(frozen=True, slots=True, eq=False)
class KnownClusters:
    """Groups of places of a study that goes on.

    Attributes:
        labels: cluster of every place of all ranks, by number.
        temperature: at which the films of each cluster are asked [K], (clusters,).
        window: lowest and highest potential of the tables [V].
    """

    labels: Labels
    temperature: Array
    window: tuple[float, float]


@dataclass(frozen=True)
class CellAgeing:
    """A study of a cell in three dimensions, and how its places are grouped.

    Attributes:
        study: cell and films.
        clusters: of the places.
    """

    study: AgeingStudy
    clusters: Clusters


def build_ageing(
    cell: WholeCell,
    own: PlacesOfRank,
    comm: MPI.Comm,
    plan: AgeingPlan,
    make_film: FilmMaker,
    known: KnownClusters | None = None,
) -> CellAgeing:
    """Run a cycle to see how places differ, group them, and give every group its films. Collective.

    The cell is left as it was.

    Args:
        cell: the whole cell.
        own: places of this rank.
        comm: all ranks.
        plan: how it is aged.
        make_film: makes a film on the ranks that share it, by its number.
        known: groups of a study that goes on; None: they are found.
    """
    if known is None:
        features, window = scout(cell, own.models, plan.program)
        spans = np.array([plan.temperature_span, plan.potential_span, plan.potential_span])
        clusters = Clusters.of(comm, own.numbers, own.area, features, spans, plan.clusters)
    else:
        window = known.window
        clusters = Clusters.given(comm, own.numbers, own.area, known.labels, known.temperature)
    nodes = own.models.pair.nodes
    places = ClusterPlaces.of(clusters, nodes.positions, nodes.area, plan.patches, plan.area_ratio)
    films = FilmGroup(comm, places.films.size, make_film)
    low, high = (comm.allreduce(v, op) for v, op in zip(window, (MPI.MIN, MPI.MAX), strict=True))
    logger.info(
        "%d places in %d clusters, %.1f to %.1f K",
        comm.allreduce(own.models.size),
        clusters.count,
        clusters.temperature.min(),
        clusters.temperature.max(),
    )
    study = AgeingStudy(
        ClusteredCell(cell, own.models, clusters, places),
        films,
        places,
        plan.program,
        cycles=plan.cycles,
        pace=plan.pace,
        knots=own.models.pair.spec.knot_count,
        window=(low - _BELOW, high + _ABOVE),
        temperature=places.film_temperature,
        drop_share=plan.drop_share,
        collective=True,
        span=_SPAN,
    )
    return CellAgeing(study, clusters)


def scout(
    cell: WholeCell, models: PyBaMMPlaces, program: Sequence[ControlStep]
) -> tuple[Array, tuple[float, float]]:
    """Run one cycle and go back; return how the places of this rank fare. Collective.

    Returns:
        Mean temperature [K], lowest and mean film potential [V] of each place, (n, 3), and the
        lowest and highest potential of any [V].

    Raises:
        CouplingError: every step of the cycle is skipped.
    """
    travels: list[Travel] = []
    watch, models.watch = models.watch, travels.append
    start = cell.state()
    try:
        for step in program:
            cell.run(step)
    finally:
        models.watch = watch
        cell.restore(start)
    if not travels:
        raise CouplingError("every step of the experiment is skipped: check its limits")
    weights = np.array([t.seconds for t in travels])
    weights = weights / weights.sum()
    lowest = np.min([t.lowest.min(axis=1) for t in travels], axis=0)
    highest = np.max([t.highest.max(axis=1) for t in travels], axis=0)
    mean = np.tensordot(weights, np.array([t.potential.mean(axis=1) for t in travels]), 1)
    warmth = np.tensordot(weights, np.array([t.temperature for t in travels]), 1)
    window = float(np.min(lowest, initial=math.inf)), float(np.max(highest, initial=-math.inf))
    return np.stack([warmth, lowest, mean], axis=1), window
