"""Geometries with named boundaries, importers, resolution checks and collective helpers."""

# Before any dolfinx: its wheel finds libmpi through mpi4py.
import mpi4py.MPI  # noqa: F401
