"""The table in memory: rows by key, overrides, species and reactions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interphase.parameters.chemistry import Reaction, Species
from interphase.parameters.errors import ParameterError, did_you_mean
from interphase.parameters.parameter import Parameter, row_key
from interphase.parameters.provenance import NoUncertainty, Source
from interphase.parameters.quantities import quantity_kind, quantity_kinds
from interphase.parameters.units import DIMENSIONLESS, split_quantity, to_si
from interphase.parameters.yaml_io import dump_yaml


@dataclass(frozen=True, slots=True)
class ParameterTable:
    """A table, checked when made.

    Attributes:
        name: short name, that of its file.
        title: one line for people.
        parameters: all rows, in the order of the file.
        species: species by name.
        reactions: reactions by id.
        note: what holds for the whole table.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    species: dict[str, Species] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    note: str = ""
    _rows: dict[str, Parameter] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the rows."""
        rows: dict[str, Parameter] = {}
        for row in self.parameters:
            if row.key in rows:
                raise ParameterError(f"table {self.name}: {row.key} is given twice")
            rows[row.key] = row
        object.__setattr__(self, "_rows", rows)

    def has(self, name: str, of: str | None = None) -> bool:
        """Return whether there is a row with a value."""
        row = self._rows.get(row_key(name, of))
        return row is not None and row.value is not None

    def get(self, name: str, of: str | None = None) -> Parameter:
        """Return a row.

        Raises:
            ParameterError: if there is none; names the nearest key.
        """
        key = row_key(name, of)
        if key not in self._rows:
            raise ParameterError(f"table {self.name}: no row {key}; {self._advice(key)}")
        return self._rows[key]

    def value(self, name: str, of: str | None = None) -> float:
        """Return a value in SI.

        Args:
            name: the quantity.
            of: the phase, species or reaction.

        Raises:
            ParameterError: if there is no such row, or its value is not known.
        """
        row = self.get(name, of)
        if row.value is None:
            raise ParameterError(f"table {self.name}: {row.key} has no value: {row.note}")
        return row.value

    def override(self, changes: Mapping[str, Any]) -> "ParameterTable":
        """Return the table with values replaced.

        Args:
            changes: from ``name`` or ``name.of`` to ``{value: "1 nm", note: "why"}`` (a mapping, or
                an object with these two attributes, as ``case.model.override`` holds). A row that
                the table lacks may be added if its quantity is known and the table knows the
                phase, species or reaction.

        Raises:
            ParameterError: if a key is unknown, a note is missing, or a value has the wrong
                dimension or range; the message begins with the key.
        """
        rows = dict(self._rows)
        for key, change in changes.items():
            rows[key] = self._changed(key, change)
        return replace(self, parameters=tuple(rows.values()))

    def assumed(self) -> list[Parameter]:
        """Return the rows that are recalled or assumed: the weak points."""
        return [row for row in self.parameters if row.uncertain_source]

    def as_dict(self) -> dict[str, Any]:
        """Return the table as its file holds it."""
        data: dict[str, Any] = {"schema": 1, "name": self.name, "title": self.title}
        if self.note:
            data["note"] = self.note
        data["species"] = {
            name: {"formula": one.formula, "charge": one.charge, "state": one.state}
            for name, one in self.species.items()
        }
        data["reactions"] = {
            id: {"equation": one.equation, "source": one.source}
            | ({"note": one.note} if one.note else {})
            for id, one in self.reactions.items()
        }
        data["parameters"] = [row.as_dict() for row in self.parameters]
        return data

    def to_yaml(self) -> str:
        """Return the text of a file that loads to an equal table."""
        return dump_yaml(self.as_dict())

    def _changed(self, key: str, change: Any) -> Parameter:
        if isinstance(change, Mapping):
            unknown = set(change) - {"value", "note"}
            if unknown:
                raise ParameterError(f"{key}.{min(unknown)}: unknown key; allowed: note, value")
            text, note = change.get("value"), change.get("note")
        else:
            text, note = getattr(change, "value", None), getattr(change, "note", None)
        if text is None or not str(note or "").strip():
            raise ParameterError(f"{key}: write {{value: '1 nm', note: why}}")
        old = self._rows.get(key) or self._new_row(key)
        try:
            to_si(text, old.unit)
            number, unit = split_quantity(text)
        except ParameterError as error:
            raise ParameterError(f"{key}: {error}") from error
        return old.replaced(number, unit or DIMENSIONLESS, str(note))

    def _new_row(self, key: str) -> Parameter:
        """Return an empty row for a phase or reaction that the table knows by name."""
        name, dot, of = key.partition(".")
        known = of in self.species or of in self.reactions
        if name not in quantity_kinds() or not (dot and known):
            raise ParameterError(f"table {self.name}: no row {key}; {self._advice(key)}")
        unit = quantity_kind(name).unit
        source = Source("assumed", note="not in the table")
        return Parameter(name, of, None, unit, NoUncertainty("none"), "none", source, "no value")

    def _advice(self, key: str) -> str:
        name = key.partition(".")[0]
        others = [other for other in self._rows if other.partition(".")[0] == name]
        return f"there is {', '.join(others)}" if others else did_you_mean(key, self._rows)
