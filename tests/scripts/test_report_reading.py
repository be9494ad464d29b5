"""The small readers behind a report: table, labels, marks of doubtful parameters."""

from pathlib import Path
from typing import Any

import pytest

from interphase.parameters.errors import OutputError
from interphase.scripts.reporting.folder import read_series
from interphase.scripts.reporting.palette import formula_html, formula_label, time_text
from interphase.scripts.reporting.sources import mark_of, parameter_rows


def row(kind: str, note: str) -> dict[str, Any]:
    """Return a parameter as provenance.json holds it."""
    source = {"kind": kind, "reference": "somebody", "doi": "", "where": "", "note": note}
    return {"name": "a", "of": None, "value": 1.0, "unit": "m", "method": "", "source": source}


def test_a_mark_needs_a_doubt() -> None:
    """A measured value is not marked; a calibrated one is, wherever that is said."""
    assert mark_of(row("measured", "crystal")) == ""
    assert mark_of(row("fitted", "Calibrated for plausibility")) == "calibrated"
    assert mark_of(row("recalled", "calibrated")) == "recalled"
    with pytest.raises(OutputError, match=r"provenance\.json.*parameters"):
        parameter_rows({})


def test_labels_read_as_people_write() -> None:
    """Subscripts, and times in the unit in which they read well."""
    assert formula_label("Li2CO3") == "Li$_{2}$CO$_{3}$"
    assert formula_html("(CH2)2O") == "(CH<sub>2</sub>)<sub>2</sub>O"
    times = [1.0e-3, 40.0, 60.0, 3084.0, 6171.0, 21600.0, 86400.0 * 3, 86400.0 * 365]
    texts = ["1 ms", "40 s", "1 min", "51.4 min", "1.71 h", "6 h", "3 day", "0.999 year"]
    assert [time_text(time) for time in times] == texts


def test_the_table_reads_empty_cells_and_phases(tmp_path: Path) -> None:
    """An empty cell is no number; phases that never form are left out."""
    path = tmp_path / "timeseries.csv"
    path.write_text(
        "time [s],thickness [m],thickness_LiF [m],thickness_Li2O [m],film_resistance [ohm.m2]\n"
        "0,0,0,0,\n1,1e-9,1e-9,0,\n"
    )
    series = read_series(path)
    assert series.phases == ("LiF",) and series.units["film_resistance"] == "ohm.m2"
    assert series.get("film_resistance") is None and series.get("coverage") is None
    assert series.at("thickness", 0.5) == pytest.approx(5e-10)
    with pytest.raises(OutputError, match="potential"):
        series["potential"]


def test_uncertainties_have_the_unit_of_their_value() -> None:
    """A range in SI once stood beside a value in cm3/mol without saying so."""
    source = {"kind": "assumed", "note": "none"}
    rows = [
        {"name": "molar_volume", "of": "Li2EDC", "value": 95.85e-6, "unit": "m^3/mol",
         "uncertainty": {"range": [8.0e-5, 9.6e-5]}, "source": source},
        {"name": "interstitial_rate", "of": "R1", "value": 5e-7, "unit": "mol/m^2/s",
         "uncertainty": {"log_normal": [5e-7, 3.0]}, "source": source},
    ]  # fmt: skip
    volume, rate = parameter_rows({"parameters": rows})
    assert (volume.value, volume.spread) == ("95.85 cm^3/mol", "80 cm^3/mol to 96 cm^3/mol")
    assert rate.spread == f"× or ÷ 3 around {rate.value}"
