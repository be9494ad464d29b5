"""Reading drive profiles from CSV files.

The header names columns with their units, ``time [s],potential [V]``, optionally
``current_density [A/m^2]`` and ``temperature [K]``; any unit of the right dimension will do.
Lines that begin with # are comments.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from interphase.parameters.case_types import ROOM_TEMPERATURE
from interphase.parameters.errors import CaseError, ParameterError, did_you_mean
from interphase.parameters.units import check_unit, convert

KEY = "drive.file"
_COLUMNS = {"time": "s", "potential": "V", "current_density": "A/m^2", "temperature": "K"}
_HEADER = "time [s],potential [V],current_density [A/m^2],temperature [K]"


@dataclass(frozen=True, slots=True)
class Profile:
    """Columns of a file in SI units, all of one length.

    Attributes:
        time: rising from 0 [s].
        potential: electrode potential [V].
        current_density: intercalation current density [A/m2].
        temperature: temperature [K].
    """

    time: list[float]
    potential: list[float]
    current_density: list[float]
    temperature: list[float]


def read_profile(path: Path, largest_jump: float) -> Profile:
    """Read and check a profile.

    Args:
        path: the file.
        largest_jump: largest change of potential from row to row [V].

    Raises:
        CaseError: if the file is missing, a column or unit is unknown, a number is missing or not
            finite, time does not rise from 0, or the potential jumps; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise CaseError(f"cannot read {path}: {reason}", KEY) from error
    rows = [
        (number, next(csv.reader([line])))
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 3:
        raise CaseError(f"{path}: needs a header and at least two rows of numbers", KEY)
    units = _read_header(path, rows[0][1])
    columns: dict[str, list[float]] = {name: [] for name in units}
    for number, row in rows[1:]:
        if len(row) != len(units):
            raise CaseError(
                f"{path}, line {number}: {len(units)} numbers wanted, {len(row)} found", KEY
            )
        for (name, unit), text in zip(units.items(), row, strict=True):
            columns[name].append(_number(f"{path}, line {number}", name, text, unit))
    numbers = [number for number, _ in rows[1:]]
    _check_columns(path, numbers, columns, largest_jump)
    count = len(numbers)
    return Profile(
        columns["time"],
        columns["potential"],
        columns.get("current_density", [0.0] * count),
        columns.get("temperature", [ROOM_TEMPERATURE] * count),
    )


def _read_header(path: Path, header: list[str]) -> dict[str, str]:
    """Return the unit of each column, in the order of the file."""
    units: dict[str, str] = {}
    for cell in header:
        name, bracket, rest = cell.strip().partition("[")
        name, unit = name.strip(), rest.removesuffix("]").strip()
        if name not in _COLUMNS:
            raise CaseError(f"{path}: unknown column '{name}'; {did_you_mean(name, _COLUMNS)}", KEY)
        if not bracket or not rest.endswith("]"):
            raise CaseError(f"{path}: column '{name}' has no unit; write '{_HEADER}'", KEY)
        if name in units:
            raise CaseError(f"{path}: column '{name}' is given twice", KEY)
        try:
            check_unit(unit, _COLUMNS[name])
        except ParameterError as error:
            raise CaseError(f"{path}: column '{name}': {error}", KEY) from error
        units[name] = unit
    for name in ("time", "potential"):
        if name not in units:
            raise CaseError(f"{path}: column '{name}' is missing; write '{_HEADER}'", KEY)
    return units


def _number(where: str, name: str, text: str, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CaseError(f"{where}: {name} is '{text.strip()}', not a finite number", KEY)
    return convert(value, unit, _COLUMNS[name])


def _check_columns(
    path: Path, numbers: list[int], columns: dict[str, list[float]], largest_jump: float
) -> None:
    time, potential = columns["time"], columns["potential"]
    if time[0] != 0.0:
        raise CaseError(f"{path}, line {numbers[0]}: time must start at 0, got {time[0]} s", KEY)
    for index in range(1, len(time)):
        where = f"{path}, line {numbers[index]}"
        if not time[index] > time[index - 1]:
            raise CaseError(
                f"{where}: time must rise, {time[index]} s follows {time[index - 1]} s", KEY
            )
        jump = abs(potential[index] - potential[index - 1])
        if jump > largest_jump:
            raise CaseError(
                f"{where}: the potential changes by {jump:.6g} V in one row, more than "
                f"drive.largest_jump ({largest_jump:.6g} V)",
                KEY,
            )
    for index, temperature in enumerate(columns.get("temperature", [])):
        if not 100.0 <= temperature <= 1500.0:
            raise CaseError(
                f"{path}, line {numbers[index]}: temperature {temperature} K is out of range", KEY
            )
