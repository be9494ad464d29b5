"""Is there room above the film? Fields at the top must not feel it, fine cells must reach it."""

from __future__ import annotations

import logging
import math

from interphase.meshes.geometry import Geometry
from interphase.parameters.errors import ConvergenceError

logger = logging.getLogger(__name__)

# Nearer to the top than this many interface widths the front meets the boundary.
_LEAST_WIDTHS = 3.0
# Below this distance the fields at the top feel the film [m].
_WANTED = 10.0e-9


class RoomWatch:
    """Warns when a film comes near the top of its domain and ends the run before it gets there.

    Args:
        geometry: the domain.
        width: of the interface [m].
        resolved: height up to which the mesh resolves a front [m].
    """

    def __init__(self, geometry: Geometry, width: float, resolved: float = math.inf) -> None:
        self._height, self._width, self._resolved = geometry.height, width, resolved
        # Of a domain that is small from the start the user knows.
        self._warned = geometry.comm.rank > 0 or geometry.height < 1.5 * _WANTED

    def check(self, top: float) -> None:
        """Look at the height of the film's top, ``top`` [m]; the same on all ranks.

        Raises:
            ConvergenceError: the top of the domain is too near, or the front is in cells of a
                graded mesh that are too coarse for it.
        """
        if top > self._resolved:
            raise ConvergenceError(
                f"the film's top at {1e9 * top:.3g} nm has left the part of the graded mesh that "
                f"resolves a front, up to {1e9 * self._resolved:.3g} nm: make "
                f"mesh.grading.uniform_height larger than {1e9 * (top + _WANTED):.3g} nm"
            )
        gap = self._height - top
        advice = f"make the last entry of mesh.size larger than {1e9 * (top + _WANTED):.3g} nm"
        if gap < _LEAST_WIDTHS * self._width:
            raise ConvergenceError(
                f"the film's top at {1e9 * top:.3g} nm has come within {_LEAST_WIDTHS:g} interface "
                f"widths of the top of the domain: {advice}"
            )
        if gap < _WANTED and not self._warned:
            self._warned = True
            logger.warning(
                "the film's top is %.3g nm below the top of the domain: %s", 1e9 * gap, advice
            )
