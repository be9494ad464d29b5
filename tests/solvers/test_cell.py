"""A PyBaMM cell driven step by step: its books, limits, snapshots, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interphase.models.cell.laws import film_constants, law_from_parameters, table_of
from interphase.models.cell.response import (
    FilmInputs,
    Held,
    LogAffine,
    ResponseTable,
    graded_knots,
)
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.constants import FARADAY
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import (
    ControlStep,
    Profile,
    Segment,
    Termination,
)

POINTS = MeshPoints(x_n=3, x_s=2, x_p=3, r_n=5, r_p=5)
OPTIONS = {"SEI porosity change": "true"}
START = 5e-9
VOLUME = 5e-10


def film(rate: float, *, area_ratio: float = 1.0, form: str = "held") -> FilmInputs:
    """A film that takes charge at one rate [A/m2], whatever the potential."""
    rates = np.full(41, rate)
    response = {
        "held": Held(rate),
        "log_affine": LogAffine(rate, 0.1, START, 0.0, 0.0),
        "table": ResponseTable(np.linspace(-0.2, 1.5, 41), rates, 0.0 * rates, START),
    }[form]
    return FilmInputs(response, START, 0.0, 1e5, VOLUME, area_ratio=area_ratio)


class Driven:
    """A cell that is put back to its start for every test."""

    def __init__(self, spec: CellSpec) -> None:
        self.cell = PyBaMMCell(spec)
        self.start = self.cell.state()


@pytest.fixture(scope="module")
def tables() -> dict[str, Driven]:
    return {
        kind: Driven(CellSpec(kind=kind, points=POINTS, options=OPTIONS))
        for kind in ("SPM", "SPMe", "DFN")
    }


@pytest.fixture(params=["SPM", "SPMe", "DFN"])
def cell(request: pytest.FixtureRequest, tables: dict[str, Driven]) -> PyBaMMCell:
    driven = tables[request.param]
    driven.cell.restore(driven.start)
    return driven.cell


@pytest.fixture
def spm(tables: dict[str, Driven]) -> PyBaMMCell:
    driven = tables["SPM"]
    driven.cell.restore(driven.start)
    return driven.cell


def discharge(hours: float = 0.5, *terminations: Termination) -> ControlStep:
    return ControlStep("current", 2.5, 3600.0 * hours, terminations, name="discharge")


def test_a_constant_rate_books_rate_times_time(cell: PyBaMMCell) -> None:
    """Charge is -j t at every node, to the tolerance of the integration."""
    cell.set_film(film(-1e-4, form="table"))
    segment = cell.run(discharge())
    assert segment.termination == "duration"
    assert segment.times[0] == 0.0
    assert segment.duration == pytest.approx(1800.0)
    assert segment.charge.shape == (segment.times.size, cell.nodes)
    np.testing.assert_allclose(cell.charge, 1e-4 * 1800.0, rtol=1e-5)
    np.testing.assert_allclose(cell.thickness, START + VOLUME * 0.18, rtol=1e-6)
    assert cell.lost_lithium == pytest.approx(0.18 * cell.area.sum() / FARADAY, rel=1e-5)


@pytest.mark.parametrize("form", ["held", "log_affine"])
def test_every_form_books_the_same_constant_rate(form: str) -> None:
    cell = PyBaMMCell(CellSpec(kind="DFN", points=POINTS, form=form))  # type: ignore[arg-type]
    cell.set_film(film(-1e-4, form=form))
    cell.run(discharge(0.1))
    np.testing.assert_allclose(cell.charge, 1e-4 * 360.0, rtol=1e-5)


def test_lithium_of_the_film_is_missing_in_the_particles(cell: PyBaMMCell) -> None:
    """What the films book is what the particles lose; nothing else takes lithium here.

    The particles hold some thousand times more than the film takes, and are integrated to 1e-6.
    """
    before = cell.lithium_in_particles
    cell.set_film(film(-5e-3, form="table"))
    cell.run(discharge())
    missing = before - cell.lithium_in_particles
    assert cell.lost_lithium > 1e-3 * before
    assert missing == pytest.approx(cell.lost_lithium, rel=1e-3)


def test_books_count_every_electrode_of_a_stack() -> None:
    """Ai2020 has 34 pairs in parallel; PyBaMM's own loss of lithium is that of one."""
    cell = PyBaMMCell(CellSpec(parameters="Ai2020", points=POINTS))
    before = cell.lithium_in_particles
    cell.set_film(film(-1e-2, form="table"))
    cell.run(ControlStep.rest(3600.0))
    assert before - cell.lithium_in_particles == pytest.approx(cell.lost_lithium, rel=1e-3)


def test_area_sums_to_that_of_the_electrode(cell: PyBaMMCell) -> None:
    values = cell.parameter_values
    fraction = values["Negative electrode active material volume fraction"]
    radius = values["Negative particle radius [m]"]
    volume = (
        values["Negative electrode thickness [m]"]
        * values["Electrode width [m]"]
        * values["Electrode height [m]"]
    )
    assert cell.area.sum() == pytest.approx(3.0 * fraction / radius * volume)
    assert np.all(np.diff(cell.positions) > 0.0)


def test_area_ratio_multiplies_charge_and_not_thickness(spm: PyBaMMCell) -> None:
    """Three times the film area takes three times the charge; each piece grows as before."""
    results = []
    start = spm.state()
    for ratio in (1.0, 3.0):
        spm.restore(start)
        spm.set_film(film(-1e-4, area_ratio=ratio, form="table"))
        porosity = spm.minimal_porosity
        spm.run(discharge())
        results.append((spm.charge[0], spm.thickness[0], porosity - spm.minimal_porosity))
    (charge, thickness, pores), (charge3, thickness3, pores3) = results
    assert charge3 == pytest.approx(3.0 * charge, rel=1e-5)
    assert thickness3 == pytest.approx(thickness, rel=1e-6)
    assert pores3 == pytest.approx(3.0 * pores, rel=1e-4)
    # pore space is lost by the volume of the film
    assert pores == pytest.approx(spm.area[0] / _volume(spm) * (thickness - START), rel=1e-4)


def _volume(cell: PyBaMMCell) -> float:
    values = cell.parameter_values
    names = ("Negative electrode thickness [m]", "Electrode width [m]", "Electrode height [m]")
    return float(np.prod([values[name] for name in names]))


def test_film_drop_is_that_of_its_resistance(cell: PyBaMMCell) -> None:
    """The response sees phi_s - phi_e - (j/ratio) L R, node by node."""
    cell.set_film(film(0.0, area_ratio=2.0, form="table"))
    segment = cell.run(discharge(0.1))
    drop = segment.surface_potential - segment.film_potential
    np.testing.assert_allclose(
        drop[5:], 0.5 * segment.intercalation[5:] * segment.thickness[5:] * 1e5, rtol=1e-5
    )


def test_a_rate_that_changes_sign_is_followed(cell: PyBaMMCell) -> None:
    """Film grows on the charged electrode and dissolves at the end of discharge.

    The booked charge equals the integral of the table over the potentials that were met; the
    trapezoidal rule on the accepted steps is good to about a thousandth of what was passed.
    """
    knots = np.linspace(-0.2, 1.4, 41)
    rates = 2e-4 * np.tanh((knots - 0.3) / 0.2)
    exponents = np.full(41, 0.3)
    table = ResponseTable(knots, rates, exponents, START)
    cell.set_film(FilmInputs(table, START, 0.0, 1e5, VOLUME))
    segment = cell.run(discharge(4.0, Termination("voltage", "below", 2.5)))
    assert segment.termination == "voltage below 2.5 V"
    seen = np.array(
        [
            table.rate(u, thickness)
            for u, thickness in zip(segment.film_potential, segment.thickness, strict=True)
        ]
    )
    assert seen.min() < 0.0 < seen.max()
    passed = np.trapezoid(np.abs(seen), segment.times, axis=0)
    book = -np.trapezoid(seen, segment.times, axis=0)
    np.testing.assert_allclose(cell.charge, book, atol=2e-3 * passed.max())


def test_a_snapshot_gives_the_same_digits(cell: PyBaMMCell) -> None:
    cell.set_film(film(-1e-4, form="table"))
    cell.run(discharge(0.2))
    snapshot = pickle.loads(pickle.dumps(cell.state()))
    first = cell.run(discharge(0.2))
    charge, time = cell.charge, cell.time
    cell.restore(snapshot)
    assert cell.time == snapshot.time
    second = cell.run(discharge(0.2))
    for name in ("times", "voltage", "charge", "film_potential"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(cell.charge, charge)
    assert cell.time == time


@pytest.mark.slow
def test_a_new_process_goes_on_from_a_snapshot(spm: PyBaMMCell, tmp_path: Path) -> None:
    spm.set_film(film(-1e-4, form="table"))
    spm.run(discharge(0.2))
    (tmp_path / "state").write_bytes(pickle.dumps(spm.state()))
    segment = spm.run(discharge(0.2))
    script = f"""
import pickle
from pathlib import Path
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep
cell = PyBaMMCell(CellSpec(points={POINTS!r}, options={OPTIONS!r}))
folder = Path({str(tmp_path)!r})
cell.restore(pickle.loads((folder / "state").read_bytes()))
segment = cell.run(ControlStep("current", 2.5, 720.0))
(folder / "result").write_bytes(pickle.dumps((segment.voltage[-1], segment.charge[-1])))
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
    voltage, charge = pickle.loads((tmp_path / "result").read_bytes())
    assert voltage == pytest.approx(segment.voltage[-1], rel=1e-9)
    np.testing.assert_allclose(charge, segment.charge[-1], rtol=1e-9)


def test_a_profile_equals_its_pieces(cell: PyBaMMCell) -> None:
    """Ramps and a held part in one step: charge passed is the area under the profile."""
    cell.set_film(film(-1e-5, form="table"))
    profile = Profile(np.array([0.0, 60.0, 300.0, 360.0]), np.array([0.0, 3.0, 3.0, -1.0]))
    segment = cell.run(ControlStep("current", 0.0, 360.0, profile=profile, name="drive"))
    assert segment.duration == pytest.approx(360.0)
    amperes = np.interp(segment.times, profile.times, profile.values)
    np.testing.assert_allclose(segment.current, amperes, atol=1e-6)
    area = 0.5 * 60 * 3 + 240 * 3 + 0.5 * 60 * 2
    assert cell.discharge_capacity == pytest.approx(area / 3600.0, rel=1e-5)


def test_power_is_held(cell: PyBaMMCell) -> None:
    cell.set_film(film(-1e-5, form="table"))
    segment = cell.run(ControlStep("power", 8.0, 600.0))
    np.testing.assert_allclose(segment.voltage * segment.current, 8.0, rtol=1e-4)


def test_a_step_may_have_its_own_temperature(spm: PyBaMMCell) -> None:
    spm.set_film(film(-1e-5, form="table"))
    warm = spm.run(ControlStep.rest(60.0, temperature=318.15))
    cool = spm.run(ControlStep.rest(60.0))
    assert (warm.temperature[-1], cool.temperature[-1]) == pytest.approx((318.15, 298.15))


def test_a_resistance_leaves_the_cell_as_it_was(cell: PyBaMMCell) -> None:
    cell.set_film(film(-1e-5, form="table"))
    cell.run(discharge(0.1))
    before = cell.state()
    resistance = cell.resistance()
    assert 1e-3 < resistance < 1.0
    np.testing.assert_array_equal(cell.state().states, before.states)
    thick = FilmInputs(film(-1e-5, form="table").response, 1e-7, cell.charge, 1e6, VOLUME)
    cell.set_film(thick)
    # a film of 0.1 um and 1e6 ohm m on the whole area, in series with the rest
    expected = resistance + (1e-7 * 1e6 - START * 1e5) / cell.area.sum()
    assert cell.resistance() == pytest.approx(expected, rel=0.05)


def test_usable_capacity_falls_with_the_lithium(cell: PyBaMMCell) -> None:
    """It is what a slow discharge from the upper cut-off gives, and lost lithium shortens it.

    A full cell loses less capacity than lithium, since both end points move.
    """
    cell.set_film(film(0.0, form="table"))
    fresh = cell.usable_capacity()
    top = (Termination("abs_current", "below", 0.01),)
    cell.run(ControlStep("voltage", 4.2, 36000.0, top))
    full = cell.discharge_capacity
    cell.run(
        ControlStep(
            "current", 0.1, 3600.0 * 60, (Termination("voltage", "below", 2.5),), name="C/50"
        )
    )
    # a discharge at C/50 leaves a thousandth behind
    assert cell.discharge_capacity - full == pytest.approx(fresh, rel=3e-3)
    cell.set_film(film(-1e-3, form="table"))
    cell.run(ControlStep.rest(24 * 3600.0))
    lost = cell.lost_lithium * FARADAY / 3600.0
    assert 0.5 * lost < fresh - cell.usable_capacity() < lost


def test_plating_is_an_option_of_the_cell() -> None:
    spec = CellSpec(kind="DFN", points=POINTS, options={"lithium plating": "irreversible"})
    cell = PyBaMMCell(spec)
    assert cell.plated_lithium == 0.0
    cell.set_film(film(-1e-5, form="table"))
    cell.run(discharge(0.2))
    cell.run(ControlStep("current", -5.0, 600.0, (Termination("voltage", "above", 4.19),)))
    assert cell.plated_lithium > 0.0


def test_table_of_a_law_gives_the_law_back(cell: PyBaMMCell) -> None:
    """The rate that the cell books is the law at the potentials that it reports."""
    values = cell.parameter_values
    law = law_from_parameters("reaction limited", values)
    constants = film_constants({**dict(values), "Initial SEI thickness [m]": START})
    table = table_of(law, graded_knots(-0.2, 1.5, 41), np.full(cell.nodes, START), 298.15)
    cell.set_film(FilmInputs(table, START, 0.0, constants.resistivity, VOLUME))
    segment: Segment = cell.run(discharge(0.5))
    book = -np.trapezoid(
        law.rate(segment.film_potential, segment.thickness, 298.15), segment.times, axis=0
    )
    # 41 straight pieces of a logarithm err by less than a thousandth here
    np.testing.assert_allclose(cell.charge, book, rtol=2e-3)
