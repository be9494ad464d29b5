"""A cell in three dimensions as its films see it: one electrode per cluster of places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from interphase.meshes.parallel import global_max, global_min, raise_together
from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_types import (
    CellLimitError,
    CellState,
    ControlStep,
    IntegrationError,
    Segment,
    TableWindowError,
)
from interphase.solvers.exposure import potential_of
from interphase.solvers.p3d.clusters import ClusterPlaces, Clusters
from interphase.solvers.p3d.local_models import PyBaMMPlaces, Travel
from interphase.solvers.p3d.place_films import PlaceFilms
from interphase.solvers.p3d.places import Array, PlaceError
from interphase.solvers.p3d.whole_cell import TerminalHistory, WholeCell


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredState(CellState):
    """A snapshot of this rank: states of its local models, and the whole cell's own state."""

    whole: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredSegment(Segment):
    """A segment whose extreme potentials are those of single places.

    Attributes:
        lowest: [V], (nodes,).
        highest: [V], (nodes,).
        places: lowest and highest temperature of any place [K].
    """

    lowest: Array | None = None
    highest: Array | None = None
    places: tuple[float, float] = (0.0, 0.0)

    @property
    def lowest_potential(self) -> Array:
        """Lowest film potential of any place of each cluster [V], (nodes,)."""
        return np.asarray(self.lowest, dtype=np.float64)

    @property
    def highest_potential(self) -> Array:
        """Highest film potential of any place of each cluster [V], (nodes,)."""
        return np.asarray(self.highest, dtype=np.float64)


class ClusteredCell:
    """Presents a whole cell as a `CellStepper`. Collective; answers are the same on all ranks.

    Its nodes are those of one electrode pair, once for each cluster. Every place books its own
    charge and has its own thickness; a cluster's film takes the mean.

    Args:
        cell: the whole cell, whose local models are ``models``.
        models: this rank's local models.
        clusters: of the places.
        places: where films stand for the clusters.
    """

    def __init__(
        self, cell: WholeCell, models: PyBaMMPlaces, clusters: Clusters, places: ClusterPlaces
    ) -> None:
        self._cell, self._models, self._clusters, self._places = cell, models, clusters, places
        self._travels: list[Travel] = []
        models.watch = self._travels.append
        self._throughput = 0.0
        self._table: ResponseTable | None = None
        self._volume = np.zeros(self.nodes)
        self._charge, self._thickness, self._potential = self._measured()

    # ---------------------------------------------------------------- what and where it is

    @property
    def nodes(self) -> int:
        """Number of nodes of all clusters."""
        return int(self._places.nodes.size)

    @property
    def positions(self) -> Array:
        """Distance of the nodes from the current collector [m], (nodes,)."""
        return self._places.nodes.copy()

    @property
    def area(self) -> Array:
        """Geometric reaction area of each node in the whole cell [m2], (nodes,)."""
        return self._places.area.copy()

    @property
    def nominal_capacity(self) -> float:
        """Capacity on the label [A h]."""
        return self._cell.nominal_capacity

    @property
    def time(self) -> float:
        """Time since the start [s]."""
        return self._cell.time

    @property
    def throughput(self) -> float:
        """Charge passed in either direction since the start [A h]."""
        return self._throughput

    @property
    def charge(self) -> Array:
        """Booked film charge per geometric area, mean of each cluster [C/m2], (nodes,)."""
        return self._charge.copy()

    @property
    def thickness(self) -> Array:
        """Thickness on the film-carrying area, mean of each cluster [m], (nodes,)."""
        return self._thickness.copy()

    @property
    def film_potential(self) -> Array:
        """Potential that the response is a function of, mean of each cluster [V], (nodes,)."""
        return self._potential.copy()

    @property
    def voltage(self) -> float:
        """Terminal voltage [V]."""
        return self._cell.voltage

    @property
    def lost_lithium(self) -> float:
        """Lithium taken by the films of all places since the start [mol]."""
        return float(self._charge @ self._places.area) / FARADAY

    # ---------------------------------------------------------------- what it does

    def set_film(self, film: FilmInputs) -> None:
        """Give every place the response of its cluster, with a thickness of its own.

        A place that has booked more than the mean of its cluster has a film thicker by that.

        Raises:
            CouplingError: the films of a cluster differ by more than their thickness.
        """
        table = film.response
        if not isinstance(table, ResponseTable):
            raise CouplingError("films at places answer by tables")
        knots = np.asarray(table.knots, dtype=float).ravel()
        rates, exponents = np.asarray(table.rates), np.asarray(table.exponents)
        activation = np.broadcast_to(np.asarray(film.activation, dtype=float), rates.shape)
        reference = np.broadcast_to(np.asarray(table.thickness, dtype=float), self.nodes)
        self._table, self._volume = table, np.asarray(film.volume_per_charge, dtype=float)
        mean, volume = self._spread(np.asarray(film.charge)), self._spread(self._volume)
        charge = self._models.look().charge
        base = self._spread(np.asarray(film.thickness))
        thickness = base + volume * (charge - mean) / film.area_ratio
        thin = np.any(thickness < 0.1 * base)
        failure = CouplingError("places of a cluster differ too much: allow more clusters")
        raise_together(self._clusters.comm, failure if thin else None)
        self._models.set_films(
            PlaceFilms(
                knots=knots,
                rates=self._spread(rates),
                exponents=self._spread(exponents),
                activation=self._spread(activation),
                temperature=self._clusters.temperature[self._clusters.labels],
                reference=self._spread(reference),
                thickness=thickness,
                charge=charge,
                resistivity=self._spread(np.asarray(film.resistivity)),
                volume_per_charge=volume,
                area_ratio=film.area_ratio,
                drop_share=film.drop_share,
            )
        )

    def run(self, step: ControlStep) -> Segment:
        """Run one step to its end.

        Raises:
            TableWindowError: a film left its table in the step; the cell is to be restored.
            CellLimitError: a place is at the end of what it can do.
            IntegrationError: a local model cannot be integrated.
        """
        self._travels.clear()
        try:
            history = self._cell.run(step)
        except PlaceError as error:
            kind = CellLimitError if error.limit else IntegrationError
            raise kind(str(error)) from error
        self._charge, self._thickness, self._potential = self._measured()
        throughput = float(np.trapezoid(np.abs(history.current), history.times)) / 3600.0
        self._throughput += throughput
        segment = self._segment(history, throughput)
        self._check_window(step, segment)
        return segment

    def state(self) -> ClusteredState:
        """Return a snapshot of this rank's part."""
        return ClusteredState(
            states=self._models.state()["states"],
            time=self._cell.time,
            throughput=self._throughput,
            temperature=float(self._clusters.temperature.mean()),
            film={},
            windows=None,
            groups=self._clusters.labels,
            whole=self._cell.state(),
        )

    def restore(self, state: CellState) -> None:
        """Go back to a snapshot, or on to one whose states and time were extrapolated."""
        if not isinstance(state, ClusteredState):
            raise CouplingError("this is no state of a clustered cell")
        self._cell.restore(state.whole)
        self._models.put(state.states)
        self._cell.pass_time(state.time - self._cell.time)
        self._throughput = state.throughput
        self._charge, self._thickness, self._potential = self._measured()

    # ---------------------------------------------------------------- parts

    def _spread(self, values: Array) -> Array:
        """Return the values of this rank's places, (n, k, ...), of those of nodes, (nodes, ...)."""
        k = self._models.pair.nodes.count
        rows = np.broadcast_to(values, (self.nodes, *values.shape[1:]))
        return rows.reshape(-1, k, *values.shape[1:])[self._clusters.labels]

    def _measured(self) -> tuple[Array, Array, Array]:
        """Return charge, thickness and potential, means of the clusters, (nodes,) each."""
        seen = self._models.look()
        together = np.stack([seen.charge, seen.thickness, seen.potential], axis=-1)
        charge, thickness, potential = self._clusters.mean(together).reshape(self.nodes, 3).T
        return charge.copy(), thickness.copy(), potential.copy()

    def _segment(self, history: TerminalHistory, throughput: float) -> Segment:
        """Return the step as the films saw it: a constant potential in every step in time."""
        seconds = np.array([t.seconds for t in self._travels])
        seen = Seen.of(self._travels, self._models.size, self._models.pair.nodes.count)
        potential = self._equivalent(seen, seconds)
        ends = np.concatenate([[0.0], np.cumsum(seconds)])
        times = np.repeat(ends, 2)[1:-1] if seconds.size else np.zeros(1)
        path = np.repeat(potential, 2, axis=0) if seconds.size else self._potential[None, :]
        low, high = self._extremes(seen)
        columns = {
            name: np.interp(times, history.times, getattr(history, name))
            for name in ("voltage", "current", "temperature")
        }
        unknown = np.full(path.shape, np.nan)
        return ClusteredSegment(
            times=times,
            film_potential=path,
            surface_potential=path,
            intercalation=unknown,
            concentration=unknown,
            charge=np.broadcast_to(self._charge, path.shape),
            thickness=np.broadcast_to(self._thickness, path.shape),
            termination=history.termination,
            throughput=throughput,
            own_limit=history.own_limit,
            skipped=history.skipped or not seconds.size,
            lowest=low,
            highest=high,
            places=self._warmth(),
            **columns,
        )

    def _warmth(self) -> tuple[float, float]:
        """Return the lowest and highest temperature of any place in the last step [K]."""
        seen = [t.temperature for t in self._travels]
        comm = self._clusters.comm
        return global_min(comm, np.array(seen)), global_max(comm, np.array(seen))

    def _check_window(self, step: ControlStep, segment: Segment) -> None:
        low, high = self._models.films.window
        lowest, highest = segment.lowest_potential, segment.highest_potential
        if self._table is None or (lowest.min() >= low and highest.max() <= high):
            return
        raise TableWindowError(
            f"step '{step.label}': films at places went from {lowest.min():.4f} to "
            f"{highest.max():.4f} V, beyond their tables ({low:.4f} to {high:.4f} V)",
            lowest,
            highest,
        )

    def _extremes(self, seen: Seen) -> tuple[Array, Array]:
        """Return the lowest and highest potential of any place of each cluster [V], (nodes,)."""
        clusters, k = self._clusters.count, self._models.pair.nodes.count
        low, high = np.full((clusters, k), np.inf), np.full((clusters, k), -np.inf)
        if seen.lowest.shape[0]:
            np.minimum.at(low, self._clusters.labels, seen.lowest.min(axis=0))
            np.maximum.at(high, self._clusters.labels, seen.highest.max(axis=0))
        every = np.array(self._clusters.comm.allgather((low, -high)))
        low, high = every.min(axis=0)[0].ravel(), -every.min(axis=0)[1].ravel()
        known = np.isfinite(low)
        return np.where(known, low, self._potential), np.where(known, high, self._potential)

    def _equivalent(self, seen: Seen, seconds: Array) -> Array:
        """Return the potentials at which the clusters' films make what their places booked.

        At the clusters' own temperatures and the thickness to which their tables belong; the mean
        potential of the places where the table does not say.

        Args:
            seen: of this rank's places.
            seconds: of the steps, (steps,).

        Returns:
            [V], (steps, nodes).
        """
        films, ratio = self._models.films, self._places.area_ratio
        end = films.thickness + films.volume_per_charge * (
            np.cumsum(seen.taken, axis=0) + seen.before - films.charge
        ) / ratio  # fmt: skip
        middle = end - 0.5 * films.volume_per_charge * seen.taken / ratio
        exponent = _between(seen.potential, films.knots, films.exponents)
        rate = (
            seen.taken / (seconds[:, None, None] * ratio) * (middle / films.reference) ** exponent
        )
        both = np.stack([rate, seen.potential], axis=-1)
        mean = self._clusters.mean(np.moveaxis(both, 1, 0))
        by_node = np.moveaxis(mean, 1, 0).reshape(seconds.size, self.nodes, 2)
        rates, potentials = by_node[..., 0], by_node[..., 1]
        table = self._table
        if table is None:
            return np.asarray(potentials)
        return np.stack(
            [
                potential_of(_node(table, node), rates[:, node], potentials[:, node])
                for node in range(self.nodes)
            ],
            axis=1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the places of this rank saw in all steps in time of a control step.

    Attributes:
        taken: charge of each step [C/m2 of geometric area], (steps, n, k).
        before: booked before the first one [C/m2], (n, k).
        potential: mean of each step [V], (steps, n, k).
        lowest: [V], (steps, n, k).
        highest: [V], (steps, n, k).
    """

    taken: Array
    before: Array
    potential: Array
    lowest: Array
    highest: Array

    @classmethod
    def of(cls, travels: list[Travel], places: int, nodes: int) -> Self:
        """Return the steps in one."""
        shape = len(travels), places, nodes

        def stack(name: str) -> Array:
            return np.array([getattr(t, name) for t in travels]).reshape(shape)

        before = travels[0].before if travels else np.zeros(shape[1:])
        return cls(stack("taken"), before, stack("potential"), stack("lowest"), stack("highest"))


def _between(potential: Array, knots: Array, values: Array) -> Array:
    """Return values at knots, (n, k, m), interpolated at potentials, (steps, n, k)."""
    index = np.clip(np.searchsorted(knots, potential) - 1, 0, knots.size - 2)
    share = np.clip((potential - knots[index]) / (knots[index + 1] - knots[index]), 0.0, 1.0)
    rows = np.broadcast_to(values, (*potential.shape, knots.size))
    left, right = (
        np.take_along_axis(rows, (index + step)[..., None], axis=-1)[..., 0] for step in (0, 1)
    )
    return np.asarray((1.0 - share) * left + share * right)


def _node(table: ResponseTable, node: int) -> ResponseTable:
    """Return the table of one node."""
    thickness = np.broadcast_to(np.asarray(table.thickness), np.shape(table.rates)[0])[node]
    return replace(
        table,
        rates=np.asarray(table.rates)[node],
        exponents=np.asarray(table.exponents)[node],
        thickness=float(thickness),
    )
