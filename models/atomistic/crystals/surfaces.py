"""Energies of surfaces against vacuum and of interfaces between two solids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.crystals.base import CrystalCalculation
from interphase.models.atomistic.crystals.relax import EV_PER_A2, NORMAL, energy, relax
from interphase.models.atomistic.crystals.structures import Crystal
from interphase.models.atomistic.extras import load
from interphase.models.atomistic.result import Computed, Setting
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from ase import Atoms

Face = tuple[int, int, int]

# Planes closer than this are one plane [angstrom].
_ONE_PLANE: Final = 0.05
# A dipole per area below this is none [e/angstrom].
_NO_DIPOLE: Final = 1e-3
# Atoms of a larger formal charge stand in molecular ions, whose bonds are at most so much longer
# than the covalent radii say.
_COVALENT: Final = 3.0
_BOND: Final = 1.2
# A crystal on itself gives zero, to the accuracy of the relaxations [J/m^2].
_NO_INTERFACE: Final = 1e-3
# A misfit that no coherent interface of rigid salts bears.
_LARGEST_STRAIN: Final = 0.1


@dataclass(frozen=True)
class SurfaceEnergy(CrystalCalculation):
    """Energy of one face against vacuum, from a relaxed slab with two equal sides.

    Attributes:
        face: Miller indices in the conventional cell.
        thickness: of the slab, at least [angstrom].
        vacuum: on either side [angstrom].
    """

    face: Face = (1, 0, 0)
    thickness: float = 15.0
    vacuum: float = 8.0

    def run(self) -> tuple[Computed, ...]:
        """Return the surface energy with the part of relaxation."""
        name = self.crystal.name
        bulk = self.relaxed_cell()
        slab = non_polar_slab(self.crystal.with_atoms(bulk), self.face, self.thickness)
        per_atom = energy(bulk) / len(bulk)
        # in vacuum the third edge may stand upright
        slab.set_cell([slab.cell[0], slab.cell[1], [0.0, 0.0, slab.cell[2, 2]]])
        slab.center(vacuum=self.vacuum, axis=2)
        atoms = self.potential.attach(slab, f"{name} {self.face}")
        twice = 2.0 * _area(atoms)
        rigid = (energy(atoms) - len(atoms) * per_atom) / twice * EV_PER_A2
        relax(atoms, f"{name} {self.face}", fmax=self.fmax)
        value = (energy(atoms) - len(atoms) * per_atom) / twice * EV_PER_A2
        index = "".join(map(str, self.face))
        settings: dict[str, Setting] = {
            "face": index,
            "atoms": len(atoms),
            "thickness [angstrom]": self.thickness,
            "vacuum [angstrom]": self.vacuum,
        }
        return (
            self.computed("surface_energy", name, value, "J/m^2", f"slab, ({index})",
                          settings=settings, terms={"cut": rigid, "relaxation": value - rigid}),
        )  # fmt: skip


@dataclass(frozen=True)
class InterfaceEnergy(CrystalCalculation):
    """Energy of a coherent interface; the second solid is strained to the first.

    The strain's own energy is taken out by the reference: the second solid's bulk under the same
    strain, free to relax its height.

    Attributes:
        other: the second crystal.
        face: Miller indices of the first.
        other_face: of the second.
        repeat: cells of the first along the two edges of the interface.
        other_repeat: cells of the second.
        thickness: of each solid, at least [angstrom].
        places: along each edge of the base, at which the second is put on the first; the lowest in
            energy is relaxed.
    """

    other: Crystal | None = None
    face: Face = (1, 0, 0)
    other_face: Face = (1, 0, 0)
    repeat: tuple[int, int] = (1, 1)
    other_repeat: tuple[int, int] = (1, 1)
    thickness: float = 12.0
    places: int = 3

    def run(self) -> tuple[Computed, ...]:
        """Return the interface energy, half of what two interfaces in one cell cost."""
        if self.other is None:
            raise AtomisticError("an interface energy needs a second crystal")
        first, second = self.crystal, self.other
        names = f"{first.name}|{second.name}"
        lower = self._block(first, self.face, self.repeat)
        upper = self._block(second, self.other_face, self.other_repeat)
        strain = strain_between(lower, upper)
        if strain > _LARGEST_STRAIN:
            raise AtomisticError(
                f"{names}: the cells differ by {100 * strain:.0f} %, at most "
                f"{100 * _LARGEST_STRAIN:.0f} % is allowed; choose other faces or repeats"
            )
        upper.set_cell([lower.cell[0], lower.cell[1], upper.cell[2]], scale_atoms=True)
        references = sum(self._relaxed(block, names) for block in (lower, upper))
        both, shift = self._placed(lower, upper, names)
        total = self._relaxed(both, names)
        value = (total - references) / (2.0 * _area(both)) * EV_PER_A2
        settings: dict[str, Setting] = {
            "face": "".join(map(str, self.face)),
            "other_face": "".join(map(str, self.other_face)),
            "repeat": [float(n) for n in (*self.repeat, *self.other_repeat)],
            "strain of the second": round(strain, 5),
            "shift of the second": shift,
            "atoms": len(both),
        }
        if value < _NO_INTERFACE:
            raise AtomisticError(f"{names}: the two solids mix or are one: {value:.3g} J/m^2")
        return (
            self.computed("interface_energy", names, value, "J/m^2", "coherent, two in one cell",
                          settings=settings),
        )  # fmt: skip

    def _block(self, crystal: Crystal, face: Face, repeat: tuple[int, int]) -> Atoms:
        cell = CrystalCalculation(crystal, self.potential, self.fmax).relaxed_cell()
        slab = non_polar_slab(crystal.with_atoms(cell), face, self.thickness)
        return slab.repeat((*repeat, 1))

    def _placed(self, lower: Atoms, upper: Atoms, what: str) -> tuple[Atoms, list[float]]:
        """Return the stack of the lowest energy before relaxation, and its shift in edges."""
        found: list[tuple[float, Atoms, list[float]]] = []
        refused = None
        for place in np.ndindex(self.places, self.places):
            shift = [step / self.places for step in place]
            both = stacked(lower, upper, shift)
            try:
                found.append((energy(self.potential.attach(both, what)), both, shift))
            except AtomisticError as error:  # atoms overlap there
                refused = error
        if not found:
            raise AtomisticError(f"{what}: the second fits nowhere on the first: {refused}")
        _, both, shift = min(found, key=lambda one: one[0])
        return both, shift

    def _relaxed(self, block: Atoms, what: str) -> float:
        atoms = self.potential.attach(block, what)
        return energy(relax(atoms, what, fmax=self.fmax, strains=NORMAL))


def stacked(lower: Atoms, upper: Atoms, shift: Sequence[float] = (0.0, 0.0)) -> Atoms:
    """Put one block on the other; both keep their own bulk spacing at the interface.

    Args:
        lower: the first.
        upper: the second, with the same base.
        shift: of the second along the edges of the base [edges].
    """
    both = lower.copy()
    raised = upper.copy()
    raised.positions += lower.cell[2] + np.asarray(shift) @ lower.cell.array[:2]
    both.extend(raised)
    both.set_cell([lower.cell[0], lower.cell[1], lower.cell[2] + upper.cell[2]])
    return both


def strain_between(lower: Atoms, upper: Atoms) -> float:
    """Return the largest stretch that brings the base of ``upper`` onto that of ``lower``."""
    target, base = (np.asarray(block.cell)[:2, :2] for block in (lower, upper))
    stretch = np.linalg.solve(base, target)
    return float(np.abs(np.linalg.svd(stretch, compute_uv=False) - 1.0).max())


def non_polar_slab(crystal: Crystal, face: Face, thickness: float) -> Atoms:
    """Cut a periodic block with a face along z such that both ends are equal and carry no dipole.

    Every gap between two planes is tried; of the cuts without a dipole that leave molecular ions
    whole the widest gap is taken.

    Args:
        crystal: relaxed crystal with formal charges.
        face: Miller indices.
        thickness: of the block, at least [angstrom].

    Returns:
        Block that is periodic along z with the bulk's spacing, the cut at its ends.

    Raises:
        AtomisticError: if every cut leaves a dipole or breaks a molecular ion.
    """
    block = oriented(crystal.atoms, face)
    height = float(block.cell[2, 2])
    charges = np.array([crystal.charges.get(symbol, 0.0) for symbol in block.symbols])
    first, second, rise = _bonds(block, charges)
    z = np.mod(block.positions[:, 2], height)
    planes = np.sort(z)
    gaps = np.diff(np.append(planes, planes[0] + height))
    best: tuple[float, float] | None = None
    for plane, gap in zip(planes, gaps, strict=True):
        cut = plane + gap / 2.0
        heights = np.mod(z - cut, height)
        whole = np.allclose(heights[second] - heights[first], rise, atol=_ONE_PLANE)
        dipole = abs(float(charges @ (heights - height / 2.0))) / _area(block)
        wide = gap > _ONE_PLANE and (best is None or gap > best[0])
        if whole and wide and dipole < _NO_DIPOLE:
            best = (float(gap), cut)
    if best is None:
        index = "".join(map(str, face))
        what = "polar or breaks its molecular ions" if len(rise) else "polar"
        raise AtomisticError(
            f"{crystal.name} ({index}): every cut is {what}; choose a face that is not"
        )
    # shift along the third edge, not along z, so that the block stays a cell of the crystal
    block.positions -= block.cell[2] * (best[1] / height)
    block.wrap()
    return block.repeat((1, 1, max(1, int(np.ceil(thickness / height)))))


def _bonds(block: Atoms, charges: NDArray[np.float64]) -> tuple[Any, Any, Any]:
    """Return both ends of every bond within a molecular ion, and by how much the second is higher.

    Atoms of so large a formal charge hold their neighbours of opposite charge by covalent bonds.
    """
    radii = load("ase.data").covalent_radii[block.numbers]
    reach = 2.0 * _BOND * radii.max()
    first, second, vectors = load("ase.neighborlist").neighbor_list("ijD", block, reach)
    close = np.linalg.norm(vectors, axis=1) < _BOND * (radii[first] + radii[second])
    held = close & (charges[first] > _COVALENT) & (charges[second] < 0.0)
    return first[held], second[held], vectors[held, 2]


def oriented(atoms: Atoms, face: Face) -> Atoms:
    """Return a cell of the same crystal whose first two edges lie in a face, along x and in xy.

    Args:
        atoms: a cell of the crystal.
        face: Miller indices in that cell, without a common factor.

    Raises:
        AtomisticError: if the indices have a common factor or all vanish.
    """
    if np.gcd.reduce(face) != 1:
        raise AtomisticError(f"face {face}: Miller indices must have no common factor")
    reach = range(-max(map(abs, face)), max(map(abs, face)) + 1)
    triples = np.array([(i, j, k) for i in reach for j in reach for k in reach])
    triples = triples[np.argsort(np.linalg.norm(triples @ atoms.cell.array, axis=1), kind="stable")]
    height = triples @ np.array(face)
    flat = [vector for vector in triples[height == 0] if vector.any()]
    out = triples[height == 1][0]
    # two vectors span the face's smallest cell if their product is the normal itself
    first, second = next((u, v) for v in flat for u in flat if np.array_equal(np.cross(u, v), face))
    block = load("ase.build").make_supercell(atoms, [first, second, out])
    block.set_cell(block.cell.standard_form()[0], scale_atoms=True)
    return block


def _area(atoms: Atoms) -> float:
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
