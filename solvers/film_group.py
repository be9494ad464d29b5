"""The films along an electrode: shared out over ranks, and joined to the nodes of a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from interphase.meshes.parallel import raise_together
from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_types import Segment
from interphase.solvers.exposure import (
    Advance,
    Exposure,
    Film,
    FilmResponse,
    potential_of,
    uptake,
)
from interphase.solvers.space import Array

type FilmMaker = Callable[[int, MPI.Comm], Film]
"""Makes the film of a number on the ranks that share it."""


@dataclass(frozen=True)
class Places:
    """Where films stand for an electrode, and how the nodes of the cell read them.

    A node between two films is covered by both, the nearer the more: its rate, thickness and
    resistance are linear in x, and each film has the potentials of the area that it covers.

    Attributes:
        nodes: x of the cell's nodes [m], (nodes,).
        films: x of the films [m], (films,).
        area: geometric area of each node [m2], (nodes,).
        area_ratio: film-carrying area over geometric area [-].
    """

    nodes: Array
    films: Array
    area: Array
    area_ratio: float = 1.0

    @property
    def group(self) -> NDArray[np.intp]:
        """Return the group of each film, (films,): a group is jumped over cycles as one."""
        return np.zeros(self.films.size, dtype=np.intp)

    @property
    def node_group(self) -> NDArray[np.intp]:
        """Return the group of each node, (nodes,)."""
        return np.zeros(self.nodes.size, dtype=np.intp)

    def warmth(self, segment: Segment) -> list[Array]:
        """Return the temperature that each film saw [K], (times,)."""
        return [segment.temperature] * self.films.size

    @classmethod
    def spread(cls, nodes: Array, area: Array, count: int, area_ratio: float) -> Places:
        """Return ``count`` films spread evenly from the first node to the last."""
        if count > nodes.size:
            raise CouplingError(
                f"{count} patches but the electrode has {nodes.size} nodes: write fewer, or a "
                "larger drive.cell.points.x_n"
            )
        middle = 0.5 * (nodes[0] + nodes[-1])
        films = np.linspace(nodes[0], nodes[-1], count) if count > 1 else np.array([middle])
        return cls(nodes, films, area, area_ratio)

    @classmethod
    def chosen(cls, nodes: Array, area: Array, films: Array, area_ratio: float) -> Places:
        """Return films at chosen places, x rising [m], (films,).

        Raises:
            CouplingError: a film is nearest to no node.
        """
        places = cls(nodes, films, area, area_ratio)
        idle = np.flatnonzero(places.weights.max(axis=0) <= 0.0)
        if idle.size:
            raise CouplingError(
                f"the patch at {films[idle[0]]:.3g} m covers no node of the electrode: choose "
                "other places, or a larger drive.cell.points.x_n"
            )
        return places

    @property
    def weights(self) -> Array:
        """Return the part of each node's area that each film covers, (nodes, films).

        Rows sum to one; the parts are linear in x between two films.
        """
        unit = np.eye(self.films.size)
        return np.stack([np.interp(self.nodes, self.films, row) for row in unit], axis=1)

    @property
    def film_area(self) -> Array:
        """Return the film-carrying area of each film [m2], (films,)."""
        return np.asarray(self.area @ self.weights) * self.area_ratio

    @property
    def covered(self) -> Array:
        """Return what makes values at the nodes means over each film's area, (nodes, films)."""
        area = self.weights * self.area[:, None]
        return np.asarray(area / area.sum(axis=0))

    def split(self, booked: Array, own: Array) -> Array:
        """Return the charge that each film takes [C/m2 of film area], (films,).

        What a node books goes to its films as their own rates there say, so that the sum is kept
        and no film takes part in what another one does.

        Args:
            booked: charge per geometric area of each node [C/m2], (nodes,).
            own: charge that each film would take at each node by its own rates [C/m2 of film
                area], (nodes, films).
        """
        weights = self.weights
        parts = weights * own
        missing = booked / self.area_ratio - parts.sum(axis=1)
        size = np.abs(parts)
        total = size.sum(axis=1, keepdims=True)
        parts += missing[:, None] * np.where(total > 0.0, size / np.maximum(total, 1e-300), weights)
        return np.asarray(self.area @ parts) / (self.area @ weights)

    def seen(self, history: Array, tables: Sequence[ResponseTable]) -> Array:
        """Return the potential that each film sees [V], (n, films), of that at the nodes.

        Rates are averaged over the area that a film covers, not potentials: it sees the potential
        at which its rate is the mean one.

        Args:
            history: potential at the nodes [V], (n, nodes).
            tables: response of each film.
        """
        if self.nodes.size == self.films.size == 1:
            return history
        columns = []
        for part, table in zip(self.covered.T, tables, strict=True):
            rates = uptake(table, history.ravel()).reshape(history.shape) @ part
            columns.append(potential_of(table, rates, fallback=history @ part))
        return np.stack(columns, axis=1)

    def inputs(self, responses: list[FilmResponse], resistance: Array, charge: Array,
               drop_share: float) -> FilmInputs:  # fmt: skip
        """Return what the cell takes from its films.

        Args:
            responses: one per film, all with the same knots.
            resistance: of each film [ohm m2 of film area], (films,).
            charge: per geometric area that each node has booked [C/m2], (nodes,).
            drop_share: see `FilmInputs`.
        """
        w = self.weights
        rates = np.stack([np.asarray(r.table.rates) for r in responses])
        exponents = np.stack([np.asarray(r.table.exponents) for r in responses])
        size, knots = w @ np.abs(rates), rates.shape[1]
        thickness = np.array([float(np.asarray(r.table.thickness)) for r in responses])

        def mean(values: Array) -> Array:
            """Return the mean by rate, that of the area where nothing goes on."""
            by_rate = w @ (np.abs(rates) * values) / np.maximum(size, 1e-300)
            return np.where(size > 0.0, by_rate, w @ values)

        table = ResponseTable(
            responses[0].table.knots,
            w @ rates,
            mean(exponents),
            w @ thickness,
        )  # fmt: skip
        return FilmInputs(
            response=table,
            thickness=w @ thickness,
            charge=charge,
            resistivity=w @ (resistance / thickness),
            volume_per_charge=w @ np.array([r.volume_per_charge for r in responses]),
            area_ratio=self.area_ratio,
            drop_share=drop_share,
            activation=mean(np.stack([np.broadcast_to(r.activation, knots) for r in responses])),
        )


class FilmGroup:
    """Films shared out over ranks. Collective on ``comm`` throughout.

    With fewer ranks than films each rank has some films to itself; with more, some ranks share one.

    Attributes:
        comm: all ranks.
        size: number of films.
    """

    def __init__(self, comm: MPI.Comm, size: int, make: FilmMaker) -> None:
        self.comm, self.size = comm, size
        groups = min(comm.size, size)
        color = comm.rank % groups
        self._ranks = comm.Split(color, comm.rank)
        self._own: dict[int, Film] = {}
        mine = range(color, size, groups)
        made = self._together(lambda: {i: make(i, self._ranks) for i in mine})
        self._own = made

    @property
    def own(self) -> dict[int, Film]:
        """Return this rank's films by their number."""
        return self._own

    def each[T](self, work: Callable[[int, Film], T]) -> list[T]:
        """Return what ``work`` returns for every film, in order, on every rank.

        Raises:
            InterphaseError: on every rank if it fails for one film.
        """
        results = self._together(lambda: {i: work(i, film) for i, film in self._own.items()})
        shared = results if self._ranks.rank == 0 else {}
        merged: dict[int, T] = {}
        for part in self.comm.allgather(shared):
            merged.update(part)
        return [merged[i] for i in range(self.size)]

    def responses(self, knots: Array, temperature: Array, span: float = 0.0) -> list[FilmResponse]:
        """Return the response of every film.

        Args:
            knots: potentials [V], (knots,).
            temperature: of each film [K], (films,).
            span: how much warmer a film is asked once more, for its activation [K]; 0: never.
        """

        def response(i: int, film: Film) -> FilmResponse:
            here = film.response(knots, float(temperature[i]))
            if not span:
                return here
            warm = film.response(knots, float(temperature[i]) + span)
            return here.with_activation(warm, float(temperature[i]), span)

        return self.each(response)

    def advance(
        self, exposures: list[Exposure], responses: list[FilmResponse], charge: Array
    ) -> list[Advance]:
        """Let every film take its charge [C/m2 of film area], (films,)."""
        return self.each(
            lambda i, film: film.advance(exposures[i], responses[i].table, float(charge[i]))
        )

    def keep(self) -> dict[int, object]:
        """Return the states of this rank's films."""
        return {i: film.keep() for i, film in self._own.items()}

    def give_back(self, kept: dict[int, object]) -> None:
        """Return this rank's films to states that were kept."""
        for i, film in self._own.items():
            film.give_back(kept[i])

    def _together[T](self, work: Callable[[], T]) -> T:
        failure: Exception | None = None
        result: T | None = None
        try:
            result = work()
        except Exception as error:
            failure = error
        raise_together(self.comm, failure)
        if result is None:
            raise CouplingError("a film returned nothing") from failure
        return result
