"""Potentials of the two current collectors, smeared out over the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import ufl
from dolfinx import fem, la
from dolfinx.fem.petsc import assemble_matrix
from mpi4py import MPI
from petsc4py import PETSc

from interphase.meshes.cell3d import STACK, TABS
from interphase.models.collectors import CellLayers, Source
from interphase.models.thermal import layered_tensor
from interphase.solvers.p3d.held import HeldSystem
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array

# Foils do not touch each other across a separator. So little, relative to along them, keeps the
# system regular where a layer does not reach a tab.
_ACROSS: Final = 1.0e-9
# Currents below those that so many volts would drive are no scale for an imbalance.
_LEAST: Final = 1.0e-3
# The same points for the operator and for the heat of the currents, so that their sums agree.
_QUADRATURE: Final = {"quadrature_degree": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Currents and potentials of the cell at one time.

    Attributes:
        current: of the cell, discharge positive [A].
        voltage: at the terminals [V].
        density: current density of each place [A/m2], (n,).
        difference: positive against negative collector, mean over each place [V], (n,).
        uneven: heat that uneven currents within a place set free [W/m3], (n,).
        joule: heat of the currents in collectors and tabs, all ranks [W].
        load: of that heat on the nodes of the temperature [W], (owned,).
        current_imbalance: current of the places and of the tabs against the cell's [-].
        power_imbalance: power of the places less all heat, against that at the tabs [-].
    """

    current: float
    voltage: float
    density: Array
    difference: Array
    uneven: Array
    joule: float
    load: Array
    current_imbalance: float
    power_imbalance: float


class CollectorField:
    """Collector potentials with places that answer linearly. Collective.

    At each place i = i0 + (V0 - (phi_p - phi_n))/R. The tabs are equipotential, the negative one at
    0 V. The current densities enter the equations point by point; the mean over a place is what
    its local model gets.

    Args:
        places: of the cell.
        layers: of the stack.
        conductors: conductivity of the regions that are tabs, by name [S/m].
        contact: resistance at the terminals, both together [ohm].
        heat_space: of the temperature, for the heat's load.

    Attributes:
        function: the two potentials, negative and positive [V].
    """

    def __init__(
        self,
        places: PlaceMap,
        layers: CellLayers,
        conductors: Mapping[str, float],
        contact: float,
        heat_space: Any,
        name: str = "collectors",
    ) -> None:
        self._map, self._layers, self._contact = places, layers, contact
        cells = places.cells
        self._comm = cells.comm
        self.space = fem.functionspace(cells.mesh, ("Lagrange", 1, (2,)))
        self.function = fem.Function(self.space, name="potential")
        dofmap = self.space.dofmap
        self._owned = dofmap.index_map.size_local * dofmap.bs
        self._difference = places.differences(self.space)
        self.area = places.volume / layers.period
        self._conductance = places.cell_function()
        self._compile(conductors, heat_space)
        self._tab = [self._tab_dofs(i, tab) for i, tab in enumerate(TABS)]
        self._bare = self._without_conductor()
        held = np.concatenate([*self._tab, self._bare])
        self._system = HeldSystem(f"{name}_potential", np.unique(held).astype(np.int32))
        self._resistance = np.empty(0)

    def _compile(self, conductors: Mapping[str, float], heat_space: Any) -> None:
        cells, places = self._map.cells, self._map
        u, v = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
        dx = ufl.Measure("dx", domain=cells.mesh, metadata=_QUADRATURE)
        normal = cells.layer_normal()
        tensors = []
        for tab, sheet in zip(TABS, self._layers.sheet_conductivity, strict=True):
            stack = np.array([sheet if region == STACK else 0.0 for region in cells.regions])
            solid = np.array([conductors[r] if r == tab else 0.0 for r in cells.regions])
            along, block = places.by_region(stack), places.by_region(solid)
            tensors.append(
                layered_tensor(along, self._across() * along, normal) + block * ufl.Identity(3)
            )
        grad = ufl.grad
        conduction = sum(
            ufl.inner(tensor * grad(u[i]), grad(v[i])) for i, tensor in enumerate(tensors)
        )
        self._conduction = self._assembled(fem.form(conduction * dx))
        between = self._conductance * (u[1] - u[0]) * (v[1] - v[0])
        self._between = fem.form(between * dx)
        phi, w = self.function, ufl.TestFunction(heat_space)
        heat = sum(
            ufl.inner(tensor * grad(phi[i]), grad(phi[i])) for i, tensor in enumerate(tensors)
        )
        self._heat = fem.form(heat * w * dx)
        self._square = places.summed((phi[1] - phi[0]) ** 2, dx)
        self._heat_owned = heat_space.dofmap.index_map.size_local

    def _across(self) -> Any:
        """Return conductivity across over that along the layers.

        In a roll the current gets across by going around: the foil is tilted by its pitch over the
        circumference, of which the square enters.
        """
        if not self._map.cells.round_axis:
            return _ACROSS
        pitch = self._layers.period / self._layers.foil_share
        return (pitch / (2.0 * np.pi * self._map.cells.radius())) ** 2

    def _assembled(self, form: Any) -> Any:
        matrix = assemble_matrix(form)
        matrix.assemble()
        return matrix

    def _tab_dofs(self, component: int, tab: str) -> npt.NDArray[np.int64]:
        """Return the owned unknowns of one potential on its tab."""
        cells = self._map.cells
        facets = cells.facet_tags.find(cells.faces[tab])
        dofs = fem.locate_dofs_topological(self.space, 2, facets) * 2 + component
        found = dofs[dofs < self._owned]
        return np.asarray(found)

    def _without_conductor(self) -> npt.NDArray[np.int64]:
        """Return the owned unknowns in no cell that conducts: nothing would determine them."""
        diagonal = self._conduction.getDiagonal().array
        return np.flatnonzero(diagonal == 0.0)

    def set_resistance(self, resistance: Array) -> None:
        """Take R of each place [ohm m2], (n,). Collective; makes new factors."""
        self._resistance = resistance.copy()
        self._map.spread(1.0 / (resistance * self._layers.period), self._conductance)
        matrix = self._conduction.copy()
        between = self._assembled(self._between)
        matrix.axpy(1.0, between, structure=PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
        self._system.set(matrix)
        between.destroy()
        unit = np.zeros(self._owned)
        unit[self._tab[1]] = 1.0
        self._unit = self._system.solve(np.zeros(self._owned), unit)
        self._unit_difference = self._mean(self._unit)
        self._slope = self._map.sum(self.area * self._unit_difference / resistance)

    def prepare(self, density: Array, voltage: Array) -> Source:
        """Return what the terminals see of places that give ``voltage`` [V] at ``density`` [A/m2].

        After `set_resistance`.

        Args:
            density: i0, (n,).
            voltage: V0, (n,).
        """
        resistance = self._resistance
        # potentials are counted from the voltage of the cell: gradients of millivolts would else be
        # differences of numbers a thousand times as large
        self._level = self._map.sum(self.area * voltage) / self._map.sum(self.area)
        self._start = density + (voltage - self._level) / resistance
        self._rhs = self._difference.load(self._start / self._layers.period)
        self._at_zero = self._system.solve(self._rhs, np.zeros(self._owned))
        self._zero_difference = self._mean(self._at_zero)
        shorted = self._map.sum(self.area * (self._start - self._zero_difference / resistance))
        self._shorted = shorted
        return Source(self._level + shorted / self._slope, 1.0 / self._slope + self._contact)

    def densities(self, current: float) -> tuple[Array, Array]:
        """Return current density [A/m2] and collector voltage [V] of the places, (n,) each.

        Args:
            current: of the cell [A], after `prepare`.
        """
        tab = (self._shorted - current) / self._slope
        difference = self._zero_difference + tab * self._unit_difference
        return self._start - difference / self._resistance, self._level + difference

    def flow(self, current: float) -> Flow:
        """Return all about the currents after `prepare`. Collective."""
        tab = (self._shorted - current) / self._slope
        density, difference = self.densities(current)
        phi = self._at_zero + tab * self._unit
        shown = phi.copy()
        shown[1::2] += self._level
        shown[self._bare] = 0.0
        self.function.x.array[: self._owned] = shown
        self.function.x.scatter_forward()
        tab += self._level
        load = self._joule_load()
        area, resistance = self.area, self._resistance
        mean_square = self._square() / self._map.volume
        uneven = (mean_square - difference**2) / resistance / self._layers.period
        reaction = self._system.reaction(phi, self._rhs)
        local = np.array(
            [
                load.sum(),
                float(area @ density),
                float(area @ np.abs(density)),
                float(area @ (density * difference)),
                float(self._map.volume @ uneven),
                *(float(reaction[dofs].sum()) for dofs in self._tab),
            ]
        )
        total = np.empty_like(local)
        self._comm.Allreduce(local, total, op=MPI.SUM)
        joule, places, turnover, power, wasted, negative, positive = total.tolist()
        wrong = max(abs(places - current), abs(negative - current), abs(positive + current))
        books = abs(power - current * tab - joule - wasted)
        # at rest all is noise: nothing is compared with less than what the noise floor drives
        least = _LEAST * self._slope
        return Flow(
            current=current,
            voltage=tab - current * self._contact,
            density=density,
            difference=difference,
            uneven=uneven,
            joule=joule,
            load=load,
            current_imbalance=wrong / max(turnover, least),
            power_imbalance=books / max(turnover, least) / abs(tab),
        )

    def _mean(self, phi: Array) -> Array:
        work = fem.Function(self.space)
        work.x.array[: self._owned] = phi
        work.x.scatter_forward()
        return self._difference.of(work.x.array) / self._map.volume

    def _joule_load(self) -> Array:
        vector = fem.assemble_vector(self._heat)
        vector.scatter_reverse(la.InsertMode.add)
        return np.array(vector.array[: self._heat_owned])
