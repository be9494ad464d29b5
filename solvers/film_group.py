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


@dataclass(frozen=True)
class Places:
    """Where films stand for an electrode, and how the nodes of the cell read them.

    Between two films everything is linear in x. What the nodes book goes back to the films by least
    squares, so that no charge is lost.

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
                f"{count} patches but the electrode has {nodes.size} nodes: write a smaller "
                "drive.cell.patches or a larger drive.cell.points.x_n"
            )
        middle = 0.5 * (nodes[0] + nodes[-1])
        films = np.linspace(nodes[0], nodes[-1], count) if count > 1 else np.array([middle])
        return cls(nodes, films, area, area_ratio)

    @property
    def weights(self) -> Array:
        """Return the share of each film in each node, (nodes, films); rows sum to one."""
        unit = np.eye(self.films.size)
        return np.stack([np.interp(self.nodes, self.films, row) for row in unit], axis=1)

    @property
    def film_area(self) -> Array:
        """Return the film-carrying area of each film [m2], (films,)."""
        return np.asarray(self.area @ self.weights) * self.area_ratio

    @property
    def projection(self) -> Array:
        """Return what gives the films their values from those of the nodes, (films, nodes).

        Least squares, exact for what is linear between films; it conserves the integral, since the
        weights of a node sum to one.
        """
        w = self.weights
        moment = w.T * self.area
        return np.asarray(np.linalg.solve(moment @ w, moment))

    def to_films(self, charge: Array) -> Array:
        """Return charge per film area [C/m2], (films,), of charge per geometric area, (nodes,)."""
        return np.asarray(self.projection @ charge) / self.area_ratio

    def seen(self, history: Array, tables: Sequence[ResponseTable]) -> Array:
        """Return the potential that each film sees [V], (n, films), of that at the nodes.

        Rates are averaged, not potentials: a film sees the potential at which its rate is that of
        its part of the electrode.

        Args:
            history: potential at the nodes [V], (n, nodes).
            tables: response of each film.
        """
        if self.nodes.size == self.films.size == 1:
            return history
        columns = []
        for row, table in zip(self.projection, tables, strict=True):
            rates = uptake(table, history.ravel()).reshape(history.shape) @ row
            columns.append(potential_of(table, rates, fallback=history @ row))
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
        # The logarithm of a rate is what varies smoothly along the electrode.
        scale = max(1e-9 * float(np.abs(rates).max()), 1e-30)
        thickness = np.array([float(np.asarray(r.table.thickness)) for r in responses])
        table = ResponseTable(
            responses[0].table.knots,
            np.sinh(w @ np.arcsinh(rates / scale)) * scale,
            w @ np.stack([np.asarray(r.table.exponents) for r in responses]),
            w @ thickness,
        )
        return FilmInputs(
            response=table,
            thickness=w @ thickness,
            charge=charge,
            resistivity=w @ (resistance / thickness),
            volume_per_charge=w @ np.array([r.volume_per_charge for r in responses]),
            area_ratio=self.area_ratio,
            drop_share=drop_share,
            activation=w
            @ np.stack([np.broadcast_to(r.activation, rates.shape[1]) for r in responses]),
        )


class FilmGroup:
    """Films shared out over ranks. Collective on ``comm`` throughout.

    With fewer ranks than films each rank has some films to itself; with more, some ranks share one.

    Attributes:
        comm: all ranks.
        size: number of films.
    """

    def __init__(self, comm: MPI.Comm, size: int, make: Callable[[int, MPI.Comm], Film]) -> None:
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
