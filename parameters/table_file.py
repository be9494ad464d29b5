"""Reading a parameter table from its YAML file; every message names the table and the key."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from interphase.parameters.chemistry import Reaction, Species
from interphase.parameters.errors import ParameterError, did_you_mean
from interphase.parameters.parameter import Parameter, row_key
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import Source, read_uncertainty
from interphase.parameters.yaml_io import YAMLError, read_yaml

_TABLE = ("schema", "name", "title", "note", "species", "reactions", "parameters")
_SPECIES = ("formula", "charge", "state")
_REACTION = ("equation", "source", "note")
_ROW = ("name", "of", "value", "unit", "uncertainty", "method", "source", "note")
_SOURCE = ("kind", "reference", "doi", "where", "note")


def read_table(path: Path) -> ParameterTable:
    """Read and check a table.

    Raises:
        ParameterError: if the file or anything in it is wrong.
    """
    name = path.stem
    try:
        data = read_yaml(path)
    except YAMLError as error:
        raise ParameterError(f"table {name}: {error}") from error
    try:
        return _build(data)
    except ParameterError as error:
        text = str(error)
        raise ParameterError(
            text if text.startswith("table ") else f"table {name}: {text}"
        ) from error


def _build(data: dict[str, Any]) -> ParameterTable:
    _check_keys(data, _TABLE, ("schema", "name", "title", "parameters"), "")
    if data["schema"] != 1:
        raise ParameterError(f"schema: {data['schema']!r} is not known; write 1")
    species = {name: _read_species(name, entry) for name, entry in _block(data, "species").items()}
    reactions = {
        id: _read_reaction(id, entry, species) for id, entry in _block(data, "reactions").items()
    }
    rows = data["parameters"]
    if not isinstance(rows, list):
        raise ParameterError("parameters: must be a list of rows")
    return ParameterTable(
        _text(data, "name", ""),
        _text(data, "title", ""),
        tuple(_read_row(index, row) for index, row in enumerate(rows)),
        species,
        reactions,
        _text(data, "note", ""),
    )


def _block(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    block = data.get(key) or {}
    if not isinstance(block, dict):
        raise ParameterError(f"{key}: must be a block of keys")
    return block


def _check_keys(entry: Any, allowed: Collection[str], needed: Collection[str], where: str) -> None:
    if not isinstance(entry, dict):
        raise ParameterError(f"{where}: must be a block of keys, got {entry!r}")
    dot = f"{where}." if where else ""
    for key in entry:
        if key not in allowed:
            raise ParameterError(f"{dot}{key}: unknown key; {did_you_mean(str(key), allowed)}")
    for key in needed:
        if key not in entry:
            raise ParameterError(f"{dot}{key}: is missing")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        dot = f"{where}." if where else ""
        raise ParameterError(f"{dot}{key}: must be text, got {value!r}; put it in quotes")
    return value


def _read_species(name: str, entry: Any) -> Species:
    where = f"species.{name}"
    _check_keys(entry, _SPECIES, _SPECIES, where)
    charge = entry["charge"]
    if not isinstance(charge, int) or isinstance(charge, bool):
        raise ParameterError(f"{where}.charge: must be a whole number, got {charge!r}")
    state: Any = _text(entry, "state", where)
    return Species(name, _text(entry, "formula", where), charge, state)


def _read_reaction(id: str, entry: Any, species: Mapping[str, Species]) -> Reaction:
    where = f"reactions.{id}"
    _check_keys(entry, _REACTION, ("equation", "source"), where)
    source = _text(entry, "source", where)
    if not source.strip():
        raise ParameterError(f"{where}.source: is missing")
    return Reaction.from_equation(
        id, _text(entry, "equation", where), species, source, _text(entry, "note", where)
    )


def _read_row(index: int, entry: Any) -> Parameter:
    where = f"parameters[{index}]"
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ParameterError(f"{where}.name: is missing")
    of = entry.get("of")
    if of is not None and not isinstance(of, str):
        raise ParameterError(f"{where}.of: must be text, got {of!r}; put it in quotes")
    where = row_key(entry["name"], of)
    _check_keys(entry, _ROW, ("value", "unit", "uncertainty", "method", "source"), where)
    value = entry["value"]
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ParameterError(f"{where}.value: must be a number or null, got {value!r}")
    source = entry["source"]
    _check_keys(source, _SOURCE, ("kind",), f"{where}.source")
    try:
        uncertainty = read_uncertainty(entry["uncertainty"])
        texts = {key: _text(source, key, "source") for key in source if key != "kind"}
        origin = Source(source["kind"], **texts)
    except ParameterError as error:
        raise ParameterError(f"{where}.{error}") from error
    return Parameter(
        entry["name"],
        of,
        None if value is None else float(value),
        _text(entry, "unit", where),
        uncertainty,
        _text(entry, "method", where),
        origin,
        _text(entry, "note", where),
    )
