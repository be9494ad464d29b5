"""Bad tables and bad overrides: each is refused with table and key in one line."""

import copy
from pathlib import Path
from typing import Any

import pytest

from interphase.parameters.errors import ParameterError
from interphase.parameters.table import ParameterTable, load_table
from interphase.parameters.yaml_io import dump_yaml

GOOD: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "title": "A small table",
    "species": {
        "EC": {"formula": "C3H4O3", "charge": 0, "state": "liquid"},
        "Li+": {"formula": "Li", "charge": 1, "state": "liquid"},
        "e-": {"formula": "", "charge": -1, "state": "electron"},
        "Li2CO3": {"formula": "Li2CO3", "charge": 0, "state": "solid"},
        "C2H4": {"formula": "C2H4", "charge": 0, "state": "gas"},
    },
    "reactions": {
        "R2": {"equation": "EC + 2 Li+ + 2 e- -> Li2CO3 + C2H4", "source": "a paper"},
    },
    "parameters": [
        {
            "name": "diffusivity",
            "of": "EC",
            "value": 3.0e-6,
            "unit": "cm^2/s",
            "uncertainty": {"range": [2.0e-6, 4.0e-6]},
            "method": "NMR",
            "source": {"kind": "measured", "reference": "a paper", "doi": "10.1000/xyz"},
        },
        {
            "name": "temperature",
            "value": 298.15,
            "unit": "K",
            "uncertainty": {"none": "by definition"},
            "method": "definition",
            "source": {"kind": "assumed", "note": "room temperature"},
        },
    ],
}
ROW = ("parameters", 0)


def load(data: dict[str, Any], folder: Path) -> ParameterTable:
    """Write a table and load it."""
    path = folder / "small.yaml"
    path.write_text(dump_yaml(data), encoding="utf-8")
    return load_table(path)


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return the good table with one entry replaced, or removed when the value is ``...``."""
    data = copy.deepcopy(GOOD)
    target: Any = data
    for key in path[:-1]:
        target = target[key]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return data


def test_the_good_table_is_good(tmp_path: Path) -> None:
    """So that the errors below come from the one change each makes."""
    assert load(GOOD, tmp_path).value("diffusivity", "EC") == pytest.approx(3e-10, rel=1e-14)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((*ROW, "source"), ..., "diffusivity.EC.source: is missing"),
        ((*ROW, "source"), "a paper", "diffusivity.EC.source: must be a block"),
        ((*ROW, "source", "reference"), ..., "diffusivity.EC.source.reference: is missing"),
        ((*ROW, "source", "reference"), "  ", "diffusivity.EC.source.reference: is missing"),
        ((*ROW, "source", "kind"), ..., "diffusivity.EC.source.kind: is missing"),
        ((*ROW, "source", "kind"), "guess", "diffusivity.EC.source.kind: 'guess' is not a kind"),
        ((*ROW, "source", "doi"), "xyz", "diffusivity.EC.source.doi: 'xyz' is no DOI"),
        ((*ROW, "source", "reff"), "x", "diffusivity.EC.source.reff: unknown key"),
        (("parameters", 1, "source", "note"), ..., "temperature.source.note: is missing"),
        ((*ROW, "unit"), "m", "diffusivity.EC: 'm' has the wrong dimension"),
        ((*ROW, "unit"), "cm^2/sek", "diffusivity.EC: unknown unit"),
        ((*ROW, "unit"), "-", "diffusivity.EC: '-' has the wrong dimension"),
        ((*ROW, "value"), -3.0e-6, "diffusivity.EC: -3e-10 .* must be positive"),
        ((*ROW, "value"), 5.0e-6, "diffusivity.EC: the value lies outside"),
        ((*ROW, "value"), "3e-6 cm^2/s", "diffusivity.EC.value: must be a number"),
        ((*ROW, "value"), None, "diffusivity.EC.note: is missing"),
        ((*ROW, "valu"), 1.0, "diffusivity.EC.valu: unknown key; did you mean 'value'"),
        ((*ROW, "name"), "difusivity", "'difusivity' is not a known quantity; did you mean"),
        ((*ROW, "of"), ..., "diffusivity: of is missing"),
        ((*ROW, "of"), 3, r"parameters\[0\].of: must be text"),
        ((*ROW, "method"), " ", "diffusivity.EC.method: is missing"),
        ((*ROW, "uncertainty"), {"range": [4.0, 2.0]}, "diffusivity.EC.uncertainty.range"),
        ((*ROW, "uncertainty"), {"range": [4.0]}, "diffusivity.EC.uncertainty.range: cannot read"),
        ((*ROW, "uncertainty"), {"sigma": 1.0}, "diffusivity.EC.uncertainty: 'sigma' is unknown"),
        ((*ROW, "uncertainty"), {"none": ""}, "diffusivity.EC.uncertainty.none: a reason"),
        ((*ROW, "uncertainty"), {"relative": -0.1}, "diffusivity.EC.uncertainty.relative: must be"),
        ((*ROW, "uncertainty"), {"log_normal": [1.0, 0.5]}, "diffusivity.EC.uncertainty.log_norm"),
        (("parameters", 1, "unit"), "m", "temperature: 'm' has the wrong dimension"),
        (("parameters", 1, "value"), 25.0, "temperature: 25 K must lie between 100 and 1500 K"),
        (("parameters", 1, "of"), "EC", "temperature.EC: takes no of"),
        (("parameters", 1), GOOD["parameters"][0], "diffusivity.EC is given twice"),
        (("reactions", "R2", "equation"), "EC + 2 Li+ + 2 e- -> Li2CO3", "R2: .* loses 2 atoms"),
        (("reactions", "R2", "source"), ..., "reactions.R2.source: is missing"),
        (("reactions", "R2", "source"), "", "reactions.R2.source: is missing"),
        (("species", "EC", "formula"), "C3H4O2", "reactions.R2: .* makes 1 atoms of O"),
        (("species", "Li+", "charge"), 2, "reactions.R2: .* loses 2 charge"),
        (("species", "EC", "charge"), "0", "species.EC.charge: must be a whole number"),
        (("species", "EC", "state"), "solit", "species.EC.state: 'solit' is not a state"),
        (("species", "EC"), ..., "reactions.R2: unknown species 'EC'"),
        (("schema",), 2, "schema: 2 is not known"),
        (("titel",), "x", "titel: unknown key; did you mean 'title'"),
        (("parameters",), {}, "parameters: must be a list"),
    ],
)
def test_bad_table_is_refused(
    path: tuple[str | int, ...], value: Any, words: str, tmp_path: Path
) -> None:
    """Table and key are in the message, which is one line."""
    with pytest.raises(ParameterError, match=words) as caught:
        load(changed(path, value), tmp_path)
    message = str(caught.value)
    assert message.startswith("table small")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema: 1\nschema: 1\n", "line 2: key 'schema' is given twice"),
        ("schema: [1\n", "line 2"),
        ("- 1\n", "must hold a block of keys"),
        ("schema: !!python/object:os.system x\n", "line 1"),
    ],
)
def test_bad_yaml_is_refused(text: str, words: str, tmp_path: Path) -> None:
    """Errors of the YAML itself name the line; tags that run code are not read."""
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=words):
        load_table(path)


def test_unknown_table_names_the_nearest(tmp_path: Path) -> None:
    """By name and by path."""
    with pytest.raises(ParameterError, match="did you mean 'graphite_carbonate'"):
        load_table("graphite_carbonat")
    with pytest.raises(ParameterError, match="cannot read"):
        load_table(tmp_path / "none.yaml")


def test_override_replaces_a_value(tmp_path: Path) -> None:
    """New value in SI, old table untouched, and the row says that it was set by hand."""
    table = load(GOOD, tmp_path)
    new = table.override({"diffusivity.EC": {"value": "5e-10 m^2/s", "note": "a test"}})
    assert new.value("diffusivity", "EC") == 5e-10
    assert table.value("diffusivity", "EC") != 5e-10
    assert new.get("diffusivity", "EC").note == "a test"
    assert new.get("diffusivity", "EC") in new.assumed()
    assert load(new.as_dict(), tmp_path) == new


def test_override_may_add_a_row_of_a_known_species(tmp_path: Path) -> None:
    """A rate for a reaction that the table has, but gives no numbers for."""
    table = load(GOOD, tmp_path)
    new = table.override({"interstitial_rate.R2": {"value": "1e-9 mol/m^2/s", "note": "try"}})
    assert new.value("interstitial_rate", "R2") == 1e-9


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("diffusivity.EC", {"value": "-1e-10 m^2/s", "note": "x"}, "must be positive"),
        ("diffusivity.EC", {"value": "1 m", "note": "x"}, "wrong dimension"),
        ("diffusivity.EC", {"value": "1e-10", "note": "x"}, "has no unit"),
        ("diffusivity.EC", {"value": "1e-10 m^2/s"}, "note: why"),
        ("diffusivity.EC", {"value": "1e-10 m^2/s", "note": " "}, "note: why"),
        ("diffusivity.EC", {"note": "x"}, "note: why"),
        ("diffusivity.EC", {"value": "1e-10 m^2/s", "nite": "x"}, "nite: unknown key"),
        ("diffusivity.DMC", {"value": "1e-10 m^2/s", "note": "x"}, r"there is diffusivity\.EC"),
        ("difusivity.EC", {"value": "1e-10 m^2/s", "note": "x"}, r"did you mean 'diffusivity\.EC'"),
        ("temperature", {"value": "3 m", "note": "x"}, "wrong dimension"),
        ("interface_width", {"value": "1 nm", "note": "x"}, "no row interface_width"),
    ],
)
def test_bad_override_is_refused(
    key: str, change: dict[str, str], words: str, tmp_path: Path
) -> None:
    """The key is in the message."""
    table = load(GOOD, tmp_path)
    with pytest.raises(ParameterError, match=words) as caught:
        table.override({key: change})
    assert key in str(caught.value)
