"""The record of a cell's parameters in provenance.json."""

import json

import pytest

from interphase.models.cell.sources import describe_cell, references
from interphase.models.cell.spec import CellSpec


def test_a_cell_is_recorded_with_its_references_and_values() -> None:
    name = "SEI kinetic rate constant [m.s-1]"
    spec = CellSpec(kind="DFN", override={name: 1e-15}, options={"thermal": "lumped"})
    record = json.loads(json.dumps(describe_cell(spec)))
    assert record["values"][name] == 1e-15
    assert record["values"]["Ambient temperature [K]"] == 298.15
    assert record["values"]["Negative electrode OCP [V]"] == "graphite_LGM50_ocp_Chen2020"
    assert (record["model"], record["options"]) == ("DFN", {"thermal": "lumped"})
    assert any("10.1039/D2CP00417H" in one for one in record["references"])


@pytest.mark.parametrize("key", ["Marquis2019", "Mohtat2020", "Ramadass2004", "Kim2011"])
def test_references_of_sets_can_be_found(key: str) -> None:
    (text,) = references([key])
    assert text.startswith(f"{key}: ")
    assert "doi:10." in text


def test_an_unknown_reference_keeps_its_key() -> None:
    assert references(["Nobody1900"]) == ["Nobody1900"]
