"""What a calculation gives back: a value that says how it was found and how well it is known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, Self

from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter import Parameter, row_key
from interphase.parameters.provenance import Source, Uncertainty

Setting = str | int | float | bool | None | list[float] | list[str]
"""What a setting may be: anything that JSON keeps exactly."""

REFERENCE: Final = "interphase.models.atomistic"


@dataclass(frozen=True, slots=True)
class Computed:
    """One computed value.

    Attributes:
        name: a quantity of ``quantities.yaml``.
        of: material, molecule, phase or reaction that it belongs to, empty for none.
        value: the number in ``unit``.
        unit: any unit of the quantity's dimension.
        uncertainty: spread, its numbers in ``unit``, or the reason why none is known.
        method: one phrase for people, such as ``SevenNet-0, Birch-Murnaghan fit``.
        settings: everything that changes the number.
        versions: of the libraries that computed it.
        terms: named contributions that add up to ``value`` [unit]; empty where it has none.
        note: anything a user must know.
        seconds: what it cost, processor time [s].
    """

    name: str
    of: str
    value: float
    unit: str
    uncertainty: Uncertainty
    method: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what a table would refuse, and terms that do not add up."""
        # numbers of numpy would neither be written to a file nor converted exactly
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "terms", {key: float(v) for key, v in self.terms.items()})
        self.parameter()
        total = sum(self.terms.values())
        scale = sum(abs(part) for part in self.terms.values())
        if self.terms and abs(total - self.value) > 1e-9 * scale:
            raise AtomisticError(
                f"{self.key}: its terms add up to {total:.9g} {self.unit}, not {self.value:.9g}"
            )

    @property
    def key(self) -> str:
        """Name of the row that it fills."""
        return row_key(self.name, self.of or None)

    def parameter(self, where: str = "") -> Parameter:
        """Return the row of a table, of source kind ``computed``.

        Args:
            where: the result file and its hash, for the source.

        Raises:
            ParameterError: if unit, range or uncertainty are wrong for the quantity.
        """
        source = Source("computed", reference=REFERENCE, where=where)
        return Parameter(
            self.name, self.of or None, self.value, self.unit, self.uncertainty, self.method,
            source, self.note,
        )  # fmt: skip

    def costing(self, seconds: float) -> Self:
        """Return the same value with what it cost [s]."""
        return replace(self, seconds=round(seconds, 3))


class Calculation(Protocol):
    """One property of one material by one method."""

    def run(self) -> tuple[Computed, ...]:
        """Compute; may take long."""


def timed(calculation: Calculation, store: Store | None = None) -> tuple[Computed, ...]:
    """Run a calculation and write what it cost into each of its values.

    Args:
        calculation: what to run.
        store: of earlier runs; what its energies cost then counts as well.
    """
    kept = store or Store()
    start = time.process_time(), kept.saved
    values = calculation.run()
    cost = time.process_time() - start[0] + kept.saved - start[1]
    return tuple(value.costing(cost) for value in values)


def as_plain(value: Computed) -> dict[str, Any]:
    """Return a value as JSON keeps it; `result_file.read` is the inverse."""
    row = value.parameter().as_dict()
    return {
        "name": value.name,
        "of": value.of,
        "value": value.value,
        "unit": value.unit,
        "uncertainty": row["uncertainty"],
        "method": value.method,
        "settings": dict(value.settings),
        "versions": dict(value.versions),
        "terms": dict(value.terms),
        "note": value.note,
        "seconds": value.seconds,
    }
