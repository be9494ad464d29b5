"""Linear solves of symmetric positive definite systems that change a little every step."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from petsc4py import PETSc

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.space import Array, NodalSpace, release

logger = logging.getLogger(__name__)

# Up to this many unknowns a factorisation is cheaper than multigrid (planes fill in less than
# solids).
DIRECT_LIMIT = {1: 10_000_000, 2: 1_500_000, 3: 15_000}


@dataclass(frozen=True, slots=True)
class LinearOptions:
    """How linear systems are solved: conjugate gradients with a preconditioner that is kept.

    Attributes:
        kind: ``direct`` (Cholesky factors, MUMPS), ``multigrid`` (GAMG) or ``auto``.
        rtol: relative tolerance of the residual norm.
    """

    kind: str = "auto"
    rtol: float = 1.0e-7

    def resolve(self, unknowns: int, dim: int) -> str:
        """Return ``direct`` or ``multigrid`` for a system of this size."""
        if self.kind != "auto":
            return self.kind
        return "direct" if unknowns <= DIRECT_LIMIT[dim] else "multigrid"


# A kept preconditioner is given up when it takes this many iterations more than a new one, and made
# anew for the next solve when it took a third of them. New factors of a plane cost as much as seven
# solves with old ones, a new hierarchy as much as some dozens of its cycles.
_PATIENCE = {"cholesky": 4, "gamg": 27}
# After this many failures in a row a kept preconditioner is tried again only every 2^n-th time.
_MISTRUST = 4

# Up to this many unknowns factors are tried where multigrid fails, whatever they cost.
_FACTORS_LIMIT = 400_000
# Workspace that MUMPS may need beyond its estimate [%]; small blocks on several ranks exceed it.
_FACTORS = {"mat_mumps_icntl_14": 200}
_MULTIGRID = {
    "pc_gamg_reuse_interpolation": True,
    "pc_gamg_threshold": 0.05,
    "mg_levels_ksp_type": "chebyshev",
    # The largest eigenvalue is estimated in ten iterations; where coefficients jump it comes out
    # low, and a bound below it makes the preconditioner indefinite.
    "mg_levels_ksp_chebyshev_esteig": "0,0.05,0,1.3",
    "mg_levels_pc_type": "jacobi",
}


class LinearSolver:
    """Solves ``A x = b`` for a family of similar matrices.

    The preconditioner of an earlier matrix is kept as long as it serves: a film changes by a
    fraction of its interface per step. Collective on the space's communicator.

    Attributes:
        iterations: of all solves so far.
        renewed: how often a preconditioner was made.
        given_up: how often a kept one was tried in vain.
    """

    def __init__(
        self, space: NodalSpace, name: str, options: LinearOptions, *, simple: bool = False
    ) -> None:
        self._name, self._options = name, options
        self._ksp: Any = PETSc.KSP().create(space.comm)
        self._ksp.setOptionsPrefix(f"{name}_")
        self._ksp.setType("cg")
        self._ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        pc = self._ksp.getPC()
        self._lagged = not simple
        if simple:
            pc.setType("jacobi")
        elif options.resolve(space.global_size, space.dim) == "direct":
            pc.setType("cholesky")
            pc.setFactorSolverType("mumps")
        else:
            pc.setType("gamg")
        known: dict[str, dict[str, Any]] = {"gamg": _MULTIGRID, "cholesky": _FACTORS}
        self._settings: dict[str, Any] = known.get(pc.getType(), {})
        self._fresh, self._best = True, 0
        self._failures = self._waits = 0
        self.renewed = self.given_up = 0
        self._x, self._b = space.vector(), space.vector()
        self.iterations = 0

    def restructure(self, a: Any) -> None:
        """Make ready for matrices of another size or pattern, such as ``a``."""
        self._ksp.reset()
        release(self._x, self._b)
        self._x, self._b = a.createVecRight(), a.createVecLeft()
        self._fresh = True

    def solve(
        self, a: Any, rhs: Array, guess: Array | None = None, *, rtol: float | None = None
    ) -> Array:
        """Return the solution, shape (size,).

        Args:
            a: symmetric positive definite matrix of the unknowns.
            rhs: right-hand side, (size,).
            guess: first guess, (size,); zero if left out.
            rtol: tolerance of this solve instead of the options'.

        Raises:
            ConvergenceError: the iteration failed even with a new preconditioner.
        """
        ksp = self._ksp
        if self._settings:
            self._configure()
        self._b.array[:] = rhs
        ksp.setOperators(a)
        # A good guess from the last step may start far above a small right-hand side: no divergence
        # test.
        ksp.setTolerances(rtol=rtol or self._options.rtol, atol=1e-300, divtol=1e30)
        kept = self._lagged and not self._fresh and self._trusted() and self._try_kept(guess)
        if not kept and not self._attempt(guess, keep=False) and not self._factorise(a, guess):
            reason = ksp.getConvergedReason()
            # Factors that could not be made stay marked as such for every matrix after.
            ksp.reset()
            self._fresh = True
            raise ConvergenceError(
                f"linear solve '{self._name}' failed (PETSc reason {reason}): "
                "check units and scales of the table, or set solver.linear to direct"
            )
        count = int(ksp.getIterationNumber())
        if not kept:
            self._best = count
            self.renewed += 1
        self._fresh = count > self._best + self._patience // 3
        self.iterations += count
        return np.array(self._x.array)

    @property
    def _patience(self) -> int:
        return _PATIENCE.get(self._ksp.getPC().getType(), 0)

    def _trusted(self) -> bool:
        """Return whether a kept preconditioner is worth an attempt, after how often it failed."""
        self._waits = max(self._waits - 1, 0)
        return self._waits == 0

    def _try_kept(self, guess: Array | None) -> bool:
        if self._attempt(guess, keep=True):
            self._failures = 0
            return True
        self.given_up += 1
        self._failures = min(self._failures + 1, _MISTRUST)
        self._waits = 2**self._failures
        return False

    def _factorise(self, a: Any, guess: Array | None) -> bool:
        """Try factors where multigrid failed, from now on; return whether they serve."""
        pc = self._ksp.getPC()
        if pc.getType() != "gamg" or self._b.getSize() > _FACTORS_LIMIT:
            return False
        logger.debug("multigrid failed for '%s': factors from now on", self._name)
        self._ksp.reset()
        self._ksp.setOperators(a)
        pc.setType("cholesky")
        pc.setFactorSolverType("mumps")
        self._settings = dict(_FACTORS)
        self._configure()
        return self._attempt(guess, keep=False)

    def _configure(self) -> None:
        """Pass the options; at the first solve, since PETSc reports those that nobody used."""
        settings = PETSc.Options()
        for key, value in self._settings.items():
            settings[f"{self._name}_{key}"] = value
        self._ksp.setFromOptions()
        self._settings = {}

    def _attempt(self, guess: Array | None, *, keep: bool) -> bool:
        # A kept preconditioner that no longer fits (a seed, a jump of the step) is given up early.
        self._ksp.setTolerances(max_it=self._best + self._patience if keep else 1000)
        if self._lagged:
            self._ksp.getPC().setReusePreconditioner(keep)
        self._x.array[:] = 0.0 if guess is None else guess
        self._ksp.setInitialGuessNonzero(guess is not None)
        self._ksp.solve(self._b, self._x)
        return int(self._ksp.getConvergedReason()) > 0
