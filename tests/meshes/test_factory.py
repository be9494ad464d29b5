"""From the mesh block of a case to a geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.factory import BUILDERS, build
from interphase.parameters.case_mesh import Kind, MeshCase
from interphase.parameters.errors import MeshError

NM = 1.0e-9


def case(**keys: Any) -> MeshCase:
    """Return a mesh block as it would be read from a file."""
    return MeshCase.model_validate(keys)


def test_every_kind_has_a_builder() -> None:
    """The schema and the factory know the same kinds."""
    assert set(BUILDERS) == set(get_args(Kind))


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("keys", "dim", "periods", "area"),
    [
        ({"kind": "interval", "size": ["20 nm"], "depth": "2 nm"}, 1, 0, 4 * NM**2),
        ({"kind": "rectangle", "size": ["6 nm", "8 nm"]}, 2, 1, 30 * NM**2),
        ({"kind": "rectangle", "size": ["6 nm", "8 nm"], "periodic": []}, 2, 0, 30 * NM**2),
        (
            {"kind": "box", "size": ["4 nm", "3 nm", "5 nm"], "cell": "tetrahedron"},
            3,
            2,
            12 * NM**2,
        ),
        (
            {"kind": "particle", "size": ["6 nm"], "radius": "50 nm", "angle": "0.2 rad"},
            2,
            0,
            50 * NM**2,
        ),
    ],
)
def test_kinds(
    comm: MPI.Intracomm, keys: dict[str, Any], dim: int, periods: int, area: float
) -> None:
    """Every kind that needs no file gives a geometry of its dimension, periods and area."""
    geometry = build(comm, case(cell_size="1 nm", **keys), 6 * NM)
    assert geometry.dim == dim
    assert len(geometry.periods) == periods
    # The particle's arc is made of chords of 1 nm on a radius of 50 nm.
    assert geometry.area == pytest.approx(area, rel=1e-4)


@pytest.mark.mpi
def test_under_resolved_case(comm: MPI.Intracomm) -> None:
    """Refused on every rank, or accepted with the reason that the case gives."""
    keys = {"kind": "rectangle", "size": ["6 nm", "8 nm"], "cell_size": "1 nm"}
    with pytest.raises(MeshError, match=r"mesh\.cell_size"):
        build(comm, case(**keys), 2 * NM)
    assert build(comm, case(under_resolved="a test", **keys), 2 * NM).cell_size == NM


def test_file_is_looked_for_beside_the_case(comm: MPI.Intracomm, tmp_path: Path) -> None:
    """A relative name is relative to the folder given, and the unit is the file's."""
    labels = np.ones((4, 6), dtype=np.int64)
    labels[:, 0] = 0
    np.save(tmp_path / "image.npy", labels)
    keys = {"kind": "voxels", "file": "image.npy", "cell_size": "0.5 nm"}
    geometry = build(comm, case(file_unit="0.5 nm", **keys), 3 * NM, folder=tmp_path)
    assert geometry.height == pytest.approx(2.5 * NM)
    with pytest.raises(MeshError, match=r"mesh\.file_unit: .* 1e\+09 nm wide .* 0\.5 nm"):
        build(comm, case(file_unit="1 m", **keys), 3 * NM, folder=tmp_path)
