"""Charges of atoms that give the electrostatic potential around a molecule."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.extras import load
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Array, Molecule, directions

# Shells around the atoms, in van der Waals radii, and points on each of one atom.
_SHELLS: Final = (1.4, 1.6, 1.8, 2.0)
_POINTS: Final = 60
# Points of one batch of integrals: nao^2 numbers each.
_BATCH: Final = 200


def esp_charges(molecule: Molecule, level: Level) -> Array:
    """Return charges fitted to the potential on shells around the molecule [e].

    Atoms that are equal by the bonds between them share a charge; the sum is the charge of the
    molecule. A fit at HF/6-31G* overrates dipoles by about a tenth, which stands for what a
    liquid adds: the convention of force fields with fixed charges.

    Source: Singh & Kollman, J. Comput. Chem. 5, 129 (1984).
    """
    system = level.system(molecule)
    bohr = load("pyscf.data.nist").BOHR
    atoms = molecule.positions / bohr
    points = shells(molecule) / bohr
    distance = np.linalg.norm(points[:, None] - atoms[None], axis=2)
    density = level.field(molecule).density
    electrons = np.concatenate(
        [
            np.einsum("gij,ij->g", system.intor("int1e_grids", grids=batch), density)
            for batch in np.array_split(points, len(points) // _BATCH + 1)
        ]
    )
    potential = (1.0 / distance) @ system.atom_charges() - electrons
    return _fitted(1.0 / distance, potential, equal_atoms(molecule), molecule.charge)


def shells(molecule: Molecule) -> Array:
    """Return points on the shells that are inside no other atom's [angstrom]."""
    radii = load("ase.data.vdw").vdw_radii[molecule.atoms().numbers]
    even = directions(_POINTS)
    points = []
    for scale in _SHELLS:
        for centre, radius in zip(molecule.positions, radii, strict=True):
            shell = centre + scale * radius * even
            distance = np.linalg.norm(shell[:, None] - molecule.positions[None], axis=2)
            points.append(shell[np.all(distance > 0.999 * scale * radii, axis=1)])
    return np.concatenate(points)


def equal_atoms(molecule: Molecule) -> NDArray[np.intp]:
    """Return a number for each atom, the same for atoms that bonds cannot tell apart."""
    radii = load("ase.data").covalent_radii[molecule.atoms().numbers]
    gaps = np.linalg.norm(molecule.positions[:, None] - molecule.positions[None], axis=2)
    bound = gaps < 1.25 * (radii[:, None] + radii[None])
    np.fill_diagonal(bound, False)
    # each round tells atoms apart by the kinds of their neighbours (Morgan)
    kinds = np.unique(molecule.atoms().numbers, return_inverse=True)[1]
    for _ in range(len(kinds)):
        around = [(kinds[i], *sorted(kinds[bound[i]])) for i in range(len(kinds))]
        order = {one: number for number, one in enumerate(sorted(set(around)))}
        kinds = np.array([order[one] for one in around])
    return np.asarray(kinds, dtype=np.intp)


def _fitted(inverse: Array, potential: Array, kinds: NDArray[np.intp], charge: int) -> Array:
    """Return the charges of least squares with their sum held (a Lagrange multiplier)."""
    count = int(kinds.max()) + 1
    members = np.eye(count)[kinds]
    design = inverse @ members
    size = members.sum(axis=0)
    matrix = np.block([[design.T @ design, size[:, None]], [size[None], np.zeros((1, 1))]])
    right = np.append(design.T @ potential, charge)
    return np.asarray(members @ np.linalg.solve(matrix, right)[:count])
