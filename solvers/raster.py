"""Between the unknowns of a space and a uniform patch of its film, on any number of ranks."""

from __future__ import annotations

import numpy as np

from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.proposal import Patch
from interphase.parameters.errors import MeshError
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState

# Nodes lie on the grid to this part of its spacing.
_OFF_GRID = 1.0e-3
# The speed is that of nodes so many interface widths from the front; beyond, the profile is flat.
_NEAR = 1.5


class Raster:
    """The uniform part of a box above its electrode as a grid. Collective on the space's ranks.

    Every rank holds the whole patch: a leap is rare, and a patch is small beside a step's matrices.

    Attributes:
        shape: nodes along each axis, the normal last.
        spacing: cell edge along each axis [m].
        periodic: of each lateral axis.
        height: elevation of the patch's top [m].
    """

    def __init__(self, space: NodalSpace) -> None:
        """Find the grid.

        Raises:
            MeshError: on every rank, if the nodes above the electrode lie on no uniform grid.
        """
        geometry = space.geometry
        if geometry.radius is not None or geometry.normal_axis != space.dim - 1:
            raise MeshError("a leap needs a flat electrode; mesh.kind interval, rectangle or box")
        self._space = space
        tied = {axis for axis, _ in geometry.periods}
        self.periodic = tuple(axis in tied for axis in range(space.dim - 1))
        points = np.concatenate(space.comm.allgather(space.points[:, : space.dim]))
        levels = [_levels(column, geometry.cell_size) for column in points.T]
        if np.prod([row.size for row in levels]) != points.shape[0]:
            raise MeshError("a leap needs a grid; mesh.kind interval, rectangle or box")
        normal = levels[-1]
        even = np.isclose(np.diff(normal), normal[1] - normal[0], rtol=_OFF_GRID, atol=0.0)
        uniform = 1 + (even.size if even.all() else int(np.argmin(even)))
        for row in levels[:-1]:
            if not np.allclose(np.diff(row), row[1] - row[0], rtol=_OFF_GRID, atol=0.0):
                raise MeshError("a leap needs cells of one lateral size; mesh.kind rectangle, box")
        self.shape = (*(row.size for row in levels[:-1]), uniform)
        self.spacing = tuple(float(row[1] - row[0]) for row in levels)
        self.height = float(normal[uniform - 1] - normal[0])
        low = np.array([row[0] for row in levels])
        index = np.rint((points - low) / np.array(self.spacing)).astype(np.int64)
        # In the graded part the spacing is none of the grid's; those nodes are not in the patch.
        index[:, -1] = np.searchsorted(normal, points[:, -1] - _OFF_GRID * self.spacing[-1])
        inside = index[:, -1] < uniform
        self._every = inside
        self._place = np.ravel_multi_index(tuple(index[inside].T), self.shape)
        start, end = space.range
        self._own = inside[start:end]
        self._own_place = np.ravel_multi_index(tuple(index[start:end][self._own].T), self.shape)

    def gather(self, values: Array) -> Array:
        """Return nodal values, (size,) or (k, size), on the grid of every rank, (..., *shape)."""
        whole = np.concatenate(self._space.comm.allgather(values), axis=-1)[..., self._every]
        grid = np.empty(whole.shape)
        grid[..., self._place] = whole
        return grid.reshape(*whole.shape[:-1], *self.shape)

    def scatter(self, grid: Array, values: Array) -> Array:
        """Return nodal ``values``, (size,) or (k, size), with those of the grid put in."""
        changed = values.copy()
        flat = grid.reshape(*values.shape[:-1], -1)
        changed[..., self._own] = flat[..., self._own_place]
        return changed

    def patch(self, state: FilmState, width: float) -> Patch:
        """Return the film as a patch; its speed is that of the step that led to ``state``.

        Args:
            state: of the film.
            width: interface width l [m].
        """
        distance = signed_distance(state.phi, width)
        speed = np.zeros_like(distance)
        if state.step > 0.0:
            speed = (distance - signed_distance(state.phi_before, width)) / state.step
            speed = np.where(np.abs(distance) <= _NEAR * width, speed, 0.0)
        fields = self.gather(np.stack([state.phi, state.carrier, speed, *state.shares]))
        phi, carrier, speed = fields[:3]
        return Patch(phi, fields[3:], carrier, speed, self.spacing, self.periodic)


def _levels(column: Array, cell: float) -> Array:
    """Return the different coordinates [m] of a grid's nodes along one axis, ascending."""
    ordered = np.sort(column)
    new = np.concatenate([[True], np.diff(ordered) > 0.1 * _OFF_GRID * cell])
    return np.asarray(ordered[new])
