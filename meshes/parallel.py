"""Collective-safe helpers: what happens on one rank is known on all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

from interphase.parameters.errors import InterphaseError

logger = logging.getLogger(__name__)


def on_root[T](comm: MPI.Comm, work: Callable[[], T]) -> T:
    """Run ``work`` on rank 0 and return its result on every rank.

    Collective. The result is sent by pickling, so it must be plain data or arrays.

    Args:
        comm: the ranks that wait for the result.
        work: what only rank 0 may do (read or write a file, run a serial code).

    Raises:
        InterphaseError: on every rank when ``work`` fails. An error of this package keeps its
            class and text; any other is named with its type.
    """
    result: T | None = None
    failure: InterphaseError | None = None
    if comm.rank == 0:
        try:
            result = work()
        except Exception as error:
            failure = _portable(error, rank=0)
    failure = comm.bcast(failure, root=0)
    if failure is not None:
        raise failure
    return cast(T, comm.bcast(result, root=0))


def raise_together(comm: MPI.Comm, error: Exception | None) -> None:
    """Raise on every rank if any rank has an error; return if none has.

    Collective. The error of the lowest rank that has one wins, so that all ranks say the same.

    Args:
        comm: the ranks that decide together.
        error: what went wrong on this rank, or None.

    Raises:
        InterphaseError: the same error, or its description if it is not one of this package.
    """
    own = None if error is None else _portable(error, rank=comm.rank)
    first = next((e for e in comm.allgather(own) if e is not None), None)
    if first is not None:
        raise first from error


def global_max(comm: MPI.Comm, values: npt.ArrayLike) -> float:
    """Return the largest value over all ranks; minus infinity if no rank has any. Collective."""
    local = np.max(np.asarray(values, dtype=float), initial=-np.inf)
    return float(comm.allreduce(float(local), op=MPI.MAX))


def global_min(comm: MPI.Comm, values: npt.ArrayLike) -> float:
    """Return the smallest value over all ranks; infinity if no rank has any. Collective."""
    local = np.min(np.asarray(values, dtype=float), initial=np.inf)
    return float(comm.allreduce(float(local), op=MPI.MIN))


def global_sum(comm: MPI.Comm, values: npt.ArrayLike) -> float:
    """Return the sum over all ranks; zero if no rank has any value. Collective."""
    local = np.sum(np.asarray(values, dtype=float))
    return float(comm.allreduce(float(local), op=MPI.SUM))


def _portable(error: Exception, *, rank: int) -> InterphaseError:
    """Return ``error`` in a form that travels between ranks."""
    if isinstance(error, InterphaseError):
        return error
    # The stack stays on the rank that failed, so it goes to the log; foreign exceptions may not
    # pickle, so only their text is sent.
    logger.error("failed on rank %d", rank, exc_info=error)
    return InterphaseError(f"on rank {rank}: {type(error).__name__}: {error}")
