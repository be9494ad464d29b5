"""The schema of a study file: a base case, what is varied and how, on which resources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from interphase.parameters.case_errors import case_error
from interphase.parameters.case_types import Block, Duration, refuse
from interphase.parameters.errors import CaseError
from interphase.parameters.yaml_io import YAMLError, read_yaml

Number = str | float

_KINDS = ("from_table", "uniform", "log_uniform", "normal", "log_normal", "values")


class Spread(Block):
    """How one parameter is varied. Exactly one of the keys but ``scale`` is given."""

    from_table: Literal["table"] | None = Field(default=None, alias="from")
    """The uncertainty that the table states for its row; the key is ``from``."""

    scale: Literal["linear", "log"] = "linear"
    """How a range of the table is read: even in the value (as the table says) or its logarithm."""

    uniform: tuple[Number, Number] | None = Field(default=None, examples=["[0.05 V, 0.15 V]"])
    """Lower and upper bound."""

    log_uniform: tuple[Number, Number] | None = Field(default=None, examples=["[1 nm, 10 nm]"])
    """Lower and upper bound, even in the logarithm."""

    normal: tuple[Number, Number] | None = Field(default=None, examples=["[0.1 V, 0.01 V]"])
    """Mean and standard deviation."""

    log_normal: tuple[Number, float] | None = Field(default=None, examples=["[1 nm, 2]"])
    """Median and the factor that one standard deviation is."""

    values: tuple[Any, ...] | None = Field(default=None, examples=["[0.05 V, 0.1 V]"])
    """The values themselves; in a random design each is as likely."""

    @property
    def kind(self) -> str:
        """Which of the keys is given."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            refuse("", "needs one of from, uniform, log_uniform, normal, log_normal, values")
        if self.values is not None and not self.values:
            refuse("values", "is empty; write for example [0.05 V, 0.1 V]")
        if self.scale == "log" and self.from_table is None:
            refuse("scale", "belongs to from: table; write log_uniform instead")
        return self


def _spread(value: Any) -> Any:
    """Read the short forms: the word ``table``, and a list of values."""
    if value == "table":
        return {"from": "table"}
    return {"values": value} if isinstance(value, list) else value


class DesignCase(Block):
    """Which points are run."""

    kind: Literal["grid", "list", "sobol", "lhs", "morris"] = "grid"
    """Every combination of the values; the values side by side; Sobol' points for indices (N (d+2)
    members); a Latin hypercube (N members); Morris's trajectories (N (d+1) members)."""

    samples: int | None = Field(default=None, ge=1, examples=["64"])
    """N of a random design; a power of two for sobol."""

    seed: int = Field(default=1, ge=0)
    """Number that fixes the random draws."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        random = self.kind not in ("grid", "list")
        if random and self.samples is None:
            refuse("samples", f"is missing for {self.kind}; write for example samples: 64")
        if not random and self.samples is not None:
            refuse("samples", f"a {self.kind} has as many members as its values say; remove it")
        if self.kind == "sobol" and self.samples is not None and self.samples.bit_count() != 1:
            low = 1 << (self.samples.bit_length() - 1)
            refuse("samples", f"must be a power of two for sobol, such as {low} or {2 * low}")
        return self


class ResourcesCase(Block):
    """What a member gets, and how many run at once."""

    ranks: int = Field(default=1, ge=1)
    """MPI ranks of each member."""

    launcher: str = Field(default="mpirun -n {ranks}", min_length=1)
    """How a member of several ranks is started, such as ``srun --exact -n {ranks}``."""

    at_once: int | None = Field(default=None, ge=1, examples=["2"])
    """Members that run at the same time; as many as the cores hold if not given."""

    time_limit: Duration | None = Field(default=None, examples=["2 h"])
    """Wall time after which a member is ended and reported as failed."""

    retry: bool = True
    """Whether a member that fails is tried once more with tighter time steps."""


class ClusterCase(Block):
    """Jobs of a batch system in which the members run."""

    kind: Literal["slurm", "pbs"]
    """Batch system."""

    partition: str | None = None
    """Partition (Slurm) or queue (PBS)."""

    account: str | None = None
    """Who pays."""

    walltime: str = Field(default="01:00:00", pattern=r"^\d+:[0-5]\d:[0-5]\d$")
    """Limit of one job, HH:MM:SS; a job is replaced while members wait."""

    jobs: int = Field(default=1, ge=1)
    """Jobs at the same time."""

    cores_per_node: int = Field(ge=1, examples=["32"])
    """Cores of the node that each job takes; it runs as many members as fit."""

    exclusive: bool = True
    """Whether a job takes whole nodes (Slurm)."""

    setup: str = Field(default="", examples=["source ~/interphase/.venv/bin/activate"])
    """Shell commands that make ``interphase`` available on a node."""

    options: str = ""
    """Further lines of the batch script, such as ``#SBATCH --constraint=cpu``."""

    address: str | None = Field(default=None, examples=["10.0.0.1"])
    """Address of this machine that the nodes reach; found by itself where not given."""


class CalibrationCase(Block):
    """Fitting of the study's parameters to data, with an emulator of its members."""

    data: str = Field(min_length=1, examples=["data.csv"])
    """CSV file; ``time [UNIT]``, the quantity with its unit, and ``sigma [UNIT]`` if known."""

    sigma: Number | None = Field(default=None, examples=["0.5 nm"])
    """Standard deviation of the data, for files without a column of it."""

    walkers: int = Field(default=32, ge=4)
    """Members of the ensemble sampler."""

    steps: int = Field(default=2000, ge=100)
    """Steps of the sampler; the first third is thrown away."""


class Study(Block):
    """A study. ``Study(**data)`` takes the same names as the YAML file."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    title: str = Field(default="untitled", min_length=1)
    case: str = Field(min_length=1, examples=["planar_calendar.yaml"])
    """The base case, relative to the study's file."""

    set: dict[str, Any] = Field(default_factory=dict)
    """Changes of the base case that hold for all members."""

    parameters: dict[str, Annotated[Spread, BeforeValidator(_spread)]] = Field(
        min_length=1, examples=["{interstitial_rate.R1: table}"]
    )
    """What is varied: keys of the case, or rows of its table."""

    design: DesignCase = Field(default_factory=DesignCase)
    quantities: tuple[str, ...] = Field(default=("thickness",), min_length=1)
    """Columns of the time series that are looked at: at the end, or ``thickness @ 1 h``."""

    resources: ResourcesCase = Field(default_factory=ResourcesCase)
    cluster: ClusterCase | None = None
    calibration: CalibrationCase | None = None

    def __init__(self, **data: Any) -> None:
        """Read and check the blocks."""
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise case_error(error, type(self)) from None


def load_study(path: Path) -> Study:
    """Read a study file, see `read_study`."""
    return read_study(path, Study)


def read_study[S: Study](path: Path, kind: type[S]) -> S:
    """Read a study file of a kind; its file names become absolute.

    Raises:
        CaseError: if anything is wrong; one line with the path of the key.
    """
    try:
        data = read_yaml(path)
    except YAMLError as error:
        text = str(error)
        raise CaseError(text if str(path) in text else f"{path}, {text}") from error
    folder = path.resolve().parent
    if isinstance(data.get("case"), str):
        data["case"] = str(folder / data["case"])
    calibration = data.get("calibration")
    if isinstance(calibration, dict) and isinstance(calibration.get("data"), str):
        calibration["data"] = str(folder / calibration["data"])
    return kind(**data)
