"""Rows of a film's table from runs of its electrolyte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.atomistic import result_file
from interphase.models.atomistic.liquids.film import film_rows
from interphase.models.atomistic.liquids.properties import LIQUIDS
from interphase.models.atomistic.result import Computed
from interphase.parameters.provenance import Range
from interphase.parameters.table import load_table
from interphase.scripts.main import main

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

AT = "EC:DMC + 1 M LiPF6 at 298.15 K"


def value(name: str, of: str, number: float, unit: str, error: float) -> Computed:
    return Computed(name, of, number, unit, Range(number - error, number + error), "md", note="n")


RUN = [
    value("diffusivity", f"Li+ in {AT}", 2e-10, "m^2/s", 0.4e-10),
    value("diffusivity", f"PF6- in {AT}", 3e-10, "m^2/s", 0.3e-10),
    value("diffusivity", f"EC in {AT}", 4e-10, "m^2/s", 0.2e-10),
    value("ionic_conductivity", f"{AT}, ions alone", 1.4, "S/m", 0.2),
    value("transference_number", AT, 0.4, "1", 0.05),
    value("molar_volume", "EC at 313.15 K", 6.6e-5, "m^3/mol", 1e-7),
]


def test_the_liquid_of_the_rows_is_one_that_can_be_computed() -> None:
    """Names and temperatures: a run that is renamed must not silently fill nothing."""
    for name in ("EC", "EC:DMC + 1 M LiPF6", "amorphous Li2EDC"):
        liquid = LIQUIDS[name]
        at = f"{name} at {liquid.plan.temperature:g} K"
        number = value("molar_volume", at, 1e-4, "m^3/mol", 1e-6)
        current = value("ionic_conductivity", at, 1.0, "S/m", 0.1)
        assert len(film_rows([number, current])) == 1


def test_the_salt_moves_as_both_ions_let_it() -> None:
    """Twice the product over the sum, and errors of both by the derivative."""
    rows = {one.value.key: one.value for one in film_rows(RUN)}
    salt = rows["diffusivity.salt"]
    assert salt.value == pytest.approx(2 * 2e-10 * 3e-10 / 5e-10)
    steps = [
        (2 * a * b / (a + b) - salt.value) / 1e-14 * error
        for a, b, error in ((2e-10 + 1e-14, 3e-10, 0.4e-10), (2e-10, 3e-10 + 1e-14, 0.3e-10))
    ]
    spread = salt.uncertainty
    assert isinstance(spread, Range)
    assert (spread.high - spread.low) / 2.0 == pytest.approx(np.hypot(*steps), rel=1e-3)


def test_correlations_come_first_and_rows_enter_a_table(tmp_path: Path) -> None:
    with_them = [*RUN, value("ionic_conductivity", AT, 1.1, "S/m", 0.3)]
    for run, wanted in ((RUN, 1.4), (with_them, 1.1)):
        file = result_file.write(tmp_path / "run.json", run, "interphase params compute liquid x")
        output = tmp_path / "filled.yaml"
        words = ["params", "fill", "graphite_carbonate", "--from", "computed,table"]
        assert main([*words, "--results", str(file.path), "-o", str(output)]) == 0
        table = load_table(output)
        row = table.get("ionic_conductivity", "electrolyte")
        assert row.value == pytest.approx(wanted)
        assert row.source.kind == "computed" and file.sha256[:12] in row.source.where
        assert table.get("transference_number").value == pytest.approx(0.4)
        assert table.value("diffusivity", "EC") == pytest.approx(4e-10)
