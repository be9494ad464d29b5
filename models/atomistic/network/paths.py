"""Cheapest ways to a species, all co-reactants paid for."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.network.energies import Barriers, Energies
from interphase.models.atomistic.network.network import Network, Species
from interphase.parameters.errors import AtomisticError

# Of every step, so that of two ways with the same barriers the shorter one is taken [eV].
_STEP: Final = 0.02


@dataclass(frozen=True, slots=True)
class Step:
    """An edge in one of its directions, at a potential.

    Attributes:
        consumed: species that it consumes.
        made: species that it makes.
        electrons: consumed (negative: given back).
        change: free energy [eV].
        barrier: activation free energy [eV].
        text: equation for people.
        kind: of the edge.
    """

    consumed: tuple[Species, ...]
    made: tuple[Species, ...]
    electrons: int
    change: float
    barrier: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Path:
    """A chain of steps from a species that is there at the start.

    Attributes:
        steps: in their order.
        cost: sum over the steps and over what their co-reactants cost [eV].
    """

    steps: tuple[Step, ...]
    cost: float


def directed(
    network: Network, energies: Energies, potential: float, barriers: Barriers | None = None
) -> list[Step]:
    """Return every edge in both directions.

    Args:
        network: all its species have energies.
        energies: of the species.
        potential: of the electrode [V vs Li/Li+].
        barriers: from changes; the default ones if none are given.
    """
    law = barriers or Barriers()
    steps = []
    for edge in network.edges:
        change = energies.change(edge, potential)
        barrier = law.barrier(edge, change)
        left, _, right = edge.describe().partition(" -> ")
        steps += [
            Step(edge.consumed, edge.made, edge.electrons, change, barrier, edge.describe(),
                 edge.kind),
            Step(edge.made, edge.consumed, -edge.electrons, -change, barrier - change,
                 f"{right} -> {left}", edge.kind),
        ]  # fmt: skip
    return steps


def weight(step: Step) -> float:
    """Return what a step costs [eV]: its barrier, and more for more steps."""
    return _STEP + max(step.barrier, 0.0)


def cheapest(steps: Sequence[Step], start: Collection[Species]) -> dict[Species, float]:
    """Return the least cost of every species that can be reached [eV].

    A species costs what its cheapest step costs and all that the step consumes; what is there at
    the start costs nothing. Costs are positive, so repeated passes end (Knuth's generalisation of
    Dijkstra's algorithm).

    Source: Knuth, Inf. Process. Lett. 6, 1 (1977).
    """
    cost = dict.fromkeys(start, 0.0)
    changed = True
    while changed:
        changed = False
        for step in steps:
            total = weight(step)
            for one in step.consumed:
                total += cost.get(one, math.inf)
            if total == math.inf:
                continue
            for one in step.made:
                if total < cost.get(one, math.inf) - 1e-12:
                    cost[one] = total
                    changed = True
    return cost


def paths(
    steps: Sequence[Step], start: Sequence[Species], origin: Species, target: Species, count: int
) -> list[Path]:
    """Return the cheapest chains from one species to another, the best first.

    Args:
        steps: of `directed`.
        start: species that cost nothing.
        origin: where the chain begins, one of ``start``.
        target: where it ends.
        count: how many chains, at most.

    Raises:
        AtomisticError: if the target cannot be reached.
    """
    cost = cheapest(steps, start)
    if target not in cost:
        raise AtomisticError(f"{target.name} cannot be reached from {origin.name}")
    graph = _graph(steps, cost)
    found = []
    for nodes in islice(_simple(graph, origin, target), count):
        chain = [steps[node] for node in nodes if isinstance(node, int)]
        total = sum(graph.edges[pair]["weight"] for pair in zip(nodes, nodes[1:], strict=False))
        found.append(Path(tuple(chain), float(total)))
    return found


def _graph(steps: Sequence[Step], cost: Mapping[Species, float]) -> Any:
    """Return species and steps (by number) as nodes; a step's edges pay for its co-reactants."""
    graph = load("networkx").DiGraph()
    for number, step in enumerate(steps):
        if not all(one in cost for one in step.consumed):
            continue
        total = weight(step) + sum(cost[one] for one in step.consumed)
        for one in step.consumed:
            graph.add_edge(one, number, weight=total - cost[one])
        for one in step.made:
            graph.add_edge(number, one, weight=0.0)
    return graph


def _simple(graph: Any, origin: Species, target: Species) -> Iterator[list[Any]]:
    return iter(load("networkx").shortest_simple_paths(graph, origin, target, weight="weight"))
