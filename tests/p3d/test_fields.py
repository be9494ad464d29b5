"""Temperature and collector potentials against formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import ufl
from dolfinx import fem
from mpi4py import MPI

from interphase.meshes.cell3d import CellMesh, distribute
from interphase.meshes.cell3d_box import Tab, block_grid
from interphase.meshes.cell3d_roll import roll_grid
from interphase.models.collectors import CellLayers, Source
from interphase.models.thermal import Convection, Held, Material, Plate
from interphase.parameters.errors import MeshError, ParameterError
from interphase.solvers.p3d.collectors import CollectorField
from interphase.solvers.p3d.heat import HeatField
from interphase.solvers.p3d.place_map import PlaceMap

pytestmark = pytest.mark.mpi

SIZE = (0.01, 0.04, 0.1)
FULL = {"tab_negative": Tab("top", 0.0, 0.04), "tab_positive": Tab("bottom", 0.0, 0.04)}
STACK = {"stack": Material(25.0, 1.1, 1.7e6)}


def l2_error(heat: HeatField, exact: Callable[[object], object]) -> float:
    x = ufl.SpatialCoordinate(heat.space.mesh)
    form = fem.form((heat.function - exact(x)) ** 2 * ufl.dx(metadata={"quadrature_degree": 6}))
    whole = heat.space.mesh.comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM)
    return float(np.sqrt(whole))


def test_heat_of_a_block_between_two_cold_faces_is_second_order(comm: MPI.Intracomm) -> None:
    """T = T0 + q x (d - x)/(2 k), uniform heat q, k across the layers."""
    heat_density, errors = 1.0e5, []
    for count in (4, 8, 16):
        cells = distribute(comm, lambda: block_grid(SIZE, (count, 2, 2), FULL, (1, 2, 2)))  # noqa: B023
        places = PlaceMap(cells)
        cooling = {"front": Held(300.0), "back": Held(300.0)}
        heat = HeatField(places, STACK, cooling, 300.0, name=f"order{count}")
        books = heat.steady(heat.place_load(np.full(places.size, heat_density)))
        assert books.imbalance < 1e-10
        errors.append(
            l2_error(heat, lambda x: 300.0 + heat_density / 2.2 * x[0] * (SIZE[0] - x[0]))
        )
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert rates == pytest.approx([2.0, 2.0], abs=0.05), f"errors {errors}"


def test_heat_of_a_roll_is_second_order(comm: MPI.Intracomm) -> None:
    """Insulated mandrel, cold mantle; k across the turns."""
    inner, outer, density, k = 2e-3, 1e-2, 2.0e5, 1.1
    errors = []
    for count in (1, 2, 4):
        grid = (4 * count, 12 * count, 2)
        cells = distribute(comm, lambda: roll_grid((inner, outer), 0.05, grid, 4))  # noqa: B023
        places = PlaceMap(cells)
        heat = HeatField(places, STACK, {"side": Held(300.0)}, 300.0, name=f"roll{count}")
        heat.steady(heat.place_load(np.full(places.size, density)))

        def exact(x: object) -> object:
            r = ufl.sqrt(x[0] ** 2 + x[1] ** 2)  # type: ignore[index]
            return 300.0 + density / (4 * k) * (outer**2 - r**2 + 2 * inner**2 * ufl.ln(r / outer))

        errors.append(l2_error(heat, exact))
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert rates[-1] == pytest.approx(2.0, abs=0.15), f"errors {errors}, rates {rates}"


@pytest.mark.parametrize(
    ("low", "high", "k", "length"),
    [("front", "back", 1.1, SIZE[0]), ("left", "right", 25.0, SIZE[1])],
)
def test_heat_crosses_and_follows_layers_by_their_own_conductivity(
    comm: MPI.Intracomm, low: str, high: str, k: float, length: float
) -> None:
    """A plate behind a contact and a face held at a temperature: resistances in series."""
    cells = distribute(comm, lambda: block_grid(SIZE, (3, 4, 4), FULL, 4))
    cooling = {low: Plate(290.0, 2e-3), high: Held(310.0)}
    heat = HeatField(PlaceMap(cells), STACK, cooling, 300.0, name=f"series{low}")
    books = heat.steady(np.zeros(heat.values.size))
    flux = 20.0 / (length / k + 2e-3)
    assert books.removed[low] == pytest.approx(flux * cells.area[low], rel=1e-9)
    assert books.removed["held"] == pytest.approx(-flux * cells.area[low], rel=1e-9)


def test_lumped_body_cools_as_backward_euler_says(comm: MPI.Intracomm) -> None:
    """Convection and contact in series; conducting so well that the body is uniform."""
    cells = distribute(comm, lambda: block_grid(SIZE, (2, 2, 2), FULL, 4))
    material = {"stack": Material(1e5, 1e5, 1.7e6)}
    cooling = {"front": Convection(100.0, 290.0, contact=0.01)}
    heat = HeatField(PlaceMap(cells), material, cooling, 320.0, name="lumped")
    for seconds in (10.0, 10.0, 5.0):
        books = heat.step(seconds, np.zeros(heat.values.size))
        assert books.imbalance < 1e-8
    rate = 50.0 / (1.7e6 * SIZE[0])
    left = 30.0 / (1 + 10 * rate) ** 2 / (1 + 5 * rate)
    # the body is uniform to h d / k = 5e-6 of 30 K
    assert heat.at_places() == pytest.approx(np.full(heat.at_places().size, 290 + left), abs=1.5e-4)


def test_cooling_of_an_unknown_face_is_refused(comm: MPI.Intracomm) -> None:
    cells = distribute(comm, lambda: block_grid(SIZE, (2, 2, 2), FULL, 4))
    with pytest.raises(MeshError, match=r"heat.cooling.tpo: .*did you mean 'top'"):
        HeatField(PlaceMap(cells), STACK, {"tpo": Held(300.0)}, 300.0, name="unknown")


def test_a_face_that_tabs_take_altogether_is_refused(comm: MPI.Intracomm) -> None:
    """Cooled, it would cool nothing."""
    cells = distribute(comm, lambda: roll_grid((2e-3, 9e-3), 0.05, (2, 6, 4), 4))
    with pytest.raises(MeshError, match=r"heat.cooling.bottom: no facet is left .* cool the tab"):
        HeatField(PlaceMap(cells), STACK, {"bottom": Held(300.0)}, 300.0, name="taken")


@pytest.mark.parametrize("values", [(-1.0, 300.0, 0.0), (10.0, 300.0, -1.0)])
def test_negative_cooling_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ParameterError, match="must not be negative"):
        Convection(*values)


def field_of(cells: CellMesh, layers: CellLayers, name: str) -> CollectorField:
    places = PlaceMap(cells)
    space = fem.functionspace(cells.mesh, ("Lagrange", 1))
    return CollectorField(places, layers, {}, 0.0, space, name)


def test_potential_of_sheets_that_share_a_uniform_current(
    comm: MPI.Intracomm, layers: CellLayers
) -> None:
    """Tabs over both ends, uniform i: phi_n = i/(L s_n) (z^2/2 - H z), exact at nodes."""
    cells = distribute(comm, lambda: block_grid(SIZE, (1, 2, 8), FULL, (1, 2, 8)))
    field = field_of(cells, layers, "uniform")
    places, density = field._map, 40.0
    # so large a resistance that the voltage of a place does not matter
    field.set_resistance(np.full(places.size, 1.0e6))
    source = field.prepare(np.full(places.size, density), np.full(places.size, 3.7))
    flow = field.flow(density * places.sum(field.area))
    sheet = layers.sheet_conductivity
    height = SIZE[2]
    nodes = field.space.tabulate_dof_coordinates()
    z = height - nodes[:, 2]
    expected = density / (layers.period * sheet[0]) * (z**2 / 2 - height * z)
    # what is left of the exchange: 0.1 V over 1e6 ohm m2 of 40 A/m2
    assert field.function.x.array[::2] == pytest.approx(expected, abs=1e-8)
    lost = density / layers.period * height**2 / 3 * (1 / sheet[0] + 1 / sheet[1])
    joule = density / layers.period * SIZE[0] * SIZE[1] * height * lost
    assert flow.joule == pytest.approx(joule, rel=0.02)
    assert source.resistance > 0.0


def test_current_crowds_at_the_tabs_at_second_order(
    comm: MPI.Intracomm, layers: CellLayers
) -> None:
    """Tabs over both ends. With w = phi_p - phi_n - V, i = -w/R and w'' = w/l^2.

    l^2 = R L/(1/s_n + 1/s_p); w' = I/(A s_p) at the positive tab, z = 0, and -I/(A s_n) at z = H.
    """
    resistance, voltage, current = 1.0e-5, 3.7, 200.0
    negative, positive = (current / (SIZE[0] * SIZE[1] * s) for s in layers.sheet_conductivity)
    inverse = sum(1.0 / s for s in layers.sheet_conductivity)
    length, height = np.sqrt(resistance * layers.period / inverse), SIZE[2]
    sine = length * positive
    cosine = -(length * negative + sine * np.cosh(height / length)) / np.sinh(height / length)
    errors = []
    for count in (32, 64, 128):
        cells = distribute(comm, lambda: block_grid(SIZE, (1, 1, count), FULL, (1, 1, count)))  # noqa: B023
        field = field_of(cells, layers, f"crowd{count}")
        places = field._map
        field.set_resistance(np.full(places.size, resistance))
        field.prepare(np.zeros(places.size), np.full(places.size, voltage))
        flow = field.flow(current)
        assert flow.current_imbalance < 1e-8
        assert flow.power_imbalance < 1e-10
        low, high = ((places.centre[:, 2] + s * height / count / 2) / length for s in (-1, 1))
        integral = cosine * (np.sinh(high) - np.sinh(low)) + sine * (np.cosh(high) - np.cosh(low))
        expected = -integral / (high - low) / resistance
        largest = np.abs(flow.density - expected).max(initial=0.0)
        errors.append(comm.allreduce(float(largest), op=MPI.MAX))
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert rates == pytest.approx([2.0, 2.0], abs=0.15), f"errors {errors}"


def test_terminals_see_a_source() -> None:
    source = Source(4.0, 0.1)
    assert source.at_current(3.0) == 3.0
    assert source.at_voltage(3.5) == pytest.approx(5.0)
    current = source.at_power(30.0)
    assert current * (4.0 - 0.1 * current) == pytest.approx(30.0)
    assert current < 20.0
    with pytest.raises(ParameterError, match=r"more than the 40 W"):
        source.at_power(41.0)
