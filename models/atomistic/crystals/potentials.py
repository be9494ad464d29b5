"""Potentials: any calculator of ASE with its name, its elements and its versions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    # energies of relaxed crystals: every reaction and defect asks for the same ones
    known: dict[tuple[str, float], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

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


# The sets that all of them were trained on hold 89 elements; these are the ones of an SEI.
_SEI_ELEMENTS: Final = frozenset("H Li Be B C N O F Na Mg Al Si P S Cl K Ca Mn Fe Co Ni Cu".split())


@dataclass(frozen=True, slots=True)
class _SevenNet:
    """A checkpoint of SevenNet, by the name that its package knows."""

    checkpoint: str
    modal: str | None = None
    distributions: tuple[str, ...] = ("ase", "sevenn", "torch")

    def make(self) -> Any:
        """Load it."""
        calculators = load("sevenn.calculator")
        return calculators.SevenNetCalculator(self.checkpoint, modal=self.modal, device="cpu")


@dataclass(frozen=True, slots=True)
class _CHGNet:
    """A checkpoint of CHGNet, by the name that its package knows."""

    checkpoint: str
    distributions: tuple[str, ...] = ("ase", "chgnet", "torch")

    def make(self) -> Any:
        """Load it."""
        network = load("chgnet.model").CHGNet.load(
            model_name=self.checkpoint, use_device="cpu", verbose=False
        )
        return load("chgnet.model.dynamics").CHGNetCalculator(network, use_device="cpu")


_ML: Final[Mapping[str, _SevenNet | _CHGNet]] = {
    "sevennet-0": _SevenNet("7net-0"),
    "sevennet-0-may": _SevenNet("7net-0_22may2024"),
    "sevennet-l3i5": _SevenNet("7net-l3i5"),
    "sevennet-mf-0-pbe": _SevenNet("7net-mf-0", "PBE"),
    "sevennet-mf-0-r2scan": _SevenNet("7net-mf-0", "R2SCAN"),
    "chgnet-0.3": _CHGNet("0.3.0"),
    "chgnet-0.2": _CHGNet("0.2.0"),
    "chgnet-r2scan": _CHGNet("r2scan"),
}


def potential_names() -> list[str]:
    """Return the potentials that can be had by name; all need the extra ``mlp``."""
    return list(_ML)


@functools.cache
def potential(name: str) -> Potential:
    """Return a machine-learned potential whose weights are inside its wheel.

    One and the same for a name: loading a network takes seconds, and the energies of crystals
    that it has computed are kept with it.

    Raises:
        AtomisticError: if there is none of that name.
    """
    if name not in _ML:
        raise AtomisticError(f"potential '{name}' is not known; {did_you_mean(name, _ML)}")
    network = _ML[name]
    return Potential(name, functools.cache(network.make), _SEI_ELEMENTS, network.distributions)
