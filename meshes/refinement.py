"""Is the front resolved? Cells across the interface width, and grading along the normal."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from interphase.meshes.geometry import Geometry
from interphase.parameters.errors import MeshError

logger = logging.getLogger(__name__)

LEAST_CELLS = 6.0
"""Cells across the interface width below which the lattice pins a front."""


@dataclass(frozen=True, slots=True)
class Grading:
    """Uniform cells near the electrode, geometric growth above.

    Attributes:
        uniform_height: height up to which cells keep their size [m].
        ratio: growth of a cell over the one below it [-], from 1 to 2.
    """

    uniform_height: float
    ratio: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.uniform_height > 0.0:
            raise MeshError(
                f"mesh.grading.uniform_height: must be positive, got {self.uniform_height:g} m"
            )
        if not 1.0 <= self.ratio <= 2.0:
            raise MeshError(f"mesh.grading.ratio: must lie between 1 and 2, got {self.ratio:g}")

    def height_of(self, cell_size: float, largest: float) -> float:
        """Return the height up to which cells are no larger than ``largest`` [m].

        Args:
            cell_size: of the uniform part [m].
            largest: cell that will do [m].
        """
        if self.ratio == 1.0:
            return math.inf
        # sizes of a geometric series are linear in the height
        return self.uniform_height + max(largest - cell_size, 0.0) / (self.ratio - 1.0)


def levels(height: float, cell_size: float, grading: Grading | None) -> npt.NDArray[np.float64]:
    """Return the heights of the layers of nodes [m], shape (layers + 1,).

    No uniform cell is larger than ``cell_size``. Cells of the graded part are stretched or
    shrunk together, by less than one growth step, so that the last layer ends at ``height``.

    Args:
        height: extent along the normal [m].
        cell_size: largest cell of the uniform part [m].
        grading: where and how fast cells grow; None for uniform cells.

    Raises:
        MeshError: if a length is not positive.
    """
    count = cell_count(height, cell_size)
    if grading is None or grading.uniform_height >= height or grading.ratio == 1.0:
        return np.linspace(0.0, height, count + 1)
    uniform = cell_count(grading.uniform_height, cell_size)
    step = grading.uniform_height / uniform
    rest = height - grading.uniform_height
    r = grading.ratio
    # Sum of step * r^k for k = 1..n equals rest at this (real) n.
    n = math.log1p(rest * (r - 1.0) / (step * r)) / math.log(r)
    sizes = step * r ** np.arange(1, max(1, round(n)) + 1)
    graded = grading.uniform_height + np.cumsum(sizes) * (rest / sizes.sum())
    heights = np.concatenate([np.linspace(0.0, grading.uniform_height, uniform + 1), graded])
    heights[-1] = height
    return heights


def cell_count(length: float, cell_size: float) -> int:
    """Return how many equal cells, none larger than ``cell_size``, fill ``length`` (both in m).

    Raises:
        MeshError: if one of them is not positive and finite.
    """
    for key, value in (("mesh.size", length), ("mesh.cell_size", cell_size)):
        if not (value > 0.0 and math.isfinite(value)):
            raise MeshError(f"{key}: must be positive, got {value:g} m")
    # Rounding of the quotient must not add a sliver of a cell.
    return max(1, math.ceil(length / cell_size * (1.0 - 1.0e-9)))


def points_per_interface(geometry: Geometry, interface_width: float) -> float:
    """Return the number of cells across the interface width ``interface_width`` [m]."""
    return interface_width / geometry.cell_size


def check_resolution(
    geometry: Geometry, interface_width: float, under_resolved: str | None = None
) -> float:
    """Refuse a mesh on which the front would be pinned by the cells.

    Args:
        geometry: the mesh.
        interface_width: l, the width of the front [m].
        under_resolved: the user's reason to go on with a coarse mesh; None or empty if none.

    Returns:
        Cells across the interface width.

    Raises:
        MeshError: below `LEAST_CELLS` cells without a reason.
    """
    if not interface_width > 0.0:
        raise MeshError(f"interface_width: must be positive, got {interface_width:g} m")
    cells = points_per_interface(geometry, interface_width)
    if cells * (1.0 + 1.0e-9) >= LEAST_CELLS:
        return cells
    text = (
        f"mesh.cell_size: {geometry.cell_size * 1e9:.4g} nm puts {cells:.2g} cells across the "
        f"interface width of {interface_width * 1e9:.4g} nm, at least {LEAST_CELLS:g} are needed"
    )
    if not under_resolved:
        wanted = interface_width / LEAST_CELLS * 1e9
        raise MeshError(
            f"{text}; write cell_size: {wanted:.4g} nm or less, or give a reason in "
            "mesh.under_resolved"
        )
    if geometry.comm.rank == 0:
        logger.warning("%s; continuing because: %s", text, under_resolved)
    return cells
