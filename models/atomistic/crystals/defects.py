"""Point defects of lithium: what they cost, and how high the way to the next site is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from interphase.models.atomistic.crystals.base import CrystalCalculation, energy_per_unit
from interphase.models.atomistic.crystals.relax import energy, relax
from interphase.models.atomistic.extras import load
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from ase import Atoms

# Along a symmetric hop the force on the ion half-way vanishes [eV/angstrom].
_SYMMETRIC: Final = 0.02


@dataclass(frozen=True)
class DefectCalculation(CrystalCalculation):
    """A defect in a supercell of the relaxed crystal.

    Attributes:
        supercell: conventional cells along each edge.
        ion: element that is missing, added or moves.
    """

    supercell: tuple[int, int, int] = (2, 2, 2)
    ion: str = "Li"

    def perfect(self) -> Atoms:
        """Return the supercell without a defect, relaxed."""
        return self.potential.attach(self.relaxed_cell().repeat(self.supercell), self.crystal.name)

    def sites(self, atoms: Atoms) -> tuple[int, int]:
        """Return the first ion of the element and its nearest neighbour of the same element.

        Raises:
            AtomisticError: if the supercell holds fewer than two.
        """
        ions = [index for index, symbol in enumerate(atoms.symbols) if symbol == self.ion]
        if len(ions) < 2:
            raise AtomisticError(f"{self.crystal.name}: holds fewer than two {self.ion}")
        distances = atoms.get_distances(ions[0], ions[1:], mic=True)
        return ions[0], ions[1 + int(np.argmin(distances))]

    def lithium(self) -> float:
        """Return the energy of an atom of the ion's element in its crystal [eV]."""
        return energy_per_unit(self.ion, self.potential, self.fmax)


@dataclass(frozen=True)
class VacancyFormation(DefectCalculation):
    """Energy to bring one lithium of the crystal into bcc lithium, atoms neutral."""

    def run(self) -> tuple[Computed, ...]:
        """Return the formation energy."""
        perfect = self.perfect()
        site, _ = self.sites(perfect)
        atoms = self.potential.attach(perfect, self.crystal.name)
        del atoms[site]
        relax(atoms, f"{self.crystal.name} with a vacancy", fmax=self.fmax)
        value = energy(atoms) - energy(perfect) + self.lithium()
        return (
            self.computed("vacancy_formation_energy", self.crystal.name, value, "eV",
                          "relaxed supercell", settings={"atoms": len(perfect)}),
        )  # fmt: skip


@dataclass(frozen=True)
class InterstitialFormation(DefectCalculation):
    """Energy to bring a lithium atom from bcc lithium into a void of the crystal."""

    def run(self) -> tuple[Computed, ...]:
        """Return the formation energy.

        Raises:
            AtomisticError: if no void is named for the crystal.
        """
        place = self.crystal.interstitial
        if place is None:
            raise AtomisticError(f"{self.crystal.name}: no void is named for an interstitial")
        cell = self.relaxed_cell()
        perfect = self.potential.attach(cell.repeat(self.supercell), self.crystal.name)
        atoms = perfect.copy()
        atoms.append(load("ase").Atom(self.ion, np.asarray(place) @ np.asarray(cell.cell)))
        atoms = self.potential.attach(atoms, f"{self.crystal.name} with an interstitial")
        relax(atoms, f"{self.crystal.name} with an interstitial", fmax=self.fmax)
        value = energy(atoms) - energy(perfect) - self.lithium()
        return (
            self.computed("interstitial_formation_energy", self.crystal.name, value, "eV",
                          "relaxed supercell",
                          settings={"atoms": len(atoms), "void": [float(x) for x in place]}),
        )  # fmt: skip


@dataclass(frozen=True)
class VacancyMigration(DefectCalculation):
    """Barrier of the shortest hop of an ion into a vacancy, the ion held half-way.

    Half-way is the saddle where the two ends are equal by symmetry, which is checked.
    """

    def run(self) -> tuple[Computed, ...]:
        """Return the barrier.

        Raises:
            AtomisticError: if the hop is not symmetric.
        """
        what = f"{self.crystal.name} with a vacancy"
        start, end, mover = self.ends()
        relax(start, what, fmax=self.fmax)
        path = end.positions[mover] - start.positions[mover]
        # half-way between the lattice sites, the rest of the lattice as it was without a vacancy
        middle, _, _ = self.ends()
        middle.positions[mover] += 0.5 * self._hop(middle, end, mover)
        force = middle.get_forces()[mover] @ path / np.linalg.norm(path)
        if abs(force) > _SYMMETRIC:
            raise AtomisticError(
                f"{what}: the hop is not symmetric (force {force:.2f} eV/angstrom half-way); "
                "use the nudged elastic band"
            )
        middle.set_constraint(load("ase.constraints").FixedPlane(mover, path))
        relax(middle, what, fmax=self.fmax)
        return (self._barrier(energy(middle) - energy(start), "ion half-way", len(start)),)

    def ends(self) -> tuple[Atoms, Atoms, int]:
        """Return the unrelaxed ends of the hop, and the number of the ion that hops."""
        perfect = self.perfect()
        site, neighbour = self.sites(perfect)
        vector = perfect.get_distance(neighbour, site, mic=True, vector=True)
        start = self.potential.attach(perfect, self.crystal.name)
        end = self.potential.attach(perfect, self.crystal.name)
        end.positions[neighbour] += vector
        del start[site]
        del end[site]
        return start, end, neighbour - (site < neighbour)

    @staticmethod
    def _hop(start: Atoms, end: Atoms, mover: int) -> np.ndarray:
        return np.asarray(end.positions[mover] - start.positions[mover])

    def _barrier(self, value: float, how: str, atoms: int) -> Computed:
        return self.computed(
            "migration_barrier", self.crystal.name, value, "eV", f"vacancy hop, {how}",
            settings={"atoms": atoms, "ion": self.ion},
            note="neutral vacancy: the potential carries no charge",
        )  # fmt: skip


@dataclass(frozen=True)
class VacancyMigrationBand(VacancyMigration):
    """The same barrier by the nudged elastic band with a climbing image.

    Attributes:
        images: between the ends.
        steps: of the relaxation, at most.

    Source: Henkelman, Uberuaga & Jonsson, J. Chem. Phys. 113, 9901 (2000).
    """

    images: int = 5
    steps: int = 400

    def run(self) -> tuple[Computed, ...]:
        """Return the barrier.

        Raises:
            AtomisticError: if the band does not relax.
        """
        what = f"{self.crystal.name} with a vacancy"
        start, end, _ = self.ends()
        for one in (start, end):
            relax(one, what, fmax=self.fmax)
        between = [self.potential.attach(start, what) for _ in range(self.images)]
        band = load("ase.mep").NEB(
            [start, *between, end],
            climb=True,
            k=0.5,
            method="improvedtangent",
            allow_shared_calculator=True,
        )
        band.interpolate(mic=True)
        optimiser = load("ase.optimize").FIRE(band, logfile=None)
        if not optimiser.run(fmax=2.0 * self.fmax, steps=self.steps):
            raise AtomisticError(
                f"{what}: the band has forces above {2.0 * self.fmax:g} eV/angstrom after "
                f"{self.steps} steps; allow more, or take more images"
            )
        top = max(energy(image) for image in between)
        how = f"nudged elastic band, {self.images} images"
        return (self._barrier(top - energy(start), how, len(start)),)
