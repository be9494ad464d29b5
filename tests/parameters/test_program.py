"""Drive programs from steps and from CSV files."""

import timeit
from pathlib import Path
from typing import Any

import pytest

from interphase.parameters.case_run import DriveCase
from interphase.parameters.errors import CaseError
from interphase.parameters.program import Drive, DriveProgram

HOUR = 3600.0


def program(steps: list[dict[str, Any]], until: float = 6 * HOUR, **more: Any) -> DriveProgram:
    """Build a program from the steps of a case."""
    return DriveProgram.from_drive(DriveCase(steps=steps, **more), until)


RAMP = {"ramp": ["1.0 V", "0.1 V"], "rate": "1.8 V/h"}


def test_ramp_and_hold() -> None:
    """Value, slope and breakpoints of the formation program."""
    drive = program([RAMP, {"hold": "0.1 V", "until": "6 h"}])
    assert drive.times == (0.0, HOUR / 2, 6 * HOUR)
    assert drive.breakpoints == (HOUR / 2, 6 * HOUR)
    assert drive.at(0.0) == Drive(1.0, 0.0, 298.15)
    assert drive.at(900.0).potential == pytest.approx(0.55, rel=1e-14)
    assert drive.at(1800.0).potential == 0.1
    assert drive.at(1e9).potential == 0.1
    assert drive.slope(0.0) == pytest.approx(-1.8 / HOUR, rel=1e-14)
    assert drive.slope(1800.0) == 0.0
    assert drive.slope(1e9) == 0.0


def test_jump_belongs_to_the_step_ahead() -> None:
    """A time step that ends at the jump still sees the old potential, current and temperature."""
    drive = program(
        [
            {"hold": "0.5 V", "for": "1 h", "current_density": "1 A/m^2"},
            {"ramp": ["0.1 V", "0.2 V"], "for": "1 h", "temperature": "45 degC"},
            {"hold": "0.2 V"},
        ]
    )
    assert drive.at(HOUR) == Drive(0.5, 1.0, 298.15)
    after = drive.at(HOUR * (1 + 1e-12))
    assert after.potential == pytest.approx(0.1, abs=1e-9)
    assert (after.current_density, after.temperature) == (0.0, 318.15)
    assert drive.slope(HOUR) == pytest.approx(0.1 / HOUR)


@pytest.mark.parametrize("last", [{}, {"for": "1 h"}, {"until": "1 h"}])
def test_last_hold_goes_on_to_the_end(last: dict[str, str]) -> None:
    """With and without an end of its own."""
    drive = program([RAMP, {"hold": "0.1 V", **last}], until=20 * HOUR)
    assert drive.end == 20 * HOUR


def test_hold_may_outlast_the_run() -> None:
    """A program longer than the run is kept as it is."""
    assert program([{"hold": "0.1 V", "for": "9 h"}], until=HOUR).end == 9 * HOUR


def test_steps_that_the_run_never_reaches_are_dropped() -> None:
    """A formation case cut short with ``--set time.until`` once was refused."""
    short = program([{"hold": "1 V", "for": "6 h"}, {"hold": "1 V", "for": "1 h"}], until=HOUR)
    assert short.end == 6 * HOUR


@pytest.mark.parametrize(
    ("steps", "key", "words"),
    [
        ([{"hold": "0.1 V", "for": "1 h"}, {"hold": "5.1 V"}], "drive.steps[1]", "jumps by 5 V"),
        ([RAMP, {"hold": "0.1 V", "until": "10 min"}], "drive.steps[1].until", "later time"),
        ([RAMP, {"hold": "0.1 V", "until": "30 min"}], "drive.steps[1].until", "later time"),
        ([{"hold": "1 V"}, RAMP], "drive.steps[0]", "only the last hold"),
        ([RAMP], "drive.steps[0]", "ends at 0.5 h, before time.until (6 h)"),
    ],
)
def test_bad_program_is_refused(steps: list[dict[str, Any]], key: str, words: str) -> None:
    """The step is named."""
    with pytest.raises(CaseError) as caught:
        program(steps)
    assert caught.value.key == key
    assert words in str(caught.value).replace("30 min", "0.5 h")


def test_largest_jump_can_be_widened() -> None:
    """A jump that is meant is allowed when it is named."""
    steps = [{"hold": "0.1 V", "for": "1 h"}, {"hold": "3.1 V"}]
    with pytest.raises(CaseError, match="jumps by 3 V"):
        program(steps)
    assert program(steps, largest_jump="4 V").at(2 * HOUR).potential == 3.1


def test_asking_is_cheap() -> None:
    """The step control asks often; ten microseconds a call would still be nothing."""
    drive = program([RAMP] + [{"hold": "0.1 V", "for": "1 s"}] * 500 + [{"hold": "0.1 V"}])
    best = min(timeit.repeat(lambda: drive.at(1000.0), number=1000, repeat=5)) / 1000
    assert best < 5e-5


def csv_program(folder: Path, text: str, until: float = 10.0) -> DriveProgram:
    """Write a profile and build its program."""
    path = folder / "profile.csv"
    path.write_text(text, encoding="utf-8")
    return DriveProgram.from_drive(DriveCase(kind="csv", file=str(path)), until)


def test_csv_is_read_with_its_units(tmp_path: Path) -> None:
    """Linear between rows, any unit, any order of columns, comments and blank lines skipped."""
    drive = csv_program(
        tmp_path,
        "# from the cell model\npotential [mV], time [min],temperature [degC]\n"
        "\n1000,0,25\n100,1,35\n100,2,35\n",
        until=120.0,
    )
    assert drive.breakpoints == (60.0, 120.0)
    middle = drive.at(30.0)
    assert middle.potential == pytest.approx(0.55, rel=1e-12)
    assert middle.temperature == pytest.approx(303.15, rel=1e-12)
    assert middle.current_density == 0.0
    assert drive.slope(10.0) == pytest.approx(-0.9 / 60.0, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time [s],potential [V]\n0,1\n5,nan\n10,1\n", "line 3: potential is 'nan'"),
        ("time [s],potential [V]\n0,1\n5,\n10,1\n", "line 3: potential is ''"),
        ("time [s],potential [V]\n0,1\n5,x\n10,1\n", "line 3: potential is 'x'"),
        ("time [s],potential [V]\n0,1\ninf,1\n", "line 3: time is 'inf'"),
        ("time [s],potential [V]\n0,1\n5,1\n5,1\n10,1\n", "line 4: time must rise"),
        ("time [s],potential [V]\n0,1\n10,1\n5,1\n", "line 4: time must rise"),
        ("time [s],potential [V]\n1,1\n10,1\n", "line 2: time must start at 0"),
        ("time [s],potential [V]\n0,0.1\n10,5.1\n", "line 3: the potential changes by 5 V"),
        ("time [s],potential [V]\n0,1,2\n10,1\n", "line 2: 2 numbers wanted, 3 found"),
        ("time [s],potential [V]\n0,1\n", "at least two rows"),
        ("time [s],voltage [V]\n0,1\n10,1\n", "unknown column 'voltage'"),
        ("time [s],potential\n0,1\n10,1\n", "column 'potential' has no unit"),
        ("time [s],potential [m]\n0,1\n10,1\n", "column 'potential': .* wrong dimension"),
        ("time [s],potential [Vv]\n0,1\n10,1\n", "column 'potential': unknown unit 'Vv'"),
        ("time [s],time [s]\n0,1\n10,1\n", "column 'time' is given twice"),
        ("time [s]\n0\n10\n", "column 'potential' is missing"),
        ("time [s],potential [V],temperature [K]\n0,1,25\n10,1,25\n", "temperature 25.0 K is out"),
        ("time [s],potential [V]\n0,1\n5,1\n", "ends at 5 s, before time.until"),
    ],
)
def test_bad_csv_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """File, line and column are named."""
    with pytest.raises(CaseError, match=words) as caught:
        csv_program(tmp_path, text)
    assert caught.value.key == "drive.file"
    assert "\n" not in str(caught.value)


def test_missing_csv_is_refused(tmp_path: Path) -> None:
    """The file is named."""
    drive = DriveCase(kind="csv", file=str(tmp_path / "none.csv"))
    with pytest.raises(CaseError, match=r"cannot read .*none\.csv: No such file"):
        DriveProgram.from_drive(drive, 1.0)


@pytest.mark.parametrize("times", [(0.0, 0.0), (1.0, 0.5), (0.0,)])
def test_program_by_hand_is_checked(times: tuple[float, ...]) -> None:
    """Also when no case is behind it."""
    state = Drive(0.1, 0.0, 298.15)
    with pytest.raises(CaseError):
        DriveProgram(times, (state,), (state,))
