"""Activation free energies of edges: one law of Marcus with the intrinsic barrier of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interphase.models.atomistic.network.energies import Energies
from interphase.models.atomistic.network.network import Edge, Network, Species


@dataclass(frozen=True, slots=True)
class Barriers:
    """Activation free energies E = E0 (1 + dG/(4 E0))^2, never below 0 or dG.

    An electron that only moves has the intrinsic barrier of its reorganisation energy, lambda/4;
    one that breaks a bond that of lambda + D, with D the energy of the bond. A metal offers
    electrons below its Fermi level too, so that barriers do not rise again where dG is below
    -4 E0. Two radicals join without a barrier of their own, as fast as they meet.

    Attributes:
        intrinsic: E0 of the kinds without electrons [eV]; assumed, ring opening of reduced EC is
            the one that is known best, about 0.5 eV at dG of about -1 eV.
        reorganisation: lambda of a single electron [eV]; that of EC.
        encounter: of two species that meet by diffusion [eV]; 7e9 l/(mol s).
        bond: D where it is not known [eV]; assumed.
        bonds: D of edges at which an electron breaks a bond [eV].

    Source: Marcus, J. Phys. Chem. 72, 891 (1968); for broken bonds Saveant, J. Am. Chem. Soc.
        109, 6788 (1987).
    """

    intrinsic: Mapping[str, float] = field(
        default_factory=lambda: {"lithiation": 0.1, "split": 0.9, "exchange": 1.0}
    )
    reorganisation: float = 1.5
    encounter: float = 0.17
    bond: float = 1.0
    bonds: Mapping[Edge, float] = field(default_factory=dict)

    def barrier(self, edge: Edge, change: float) -> float:
        """Return the activation free energy in the direction written [eV]."""
        forth, back = (self.encounter * (len(side) == 2) for side in (edge.consumed, edge.made))
        return max(forth, change + back, _marcus(self._intrinsic(edge), change))

    def _intrinsic(self, edge: Edge) -> float:
        if edge.kind == "reduction":
            return self.reorganisation / 4.0
        if edge.kind == "dissociation":
            return (self.reorganisation + self.bonds.get(edge, self.bond)) / 4.0
        if edge.kind == "exchange" and all(one.unpaired for one in edge.consumed):
            return 0.0
        return self.intrinsic[edge.kind]


def _marcus(intrinsic: float, change: float) -> float:
    if change <= -4.0 * intrinsic:
        return 0.0
    if change >= 4.0 * intrinsic:
        return change
    return intrinsic * (1.0 + change / (4.0 * intrinsic)) ** 2


def dissociation_energies(network: Network, energies: Energies) -> dict[Edge, float]:
    """Return what the bond costs that each electron breaks, without the electron [eV].

    The same fragments before either took the electron (and its lithium ion); of the two ways to
    share the charge the cheaper one. Edges whose fragments have no such state are left out.
    """
    found = {}
    for edge in network.edges:
        if edge.kind != "dissociation":
            continue
        whole = edge.consumed[0]
        costs = [
            energies.change(Edge("split", (whole,), parts), 0.0)
            for parts in _uncharged(edge)
            if all(one in energies.gibbs for one in parts)
        ]
        if costs:
            found[edge] = max(0.0, min(costs))
    return found


def _uncharged(edge: Edge) -> list[tuple[Species, ...]]:
    """Return the fragments without the electron, taken from either of them."""
    ways = []
    for index, one in enumerate(edge.made):
        if one.lithium < edge.ions:
            continue
        given = Species(one.smiles, one.charge + edge.electrons, one.lithium - edge.ions)
        ways.append((*edge.made[:index], given, *edge.made[index + 1 :]))
    return ways
