"""Seeds on the electrode: which appear in a step, and what a seed does to the film."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from mpi4py import MPI

from interphase.models.interpolation import logistic, profile
from interphase.models.nucleation import GivenNuclei, PoissonNucleation
from interphase.models.reactions import ReactionSet
from interphase.parameters.errors import CaseError
from interphase.solvers.conversion import FrontConversion
from interphase.solvers.graph import BoolArray
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState

# A site is taken where the film's order parameter at it exceeds this.
_OCCUPIED = 0.1
# Positions are rounded to this length [m] to key the random draws.
_KEY = 1.0e-12
# A seed converts film that stands at its place, made of the reactant to more than this part.
_CONVERTIBLE = 0.5
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
    converts: bool = False


class SeedLaw(Protocol):
    """Says which seeds appear in a step."""

    radius: float
    sites: int

    def seeds(
        self, state: FilmState, set_: ReactionSet, bare: Array, converting: Array, dt: float
    ) -> tuple[Array, Array, list[Seed]]:
        """Return (hazard, draws, seeds) of a step; collective.

        Args:
            state: the film at its start.
            set_: the reactions.
            bare: growth speed of each solid on the bare surface [m/s], (solids,).
            converting: speed of the conversion into each solid at the electrode [m/s], (solids,).
            dt: step [s].

        Returns:
            Hazard and draws of this rank's sites afterwards, (solids, sites), and the seeds in the
            order of their times, the same on all ranks.
        """
        ...


class PoissonSites:
    """Every node of the electrode draws; independent of partition and of rejected steps.

    Attributes:
        radius: of a seed [m].
        sites: number of sites of this rank.
    """

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        model: PoissonNucleation,
        conversions: list[FrontConversion],
    ) -> None:
        self._space, self._model = space, model
        self._conversions = conversions
        self._sites = np.flatnonzero(electrode)
        self._points = space.points[self._sites]
        self._keys = np.rint(self._points / _KEY).astype(np.int64)
        area = space.mass[self._sites]
        total = space.sum(area)
        self._area = area / max(total, 1e-300) * space.geometry.area
        self.radius, self.sites = model.radius, int(self._sites.size)

    def seeds(
        self, state: FilmState, set_: ReactionSet, bare: Array, converting: Array, dt: float
    ) -> tuple[Array, Array, list[Seed]]:
        """Return (hazard, draws, seeds); see `SeedLaw`."""
        after = self._hazard(state, bare, converting, dt)
        threshold = self._model.thresholds(self._keys, state.draws)
        fired = after >= threshold
        mine = []
        for a, s in zip(*np.nonzero(fired), strict=True):
            before = state.hazard[a, s]
            part = float((threshold[a, s] - before) / (after[a, s] - before))
            key, point = tuple(self._keys[s].tolist()), tuple(self._points[s].tolist())
            mine.append((part, key, int(a), point))
        every = [item for rank in self._space.comm.allgather(mine) for item in rank]
        # A site that fired starts anew.
        hazard, draws = np.where(fired, 0.0, after), state.draws + fired
        return hazard, draws, [Seed(p, a) for _, _, a, p in sorted(every)]

    def _hazard(self, state: FilmState, bare: Array, converting: Array, dt: float) -> Array:
        """Return the integral of J dA dt of every site after the step, (solids, sites)."""
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
            c.pair.product: ((phi > 0.9) & (shares[c.pair.reactant] > 0.9)).astype(np.float64)
            for c in self._conversions
        }
        return (phi < _OCCUPIED).astype(np.float64), under


class GivenSites:
    """Seeds where and when the case says.

    Attributes:
        radius: of a seed [m].
        sites: 0, nothing is drawn.

    Raises:
        CaseError: a nucleus does not lie on the electrode.
    """

    sites = 0

    def __init__(self, space: NodalSpace, electrode: BoolArray, model: GivenNuclei) -> None:
        self._model, self.radius = model, model.radius
        cell = space.geometry.cell_size
        low = [-space.max(-x) - cell for x in space.points.T]
        high = [space.max(x) + cell for x in space.points.T]
        for nucleus in model.nuclei:
            place = np.array(nucleus.position)
            near = space.distance(place)[electrode].min(initial=np.inf)
            far = space.comm.allreduce(float(near), op=MPI.MIN) > cell
            if far or np.any(place < low) or np.any(place > high):
                text = ", ".join(f"{1e9 * x:.6g} nm" for x in nucleus.position)
                raise CaseError(
                    f"the nucleus at [{text}] does not lie on the electrode, which reaches from "
                    f"{1e9 * (low[0] + cell):.6g} to {1e9 * (high[0]):.6g} nm along x",
                    "initial.seeds.nuclei",
                )

    def seeds(
        self, state: FilmState, set_: ReactionSet, bare: Array, converting: Array, dt: float
    ) -> tuple[Array, Array, list[Seed]]:
        """Return (hazard, draws, seeds); see `SeedLaw`."""
        # A nucleus of time zero appears in the first step.
        start = state.time if state.time > 0.0 else -1.0
        due = self._model.between(start, state.time + dt)
        return state.hazard, state.draws, [Seed(n.position, n.phase) for n in due]


class Nucleator:
    """Places the seeds of a step."""

    def __init__(
        self,
        space: NodalSpace,
        electrode: BoolArray,
        model: PoissonNucleation | GivenNuclei,
        conversions: list[FrontConversion],
    ) -> None:
        self._space, self._sites = space, np.flatnonzero(electrode)
        self._conversions = {c.pair.product: c for c in conversions}
        self._law: SeedLaw = (
            GivenSites(space, electrode, model)
            if isinstance(model, GivenNuclei)
            else PoissonSites(space, electrode, model, conversions)
        )

    @property
    def sites(self) -> int:
        """Return the number of sites of this rank that draw."""
        return self._law.sites

    def step(
        self, new: FilmState, old: FilmState, set_: ReactionSet, bare: Array, converting: Array,
        width: float,
    ) -> tuple[FilmState, tuple[Seed, ...]]:  # fmt: skip
        """Return the state with the seeds of the step from ``old`` to ``new``, and those placed.

        Speeds as in `SeedLaw.seeds`; ``width`` is that of the interface [m].
        """
        hazard, draws, seeds = self._law.seeds(old, set_, bare, converting, new.time - old.time)
        return self.place(replace(new, hazard=hazard, draws=draws), seeds, width)

    def place(
        self, state: FilmState, seeds: list[Seed], width: float
    ) -> tuple[FilmState, tuple[Seed, ...]]:
        """Return the state with the seeds in it, and those; one whose place is taken is dropped."""
        placed = []
        for seed in seeds:
            distance = self._space.distance(np.array(seed.position))
            phi, columns = self._there(state, distance)
            conversion = self._conversions.get(seed.phase)
            if phi <= _OCCUPIED:
                state = self._add(state, seed, distance, width)
            elif conversion and min(phi, float(columns[conversion.pair.reactant])) > _CONVERTIBLE:
                state = self._convert(state, seed, distance, width)
            else:
                continue
            placed.append(replace(seed, converts=phi > _OCCUPIED))
        return state, tuple(placed)

    def _there(self, state: FilmState, distance: Array) -> tuple[float, Array]:
        """Return phi and the columns of the solids on the electrode where ``distance`` is least."""
        steps = np.rint(distance[self._sites] / _KEY)
        nearest = steps.min(initial=np.inf)
        rows = self._sites[steps == nearest]
        # Of several that are as near, the one with most film: the same on any number of ranks.
        row = rows[np.argmax(state.phi[rows])] if rows.size else None
        mine = (
            [nearest, -state.phi[row], *(-state.columns[:, row])]
            if row is not None
            else [np.inf] * (2 + len(state.shares))
        )
        every = self._space.comm.allgather([float(x) for x in mine])
        _, phi, *columns = min(every)
        return -phi, -np.array(columns)

    def _add(self, state: FilmState, seed: Seed, distance: Array, width: float) -> FilmState:
        added = profile(distance - self._law.radius, width)
        own = (added > state.phi) & (distance < self._law.radius + _HALO * width)
        phi = np.where(own, added, state.phi)
        # It adds its own material and takes none of the film that it touches, tails included.
        part = np.where(own, 1.0 - state.phi / np.maximum(phi, 1e-300), 0.0)
        shares = state.shares * (1.0 - part)
        shares[seed.phase] += part
        return replace(state, phi=phi, shares=shares, grains=state.grains + 1)

    def _convert(self, state: FilmState, seed: Seed, distance: Array, width: float) -> FilmState:
        conversion = self._conversions[seed.phase]
        x, pair = conversion.pair.part(state.shares)
        target = np.maximum(x, logistic(self._law.radius - distance, width))
        target = np.where(distance < self._law.radius + width, target, x)
        moles = pair * (target - x)
        shares = state.shares.copy()
        shares[conversion.pair.reactant] -= moles
        shares[conversion.pair.product] += moles * conversion.pair.ratio
        return replace(state, shares=shares, grains=state.grains + 1)
