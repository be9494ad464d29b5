"""The benchmarks' errors on coarse meshes and short times; no test looks at the clock."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import load_case
from interphase.scripts.benchmarks import (
    contest,
    demo_way,
    film_demo_way,
    flame,
    leaps,
    manufactured,
    nucleus,
    ordering,
    places,
    spectral,
    spinodal,
)
from interphase.scripts.benchmarks.command import main
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.benchmarks.record import Outcome, Record, Run, Way, paired
from interphase.scripts.benchmarks.table import markdown, save

SELF = MPI.COMM_SELF


def test_bm7_second_order_in_space() -> None:
    errors = manufactured.errors_in_space(SELF, (50, 100, 200), 0.02, 1.0)
    # From h = 1/50 on the shorter wave of the front spans only five cells: the last pair counts.
    assert manufactured.orders(errors)[-1] == pytest.approx(2.0, abs=0.15), errors


@pytest.mark.parametrize("order", [2, 3])
def test_bm7_order_in_time(order: int) -> None:
    errors = manufactured.errors_in_time(SELF, 32, (0.1, 0.05, 0.025), 1.0, order)
    assert manufactured.orders(errors)[-1] == pytest.approx(order, abs=0.25), errors


@pytest.mark.parametrize(("ratio", "grows"), [(0.99, False), (1.01, True)])
def test_bm8a_nucleus(ratio: float, grows: bool) -> None:
    flow = nucleus.build(SELF, 200)
    start, end, _ = nucleus.fractions(flow, ratio, until=100.0, tolerance=1e-5)
    assert start == pytest.approx(nucleus.AT_START[ratio], abs=1e-6)
    assert (end > start) is grows


def test_bm1b_early_energies() -> None:
    result = spinodal.run(spinodal.build(SELF, 200), [1.0, 5.0, 10.0], 1e-6)
    for moment, energy in result.energies.items():
        assert energy == pytest.approx(spinodal.REFERENCE[moment], rel=spinodal.gate(moment))
    assert set(result.energies) == {1.0, 5.0, 10.0}
    assert result.mean_drift < 1e-13
    assert result.rises == 0


def test_places_together_are_places_one_by_one() -> None:
    together, alone = (way("SPM", 3, steps=2)() for way in (places.together, places.one_by_one))
    assert together.note == alone.note
    assert together.unknowns == alone.unknowns


def test_allen_cahn_within_its_gate() -> None:
    outcome = ordering.way(64, 20.0)()
    assert outcome.error is not None
    assert abs(outcome.error) < ordering.GATE


def test_yardsticks_solve_the_same_problem() -> None:
    """Spectral, semi-implicit and ours agree on F, so the paired times compare like with like."""
    sbdf2, demo = spectral.sbdf2(100, 5.0, 0.1)(), demo_way.monolithic(50, 5.0)()
    assert sbdf2.error is not None
    assert demo.error is not None
    assert abs(sbdf2.error) < 1e-3
    # Cells of 4 and steps of 1 are coarse for it: the benchmark's own gate.
    assert abs(demo.error) < spinodal.GATE
    etd = spectral.etd2rk(32, 2.0, 0.2)()
    assert etd.error is not None
    assert abs(etd.error) < 0.01
    assert spectral.explicit(40, 1.0, 10)().scale == pytest.approx(40.0)


def test_the_mixed_space_grows_the_film_as_fast() -> None:
    """In the hold phase, where it leaves out least: fast steps, no seeds, little converts.

    Without tensors, wall and reverse rates it is not the same film; a tenth tells it from one whose
    front sees the action inside the film (28 % instead of 3.3 % of growth in this step).
    """
    small = ["mesh.cell_size=0.16666666666666666 nm", "mesh.size=[6 nm, 12 nm]"]
    piece = film_demo_way.stretch(load_case(CASES / "mosaic_formation.yaml", small), 1710.0, 1760.0)
    problem, mixed = piece.simulation.problem, film_demo_way.MixedFilm(piece)
    mixed.start()
    before, time = mixed.volume(), piece.state.time
    for dt in piece.steps:
        mixed.step(dt, problem.program.at(time + 0.5 * dt).potential)
        time += dt
    own = problem.space.integral(piece.simulation.state.phi)
    growth = own / problem.space.integral(piece.state.phi) - 1.0
    assert growth > 0.02
    assert mixed.volume() / before - 1.0 == pytest.approx(growth, rel=0.1)


def test_ways_run_by_turns_and_missing_packages_are_named() -> None:
    order: list[str] = []

    def way(name: str) -> Way:
        def prepare() -> Run:
            def run() -> Outcome:
                order.append(name)
                return Outcome(10, 100, 0.01, scale=2.0)

            return run

        return Way(name, prepare)

    def missing() -> Run:
        raise ImportError("nothing here")

    said: list[str] = []
    records = paired("x", [way("a"), way("b"), Way("c", missing)], 2, gate=0.1, say=said.append)
    assert order == ["a", "b", "a", "b"]
    assert [r.method for r in records] == ["a", "b"]
    assert records[0].steps == 20
    assert said == ["x: c is left out: nothing here"]


def test_a_missed_gate_is_seen(tmp_path: Path) -> None:
    record = Record("x", "a", 10, 1, 5, 2.0, 0.1, 3, 0.5, None, error=0.2, gate=0.1)
    assert not record.passed
    assert "**missed**" in markdown([record], {"date": "today"})
    save(tmp_path / "out", [record], {"date": "today"})
    rows = list(csv.DictReader((tmp_path / "out" / "benchmarks.csv").open(encoding="utf-8")))
    assert float(rows[0]["CPU/(step unknown) [s]"]) == pytest.approx(0.04)


def test_an_unknown_name_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "no benchmark is called nothing" in "".join(capsys.readouterr())


def test_flame_graph_counts_time_by_part(tmp_path: Path) -> None:
    """CPU time of a block goes to its part; what follows a part within another, to the other."""
    parts = flame.NamedParts()
    sampler = flame.Sampler(parts)

    def busy(seconds: float) -> None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    with sampler.watching(), parts.part("outer"):
        busy(0.05)
        with parts.part("inner"):
            busy(0.15)
        busy(0.05)
    spent = dict.fromkeys(("outer", "inner"), 0.0)
    for stack, seconds in sampler.seconds.items():
        spent[stack[0]] = spent.get(stack[0], 0.0) + seconds
    # A look every 4 ms, and the last one before the end.
    assert spent["inner"] == pytest.approx(0.15, abs=0.03)
    assert spent["outer"] == pytest.approx(0.10, abs=0.03)
    assert parts.seconds["outer"] >= parts.seconds["inner"] > 0.0
    flame.draw(sampler.seconds, "busy", tmp_path / "flame.png")
    assert (tmp_path / "flame.png").stat().st_size > 1000


def test_laws_that_leaps_are_compared_with() -> None:
    """Diffusion and reaction in series are recovered from steps; the exponent of sqrt(t) is 1/2."""
    thickness = np.linspace(3.0, 4.0, 13)
    a, b = leaps.regime(thickness, 2.0 + 0.5 * thickness)
    assert (a, b) == pytest.approx((2.0, 0.5))
    grown = leaps.grown_by_law(np.array([0.0, 6.25]), 3.0, a, b)
    assert 2.0 * (grown[1] - 3.0) + 0.25 * (grown[1] ** 2 - 9.0) == pytest.approx(6.25)
    assert leaps.grown_by_law(np.array([5.0]), 3.0, *leaps.linear(thickness, thickness))[
        0
    ] == pytest.approx(3.0 + 5.0 / 4.0)
    assert (
        leaps.grown_by_law(np.array([5.0]), 3.0, *leaps.persistent(thickness, thickness))[0] == 3.0
    )
    time = np.linspace(1.0, 100.0, 4000)
    assert contest.Grown(time, np.sqrt(time), np.ones(1)).exponent == pytest.approx(0.5, abs=1e-4)
