"""The discretised problem, time stepping, outputs, checkpoints and diagnostics."""

# Before any dolfinx: its wheel finds libmpi through mpi4py.
import mpi4py.MPI  # noqa: F401
