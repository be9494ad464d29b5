"""``interphase compare``: two run folders side by side."""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from interphase.parameters.errors import OutputError
from interphase.parameters.yaml_io import YAMLError, read_yaml
from interphase.scripts.commands.common import BAD_CASE, DONE, logger, messages, write

type Floats = npt.NDArray[np.float64]

_EPILOG = """\
examples:
  interphase compare results/mosaic_formation_001 results/mosaic_formation_002
  interphase compare A B --tolerance 1e-6        exit code 1 if a curve differs by more

A curve's difference is the largest over the common times, relative to the largest value of A.
"""
# These tell how a run went, not what it found.
_OF_THE_RUN = (
    "step",
    "newton_iterations",
    "wall_time",
    "element_imbalance",
    "charge_imbalance",
    "carrier_mismatch",
)

# Below these a value is round-off, not a result.
_NOISE = {"porosity": 1e-9, "potential_drop": 1e-9}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="compare two run folders",
        description="Compare two runs: cases, final numbers and curves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", type=Path, help="a run folder")
    parser.add_argument("b", type=Path, help="another one")
    parser.add_argument(
        "--tolerance", type=float, help="exit code 1 if a curve differs by more than this part"
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    with messages(parsed):
        return _compare(parsed)


def _compare(parsed: argparse.Namespace) -> int:
    try:
        a, b = read_table(parsed.a), read_table(parsed.b)
        _write_cases(parsed.a, parsed.b)
    except OutputError as error:
        logger.error("error: %s", error)
        return BAD_CASE
    _write_endings(parsed.a, parsed.b)
    differences = curve_differences(a, b)
    write(
        f"{'column':24s} {'final A':>14s} {'final B':>14s} {'difference':>12s} {'of curves':>10s}"
    )
    for name in a:
        if name not in b:
            continue
        last_a, last_b = float(a[name][-1]), float(b[name][-1])
        curve = f"{differences[name]:10.2e}" if name in differences else ""
        write(f"{name:24s} {last_a:14.6g} {last_b:14.6g} {last_b - last_a:12.3g} {curve}")
    for name in [*(n for n in a if n not in b), *(n for n in b if n not in a)]:
        write(f"{name:24s} in one run only")
    worst = max(differences.values(), default=0.0)
    write(f"largest difference of a curve: {worst:.2e}")
    return 1 if parsed.tolerance is not None and worst > parsed.tolerance else DONE


def read_table(folder: Path) -> dict[str, Floats]:
    """Return the columns of a run's time series, by name without the unit.

    Raises:
        OutputError: there is none, or it is broken.
    """
    path = folder / "timeseries.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        names = [re.sub(r" \[.*\]$", "", cell) for cell in header]
        # A run that was killed may leave half a row.
        whole = [row for row in rows if len(row) == len(names)]
        values = np.array([[float(c) if c else math.nan for c in row] for row in whole])
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(
            f"{path}: cannot be read ({reason}); give the folder that interphase run has written"
        ) from error
    if not values.size:
        raise OutputError(f"{path}: holds no step yet")
    return {name: values[:, i] for i, name in enumerate(names)}


def curve_differences(a: dict[str, Floats], b: dict[str, Floats]) -> dict[str, float]:
    """Return the largest difference of every curve, as a part of A's largest value."""
    start, end = max(a["time"][0], b["time"][0]), min(a["time"][-1], b["time"][-1])
    times = np.unique(np.concatenate([a["time"], b["time"]]))
    times = times[(times >= start) & (times <= end)]
    found = {}
    for name in a:
        if name == "time" or name in _OF_THE_RUN or name not in b or not times.size:
            continue
        left, right = (np.interp(times, t["time"], t[name]) for t in (a, b))
        both = np.isfinite(left) & np.isfinite(right)
        largest = float(np.abs(left[both]).max(initial=0.0))
        scale = max(largest, _NOISE.get(name, 0.0)) or 1.0
        found[name] = float(np.abs(left - right)[both].max(initial=0.0)) / scale
    return found


def _write_cases(a: Path, b: Path) -> None:
    from interphase.solvers.restart import differences

    cases = []
    for folder in (a, b):
        try:
            cases.append(read_yaml(folder / "case.yaml"))
        except (YAMLError, OSError) as error:
            raise OutputError(f"{folder / 'case.yaml'}: cannot be read ({error})") from error
    found = list(differences(cases[0], cases[1]))
    write("the cases are the same" if not found else "the cases differ in")
    for key, old, new in found:
        write(f"  {key}: {old!r} | {new!r}")


def _write_endings(a: Path, b: Path) -> None:
    rows: list[tuple[str, Any, Any]] = []
    summaries = []
    for folder in (a, b):
        try:
            summaries.append(json.loads((folder / "summary.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            summaries.append({})
    for label, keys in (
        ("ending", ("ending",)),
        ("ranks", ("ranks",)),
        ("steps accepted", ("steps", "accepted")),
        ("steps rejected", ("steps", "rejected")),
        ("wall time [s]", ("wall_time", "total")),
    ):
        rows.append((label, _dig(summaries[0], keys), _dig(summaries[1], keys)))
    for label, left, right in rows:
        write(f"{label:24s} {left!s:>14s} {right!s:>14s}")
    write("")


def _dig(data: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        data = data.get(key, "?") if isinstance(data, dict) else "?"
    return f"{data:.4g}" if isinstance(data, float) else data
