"""May a run go on with this case? Everything that shaped its past must be the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from interphase.parameters.case import Case
from interphase.parameters.errors import CaseError, CheckpointError
from interphase.parameters.program import Drive, DriveProgram
from interphase.parameters.table import ParameterTable
from interphase.solvers.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

# Keys that do not belong to the physics of the past.
_FREE: Final = ("title", "time.until", "output", "time.controller", "solver", "drive")
# Two potentials [V], currents [A/m2] or temperatures [K] closer than this part are the same.
_SAME: Final = 1.0e-9


def parameter_values(table: ParameterTable) -> dict[str, float | None]:
    """Return every value of a table in SI, by key."""
    return {row.key: row.value for row in table.parameters}


def check_same(case: Case, table: ParameterTable, stored: Checkpoint, time: float) -> None:
    """Refuse to continue with another case than that of the checkpoint.

    Args:
        case: as given now.
        table: its parameters, overrides applied.
        stored: what the checkpoint says of its case.
        time: of the checkpoint [s].

    Raises:
        CaseError: the first key that differs, with both values.
        CheckpointError: the case in the checkpoint cannot be read by this version.
    """
    for key, old, new in differences(stored.case, case.resolved()):
        if not key.startswith(_FREE):
            raise CaseError(
                f"is {_show(new)}, the run was started with {_show(old)}; a restart may change "
                "only title, time.until, the drive ahead, output, time.controller and solver: "
                "restore it or start a new run",
                key,
            )
        logger.info("restart with %s = %s (was %s)", key, _show(new), _show(old))
    for key, value in parameter_values(table).items():
        if key in stored.parameters and stored.parameters[key] != value:
            raise CaseError(
                f"row {key} of the table is {value} now, the run was started with "
                f"{stored.parameters[key]} (SI); restore it or start a new run",
                "model.table",
            )
    _check_drive(case, stored, time)


def _check_drive(case: Case, stored: Checkpoint, time: float) -> None:
    """Refuse a drive that differs before the time of the checkpoint."""
    try:
        old = Case(**stored.case).program()
    except CaseError as error:
        if case.drive.kind == "csv":
            raise CaseError(
                f"the drive of the run cannot be read again ({error})", "drive"
            ) from error
        raise CheckpointError(f"the checkpoint's case is not understood: {error}") from error
    new = case.program()
    marks = sorted({0.0, time, *(t for p in (old, new) for t in p.times if t < time)})
    middles = [0.5 * (a + b) for a, b in zip(marks, marks[1:], strict=False)]
    # Both are linear between marks: two points of each stretch tell.
    for t in (*marks[1:], *middles):
        if not _alike(old.at(t), new.at(t)):
            raise CaseError(
                f"differs at {t:.6g} s from the run's ({new.at(t).potential:.6g} V now, "
                f"{old.at(t).potential:.6g} V then); a restart may change the drive only after the "
                f"checkpoint at {time:.6g} s",
                "drive",
            )


def _alike(a: Drive, b: Drive) -> bool:
    pairs = (
        (a.potential, b.potential),
        (a.current_density, b.current_density),
        (a.temperature, b.temperature),
    )
    return all(abs(x - y) <= _SAME * max(abs(x), abs(y), 1.0e-3) for x, y in pairs)


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (key, old, new) of everything that differs between two plain cases."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from differences(old.get(key), new.get(key), f"{path}.{key}".removeprefix("."))
    elif old != new:
        yield path, old, new


def _show(value: Any) -> str:
    return "nothing" if value is None else repr(value)


__all__ = ["DriveProgram", "check_same", "differences", "parameter_values"]
