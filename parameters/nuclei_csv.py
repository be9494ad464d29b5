"""Reading the nuclei that a run has left in its ``nuclei.csv``.

``time [s],x [m],y [m],z [m],phase [-],converted [-]``, a row per nucleus.
"""

import csv
import math
from pathlib import Path
from typing import Any

from interphase.parameters.errors import CaseError

KEY = "initial.seeds.nuclei"
NUCLEI_COLUMNS = (
    ("time", "s"),
    ("x", "m"),
    ("y", "m"),
    ("z", "m"),
    ("phase", "-"),
    ("converted", "-"),
)
"""Name and unit of the columns; ``converted`` is 1 where the nucleus stood in film already."""


def read_nuclei(path: Path) -> list[dict[str, Any]]:
    """Return the nuclei of a file: the keys of ``initial.seeds.nuclei``, and ``converted``.

    Args:
        path: a file that a run has written.

    Raises:
        CaseError: the file is missing, is no table of nuclei, or holds a bad row; names the line.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise CaseError(f"cannot read {path}: {reason}", KEY) from error
    header = [f"{name} [{unit}]" for name, unit in NUCLEI_COLUMNS]
    if not rows or rows[0] != header:
        raise CaseError(f"{path} is no table of nuclei; its first line must be {header}", KEY)
    return [_nucleus(path, number, row) for number, row in enumerate(rows[1:], start=2)]


def _nucleus(path: Path, number: int, row: list[str]) -> dict[str, Any]:
    if len(row) != len(NUCLEI_COLUMNS):
        raise CaseError(
            f"{path}, line {number}: {len(NUCLEI_COLUMNS)} cells wanted, {len(row)} found", KEY
        )
    for cell in (*row[:4], row[5]):
        try:
            finite = math.isfinite(float(cell))
        except ValueError:
            finite = False
        if not finite:
            raise CaseError(f"{path}, line {number}: '{cell}' is not a finite number", KEY)
    return {"time": f"{row[0]} s", "at": [f"{cell} m" for cell in row[1:4]], "phase": row[4],
            "converted": float(row[5]) > 0.0}  # fmt: skip
