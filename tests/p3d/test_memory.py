"""Nothing is left behind by steps that many ranks take together."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from mpi4py import MPI
from petsc4py import PETSc

from interphase.scripts.benchmarks.record import PeakMemory
from interphase.solvers.p3d.held import HeldSystem

pytestmark = pytest.mark.mpi

_SIZE = 20_000


def _chain(shift: float) -> PETSc.Mat:
    """Return a chain of springs held by others; half a megabyte on one rank."""
    matrix = PETSc.Mat().createAIJ(((_SIZE, _SIZE)), nnz=(3, 1), comm=MPI.COMM_WORLD)
    for i in range(*matrix.getOwnershipRange()):
        matrix[i, i] = 2.0 + shift
        for j in (i - 1, i + 1):
            if 0 <= j < _SIZE:
                matrix[i, j] = -1.0
    matrix.assemble()
    return matrix


def test_new_factors_leave_no_old_ones_behind() -> None:
    """On several ranks petsc4py frees only what is destroyed by name."""
    system = HeldSystem("test_memory", np.empty(0, dtype=np.int32))
    first = _chain(0.1)
    rhs = np.ones(first.getLocalSize()[0])
    memory = PeakMemory()

    def renew(times: int) -> float:
        for _ in range(times):
            system.set(first.copy())
            system.solve(rhs, rhs)
        gc.collect()
        return memory.read("VmRSS") or 0.0

    settled = renew(10)
    # Forty copies of a matrix of 0.5 MB, and of its diagonal, on two ranks: 15 MB each.
    assert renew(40) < settled + 4.0
