"""A mesh together with what the physics must know of it: names, sizes, periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from dolfinx.mesh import Mesh, MeshTags
from mpi4py import MPI

BOUNDARIES: Final[Mapping[str, int]] = MappingProxyType({"electrode": 1, "bulk": 2, "sides": 3})
"""Names of the boundaries and the numbers that `Geometry.facet_tags` uses for them."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A distributed mesh with named boundaries. Lengths in m.

    Integrals over the mesh times `depth` are volumes: a line stands for a column of material, a
    plane for a slice.

    Attributes:
        mesh: the DOLFINx mesh, ghosted over shared facets.
        facet_tags: exterior facets owned by this rank, tagged by the numbers of `boundaries`.
        boundaries: name to tag of "electrode", "bulk" and "sides".
        periods: axis and length [m] of every periodic direction. The mesh itself is not periodic:
            the nodes of the two faces lie opposite each other and the solver ties them.
        normal_axis: axis that points from the electrode into the electrolyte.
        area: area of the electrode [m2], `depth` included.
        depth: lateral area [m2] in 1-D, thickness of the slice [m] in 2-D, 1 in 3-D.
        height: extent along the normal, electrode to bulk [m].
        cell_size: cell edge where the film grows [m].
        origin: position of the electrode on the normal axis [m].
        radius: radius of the particle [m] around the coordinate origin; None for a flat electrode.
    """

    mesh: Mesh
    facet_tags: MeshTags
    boundaries: Mapping[str, int]
    periods: tuple[tuple[int, float], ...]
    normal_axis: int
    area: float
    depth: float
    height: float
    cell_size: float
    origin: float = 0.0
    radius: float | None = None

    @property
    def comm(self) -> MPI.Comm:
        """Communicator of the mesh."""
        comm: MPI.Comm = self.mesh.comm
        return comm

    @property
    def dim(self) -> int:
        """Number of space dimensions."""
        return int(self.mesh.geometry.dim)

    def elevation(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the distance from the electrode [m] along its normal.

        For a rough electrode (gmsh, voxels) it is measured from the electrode's lowest point.

        Args:
            points: positions [m], shape (n, 3) or (n, dim).

        Returns:
            Distances [m], shape (n,).
        """
        if self.radius is not None:
            return np.asarray(np.hypot(points[:, 0], points[:, 1]) - self.radius)
        return np.asarray(points[:, self.normal_axis] - self.origin)
