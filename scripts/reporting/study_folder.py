"""Reading the folder of a coupled study: one condition, or several with a folder each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interphase.parameters.errors import OutputError
from interphase.scripts.reporting.folder import (
    Array,
    RunFolder,
    TimeSeries,
    read_case,
    read_json,
    read_series,
    read_snapshots,
)

_AGEING = "ageing.csv"
_MANY_CYCLES = 10
"""From so many cycles on, curves are drawn against the cycle instead of time."""


@dataclass(frozen=True, slots=True)
class Study:
    """What one coupled study left behind.

    Attributes:
        path: its folder.
        label: state of charge and temperature where there are several, else empty.
        provenance: versions, film parameters, cell.
        ageing: a row per exchange.
        cell: voltage and current of the simulated cycles, PyBaMM's names without units.
        patches: the films along the electrode; their series are their rows of ``patches.csv``.
        positions: of the films from the current collector [m], (patches,).
        summary: final numbers; empty for a study that has not finished.
    """

    path: Path
    label: str
    provenance: dict[str, Any]
    ageing: TimeSeries
    cell: TimeSeries
    patches: tuple[RunFolder, ...]
    positions: Array
    summary: dict[str, Any]

    @property
    def nominal_capacity(self) -> float:
        """Nominal capacity of the cell [A h]; not a number where the provenance lacks it."""
        values = (self.provenance.get("cell") or {}).get("values") or {}
        return float(values.get("Nominal cell capacity [A.h]", np.nan))

    @property
    def by_cycles(self) -> bool:
        """Whether it is read against cycles."""
        return bool(self.ageing["cycle"][-1] >= _MANY_CYCLES)


@dataclass(frozen=True, slots=True)
class StudySet:
    """All studies of one case.

    Attributes:
        path: the folder of the command.
        case: the resolved case, plain values.
        case_text: the same as text.
        studies: at least one.
        missing: how many conditions have left nothing to show.
    """

    path: Path
    case: dict[str, Any]
    case_text: str
    studies: tuple[Study, ...]
    missing: int = 0

    @property
    def title(self) -> str:
        """Title of the case."""
        return str(self.case.get("title") or self.path.name)


def is_study(path: Path) -> bool:
    """Return whether a folder holds a coupled study or several."""
    return bool((path / _AGEING).is_file() or _conditions(path))


def read_studies(path: Path, *, partial: bool = False) -> StudySet:
    """Read the folder of a coupled study.

    Args:
        path: the folder.
        partial: accept studies that have not finished; conditions without a row are left out.

    Raises:
        OutputError: if a file is missing or broken; the text names the file.
    """
    single = (path / _AGEING).is_file()
    studies = []
    for folder in [path] if single else _conditions(path):
        if not partial or _has_rows(folder / _AGEING):
            studies.append(_read(folder, single=single, partial=partial))
    if not studies:
        raise OutputError(f"{path}: no study has come to its first exchange yet; wait for it")
    case, text = read_case(studies[0].path / "case.yaml")
    wanted = _wanted(case)
    if len(studies) < wanted and not partial:
        raise OutputError(
            f"{path}: {len(studies)} of {wanted} conditions have been run; run the case with "
            "--restart, or report with --partial"
        )
    return StudySet(path, case, text, tuple(studies), wanted - len(studies))


def _wanted(case: dict[str, Any]) -> int:
    """Return how many studies a case asks for."""
    storage = ((case.get("drive") or {}).get("cell") or {}).get("storage") or {}
    return max(len(storage.get("soc") or "1") * len(storage.get("temperature") or "1"), 1)


def _conditions(path: Path) -> list[Path]:
    return sorted(one.parent for one in path.glob(f"soc_*/{_AGEING}"))


def _has_rows(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        return sum(1 for _ in zip(range(2), file, strict=False)) == 2


def _read(path: Path, *, single: bool, partial: bool) -> Study:
    summary_path = path / "summary.json"
    advice = "the study has not finished; run it with --restart, or report with --partial"
    finished = summary_path.exists()
    summary = read_json(summary_path, advice) if finished or not partial else {}
    case, text = read_case(path / "case.yaml")
    provenance = read_json(path / "provenance.json")
    patches, positions = _patches(path, case, text, provenance, partial=partial)
    return Study(
        path=path,
        label="" if single else _label(path, summary),
        provenance=provenance,
        ageing=read_series(path / _AGEING),
        cell=read_series(path / "cell.csv"),
        patches=patches,
        positions=positions,
        summary=summary,
    )


def _label(path: Path, summary: Mapping[str, Any]) -> str:
    """Return the condition for a legend."""
    condition = summary.get("condition") or {}
    parts = path.name.split("_")
    soc = condition.get("soc", parts[1])
    kelvin = condition.get("temperature", parts[-1].removesuffix("K"))
    return f"SOC {float(soc):g}, {float(kelvin) - 273.15:.0f} °C"


def _patches(
    path: Path, case: dict[str, Any], text: str, provenance: dict[str, Any], *, partial: bool
) -> tuple[tuple[RunFolder, ...], Array]:
    """Return the films of a study as runs of their own, and where they are."""
    table = read_series(path / "patches.csv")
    number = table["patch"].astype(int)
    runs, positions = [], []
    for index in np.unique(number):
        rows = number == index
        folder = path / "patches" / f"{index:02d}"
        series = TimeSeries({k: v[rows] for k, v in table.columns.items()}, table.units)
        shots = folder / "snapshots"
        there = (shots / "snapshots.json").exists() or not partial
        runs.append(
            RunFolder(
                path=folder,
                case=case,
                case_text=text,
                provenance=provenance,
                series=series,
                summary={},
                snapshots=read_snapshots(shots) if there else (),
            )
        )
        positions.append(float(series["position"][0]))
    return tuple(runs), np.array(positions)
