"""Tables for other programs: JSON-LD with terms of EMMO and BattINFO, BPX, and CSV both ways."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from interphase.parameters.errors import ParameterError
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import (
    LogNormal,
    Range,
    Relative,
    Source,
    read_uncertainty,
    write_uncertainty,
)
from interphase.parameters.units import DIMENSIONLESS
from interphase.parameters.yaml_io import YAMLError, read_yaml

NO_TERM: Final = "no term assigned"
"""What an export says of a quantity that no term of the ontologies is known for."""

_COLUMNS: Final = (
    "name", "of", "value", "unit", "uncertainty", "method", "kind", "reference", "doi", "where",
    "source_note", "note",
)  # fmt: skip
_CONTEXT: Final[Mapping[str, Any]] = {
    "schema": "https://schema.org/",
    "emmo": "https://w3id.org/emmo#",
    "electrochemistry": "https://w3id.org/emmo/domain/electrochemistry#",
    "name": "schema:name",
    "description": "schema:description",
    "variableMeasured": {"@id": "schema:variableMeasured", "@container": "@list"},
    "value": "schema:value",
    "minValue": "schema:minValue",
    "maxValue": "schema:maxValue",
    "unitText": "schema:unitText",
    "measurementTechnique": "schema:measurementTechnique",
    "citation": "schema:citation",
    "identifier": "schema:identifier",
    "disambiguatingDescription": "schema:disambiguatingDescription",
    "about": "schema:about",
}


@functools.lru_cache(maxsize=1)
def terms() -> Mapping[str, Mapping[str, str]]:
    """Return the term of each quantity that has one: ``label`` and ``iri``.

    Raises:
        ParameterError: if ``ontology.yaml`` is damaged.
    """
    try:
        return read_yaml(Path(__file__).with_name("ontology.yaml"))
    except YAMLError as error:
        raise ParameterError(str(error)) from error


def to_json_ld(table: ParameterTable) -> str:
    """Return a table as JSON-LD, values in SI.

    Each row is a ``schema:PropertyValue``; its type is also the term of EMMO or BattINFO where one
    is known, and says that none is where not.
    """
    content = {
        "@context": _CONTEXT,
        "@type": "schema:Dataset",
        "name": table.name,
        "description": "\n".join(part for part in (table.title, table.note) if part),
        "variableMeasured": [_as_property(row) for row in table.parameters],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _as_property(row: Parameter) -> dict[str, Any]:
    term = terms().get(row.name)
    found: dict[str, Any] = {
        "@type": ["schema:PropertyValue", term["iri"]] if term else "schema:PropertyValue",
        "identifier": row.key,
        "name": row.name,
        "disambiguatingDescription": term["label"] if term else NO_TERM,
    }
    if row.of is not None:
        found["about"] = row.of
    found |= {"value": row.value, "unitText": row.unit}
    spread = row.uncertainty
    if isinstance(spread, Range):
        found |= {"minValue": spread.low, "maxValue": spread.high}
    elif isinstance(spread, LogNormal):
        found |= {
            "minValue": spread.median / spread.factor,
            "maxValue": spread.median * spread.factor,
        }
    elif isinstance(spread, Relative) and row.value is not None:
        half = abs(row.value) * spread.fraction
        found |= {"minValue": row.value - half, "maxValue": row.value + half}
    found |= {
        "measurementTechnique": row.method,
        "citation": row.source.describe(),
        "description": row.note,
    }
    return found


def to_csv(table: ParameterTable) -> str:
    """Return the rows of a table as CSV, one a line, everything that a row holds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in table.parameters:
        spread = json.dumps(write_uncertainty(row.given_uncertainty), ensure_ascii=False)
        source = row.source
        writer.writerow([
            row.name, row.of or "", "" if row.given_value is None else repr(row.given_value),
            row.given_unit, spread, row.method, source.kind, source.reference, source.doi,
            source.where, source.note, row.note,
        ])  # fmt: skip
    return text.getvalue()


def to_bpx(table: ParameterTable) -> str:
    """Return the rows as a block ``User-defined`` of BPX, to paste into a parameterisation.

    BPX holds numbers under names with units and no sources; rows without a value are left out.

    Source: BPX standard, section "User-defined"; https://bpxstandard.com.
    """
    block: dict[str, Any] = {"description": f"{table.title} (interphase, table {table.name})"}
    for row in table.parameters:
        if row.value is not None:
            words = row.name.replace("_", " ").capitalize() + (f" of {row.of}" if row.of else "")
            unit = "" if row.unit == DIMENSIONLESS else f" [{_bpx_unit(row.unit)}]"
            block[f"{words}{unit}"] = row.value
    return json.dumps({"User-defined": block}, indent=1, ensure_ascii=False) + "\n"


def _bpx_unit(unit: str) -> str:
    """Return ``mol/m^2/s`` as BPX writes it, ``mol.m-2.s-1``."""
    first, *below = unit.replace("^", "").split("/")
    parts = [] if first == "1" else [first]
    for one in below:
        name = one.rstrip("0123456789")
        parts.append(f"{name}-{one[len(name) :] or 1}")
    return ".".join(parts)


def rows_from_csv(text: str, where: str) -> list[Parameter]:
    """Return the rows of a CSV that :func:`to_csv` wrote.

    Args:
        text: content of the file.
        where: its name in messages.

    Raises:
        ParameterError: if a column is missing or a row is wrong; names file and line.
    """
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ParameterError(f"{where}: the header must be {','.join(_COLUMNS)}")
    rows = []
    for entry in reader:
        try:
            rows.append(_row(entry))
        except (ParameterError, ValueError, TypeError) as error:
            raise ParameterError(f"{where}, line {reader.line_num}: {error}") from error
    return rows


def _row(entry: Mapping[str, str]) -> Parameter:
    kind: Any = entry["kind"]
    source = Source(kind, entry["reference"], entry["doi"], entry["where"], entry["source_note"])
    return Parameter(
        entry["name"],
        entry["of"] or None,
        float(entry["value"]) if entry["value"] else None,
        entry["unit"],
        read_uncertainty(json.loads(entry["uncertainty"])),
        entry["method"],
        source,
        entry["note"],
    )
