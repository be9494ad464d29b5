"""The ``drive``, ``time``, ``output`` and ``solver`` blocks of a case."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from interphase.parameters.case_cell import CellCase
from interphase.parameters.case_types import (
    ROOM_TEMPERATURE,
    Block,
    CurrentDensity,
    Duration,
    OptionalDuration,
    Potential,
    PotentialStep,
    SweepRate,
    Temperature,
    refuse,
)


class DriveStep(Block):
    """One ramp or hold of the electrode's potential."""

    ramp: tuple[Potential, Potential] | None = Field(default=None, examples=["[1.0 V, 0.1 V]"])
    """Potential at the start and at the end [V vs Li/Li+]."""

    hold: Potential | None = Field(default=None, examples=["0.1 V"])
    """Constant potential [V vs Li/Li+]."""

    rate: SweepRate | None = Field(default=None, examples=["1.9 V/h"])
    """Absolute sweep rate of a ramp [V/s]."""

    duration: Duration | None = Field(default=None, alias="for", examples=["1 h"])
    """How long the step lasts [s]; the key is ``for``."""

    until: Duration | None = Field(default=None, examples=["6 h"])
    """Time of the run at which the step ends [s]."""

    current_density: CurrentDensity = 0.0
    """Intercalation current density, positive when the electrode takes up lithium [A/m2]."""

    temperature: Temperature = ROOM_TEMPERATURE
    """Temperature during the step [K]."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.ramp is None) == (self.hold is None):
            refuse("", "must have either ramp or hold; write for example {hold: 0.1 V, for: 1 h}")
        ends = [key for key in ("rate", "duration", "until") if getattr(self, key) is not None]
        names = " and ".join("for" if key == "duration" else key for key in ends)
        if self.hold is not None and self.rate is not None:
            refuse("rate", "belongs to a ramp; a hold ends with for or until")
        if len(ends) > 1:
            refuse("", f"{names} are both given; keep one")
        if self.ramp is not None and not ends:
            refuse("rate", "is missing; a ramp needs rate, for or until, for example rate: 1.9 V/h")
        if self.ramp is not None and self.ramp[0] == self.ramp[1] and self.rate is not None:
            refuse("ramp", "starts and ends at one potential; write a hold instead")
        return self


_DRIVES = {
    "steps": "steps: [{hold: 0.1 V, for: 1 h}]",
    "file": "file: profile.csv",
    "cell": "cell: {model: SPM, experiment: [...]}",
}


class DriveCase(Block):
    """What the cell does to the electrode: potential, current density and temperature in time."""

    kind: Literal["program", "csv", "cell"] = "program"
    """Steps written here, a file of measured or computed values, or a whole cell."""

    steps: tuple[DriveStep, ...] = Field(default=(), examples=["[{hold: 0.1 V, for: 1 h}]"])
    """Ramps and holds, one after the other."""

    file: str | None = Field(default=None, min_length=1, examples=["profile.csv"])
    """Table of time and potential, optionally current density and temperature."""

    cell: CellCase | None = None
    """The cell that drives the film and feels it, for kind cell."""

    largest_jump: PotentialStep = 2.0
    """Largest change of potential between two steps or rows; more is a typing error [V]."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        content = {"program": "steps", "csv": "file", "cell": "cell"}
        given = {"steps": self.steps or None, "file": self.file, "cell": self.cell}
        for kind, key in content.items():
            if self.kind == kind and given[key] is None:
                example = _DRIVES[key]
                refuse(key, f"is missing for kind {kind}; write for example {example}")
            if self.kind != kind and given[key] is not None:
                refuse(key, f"is for kind {kind} only; remove it or write kind: {kind}")
        return self


class ControllerCase(Block):
    """How the time step is chosen."""

    front_fraction: float = Field(default=0.1, gt=0.0, le=1.0)
    """Largest advance of the front in a step, in interface widths [-]."""

    rtol: float = Field(default=2.0e-2, gt=0.0, lt=1.0)
    """Local error allowed, relative [-]."""

    initial_step: Duration = 1.0e-3
    """First step [s]."""

    smallest_step: Duration = 1.0e-9
    """A step below this ends the run as failed [s]."""

    largest_step: OptionalDuration = None
    """Bound on the step [s], or none."""

    max_rejections: int = Field(default=30, ge=1)
    """Retries of one step before the run is given up."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.initial_step < self.smallest_step:
            refuse("initial_step", "must not be less than smallest_step")
        if self.largest_step is not None and self.largest_step < self.initial_step:
            refuse("largest_step", "must not be less than initial_step")
        return self


class TimeCase(Block):
    """How far and how the run goes in time."""

    until: Duration = Field(examples=["6 h"])
    """Simulated time at which the run ends [s]."""

    scheme: Literal["backward_euler", "bdf2"] = "backward_euler"
    """Time integration."""

    controller: ControllerCase = Field(default_factory=ControllerCase)
    """Step control."""


class FieldsCase(Block):
    """Fields for ParaView."""

    every: OptionalDuration = None
    """Simulated time between two records [s]; none: first and last state only."""

    times: tuple[Duration, ...] = ()
    """Further times at which to write [s]."""

    format: Literal["vtx", "xdmf"] = "vtx"
    """File format; DOLFINx 0.11's writer of VTKHDF holds one nameless field per file."""


class CheckpointCase(Block):
    """States to restart from."""

    every: OptionalDuration = None
    """Simulated time between two checkpoints [s]; none: only when the run stops."""


class OutputCase(Block):
    """What the run writes, besides the time series with a row per step."""

    fields: FieldsCase = Field(default_factory=FieldsCase)
    checkpoint: CheckpointCase = Field(default_factory=CheckpointCase)


def is_shipped_model(file: str) -> bool:
    """Return whether ``solver.accelerator.file`` is the name of a model that is shipped."""
    path = Path(file)
    return path.name == file and not path.suffix


class AcceleratorCase(Block):
    """Leaps over some interface widths at once, each judged by a step of the physics."""

    kind: Literal["geometric", "surrogate"] = "geometric"
    """What proposes a leap: the front's own speed, or a model trained on runs."""

    file: str | None = Field(default=None, min_length=1, examples=["model.npz"])
    """The trained model, for kind surrogate; a bare name is one that is shipped, such as mosaic."""

    outside_domain: Literal["physics", "stop"] = "physics"
    """What to do where the film is not like the training data: steps, or an error."""

    largest_advance: float | None = Field(default=None, gt=0.0, le=5.0)
    """Bound on the mean advance of the front in a leap, in interface widths [-]."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        trained = self.kind != "geometric"
        if trained and self.file is None:
            refuse(
                "file", f"is missing for kind {self.kind}; name a model made by interphase train"
            )
        if not trained and self.file is not None:
            refuse("file", f"is for trained models only, not for kind {self.kind}; remove it")
        return self


class SolverCase(Block):
    """Algebraic solvers."""

    linear: Literal["auto", "direct", "multigrid"] = "auto"
    """Solver of the linear systems; auto chooses by their size."""

    rtol: float = Field(default=1e-8, gt=0.0, lt=1.0)
    """Relative residual of linear solves [-]."""

    newton_rtol: float = Field(default=1e-8, gt=0.0, lt=1.0)
    """Relative residual of Newton's method [-]."""

    accelerator: AcceleratorCase | None = None
    """Leaps instead of most steps; none: steps only."""
