"""A study whose members are a small program, not the finite elements."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

CASE = """\
schema: 1
title: line
mesh: {kind: interval, size: [10 nm], cell_size: 0.16 nm}
model:
  deposition: proportional
  override: {interface_width: {value: 1 nm, note: six cells}}
initial: {seeds: {law: none}}
drive: {steps: [{hold: 0.1 V}]}
time: {until: 2 s}
"""

# What it does is told by the potential that it is given.
PROGRAM = """\
import os, signal, sys, time
from pathlib import Path
arguments = sys.argv[1:]
folder = Path(arguments[arguments.index("-o") + 1])
sets = [b for a, b in zip(arguments, arguments[1:]) if a == "--set"]
number, unit = [s.split("=")[1].split() for s in sets if ".hold=" in s][0]
volts = float(number) * {"V": 1.0, "mV": 1e-3}[unit]
with (folder.parent.parent / "starts").open("a") as file:
    file.write(f"{folder.name} {os.getpid()} {'--restart' in arguments}\\n")
tighter = any("front_fraction" in s for s in sets)
if volts == 1.0:
    sys.exit("error: Newton did not converge")
if volts == 1.1:
    os.kill(os.getpid(), signal.SIGSEGV)
if volts == 1.2:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
if volts == 1.3 and not tighter:
    sys.exit("error: a step failed")
if volts == 1.4:
    sys.exit("error: cannot write timeseries.csv: No space left on device; check space")
if volts == 1.5:
    sys.stdout.write("error: drive.steps[0].hold: is wrong\\n")
    sys.exit(2)
if 0.5 < volts < 1.0 or volts >= 3.0:
    time.sleep(volts)
(folder / "timeseries.csv").write_text(
    f"time [s],thickness [m]\\n0.0,1e-9\\n2.0,{1e-9 * (1.0 + volts)!r}\\n")
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    """Write the program and return how it is called."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return [sys.executable, str(path)]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Write the case and return the path where a study's text is expected."""
    (tmp_path / "line.yaml").write_text(CASE)
    return tmp_path / "study.yaml"
