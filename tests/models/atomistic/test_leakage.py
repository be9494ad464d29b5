"""What defects of a crystal let through, and how it enters a table."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.models.atomistic import result_file
from interphase.models.atomistic.crystals.leakage import leakage, permeability
from interphase.models.atomistic.result import Computed
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE
from interphase.parameters.provenance import LogNormal, NoUncertainty, Range, Uncertainty
from interphase.parameters.table import load_table
from interphase.scripts.main import main

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

THERMAL = BOLTZMANN * 298.15 / ELEMENTARY_CHARGE


def defects(spread: float | None) -> list[Computed]:
    def around(value: float) -> Uncertainty:
        if spread is None:
            return NoUncertainty("one")
        return Range(value - spread, value + spread)

    return [
        Computed("interstitial_formation_energy", "LiF", 0.7, "eV", around(0.7), "a"),
        Computed("migration_barrier", "LiF", 0.3, "eV", around(0.3), "a"),
        Computed("molar_volume", "LiF", 9.8e-6, "m^3/mol", Range(9.7e-6, 9.9e-6), "a"),
        Computed("migration_barrier", "Li2O", 0.3, "eV", NoUncertainty("one"), "a"),
    ]


def test_permeability_has_its_prefactor_and_its_energies() -> None:
    """Without energies a^2 nu/V_m; each 59 mV costs a factor of ten at room temperature."""
    free = permeability(0.0, 0.0, 6.02214076e-6, 298.15)
    assert free == pytest.approx((1e-29) ** (2.0 / 3.0) * 1e13 / 6.02214076e-6)
    ten = math.log(10.0) * THERMAL * ELEMENTARY_CHARGE
    assert permeability(ten, 0.0, 6.02214076e-6, 298.15) == pytest.approx(free / 10.0)
    assert permeability(0.0, ten, 6.02214076e-6, 298.15) == pytest.approx(free / 10.0)


def test_errors_of_energies_are_factors_of_the_permeability() -> None:
    """Two ranges of +-0.1 eV: a deviation of 0.058 eV each, 0.082 eV together."""
    product, diffusivity = leakage(defects(0.1), 0.015, 298.15)
    assert isinstance(product.uncertainty, LogNormal)
    wanted = math.exp(0.1 / math.sqrt(3.0) * math.sqrt(2.0) / THERMAL)
    assert product.uncertainty.factor == pytest.approx(wanted)
    assert diffusivity.value * 0.015 == pytest.approx(product.value)
    assert isinstance(diffusivity.uncertainty, LogNormal)
    assert diffusivity.uncertainty.median == pytest.approx(diffusivity.value)
    (alone,) = leakage(defects(None), None, 298.15)
    assert isinstance(alone.uncertainty, NoUncertainty)


def test_a_crystal_that_would_take_up_lithium_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """0.7 +- 0.8 eV says nothing about the leakage; a negative energy is wrong for a solid salt."""
    assert leakage(defects(0.8), 0.015, 298.15) == []
    assert "may be negative within its error" in caplog.text
    energy, *rest = defects(None)
    assert leakage([replace(energy, value=-0.8), *rest], 0.015, 298.15) == []


def test_a_table_is_filled_with_it(tmp_path: Path) -> None:
    """The row names the file of its energies, and the table is called what its file is called."""
    file = result_file.write(tmp_path / "defects.json", defects(0.1), "interphase params compute")
    output = tmp_path / "from_atoms.yaml"
    words = ["params", "fill", "graphite_carbonate", "--from", "computed", "-o", str(output)]
    assert main([*words, "--results", str(file.path)]) == 0
    table = load_table(output)
    assert table.name == "from_atoms"
    row = table.get("interstitial_diffusivity", "LiF")
    expected = permeability(0.7 * ELEMENTARY_CHARGE, 0.3 * ELEMENTARY_CHARGE, 9.8e-6, 298.15)
    assert row.value == pytest.approx(expected / table.value("interstitial_concentration_ref"))
    assert row.source.kind == "computed" and "defects.json" in row.source.where
