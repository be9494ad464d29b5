"""What happens on one rank is known on all of them."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.parallel import global_max, global_min, global_sum, on_root, raise_together
from interphase.parameters.errors import CaseError, InterphaseError, MeshError

pytestmark = pytest.mark.mpi


def test_on_root_gives_the_result_to_all(comm: MPI.Intracomm) -> None:
    """Only rank 0 works, every rank has the result."""
    calls: list[int] = []

    def work() -> dict[str, int]:
        calls.append(comm.rank)
        return {"rank": comm.rank}

    assert on_root(comm, work) == {"rank": 0}
    assert calls == ([0] if comm.rank == 0 else [])


def test_on_root_raises_on_all_ranks(comm: MPI.Intracomm) -> None:
    """A foreign error is named with its type; one of ours keeps class, text and key."""

    def foreign() -> None:
        raise ZeroDivisionError("nothing left")

    def own() -> None:
        raise CaseError("has no unit; write 2 nm", key="mesh.cell_size")

    with pytest.raises(InterphaseError, match="on rank 0: ZeroDivisionError: nothing left"):
        on_root(comm, foreign)
    with pytest.raises(CaseError, match=r"^mesh.cell_size: has no unit; write 2 nm$") as info:
        on_root(comm, own)
    assert info.value.key == "mesh.cell_size"


def test_raise_together_from_the_last_rank(comm: MPI.Intracomm) -> None:
    """An error on one rank is raised with the same text on all."""
    error = MeshError("no cells here") if comm.rank == comm.size - 1 else None
    with pytest.raises(MeshError, match=r"^no cells here$"):
        raise_together(comm, error)


def test_raise_together_takes_the_lowest_rank(comm: MPI.Intracomm) -> None:
    """If several ranks fail, all say what the lowest one says."""
    with pytest.raises(InterphaseError, match="on rank 0: ValueError: 0"):
        raise_together(comm, ValueError(str(comm.rank)))


def test_raise_together_is_silent_without_errors(comm: MPI.Intracomm) -> None:
    """Nothing happens if nothing went wrong."""
    raise_together(comm, None)


def test_reductions_ignore_empty_ranks(comm: MPI.Intracomm) -> None:
    """Ranks without values do not change extrema or sums, even if all values are negative."""
    values = np.array([-3.0, -2.0]) if comm.rank == 0 else np.empty(0)
    assert global_max(comm, values) == -2.0
    assert global_min(comm, values) == -3.0
    assert global_sum(comm, values) == -5.0
    assert global_max(comm, []) == -np.inf
    assert global_min(comm, []) == np.inf
    assert global_sum(comm, 1.0) == comm.size
