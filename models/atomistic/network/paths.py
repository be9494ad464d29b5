"""Cheapest ways to a species, all co-reactants paid for."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.network.barriers import Barriers, dissociation_energies
from interphase.models.atomistic.network.energies import Energies
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
    law = barriers or Barriers(bonds=dissociation_energies(network, energies))
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
    the start costs nothing. Costs are positive, so the cheapest species not yet settled is final
    (Knuth's generalisation of Dijkstra's algorithm).

    Source: Knuth, Inf. Process. Lett. 6, 1 (1977).
    """
    uses: dict[Species, list[int]] = {}
    for number, step in enumerate(steps):
        for one in set(step.consumed):
            uses.setdefault(one, []).append(number)
    waiting = [len(set(step.consumed)) for step in steps]
    settled: dict[Species, float] = {}
    heap: list[tuple[float, Species]] = [(0.0, one) for one in start]
    while heap:
        cost, one = heapq.heappop(heap)
        if one in settled:
            continue
        settled[one] = cost
        for number in uses.get(one, ()):
            waiting[number] -= 1
            if waiting[number] == 0:
                step = steps[number]
                total = weight(step) + sum(settled[part] for part in step.consumed)
                for made in step.made:
                    heapq.heappush(heap, (total, made))
    return settled


class Ways:
    """Ways through a network from what is there at the start.

    Attributes:
        cost: least cost of every species that can be reached [eV].
    """

    def __init__(self, steps: Sequence[Step], start: Collection[Species]) -> None:
        """Settle the costs once, for any number of targets.

        Args:
            steps: of `directed`.
            start: species that cost nothing.
        """
        self.cost = cheapest(steps, start)
        self._steps = steps
        self._graph = _graph(steps, self.cost)

    def paths(self, origin: Species, target: Species, count: int) -> list[Path]:
        """Return the cheapest chains from one species to another, the best first.

        Args:
            origin: where the chain begins, one of those at the start.
            target: where it ends.
            count: how many chains, at most.

        Raises:
            AtomisticError: if the target cannot be reached.
        """
        graph = self._graph
        networkx = load("networkx")
        if not (target in graph and origin in graph and networkx.has_path(graph, origin, target)):
            raise AtomisticError(f"{target.name} cannot be reached from {origin.name}")
        found = []
        simple = networkx.shortest_simple_paths(graph, origin, target, weight="weight")
        for nodes in islice(simple, count):
            chain = tuple(self._steps[node] for node in nodes if isinstance(node, int))
            pairs = zip(nodes, nodes[1:], strict=False)
            total = sum(graph.edges[pair]["weight"] for pair in pairs)
            found.append(Path(chain, float(total)))
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
