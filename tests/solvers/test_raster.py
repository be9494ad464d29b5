"""Patches: what a leap sees of a film, and what of it comes back."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import box, interval, rectangle
from interphase.meshes.particle import particle
from interphase.meshes.refinement import Grading
from interphase.models.surrogate.proposal import Patch
from interphase.parameters.errors import MeshError
from interphase.solvers.raster import Raster
from interphase.solvers.space import NodalSpace

NM = 1e-9
MESHES = {
    "line": lambda: interval(MPI.COMM_WORLD, 3 * NM, 0.25 * NM),
    "plane": lambda: rectangle(MPI.COMM_WORLD, [2 * NM, 3 * NM], 0.25 * NM),
    "mirrors": lambda: rectangle(MPI.COMM_WORLD, [2 * NM, 3 * NM], 0.25 * NM, periodic=()),
    "box": lambda: box(MPI.COMM_WORLD, [1 * NM, 1.5 * NM, 2 * NM], 0.25 * NM),
    "graded": lambda: rectangle(
        MPI.COMM_WORLD, [2 * NM, 9 * NM], 0.25 * NM, grading=Grading(3 * NM, 1.2)
    ),
}


@pytest.mark.parametrize("name", MESHES)
def test_a_field_goes_to_the_patch_and_back(name: str) -> None:
    """The patch holds every node in its place, and gives back what it was given."""
    space = NodalSpace(MESHES[name]())
    raster = Raster(space)
    x = space.points.T / NM
    fields = np.stack([x[0] + 10.0 * x[1] + 100.0 * x[2], space.mass])
    grid = raster.gather(fields)
    axes = [h / NM * np.arange(n) for n, h in zip(raster.shape, raster.spacing, strict=True)]
    index = np.meshgrid(*axes, indexing="ij")
    expected = sum(10.0**i * axis for i, axis in enumerate(index))
    assert grid.shape == (2, *raster.shape)
    assert np.abs(grid[0] - expected).max() < 1e-9
    back = raster.scatter(2.0 * grid, fields)
    inside = x[space.dim - 1] < raster.height / NM + 1e-6
    np.testing.assert_allclose(back[:, inside], 2.0 * fields[:, inside])
    np.testing.assert_array_equal(back[:, ~inside], fields[:, ~inside])
    assert bool((~inside).any()) == (name == "graded") or space.comm.size > 1


def test_the_patch_measures_a_film_as_the_space_does() -> None:
    """Volume per area of a bumpy film: trapezoid on the patch, lumped mass in the space."""
    for name in ("plane", "mirrors", "box"):
        space = NodalSpace(MESHES[name]())
        raster = Raster(space)
        x = space.points.T / NM
        top = 1.2 + 0.3 * np.cos(np.pi * x[0])
        phi = 0.5 * (1.0 - np.tanh(2.0 * (x[space.dim - 1] - top)))
        grid = raster.gather(phi)
        patch = Patch(grid, grid[None], grid, grid, raster.spacing, raster.periodic)
        assert patch.thickness(grid) == pytest.approx(
            space.integral(phi) / space.geometry.area, rel=1e-12
        )


def test_a_particle_has_no_patch() -> None:
    """Where nodes lie on no grid a leap is refused in words."""
    space = NodalSpace(particle(MPI.COMM_WORLD, 5 * NM, 1.0, 3 * NM, 0.5 * NM))
    with pytest.raises(MeshError, match="flat electrode"):
        Raster(space)
