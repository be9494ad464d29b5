"""A case of kind p3d: a whole cell in three dimensions with a local model at every place."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from interphase.parameters.case_errors import case_error
from interphase.parameters.case_p3d_ageing import CellAgeingCase
from interphase.parameters.case_p3d_mesh import GeometryCase
from interphase.parameters.case_run import OutputCase
from interphase.parameters.case_types import (
    ROOM_TEMPERATURE,
    Block,
    Duration,
    OptionalDuration,
    Quantity,
    Temperature,
    refuse,
    without_none,
)
from interphase.parameters.yaml_io import dump_yaml

HeatConductivity = Annotated[float, Quantity("W/m/K", 0.0, open_low=True)]
HeatCapacity = Annotated[float, Quantity("J/m^3/K", 0.0, open_low=True)]
Conductivity = Annotated[float, Quantity("S/m", 0.0)]
HeatTransfer = Annotated[float, Quantity("W/m^2/K", 0.0)]
ThermalContact = Annotated[float, Quantity("K*m^2/W", 0.0)]
Resistance = Annotated[float, Quantity("ohm", 0.0)]
SmallVoltage = Annotated[float, Quantity("V", 0.0, 0.1, open_low=True)]


type Points = Literal["x_n", "x_s", "x_p", "r_n", "r_p"]


def _coarse() -> dict[Points, int]:
    return {"x_n": 8, "x_s": 4, "x_p": 8, "r_n": 8, "r_p": 8}


class PairCase(Block):
    """The electrode pair at every place, by PyBaMM."""

    model: Literal["SPM", "SPMe", "DFN"] = Field(examples=["SPMe"])
    """Single-particle model, the same with electrolyte, or Doyle-Fuller-Newman (P2D)."""

    parameters: str = Field(default="OKane2022", min_length=1)
    """Name of a PyBaMM parameter set, or a BPX file."""

    override: dict[str, float] = Field(default_factory=dict)
    """Values of the set to replace, by PyBaMM's names (which hold the unit)."""

    options: dict[str, str] = Field(default_factory=dict)
    """Options of the PyBaMM model."""

    points: dict[Points, int] = Field(default_factory=_coarse)
    """Mesh points of the model along the electrodes and in the particles."""

    initial_soc: float | None = Field(default=None, ge=0.0, le=1.0)
    """State of charge at the start [-]; none: as the parameter set has it."""

    foil_share: float = Field(default=0.5, gt=0.0, le=1.0)
    """Part of a collector foil that belongs to one pair: one half if coated on both sides."""

    rtol: float = Field(default=1.0e-5, gt=0.0, lt=1.0e-2)
    """Relative tolerance of the integration of a place."""

    compiled: bool = False
    """Compile the model before the run: takes minutes with gcc once, then half the time."""


class MaterialCase(Block):
    """A solid that conducts alike in all directions."""

    heat_conductivity: HeatConductivity = Field(examples=["237 W/m/K"])
    """[W/m/K]."""

    heat_capacity: HeatCapacity = Field(examples=["2.42e6 J/m^3/K"])
    """Per volume [J/m3/K]."""

    conductivity: Conductivity = 0.0
    """Electric; matters in tabs only [S/m]."""

    source: str = Field(default="", examples=["handbook value"])
    """Where the numbers are from."""


class StackCase(Block):
    """Numbers of the layers that replace what the parameter set gives."""

    along: HeatConductivity | None = Field(default=None, examples=["25 W/m/K"])
    """Heat conductivity along the layers [W/m/K]."""

    across: HeatConductivity | None = Field(default=None, examples=["1 W/m/K"])
    """Heat conductivity across the layers [W/m/K]."""

    heat_capacity: HeatCapacity | None = Field(default=None, examples=["2e6 J/m^3/K"])
    """Per volume [J/m3/K]."""


_COOLING: Final = {
    "convection": ("transfer",),
    "plate": ("contact",),
    "held": (),
}


class CoolingCase(Block):
    """How heat leaves through a face."""

    kind: Literal["convection", "plate", "held"] = "convection"
    """A fluid; a plate of given temperature behind a contact; the face itself held."""

    transfer: HeatTransfer | None = Field(default=None, examples=["10 W/m^2/K"])
    """Heat transfer coefficient of convection [W/m2/K]."""

    contact: ThermalContact | None = Field(default=None, examples=["1e-3 K*m^2/W"])
    """Resistance between the face and what cools it [K m2/W]."""

    temperature: Temperature = ROOM_TEMPERATURE
    """Of the fluid, the plate or the face [K]."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in _COOLING[self.kind]:
            if getattr(self, key) is None:
                example = {"transfer": "10 W/m^2/K", "contact": "1e-3 K*m^2/W"}[key]
                refuse(key, f"is missing for {self.kind}; write for example {key}: {example}")
        if self.kind != "convection" and self.transfer is not None:
            refuse("transfer", f"is for convection only; remove it for {self.kind}")
        if self.kind == "held" and self.contact is not None:
            refuse("contact", "is for convection and plate; write kind: plate")
        if self.kind == "plate" and self.contact == 0.0:
            refuse("contact", "must be more than 0 K*m^2/W; write kind: held for a perfect contact")
        return self


class HeatCase(Block):
    """Temperature: start, materials, cooling."""

    initial: Temperature = ROOM_TEMPERATURE
    """At the start, everywhere [K]."""

    stack: StackCase = Field(default_factory=StackCase)
    materials: dict[str, MaterialCase] = Field(default_factory=dict)
    """Of regions besides the stack, by name. Tabs are of the metal of their foil by default."""

    cooling: dict[str, CoolingCase] = Field(
        default_factory=dict, examples=["{front: {transfer: 50 W/m^2/K}}"]
    )
    """Of the faces by name; the others are insulated."""


class TerminalCase(Block):
    """What the terminals are asked for."""

    experiment: tuple[str, ...] = Field(default=(), examples=["['Discharge at 1C until 2.5 V']"])
    """One cycle, as PyBaMM's experiment strings; C-rates are of the cell's own size."""

    profile: str | None = Field(default=None, min_length=1, examples=["drive_cycle.csv"])
    """One cycle as a CSV file of ``time [s]`` and ``current [A]``, ``voltage [V]`` or
    ``power [W]``."""

    cycles: int = Field(default=1, ge=1)
    """How often the cycle is run."""

    contact_resistance: Resistance = 0.0
    """Of both terminals together [ohm]; its heat is set free at the tabs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.experiment) == (self.profile is not None):
            refuse("", "needs one of experiment and profile")
        return self


class PaceCase(Block):
    """Steps in time."""

    step: Duration = Field(default=30.0, examples=["30 s"])
    """Longest step [s]."""

    first: Duration = 1.0
    """First step after the control has changed [s]."""

    growth: float = Field(default=3.0, gt=1.0, le=10.0)
    """From one step to the next, at most [-]."""

    until: OptionalDuration = None
    """Time at which the run ends even if the drive does not [s], or none."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.first > self.step:
            refuse("first", "must not be more than step")
        return self


class ExchangeCase3D(Block):
    """When currents and local models agree."""

    voltage: SmallVoltage = 5.0e-5
    """Largest difference of local voltage and collector potentials [V]."""

    exchanges: int = Field(default=20, ge=2)
    """Most exchanges in one step."""


class P3DCase(Block):
    """A run of a whole cell. ``P3DCase(**data)`` takes what the YAML file has.

    Raises:
        CaseError: if anything is wrong; one line with the path of the key.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of the case schema."""

    kind: Literal["p3d"]
    """Tells a whole cell from a film."""

    title: str = Field(default="untitled", min_length=1)
    """One line for people."""

    geometry: GeometryCase = Field(examples=["{shape: pouch, ...}"])
    pair: PairCase = Field(examples=["{model: SPMe}"])
    heat: HeatCase = Field(default_factory=HeatCase)
    drive: TerminalCase = Field(examples=["{experiment: ['Discharge at 1C until 2.5 V']}"])
    time: PaceCase = Field(default_factory=PaceCase)
    output: OutputCase = Field(default_factory=OutputCase)
    solver: ExchangeCase3D = Field(default_factory=ExchangeCase3D)

    ageing: CellAgeingCase | None = None
    """Films that grow at the places over many cycles; none: the cell as it is."""

    def __init__(self, **data: Any) -> None:
        """Read and check the blocks."""
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise case_error(error, type(self)) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.geometry.casing > 0.0 and "casing" not in self.heat.materials:
            refuse(
                "heat.materials.casing",
                "is missing: geometry.casing has walls; write for example "
                "{heat_conductivity: 237 W/m/K, heat_capacity: 2.42e6 J/m^3/K}",
            )
        if self.ageing is not None and self.ageing.patches > 1 and self.pair.model == "SPM":
            refuse("ageing.patches", "must be 1 for an SPM, which has one place along x")
        return self

    def resolved(self) -> dict[str, Any]:
        """Return the case with every default filled in, as plain values with units in strings."""
        plain: dict[str, Any] = without_none(self.model_dump(mode="json", by_alias=True))
        return plain

    def to_yaml(self) -> str:
        """Return :meth:`resolved` as YAML text."""
        return dump_yaml(self.resolved())
