"""Potentials: any calculator of ASE with its name, its elements and its versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from interphase.models.atomistic.crystals.structures import check_overlap
from interphase.models.atomistic.extras import load, versions_of
from interphase.parameters.errors import AtomisticError, did_you_mean

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, slots=True)
class Potential:
    """A potential that gives energy, forces and stress.

    Attributes:
        name: for people and result files, with the version of its weights.
        make: makes a calculator of ASE.
        elements: symbols that it knows, None where it knows all that may come.
        distributions: packages that compute it.
    """

    name: str
    make: Callable[[], Any]
    elements: frozenset[str] | None = None
    distributions: tuple[str, ...] = ("ase",)

    def attach(self, atoms: Atoms, what: str) -> Atoms:
        """Return a copy of a structure that this potential computes.

        Args:
            atoms: the structure.
            what: its name in messages.

        Raises:
            AtomisticError: if atoms overlap or an element is unknown to the potential.
        """
        unknown = sorted(set(atoms.symbols) - self.elements) if self.elements is not None else []
        if unknown:
            known = ", ".join(sorted(self.elements or ()))
            raise AtomisticError(
                f"{what}: the potential {self.name} does not know {', '.join(unknown)}; "
                f"it knows {known if len(known) < 60 else f'{len(self.elements or ())} elements'}"
            )
        check_overlap(atoms, what)
        copy = atoms.copy()
        copy.calc = self.make()
        return copy

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages behind it."""
        return versions_of(self.distributions)


# MPtrj, on which all three were trained, holds 89 elements; these are the ones of an SEI.
_SEI_ELEMENTS: Final = frozenset("H Li Be B C N O F Na Mg Al Si P S Cl K Ca Mn Fe Co Ni Cu".split())


def _sevennet(checkpoint: str, modal: str | None = None) -> Callable[[], Any]:
    # one network serves all structures of a run: loading it takes seconds
    made: list[Any] = []

    def make() -> Any:
        if not made:
            made.append(load("sevenn.calculator").SevenNetCalculator(checkpoint, modal=modal))
        return made[0]

    return make


def _chgnet() -> Callable[[], Any]:
    made: list[Any] = []

    def make() -> Any:
        if not made:
            made.append(load("chgnet.model.dynamics").CHGNetCalculator(use_device="cpu"))
        return made[0]

    return make


_ML: Final[Mapping[str, tuple[Callable[[], Callable[[], Any]], tuple[str, ...]]]] = {
    "sevennet-0": (lambda: _sevennet("7net-0"), ("ase", "sevenn", "torch")),
    "sevennet-l3i5": (lambda: _sevennet("7net-l3i5"), ("ase", "sevenn", "torch")),
    "chgnet-0.3": (_chgnet, ("ase", "chgnet", "torch")),
}


def potential_names() -> list[str]:
    """Return the potentials that can be had by name; all need the extra ``mlp``."""
    return list(_ML)


def potential(name: str) -> Potential:
    """Return a machine-learned potential whose weights are inside its wheel.

    Raises:
        AtomisticError: if there is none of that name.
    """
    if name not in _ML:
        raise AtomisticError(f"potential '{name}' is not known; {did_you_mean(name, _ML)}")
    factory, distributions = _ML[name]
    return Potential(name, factory(), _SEI_ELEMENTS, distributions)
