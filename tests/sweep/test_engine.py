"""The engine: outcomes, second attempts, limits, killed drivers, a full disk, two drivers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.errors import OutputError
from interphase.scripts.main import main
from interphase.scripts.sweep import member as member_module
from interphase.scripts.sweep.engine import run_study
from interphase.scripts.sweep.folder import opened
from interphase.scripts.sweep.member import Outcome
from interphase.scripts.sweep.plan import Plan, make_plan
from interphase.scripts.sweep.results import collect, write_results
from interphase.scripts.sweep.study import load_study
from interphase.solvers.run_folder import FolderError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")


def plan_for(study: Path, volts: list[float], more: str = "") -> Plan:
    """Return the plan of a study with a member for each potential."""
    values = ", ".join(f"{v} V" for v in volts)
    study.write_text(
        f"schema: 1\ncase: line.yaml\nparameters: {{'drive.steps[0].hold': [{values}]}}\n" + more
    )
    return make_plan(load_study(study))


def run_in(folder: Path, plan: Plan, program: list[str]) -> dict[str, Outcome]:
    """Run a plan in a folder."""
    with opened(folder, plan) as held:
        return run_study(plan, held, program)


def starts(folder: Path) -> list[str]:
    """Return the names of the members that were started, in order."""
    return [line.split()[0] for line in (folder / "starts").read_text().splitlines()]


def test_failed_members_are_named_with_their_reason_and_never_stop_the_study(
    study: Path, program: list[str], tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(member_module, "_GRACE", 0.3)
    volts = [0.1, 1.0, 1.1, 1.2, 1.3, 1.5, 0.2]
    plan = plan_for(study, volts, "resources: {at_once: 2, time_limit: 2 s}")
    found = run_in(tmp_path / "out", plan, program)
    status = [found[m.name].status for m in plan.members]
    assert status == ["done", "failed", "failed", "failed", "done", "failed", "done"]
    reasons = [found[m.name].reason for m in plan.members]
    assert "Newton did not converge" in reasons[1] and "first attempt" in reasons[1]
    assert "SIGSEGV" in reasons[2]
    assert reasons[3] == "time limit of 2 s exceeded"
    assert reasons[5].startswith("bad case: error: drive.steps[0].hold")
    assert [found[m.name].attempts for m in plan.members] == [1, 2, 2, 1, 2, 1, 1]
    settings = found["00004"].settings
    assert "front_fraction=0.05" in settings and "rtol=0.005" in settings
    with opened(tmp_path / "out", plan) as held:
        results = collect(plan, held, found)
        write_results(results, held.path)
    assert np.isnan(results.values[1, 0]) and results.values[4, 0] == pytest.approx(2.3e-9)
    assert [one.name for one in results.failures()] == ["00001", "00002", "00003", "00005"]


def test_the_table_has_units_and_reads_back(study: Path, program: list[str], tmp_path) -> None:
    import pandas
    import xarray
    from pyarrow import parquet

    plan = plan_for(study, [0.1, 0.3], "quantities: [thickness, thickness @ 1 s]")
    found = run_in(tmp_path / "out", plan, program)
    with opened(tmp_path / "out", plan) as held:
        write_results(collect(plan, held, found), held.path)
    frame = pandas.read_csv(tmp_path / "out" / "results.csv")
    assert list(frame["drive.steps[0].hold [V]"]) == [0.1, 0.3]
    assert frame["thickness [m]"][1] == pytest.approx(1.3e-9)
    assert frame["thickness @ 1 s [m]"][1] == pytest.approx(1.15e-9)
    table = parquet.read_table(tmp_path / "out" / "results.parquet")
    assert table.schema.field("thickness [m]").metadata == {b"unit": b"m"}
    for name in ("drive.steps[0].hold [V]", "thickness [m]", "thickness @ 1 s [m]"):
        assert table.column(name).to_pylist() == pytest.approx(list(frame[name]))
    with xarray.open_dataset(tmp_path / "out" / "series.nc", engine="h5netcdf") as data:
        assert data["thickness"].attrs["units"] == "m"
        assert data["thickness"].sel(member="00001").values[-1] == pytest.approx(1.3e-9)
        assert list(data["drive.steps[0].hold"].values) == [0.1, 0.3]


_DRIVER = """
    import sys
    from pathlib import Path
    from mpi4py import MPI
    from interphase.scripts.sweep.engine import run_study
    from interphase.scripts.sweep.folder import opened
    from interphase.scripts.sweep.plan import make_plan
    from interphase.scripts.sweep.study import load_study
    plan = make_plan(load_study(Path(sys.argv[1])))
    with opened(Path(sys.argv[2]), plan) as held:
        run_study(plan, held, sys.argv[3:])
"""


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_driver_loses_at_most_the_members_in_flight(
    study: Path, program: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    # those in flight when it is killed would go on for seconds
    volts = [0.6, 0.601, 0.602, 3.0, 3.001, 0.603, 0.604, 0.605]
    plan = plan_for(study, volts, "resources: {at_once: 2}")
    out = tmp_path / "out"
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_DRIVER), str(study), str(out), *program],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60.0
    while len(list(out.glob("members/*/member.json"))) < 3:
        assert time.monotonic() < deadline and driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(number)
    words = driver.communicate(timeout=30)[1]
    assert number == signal.SIGKILL or "stopped by SIGTERM" in words
    pids = [int(line.split()[1]) for line in (out / "starts").read_text().splitlines()]
    time.sleep(0.3)
    assert not [pid for pid in pids if _alive(pid)]
    kept = len(list(out.glob("members/*/member.json")))
    assert kept >= 3
    before = len(starts(out))
    found = run_in(out, plan, program)
    assert {one.status for one in found.values()} == {"done"} and len(found) == 8
    assert len(starts(out)) == before + 8 - kept  # what had ended was not run again
    assert before - kept <= 2  # members in flight


def test_a_driver_that_is_alone_is_told_apart_from_a_second_one(
    study: Path, program: list[str], tmp_path: Path
) -> None:
    plan = plan_for(study, [0.1])
    with opened(tmp_path / "out", plan):
        with pytest.raises(FolderError, match="at work"):
            run_in(tmp_path / "out", plan, program)
    run_in(tmp_path / "out", plan, program)
    other = plan_for(study, [0.2])
    with pytest.raises(FolderError, match="another study"):
        run_in(tmp_path / "out", other, program)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("precious")
    with pytest.raises(FolderError, match="holds files"):
        run_in(tmp_path / "full", plan, program)


def test_a_full_disk_stops_the_study_and_blames_no_member(
    study: Path, program: list[str], tmp_path: Path
) -> None:
    plan = plan_for(study, [0.1, 1.4, 0.2, 0.3], "resources: {at_once: 1}")
    with pytest.raises(OutputError, match="No space left on device.*say the same again"):
        run_in(tmp_path / "out", plan, program)
    assert starts(tmp_path / "out") == ["00000", "00001"]
    kept = sorted(path.parent.name for path in (tmp_path / "out").glob("members/*/member.json"))
    assert kept == ["00000"]


def test_failed_members_run_again_when_asked(study: Path, program, tmp_path: Path) -> None:
    plan = plan_for(study, [0.1, 1.0], "resources: {at_once: 1, retry: false}")
    run_in(tmp_path / "out", plan, program)
    run_in(tmp_path / "out", plan, program)
    assert starts(tmp_path / "out") == ["00000", "00001"]
    with opened(tmp_path / "out", plan) as held:
        held.forget_failures(plan)
    run_in(tmp_path / "out", plan, program)
    assert starts(tmp_path / "out") == ["00000", "00001", "00001"]


def test_an_interrupted_run_goes_on_from_its_checkpoint(study: Path, program, tmp_path) -> None:
    plan = plan_for(study, [0.1])
    with opened(tmp_path / "out", plan) as held:
        held.of(plan.members[0]).mkdir(parents=True)
        (held.of(plan.members[0]) / "checkpoint.h5").write_text("")
        run_study(plan, held, program)
    assert (tmp_path / "out" / "starts").read_text().split()[2] == "True"


def test_two_members_share_two_workers(study: Path, program, tmp_path: Path) -> None:
    """Eight members on two workers take at most 1.15 times half the sum of their own times."""
    import parsl  # noqa: F401  the second that its import takes is not the engine's

    plan = plan_for(study, [0.9 + 0.001 * i for i in range(8)], "resources: {at_once: 2}")
    with opened(tmp_path / "out", plan) as held:
        begin = time.monotonic()
        found = run_study(plan, held, program)
        wall = time.monotonic() - begin
    assert wall <= 1.15 * sum(one.seconds for one in found.values()) / 2.0


@pytest.mark.slow
def test_a_real_study_of_two_runs_on_one_and_two_ranks(
    study, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        "schema: 1\ncase: line.yaml\nparameters: {'drive.steps[0].hold': [0.1 V, 0.05 V]}\n"
        "set: {time.until: 0.1 s}\nresources: {ranks: RANKS, at_once: 1}\n"
    )
    thickness = []
    for ranks in (1, 2):
        study.write_text(text.replace("RANKS", str(ranks)))
        assert main(["sweep", "study.yaml", "-o", f"out{ranks}"]) == 0
        summary = tmp_path / f"out{ranks}" / "members" / "00001" / "summary.json"
        data = json.loads(summary.read_text())
        assert data["ranks"] == ranks
        thickness.append(data["final"]["thickness"])
        provenance = json.loads(summary.with_name("provenance.json").read_text())
        assert "drive.steps[0].hold=50 mV" in json.dumps(provenance)
    assert thickness[0] == pytest.approx(thickness[1], rel=1e-6)
    assert "2 of 2 members" in capsys.readouterr().out
    assert os.listdir(tmp_path / "out1" / "members") != []
