"""The numbers at the head of a report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.scripts.reporting.curves import BALANCE_TARGET
from interphase.scripts.reporting.folder import RunFolder, TimeSeries
from interphase.scripts.reporting.palette import formula_html, time_text


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number for people.

    Attributes:
        label: what it is, HTML.
        value: with unit.
        bad: whether it is beyond what a sound run shows.
    """

    label: str
    value: str
    bad: bool = False


def key_numbers(run: RunFolder) -> list[KeyNumber]:
    """Return the final numbers, the worst balances and the cost of a run."""
    series = run.series
    numbers = [
        KeyNumber("time simulated", time_text(float(series["time"][-1]))),
        KeyNumber("film thickness", f"{series['thickness'][-1] * 1e9:.3g} nm"),
        *_phases(series),
    ]
    for name, label, scale, unit in (
        ("porosity", "porosity", 100.0, "%"),
        ("coverage", "electrode covered", 100.0, "%"),
        ("grains", "grains", 1.0, ""),
        ("lithium_lost", "lithium lost", 1.0e3, "mmol/m²"),
        ("charge", "charge lost", 1.0e6 / 3600.0 / 1.0e4, "µAh/cm²"),
        ("film_resistance", "film resistance", 1.0e4, "Ω cm²"),
    ):
        values = series.get(name)
        if values is not None and np.isfinite(values[-1]):
            # round-off of something that is zero is zero to a reader
            value = values[-1] * scale if abs(values[-1]) > 1.0e-12 else 0.0
            numbers.append(KeyNumber(label, f"{value:.3g} {unit}".strip()))
    numbers += _balances(series)
    numbers.append(KeyNumber("accepted steps", str(series["time"].size)))
    wall = series.get("wall_time")
    if wall is not None:
        numbers.append(KeyNumber("wall time", time_text(float(np.nanmax(wall)))))
    return numbers


def _phases(series: TimeSeries) -> list[KeyNumber]:
    """Return the part of the film that each phase makes up."""
    whole = float(series["thickness"][-1])
    return [
        KeyNumber(
            f"{formula_html(name)} in the film",
            f"{100.0 * series[f'thickness_{name}'][-1] / whole:.3g} %",
        )
        for name in series.phases
        if whole > 0.0
    ]


def _balances(series: TimeSeries) -> list[KeyNumber]:
    numbers = []
    for name in ("element", "charge"):
        values = series.get(f"{name}_imbalance")
        if values is not None:
            worst = float(np.nanmax(np.abs(values)))
            numbers.append(
                KeyNumber(f"worst {name} imbalance", f"{worst:.1e}", bad=worst > BALANCE_TARGET)
            )
    return numbers
