"""Several methods for one value: the mean, and an error that knows what all of them share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.atomistic.ensemble import Calibration, combined, judged, united
from interphase.models.atomistic.result import Computed
from interphase.parameters.distributions import table_distribution
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter import Parameter
from interphase.parameters.provenance import (
    LogNormal,
    NoUncertainty,
    Range,
    Relative,
    Source,
    Uncertainty,
)

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
    calibration = Calibration.of([values], rows)
    millivolts = [computed(mv, "R5", "equilibrium_potential", "mV") for mv in (20.0, 20.0)]
    assert calibration.error(millivolts) == pytest.approx(0.1)
    found = combined(millivolts, calibration.error(millivolts))
    assert isinstance(found.uncertainty, Range)
    assert found.uncertainty.high == pytest.approx(20.0 + 200.0)


def test_a_crystal_is_judged_by_the_others() -> None:
    rows = [
        known(100.0, "LiF", Relative(0.02)),
        known(100.0, "Li2O", Range(95.0, 105.0)),
        known(100.0, "Li", Relative(0.5)),  # not well known
    ]
    values = [computed(80.0), computed(90.0), computed(70.0, "Li2O"), computed(10.0, "Li")]
    calibration = Calibration.of([values], rows)
    fluoride, oxide = np.log(0.85), np.log(0.7)
    for of, wanted in (
        ("LiF", -oxide),
        ("Li2O", -fluoride),
        ("Li2CO3", np.hypot(oxide, fluoride) / 2**0.5),
    ):
        assert calibration.error([computed(1.0, of)]) == pytest.approx(wanted)
    # barriers of crystals are hardly known; the stiffness of the same surface stands in
    barrier = [computed(0.5, "LiF", "migration_barrier", "eV")]
    assert calibration.error(barrier) == pytest.approx(-oxide)
    assert calibration.error([computed(9.0, "LiF", "band_gap", "eV")]) is None
    # the only one that is known is judged by itself
    alone = Calibration.of([values], rows[:1])
    assert alone.error([computed(1.0)]) == pytest.approx(-fluoride)


def by(method: str, value: Computed, **settings: str) -> Computed:
    return replace(value, method=method, settings=settings)


def test_what_one_model_gets_wrong_is_not_held_against_another() -> None:
    """A force field's density says nothing of a crystal's molar volume, nor DFT of potentials."""
    rows = [
        known(1000.0, "EC", Relative(0.01), "density", "kg/m^3"),
        known(100.0, "LiF", Relative(0.01)),
        known(100.0, "Li2O", Relative(0.01)),
    ]
    liquid = [by("field", computed(1100.0, "EC", "density", "kg/m^3"))]
    crystals = [
        by(f"{name}, fit", computed(size, of), potential=name)
        for of in ("LiF", "Li2O")
        for name, size in (("one", 80.0), ("two", 100.0))
    ]
    calibration = Calibration.of([liquid, crystals], rows)
    volume = computed(9.8, "LiF", "molar_volume", "cm^3/mol")
    assert calibration.error([by("field", volume)]) == pytest.approx(np.log(1.1))
    assert calibration.error([by("one, fit", volume, potential="one")]) is None
    # a single potential by its own errors, several by those of the mean
    modulus = computed(50.0, "Li2CO3")
    one, two, three = (
        by(f"{name}, strains", modulus, potential=name) for name in ("one", "two", "three")
    )
    assert calibration.error([one]) == pytest.approx(-np.log(0.8))
    assert calibration.error([two]) == pytest.approx(0.0)
    assert calibration.error([three]) is None
    assert calibration.error([one, two, three]) == pytest.approx(-np.log(0.9))


@pytest.mark.parametrize(
    ("spread", "own"),
    [(Range(80.0, 120.0), 0.1), (LogNormal(100.0, 3.0), np.log(3.0)), (NoUncertainty("one"), 0.0)],
)
def test_the_error_of_the_model_comes_to_that_of_the_statistics(
    spread: Uncertainty, own: float
) -> None:
    """As squares, of logarithms where a quantity is positive by nature."""
    value = replace(computed(100.0), uncertainty=spread, note="n")
    found = judged(value, 0.3)
    assert found.value == 100.0 and found.note.startswith("n; ")
    assert isinstance(found.uncertainty, LogNormal)
    assert np.log(found.uncertainty.factor) == pytest.approx(np.hypot(own, 0.3))
    assert judged(value, None) is value


def test_a_number_with_an_upper_end_is_not_drawn_beyond_it() -> None:
    """A transference number of 0.5 within a factor of two is at most 1."""
    value = Computed("transference_number", "salt", 0.5, "1", Range(0.4, 0.6), "m")
    spread = judged(value, np.log(2.0)).uncertainty
    assert isinstance(spread, Relative)
    assert np.log(1.0 + spread.fraction) == pytest.approx(np.hypot(0.1, np.log(2.0)))
    row = judged(value, np.log(2.0)).parameter()
    assert table_distribution(row).quantile(1.0) <= 1.0


def test_parts_stay_parts_where_another_quantity_stands_in() -> None:
    """An elastic constant may be negative, but a bulk modulus that is 20 % off makes it 20 %."""
    rows = [known(100.0, "LiF", Relative(0.01))]
    calibration = Calibration.of([[computed(80.0)]], rows)
    for size in (40.0, -40.0):
        value = computed(size, "Li2CO3 C15", "elastic_constant")
        error = calibration.error([value])
        assert error == pytest.approx(-np.log(0.8))
        for found in (judged(value, error), combined([value, value], error)):
            spread = found.uncertainty
            assert isinstance(spread, Range)
            assert spread.high - spread.low == pytest.approx(4.0 * 40.0 * -np.log(0.8))


def test_a_potential_is_judged_in_volts() -> None:
    value = Computed("equilibrium_potential", "R2", 2.0, "V", Range(1.8, 2.2), "m")
    spread = judged(value, 0.15).uncertainty
    assert isinstance(spread, Range)
    assert spread.high - 2.0 == pytest.approx(2.0 * np.hypot(0.1, 0.15))
    assert spread.low + spread.high == pytest.approx(4.0)


def test_one_value_per_key_is_left() -> None:
    single = computed(70.0, "Li2O")
    found = united([computed(50.0), single, computed(60.0)], Calibration())
    assert [one.of for one in found] == ["LiF", "Li2O"]
    assert found[0].value == pytest.approx(55.0)
    assert found[1] is single
