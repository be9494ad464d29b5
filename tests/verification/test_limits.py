"""The analytic limits, measured by the functions that `interphase verify` runs."""

from __future__ import annotations

import pytest
from mpi4py import MPI

from interphase.scripts.verification.registry import Limit, select


def _case(limit: Limit) -> object:
    marks = [pytest.mark.slow, *([pytest.mark.mpi] if limit.parallel else [])]
    return pytest.param(limit, id=limit.name, marks=marks)


@pytest.mark.parametrize("limit", [_case(limit) for limit in select([])])
def test_limit_holds(limit: Limit, comm: MPI.Intracomm) -> None:
    """Every check of the limit is within its tolerance."""
    for check in limit.run(comm):
        assert check.passed, check
