"""Local models in batches: equal to PyBaMM's own steps, with books, limits and retries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CaseError, CouplingError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.p3d.batch import Course, check_version
from interphase.solvers.p3d.local_models import PyBaMMPlaces
from interphase.solvers.p3d.pair import ElectrodePair
from interphase.solvers.p3d.place_films import PlaceFilms
from interphase.solvers.p3d.places import PlaceError

KINDS = ("SPM", "SPMe", "DFN")
POINTS = MeshPoints(x_n=4, x_s=3, x_p=4, r_n=6, r_p=6)
KNOTS = np.linspace(-0.2, 1.5, 9)
START, VOLUME = 5e-9, 5e-10


def spec_of(kind: str) -> CellSpec:
    return CellSpec(kind=kind, points=POINTS, knot_count=KNOTS.size, initial_soc=0.8)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pairs() -> dict[str, ElectrodePair]:
    return {kind: ElectrodePair(spec_of(kind)) for kind in KINDS}


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, pairs: dict[str, ElectrodePair]) -> ElectrodePair:
    return pairs[request.param]


@pytest.fixture
def spm(pairs: dict[str, ElectrodePair]) -> ElectrodePair:
    return pairs["SPM"]


def growing(
    pair: ElectrodePair, places: int, rate: float = -1e-4, theta: float = 0.0
) -> PlaceFilms:
    """Films of one rate at 298.15 K, whatever the potential."""
    films = PlaceFilms.inert(places, pair.nodes.count, KNOTS.size, START, 1e5)
    return replace(
        films,
        knots=KNOTS,
        rates=films.rates + rate,
        activation=films.activation + theta,
        volume_per_charge=films.volume_per_charge + VOLUME,
    )


@pytest.mark.parametrize("places", [1, 4])
def test_a_batch_equals_steps_of_the_solver_to_the_last_digit(
    pair: ElectrodePair, places: int
) -> None:
    """Each place against `solver.step` from the same state, over three steps."""
    current, warmth = np.linspace(-30.0, 60.0, places), np.linspace(285.0, 315.0, places)
    rows = pair.rows(current, warmth, growing(pair, places))
    states = np.tile(pair.initial_states(), (places, 1))
    for seconds in (1.0, 30.0, 60.0):
        courses = pair.integrate(states, rows, seconds)
        one_by_one = [pair.retry(s, r, seconds) for s, r in zip(states, rows, strict=True)]
        for course, single in zip(courses, one_by_one, strict=True):
            assert not course.failed
            np.testing.assert_array_equal(course.times, single.times)
            np.testing.assert_array_equal(course.state, single.state)
            np.testing.assert_allclose(course.outputs, single.outputs, rtol=1e-9, atol=1e-12)
        states = np.array([course.state for course in courses])


def test_another_pybamm_is_refused_with_what_to_do() -> None:
    check_version("26.10.1.1")
    with pytest.raises(CouplingError, match=r"install pybamm==26\.10\.\*"):
        check_version("26.12.0")


def test_a_place_is_the_cell_that_films_are_coupled_to(pair: ElectrodePair) -> None:
    """Same voltage and books as `PyBaMMCell` at the same current per area."""
    cell = PyBaMMCell(spec_of(pair.spec.kind))
    table = ResponseTable(KNOTS, np.full(KNOTS.size, -1e-3), np.zeros(KNOTS.size), START)
    cell.set_film(FilmInputs(table, START, 0.0, 1e5, VOLUME))
    cell.run(ControlStep("current", cell.nominal_capacity, 600.0))
    places = PyBaMMPlaces(pair, 2)
    places.set_films(growing(pair, 2, -1e-3))
    answer = places.advance(600.0, np.full(2, pair.rated_current_density), np.full(2, 298.15))
    np.testing.assert_allclose(answer.voltage, cell.voltage, atol=2e-5)
    np.testing.assert_allclose(answer.film["thickness"], cell.thickness.mean(), rtol=1e-6)
    per_area = cell.lost_lithium / (cell.area.sum() / pair.nodes.area.sum())
    np.testing.assert_allclose(answer.film["lost_lithium"], per_area, rtol=1e-6)


def test_heat_is_what_the_voltage_lacks(spm: ElectrodePair) -> None:
    """Irreversible heat of a film-covered SPM is current times (open-circuit voltage - voltage).

    The set has no change of entropy, and an SPM no Ohmic heat; the film's drop is most of it here.
    """
    places = PyBaMMPlaces(spm, 1)
    places.set_films(replace(growing(spm, 1, 0.0), resistivity=np.full((1, 1), 1e7)))
    current = np.array([50.0])
    answer = places.advance(1e-3, current, np.full(1, 298.15))
    places.commit()
    rest = PyBaMMPlaces(spm, 1)
    rest.restore(places.state())
    open_circuit = rest.advance(1e-3, 0.0 * current, np.full(1, 298.15)).voltage
    lacks = current * (open_circuit - answer.voltage)
    assert lacks > 5.0
    np.testing.assert_allclose(answer.heat * spm.thickness, lacks, rtol=1e-4)


def test_reversible_heat_turns_with_the_current() -> None:
    spec = replace(spec_of("SPM"), parameters="Marquis2019", initial_soc=0.5)
    places = PyBaMMPlaces(ElectrodePair(spec), 2)
    current = np.array([10.0, -10.0])
    film = places.advance(1.0, current, np.full(2, 298.15)).film
    assert abs(film["reversible_heat"][0]) > 20.0
    assert film["reversible_heat"][0] == pytest.approx(-film["reversible_heat"][1], rel=1e-2)
    assert np.all(film["irreversible_heat"] > 0.0)


def test_a_rank_without_places_goes_along(pair: ElectrodePair) -> None:
    places, none = PyBaMMPlaces(pair, 0), np.zeros(0)
    places.resistance()
    answer = places.advance(10.0, none, none)
    places.commit()
    assert answer.voltage.shape == answer.soc.shape == places.resistance().shape == (0,)
    one = PyBaMMPlaces(pair, 1).advance(1.0, np.zeros(1), np.full(1, 298.15))
    assert set(answer.film) == set(one.film)
    assert all(values.shape[0] == 0 for values in places.state().values())
    places.restore(places.state())


def test_an_advance_leaves_no_trace_until_it_is_committed(pair: ElectrodePair) -> None:
    places = PyBaMMPlaces(pair, 3)
    current, warmth = np.array([10.0, 20.0, -5.0]), np.array([290.0, 300.0, 310.0])
    first = places.advance(20.0, current, warmth)
    places.rollback()
    with pytest.raises(CouplingError, match="nothing"):
        places.commit()
    again = places.advance(20.0, current, warmth)
    np.testing.assert_array_equal(first.voltage, again.voltage)
    places.commit()
    kept = places.state()
    further = places.advance(20.0, current, warmth)
    other = PyBaMMPlaces(pair, 3)
    other.restore(kept)
    np.testing.assert_array_equal(other.advance(20.0, current, warmth).voltage, further.voltage)
    with pytest.raises(CouplingError, match="number of places"):
        PyBaMMPlaces(pair, 2).restore(kept)


def test_an_emptied_place_is_named_and_its_state_kept(pair: ElectrodePair) -> None:
    places = PyBaMMPlaces(pair, 3, numbers=[7, 11, 19])
    before = places.state()
    current = np.array([1.0, 1.0, 200.0])
    with pytest.raises(PlaceError, match="place 19 .*(limit|cannot give)") as caught:
        places.advance(7200.0, current, np.full(3, 298.15))
    assert caught.value.places == (2,)
    assert caught.value.limit
    np.testing.assert_array_equal(places.state()["states"], before["states"])
    places.advance(10.0, np.ones(3), np.full(3, 298.15))


def test_a_place_that_fails_is_tried_again_with_smaller_steps(
    spm: ElectrodePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, warmth = np.array([20.0, 30.0]), np.full(2, 298.15)
    wanted = PyBaMMPlaces(spm, 2).advance(30.0, current, warmth)
    sound = spm.integrate

    def failing(states: np.ndarray, rows: np.ndarray, seconds: float) -> list[Course]:
        courses = sound(states, rows, seconds)
        return [courses[0], replace(courses[1], flag=-3, state=np.full_like(states[1], np.nan))]

    monkeypatch.setattr(spm, "integrate", failing)
    found = PyBaMMPlaces(spm, 2).advance(30.0, current, warmth)
    np.testing.assert_allclose(found.voltage, wanted.voltage, rtol=1e-9)
    np.testing.assert_allclose(found.heat, wanted.heat, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning:scipy")
def test_a_place_that_fails_twice_is_named(
    spm: ElectrodePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state that is no number cannot be integrated."""
    places = PyBaMMPlaces(spm, 2, numbers=[3, 4])
    spoilt = dict(places.state())
    spoilt["states"][1] = np.nan
    places.restore(spoilt)
    with pytest.raises(PlaceError, match="place 4") as caught:
        places.advance(30.0, np.full(2, 20.0), np.full(2, 298.15))
    assert caught.value.places == (1,)
    assert not caught.value.limit


def test_resistance_is_the_slope_of_the_voltage(pair: ElectrodePair) -> None:
    """Against a difference ten times finer; the voltage bends by 2 % over the probe."""
    places = PyBaMMPlaces(pair, 2)
    current, warmth = np.array([20.0, 40.0]), np.array([290.0, 305.0])
    places.advance(10.0, current, warmth)
    places.commit()
    before = places.state()["states"]
    slope = places.resistance()
    np.testing.assert_array_equal(places.state()["states"], before)
    low, high = (places.advance(10.0, current + d, warmth).voltage for d in (-0.25, 0.25))
    np.testing.assert_allclose(slope, (low - high) / 0.5, rtol=2e-2)
    assert np.all(slope > 0.0)


def test_resistance_is_found_anew_only_when_it_is_stale(spm: ElectrodePair) -> None:
    places = PyBaMMPlaces(spm, 1)
    current, warmth = np.array([50.0]), np.full(1, 298.15)

    def go(seconds: float) -> float:
        places.advance(seconds, current, warmth)
        places.commit()
        return float(places.resistance()[0])

    first = go(30.0)
    # 1C moves 1 % in 36 s
    assert [go(seconds) for seconds in (30.0, 60.0, 45.0)] == [first] * 3
    assert go(60.0) != first
    second = go(60.0)
    assert go(10.0) != second


def test_resistance_is_found_just_before_the_end(spm: ElectrodePair) -> None:
    """A place that would not last for another step like the last one still has a slope."""
    places = PyBaMMPlaces(spm, 1)
    current, warmth = np.array([50.0]), np.full(1, 298.15)
    places.resistance()
    with pytest.raises(PlaceError, match="after") as caught:
        places.advance(7200.0, current, warmth)
    lasts = float(str(caught.value).partition("after ")[2].split()[0])
    places.advance(lasts - 20.0, current, warmth)
    places.commit()
    with pytest.raises(PlaceError):
        places.advance(lasts - 20.0, current, warmth)
    assert places.resistance()[0] > 0.0


def test_films_book_what_the_particles_lose(pair: ElectrodePair) -> None:
    """Rate times time at every node; at another temperature by its activation."""
    theta = 4000.0
    places = PyBaMMPlaces(pair, 2)
    places.set_films(growing(pair, 2, -1e-3, theta))
    warmth = np.array([298.15, 310.0])
    answer = places.advance(600.0, np.zeros(2), warmth)
    assert places.travel is not None
    rate = 1e-3 * np.exp(theta * (1.0 / 298.15 - 1.0 / warmth))
    expected = np.repeat(600.0 * rate[:, None], pair.nodes.count, axis=1)
    np.testing.assert_allclose(places.travel.taken, expected, rtol=1e-5)
    lost = expected @ pair.nodes.area / FARADAY
    np.testing.assert_allclose(answer.film["lost_lithium"], lost, rtol=1e-5)
    before = places.look()
    places.commit()
    gone = before.stoichiometry - places.look().stoichiometry
    assert gone[1] / gone[0] == pytest.approx(rate[1] / rate[0], rel=1e-3)


def test_films_of_other_places_are_refused(spm: ElectrodePair) -> None:
    with pytest.raises(CouplingError, match="places, nodes, knots"):
        PyBaMMPlaces(spm, 2).set_films(growing(spm, 3))


def test_a_jump_conserves_lithium(pair: ElectrodePair) -> None:
    """What the particles lose in a repeated change is what the film gets, place by place."""
    places = PyBaMMPlaces(pair, 2)
    places.set_films(growing(pair, 2, -1e-3))
    start = places.state()
    before = places.look()
    places.advance(600.0, np.zeros(2), np.array([298.15, 298.15]))
    places.commit()
    once = places.look()
    states = places.state()["states"]
    places.put(states + np.array([[0.0], [9.0]]) * (states - start["states"]))
    after = places.look()
    for now, times in ((0, 1.0), (1, 10.0)):
        lost = before.stoichiometry[now] - after.stoichiometry[now]
        in_one = before.stoichiometry[0] - once.stoichiometry[0]
        assert lost == pytest.approx(times * in_one, rel=1e-6)
        np.testing.assert_allclose(after.charge[now], times * once.charge[0], rtol=1e-9)


def test_a_thermal_model_of_the_pair_is_refused() -> None:
    with pytest.raises(CaseError, match="heat equation"):
        ElectrodePair(replace(spec_of("SPM"), options={"thermal": "lumped"}))
