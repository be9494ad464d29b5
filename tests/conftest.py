"""What all tests share: one thread per rank, and no test that hangs on several ranks.

On several ranks every rank runs pytest on the same tests. Three things keep them together:

* after each test all ranks collect garbage (PETSc objects are freed collectively) and wait for
  each other;
* a rank whose test failed says so at once, waits a little for the others, and if they do not come
  (they wait in a collective call that it left) it aborts the whole job;
* if all wait for each other, pytest's own timer (``faulthandler_timeout`` with
  ``faulthandler_exit_on_timeout``, set where mpirun is called) shows every stack and ends the job.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Generator, Iterator

# Before numpy is imported: ranks share the cores, so each uses one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Pictures are made without a display.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYVISTA_OFF_SCREEN", "true")

import pytest
from mpi4py import MPI  # before dolfinx: it loads the MPI library that dolfinx needs

PATIENCE = 30.0
"""How long a rank that failed waits for the others [s]."""

_failed = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Let only rank 0 write the summary."""
    if MPI.COMM_WORLD.rank > 0:
        config.option.verbose = -2
        config.option.reportchars = ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember failures, and show those of the other ranks where they happen."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
        if MPI.COMM_WORLD.size > 1:
            head = f"rank {MPI.COMM_WORLD.rank} failed in {call.when} of {item.nodeid}"
            sys.__stderr__ and sys.__stderr__.write(f"\n{head}\n{report.longreprtext}\n")
    return report


@pytest.fixture(scope="session")
def _ranks() -> Iterator[MPI.Intracomm]:
    """Give a communicator of our own, so that waiting cannot meet a test's own messages."""
    ranks = MPI.COMM_WORLD.Dup()
    yield ranks
    ranks.Free()


@pytest.fixture(autouse=True)
def _together(request: pytest.FixtureRequest, _ranks: MPI.Intracomm) -> Iterator[None]:
    """Keep the ranks in step from test to test."""
    yield
    if _ranks.size == 1:
        return
    gc.collect()
    arrived = _ranks.Ibarrier()
    failed = request.node.stash.get(_failed, False)
    start = time.monotonic()
    while not arrived.Test():
        if failed and time.monotonic() - start > PATIENCE:
            sys.__stderr__ and sys.__stderr__.write("the other ranks do not come: aborting\n")
            MPI.COMM_WORLD.Abort(1)
        time.sleep(1e-4)


@pytest.fixture
def comm() -> MPI.Intracomm:
    """All ranks of the test run."""
    return MPI.COMM_WORLD
