"""Geometries, vibrations and quick energies by the tight-binding model GFN2-xTB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.molecules.molecule import Array, Molecule
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from ase import Atoms

# Displacement of the finite differences of a Hessian [angstrom].
_STEP: Final = 5e-3
_PUSH: Final = 0.03
_SEED: Final = 7
# Harmonic modes of a loose complex may come out slightly imaginary; a saddle is well below [1/cm].
_SADDLE: Final = -100.0
# Atoms this far off a line are on it, as Li2O at 178 degrees: it swings through 180 even at rest;
# root of the sum of squares [angstrom].
_BENT: Final = 0.05


@dataclass(frozen=True, slots=True)
class XTB:
    """GFN2-xTB, in vacuum or in an implicit solvent.

    Attributes:
        solvent: one that ALPB knows, such as ``acetone`` (permittivity 20.7, near that of the
            mixture of carbonates), or None for vacuum.
        fmax: forces below which a geometry counts as relaxed [eV/angstrom].
        steps: of each of the two ways to relax, at most.

    Source: Bannwarth, Ehlert & Grimme, J. Chem. Theory Comput. 15, 1652 (2019); ALPB: Ehlert et
        al., J. Chem. Theory Comput. 17, 4250 (2021).
    """

    solvent: str | None = "acetone"
    fmax: float = 0.02
    steps: int = 400

    @property
    def name(self) -> str:
        """Name for result files."""
        return "GFN2-xTB" + (f"/ALPB({self.solvent})" if self.solvent else "")

    def attach(self, molecule: Molecule) -> Atoms:
        """Return the molecule with its calculator."""
        atoms = molecule.atoms()
        atoms.calc = self._calculator(molecule)
        return atoms

    def energy(self, molecule: Molecule) -> float:
        """Return the energy at the given geometry [eV].

        Raises:
            AtomisticError: if the tight-binding equations do not converge.
        """
        return self._guarded(molecule, lambda: float(self.attach(molecule).get_potential_energy()))

    def largest_force(self, molecule: Molecule) -> float:
        """Return the largest component of the forces [eV/angstrom].

        Raises:
            AtomisticError: if the tight-binding equations do not converge.
        """
        forces = self._guarded(molecule, lambda: self.attach(molecule).get_forces())
        return float(np.abs(forces).max())

    def charges(self, molecule: Molecule) -> Array:
        """Return the charges of atoms at the given geometry (Mulliken) [e].

        Raises:
            AtomisticError: if the tight-binding equations do not converge.
        """

        def work() -> Array:
            atoms = self.attach(molecule)
            atoms.get_potential_energy()
            return np.asarray(atoms.get_charges())

        return np.asarray(self._guarded(molecule, work))

    def relaxed(self, molecule: Molecule) -> Molecule:
        """Return the molecule at the nearest minimum.

        Raises:
            AtomisticError: if it is not reached.
        """
        if len(molecule.symbols) == 1:
            return molecule
        atoms = self.attach(molecule)
        # a symmetric start may be a saddle: CO2- bends only if something bends it a little
        atoms.rattle(_PUSH, seed=_SEED)
        return self._settled(molecule, atoms)

    def stretched(self, molecule: Molecule, bond: tuple[int, int], length: float) -> Molecule:
        """Return the molecule relaxed with the distance of two atoms held [angstrom].

        Raises:
            AtomisticError: if it does not relax.
        """
        atoms = self.attach(molecule)
        atoms.set_distance(*bond, length, fix=0)
        atoms.set_constraint(load("ase.constraints").FixBondLength(*bond))
        return self._settled(molecule, atoms)

    def _settled(self, molecule: Molecule, atoms: Atoms) -> Molecule:
        optimize = load("ase.optimize")

        def work() -> bool:
            return any(
                method(atoms, logfile=None).run(fmax=self.fmax, steps=self.steps)
                for method in (optimize.BFGS, optimize.FIRE)
            )

        if not self._guarded(molecule, work):
            raise AtomisticError(
                f"{molecule.name}: {self.name} leaves forces above {self.fmax:g} eV/angstrom"
            )
        return molecule.moved(atoms.positions)

    def wavenumbers(self, molecule: Molecule) -> Array:
        """Return the vibrations of a relaxed molecule, imaginary ones negative [1/cm].

        Raises:
            AtomisticError: if the geometry is a saddle.
        """
        found = self._vibrations(molecule)
        if found.min(initial=0.0) < _SADDLE:
            raise AtomisticError(
                f"{molecule.name}: a vibration of {found.min():.0f}i/cm: this is no minimum of "
                f"{self.name}; relax it from another start"
            )
        return found

    def saddle_wavenumbers(self, molecule: Molecule) -> Array:
        """Return the vibrations of a molecule on its saddle without the imaginary one [1/cm].

        Raises:
            AtomisticError: if there is none, or another.
        """
        found = np.sort(self._vibrations(molecule))
        if not found[0] < _SADDLE <= found[1]:
            raise AtomisticError(
                f"{molecule.name}: vibrations of {found[0]:.0f} and {found[1]:.0f}/cm: this is no "
                f"saddle of {self.name}"
            )
        return found[1:]

    def _vibrations(self, molecule: Molecule) -> Array:
        count = len(molecule.symbols)
        if count == 1:
            return np.zeros(0)
        atoms = self.attach(molecule)
        rest = atoms.get_positions()
        hessian = np.zeros((3 * count, 3 * count))
        for k in range(3 * count):
            ends = []
            for sign in (1.0, -1.0):
                shifted = rest.copy()
                shifted.flat[k] += sign * _STEP
                atoms.set_positions(shifted)
                ends.append(atoms.get_forces().ravel())
            hessian[k] = (ends[1] - ends[0]) / (2.0 * _STEP)
        masses = np.repeat(atoms.get_masses(), 3)
        weighted = (hessian + hessian.T) / 2.0 / np.sqrt(np.outer(masses, masses))
        rigid = 5 if is_linear(rest) else 6
        squares = np.linalg.eigvalsh(_without_rigid(weighted, rest, masses, rigid))
        units = load("ase.units")
        scale = units._hbar * 1e10 / np.sqrt(units._e * units._amu) / units.invcm
        found = np.sign(squares) * np.sqrt(np.abs(squares)) * scale
        return np.delete(found, np.argsort(np.abs(found))[:rigid])

    def _calculator(self, molecule: Molecule) -> Any:
        options: dict[str, Any] = {"solvation": ("alpb", self.solvent)} if self.solvent else {}
        return load("tblite.ase").TBLite(
            method="GFN2-xTB",
            charge=molecule.charge,
            multiplicity=molecule.unpaired + 1,
            verbosity=0,
            **options,
        )

    def _guarded[T](self, molecule: Molecule, work: Any) -> Any:
        try:
            return work()
        # tblite raises ASE's and its own errors
        except Exception as error:
            raise AtomisticError(f"{molecule.name}: {self.name} failed: {error}") from error


def is_linear(positions: Array) -> bool:
    """Return whether all atoms lie on one line, or so near to one that they swing through it."""
    return len(positions) < 3 or bool(
        np.linalg.matrix_rank(positions - positions.mean(axis=0), tol=_BENT) < 2
    )


def _without_rigid(weighted: Array, positions: Array, masses: Array, count: int) -> Array:
    """Project translations and rotations, `count` in all, out of a mass-weighted Hessian."""
    root = np.sqrt(masses[::3])
    centre = np.average(positions, axis=0, weights=masses[::3])
    basis = []
    for axis in np.eye(3):
        basis.append((root[:, None] * axis).ravel())
        basis.append((root[:, None] * np.cross(positions - centre, axis)).ravel())
    # of a molecule on a line the turn around it comes last
    rigid = np.linalg.svd(np.array(basis).T, full_matrices=False)[0][:, :count]
    keep = np.eye(len(masses)) - rigid @ rigid.T
    return keep @ weighted @ keep
