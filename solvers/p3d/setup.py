"""From a case of kind p3d to a cell that is ready to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpi4py import MPI

from interphase.meshes.cell3d import STACK, TABS, CellGrid, CellMesh, distribute
from interphase.meshes.cell3d_box import Tab, block_grid
from interphase.meshes.cell3d_file import file_grid
from interphase.meshes.cell3d_gmsh import block_tetrahedra, roll_tetrahedra
from interphase.meshes.cell3d_roll import roll_grid
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.models.collectors import CellLayers, Layer
from interphase.models.thermal import Convection, Cooling, Held, Material, Plate
from interphase.parameters.case_p3d import CoolingCase, P3DCase
from interphase.parameters.case_p3d_mesh import GeometryCase
from interphase.parameters.errors import CaseError, did_you_mean
from interphase.solvers.cell_experiment import read_profile_step, read_step
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.balance import Balance, Tolerance
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.collectors import CollectorField
from interphase.solvers.p3d.control import Pace
from interphase.solvers.p3d.heat import HeatField
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import LocalModels
from interphase.solvers.study_setup import with_case_keys

type ModelMaker = Callable[[PlaceMap], LocalModels]


def spec_of(case: P3DCase) -> CellSpec:
    """Return what the electrode pairs are built from."""
    pair = case.pair
    return CellSpec(
        kind=pair.model,
        parameters=pair.parameters,
        override=pair.override,
        options=pair.options,
        points=MeshPoints(**{str(k): v for k, v in pair.points.items()}),
        initial_soc=pair.initial_soc,
        temperature=case.heat.initial,
        rtol=pair.rtol,
        atol=1e-2 * pair.rtol,
    )


def layers_of(case: P3DCase) -> CellLayers:
    """Return the layers of the stack.

    Raises:
        CaseError: the parameter set is unknown or lacks a number.
    """
    # PyBaMM takes seconds to import
    from interphase.models.cell.layers import cell_layers

    return with_case_keys(lambda: cell_layers(spec_of(case), case.pair.foil_share), "pair")


def grid_of(case: GeometryCase) -> CellGrid:
    """Return the mesh of a case as plain arrays. For one rank.

    Raises:
        MeshError: it cannot be made.
    """
    if case.file is not None:
        return file_grid(
            Path(case.file), case.file_unit or 1.0, case.names or {}, case.places,
            wound=case.layers == "wound",
        )  # fmt: skip
    cells = case.cells or (1, 1, 1)
    if case.size is None or case.tabs is None:
        radii = case.inner_radius or 0.0, case.outer_radius or 0.0
        if case.cell_size is not None:
            return roll_tetrahedra(
                radii, case.height or 0.0, case.cell_size, case.places, casing=case.casing
            )
        return roll_grid(radii, case.height or 0.0, cells, case.places, casing=case.casing)
    tabs = {
        name: Tab(tab.side, tab.start, tab.width, tab.length)
        for name, tab in zip(TABS, (case.tabs.negative, case.tabs.positive), strict=True)
    }
    if case.cell_size is not None:
        return block_tetrahedra(
            case.size, case.cell_size, tabs, case.places,
            tab_cell_size=case.tab_cell_size, casing=case.casing,
        )  # fmt: skip
    return block_grid(case.size, cells, tabs, case.places, casing=case.casing)


def materials_of(case: P3DCase, layers: CellLayers, cells: CellMesh) -> dict[str, Material]:
    """Return the material of each region.

    Raises:
        CaseError: a region has none, or a material no region.
    """
    along, across = layers.heat_conductivity
    own = case.heat.stack
    known = {
        STACK: Material(
            own.along or along, own.across or across, own.heat_capacity or layers.heat_capacity
        )
    }
    shares = (1.0, 1.0)
    if case.geometry.tabs is not None and case.geometry.size is not None:
        tabs = case.geometry.tabs
        depth = case.geometry.size[0]
        shares = tabs.negative.thickness / depth, tabs.positive.thickness / depth
    foils = (
        (layers.negative_foil, layers.negative_conductivity),
        (layers.positive_foil, layers.positive_conductivity),
    )
    for name, (foil, conductivity), share in zip(TABS, foils, shares, strict=True):
        known[name] = _metal(foil, conductivity, share)
    for name, one in case.heat.materials.items():
        if name not in cells.regions:
            raise CaseError(
                f"the cell has no such region; {did_you_mean(name, cells.regions)}",
                f"heat.materials.{name}",
            )
        known[name] = Material.solid(one.heat_conductivity, one.heat_capacity, one.conductivity)
    for name in cells.regions:
        if name not in known:
            raise CaseError(
                f"the region '{name}' of the mesh has no material; write for example {name}: "
                "{heat_conductivity: 237 W/m/K, heat_capacity: 2.42e6 J/m^3/K}",
                "heat.materials",
            )
    return {name: known[name] for name in cells.regions}


def _metal(foil: Layer, conductivity: float, share: float) -> Material:
    """Return the metal of a foil that fills a part ``share`` of its region."""
    return Material.solid(
        share * foil.heat_conductivity, share * foil.heat_capacity, share * conductivity
    )


def cooling_of(case: CoolingCase) -> Cooling:
    """Return how a face is cooled."""
    if case.kind == "held":
        return Held(case.temperature)
    if case.kind == "plate":
        return Plate(case.temperature, case.contact or 0.0)
    return Convection(case.transfer or 0.0, case.temperature, case.contact or 0.0)


def program_of(case: P3DCase, capacity: float) -> tuple[ControlStep, ...]:
    """Return the steps of one cycle.

    Args:
        case: the case.
        capacity: nominal, of the whole cell [A h].

    Raises:
        CaseError: a string or file cannot be read.
    """
    if case.drive.profile is not None:
        return (read_profile_step(Path(case.drive.profile), "drive.profile"),)
    return tuple(
        read_step(text, capacity, f"drive.experiment[{index}]")
        for index, text in enumerate(case.drive.experiment)
    )


def pybamm_models(case: P3DCase) -> ModelMaker:
    """Return what makes PyBaMM's models at the places of a rank."""

    def make(places: PlaceMap) -> LocalModels:
        from interphase.solvers.p3d.local_models import PyBaMMPlaces
        from interphase.solvers.p3d.pair import ElectrodePair

        pair = with_case_keys(
            lambda: ElectrodePair(spec_of(case), compiled=case.pair.compiled), "pair"
        )
        return PyBaMMPlaces(pair, places.size, places.numbers.tolist())

    return make


def build_cell(case: P3DCase, comm: MPI.Comm, models: ModelMaker | None = None) -> Cell3D:
    """Build a cell. Collective.

    Args:
        case: the case.
        comm: its ranks.
        models: makes the local models of a rank; PyBaMM's if left out.

    Raises:
        CaseError: the case does not fit its parameter set or mesh.
        MeshError: the mesh cannot be made.
    """
    layers = layers_of(case)
    cells = distribute(comm, lambda: grid_of(case.geometry))
    materials = materials_of(case, layers, cells)
    places = PlaceMap(cells)
    cooling = {face: cooling_of(one) for face, one in case.heat.cooling.items()}
    heat = HeatField(places, materials, cooling, case.heat.initial)
    conductors = {name: one.electric for name, one in materials.items()}
    contact = case.drive.contact_resistance
    collectors = CollectorField(places, layers, conductors, contact, heat.space)
    balance = Balance(
        places,
        (models or pybamm_models(case))(places),
        collectors,
        heat,
        layers,
        contact=contact,
        tolerance=Tolerance(case.solver.voltage, case.solver.exchanges),
    )
    return Cell3D(balance, layers, Pace(case.time.step, case.time.first, case.time.growth))
