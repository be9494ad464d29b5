"""Relaxation of structures, and the units of ASE (eV, angstrom) in SI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from interphase.models.atomistic.extras import load
from interphase.parameters.constants import ELEMENTARY_CHARGE
from interphase.parameters.errors import AtomisticError

if TYPE_CHECKING:
    from ase import Atoms

ANGSTROM: Final = 1.0e-10
"""One angstrom [m]."""

EV_PER_A2: Final = ELEMENTARY_CHARGE / ANGSTROM**2
"""One eV per square angstrom [J/m^2]."""

EV_PER_A3: Final = ELEMENTARY_CHARGE / ANGSTROM**3
"""One eV per cubic angstrom [Pa]."""

ALL: Final = (True, True, True, True, True, True)
"""Every strain of a cell may relax: xx, yy, zz, yz, xz, xy."""

NORMAL: Final = (False, False, True, False, False, False)
"""Only the height along z may relax."""


def relax(
    atoms: Atoms,
    what: str,
    *,
    fmax: float = 0.01,
    steps: int = 500,
    strains: tuple[bool, ...] | None = None,
    constant_volume: bool = False,
) -> Atoms:
    """Relax a structure in place and return it.

    Args:
        atoms: structure with a calculator.
        what: its name in messages.
        fmax: largest force that is left [eV/angstrom].
        steps: at most so many.
        strains: which strains of the cell relax as well; None for a fixed cell.
        constant_volume: whether the cell changes its shape only.

    Raises:
        AtomisticError: if the forces stay above ``fmax``.
    """
    optimize = load("ase.optimize")
    target = atoms
    if strains is not None:
        target = load("ase.filters").FrechetCellFilter(
            atoms, mask=list(strains), constant_volume=constant_volume
        )
    # FIRE is slow but cannot be led astray by the noise of a network; it gets what is left
    for method in (optimize.BFGSLineSearch, optimize.FIRE):
        if method(target, logfile=None).run(fmax=fmax, steps=steps):
            return atoms
    raise AtomisticError(
        f"{what}: forces above {fmax:g} eV/angstrom after {steps} steps of BFGS and of FIRE; "
        "check the starting structure, or allow more steps or a larger fmax"
    )


def energy(atoms: Atoms) -> float:
    """Return the potential energy [eV]."""
    return float(atoms.get_potential_energy())
