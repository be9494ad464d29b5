"""Audit, filling and exchange of tables."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from interphase.parameters.audit import audit, deviation, spread_factor
from interphase.parameters.errors import ParameterError
from interphase.parameters.exchange import NO_TERM, rows_from_csv, terms, to_csv, to_json_ld
from interphase.parameters.fill import fill, sigmas_between
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import (
    LogNormal,
    NoUncertainty,
    Range,
    Relative,
    Source,
    Uncertainty,
)
from interphase.parameters.quantities import quantity_kinds
from interphase.parameters.table import ParameterTable, available_tables, load_table
from interphase.parameters.table_file import read_table

MEASURED = Source("measured", reference="a paper")


def row(
    value: float | None,
    spread: Uncertainty,
    name: str = "surface_energy",
    of: str = "LiF",
    unit: str = "J/m^2",
    note: str = "",
) -> Parameter:
    return Parameter(name, of, value, unit, spread, "a method", MEASURED, note)


def table(*rows: Parameter) -> ParameterTable:
    return ParameterTable("mine", "a table of a test", rows)


@pytest.mark.parametrize("name", available_tables())
def test_every_shipped_row_passes_the_audit(name: str) -> None:
    found = audit(load_table(name))
    assert found.problems == []
    assert len(found.rows) == len(load_table(name).parameters)
    factors = [one.factor for one in found.rows if one.factor is not None]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] > 1.5


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(0.3, NoUncertainty("none")), "uncertainty.none: 'none' is no reason"),
        (row(None, NoUncertainty("not measured"), note="TBD"), "does not say why there is no"),
        (replace(row(0.3, Relative(0.1)), method="n/a"), "method: 'n/a' says nothing"),
        (replace(row(0.3, Relative(0.1)), source=Source("measured", reference="?")), "followed"),
    ],
)
def test_words_that_say_nothing_are_problems(bad: Parameter, words: str) -> None:
    (problem,) = audit(table(bad)).problems
    assert words in problem
    assert problem.startswith("surface_energy.LiF: ")


def test_spreads_are_ranked_as_factors() -> None:
    """A range of four decades is a factor of exp(ln 1e4 / sqrt 12) = 14.3; units do not matter."""
    assert spread_factor(row(1.0, Range(1e-2, 1e2))) == pytest.approx(14.28, abs=0.01)
    assert spread_factor(row(1.0, Range(0.9, 1.1))) == pytest.approx(1.0 + 0.2 / math.sqrt(12.0))
    assert spread_factor(row(1.0, LogNormal(1.0, 3.0))) == 3.0
    assert spread_factor(row(1.0, Relative(0.2))) == pytest.approx(1.2)
    assert spread_factor(row(1.0, NoUncertainty("not known"))) is None
    assert spread_factor(row(1.0e3, Range(900.0, 1100.0), unit="mJ/m^2")) == pytest.approx(
        1.0 + 0.2 / math.sqrt(12.0)
    )


def test_distance_in_sigmas() -> None:
    """Deviations add as squares; a value without a spread leans on the other's."""
    one, other = row(0.30, Relative(0.1)), row(0.40, Relative(0.1))
    assert sigmas_between(one, other) == pytest.approx(0.10 / math.hypot(0.03, 0.04))
    bare = row(0.30, NoUncertainty("one potential"))
    assert sigmas_between(bare, other) == pytest.approx(0.10 / 0.04)
    assert sigmas_between(bare, bare) is None
    assert sigmas_between(row(300.0, Range(250.0, 350.0), unit="mJ/m^2"), bare) == 0.0
    assert deviation(row(None, Relative(0.1), note="not measured")) is None


def test_fill_takes_by_priority_and_keeps_the_rest() -> None:
    own = row(0.2, NoUncertainty("a guess"))
    computed, literature = row(0.316, Range(0.27, 0.36)), row(330.0, Relative(0.05), unit="mJ/m^2")
    origins = {"computed": [computed], "literature": [literature]}
    found = fill(table(own, row(0.5, Relative(0.1), of="Li2O")), origins, ["computed"])
    first, second = found.choices
    assert first.chosen.origin == "computed"
    # the literature was not asked for; the table's own row is always kept
    assert [one.origin for one in first.others] == ["table"]
    assert second.chosen.origin == "table" and not second.others
    found = fill(table(own), origins, ["literature", "computed"])
    chosen = found.table.get("surface_energy", "LiF")
    assert chosen.value == pytest.approx(0.33)
    assert "chosen from literature; alternatives: computed 0.316 J/m^2 (0.5 sigma), table 0.2" in (
        chosen.note
    )
    content = json.loads(found.to_json())
    assert [one["origin"] for one in content[0]["alternatives"]] == ["computed", "table"]
    assert content[0]["alternatives"][0]["uncertainty"] == {"range": [0.27, 0.36]}
    # 0.33 +- 0.0165 against 0.2 without a spread
    assert found.choices[0].worst == pytest.approx(0.13 / 0.0165)
    assert found.disagreements(5.0) and not found.disagreements(10.0)


def test_rows_without_a_value_do_not_displace() -> None:
    own = row(0.2, Relative(0.5))
    empty = row(None, NoUncertainty("not measured"), note="nobody has measured it")
    assert fill(table(own), {"literature": [empty]}, ["literature"]).choices[0].chosen.row == own
    only = fill(table(empty), {"literature": []}, ["literature"])
    assert only.table.parameters == (empty,)


def test_fill_adds_no_rows_and_refuses_unknown_origins() -> None:
    other = row(0.5, Relative(0.1), of="Li2O")
    found = fill(table(row(0.2, Relative(0.1))), {"computed": [other]}, ["computed"])
    assert [one.key for one in found.table.parameters] == ["surface_energy.LiF"]
    with pytest.raises(ParameterError, match="origin 'computd' is not known; did you mean 'comp"):
        fill(table(), {"computed": []}, ["computd"])
    with pytest.raises(ParameterError, match="an origin is named twice"):
        fill(table(), {"computed": []}, ["computed", "computed"])


def test_a_filled_table_loads_again(tmp_path: Path) -> None:
    film, literature = load_table("graphite_carbonate"), load_table("literature")
    found = fill(film, {"literature": literature.parameters}, ["literature"])
    path = tmp_path / "graphite_carbonate.yaml"
    path.write_text(found.table.to_yaml())
    assert read_table(path) == found.table
    assert sum(one.chosen.origin == "literature" for one in found.choices) > 10


def test_terms_belong_to_known_quantities() -> None:
    """And are addresses of the two ontologies."""
    assert set(terms()) <= set(quantity_kinds())
    domains = ("https://w3id.org/emmo#EMMO_", "https://w3id.org/emmo/domain/electrochemistry#")
    assert all(term["iri"].startswith(domains) for term in terms().values())


def test_export_marks_what_has_no_term() -> None:
    content = json.loads(to_json_ld(load_table("literature")))
    rows = {one["identifier"]: one for one in content["variableMeasured"]}
    assert len(rows) == len(load_table("literature").parameters)
    volume = rows["molar_volume.LiF"]
    assert volume["@type"][1] == terms()["molar_volume"]["iri"]
    assert (volume["value"], volume["unitText"]) == (9.83e-6, "m^3/mol")
    assert volume["maxValue"] == pytest.approx(9.83e-6 * 1.01)
    surface = rows["surface_energy.LiF"]
    assert surface["@type"] == "schema:PropertyValue"
    assert surface["disambiguatingDescription"] == NO_TERM
    assert all(one["citation"] for one in rows.values())


@pytest.mark.parametrize("name", available_tables())
def test_csv_reads_back_every_row(name: str) -> None:
    shipped = load_table(name)
    assert tuple(rows_from_csv(to_csv(shipped), "x.csv")) == shipped.parameters


def test_bad_csv_names_file_and_line() -> None:
    text = to_csv(table(row(0.3, Relative(0.1))))
    with pytest.raises(ParameterError, match=r"x\.csv, line 2: .*unknown unit 'J/m\^x'"):
        rows_from_csv(text.replace("J/m^2", "J/m^x"), "x.csv")
    with pytest.raises(ParameterError, match=r"x\.csv: the header must be name,of,value"):
        rows_from_csv("a,b\n1,2\n", "x.csv")
