"""The command line: exit codes, messages, signals, a full disk, another number of ranks."""

from __future__ import annotations

import csv
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.scripts.main import main

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")

CASE = """\
schema: 1
title: line
mesh: {kind: interval, size: [10 nm], cell_size: 0.16 nm}
model:
  deposition: proportional
  override: {interface_width: {value: 1 nm, note: six cells}}
initial: {seeds: {law: none}}
drive: {steps: [{ramp: [0.6 V, 0.1 V], for: 10 s}, {hold: 0.1 V}]}
time: {until: 20 s}
output: {checkpoint: {every: 1 s}}
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case file in a folder of its own, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "line.yaml"
    path.write_text(CASE)
    return path


def _start(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "interphase.scripts.main", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )  # type: ignore[call-overload]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "timeseries.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_ends_with_0_in_a_numbered_folder(case: Path, capsys) -> None:
    """Progress with time left goes to the standard output."""
    assert main(["run", str(case), "--set", "time.until=11 s"]) == 0
    assert (case.parent / "results" / "line_001" / "summary.json").exists()
    text = capsys.readouterr().out
    assert "compiling forms" in text
    assert "100.0 %" in text and "left" in text
    assert main(["run", str(case), "--restart", "--set", "time.until=12 s", "-q"]) == 0
    assert float(_rows(case.parent / "results" / "line_001")[-1]["time [s]"]) == 12.0


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("mesh.cell_sise=1 nm", "mesh.cell_sise"),
        ("mesh.cell_size=2", "mesh.cell_size"),
        ("drive.steps[0].temperature=3 m", "drive.steps[0].temperature"),
        ("model.override.diffusivity.EC=-1e-10 m^2/s", "model.override.diffusivity.EC"),
        ("mesh.cell_size=0.5 nm", "mesh.cell_size"),
        ("drive.steps[0].ramp=[6 V, 5.5 V]", "drive.steps[1]"),
        ("output.fields.format=vtkhdf", "output.fields.format"),
        ("model.reactions=[R9]", "model.reactions"),
    ],
)
def test_a_bad_case_ends_with_2_and_one_line(case: Path, capsys, change: str, key: str) -> None:
    """Before anything is computed, and without a folder of results."""
    assert main(["run", str(case), "--set", change]) == 2
    errors = [line for line in capsys.readouterr().out.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert key in errors[0]
    assert not list((case.parent / "results").glob("*/case.yaml"))


def test_a_folder_in_use_ends_with_2(case: Path, capsys) -> None:
    """The line names the options."""
    assert main(["run", str(case), "-o", "out", "-q", "--set", "time.until=11 s"]) == 0
    assert main(["run", str(case), "-o", "out"]) == 2
    assert "--overwrite" in capsys.readouterr().out


def test_bad_arguments_end_with_2(case: Path) -> None:
    """Argparse's own code."""
    with pytest.raises(SystemExit) as caught:
        main(["run", str(case), "--walltime", "soon"])
    assert caught.value.code == 2


def test_a_film_that_meets_the_top_ends_with_1(case: Path, capsys) -> None:
    """A run failure names mesh.size and leaves a checkpoint."""
    change = ["--set", "mesh.size=[3.6 nm]", "--set", "mesh.cell_size=0.15 nm"]
    assert main(["run", str(case), "-o", "out", *change]) == 1
    assert "mesh.size" in capsys.readouterr().out
    assert Path("out/checkpoint.h5").exists()


def test_check_estimates_without_computing(case: Path, capsys) -> None:
    """Unknowns exactly, the rest roughly; a bad case ends with 2."""
    assert main(["check", str(case)]) == 0
    text = capsys.readouterr().out
    assert "unknowns    64" in text
    assert all(word in text for word in ("memory", "steps", "time", "film"))
    assert not Path("results").exists()
    assert main(["check", str(case), "--set", "mesh.cell_size=0.5 nm"]) == 2


def test_params_show_the_weak_points(capsys) -> None:
    """Every row with its source; recalled and assumed ones marked."""
    assert main(["params", "list"]) == 0
    assert "graphite_carbonate" in capsys.readouterr().out
    assert main(["params", "show", "graphite_carbonate"]) == 0
    whole = capsys.readouterr().out
    assert main(["params", "show", "graphite_carbonate", "--assumed"]) == 0
    weak = capsys.readouterr().out
    assert "RECALLED" in weak and "ASSUMED" in weak
    assert 0 < len(weak) < len(whole)
    assert "tunnelling_rate.R1" in whole
    assert main(["params", "show", "nonsense"]) == 2


@pytest.mark.parametrize(
    "words", [["params", "list"], ["params", "show", "none"], ["compare", "a", "b"],
              ["verify", "nothing"], ["report", "nowhere"]],
)  # fmt: skip
def test_a_command_leaves_logging_as_it_was(words: list[str]) -> None:
    """Whoever calls a command, another test among them, hears the package as before."""
    package = logging.getLogger("interphase")
    before = package.handlers[:], package.level, package.propagate
    main(words)
    assert (package.handlers[:], package.level, package.propagate) == before


def test_compare_two_runs(case: Path, capsys) -> None:
    """The same case twice is the same; another one is told apart by key and by curve."""
    for name, value in (("a", "0.6 V"), ("b", "0.6 V"), ("c", "0.5 V")):
        change = f"drive.steps[0].ramp=[{value}, 0.1 V]"
        assert main(["run", str(case), "-o", name, "-q", "--set", change]) == 0
    capsys.readouterr()
    assert main(["compare", "a", "b", "--tolerance", "1e-9"]) == 0
    assert "the cases are the same" in capsys.readouterr().out
    assert main(["compare", "a", "c", "--tolerance", "1e-9"]) == 1
    assert "drive.steps" in capsys.readouterr().out
    assert main(["compare", "a", "nowhere"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_with_3_and_a_restart_ends_the_same(case: Path, number: int) -> None:
    """In mid-run; the restarted run agrees with an uninterrupted one to 1e-8."""
    # Many steps: the signal comes while it runs.
    change = ["--set", "time.controller.largest_step=5 ms"]
    process = _start("run", case, "-o", "out", *change, cwd=case.parent)
    series = case.parent / "out" / "timeseries.csv"
    deadline = time.monotonic() + 120.0
    while not (series.exists() and series.read_text().count("\n") > 5):
        assert time.monotonic() < deadline, "the run does not start"
        time.sleep(0.1)
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 3, text
    assert "stopped by a signal" in text
    stopped = float(_rows(case.parent / "out")[-1]["time [s]"])
    assert stopped < 19.0
    # From here as fast as it can.
    assert main(["run", str(case), "-o", "out", "--restart", "-q"]) == 0
    rows = _rows(case.parent / "out")
    times = [float(row["time [s]"]) for row in rows]
    assert times == sorted(set(times))
    assert times[-1] == 20.0


@pytest.mark.slow
def test_a_full_disk_ends_with_1_and_keeps_the_checkpoint(case: Path) -> None:
    """The system refuses files beyond a size; the run says so and can be continued."""
    assert main(["run", str(case), "-o", "out", "-q", "--walltime", "00:00"]) == 3
    size = (case.parent / "out" / "checkpoint.h5").stat().st_size
    program = (
        "import resource, sys\n"
        "from mpi4py import MPI\n"  # its shared memory is a file as well
        "from interphase.scripts.main import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({3 * size // 4}, {3 * size // 4}))\n"
        "sys.exit(main(['run', sys.argv[1], '-o', 'out', '--restart']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(case)],
        cwd=case.parent, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "File too large" in done.stdout
    assert "--restart" in done.stdout
    assert (case.parent / "out" / "checkpoint.h5").stat().st_size == size
    assert main(["run", str(case), "-o", "out", "-q", "--restart"]) == 0


@pytest.mark.slow
def test_a_restart_on_two_ranks(case: Path) -> None:
    """Begun alone, ended under mpirun: the result of one run alone."""
    mpirun = Path(sys.executable).with_name("mpirun")
    if not mpirun.exists():
        pytest.skip("mpirun is not beside the interpreter")
    assert main(["run", str(case), "-o", "alone", "-q"]) == 0
    assert main(["run", str(case), "-o", "both", "-q", "--walltime", "00:00"]) == 3
    done = subprocess.run(
        [mpirun, "-n", "2", sys.executable, "-m", "interphase.scripts.main", "run", case, "-o",
         "both", "--restart"],
        cwd=case.parent, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("continuing at") == 1  # only rank 0 speaks
    assert main(["compare", "alone", "both", "--tolerance", "1e-8"]) == 0


@pytest.mark.slow
def test_more_ranks_than_cells_end_with_2(case: Path) -> None:
    """One line from all ranks together."""
    mpirun = Path(sys.executable).with_name("mpirun")
    if not mpirun.exists():
        pytest.skip("mpirun is not beside the interpreter")
    text = (
        case.read_text()
        .replace("0.16 nm", "6 nm")
        .replace("interval, ", "interval, under_resolved: a test, ")
    )
    case.write_text(text)
    done = subprocess.run(
        [mpirun, "-n", "3", sys.executable, "-m", "interphase.scripts.main", "run", case],
        cwd=case.parent, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.count("error:") == 1
