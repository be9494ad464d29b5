"""Any module can be imported first: the wheel of dolfinx finds libmpi through mpi4py only."""

from __future__ import annotations

import subprocess
import sys

import pytest
from mpi4py import MPI

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")


@pytest.mark.parametrize("module", ["solvers.diagnostics", "meshes.refinement", "meshes.facets"])
def test_a_module_needs_no_other_import_before_it(module: str) -> None:
    command = [sys.executable, "-c", f"import interphase.{module}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
