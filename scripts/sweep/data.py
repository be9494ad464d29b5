"""Data of a calibration: a table of time and a measured quantity, read and checked."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from interphase.parameters.errors import CaseError, ParameterError, did_you_mean
from interphase.parameters.units import convert, to_si
from interphase.scripts.sweep.calibration import Data, check_data
from interphase.scripts.sweep.study import CalibrationCase

_KEY = "calibration.data"
_HEADER = re.compile(r"(\S+) \[(.+)\]")


def read_data(block: CalibrationCase, columns: Mapping[str, str]) -> tuple[str, Data]:
    """Read the data of a calibration.

    Args:
        block: names the file, and sigma for files without a column of it.
        columns: units of the columns that a time series has.

    Returns:
        The quantity's name, and the data in SI.

    Raises:
        CaseError: the file is no such table; names file and line.
    """
    path = Path(block.data)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise CaseError(f"cannot read {path}: {reason}", _KEY) from error
    rows = [
        (number, next(csv.reader([line])))
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 2:
        raise CaseError(f"{path}: needs a header and rows of numbers", _KEY)
    name, units = _header(path, rows[0][1], columns)
    kinds = ["s", columns[name], columns[name]][: len(units)]
    given = [_row(path, number, row, units) for number, row in rows[1:]]
    table = np.array([list(map(convert, row, units, kinds)) for row in given])
    if len(units) == 3:
        return name, Data(table[:, 0], table[:, 1], table[:, 2])
    if block.sigma is None:
        raise CaseError(
            "is missing, the data have no column sigma; write for example 0.5 nm",
            "calibration.sigma",
        )
    try:
        sigma = to_si(block.sigma, columns[name])
    except ParameterError as error:
        raise CaseError(str(error), "calibration.sigma") from error
    return name, Data(table[:, 0], table[:, 1], np.full(len(table), sigma))


def _header(path: Path, header: list[str], columns: Mapping[str, str]) -> tuple[str, list[str]]:
    found = [_HEADER.fullmatch(cell.strip()) for cell in header]
    names = [match[1] if match else "" for match in found]
    units = [match[2] if match else "" for match in found]
    if len(names) not in (2, 3) or names[0] != "time" or names[2:] not in ([], ["sigma"]):
        raise CaseError(
            f"{path}: the header must be like 'time [day],thickness [nm],sigma [nm]', "
            f"got '{','.join(header)}'",
            _KEY,
        )
    if names[1] not in columns:
        raise CaseError(
            f"{path}: a run has no '{names[1]}'; {did_you_mean(names[1], columns)}", _KEY
        )
    wanted = ["s", columns[names[1]], columns[names[1]]][: len(units)]
    for name, unit, kind in zip(names, units, wanted, strict=True):
        try:
            convert(1.0, unit, kind)
        except ParameterError as error:
            raise CaseError(f"{path}: {name}: {error}", _KEY) from error
    return names[1], units


def _row(path: Path, number: int, row: list[str], units: list[str]) -> list[float]:
    try:
        values = [float(cell) for cell in row]
    except ValueError:
        values = []
    if len(values) != len(units) or not np.all(np.isfinite(values)):
        raise CaseError(f"{path}, line {number}: {len(units)} finite numbers wanted", _KEY)
    return values


def check_calibration(
    columns: Mapping[str, str],
    block: CalibrationCase,
    until: float | None,
    factors: int,
    kind: str,
) -> None:
    """Refuse a calibration that cannot be made, before anything is run.

    Args:
        columns: units of the columns that a time series has.
        block: the calibration.
        until: time at which the runs end [s], None where they will tell.
        factors: number of parameters.
        kind: of the design.

    Raises:
        CaseError: something is wrong with it.
    """
    if kind not in ("lhs", "sobol"):
        raise CaseError("needs a design of kind lhs or sobol with distributions", "calibration")
    _, data = read_data(block, columns)
    check_data(data, factors)
    if data.time.min() < 0.0 or (until is not None and data.time.max() > until):
        raise CaseError(f"the data go beyond the runs' end at {until or 0.0:g} s", _KEY)
