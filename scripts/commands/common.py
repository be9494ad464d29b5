"""What commands share: exit codes, messages, and no rank left waiting for one that failed."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mpi4py import MPI

from interphase.parameters.errors import (
    CaseError,
    InterphaseError,
    MeshError,
    ParameterError,
    SurrogateError,
)

DONE: Final = 0
FAILED: Final = 1
BAD_CASE: Final = 2
STOPPED: Final = 3

# How long a rank that failed waits for the others before it ends them [s].
_PATIENCE: Final = 20.0

logger = logging.getLogger("interphase.cli")


def write(text: str = "") -> None:
    """Write a line of a command's result to the standard output."""
    sys.stdout.write(text + "\n" if not text.endswith("\n") else text)


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add -v and -q."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-v", "--verbose", action="store_true", help="say more (rejected steps)")
    group.add_argument("-q", "--quiet", action="store_true", help="say only what is wrong")


@contextmanager
def messages(parsed: argparse.Namespace, rank: int = 0) -> Iterator[None]:
    """Send messages to the standard output; of other ranks than 0 only what ends the run.

    Afterwards the package's logger is as it was: a program that calls a command keeps its own.
    """
    level = logging.DEBUG if getattr(parsed, "verbose", False) else logging.INFO
    if getattr(parsed, "quiet", False):
        level = logging.WARNING
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(level if rank == 0 else logging.CRITICAL)
    root = logging.getLogger("interphase")
    before = root.handlers[:], root.level, root.propagate
    root.handlers[:] = [handler]
    root.setLevel(min(level, logging.INFO))
    root.propagate = False
    try:
        yield
    finally:
        root.handlers[:], root.level, root.propagate = before


def guarded(work: Callable[[MPI.Intracomm], int], parsed: argparse.Namespace) -> int:
    """Run a command on all ranks and return its exit code.

    Args:
        work: gets the communicator of all ranks; raises `SetUpError` or any error of the package.
        parsed: the arguments.
    """
    comm = MPI.COMM_WORLD
    with messages(parsed, comm.rank):
        # Of our own, so that waiting for the others cannot meet the messages of the work.
        gate = comm.Dup()
        try:
            code = work(comm)
        except InterphaseError as error:
            code = BAD_CASE if isinstance(error, SetUpError) else FAILED
            _meet(gate, str(error))
            if comm.rank == 0:
                logger.error("error: %s", error)
        except Exception:
            logger.critical("unexpected error on rank %d", comm.rank, exc_info=True)
            code = FAILED
            if comm.size > 1:
                MPI.COMM_WORLD.Abort(FAILED)
        gate.Free()
    return code


class SetUpError(InterphaseError):
    """The case or the command is wrong; nothing was computed."""


def setting_up[T](work: Callable[[], T]) -> T:
    """Return what ``work`` returns; what is wrong with the case or command becomes `SetUpError`.

    Raises:
        SetUpError: with the text of the error.
    """
    from interphase.solvers.run_folder import FolderError

    try:
        return work()
    except (CaseError, ParameterError, MeshError, SurrogateError, FolderError) as error:
        raise SetUpError(str(error)) from error


def _meet(gate: MPI.Intracomm, message: str) -> None:
    """Wait for the other ranks to fail as well; end them if they do not."""
    arrived, start = gate.Ibarrier(), time.monotonic()
    while not arrived.Test():
        if time.monotonic() - start > _PATIENCE:
            logger.critical("error on rank %d: %s", gate.rank, message)
            MPI.COMM_WORLD.Abort(FAILED)
        time.sleep(1e-3)
