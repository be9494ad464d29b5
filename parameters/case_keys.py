"""Which keys a case may have, and in which unit each is read: for whoever varies them."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from interphase.parameters.case import Case
from interphase.parameters.case_types import Quantity
from interphase.parameters.errors import CaseError, did_you_mean
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.quantities import quantity_kind, quantity_kinds

OVERRIDE = "model.override."


@dataclass(frozen=True, slots=True)
class CaseKey:
    """A key that can be varied.

    Attributes:
        path: of the key in a case.
        unit: of its value, ``-`` for a plain number, empty for what is no number.
        row: key of the table's row, empty for other keys.
        whole: whether only whole numbers make sense.
    """

    path: str
    unit: str
    row: str = ""
    whole: bool = False


def find_key(path: str, table: ParameterTable) -> CaseKey:
    """Return what is known of a key.

    Args:
        path: ``mesh.cell_size``, ``drive.steps[0].hold``, or a row of the table: ``name.of`` or
            ``model.override.name.of``.
        table: the table of the case.

    Raises:
        CaseError: a case has no such key, or the table no such row.
    """
    row = path.removeprefix(OVERRIDE)
    if row != path or row.partition(".")[0] in quantity_kinds():
        known = {one.key for one in table.parameters}
        if row not in known:
            raise CaseError(
                f"the case's table {table.name} has no row '{row}'; {did_you_mean(row, known)}",
                path,
            )
        return CaseKey(OVERRIDE + row, quantity_kind(row.partition(".")[0]).unit, row)
    return _case_key(path)


def _case_key(path: str) -> CaseKey:
    block: Any = Case
    for part in path.split("."):
        name = re.sub(r"\[\d+\]", "", part)
        if not (isinstance(block, type) and issubclass(block, BaseModel)):
            raise CaseError(f"the case has no '{name}' there", path)
        fields = {field.alias or key: field for key, field in block.model_fields.items()}
        if name not in fields:
            names = [*fields, *quantity_kinds()] if block is Case else list(fields)
            raise CaseError(f"the case has no '{name}' there; {did_you_mean(name, names)}", path)
        field = fields[name]
        block = _inner(field.annotation)
        # pydantic moves the marks of a plain Annotated field out of its annotation
        marks = [*field.metadata, *_marks(field.annotation)]
    unit = next((mark.unit for mark in marks if isinstance(mark, Quantity)), None)
    number = block in (int, float)
    return CaseKey(path, unit or ("-" if number else ""), whole=block is int)


def _inner(annotation: Any) -> Any:
    """Return what an optional, listed or marked annotation is about."""
    if get_origin(annotation) in (Union, types.UnionType, tuple, list) or hasattr(
        annotation, "__metadata__"
    ):
        inner = [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
        return _inner(inner[0])
    return annotation


def _marks(annotation: Any) -> list[Any]:
    found = list(getattr(annotation, "__metadata__", ()))
    for inner in get_args(annotation):
        found += _marks(inner)
    return found
