"""One implicit step of the film order parameter, and the geometry of its front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from petsc4py import PETSc

from interphase.models.front import FrontLaw
from interphase.parameters.errors import ConvergenceError
from interphase.solvers.graph import BoolArray, Extension, NodeGraph
from interphase.solvers.linear import LinearOptions, LinearSolver
from interphase.solvers.schemes import TimeScheme
from interphase.solvers.space import Array, NodalSpace, release

# Half-width of the band around the front where speeds are needed, in interface widths. A narrower
# one cuts the tail of the profile, which is then never refilled: at 2.2 growth lost 1.5 %.
BAND = 3.0
# Newton's method changes the band and this many widths around it; beyond, phi rests.
_MARGIN = 1.2
# Newton converges in three to five iterations; merging fronts may take some more.
_ITERATIONS = 40


@dataclass(frozen=True)
class FrontGeometry:
    """Where the front is and which way it faces.

    Attributes:
        distance: signed distance psi [m], positive in the film, (size,).
        normal: unit vector into the solid, (dim, size).
        curvature: div of the normal [1/m], cut at +-1/l, (size,).
        band: nodes near the front, (size,).
        edge: nodes next to phi = 1/2, (size,).
        outward: carries values from the edge through the band.
        sweeps: how many sweeps reach the end of the band.
    """

    distance: Array
    normal: Array
    curvature: Array
    band: BoolArray
    edge: BoolArray
    outward: Extension
    sweeps: int

    def at_front(
        self, space: NodalSpace, fields: list[Array], carried: list[Array] | None = None
    ) -> list[Array]:
        """Return ``fields`` as they are at phi = 1/2, carried through the band, (size,) each.

        Fields given in ``carried`` belong to the front already and are carried as they are.
        Collective.
        """
        slopes = [(self.normal * space.gradient(f)).sum(axis=0) for f in fields]
        front = [
            np.where(self.edge, f - self.distance * s, f)
            for f, s in zip(fields, slopes, strict=True)
        ]
        return list(self.outward.apply(np.stack([*front, *(carried or [])], axis=1), self.sweeps).T)


def front_geometry(
    space: NodalSpace, graph: NodeGraph, distance: Array, width: float
) -> FrontGeometry:
    """Return the geometry of the front at ``distance`` [m] (positive inside) = 0. Collective."""
    gradient = space.gradient(distance)
    normal = gradient / (np.sqrt((gradient**2).sum(axis=0)) + 1e-12)
    curvature = np.clip(space.divergence(normal), -1.0 / width, 1.0 / width)
    band = np.abs(distance) < BAND * width
    edge = graph.adjacent(distance > 0.0) & band
    outward = graph.extension(np.abs(distance), band, edge)
    sweeps = int(np.ceil(BAND * width / space.geometry.cell_size)) + 2
    return FrontGeometry(distance, normal, curvature, band, edge, outward, sweeps)


@dataclass(frozen=True)
class Foot:
    """The foot of a front's flanks, before it is carried through the band; arrays (size,).

    Attributes:
        lead: how much lower the action of the foot is at most [-].
        lowest: lowest action of the front within one width [-].
        decay: of P as the front advances [1/m].
    """

    lead: Array
    lowest: Array
    decay: Array

    @property
    def fields(self) -> list[Array]:
        """Return the arrays in the order of the attributes."""
        return [self.lead, self.lowest, self.decay]


def foot_of_front(
    space: NodalSpace, graph: NodeGraph, geometry: FrontGeometry, action: Array, width: float
) -> Foot:
    """Return what leads a front where the action grows along it. Collective.

    Up the flank of an island the action grows, so a sharp flank would tilt into a wedge thinner
    than l that runs ahead at the speed of its lowest point. A diffuse flank cannot: it takes the
    action from one width down its slope, but none lower than the front has within a width
    (``led_action``). The closure vanishes with l, and on a flat front.

    Args:
        space: the nodal space.
        graph: its upwind operators.
        geometry: of the front.
        action: tunnelling action, (size,).
        width: interface width l [m].
    """
    gradient = space.gradient(action)
    inward = (geometry.normal * gradient).sum(axis=0)
    along = np.sqrt(np.maximum((gradient**2).sum(axis=0) - inward**2, 0.0))
    here = action - geometry.distance * inward
    near = graph.adjacent(geometry.edge) | geometry.edge
    lowest = graph.lowest(
        np.where(geometry.edge, here, np.inf), near, int(np.ceil(width / space.geometry.cell_size))
    )
    # A node off the front has no action of its own.
    lowest = np.where(np.isfinite(lowest), lowest, action)
    return Foot(width * along, lowest, 2.0 * np.maximum(-inward, 0.0))


def led_action(action: Array, lead: Array, lowest: Array) -> Array:
    """Return the action of a front that is led by its foot [-], see ``foot_of_front``."""
    return np.maximum(np.maximum(action - lead, np.minimum(lowest, action)), 0.0)


class FrontStepper:
    """Newton steps for phi with lumped local terms and a stiffness assembled once.

    Attributes:
        iterations: Newton iterations of the last step.
    """

    def __init__(
        self, space: NodalSpace, law: FrontLaw, options: LinearOptions, *, rtol: float, prefix: str
    ) -> None:
        self._space, self._law, self._rtol = space, law, rtol
        self._active = np.zeros(space.size, dtype=bool)
        self._advanced = 0.0
        self._block: Any = None
        self._jacobian: Any = None
        self._work: Any = None
        # Mass-like and different in every iteration: not worth a factorisation or a hierarchy.
        self._linear = LinearSolver(space, f"{prefix}front", options, simple=True)
        self._wall = space.face("electrode")
        self.iterations = 0

    def step(
        self,
        scheme: TimeScheme,
        dt: float,
        phi: Array,
        before: Array,
        last: float,
        geometry: FrontGeometry,
        speed: Array,
    ) -> Array:
        """Return phi after ``dt``, (size,).

        Args:
            scheme: how d(phi)/dt is approximated.
            dt: step [s].
            phi: order parameter now, (size,).
            before: order parameter one step earlier, (size,).
            last: length of the last step [s]; 0 if there was none.
            geometry: of the front now.
            speed: of the front over the step [m/s], carried along n, (size,).

        Raises:
            ConvergenceError: Newton's iteration did not converge.
        """
        space, law = self._space, self._law
        fastest = space.max(np.where(geometry.edge, np.abs(speed), 0.0))
        # A node that the front's values do not reach (a neck where two fronts are about to meet)
        # has a speed of its own making: none may exceed the front's.
        speed = np.clip(speed, -fastest, fastest)
        if not fastest > 0.0:
            self.iterations = 0
            return phi.copy()
        relaxation = law.relaxation(speed, fastest)
        lead, history = scheme.coefficients(dt, phi, before, last)
        scale = space.mass / relaxation
        # Divided by Lambda, the constant stiffness keeps the Jacobian symmetric for any Lambda(x).
        stiffness = law.width**2 / 16.0
        # Neutral wall: the electrode lets the profile pass at any angle. With no flux instead, a
        # film thinner than l is drawn to the wall and dissolves, and a flank cannot tilt into a
        # wedge.
        wall = stiffness * 4.0 / law.width * (self._wall * geometry.normal).sum(axis=0)
        self._follow(geometry, fastest * dt)
        new = phi.copy()
        for iteration in range(1, _ITERATIONS + 1):
            value, slope = law.reaction(new, relaxation, geometry.curvature, speed)
            residual = scale * (lead * new - history + value) + stiffness * space.apply(
                space.laplacian, new
            )
            residual -= wall * new * (1.0 - new)
            try:
                change = self._newton(
                    residual, scale * (lead + slope) - wall * (1.0 - 2.0 * new), stiffness
                )
            except ConvergenceError:
                # Merging fronts pass through phi = 1/2 everywhere, where the double well is concave
                # and the Jacobian indefinite: the same root, approached with its convex part.
                change = self._newton(residual, scale * (lead + np.maximum(slope, 0.0)), stiffness)
            largest = space.max(np.abs(change))
            # A full Newton step may overshoot where two fronts merge: keep phi changes below one
            # half.
            new = new + change * min(1.0, 0.5 / max(largest, 1e-300))
            self.iterations = iteration
            if largest < self._rtol:
                return np.asarray(np.clip(new, 0.0, 1.0))
        raise ConvergenceError(
            "film order parameter: Newton did not converge; use a smaller "
            "time.controller.front_fraction or a finer mesh"
        )

    def forget(self) -> None:
        """Let the next step choose its nodes anew: the front is elsewhere."""
        self._advanced = np.inf

    def _follow(self, geometry: FrontGeometry, advance: float) -> None:
        """Keep the nodes that Newton's method changes, band and margin; elsewhere phi rests."""
        space = self._space
        # A resting tail does not announce the front: how far that may have moved is counted.
        self._advanced += advance
        near = self._advanced < 0.5 * _MARGIN * self._law.width
        if self._block is not None and near and not space.any(geometry.band & ~self._active):
            return
        self._advanced = 0.0
        active = geometry.band.astype(np.float64)
        for _ in range(int(np.ceil(_MARGIN * self._law.width / space.geometry.cell_size))):
            # Neighbours through the stiffness matrix, whose couplings are of the order of a length.
            coupling = np.abs(space.apply(space.laplacian, active))
            active = (
                (coupling > 1e-6 * space.geometry.depth * _length(space)) | (active > 0)
            ).astype(np.float64)
        self._active = active > 0
        start, _ = self._space.range
        rows = (start + np.flatnonzero(self._active)).astype(np.int32)
        old = self._block, self._jacobian, self._work
        index = PETSc.IS().createGeneral(rows, comm=self._space.comm)
        self._block = self._space.laplacian.createSubMatrix(index, index)
        self._jacobian = self._block.copy()
        self._work = self._block.createVecLeft()
        self._linear.restructure(self._block)
        release(index, *old)

    def _newton(self, residual: Array, diagonal: Array, stiffness: float) -> Array:
        """Solve (stiffness K + diagonal) x = -residual near the front, 0 elsewhere, (size,)."""
        self._block.copy(self._jacobian, structure=True)
        self._jacobian.scale(stiffness)
        self._jacobian.getDiagonal(self._work)
        self._work.array[:] += diagonal[self._active]
        self._jacobian.setDiagonal(self._work)
        change = np.zeros(residual.size)
        change[self._active] = self._linear.solve(
            self._jacobian, -residual[self._active], rtol=1e-6
        )
        return change


def _length(space: NodalSpace) -> float:
    """Return the order of a stiffness entry without the depth: h^(dim - 2)."""
    return float(space.geometry.cell_size ** (space.dim - 2))
