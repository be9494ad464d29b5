"""Temperature of a cell: implicit in time, its operators assembled once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx.fem.petsc import assemble_matrix
from mpi4py import MPI
from petsc4py import PETSc

from interphase.meshes.parallel import global_sum
from interphase.models.thermal import Cooling, Material, layered_tensor
from interphase.parameters.errors import MeshError, did_you_mean
from interphase.solvers.p3d.held import HeldSystem
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array
from interphase.solvers.space import release

# At rest all is noise: what warms the cell by less than this in a step [K] is no scale.
_LEAST: Final = 1.0e-5


@dataclass(frozen=True, slots=True)
class HeatBooks:
    """Where the heat of one step went; powers over the step.

    Attributes:
        generated: [W].
        stored: [W].
        removed: through each cooled face [W].
        least: powers below it are no scale for an imbalance [W].
    """

    generated: float
    stored: float
    removed: Mapping[str, float]
    least: float = 0.0

    @property
    def imbalance(self) -> float:
        """What is missing, relative to the largest of the three and ``least`` [-]."""
        out = sum(self.removed.values())
        largest = max(abs(self.generated), abs(self.stored), abs(out), self.least)
        return abs(self.generated - self.stored - out) / largest if largest > 0.0 else 0.0


class HeatField:
    """Heat equation of a cell, backward Euler. Collective.

    Args:
        places: of the cell.
        materials: of each region.
        cooling: of the faces by name; the others are insulated.
        start: temperature at the start [K].

    Attributes:
        function: the temperature [K].
        places: means over the places, by `PlaceIntegrals`.
    """

    def __init__(
        self,
        places: PlaceMap,
        materials: Mapping[str, Material],
        cooling: Mapping[str, Cooling],
        start: float,
        name: str = "heat",
    ) -> None:
        cells = places.cells
        self._map, self._comm = places, cells.comm
        self._cooling = {face: one for face, one in cooling.items() if one.coefficient > 0.0}
        for face in cooling:
            if face not in cells.faces:
                raise MeshError(
                    f"heat.cooling.{face}: the cell has no such face; "
                    f"{did_you_mean(face, cells.faces)}"
                )
            if not cells.area[face] > 0.0:
                raise MeshError(
                    f"heat.cooling.{face}: no facet is left to this face, tabs take all of it: "
                    "cool the tab"
                )
        self.space = fem.functionspace(cells.mesh, ("Lagrange", 1))
        self.function = fem.Function(self.space, name="temperature")
        self.function.x.array[:] = start
        self._owned = self.space.dofmap.index_map.size_local
        self._integrals = places.means(self.space)
        self._ds = ufl.Measure("ds", domain=cells.mesh, subdomain_data=cells.facet_tags)
        self._assemble(materials)
        self._system = HeldSystem(f"{name}_temperature", self._held)
        self._seconds = 0.0

    def _assemble(self, materials: Mapping[str, Material]) -> None:
        cells = self._map.cells
        u, v = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
        chosen = [materials[region] for region in cells.regions]

        def of(name: str) -> Any:
            return self._map.by_region(np.array([getattr(one, name) for one in chosen]))

        tensor = layered_tensor(of("along"), of("across"), cells.layer_normal())
        stiffness = ufl.inner(tensor * ufl.grad(u), ufl.grad(v)) * ufl.dx
        self._face: dict[str, Array] = {}
        outside = np.zeros(self._owned)
        self._given = np.zeros(self._owned)
        held = []
        for face, one in self._cooling.items():
            number = cells.faces[face]
            self._face[face] = self._vector(v * self._ds(number))
            if math.isinf(one.coefficient):
                facets = cells.facet_tags.find(number)
                dofs = fem.locate_dofs_topological(self.space, 2, facets)
                dofs = dofs[dofs < self._owned]
                self._given[dofs] = one.outside
                held.append(dofs)
                continue
            stiffness += one.coefficient * u * v * self._ds(number)
            outside += one.coefficient * one.outside * self._face[face]
        self._outside = outside
        self._held = np.unique(np.concatenate(held)) if held else np.empty(0, dtype=np.int32)
        self._stiffness = self._matrix(stiffness)
        self._mass = self._matrix(of("heat_capacity") * u * v * ufl.dx)
        self._capacity = self._apply(self._mass, np.ones(self._owned))
        self._whole = global_sum(self._comm, self._capacity)

    def _matrix(self, form: Any) -> Any:
        matrix = assemble_matrix(fem.form(form))
        matrix.assemble()
        return matrix

    def _vector(self, form: Any) -> Array:
        """Return an assembled form, (owned,)."""
        vector = fem.assemble_vector(fem.form(form))
        vector.scatter_reverse(la.InsertMode.add)
        return np.array(vector.array[: self._owned])

    def _apply(self, matrix: Any, values: Array) -> Array:
        x, y = matrix.createVecs()
        x.array[:] = values
        matrix.mult(x, y)
        result = np.array(y.array)
        release(x, y)
        return result

    @property
    def values(self) -> Array:
        """Temperature at the nodes of this rank [K], (owned,)."""
        return np.array(self.function.x.array[: self._owned])

    @values.setter
    def values(self, values: Array) -> None:
        self.function.x.array[: self._owned] = values
        self.function.x.scatter_forward()

    def at_places(self) -> Array:
        """Return the mean temperature of each place [K], (n,)."""
        return self._integrals.of(self.function.x.array) / self._map.volume

    def place_load(self, density: Array) -> Array:
        """Return the load of heat that is uniform in each place [W/m3], (owned,). Collective."""
        return self._integrals.load(density)

    def face_load(self, face: str) -> Array:
        """Return the load of 1 W that enters through a face, (owned,). Collective."""
        if face not in self._face:
            v = ufl.TestFunction(self.space)
            self._face[face] = self._vector(v * self._ds(self._map.cells.faces[face]))
        return self._face[face] / self._map.cells.area[face]

    def step(self, seconds: float, load: Array) -> HeatBooks:
        """Go on by ``seconds`` [s] with the heat of ``load`` [W], (owned,). Collective.

        Raises:
            ConvergenceError: on every rank.
        """
        if seconds != self._seconds:
            matrix = self._mass.copy()
            matrix.scale(1.0 / seconds)
            matrix.axpy(1.0, self._stiffness, structure=PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
            self._system.set(matrix)
            self._seconds = seconds
        old = self.values
        rhs = self._apply(self._mass, old) / seconds + load + self._outside
        new = self._system.solve(rhs, self._given)
        self.values = new
        return self._books(seconds, load, old, new, self._system.reaction(new, rhs))

    def steady(self, load: Array) -> HeatBooks:
        """Find the temperature that ``load`` [W] (owned,) leads to in the end. Collective.

        Raises:
            ConvergenceError: on every rank; so it is where no face is cooled.
        """
        self._system.set(self._stiffness.copy())
        self._seconds = 0.0
        rhs = load + self._outside
        new = self._system.solve(rhs, self._given)
        self.values = new
        return self._books(math.inf, load, new, new, self._system.reaction(new, rhs))

    def _books(
        self, seconds: float, load: Array, old: Array, new: Array, reaction: Array
    ) -> HeatBooks:
        removed = []
        for face, one in self._cooling.items():
            if math.isinf(one.coefficient):
                continue
            weight = self._face[face]
            removed.append(one.coefficient * float(weight @ (new - one.outside)))
        held = -float(reaction[self._held].sum())
        local = np.array(
            [load.sum(), float(self._capacity @ (new - old)) / seconds, held, *removed]
        )
        total = np.empty_like(local)
        self._comm.Allreduce(local, total, op=MPI.SUM)
        convective = [f for f, one in self._cooling.items() if not math.isinf(one.coefficient)]
        books = dict(zip(convective, total[3:].tolist(), strict=True))
        if len(convective) < len(self._cooling):
            books["held"] = float(total[2])
        return HeatBooks(float(total[0]), float(total[1]), books, _LEAST * self._whole / seconds)
