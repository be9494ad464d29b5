"""Small whole cells with linear local models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mpi4py import MPI

from interphase.meshes.cell3d import CellMesh, distribute
from interphase.meshes.cell3d_box import Tab, block_grid
from interphase.models.collectors import CellLayers, Layer
from interphase.models.thermal import Convection, Cooling, Material
from interphase.solvers.p3d.balance import Balance, Tolerance
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.collectors import CollectorField
from interphase.solvers.p3d.control import Pace
from interphase.solvers.p3d.heat import HeatField
from interphase.solvers.p3d.linear_places import LinearPair, LinearPlaces
from interphase.solvers.p3d.place_map import PlaceMap

type CellMaker = Callable[..., Cell3D]

SIZE = (0.006, 0.08, 0.12)
TABS = {
    "tab_negative": Tab("top", 0.01, 0.02, 0.01),
    "tab_positive": Tab("top", 0.05, 0.02, 0.01),
}
LAYERS = CellLayers(
    negative=Layer(85e-6, 1.7, 1.5e6),
    separator=Layer(12e-6, 0.2, 1.0e6),
    positive=Layer(76e-6, 2.1, 2.0e6),
    negative_foil=Layer(12e-6, 400.0, 3.4e6),
    positive_foil=Layer(16e-6, 237.0, 2.4e6),
    negative_conductivity=58e6,
    positive_conductivity=37e6,
    capacity=1.75e5,
    cut_offs=(2.9, 4.2),
)
PAIR = LinearPair(capacity=LAYERS.capacity, thickness=LAYERS.thickness, entropic=-1e-4)
COPPER = Material.solid(400.0, 3.4e6, 3.0e6)
ALUMINIUM = Material.solid(237.0, 2.4e6, 2.0e6)


@pytest.fixture
def layers() -> CellLayers:
    return LAYERS


@pytest.fixture
def pouch() -> Callable[[MPI.Comm], CellMesh]:
    """A pouch with two tabs at the top, 24 places."""
    return lambda comm: distribute(comm, lambda: block_grid(SIZE, (2, 8, 12), TABS, (1, 4, 6)))


@pytest.fixture
def make_cell(pouch: Callable[[MPI.Comm], CellMesh]) -> CellMaker:
    """Return a cell with linear local models; parts can be replaced by keyword."""
    count = iter(range(1000))

    def make(
        comm: MPI.Comm,
        *,
        mesh: CellMesh | None = None,
        models: Callable[[PlaceMap], Any] | None = None,
        cooling: dict[str, Cooling] | None = None,
        contact: float = 1.0e-4,
        pace: Pace | None = None,
        start: float = 298.15,
        layers: CellLayers = LAYERS,
    ) -> Cell3D:
        number = next(count)
        places = PlaceMap(mesh or pouch(comm))
        along, across = layers.heat_conductivity
        known = {
            "stack": Material(along, across, layers.heat_capacity),
            "casing": Material.solid(200.0, 2.4e6),
            "tab_negative": COPPER,
            "tab_positive": ALUMINIUM,
        }
        cooling = {"front": Convection(40.0, 298.15)} if cooling is None else cooling
        heat = HeatField(places, known, cooling, start, name=f"heat{number}")
        conductors = {name: one.electric for name, one in known.items()}
        field = CollectorField(places, layers, conductors, contact, heat.space, f"phi{number}")
        local = models(places) if models else LinearPlaces(PAIR, places.size)
        tolerance = Tolerance(1e-5, 30)
        balance = Balance(places, local, field, heat, layers, contact=contact, tolerance=tolerance)
        return Cell3D(balance, layers, pace or Pace(60.0, 5.0))

    return make
