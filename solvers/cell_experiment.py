"""Programs of a cell: experiment strings as PyBaMM reads them, profiles from files, plain lists."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from interphase.parameters.errors import CaseError, ParameterError, did_you_mean
from interphase.parameters.units import check_unit, convert
from interphase.solvers.cell_types import ControlStep, Profile, Termination

EXAMPLE: Final = "Charge at C/3 until 4.2 V"

_COLUMNS: Final[dict[str, tuple[Literal["current", "voltage", "power"], str]]] = {
    "current": ("current", "A"),
    "voltage": ("voltage", "V"),
    "power": ("power", "W"),
}


def read_experiment(
    cycles: Sequence[str | Sequence[str]], nominal_capacity: float, key: str = "experiment"
) -> tuple[tuple[ControlStep, ...], ...]:
    """Read experiment strings; one entry is one cycle, of one or several strings.

    Args:
        cycles: for example ``[["Discharge at 1C until 2.5 V", "Rest for 1 hour"]]``.
        nominal_capacity: what C-rates refer to [A h].
        key: key in the case file, for messages.

    Returns:
        The steps of each cycle.

    Raises:
        CaseError: if PyBaMM refuses a string; names the string and its place.
    """
    program = []
    for cycle_index, cycle in enumerate(cycles):
        alone = isinstance(cycle, str)
        texts = [cycle] if isinstance(cycle, str) else list(cycle)
        steps = []
        for index, text in enumerate(texts):
            place = f"{key}[{cycle_index}]" if alone else f"{key}[{cycle_index}][{index}]"
            steps.append(read_step(text, nominal_capacity, place))
        if not steps:
            raise CaseError("a cycle without steps", f"{key}[{cycle_index}]")
        program.append(tuple(steps))
    if not program:
        raise CaseError(f"has no steps; write for example '{EXAMPLE}'", key)
    return tuple(program)


def read_step(text: str, nominal_capacity: float, key: str = "experiment") -> ControlStep:
    """Read one experiment string.

    Raises:
        CaseError: if PyBaMM refuses it, or it asks for a constant resistance.
    """
    import pybamm

    try:
        step = pybamm.step.string(text)
    except (ValueError, TypeError, KeyError, IndexError, ZeroDivisionError) as error:
        words = str(error).strip().splitlines() or ["cannot be read"]
        raise CaseError(
            f"PyBaMM refuses '{text}': {words[0].strip()}; write for example '{EXAMPLE}'", key
        ) from error
    value = float(step.value)
    mode: Literal["current", "voltage", "power"]
    kind = type(step).__name__
    if kind in ("Current", "Rest"):
        mode = "current"
    elif kind == "CRate":
        mode, value = "current", value * nominal_capacity
    elif kind in ("Voltage", "Power"):
        mode = "voltage" if kind == "Voltage" else "power"
    else:
        raise CaseError(f"'{text}': a {kind.lower()} cannot be held; use A, C, V or W", key)
    if not math.isfinite(value):
        raise CaseError(f"'{text}': the value is not finite", key)
    return ControlStep(
        mode=mode,
        value=value,
        duration=float(step.duration),
        terminations=tuple(
            _termination(limit, step, nominal_capacity, text, key) for limit in step.termination
        ),
        temperature=None if step.temperature is None else float(step.temperature),
        name=text,
        guard=bool(step.uses_default_duration),
        may_skip=mode == "voltage" and bool(step.skip_ok),
    )


def _termination(
    limit: Any, step: Any, nominal_capacity: float, text: str, key: str
) -> Termination:
    value, sides = float(limit.value), {"<": "below", ">": "above"}
    kind = type(limit).__name__
    if kind == "CRateTermination":
        return Termination("abs_current", "below", value * nominal_capacity)
    if kind == "CurrentTermination":
        if limit.operator is None:
            return Termination("abs_current", "below", value)
        return Termination("current", "above" if limit.operator == ">" else "below", value)
    operator = limit.operator or {"charge": ">", "discharge": "<"}.get(step.direction or "")
    if kind != "VoltageTermination" or operator is None:
        raise CaseError(f"'{text}': the limit does not fit this step; use A or C/n", key)
    return Termination("voltage", "above" if sides[operator] == "above" else "below", value)


def read_profile_step(path: Path, key: str = "experiment.file") -> ControlStep:
    """Read a profile ``time [s],current [A]`` (or voltage [V], or power [W]) as one step.

    Discharge is positive. Any unit of the right dimension will do; lines that begin with # are
    comments.

    Raises:
        CaseError: if the file is missing, a column or unit is unknown, a number is missing or not
            finite, or time does not rise from 0; names file, row and column.
    """
    rows = _rows(path, key)
    (time_unit, time_at), (column, unit, at) = _header(path, rows[0][1], key)
    mode, base = _COLUMNS[column]
    times: list[float] = []
    values: list[float] = []
    for number, row in rows[1:]:
        where = f"{path}, line {number}"
        if len(row) != 2:
            raise CaseError(f"{where}: 2 numbers wanted, {len(row)} found", key)
        time = _number(where, "time", row[time_at], time_unit, "s", key)
        if not times and time != 0.0:
            raise CaseError(f"{where}: column 'time' must start at 0, got {time} s", key)
        if times and not time > times[-1]:
            raise CaseError(
                f"{where}: column 'time' must rise, {time} s follows {times[-1]} s", key
            )
        times.append(time)
        values.append(_number(where, column, row[at], unit, base, key))
    profile = Profile(np.array(times), np.array(values))
    return ControlStep(mode, 0.0, times[-1], profile=profile, name=path.name)


def current_program(current: float, duration: float) -> tuple[ControlStep, ...]:
    """Return a constant current [A] for a time [s]; the cut-off voltages of the cell end it."""
    return (ControlStep("current", current, duration, name=f"current {current:.6g} A"),)


def voltage_program(voltage: float, duration: float) -> tuple[ControlStep, ...]:
    """Return a constant voltage [V] for a time [s]."""
    return (ControlStep("voltage", voltage, duration, name=f"voltage {voltage:.6g} V"),)


def _rows(path: Path, key: str) -> list[tuple[int, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise CaseError(f"cannot read {path}: {reason}", key) from error
    rows = [
        (number, next(csv.reader([line])))
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 3:
        raise CaseError(f"{path}: needs a header and at least two rows of numbers", key)
    return rows


def _header(
    path: Path, header: list[str], key: str
) -> tuple[tuple[str, int], tuple[str, str, int]]:
    """Return unit and column of the time, and name, unit and column of the controlled quantity."""
    found: dict[str, tuple[str, int]] = {}
    known = ("time", *_COLUMNS)
    for index, cell in enumerate(header):
        name, bracket, rest = cell.strip().partition("[")
        name, unit = name.strip(), rest.removesuffix("]").strip()
        if name not in known:
            raise CaseError(f"{path}: unknown column '{name}'; {did_you_mean(name, known)}", key)
        if not bracket or not rest.endswith("]"):
            raise CaseError(f"{path}: column '{name}' has no unit; write '{name} [...]'", key)
        if name in found:
            raise CaseError(f"{path}: column '{name}' is given twice", key)
        try:
            check_unit(unit, "s" if name == "time" else _COLUMNS[name][1])
        except ParameterError as error:
            raise CaseError(f"{path}: column '{name}': {error}", key) from error
        found[name] = (unit, index)
    controlled = [name for name in found if name != "time"]
    if "time" not in found or len(controlled) != 1:
        raise CaseError(
            f"{path}: needs two columns, 'time [s]' and one of current [A], voltage [V], power [W]",
            key,
        )
    return found["time"], (controlled[0], *found[controlled[0]])


def _number(where: str, name: str, text: str, unit: str, base: str, key: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CaseError(f"{where}: column '{name}' is '{text.strip()}', not a finite number", key)
    return convert(value, unit, base)
