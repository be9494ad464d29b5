"""Symmetric systems some of whose unknowns are given."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from petsc4py import PETSc

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.p3d.places import Array
from interphase.solvers.space import release

type Ints = npt.NDArray[np.int32]

# Up to this many unknowns a factorisation serves; solids fill in fast.
_DIRECT_LIMIT: Final = 120_000
_MULTIGRID: Final = {
    "mg_levels_ksp_type": "chebyshev",
    "mg_levels_pc_type": "jacobi",
    "pc_gamg_threshold": 0.02,
}
# Balances are closed to 1e-8: the solves must be better.
_RTOL: Final = 1.0e-12


class HeldSystem:
    """``A x = b`` where some x are given. Collective.

    Args:
        name: unique; prefix of PETSc's options.
        held: which of this rank's unknowns are given, owned ones only.
    """

    def __init__(self, name: str, held: Ints) -> None:
        self._name, self._held = name, held
        self._ksp: Any = None
        self._free: Any = None
        self._inner: Any = None

    def set(self, matrix: Any) -> None:
        """Take a matrix, without its boundary values; it is kept and must not be changed."""
        first, _ = matrix.getOwnershipRange()
        release(self._free, self._inner)
        self._free, self._inner = matrix, matrix.copy()
        # of the size of the others, for the sake of the condition
        diagonal = matrix.getDiagonal()
        self._scale = float(diagonal.norm(PETSc.NormType.INFINITY))
        release(diagonal)
        self._inner.zeroRowsColumns(self._held + first, diag=self._scale)
        if self._ksp is None:
            self._ksp = self._make(matrix)
            self._x, self._b = matrix.createVecs()
        self._ksp.setOperators(self._inner)

    def solve(self, rhs: Array, given: Array) -> Array:
        """Return x, (owned,).

        Args:
            rhs: b, (owned,).
            given: values of the held unknowns at their places, anything elsewhere, (owned,).

        Raises:
            ConvergenceError: on every rank.
        """
        self._x.array[:] = 0.0
        self._x.array[self._held] = given[self._held]
        self._free.mult(self._x, self._b)
        values = rhs - self._b.array
        values[self._held] = self._scale * given[self._held]
        self._b.array[:] = values
        self._ksp.solve(self._b, self._x)
        reason = int(self._ksp.getConvergedReason())
        if reason < 0:
            raise ConvergenceError(
                f"linear solve '{self._name}' failed (PETSc reason {reason}): check conductivities "
                "and whether all layers reach both tabs"
            )
        return np.array(self._x.array)

    def reaction(self, x: Array, rhs: Array) -> Array:
        """Return what holds the given unknowns, A x - b, (owned,)."""
        self._x.array[:] = x
        self._free.mult(self._x, self._b)
        return np.asarray(self._b.array - rhs)

    def _make(self, matrix: Any) -> Any:
        ksp = PETSc.KSP().create(matrix.getComm())
        ksp.setOptionsPrefix(f"{self._name}_")
        pc = ksp.getPC()
        if matrix.getSize()[0] <= _DIRECT_LIMIT:
            ksp.setType("preonly")
            pc.setType("cholesky")
            pc.setFactorSolverType("mumps")
            return ksp
        ksp.setType("cg")
        pc.setType("gamg")
        ksp.setTolerances(rtol=_RTOL, max_it=500)
        options = PETSc.Options()
        for key, value in _MULTIGRID.items():
            options[f"{self._name}_{key}"] = value
        ksp.setFromOptions()
        return ksp
