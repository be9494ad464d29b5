"""Where the numbers of a cell come from: a record of its parameter set for provenance.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pybamm

from interphase.models.cell.model import read_parameters
from interphase.models.cell.spec import CellSpec

_FIELDS: Final = ("author", "title", "journal", "year", "doi")


def describe_cell(spec: CellSpec) -> dict[str, Any]:
    """Return what a cell is made of, plain values only.

    Returns:
        Model, options, PyBaMM's version, name of the set, its references, the names that the case
        overrides, state of charge [-], temperature [K] and film thickness [m] at the start, and
        every number of the set under PyBaMM's name, which holds the unit. A function or table is
        recorded by its name.
    """
    values = read_parameters(spec)
    keys = [str(key) for key in dict(values.items()).get("citations") or []]
    return {
        "model": spec.kind,
        "options": dict(spec.options),
        "pybamm": pybamm.__version__,
        "parameters": spec.parameters,
        "references": references(keys),
        "override": dict(spec.override),
        "initial_soc": spec.initial_soc,
        "temperature": spec.temperature,
        "film_thickness": spec.film_thickness,
        "values": {
            name: _plain(one) for name, one in sorted(values.items()) if name != "citations"
        },
    }


def references(keys: list[str]) -> list[str]:
    """Return author, title, journal, year and DOI of PyBaMM's citation keys."""
    text = Path(pybamm.__file__).with_name("CITATIONS.bib").read_text(encoding="utf-8")
    found: dict[str, Mapping[str, str]] = {}
    for entry in re.split(r"^@", text, flags=re.MULTILINE):
        head = re.match(r"\w+\{([^,\s]+),", entry)
        if head:
            found[head[1]] = {name: _field(entry, name) for name in _FIELDS}
    return [_reference(key, found.get(key, {})) for key in keys]


def _reference(key: str, entry: Mapping[str, str]) -> str:
    parts = [entry[name] for name in _FIELDS[:-1] if entry.get(name)]
    if entry.get("doi"):
        parts.append(f"doi:{entry['doi']}")
    return f"{key}: {', '.join(parts)}" if parts else key


def _field(entry: str, name: str) -> str:
    match = re.search(rf"^\s*{name}\s*=\s*(.+?),?\s*$", entry, flags=re.MULTILINE | re.IGNORECASE)
    return re.sub(r"[{}\"\\]", "", match[1]).strip() if match else ""


def _plain(value: Any) -> float | str:
    if isinstance(value, int | float):
        return float(value)
    return str(getattr(value, "__name__", type(value).__name__))
