"""Every key of a case file as a page: ``python -m interphase.scripts.case_reference``.

Written from the schema itself, so that it cannot lag behind; its output is the page
``scripts/cases/keys.md``.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from interphase.parameters.case import Case
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.case_types import Quantity

_HEAD = """\
# Every key of a case file

Written by `python -m interphase.scripts.case_reference`. Quantities are text with a unit of the
dimension shown; *required* keys have no default. `interphase check CASE` says what is wrong with a
case, and the `case.yaml` in a run's folder shows every value that was used.
"""

_WHOLE_CELL = """\
# Every key of a whole cell in three dimensions, `kind: p3d`
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_block(Case, ""), _WHOLE_CELL, *_block(P3DCase, "")])


def _block(model: type[BaseModel], path: str) -> Iterator[str]:
    """Yield the lines of a block and of those inside it."""
    if path:
        yield f"## `{path}`\n"
    yield f"{inspect.getdoc(model) if path else 'The blocks of a case:'}\n".replace("``", "`")
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    inner: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        block, many = _block_in(field.annotation)
        if block is not None:
            below = f"{path}.{key}".removeprefix(".")
            inner.append((block, below + ("[...]" if many else "")))
        cells = (f"`{key}`", _kind(field), _default(field), _text(field))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for block, below in inner:
        yield from _block(block, below)


def _text(field: FieldInfo) -> str:
    block, _ = _block_in(field.annotation)
    text = field.description or (inspect.getdoc(block) if block else None) or ""
    parts = [" ".join(text.replace("``", "`").split()).rstrip(".")]
    if field.examples and block is None:
        parts.append(f"for example `{field.examples[0]}`")
    return "; ".join(parts)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel):
        return "-"
    unit = _quantity(field)
    if unit is not None and isinstance(value, float):
        return f"`{unit.write(value)}`"
    if isinstance(value, tuple):
        items = [unit.write(x) if unit is not None else str(x) for x in value]
        return f"`[{', '.join(items)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(field: FieldInfo) -> str:
    """Return what may be written."""
    quantity = _quantity(field)
    one = f"quantity [{quantity.unit}]" if quantity is not None else _type(field.annotation)
    listed = get_origin(_bare(field.annotation)) is tuple
    return f"list of {one}" if listed and not one.startswith("list") else one


def _type(annotation: Any) -> str:
    if get_origin(annotation) in (Union, types.UnionType):
        some = [_type(item) for item in get_args(annotation) if item is not type(None)]
        return " or ".join(dict.fromkeys(some))
    annotation = _bare(annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"keys with {_type(inner[1])}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "block"
    names = {bool: "true, false", int: "whole number", float: "number", str: "text"}
    return names.get(annotation, "text")


def _bare(annotation: Any) -> Any:
    """Return a type without ``None`` beside it and without its marks."""
    while True:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin in (Union, types.UnionType):
            annotation = next(item for item in inner if item is not type(None))
        elif hasattr(annotation, "__metadata__"):
            annotation = inner[0]
        else:
            return annotation


def _quantity(field: FieldInfo) -> Quantity | None:
    """Return the unit of a field, of its entries where it is a list."""
    marks = [*field.metadata, *_marks(field.annotation)]
    return next((mark for mark in marks if isinstance(mark, Quantity)), None)


def _marks(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    if get_origin(annotation) is not dict:
        for inner in get_args(annotation):
            yield from _marks(inner)


def _block_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return (the block inside a type, whether there may be many of it)."""
    annotation = _bare(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation, False
    for inner in get_args(annotation):
        found, _ = _block_in(inner)
        if found is not None:
            return found, True
    return None, False


def main() -> int:
    """Print the page."""
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
