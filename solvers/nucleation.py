"""Seeds on the electrode: which sites fire in a step, and what a seed does to the film."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from interphase.models.interpolation import logistic, profile
from interphase.models.nucleation import PoissonNucleation
from interphase.models.reactions import ReactionSet
from interphase.solvers.conversion import FrontConversion
from interphase.solvers.graph import BoolArray
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState

# A site is taken where the film's order parameter at it exceeds this.
_OCCUPIED = 0.1
# Positions are rounded to this length [m] to key the random draws.
_KEY = 1.0e-12
# Reach of a seed's shares beyond its radius, in interface widths.
_HALO = 2.5


@dataclass(frozen=True)
class Seed:
    """One seed that fired.

    Attributes:
        position: [m], (3,).
        phase: index of the solid.
        converts: the seed converts film that stands there instead of growing on bare electrode.
    """

    position: tuple[float, float, float]
    phase: int
    converts: bool


class Nucleator:
    """Draws, fires and places seeds; independent of partition and of rejected steps."""

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        model: PoissonNucleation,
        conversions: list[FrontConversion],
    ) -> None:
        self._space, self._model = space, model
        self._conversions = {c._b: c for c in conversions}
        self._sites = np.flatnonzero(electrode)
        self._points = space.points[self._sites]
        self._keys = np.rint(self._points / _KEY).astype(np.int64)
        area = space.mass[self._sites]
        total = space.sum(area)
        self._area = area / max(total, 1e-300) * space.geometry.area

    @property
    def sites(self) -> int:
        """Return the number of sites of this rank."""
        return int(self._sites.size)

    def accumulate(
        self, state: FilmState, set_: ReactionSet, bare: Array, converting: Array, dt: float
    ) -> Array:
        """Return the hazard of every site after ``dt``, (solids, sites).

        Args:
            state: the film now.
            set_: the reactions.
            bare: growth speed of each solid on the bare surface [m/s], (solids,).
            converting: speed of the conversion into each solid at the electrode [m/s], (solids,).
            dt: step [s].
        """
        open_, under = self._substrates(state)
        intensity = self._model.intensity(bare)[:, None] * open_
        for phase, flags in under.items():
            intensity[phase] += self._model.intensity(converting)[phase] * flags
        return np.asarray(state.hazard + intensity * self._area * dt)

    def _substrates(self, state: FilmState) -> tuple[Array, dict[int, Array]]:
        """Return (1 where bare, per solid: 1 where its reactant stands)."""
        phi = state.phi[self._sites]
        shares = state.columns[:, self._sites]
        under = {
            b: ((phi > 0.9) & (shares[c._a] > 0.9)).astype(np.float64)
            for b, c in self._conversions.items()
        }
        return (phi < _OCCUPIED).astype(np.float64), under

    def fire(self, before: Array, after: Array, draws: Array) -> list[Seed]:
        """Return the seeds of one step in the order of their times, the same on all ranks."""
        threshold = self._model.thresholds(self._keys, draws)
        phases, sites = np.nonzero(after >= threshold)
        mine = []
        for a, s in zip(phases, sites, strict=True):
            part = (threshold[a, s] - before[a, s]) / (after[a, s] - before[a, s])
            mine.append(
                (
                    float(part),
                    tuple(self._keys[s].tolist()),
                    int(a),
                    tuple(self._points[s].tolist()),
                )
            )
        every = [item for rank in self._space.comm.allgather(mine) for item in rank]
        return [Seed((p[0], p[1], p[2]), a, converts=False) for _, _, a, p in sorted(every)]

    def reset(self, after: Array, draws: Array) -> tuple[Array, Array]:
        """Return (hazard, draws) with the sites that fired starting anew."""
        fired = after >= self._model.thresholds(self._keys, draws)
        return np.where(fired, 0.0, after), draws + fired

    def place(self, state: FilmState, seeds: list[Seed], width: float) -> FilmState:
        """Return the state with the seeds in it; one whose place is taken is dropped."""
        for seed in seeds:
            state = self._place_one(state, seed, width)
        return state

    def _place_one(self, state: FilmState, seed: Seed, width: float) -> FilmState:
        distance = self._distance(np.array(seed.position))
        nearest = np.flatnonzero(distance < 0.5 * self._space.geometry.cell_size)
        there = float(state.phi[nearest].max(initial=-np.inf))
        occupied = self._space.comm.allreduce(there > _OCCUPIED, op=MPI.LOR)
        if occupied:
            return (
                self._convert(state, seed, distance, width)
                if seed.phase in self._conversions
                else state
            )
        added = profile(distance - self._model.radius, width)
        own = (added > state.phi) & (distance < self._model.radius + _HALO * width)
        phi = np.where(own, added, state.phi)
        # It adds its own material and takes none of the film that it touches, tails included.
        part = np.where(own, 1.0 - state.phi / np.maximum(phi, 1e-300), 0.0)
        shares = state.shares * (1.0 - part)
        shares[seed.phase] += part
        return replace(state, phi=phi, shares=shares, grains=state.grains + 1)

    def _convert(self, state: FilmState, seed: Seed, distance: Array, width: float) -> FilmState:
        conversion = self._conversions[seed.phase]
        x, pair = conversion.part(state.shares)
        target = np.maximum(x, logistic(self._model.radius - distance, width))
        target = np.where(distance < self._model.radius + width, target, x)
        moles = pair * (target - x)
        shares = state.shares.copy()
        shares[conversion._a] -= moles
        shares[conversion._b] += moles * conversion._ratio
        return replace(state, shares=shares, grains=state.grains + 1)

    def _distance(self, point: Array) -> Array:
        """Return the distance of every node from ``point`` [m] across periodic sides, (size,)."""
        delta = self._space.points - point
        for axis, length in self._space.geometry.periods:
            delta[:, axis] -= length * np.rint(delta[:, axis] / length)
        return np.asarray(np.sqrt((delta**2).sum(axis=1)))
