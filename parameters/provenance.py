"""Where a value comes from and how well it is known."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from interphase.parameters.errors import ParameterError, did_you_mean

SourceKind = Literal["measured", "computed", "fitted", "recalled", "derived", "assumed"]

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_NEEDS_NOTE = ("derived", "assumed")


@dataclass(frozen=True, slots=True)
class Source:
    """Origin of a value.

    Attributes:
        kind: measured, computed or fitted (taken from ``reference``), recalled (from memory, to
            be checked against ``reference``), derived (worked out here, ``note`` says how),
            assumed (``note`` says why).
        reference: publication, data base or open code; a reader can find it.
        doi: its DOI, empty where there is none or none is certain.
        where: place in it, such as "Table 2".
        note: reason or derivation.
    """

    kind: SourceKind
    reference: str = ""
    doi: str = ""
    where: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a source that a reader cannot follow."""
        if self.kind not in get_args(SourceKind):
            raise ParameterError(
                f"source.kind: '{self.kind}' is not a kind; "
                f"{did_you_mean(str(self.kind), get_args(SourceKind))}"
            )
        if self.kind in _NEEDS_NOTE and not self.note.strip():
            raise ParameterError(f"source.note: is missing; a value that is {self.kind} says how")
        if self.kind not in _NEEDS_NOTE and not self.reference.strip():
            raise ParameterError(
                f"source.reference: is missing; a value that is {self.kind} names where"
            )
        if self.doi and not _DOI.fullmatch(self.doi):
            raise ParameterError(f"source.doi: '{self.doi}' is no DOI; write for example 10.1/xyz")

    def describe(self) -> str:
        """Return one line for people; what is not certain says so first."""
        prefix = {
            "recalled": "recalled, to be checked against the cited source",
            "assumed": "assumed",
        }.get(self.kind, self.kind)
        rest = [self.reference, self.where, f"doi:{self.doi}" if self.doi else "", self.note]
        return f"{prefix}: " + "; ".join(part for part in rest if part)


@dataclass(frozen=True, slots=True)
class Range:
    """All values between two bounds are as likely, in the unit of the row."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse bounds in the wrong order."""
        if not self.low < self.high:
            raise ParameterError(f"uncertainty.range: {self.low} is not less than {self.high}")


@dataclass(frozen=True, slots=True)
class Relative:
    """Standard deviation as a fraction of the value."""

    fraction: float

    def __post_init__(self) -> None:
        """Refuse a fraction that is no spread."""
        if not 0.0 < self.fraction < math.inf:
            raise ParameterError(f"uncertainty.relative: must be positive, got {self.fraction}")


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Normal in the logarithm: one standard deviation is a factor ``factor`` up or down."""

    median: float
    factor: float

    def __post_init__(self) -> None:
        """Refuse what has no logarithm."""
        if not (self.median > 0.0 and self.factor > 1.0):
            raise ParameterError(
                "uncertainty.log_normal: median must be positive and factor more than 1, got "
                f"{self.median} and {self.factor}"
            )


@dataclass(frozen=True, slots=True)
class NoUncertainty:
    """No spread is known or none applies; the reason says which."""

    reason: str

    def __post_init__(self) -> None:
        """Refuse an empty reason."""
        if not self.reason.strip():
            raise ParameterError("uncertainty.none: a reason is missing")


Uncertainty = Range | Relative | LogNormal | NoUncertainty

_EXAMPLE = (
    "write {range: [low, high]}, {relative: 0.1}, {log_normal: [median, factor]} or {none: why}"
)


def read_uncertainty(data: Any) -> Uncertainty:
    """Build an uncertainty from its table entry, numbers in the unit of the row.

    Raises:
        ParameterError: if the entry has another form.
    """
    if not isinstance(data, Mapping) or len(data) != 1:
        raise ParameterError(f"uncertainty: {_EXAMPLE}")
    ((kind, content),) = data.items()
    if kind == "none":
        return NoUncertainty(str(content or ""))
    try:
        if kind == "relative":
            return Relative(float(content))
        if kind == "range":
            low, high = content
            return Range(float(low), float(high))
        if kind == "log_normal":
            median, factor = content
            return LogNormal(float(median), float(factor))
    except (TypeError, ValueError) as error:
        raise ParameterError(f"uncertainty.{kind}: cannot read {content!r}; {_EXAMPLE}") from error
    raise ParameterError(f"uncertainty: '{kind}' is unknown; {_EXAMPLE}")


def write_uncertainty(uncertainty: Uncertainty) -> dict[str, Any]:
    """Return the table entry of an uncertainty; the inverse of :func:`read_uncertainty`."""
    if isinstance(uncertainty, Range):
        return {"range": [uncertainty.low, uncertainty.high]}
    if isinstance(uncertainty, Relative):
        return {"relative": uncertainty.fraction}
    if isinstance(uncertainty, LogNormal):
        return {"log_normal": [uncertainty.median, uncertainty.factor]}
    return {"none": uncertainty.reason}
