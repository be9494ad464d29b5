"""A crystal whose properties are known exactly: Morse bonds between nearest neighbours only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from interphase.models.atomistic.crystals.potentials import Potential
from interphase.models.atomistic.crystals.structures import Crystal

DISTANCE = 2.6
"""Of the bonds at rest [angstrom]; of the order of copper's."""

STEEPNESS = 1.6
"""Of the Morse function [1/angstrom]."""

DEPTHS = {"CuCu": 0.3, "NiNi": 0.5, "CuNi": 0.25}
"""Of the bonds [eV]."""


@dataclass(frozen=True)
class Bonds:
    """The pieces that tests need.

    Attributes:
        potential: knows Cu and Ni.
        copper: fcc, its cell 2 % too large.
        nickel: the same with deeper bonds.
        edge: of the cell at rest [angstrom].
        depths: of the bonds [eV].
        stiffness: second derivative of the bond at rest [eV/angstrom^2].
        distance: of the bonds at rest [angstrom].
    """

    potential: Potential
    copper: Crystal
    nickel: Crystal
    edge: float
    depths: dict[str, float]
    stiffness: float
    distance: float


def _morse() -> object:
    from ase.calculators.calculator import Calculator, all_changes
    from ase.neighborlist import neighbor_list

    class NearestNeighbours(Calculator):
        """Bonds up to 1.2 times their length, switched off smoothly before second neighbours."""

        implemented_properties = ["energy", "forces", "stress"]

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            first, second, r, vectors = neighbor_list("ijdD", atoms, 1.35 * DISTANCE)
            symbols = atoms.get_chemical_symbols()
            depth = np.array(
                [DEPTHS["".join(sorted((symbols[i], symbols[j])))]
                 for i, j in zip(first, second, strict=True)]
            )  # fmt: skip
            bond = np.exp(-STEEPNESS * (r - DISTANCE))
            value, slope = bond**2 - 2 * bond, 2 * STEEPNESS * (bond - bond**2)
            part = np.clip((r / DISTANCE - 1.15) / 0.2, 0.0, 1.0)
            switch = 1 - part**3 * (10 - 15 * part + 6 * part**2)
            fall = -30 * part**2 * (1 - part) ** 2 / (0.2 * DISTANCE)
            pull = depth * (slope * switch + value * fall)
            pairs = (pull / r)[:, None] * vectors
            forces = np.zeros((len(atoms), 3))
            np.add.at(forces, first, pairs)
            self.results = {"energy": 0.5 * float(depth @ (value * switch)), "forces": forces}
            if atoms.cell.rank == 3:
                virial = 0.5 * vectors.T @ pairs / atoms.get_volume()
                self.results["stress"] = virial[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]

    return NearestNeighbours()


@pytest.fixture(scope="session")
def bonds() -> Bonds:
    """The crystals and their potential."""
    pytest.importorskip("ase")
    from ase.build import bulk

    edge = np.sqrt(2.0) * DISTANCE

    def fcc(element: str) -> Crystal:
        atoms = bulk(element, "fcc", a=1.02 * edge, cubic=True)
        return Crystal(element, atoms, 4, True, {element: 0}, (0.5, 0.5, 0.5))

    make: Callable[[], object] = _morse
    return Bonds(
        Potential("Morse bonds", make, frozenset({"Cu", "Ni"})),
        fcc("Cu"),
        fcc("Ni"),
        float(edge),
        DEPTHS,
        2.0 * DEPTHS["CuCu"] * STEEPNESS**2,
        DISTANCE,
    )
