"""Energies by Hartree-Fock or density functional theory (PySCF), with a recipe for hard cases."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.molecules.molecule import Molecule
from interphase.models.atomistic.result import Setting
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError

HARTREE: Final = 27.211386245988
"""One hartree [eV]; CODATA 2018."""


def _identity(molecule: Molecule) -> tuple[Any, ...]:
    return (molecule.symbols, molecule.positions.tobytes(), molecule.charge, molecule.unpaired)


def _plain(field_: Any) -> Any:
    return field_


def _shifted(field_: Any) -> Any:
    field_.level_shift, field_.damp, field_.diis_start_cycle = 0.3, 0.3, 4
    return field_


def _second_order(field_: Any) -> Any:
    return field_.newton()


RECIPE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "DIIS": _plain,
    "level shift 0.3 with damping": _shifted,
    "second order": _second_order,
}
"""What is tried in turn until the field is self-consistent."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is kept of a self-consistent field.

    Attributes:
        energy: [eV].
        homo: highest orbital that holds an electron, of either spin [eV].
        lumo: lowest that holds none [eV].
        matrices: density matrix, that of each spin where there are unpaired electrons.
    """

    energy: float
    homo: float
    lumo: float
    matrices: NDArray[np.float64]

    @property
    def density(self) -> NDArray[np.float64]:
        """Density matrix of both spins together."""
        return self.matrices.sum(axis=0) if self.matrices.ndim == 3 else self.matrices


@dataclass(frozen=True, slots=True)
class Level:
    """A level of theory.

    Attributes:
        functional: of PySCF, or ``HF``.
        basis: of PySCF.
        permittivity: of the polarisable continuum (IEF-PCM).
        grid: of the integration, 0 to 9.
        cycles: of each attempt to reach self-consistency, at most.
        store: keeps energies.
    """

    functional: str = "M06-2X"
    basis: str = "6-31+g*"
    permittivity: float = 20.5
    grid: int = 3
    cycles: int = 80
    store: Store = field(default_factory=Store, repr=False, compare=False)
    # what was computed before: terms of a cycle ask for the same fields
    _known: dict[tuple[Any, ...], Field] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """Name for result files."""
        return f"{self.functional}/{self.basis}"

    def settings(self) -> dict[str, Setting]:
        """Return everything that changes the energies."""
        return {
            "functional": self.functional,
            "basis": self.basis,
            "permittivity": self.permittivity,
            "grid": self.grid,
            "density_fitting": True,
        }

    def energy(self, molecule: Molecule, *, solvated: bool = False) -> float:
        """Return the energy of a molecule at its geometry [eV]; `field` says what it raises."""
        where = f"permittivity {self.permittivity:g}" if solvated else "vacuum"
        return self.store.recall(
            f"{self.name} grid {self.grid} {where} {molecule.fingerprint}",
            lambda: self.field(molecule, solvated=solvated).energy,
        )

    def field(self, molecule: Molecule, *, solvated: bool = False) -> Field:
        """Return the self-consistent field of a molecule at its geometry.

        Raises:
            AtomisticError: if no attempt of `RECIPE` becomes self-consistent; names molecule and
                settings.
        """
        key = (*_identity(molecule), solvated)
        if key not in self._known:
            self._known[key] = self._solved(molecule, solvated)
        return self._known[key]

    def _solved(self, molecule: Molecule, solvated: bool) -> Field:
        # an implicit solvent changes a field little
        start = self._known.get((*_identity(molecule), False)) if solvated else None
        guess = None if start is None else start.matrices
        for prepare in RECIPE.values():
            mean_field = prepare(self._mean_field(molecule, solvated))
            mean_field.max_cycle = self.cycles
            energy = mean_field.kernel(guess)
            if mean_field.converged:
                held = np.asarray(mean_field.mo_occ) > 0.0
                levels = np.asarray(mean_field.mo_energy) * HARTREE
                return Field(
                    float(energy) * HARTREE,
                    float(np.max(levels[held], initial=-np.inf)),
                    float(np.min(levels[~held], initial=np.inf)),
                    np.asarray(mean_field.make_rdm1()),
                )
            guess = mean_field.make_rdm1()
        where = f"permittivity {self.permittivity:g}" if solvated else "vacuum"
        raise AtomisticError(
            f"{molecule.name}: {self.name} in {where}, charge {molecule.charge}, "
            f"{molecule.unpaired} unpaired, is not self-consistent after {self.cycles} cycles of "
            f"each: {', '.join(RECIPE)}; check the geometry, or allow more cycles"
        )

    def system(self, molecule: Molecule) -> Any:
        """Return the molecule for PySCF."""
        return load("pyscf.gto").M(
            atom=list(zip(molecule.symbols, molecule.positions.tolist(), strict=True)),
            basis=self.basis,
            charge=molecule.charge,
            spin=molecule.unpaired,
            unit="Angstrom",
            verbose=0,
        )

    def _mean_field(self, molecule: Molecule, solvated: bool) -> Any:
        system = self.system(molecule)
        # paired electrons share orbitals: half the work of those with two sets
        kind = "U" if molecule.unpaired else "R"
        if self.functional.upper() == "HF":
            mean_field = getattr(load("pyscf.scf"), f"{kind}HF")(system)
        else:
            mean_field = getattr(load("pyscf.dft"), f"{kind}KS")(system)
            mean_field.xc = self.functional
            mean_field.grids.level = self.grid
        mean_field = mean_field.density_fit()
        if solvated:
            load("pyscf.solvent")
            mean_field = mean_field.PCM()
            mean_field.with_solvent.method = "IEF-PCM"
            mean_field.with_solvent.eps = self.permittivity
        return mean_field


LEVELS: Final[Mapping[str, Level]] = {
    "m06-2x": Level(),
    "wb97x": Level("wB97X", "def2-svpd"),
    "hf": Level("HF", "def2-svp"),
}
"""Levels that can be asked for by name."""


@functools.cache
def level(name: str, store: Store | None = None) -> Level:
    """Return a level by name, one and the same: reactions share molecules and their fields.

    Args:
        name: of `LEVELS`.
        store: keeps energies; of this run if none is given.
    """
    chosen = LEVELS[name]
    return Level(chosen.functional, chosen.basis, chosen.permittivity, chosen.grid,
                 store=store or Store())  # fmt: skip
