"""The loop: ends, rejections, failures, what a notebook gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.errors import ConvergenceError
from interphase.solvers.progress import readable, time_left
from interphase.solvers.room import RoomWatch
from interphase.solvers.simulation import Simulation
from interphase.solvers.stopping import Ending


def test_a_notebook_gets_arrays_and_no_files(line, tmp_path, monkeypatch) -> None:
    """Time rises to the end, the film grows, nothing is written."""
    monkeypatch.chdir(tmp_path)
    result = Simulation.from_case(line()).run()
    time, thickness = result.column("time"), result.column("thickness")
    assert result.ending is Ending.DONE
    assert time[-1] == 20.0
    assert np.all(np.diff(time) > 0.0)
    assert np.all(np.diff(thickness) > -1e-15)
    assert result.state.phi.max() > 0.9
    assert list(tmp_path.iterdir()) == []


def test_steps_meet_kinks_of_the_drive_and_follow_a_ramp(line) -> None:
    """No step crosses the end of the ramp, none changes the potential by more than 15 mV."""
    result = Simulation.from_case(line()).run()
    assert 10.0 in result.column("time")
    potential = np.concatenate([[0.6], result.column("potential")])
    assert np.abs(np.diff(potential)).max() <= 0.015 + 1e-12


def test_a_run_in_two_parts_is_the_run_in_one(line) -> None:
    """Stopping at a time that a step ends at anyway changes nothing."""
    whole = Simulation.from_case(line()).run()
    parts = Simulation.from_case(line())
    parts.run(10.0)
    second = parts.run()
    assert second.rows[-1]["thickness"] == pytest.approx(whole.rows[-1]["thickness"], rel=1e-9)
    assert len(second.rows) == len(whole.rows)


def test_a_run_in_two_parts_writes_one_table(line, tmp_path) -> None:
    """A second call goes on in the same folder, and a simulation that never ran holds no file."""
    simulation = Simulation.from_case(line(), output=tmp_path / "run")
    assert not (tmp_path / "run" / "run.log").exists()
    simulation.run(5.0)
    result = simulation.run(10.0)
    rows = (tmp_path / "run" / "timeseries.csv").read_text().splitlines()
    assert len(rows) == 1 + len(result.rows)
    assert (tmp_path / "run" / "run.log").read_text().count("done at") == 2


def _failing(simulation: Simulation, fails: Callable[[int, float], bool]) -> list[float]:
    """Let steps fail as ``fails(call, dt)`` says; return the lengths that were tried."""
    tried: list[float] = []
    step = simulation.problem.solver.step

    def flaky(state: Any, dt: float, drive: Any) -> Any:
        tried.append(dt)
        if fails(len(tried), dt):
            raise ConvergenceError("Newton did not converge")
        return step(state, dt, drive)

    simulation.problem.solver.step = flaky  # type: ignore[method-assign]
    return tried


def test_a_failed_step_is_retried_smaller(line) -> None:
    """The retry is a quarter as long and the run goes on."""
    simulation = Simulation.from_case(line())
    tried = _failing(simulation, lambda call, dt: call == 4)
    result = simulation.run(1.0)
    assert tried[4] == pytest.approx(tried[3] / 4.0)
    assert result.summary["steps"]["rejected"] == 1
    assert result.ending is Ending.DONE


def test_a_run_that_cannot_go_on_says_what_to_try(line, tmp_path) -> None:
    """It ends with an error, a checkpoint, the last fields and a summary that says so."""
    simulation = Simulation.from_case(line(), output=tmp_path / "run")
    _failing(simulation, lambda call, dt: call > 3)
    with pytest.raises(ConvergenceError, match=r"time\.controller"):
        simulation.run()
    assert (tmp_path / "run" / "checkpoint.h5").exists()
    summary = (tmp_path / "run" / "summary.json").read_text()
    assert '"ending": "failed"' in summary
    assert "Newton did not converge" in summary
    # and it can be taken up again
    again = Simulation.from_case(line(), output=tmp_path / "run", restart=True)
    assert again.run().ending is Ending.DONE


def test_a_seed_does_not_count_as_an_error_of_the_next_step(plane) -> None:
    """A seed is a jump of phi: without forgetting the past the step would be refused."""
    result = Simulation.from_case(plane()).run()
    grains = result.column("grains")
    born = int(np.argmax(grains > 0))
    assert born > 0
    steps = result.column("step")
    # Limited by the front, not by an error estimate of order one, which would cut it to a tenth.
    assert steps[born + 1] > 0.01 * steps[born]


def test_the_top_of_the_domain_ends_the_run(line) -> None:
    """The text names mesh.size; a warning comes first."""
    geometry = Simulation.from_case(line()).problem.geometry
    watch = RoomWatch(replace(geometry, height=24e-9), 1e-9)
    watch.check(10e-9)
    with pytest.raises(ConvergenceError, match=r"mesh\.size larger than 31.5 nm"):
        watch.check(21.5e-9)


def test_a_film_that_leaves_the_fine_cells_ends_the_run(line) -> None:
    """Above the uniform part of a graded mesh a front would be pinned, or Newton fail."""
    grading = {"uniform_height": "10 nm", "ratio": 1.1}
    case = line(mesh={"size": ["20 nm"], "grading": grading})
    problem = Simulation.from_case(case).problem
    largest = problem.width / 6.0
    assert problem.resolved_height == pytest.approx(10e-9 + (largest - case.mesh.cell_size) / 0.1)
    cells = np.diff(problem.geometry.mesh.geometry.x[:, 0])
    heights = problem.geometry.mesh.geometry.x[:-1, 0]
    assert cells[heights < problem.resolved_height].max() < 1.1 * largest
    watch = RoomWatch(problem.geometry, problem.width, problem.resolved_height)
    watch.check(10e-9)
    with pytest.raises(ConvergenceError, match=r"mesh\.grading\.uniform_height larger than 22 nm"):
        watch.check(12e-9)


@pytest.mark.mpi
def test_walltime_stops_all_ranks_together(line, comm: MPI.Intracomm, tmp_path_factory) -> None:
    """A limit that has passed stops after one step, with a checkpoint to continue from."""
    folder = comm.bcast(tmp_path_factory.mktemp("walltime") / "run" if comm.rank == 0 else None)
    result = Simulation.from_case(line(), output=folder, comm=comm).run(walltime=0.0)
    assert result.ending is Ending.WALLTIME
    assert len(result.rows) == 1
    again = Simulation.from_case(line(), output=folder, comm=comm, restart=True).run()
    assert again.ending is Ending.DONE
    assert again.summary["steps"]["accepted"] == len(again.rows) + 1


@pytest.mark.mpi
def test_ranks_agree_on_film_and_grains(plane, comm: MPI.Intracomm) -> None:
    """Thickness and composition do not depend on the partition, with nucleation on."""
    alone = Simulation.from_case(plane()).run().rows[-1]
    together = Simulation.from_case(plane(), comm=comm).run().rows[-1]
    for name in ("thickness", "thickness_Li2EDC", "thickness_LiF", "charge"):
        assert together[name] == pytest.approx(alone[name], rel=1e-6, abs=1e-18)
    assert together["grains"] == alone["grains"]


def test_time_left_follows_the_pace() -> None:
    """Equal pace in t: linear; equal pace in ln t: logarithmic; nothing yet: unknown."""
    linear = [(float(w), 10.0 * w) for w in range(1, 8)]
    assert time_left(linear, 170.0) == pytest.approx(10.0, rel=0.05)
    logarithmic = [(float(w), 2.0**w) for w in range(1, 8)]
    assert time_left(logarithmic, 2.0**10) == pytest.approx(3.0, rel=0.2)
    assert np.isnan(time_left(linear[:2], 100.0))
    assert time_left(linear, 70.0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (2e-6, "2 us"), (0.25, "250 ms"), (12.0, "12 s"), (600.0, "10 min"),
     (7200.0, "2 h"), (864000.0, "10 d"), (float("nan"), "?")],
)  # fmt: skip
def test_durations_are_readable(seconds: float, text: str) -> None:
    """As people say them."""
    assert readable(seconds) == text
