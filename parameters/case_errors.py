"""Turns what pydantic reports into one line that names the key and says what to write."""

import inspect
import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from interphase.parameters.errors import CaseError, did_you_mean

Location = Sequence[int | str]


def key_path(location: Location) -> str:
    """Write ``("drive", "steps", 1, "ramp")`` as ``drive.steps[1].ramp``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def case_error(error: ValidationError, root: type[BaseModel]) -> CaseError:
    """Return the one error that helps most.

    Args:
        error: what pydantic found, usually several things.
        root: the model that was being validated, whose fields are known keys.
    """
    found = error.errors(include_url=False)
    # A misspelt key also shows up as a missing one: the spelling is the cause.
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
    location = first["loc"]
    context = first.get("ctx", {})
    if first["type"] == "case" and context.get("key"):
        location = (*location, *str(context["key"]).split("."))
    return CaseError(_text(dict(first), location, root), key_path(location))


def _text(item: dict[str, Any], location: Location, root: type[BaseModel]) -> str:
    kind, context, given = item["type"], item.get("ctx", {}), item.get("input")
    field = _field(location, root)
    if kind in ("case", "quantity"):
        return str(context["text"])
    if kind == "extra_forbidden":
        block = _block(location[:-1], root)
        return f"unknown key; {did_you_mean(str(location[-1]), _keys(block))}"
    if kind == "missing":
        return f"is missing; {_example(field, location[-1])}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
        return f"'{given}' is not a choice; {did_you_mean(str(given), choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a block of keys, got {given!r}"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list in [ ], got {given!r}"
    return f"{item['msg'].lower()}, got {given!r}" + _hint(field, location)


def _example(field: FieldInfo | None, key: int | str) -> str:
    if field is not None and field.examples:
        return f"write for example {key}: {field.examples[0]}"
    return "add it"


def _hint(field: FieldInfo | None, location: Location) -> str:
    if field is not None and field.examples:
        return f"; {_example(field, location[-1])}"
    return ""


def _keys(block: type[BaseModel] | None) -> list[str]:
    if block is None:
        return []
    return [field.alias or name for name, field in block.model_fields.items()]


def _field(location: Location, root: type[BaseModel]) -> FieldInfo | None:
    block = _block(location[:-1], root)
    if block is None or not location:
        return None
    for name, field in block.model_fields.items():
        if location[-1] in (name, field.alias):
            return field
    return None


def _block(location: Location, root: type[BaseModel]) -> type[BaseModel] | None:
    """Return the block's model at a location, or None where there is no block."""
    block: type[BaseModel] | None = root
    for part in location:
        if isinstance(part, int) or block is None:
            continue  # an item of a list has the type of the list's field
        for name, field in block.model_fields.items():
            if part in (name, field.alias):
                block = _model_in(field.annotation)
                break
    return block


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the block inside an annotation such as ``tuple[DriveStep, ...]``."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
