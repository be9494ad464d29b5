"""The ``drive.cell`` block of a case: a whole cell drives the film and feels it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from interphase.parameters.case_types import (
    ROOM_TEMPERATURE,
    Block,
    Duration,
    Temperature,
    refuse,
)

_MOST_PATCHES = 200


class AreaRatio(Block):
    """Area that carries film over the geometric area of the particles (3 eps/R per volume)."""

    value: float = Field(default=1.0, gt=0.0, le=1000.0)
    """Ratio [-]; 1 where the film covers the spheres of the cell model."""

    source: str = Field(default="the spheres of the cell model; no measured area", min_length=1)
    """Where the value is from."""


class StorageCase(Block):
    """Storage at open circuit; every state of charge at every temperature is a study of its own."""

    soc: tuple[float, ...] = Field(min_length=1, examples=["[0.2, 0.5, 0.9]"])
    """States of charge at the start [-]."""

    temperature: tuple[Temperature, ...] = Field(default=(ROOM_TEMPERATURE,), min_length=1)
    """Temperatures [K]."""

    check_every: Duration | None = Field(default=None, examples=["30 day"])
    """Time between two rows of the results at most [s]."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for soc in self.soc:
            if not 0.0 <= soc <= 1.0:
                refuse("soc", f"must lie between 0 and 1, got {soc}")
        return self


class ExchangeCase(Block):
    """When cell and film meet, and how far they may differ."""

    rtol: float = Field(default=1.0e-2, gt=0.0, lt=0.5)
    """Largest relative error of the film's charge in one exchange; four times it is rejected."""

    first: Duration = Field(default=600.0, examples=["10 min"])
    """Length of the first exchange [s]; for storage and the first cycle."""

    longest: Duration = Field(default=2.6e6, examples=["30 day"])
    """Longest time between two exchanges [s]."""

    most_cycles: int = Field(default=50, ge=1)
    """Most cycles that are jumped over in one go; 1 simulates every cycle."""

    knots: int | None = Field(default=None, ge=4, le=60)
    """Potentials at which the film's response is tabulated; none: 13, or 6 for storage, where the
    potential hardly moves."""


class StopCase(Block):
    """Ends of life that stop a study."""

    capacity: float | None = Field(default=0.8, gt=0.0, lt=1.0)
    """Stop when the capacity has fallen to this part of the first one [-], or null."""

    plating: bool = False
    """Stop when the potential that the films see falls below that of lithium, 0 V."""

    dry: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Stop when this part of the solvent is left [-] (needs ``model.dry_out``)."""


class CellCase(Block):
    """A lithium-ion cell by PyBaMM, coupled to phase-field patches of its negative electrode."""

    model: Literal["SPM", "SPMe", "DFN"] = Field(examples=["SPM"])
    """Single-particle model, the same with electrolyte, or Doyle-Fuller-Newman (P2D)."""

    parameters: str = Field(default="OKane2022", min_length=1)
    """Name of a PyBaMM parameter set, or a BPX file."""

    override: dict[str, float] = Field(default_factory=dict)
    """Values of the set to replace, by PyBaMM's names (which hold the unit)."""

    options: dict[str, str] = Field(default_factory=dict)
    """Options of the PyBaMM model, for example ``lithium plating: irreversible``."""

    points: dict[Literal["x_n", "x_s", "x_p", "r_n", "r_p"], int] = Field(default_factory=dict)
    """Mesh points of the cell model along the electrodes and in the particles."""

    area_ratio: AreaRatio = Field(default_factory=AreaRatio)
    """Film-carrying area over geometric area."""

    patches: int | tuple[float, ...] = Field(default=1, examples=["5", "[0.1, 0.5, 0.95]"])
    """Phase-field patches along the negative electrode (more than one needs SPMe or DFN): how many,
    spread from end to end, or their places as parts of its thickness, rising from the collector."""

    film_potential: Literal["behind_film_drop", "full"] = "behind_film_drop"
    """Potential that the film's rates follow: behind the Ohmic drop over the film, as in PyBaMM's
    laws of reaction, or the full one between solid and liquid."""

    initial_soc: float | None = Field(default=None, ge=0.0, le=1.0)
    """State of charge at the start [-]; none: as the parameter set has it."""

    temperature: Temperature = ROOM_TEMPERATURE
    """Ambient and initial temperature [K]."""

    experiment: tuple[str, ...] = Field(default=(), examples=["['Rest for 1 hour']"])
    """One cycle, as PyBaMM's experiment strings."""

    profile: str | None = Field(default=None, min_length=1, examples=["drive_cycle.csv"])
    """One cycle as a CSV file of ``time [s]`` and ``current [A]``, ``voltage [V]`` or
    ``power [W]``."""

    cycles: int = Field(default=1, ge=1)
    """How often the cycle is run."""

    storage: StorageCase | None = None
    """Storage instead of cycles."""

    exchange: ExchangeCase = Field(default_factory=ExchangeCase)
    stop: StopCase = Field(default_factory=StopCase)

    @property
    def patch_count(self) -> int:
        """Number of patches."""
        return self.patches if isinstance(self.patches, int) else len(self.patches)

    @property
    def knots(self) -> int:
        """Potentials of a response table."""
        return self.exchange.knots or (6 if self.storage else 13)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [
            name
            for name, value in (
                ("experiment", self.experiment),
                ("profile", self.profile),
                ("storage", self.storage),
            )
            if value
        ]
        if len(given) != 1:
            what = " and ".join(given) if given else "none"
            refuse("", f"needs one of experiment, profile and storage; {what} given")
        if not 1 <= self.patch_count <= _MOST_PATCHES:
            refuse("patches", f"must be 1 to {_MOST_PATCHES}, got {self.patch_count}")
        if isinstance(self.patches, tuple):
            ends = (0.0, *self.patches, 1.0)
            inner = zip(self.patches, self.patches[1:], strict=False)
            if list(ends) != sorted(ends) or any(a == b for a, b in inner):
                refuse("patches", f"must rise between 0 and 1, got {list(self.patches)}")
        if self.patch_count > 1 and self.model == "SPM":
            refuse("patches", "an SPM has one place along the electrode; write patches: 1 or DFN")
        if self.storage and self.initial_soc is not None:
            refuse("initial_soc", "is for experiment and profile; storage has its own soc")
        return self
