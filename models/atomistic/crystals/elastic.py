"""Elastic constants from stresses of strained cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic.crystals.base import ONE_POTENTIAL, CrystalCalculation
from interphase.models.atomistic.crystals.relax import EV_PER_A3, relax
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range

if TYPE_CHECKING:
    from ase import Atoms

Matrix = NDArray[np.float64]

_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True)
class ElasticTensor(CrystalCalculation):
    """Elastic constants, ions relaxed at every strain, and the isotropic averages.

    Attributes:
        strain: amplitude of each strain [-].
    """

    strain: float = 0.005

    def run(self) -> tuple[Computed, ...]:
        """Return the constants, and Young's and the shear modulus with their bounds."""
        atoms = self.relaxed_cell()
        tensor = self._tensor(atoms)
        averages = isotropic_averages(tensor)
        settings = {"strain": self.strain}
        name = self.crystal.name
        pairs = [(0, 0), (0, 1), (3, 3)] if self.crystal.cubic else _independent(tensor)
        values = [
            self.computed("elastic_constant", f"{name} C{i + 1}{j + 1}", float(tensor[i, j]) / 1e9,
                          "GPa", "stress of strained cells", settings=settings)
            for i, j in pairs
        ]  # fmt: skip
        for quantity, (low, high) in averages.items():
            values.append(
                self.computed(
                    quantity,
                    name,
                    (low + high) / 2e9,
                    "GPa",
                    "Hill's average",
                    settings=settings,
                    uncertainty=Range(low / 1e9, high / 1e9) if low < high else ONE_POTENTIAL,
                    note="range: bounds of Reuss and Voigt, without the error of the potential",
                )
            )
        return tuple(values)

    def _tensor(self, relaxed: Atoms) -> Matrix:
        """Return the symmetric 6x6 matrix [Pa]."""
        tensor = np.zeros((6, 6))
        columns = (0, 3) if self.crystal.cubic else range(6)
        for column in columns:
            ends = [self._stress(relaxed, column, sign * self.strain) for sign in (1.0, -1.0)]
            tensor[:, column] = (ends[0] - ends[1]) / (2.0 * self.strain) * EV_PER_A3
        if self.crystal.cubic:
            along, across, shear = tensor[0, 0], (tensor[1, 0] + tensor[2, 0]) / 2.0, tensor[3, 3]
            tensor = np.diag([along - across] * 3 + [shear] * 3)
            tensor[:3, :3] += across
        return (tensor + tensor.T) / 2.0

    def _stress(self, relaxed: Atoms, component: int, size: float) -> Matrix:
        atoms = self.potential.attach(relaxed, self.crystal.name)
        atoms.set_cell(relaxed.cell @ (np.eye(3) + strain_matrix(component, size)),
                       scale_atoms=True)  # fmt: skip
        relax(atoms, self.crystal.name, fmax=self.fmax)
        return np.asarray(atoms.get_stress(voigt=True))


def strain_matrix(component: int, size: float) -> Matrix:
    """Return the symmetric strain of one component in Voigt's notation (shears are doubled)."""
    i, j = _VOIGT[component]
    strain = np.zeros((3, 3))
    strain[i, j] = strain[j, i] = size if i == j else size / 2.0
    return strain


def isotropic_averages(tensor: Matrix) -> dict[str, tuple[float, float]]:
    """Return the bounds of Reuss and Voigt of Young's and the shear modulus of a polycrystal.

    Args:
        tensor: elastic constants in Voigt's notation, shape (6, 6).

    Returns:
        Lower and upper bound of each, in the unit of ``tensor``.

    Raises:
        AtomisticError: if the crystal is not stable.

    Source: Hill, Proc. Phys. Soc. A 65, 349 (1952).
    """
    if np.linalg.eigvalsh(tensor)[0] <= 0.0:
        raise AtomisticError(
            "the elastic tensor is not positive: this potential makes the crystal unstable"
        )
    c, s = tensor, np.linalg.inv(tensor)
    diagonal, off, shears = np.trace(c[:3, :3]), c[0, 1] + c[0, 2] + c[1, 2], np.trace(c[3:, 3:])
    voigt = (float(diagonal + 2.0 * off) / 9.0, float(diagonal - off + 3.0 * shears) / 15.0)
    diagonal, off, shears = np.trace(s[:3, :3]), s[0, 1] + s[0, 2] + s[1, 2], np.trace(s[3:, 3:])
    reuss = (
        1.0 / float(diagonal + 2.0 * off),
        15.0 / float(4.0 * diagonal - 4.0 * off + 3.0 * shears),
    )
    young = sorted(9.0 * k * g / (3.0 * k + g) for k, g in (reuss, voigt))
    return {
        "youngs_modulus": (young[0], young[1]),
        "shear_modulus": (min(reuss[1], voigt[1]), max(reuss[1], voigt[1])),
    }


def _independent(tensor: Matrix) -> list[tuple[int, int]]:
    """Return the constants of the upper triangle that are not zero by symmetry."""
    size = np.abs(tensor).max()
    return [(i, j) for i in range(6) for j in range(i, 6) if abs(tensor[i, j]) > 0.01 * size]
