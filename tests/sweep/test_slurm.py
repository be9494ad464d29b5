"""The same study on a real Slurm controller as on this machine; a killed driver leaves no jobs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.scripts.main import main

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own"),
]

STUDY = """\
schema: 1
case: line.yaml
parameters: {'drive.steps[0].hold': [0.1 V, 0.05 V, 0.2 V]}
set: {time.until: 1 ms}
quantities: [thickness, lithium_lost]
resources: {ranks: RANKS, at_once: 2LAUNCHER}
"""


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Slurm of two cores."""
    path = Path(__file__).with_name("slurm.py")
    spec = importlib.util.spec_from_file_location("interphase_tests_slurm", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reason = module.why_not()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # sockets need short names
    with module.running(folder, cores=2) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield
    shutil.rmtree(folder, ignore_errors=True)


def cluster(folder: Path) -> str:
    """Return the block that uses it; what makes interphase available is this environment."""
    here = f"export PATH={Path(sys.executable).parent}:$PATH SLURM_CONF={os.environ['SLURM_CONF']}"
    return (
        "cluster: {kind: slurm, partition: work, cores_per_node: 2, exclusive: false, "
        f"address: 127.0.0.1, walltime: '00:10:00', setup: '{here}'}}\n"
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_slurm_gives_the_same_table_as_this_machine(slurm, study, tmp_path, monkeypatch, ranks):
    import pandas

    monkeypatch.chdir(tmp_path)
    # inside a job Hydra would ask srun for its processes; they are all on this node
    launcher = ", launcher: 'mpirun -launcher fork -n {ranks}'" if ranks > 1 else ""
    text = STUDY.replace("RANKS", str(ranks)).replace("LAUNCHER", launcher)
    study.write_text(text)
    assert main(["sweep", "study.yaml", "-o", "local"]) == 0
    study.write_text(text + cluster(tmp_path))
    assert main(["sweep", "study.yaml", "-o", "slurm"]) == 0
    local, batch = (pandas.read_csv(tmp_path / n / "results.csv") for n in ("local", "slurm"))
    assert list(batch["status [-]"]) == ["done"] * 3
    pandas.testing.assert_frame_equal(
        local.drop(columns="wall_time [s]"), batch.drop(columns="wall_time [s]"), rtol=1e-9
    )
    # it did go through the batch system
    scripts = list((tmp_path / "slurm" / "parsl").glob("*/submit_scripts/*block-0*"))
    assert any("#SBATCH" in path.read_text() for path in scripts)
    assert wait_for_no_jobs(30.0)


def wait_for_no_jobs(patience: float) -> bool:
    """Return whether the queue is empty within ``patience`` [s]."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        left = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True)
        if not left.stdout.strip():
            return True
        time.sleep(1.0)
    return False


def test_a_killed_driver_leaves_no_job_behind(slurm, study, program, tmp_path) -> None:
    """Its broker ends with it, and the job ends itself when it no longer hears of the broker."""
    volts = ", ".join(f"{0.1 + 0.01 * i:.2f} V" for i in range(3)) + ", 9 V, 9.1 V"
    study.write_text(
        f"schema: 1\ncase: line.yaml\nparameters: {{'drive.steps[0].hold': [{volts}]}}\n"
        "resources: {at_once: 2}\n" + cluster(tmp_path)
    )
    out = tmp_path / "out"
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(study), str(out), *program])
    deadline = time.monotonic() + 90.0
    # the first three are over, the two long ones run
    while len(list(out.glob("members/*/member.out"))) < 5:
        assert time.monotonic() < deadline and driver.poll() is None
        time.sleep(0.2)
    driver.kill()
    driver.wait()
    assert wait_for_no_jobs(180.0)


DRIVER = """
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
