"""What ends a step of a PyBaMM cell, and what the cell refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from interphase.models.cell.response import (
    FilmInputs,
    Held,
    LogAffine,
    ResponseTable,
)
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.errors import CaseError, CouplingError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import (
    CellState,
    ControlStep,
    TableWindowError,
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
        kind: Driven(CellSpec(kind=kind, points=POINTS, options=OPTIONS)) for kind in ("SPM", "DFN")
    }


@pytest.fixture(params=["SPM", "DFN"])
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


def test_closed_pores_are_named(spm: PyBaMMCell) -> None:
    """A film that fills the pores between two exchanges ends the step; the next cannot start."""
    spm.set_film(film(-1e-2, form="table"))
    segment = spm.run(ControlStep.rest(1e8))
    assert segment.own_limit
    assert segment.termination == "Zero negative electrode porosity cut-off"
    with pytest.raises(CouplingError, match="Zero negative electrode porosity"):
        spm.run(ControlStep.rest(60.0))


def test_a_snapshot_of_another_model_is_refused(spm: PyBaMMCell) -> None:
    with pytest.raises(CouplingError, match="states"):
        spm.restore(CellState(np.zeros(3), 0.0, 0.0, 298.15, {}, None))


def test_steps_go_on_after_a_limit(cell: PyBaMMCell) -> None:
    """PyBaMM would hand back the old solution without a word after some events."""
    cell.set_film(film(-1e-5, form="table"))
    assert cell.run(discharge(1.0, Termination("voltage", "below", 3.9))).duration < 3600.0
    assert cell.run(ControlStep.rest(60.0)).duration == pytest.approx(60.0)
    # PyBaMM would judge the cut-off by the current of the rest, which is zero
    hold = ControlStep("voltage", 4.1, 3600.0, (Termination("abs_current", "below", 0.5),))
    segment = cell.run(hold)
    assert segment.termination == "abs current below 0.5 A"
    assert abs(segment.current[1]) > 1.0
    assert abs(segment.current[-1]) == pytest.approx(0.5, rel=1e-3)


def test_a_hold_that_is_over_is_skipped(spm: PyBaMMCell) -> None:
    spm.set_film(film(-1e-5, form="table"))
    held = float(spm.run(ControlStep.rest(600.0)).voltage[-1])
    limit = (Termination("abs_current", "below", 1.0),)
    hold = ControlStep("voltage", held, 600.0, limit, name="hold", may_skip=True)
    before = spm.state()
    segment = spm.run(hold)
    assert segment.skipped
    assert segment.duration == 0.0
    np.testing.assert_array_equal(spm.state().states, before.states)


def test_a_limit_passed_at_the_start_is_named(cell: PyBaMMCell) -> None:
    cell.set_film(film(-1e-5, form="table"))
    before = cell.state()
    charge = ControlStep(
        "current", -5.0, 600.0, (Termination("voltage", "above", 4.2),), name="charge at 1C"
    )
    with pytest.raises(CaseError, match=r"'charge at 1C' cannot start.*voltage above 4\.2 V"):
        cell.run(charge)
    with pytest.raises(CaseError, match="voltage below 4.5 V"):
        cell.run(discharge(0.1, Termination("voltage", "below", 4.5)))
    np.testing.assert_array_equal(cell.state().states, before.states)


def test_the_cut_offs_of_the_cell_end_a_plain_step(spm: PyBaMMCell) -> None:
    spm.set_film(film(-1e-5, form="table"))
    segment = spm.run(ControlStep("current", 5.0, 9000.0))
    assert segment.termination == "voltage below 2.499 V"


def test_a_limit_that_is_never_reached_is_an_error(spm: PyBaMMCell) -> None:
    spm.set_film(film(-1e-5, form="table"))
    limit = (Termination("voltage", "below", 2.5),)
    with pytest.raises(CaseError, match="did not reach its limit"):
        spm.run(ControlStep("current", 0.01, 60.0, limit, guard=True))


def test_leaving_the_table_is_an_error_that_can_be_repaired(cell: PyBaMMCell) -> None:
    knots = np.linspace(0.05, 0.2, 41)
    narrow = ResponseTable(knots, np.full(41, -1e-5), np.zeros(41), START)
    cell.set_film(FilmInputs(narrow, START, 0.0, 1e5, VOLUME))
    before = cell.state()
    limit = Termination("voltage", "below", 2.5)
    with pytest.raises(TableWindowError, match="widen the table") as caught:
        cell.run(discharge(4.0, limit))
    assert caught.value.highest.max() > 0.2
    assert pickle.loads(pickle.dumps(caught.value)).highest.shape == (cell.nodes,)
    np.testing.assert_array_equal(cell.state().states, before.states)
    cell.set_film(film(-1e-5, form="table"))
    assert cell.run(discharge(4.0, limit)).termination == "voltage below 2.5 V"


def test_failed_integration_is_tried_again_and_then_named(
    spm: PyBaMMCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pybamm

    spm.set_film(film(-1e-5, form="table"))
    engine = spm._engine
    solve, calls = pybamm.IDAKLUSolver.step, []

    def fails(solver: object, *args: object, **kwargs: object) -> object:
        calls.append(solver)
        if len(calls) == 1 or calls[-1] is not engine._solver and len(calls) > 2:
            raise pybamm.SolverError("corrector failed")
        return solve(solver, *args, **kwargs)

    monkeypatch.setattr(pybamm.IDAKLUSolver, "step", fails)
    assert spm.run(discharge(0.1)).duration == pytest.approx(360.0)
    assert len(calls) == 2
    before = spm.state()
    monkeypatch.setattr(
        pybamm.IDAKLUSolver, "step", lambda *_, **__: (_ for _ in ()).throw(_error())
    )
    with pytest.raises(CouplingError, match="could not be integrated"):
        spm.run(discharge(0.1))
    np.testing.assert_array_equal(spm.state().states, before.states)


def _error() -> Exception:
    import pybamm

    return pybamm.SolverError("corrector failed")


def test_a_step_that_does_not_advance_is_an_error(
    spm: PyBaMMCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyBaMM hands back what it was given when it believes that an event ended the model."""
    import pybamm

    spm.set_film(film(-1e-5, form="table"))
    monkeypatch.setattr(pybamm.IDAKLUSolver, "step", lambda self, old, *_, **__: old)
    with pytest.raises(CouplingError, match="did not advance"):
        spm.run(discharge(0.1))


def test_a_cell_needs_a_film_of_its_form(spm: PyBaMMCell) -> None:
    with pytest.raises(CouplingError, match="set_film"):
        spm.run(discharge(0.1))
    with pytest.raises(CouplingError, match="'table' response, not for 'held'"):
        spm.set_film(film(-1e-5))
    table = ResponseTable([0.0, 1.0], [-1.0, -1.0], [0.0, 0.0], START)
    with pytest.raises(CouplingError, match="41 knots"):
        spm.set_film(FilmInputs(table, START, 0.0, 1e5, VOLUME))
    own = PyBaMMCell.built_in(CellSpec(points=POINTS), "reaction limited")
    with pytest.raises(CouplingError, match="own film"):
        own.set_film(film(-1e-5, form="table"))


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (CellSpec(parameters="OKane2021"), "cell.parameters"),
        (CellSpec(parameters="none.json"), "cell.parameters"),
        (CellSpec(override={"SEI resistivity [Ohm]": 1.0}), "cell.override.SEI resistivity [Ohm]"),
        (CellSpec(options={"thermal": "hot"}), "cell.options"),
    ],
)
def test_what_pybamm_does_not_know_is_named(spec: CellSpec, key: str) -> None:
    with pytest.raises(CaseError) as caught:
        PyBaMMCell(spec)
    assert caught.value.key == key
