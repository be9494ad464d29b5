"""Species and elementary reactions, generated from seeds; atoms and charge hold on every edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from typing import Final, Literal

from interphase.models.atomistic.network import skeleton
from interphase.parameters.errors import AtomisticError

Kind = Literal["reduction", "dissociation", "lithiation", "split", "exchange"]

ELECTRON: Final = "e-"
LITHIUM: Final = "Li+"

SEEDS: Final[Mapping[str, str]] = {
    "EC": "O=C1OCCO1",
    "PF6-": "F[P-](F)(F)(F)(F)F",
    "VC": "O=C1OC=CO1",
    "FEC": "O=C1OCC(F)O1",
}
"""Skeletons to start from."""

KNOWN: Final[Mapping[str, str]] = {
    "EC": "O=C1OCCO1",
    "EDC": "[O]C(=O)OCCOC([O])=O",
    "BDC": "[O]C(=O)OCCCCOC([O])=O",
    "CO3": "[O]C([O])=O",
    "CO2": "O=C=O",
    "CO": "[C-]#[O+]",
    "C2H4": "C=C",
    "O": "[O]",
    "F": "[F]",
    "EC-open": "[CH2]COC([O])=O",
    "VC": "O=c1occo1",
    "FEC": "O=C1OCC(F)O1",
    "FEC-F": "O=C1O[CH]CO1",
    "PF6": "F[P-](F)(F)(F)(F)F",
    "PF5": "FP(F)(F)(F)F",
    "PF3": "FP(F)F",
}
"""Short names of some skeletons."""


@dataclass(frozen=True, slots=True, order=True)
class Species:
    """A skeleton with a charge, and lithium ions bound to it.

    Attributes:
        smiles: canonical skeleton, empty for a bare lithium ion.
        charge: of the skeleton alone [e].
        lithium: number of lithium ions.
    """

    smiles: str
    charge: int = 0
    lithium: int = 0

    @property
    def total_charge(self) -> int:
        """Charge with lithium [e]."""
        return self.charge + self.lithium

    @property
    def name(self) -> str:
        """Name for people: ``Li2[EDC]0`` is the neutral salt."""
        names = {smiles: short for short, smiles in KNOWN.items()}
        body = names.get(self.smiles, self.smiles)
        ions = "" if not self.lithium else "Li" + (str(self.lithium) if self.lithium > 1 else "")
        return f"{ions}[{body}]{self.total_charge:+d}" if self.total_charge else f"{ions}[{body}]"

    @property
    def unpaired(self) -> int:
        """Number of unpaired electrons of the lowest spin; two for an oxygen atom."""
        if self.smiles == "[O]" and self.charge == 0:
            return 2
        added = skeleton.formal_charge(self.smiles) - self.charge
        return (skeleton.radicals(self.smiles) + added) % 2

    def atoms(self) -> Counter[str]:
        """Return the atoms with lithium."""
        return skeleton.elements(self.smiles) + Counter({"Li": self.lithium})


@dataclass(frozen=True, slots=True)
class Edge:
    """One elementary reaction, in the direction in which it is written.

    Attributes:
        kind: reduction, reduction that breaks a bond (dissociation), lithiation, split (or
            opening) of a bond, exchange of a fragment.
        consumed: species; `ELECTRON` and `LITHIUM` are counted apart.
        made: species.
        electrons: that are consumed.
        ions: lithium ions that are consumed.
    """

    kind: Kind
    consumed: tuple[Species, ...]
    made: tuple[Species, ...]
    electrons: int = 0
    ions: int = 0

    def __post_init__(self) -> None:
        """Refuse an edge that gains or loses atoms or charge."""
        atoms: Counter[str] = Counter({"Li": -self.ions})
        charge = self.electrons - self.ions
        for sign, side in ((-1, self.consumed), (1, self.made)):
            for one in side:
                charge += sign * one.total_charge
                for element, count in one.atoms().items():
                    atoms[element] += sign * count
        wrong = [f"{count:+d} {element}" for element, count in atoms.items() if count]
        wrong += [f"charge {charge:+d}"] if charge else []
        if wrong:
            raise AtomisticError(f"{self.describe()}: not balanced: {', '.join(wrong)}")

    def describe(self) -> str:
        """Return the equation."""
        left = [one.name for one in self.consumed]
        left += [LITHIUM] * self.ions + [ELECTRON] * self.electrons
        return f"{' + '.join(left)} -> {' + '.join(one.name for one in self.made)}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps a network small.

    Attributes:
        heavy_atoms: of the largest species.
        lithium: ions of one species.
        total_charge: largest, of either sign [e].
        open_valences: of a skeleton that joins others.
    """

    heavy_atoms: int = 12
    lithium: int = 2
    total_charge: int = 1
    open_valences: int = 2


@dataclass(frozen=True)
class Network:
    """Species and the edges between them.

    Attributes:
        species: all species.
        edges: all edges, each in one direction.
    """

    species: tuple[Species, ...]
    edges: tuple[Edge, ...] = field(repr=False)

    def only(self, kept: Iterable[Species]) -> Network:
        """Return the part of the network among some of its species."""
        left = set(kept)
        edges = tuple(one for one in self.edges if {*one.consumed, *one.made} <= left)
        return Network(tuple(one for one in self.species if one in left), edges)


def skeletons(seeds: Sequence[str], limits: Limits) -> list[str]:
    """Return fragments of the seeds, and what two of them make.

    Fragments with phosphorus join nothing: organophosphates come later than the film's first
    nanometres, and would be half of the network.
    """
    found = dict.fromkeys(skeleton.fragments(seeds))
    pieces = [
        one
        for one in found
        if 0 < skeleton.radicals(one) <= limits.open_valences and "P" not in skeleton.elements(one)
    ]
    for first, second in combinations_with_replacement(pieces, 2):
        if skeleton.heavy_atoms(first) + skeleton.heavy_atoms(second) <= limits.heavy_atoms:
            found.update(dict.fromkeys(skeleton.joins(first, second)))
    return list(found)


def states(smiles: str, limits: Limits) -> Iterator[Species]:
    """Return the charges and lithium ions that a skeleton may have.

    Open valences take one electron each; a closed shell takes one. Lithium binds to oxygen and
    fluorine only, to an anion no more than neutralises it: in the liquid the next ion has a shell
    of its own.
    """
    least = skeleton.formal_charge(smiles)
    electrons = max(1, skeleton.radicals(smiles))
    binds = bool({"O", "F"} & set(skeleton.elements(smiles)))
    for added, lithium in product(range(electrons + 1), range(limits.lithium * binds + 1)):
        one = Species(smiles, least - added, lithium)
        if abs(one.total_charge) <= limits.total_charge and lithium <= max(1, -one.charge):
            yield one


def build(names: Sequence[str] = ("EC", "PF6-"), limits: Limits | None = None) -> Network:
    """Generate the network of some seeds.

    Fragments of the seeds have all charges that the limits allow; what two fragments made is
    neutral: it is as large as the film's salts and leaves the liquid as one.

    Args:
        names: of `SEEDS`.
        limits: what keeps it small.

    Raises:
        AtomisticError: if a seed is unknown.
    """
    bounds = limits or Limits()
    for name in names:
        if name not in SEEDS:
            raise AtomisticError(f"seed '{name}' is not known; there are {', '.join(SEEDS)}")
    every = skeletons([SEEDS[name] for name in names], bounds)
    pieces = set(skeleton.fragments([SEEDS[name] for name in names]))
    by_skeleton = {
        smiles: [one for one in states(smiles, bounds) if smiles in pieces or not one.total_charge]
        for smiles in every
    }
    species = [one for group in by_skeleton.values() for one in group]
    edges = [*_electrons_and_ions(species), *_splits(by_skeleton, bounds)]
    edges += _exchanges(edges, pieces)
    return Network(tuple(species), tuple(dict.fromkeys(edges)))


def _electrons_and_ions(species: Sequence[Species]) -> Iterator[Edge]:
    known = set(species)
    for one in species:
        reduced = Species(one.smiles, one.charge - 1, one.lithium)
        if reduced in known:
            yield Edge("reduction", (one,), (reduced,), electrons=1)
        salt = Species(one.smiles, one.charge - 1, one.lithium + 1)
        if salt in known:
            yield Edge("reduction", (one,), (salt,), electrons=1, ions=1)
        bound = Species(one.smiles, one.charge, one.lithium + 1)
        if bound in known:
            yield Edge("lithiation", (one,), (bound,), ions=1)


def _splits(by_skeleton: Mapping[str, list[Species]], limits: Limits) -> Iterator[Edge]:
    for smiles, group in by_skeleton.items():
        for parts in _reachable(smiles, by_skeleton):
            for one in group:
                for made in product(*(by_skeleton[part] for part in parts)):
                    electrons = one.charge - sum(part.charge for part in made)
                    ions = sum(part.lithium for part in made) - one.lithium
                    if (electrons, ions) == (0, 0):
                        yield Edge("split", (one,), tuple(sorted(made)))
                    elif electrons == 1 and ions in (0, 1):
                        yield Edge("dissociation", (one,), tuple(sorted(made)), 1, ions)


def _reachable(smiles: str, known: Mapping[str, object]) -> list[skeleton.Split]:
    return [parts for parts in skeleton.splits(smiles) if all(part in known for part in parts)]


def _exchanges(edges: Sequence[Edge], pieces: Collection[str]) -> list[Edge]:
    """Return A + B -> C + D where A gives a fragment to B: A -> C + X, then X + B -> D.

    Only between neutral species, which meet without repulsion, and only where all but D are
    fragments of the seeds: what two fragments made takes part as a whole or not at all.
    """
    neutral = [
        one
        for one in edges
        if one.kind == "split" and len(one.made) == 2 and not one.consumed[0].total_charge
    ]
    by_fragment: dict[Species, list[tuple[Species, Species]]] = {}
    for one in neutral:
        for piece, rest in (one.made, one.made[::-1]):
            if not rest.total_charge and {piece.smiles, rest.smiles} <= set(pieces):
                by_fragment.setdefault(piece, []).append((one.consumed[0], rest))
    found = []
    for pairs in by_fragment.values():
        for (giver, left), (whole, taker) in product(pairs, repeat=2):
            if giver.smiles in pieces and giver != whole and left != taker and left != whole:
                found.append(
                    Edge("exchange", tuple(sorted((giver, taker))), tuple(sorted((left, whole))))
                )
    return found
