"""From the ``mesh`` block of a case to a geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mpi4py import MPI

from interphase.meshes.builders import DEFAULT_DEPTH, box, interval, rectangle
from interphase.meshes.geometry import Geometry
from interphase.meshes.importers import from_gmsh, from_voxels
from interphase.meshes.particle import particle
from interphase.meshes.refinement import Grading, check_resolution
from interphase.parameters.case_mesh import MeshCase
from interphase.parameters.errors import MeshError

type Builder = Callable[[MPI.Comm, MeshCase, Path], Geometry]

_AXES: Final = ("x", "y", "z")
# A file whose cells differ by more than this factor from the case's cell_size has another unit.
_OTHER_UNIT: Final = 3.0


def build(
    comm: MPI.Comm, case: MeshCase, interface_width: float, *, folder: Path | None = None
) -> Geometry:
    """Build the mesh of a case and check that it resolves the front.

    Collective.

    Args:
        comm: ranks that share the mesh.
        case: the ``mesh`` block.
        interface_width: l, the width of the front [m].
        folder: where ``case.file`` is looked for if it is relative; the case file's folder.

    Raises:
        MeshError: on every rank, naming the key: a mesh that cannot be built, more ranks than
            cells, or fewer than six cells across the front without a reason.
    """
    geometry = BUILDERS[case.kind](comm, case, folder or Path())
    check_resolution(geometry, interface_width, case.under_resolved)
    return geometry


def _depth(case: MeshCase) -> float:
    return DEFAULT_DEPTH if case.depth is None else case.depth


def _grading(case: MeshCase) -> Grading | None:
    if case.grading is None:
        return None
    return Grading(case.grading.uniform_height, case.grading.ratio)


def _interval(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    return interval(comm, case.size[0], case.cell_size, grading=_grading(case), depth=_depth(case))


def _rectangle(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    return rectangle(
        comm,
        case.size,
        case.cell_size,
        cell=case.cell or "quadrilateral",
        periodic=[_AXES.index(axis) for axis in case.periodic],
        grading=_grading(case),
        depth=_depth(case),
    )


def _box(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    return box(
        comm,
        case.size,
        case.cell_size,
        cell=case.cell or "hexahedron",
        periodic=[_AXES.index(axis) for axis in case.periodic],
        grading=_grading(case),
    )


def _particle(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    return particle(
        comm,
        _given(case.radius, "radius"),
        _given(case.angle, "angle"),
        case.size[-1],
        case.cell_size,
        cell=case.cell or "triangle",
        grading=_grading(case),
        depth=_depth(case),
    )


def _gmsh(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    path = folder / _given(case.file, "file")
    return _in_unit(
        from_gmsh(comm, path, _given(case.file_unit, "file_unit"), depth=_depth(case)), case
    )


def _voxels(comm: MPI.Comm, case: MeshCase, folder: Path) -> Geometry:
    path = folder / _given(case.file, "file")
    return _in_unit(
        from_voxels(comm, path, _given(case.file_unit, "file_unit"), depth=_depth(case)), case
    )


def _given[T](value: T | None, key: str) -> T:
    if value is None:
        raise MeshError(f"mesh.{key}: is missing")
    return value


def _in_unit(geometry: Geometry, case: MeshCase) -> Geometry:
    """Return the geometry if its cells are about as large as the case says."""
    found = geometry.cell_size
    if not 1.0 / _OTHER_UNIT < found / case.cell_size < _OTHER_UNIT:
        raise MeshError(
            f"mesh.file_unit: cells at the electrode are {found * 1e9:.4g} nm wide but "
            f"mesh.cell_size says {case.cell_size * 1e9:.4g} nm; give the length of one unit of "
            "the file's coordinates"
        )
    return geometry


BUILDERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        "interval": _interval,
        "rectangle": _rectangle,
        "box": _box,
        "particle": _particle,
        "gmsh": _gmsh,
        "voxels": _voxels,
    }
)
"""Builder of every ``mesh.kind``."""
