"""Reactions inside the film: conversions at internal fronts, in mixtures, at depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from interphase.models.electrons import mean_tunnelling_speed
from interphase.models.interpolation import front_density, logistic, logistic_distance
from interphase.models.reactions import ReactionSet, Surroundings
from interphase.solvers.front import BAND, FrontGeometry, foot_of_front, front_geometry, led_action
from interphase.solvers.graph import NodeGraph
from interphase.solvers.space import Array, NodalSpace

# An internal front moves no farther at once, in interface widths. Steps are far shorter; in a stage
# of a leap it bounds spots whose layer of reactant is thin now and is taken as thin to its end.
FARTHEST = 0.4
# A pair of phases that fills less than this share of a node has no boundary there.
_PRESENT = 0.02
# A mixture that changes by less over the interface width has no boundary across the columns.
_TRACE = 1e-6
# Nodes where the product has more than this share (-0.5 l from the boundary) carry the internal
# front.
_HEAD = 0.12
# The profile ahead of the boundary is rebuilt a little beyond the band where it moves.
_AHEAD = BAND + 0.4
# The carrier's sink sits this many widths inside the leaky reactant, where the resistance of the
# product, harmonically mixed, is complete: what is left beyond it, (l/4) ln(1 + exp(-4 shift)) over
# the product's diffusivity, must be small beside the reaction's own resistance. At 1.0 a tenth too
# much carbonate formed at l = 1 nm. It needs two widths of reactant in front of it.
_SINK_SHIFT = 1.5


@dataclass(frozen=True)
class FilmView:
    """What conversions see of the film; arrays (size,) unless stated.

    Attributes:
        phi: order parameter.
        shares: of the solids, (solids, size).
        action: tunnelling action.
        carrier: c/c_ref of localised electrons.
        potential: phi_E - phi_l [V].
        solvent: c_EC/c_EC_ref [-].
        salt: c_salt/c_salt_ref [-].
        width: interface width [m].
        step: length of the step [s].
    """

    phi: Array
    shares: Array
    action: Array
    carrier: Array
    potential: Array
    solvent: Array
    salt: Array
    width: float
    step: float


@dataclass(frozen=True)
class Converted:
    """Result of one reaction inside the film over one step.

    Attributes:
        extent: per volume [mol/m3], (size,).
        tunnelling: part of the electrons that tunnelled, (size,).
        displacement: how far the fastest internal front wanted to move, on any rank, or what counts
            as much [m].
        usual: the mean of that over the internal front [m].
        held: part of the internal front that wanted to move farther than is allowed at once [-].
    """

    extent: Array
    tunnelling: Array
    displacement: float
    usual: float = 0.0
    held: float = 0.0

    @classmethod
    def together(cls, stages: Sequence[Self]) -> Self:
        """Return what several stretches of time did, one after the other; the largest ways."""
        extent = np.sum([s.extent for s in stages], axis=0)
        tunnelled = np.sum([s.extent * s.tunnelling for s in stages], axis=0)
        part = np.where(extent != 0.0, tunnelled / np.where(extent != 0.0, extent, 1.0), 1.0)
        ways = np.max([(s.displacement, s.usual, s.held) for s in stages], axis=0)
        return cls(extent, np.clip(part, 0.0, 1.0), *(float(way) for way in ways))


class Conversion(Protocol):
    """A reaction inside the film: turns one solid into another, or fills pores."""

    reaction: int

    def locate(self, view: FilmView) -> Array:
        """Return the signed distance to its boundary [m], (size,); zeros if it has none."""
        ...

    def sink(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Array:
        """Return the electrons taken from carriers at c = c_ref [mol/(m3 s)], (size,).

        Of the forward reaction; the caller takes off the reverse one.
        """
        ...

    def advance(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Converted:
        """Return what one step converts; ``boundary`` as located at the start of the step."""
        ...


def surroundings(
    view: FilmView, action: Array, carrier: Array, rows: npt.NDArray[np.int64] | slice = slice(None)
) -> Surroundings:
    """Return what a reaction inside the film sees at ``rows``; a pore wall has no curvature."""
    probability = np.exp(-2.0 * action[rows])
    return Surroundings(
        view.potential[rows], probability, carrier[rows], view.solvent[rows], view.salt[rows],
        np.zeros_like(probability),
    )  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two solids of which a reaction turns one into the other.

    Attributes:
        reactant: index of the solid that is used.
        product: index of the solid that is made.
        volume: of reactant used per extent [m3/mol].
        ratio: volume of product made over that of reactant used [-].
    """

    reactant: int
    product: int
    volume: float
    ratio: float

    @classmethod
    def of(cls, reaction: int, set_: ReactionSet) -> Pair:
        """Return the pair of a conversion."""
        nu = set_.solid_stoichiometry[reaction] * set_.molar_volume
        a, b = int(np.argmin(nu)), set_.product[reaction]
        return cls(a, b, float(-nu[a]), float(-nu[b] / nu[a]))

    def part(self, shares: Array) -> tuple[Array, Array]:
        """Return (x, pair): the product's part of the pair, and the pair's share unconverted."""
        made = shares[self.product] / self.ratio
        pair = shares[self.reactant] + made
        return np.where(pair > _PRESENT, made / np.maximum(pair, _PRESENT), 0.0), pair


class FrontConversion:
    """Conversion at the boundary between reactant and product, which moves into the reactant.

    The boundary is the level x = 1/2 of the product's part x of the pair, in moles. It is carried
    by shifting its distance, ``psi -> psi + v dt``, exactly; ahead of it the profile is rebuilt
    from
    the distance to the boundary, so a trace of product far away (round-off included) cannot grow.
    """

    def __init__(
        self, space: NodalSpace, graph: NodeGraph, reaction: int, set_: ReactionSet
    ) -> None:
        self.reaction = reaction
        self._space, self._graph = space, graph
        self.pair = Pair.of(reaction, set_)
        # First guess of the distance ahead; the solution does not depend on it.
        self._guess = np.full(space.size, np.inf)

    def locate(self, view: FilmView) -> Array:
        """Return psi, rebuilt ahead of the boundary from the distance to it."""
        x, pair = self.pair.part(view.shares)
        psi = logistic_distance(x, view.width)
        head = (x > _HEAD) & (view.phi > 0.05)
        away = (view.phi < 0.01) | (pair < _PRESENT)
        limit = _AHEAD * view.width
        base = np.where(head, np.maximum(-psi, 0.0), limit)
        self._guess = self._graph.eikonal(
            np.ones_like(psi), head | away, self._guess, limit=limit, base=base
        )
        return np.where(head, psi, -self._guess)

    def sink(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Array:
        """Return the carriers' sink, shifted into the reactant; see the module."""
        _, pair = self.pair.part(view.shares)
        shifted = front_density(
            logistic(boundary + _SINK_SHIFT * view.width, view.width), view.width
        )
        r = self.reaction
        # Only in the film and only where the pair is: beside a third phase nothing converts.
        return np.asarray(
            set_.electrons[r]
            * set_.interstitial_rate[r]
            * shifted
            * view.phi
            * np.clip(pair, 0.0, 1.0)
        )

    def advance(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Converted:
        """Move the boundary for one step; see the class."""
        space = self._space
        x, pair = self.pair.part(view.shares)
        geometry = front_geometry(space, self._graph, boundary, view.width)
        foot = foot_of_front(space, self._graph, geometry, view.action, view.width)
        action, lead, lowest, decay = geometry.at_front(space, [view.action], foot.fields)
        action, carrier = led_action(action, lead, lowest), self._leaky_side(view, boundary)
        rows = np.flatnonzero(geometry.band & (pair > _PRESENT))
        tunnelling, carried = set_.rates(self.reaction, surroundings(view, action, carrier, rows))
        speed = mean_tunnelling_speed(
            tunnelling * self.pair.volume, carried * self.pair.volume, decay[rows], view.step
        )
        moved, new, share = np.zeros(space.size), x.copy(), np.ones(space.size)
        moved[rows] = speed * view.step
        farthest = FARTHEST * view.width
        way = np.minimum(moved[rows], farthest)
        new[rows] = np.maximum(logistic(boundary[rows] + way, view.width), x[rows])
        share[rows] = np.clip(
            1.0 - carried * self.pair.volume / np.maximum(speed, 1e-300), 0.0, 1.0
        )
        extent = view.phi * pair * (new - x) / self.pair.volume
        # Where the reactant is used up, the boundary has arrived: it does not limit the step.
        moving = geometry.edge & (view.phi > 0.5) & (x < 0.99)
        moved = np.where(moving, moved, 0.0)
        sums = np.array([moved.sum(), (moved > farthest).sum(), moving.sum()], dtype=np.float64)
        ways, held, nodes = space.comm.allreduce(sums)
        usual, part = (float(value / max(nodes, 1.0)) for value in (ways, held))
        return Converted(extent, share, max(space.max(moved), 0.0), usual, part)

    def _leaky_side(self, view: FilmView, psi: Array) -> Array:
        """Return the carrier concentration beside the boundary, on the reactant's side."""
        start = -0.9 * _SINK_SHIFT * view.width
        band = np.abs(psi) < BAND * view.width
        carry = self._graph.extension(psi, band, psi <= start)
        return carry.apply(
            view.carrier, int(np.ceil(2 * BAND * view.width / self._space.geometry.cell_size))
        )


class MixtureConversion:
    """Conversion in a mixture of unresolved columns.

    Columns of product widen into the reactant beside them, with a boundary area per volume of
    4 q_a q_b / spacing by what the columns fill, and rise into the mixture above. So the product's
    part x of the pair, in moles, obeys

        dx/dt = v [ |grad x| + (4 / spacing) f x (1 - x) ],   f = V_b q / (V_a filled^2)

    with the pair's share q. Rising boundaries fill the mesh cell by cell (`NodeGraph.rise`): upwind
    differences leave exp(-n) of the reactant n cells behind, and a trace of a leaky reactant opens
    a compact layer.
    """

    def __init__(
        self, space: NodalSpace, graph: NodeGraph, reaction: int, set_: ReactionSet, spacing: float
    ) -> None:
        self.reaction = reaction
        self._space, self._graph, self._spacing = space, graph, spacing
        self.pair = Pair.of(reaction, set_)

    def _widening(self, shares: Array, x: Array, pair: Array) -> Array:
        """Return (4 / spacing) f [1/m], (size,)."""
        others = shares.sum(axis=0) - shares[self.pair.reactant] - shares[self.pair.product]
        filled = np.maximum(others + pair * (1.0 - x + self.pair.ratio * x), 1e-12)
        return np.asarray(4.0 / self._spacing * self.pair.ratio * pair / filled**2)

    def locate(self, view: FilmView) -> Array:
        """Return zeros: it has no boundary of its own."""
        return np.zeros_like(view.phi)

    def sink(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Array:
        """Return the carriers' sink where the boundaries are."""
        r = self.reaction
        x, pair = self.pair.part(view.shares)
        inside = view.phi > 0.5
        # Ahead of the film are no columns.
        rise = np.where(inside, self._graph.upwind_slope(np.where(inside, x, 0.0)), 0.0)
        area = pair * (rise + self._widening(view.shares, x, pair) * x * (1.0 - x))
        return np.asarray(set_.electrons[r] * set_.interstitial_rate[r] * area * view.phi)

    def advance(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Converted:
        """Convert in every node at the rates of the step's beginning; see the class."""
        tunnelling, carried = set_.rates(
            self.reaction, surroundings(view, view.action, view.carrier)
        )
        total = np.maximum(tunnelling + carried, 0.0)
        x, pair = self.pair.part(view.shares)
        way = total * self.pair.volume * view.step
        inside = (view.phi > 0.5) & (pair > _PRESENT)
        new, left, displacement = x, 1.0, 0.0
        while left > 0.0:
            below = np.where(inside, new, 0.0)
            steep = np.where(inside, self._graph.upwind_slope(below), 0.0) * view.width
            if left == 1.0:
                displacement = self._space.max(way * np.minimum(steep, 1.0))
            # Where no more than a trace of the reactant is left, boundaries have gone by.
            cells = self._graph.crossed(np.where(steep > _TRACE, way, 0.0))
            part = min(left, 1.0 / max(cells, 1e-300))
            new = np.where(inside, self._graph.rise(below, way * part), new)
            odds = np.exp(-self._widening(view.shares, new, pair) * way * part)
            new = np.where(new > 0.0, new / (new + (1.0 - new) * odds), 0.0)
            left = left - part if left - part > _TRACE else 0.0
        new = np.maximum(new, x)
        extent = view.phi * pair * (new - x) / self.pair.volume
        share = tunnelling / np.maximum(total, 1e-300)
        held = float(displacement > FARTHEST * view.width)
        return Converted(extent, share, displacement, displacement, held)


class DepthConversion:
    """Conversion within the tunnelling depth of the electrode, for a product that forms no nuclei.

    A rate R per area is spread over the depth the electrons reach, R beta exp(-2 S) per volume. It
    may run backwards where its product is.
    """

    def __init__(self, space: NodalSpace, reaction: int, set_: ReactionSet) -> None:
        self.reaction = reaction
        self._space = space
        self._pair = Pair.of(reaction, set_)

    def locate(self, view: FilmView) -> Array:
        """Return zeros: it has no boundary of its own."""
        return np.zeros_like(view.phi)

    def sink(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Array:
        """Return zero: only tunnelling electrons reach it."""
        return np.zeros_like(view.phi)

    def advance(self, set_: ReactionSet, view: FilmView, boundary: Array) -> Converted:
        """Convert in every node; exact exponentials bound it by what is there."""
        at = surroundings(view, view.action, np.zeros_like(view.carrier))
        rate, _ = set_.rates(self.reaction, at)
        gradient = self._space.gradient(view.action)
        reach = 2.0 * np.sqrt((gradient**2).sum(axis=0))
        lost = self._pair.volume
        made = lost * self._pair.ratio
        ahead = (
            -np.expm1(-np.maximum(rate, 0.0) * reach * lost * view.step)
            * view.shares[self._pair.reactant]
            / lost
        )
        back = (
            -np.expm1(-np.maximum(-rate, 0.0) * reach * made * view.step)
            * view.shares[self._pair.product]
            / made
        )
        return Converted(view.phi * (ahead - back), np.ones_like(rate), 0.0)


def conversions(
    space: NodalSpace,
    graph: NodeGraph,
    set_: ReactionSet,
    *,
    nucleating: Array,
    proportional: bool,
    spacing: float,
) -> list[Conversion]:
    """Return the conversions of a film, each with the law that its product asks for.

    A product that nucleates has boundaries to run at; one that does not runs at the electrode;
    unresolved columns convert as a mixture.
    """
    out: list[Conversion] = []
    for r in set_.conversions:
        if not nucleating[set_.product[r]]:
            out.append(DepthConversion(space, r, set_))
        elif proportional:
            out.append(MixtureConversion(space, graph, r, set_, spacing))
        else:
            out.append(FrontConversion(space, graph, r, set_))
    return out


__all__ = ["Conversion", "Converted", "FilmView", "FrontConversion", "FrontGeometry", "conversions"]
