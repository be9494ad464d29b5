"""Programs of a cell: experiment strings, profiles, and how they are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interphase.parameters.errors import CaseError
from interphase.solvers.cell_experiment import (
    current_program,
    read_experiment,
    read_profile_step,
    voltage_program,
)
from interphase.solvers.cell_types import ControlStep, Profile, Termination


def test_strings_become_steps_and_keep_their_cycles() -> None:
    program = read_experiment(
        [
            ["Discharge at 1C until 2.5 V", "Rest for 10 minutes"],
            ["Charge at 0.5C for 3 hours or until 4.2 V", "Hold at 4.2 V until C/50"],
            "Discharge at 2 W for 30 minutes",
        ],
        nominal_capacity=5.0,
    )
    assert [len(cycle) for cycle in program] == [2, 2, 1]
    discharge, rest = program[0]
    assert (discharge.mode, discharge.value) == ("current", 5.0)
    assert discharge.terminations == (Termination("voltage", "below", 2.5),)
    assert discharge.guard
    assert (rest.value, rest.duration, rest.guard) == (0.0, 600.0, False)
    charge, hold = program[1]
    assert (charge.value, charge.duration, charge.guard) == (-2.5, 3 * 3600.0, False)
    assert charge.terminations == (Termination("voltage", "above", 4.2),)
    assert hold.terminations == (Termination("abs_current", "below", 0.1),)
    assert hold.may_skip
    assert (program[2][0].mode, program[2][0].value) == ("power", 2.0)


@pytest.mark.parametrize(
    "text",
    [
        "Discharge at 1C",
        "Discharge at 1 furlong until 2.5 V",
        "Boost at 1C until 4.2 V",
        "Run US06 (A)",
        "Charge at C/0 until 4.2 V",
        "Discharge at 4 Ohm for 1 hour",
        "Rest until 3 V",
        "nonsense",
        "",
    ],
)
def test_a_refused_string_is_named_with_its_place(text: str) -> None:
    with pytest.raises(CaseError) as caught:
        read_experiment([["Rest for 1 hour"], ["Rest for 1 hour", text]], 5.0, "cell.experiment")
    assert caught.value.key == "cell.experiment[1][1]"
    assert f"'{text}'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cycles", [[], [[]]])
def test_an_empty_program_is_refused(cycles: list[list[str]]) -> None:
    with pytest.raises(CaseError, match="steps"):
        read_experiment(cycles, 5.0)


def test_profile_is_read_in_any_unit(tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    path.write_text("# measured\ntime [min],current [mA]\n0,0\n1,500\n2,-250\n")
    step = read_profile_step(path)
    assert step.mode == "current"
    assert step.duration == 120.0
    assert step.profile is not None
    np.testing.assert_allclose(step.profile.times, [0.0, 60.0, 120.0])
    np.testing.assert_allclose(step.profile.values, [0.0, 0.5, -0.25])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time [s],current [A]\n0,1\n1,\n2,1\n", "line 3: column 'current' is ''"),
        ("time [s],current [A]\n0,1\n1,nan\n2,1\n", "line 3: column 'current' is 'nan'"),
        ("time [s],current [A]\n0,1\n1\n2,1\n", "line 3: 2 numbers wanted"),
        ("time [s],current [V]\n0,1\n1,1\n", "column 'current'"),
        ("time [s],current\n0,1\n1,1\n", "has no unit"),
        ("time [s],amps [A]\n0,1\n1,1\n", "unknown column 'amps'"),
        ("time [s],current [A],power [W]\n0,1,1\n1,1,1\n", "two columns"),
        ("time [s],time [s]\n0,1\n1,1\n", "given twice"),
        ("time [s],power [W]\n0,1\n2,1\n2,1\n", "line 4: column 'time' must rise"),
        ("time [s],power [W]\n5,1\n6,1\n", "must start at 0"),
        ("time [s],power [W]\n0,1\n", "at least two rows"),
    ],
)
def test_a_bad_profile_names_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "drive.csv"
    path.write_text(text)
    with pytest.raises(CaseError) as caught:
        read_profile_step(path, "cell.profile")
    assert caught.value.key == "cell.profile"
    assert words in str(caught.value)


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="cannot read"):
        read_profile_step(tmp_path / "none.csv")


def test_plain_programs() -> None:
    assert current_program(-0.5, 60.0)[0].value == -0.5
    assert voltage_program(3.9, 60.0)[0].mode == "voltage"


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_lasts(duration: float) -> None:
    with pytest.raises(CaseError, match="duration"):
        ControlStep.rest(duration)


@pytest.mark.parametrize(
    ("times", "values"),
    [([0.0, 1.0], [1.0]), ([1.0, 2.0], [1.0, 1.0]), ([0.0, 0.0], [1.0, 1.0]), ([0.0], [1.0])],
)
def test_a_profile_is_checked(times: list[float], values: list[float]) -> None:
    with pytest.raises(CaseError):
        Profile(np.array(times), np.array(values))


def test_pybamm_is_imported_by_those_who_make_a_cell_only() -> None:
    """Its import takes seconds."""
    script = (
        "import sys; import interphase.solvers.cell, interphase.solvers.cell_experiment;"
        "import interphase.models.cell.laws; sys.exit('pybamm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
