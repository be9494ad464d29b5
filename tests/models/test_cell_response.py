"""What a film tells a cell: three forms of its rate, and the inputs they become."""

from __future__ import annotations

import numpy as np
import pytest

from interphase.models.cell.laws import (
    LAWS,
    FilmLaw,
    film_constants,
    law_from_parameters,
    table_of,
    tangent_of,
)
from interphase.models.cell.response import (
    FilmInputs,
    Held,
    LogAffine,
    ResponseTable,
    graded_knots,
)
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.errors import CaseError, CouplingError, ParameterError

NUMBERS = {
    "SEI growth activation energy [J.mol-1]": 38e3,
    "Reference temperature [K]": 298.15,
    "SEI reaction exchange current density [A.m-2]": 1.5e-7,
    "SEI open-circuit potential [V]": 0.4,
    "SEI solvent diffusivity [m2.s-1]": 2.5e-22,
    "Bulk solvent concentration [mol.m-3]": 2636.0,
    "SEI lithium interstitial diffusivity [m2.s-1]": 1e-20,
    "Lithium interstitial reference concentration [mol.m-3]": 15.0,
    "SEI electron conductivity [S.m-1]": 8.95e-14,
    "SEI kinetic rate constant [m.s-1]": 1e-15,
    "EC diffusivity [m2.s-1]": 2e-18,
    "EC initial concentration in electrolyte [mol.m-3]": 4541.0,
    "SEI resistivity [Ohm.m]": 2e5,
    "SEI partial molar volume [m3.mol-1]": 9.585e-5,
    "Ratio of lithium moles to SEI moles": 2.0,
    "Initial SEI thickness [m]": 5e-9,
}


@pytest.fixture(params=sorted(LAWS))
def law(request: pytest.FixtureRequest) -> FilmLaw:
    return law_from_parameters(request.param, NUMBERS)


def test_derivatives_of_a_law_are_those_of_its_rate(law: FilmLaw) -> None:
    """Slope and exponent equal central differences; their error is the square of the step."""
    potential, thickness, step = np.array([0.05, 0.12, 0.3]), np.array([4e-9, 3e-8, 2e-7]), 1e-5

    def logarithm(shift: float, stretch: float) -> np.ndarray:
        return np.log(-law.rate(potential + shift, thickness * np.exp(stretch), 310.0))

    slope = -(logarithm(step, 0.0) - logarithm(-step, 0.0)) / (2 * step)
    exponent = -(logarithm(0.0, step) - logarithm(0.0, -step)) / (2 * step)
    np.testing.assert_allclose(
        law.potential_slope(potential, thickness, 310.0), slope, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(
        law.thickness_exponent(potential, thickness, 310.0), exponent, rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("name", sorted(LAWS))
def test_all_rates_are_thermally_activated(name: str) -> None:
    """Against the same law without activation energy E the rate is higher by Arrhenius' factor."""
    idle = {**NUMBERS, "SEI growth activation energy [J.mol-1]": 0.0}
    active, inert = law_from_parameters(name, NUMBERS), law_from_parameters(name, idle)
    factor = np.exp(38e3 / 8.31446261815324 * (1 / 298.15 - 1 / 320.0))
    ratio = active.rate(0.1, 1e-8, 320.0) / inert.rate(0.1, 1e-8, 320.0)
    assert ratio == pytest.approx(factor)


def test_table_returns_the_law_at_its_knots_and_thickness(law: FilmLaw) -> None:
    thickness = np.array([6e-9, 4e-8])
    table = table_of(law, graded_knots(0.0, 1.0, 9), thickness, 298.15)
    for knot in graded_knots(0.0, 1.0, 9):
        np.testing.assert_allclose(
            table.rate(np.full(2, knot), thickness),
            law.rate(np.full(2, knot), thickness, 298.15),
            rtol=1e-9,
            atol=1e-30,
        )


def test_tangent_follows_the_law_to_first_order(law: FilmLaw) -> None:
    """The error of a linearised logarithm falls with the square of the distance."""
    tangent = tangent_of(law, 0.15, 2e-8, 298.15)
    errors = []
    for distance in (0.02, 0.01):
        there = (0.15 + distance, 2e-8 * np.exp(distance))
        errors.append(abs(np.log(tangent.rate(*there) / law.rate(*there, 298.15))))
    assert errors[1] <= 0.3 * errors[0] + 1e-12


def test_signed_table_passes_through_zero() -> None:
    """A rate that changes sign is a straight line near zero, and keeps its decades elsewhere."""
    table = ResponseTable(
        [0.0, 0.1, 0.2, 0.3], [-1e-2, -1e-6, 1e-6, 1e-4], np.zeros(4), 1e-8, scale=1e-6
    )
    assert table.rate(0.15, 1e-8)[0] == pytest.approx(0.0, abs=1e-20)
    assert table.rate(0.2, 1e-8)[0] == pytest.approx(1e-6)
    assert table.rate(0.0, 1e-8)[0] == pytest.approx(-1e-2)
    assert -1e-2 < table.rate(0.05, 1e-8)[0] < -1e-6


def test_table_is_flat_beyond_its_ends() -> None:
    table = ResponseTable([0.1, 0.2], [-1e-3, -1e-5], [1.0, 0.0], 1e-8)
    assert table.rate(-1.0, 2e-8)[0] == pytest.approx(-0.5e-3)
    assert table.rate(5.0, 2e-8)[0] == pytest.approx(-1e-5)


def test_table_without_any_rate_is_zero() -> None:
    table = ResponseTable([0.1, 0.2], [0.0, 0.0], [1.0, 0.0], 1e-8)
    assert table.rate(0.15, 2e-8)[0] == 0.0


def test_held_rate_ignores_potential_and_thickness() -> None:
    np.testing.assert_array_equal(Held(-2e-3).rate(np.zeros(3), 1e-8), np.full(3, -2e-3))


def test_a_rate_of_zero_has_a_tangent() -> None:
    packed = LogAffine([0.0, -1e-3], 0.1, 1e-8, 19.0, 1.0).pack(2)
    assert np.all(np.isfinite(np.concatenate(list(packed.values()))))
    np.testing.assert_array_equal(packed["film rate sign"], [0.0, -1.0])


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (ResponseTable([0.1, 0.1], [-1.0, -1.0], [0.0, 0.0], 1e-8), "must rise"),
        (ResponseTable([0.1, 0.2], [-1.0], [0.0, 0.0], 1e-8), "shape"),
        (ResponseTable([0.1, 0.2], [-1.0, np.nan], [0.0, 0.0], 1e-8), "not finite"),
        (ResponseTable([0.1, 0.2], [-1.0, -1.0], [0.0, 0.0], -1e-8), "positive"),
        (ResponseTable([0.1, 0.2], [-1.0, -1.0, -1.0], [0.0, 0.0], 1e-8), "as many"),
        (Held(np.zeros(3)), "shape"),
        (LogAffine(np.nan, 0.1, 1e-8, 0.0, 0.0), "not finite"),
    ],
)
def test_a_response_that_does_not_fit_is_refused(
    response: Held | LogAffine | ResponseTable, words: str
) -> None:
    with pytest.raises(CouplingError, match=words):
        FilmInputs(response, 1e-8, 0.0, 1e5, 1e-9).pack(2)


def test_thickness_and_area_must_be_positive() -> None:
    with pytest.raises(CouplingError, match="thickness"):
        FilmInputs(Held(0.0), 0.0, 0.0, 1e5, 1e-9).pack(2)
    with pytest.raises(CouplingError, match="area_ratio"):
        FilmInputs(Held(0.0), 1e-8, 0.0, 1e5, 1e-9, area_ratio=0.0).pack(2)


def test_a_law_names_what_its_set_lacks() -> None:
    with pytest.raises(ParameterError, match="did you mean 'reaction limited'"):
        law_from_parameters("reaction limitted", NUMBERS)
    short = {name: value for name, value in NUMBERS.items() if "EC diffusivity" not in name}
    with pytest.raises(ParameterError, match="EC diffusivity"):
        law_from_parameters("ec reaction limited", short)


def test_volume_per_charge_counts_electrons() -> None:
    """PyBaMM gives a volume per mole of film and the electrons in it."""
    constants = film_constants(NUMBERS)
    assert constants.volume_per_charge == pytest.approx(9.585e-5 / (2.0 * 96485.33212331001))


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: CellSpec(kind="P2D"), "cell.kind"),  # type: ignore[arg-type]
        (lambda: CellSpec(form="spline"), "cell.form"),  # type: ignore[arg-type]
        (lambda: CellSpec(knot_count=1), "cell.knot_count"),
        (lambda: CellSpec(initial_soc=1.2), "cell.initial_soc"),
        (lambda: CellSpec(temperature=25.0), "cell.temperature"),
        (lambda: CellSpec(rtol=0.0), "cell.rtol"),
        (lambda: CellSpec(options={"SEI": "constant"}), "cell.options.SEI"),
        (lambda: MeshPoints(x_n=1), "cell.points.x_n"),
    ],
)
def test_a_wrong_cell_is_refused_by_its_key(make: object, key: str) -> None:
    with pytest.raises(CaseError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.key == key
