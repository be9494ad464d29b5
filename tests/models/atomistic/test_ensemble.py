"""Several methods for one value: the mean, and an error that knows what all of them share."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.atomistic.ensemble import Calibration, combined, united
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import NoUncertainty, Range, Relative, Source, Uncertainty

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")


def computed(
    value: float, of: str = "LiF", name: str = "bulk_modulus", unit: str = "GPa"
) -> Computed:
    return Computed(name, of, value, unit, NoUncertainty("one"), "a method")


def known(
    value: float, of: str, spread: Uncertainty, name: str = "bulk_modulus", unit: str = "GPa"
) -> Parameter:
    return Parameter(name, of, value, unit, spread, "m", Source("measured", "a book"))


def test_scatter_and_calibration_add_as_squares() -> None:
    values = [computed(50.0), computed(60.0), computed(0.07, unit="TPa")]
    found = combined(values, calibration=0.1)
    assert found.value == pytest.approx(60.0)
    assert isinstance(found.uncertainty, Range)
    assert found.uncertainty.high == pytest.approx(60.0 + 2.0 * np.hypot(10.0, 6.0))
    assert "calibration error" in found.note
    assert "nothing to calibrate on" in combined(values).note
    with pytest.raises(AtomisticError, match="two values of one quantity"):
        combined([computed(50.0), computed(50.0, of="Li2O")])


def test_what_has_no_zero_of_its_own_is_off_by_volts_not_by_parts() -> None:
    """0.1 V of error on a potential of 0.02 V is 0.1 V, not five times the value."""
    rows = [known(1.43, "R5c", Range(1.41, 1.45), "equilibrium_potential", "V")]
    values = [computed(volts, "R5c", "equilibrium_potential", "V") for volts in (1.52, 1.54)]
    calibration = Calibration.of(values, rows)
    assert calibration.error("equilibrium_potential", "R5") == pytest.approx(0.1)
    millivolts = [computed(mv, "R5", "equilibrium_potential", "mV") for mv in (20.0, 20.0)]
    found = combined(millivolts, calibration.error("equilibrium_potential", "R5"))
    assert isinstance(found.uncertainty, Range)
    assert found.uncertainty.high == pytest.approx(20.0 + 200.0)


def test_a_crystal_is_judged_by_the_others() -> None:
    rows = [
        known(100.0, "LiF", Relative(0.02)),
        known(100.0, "Li2O", Range(95.0, 105.0)),
        known(100.0, "Li", Relative(0.5)),  # not well known
    ]
    values = [computed(80.0), computed(90.0), computed(70.0, "Li2O"), computed(10.0, "Li")]
    calibration = Calibration.of(values, rows)
    assert calibration.error("bulk_modulus", "LiF") == pytest.approx(0.3)
    assert calibration.error("bulk_modulus", "Li2O") == pytest.approx(0.15)
    assert calibration.error("bulk_modulus", "Li2CO3") == pytest.approx(
        np.hypot(0.3, 0.15) / 2**0.5
    )
    # barriers of crystals are hardly known; the stiffness of the same surface stands in
    assert calibration.error("migration_barrier", "LiF") == pytest.approx(0.3)
    assert calibration.error("band_gap", "LiF") is None
    # the only one that is known is judged by itself
    alone = Calibration.of(values, rows[:1])
    assert alone.error("bulk_modulus", "LiF") == pytest.approx(0.15)


def test_one_value_per_key_is_left() -> None:
    single = computed(70.0, "Li2O")
    found = united([computed(50.0), single, computed(60.0)], Calibration())
    assert [one.of for one in found] == ["LiF", "Li2O"]
    assert found[0].value == pytest.approx(55.0)
    assert found[1] is single
