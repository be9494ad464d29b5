"""Report of a whole cell: curves in time, spreads between places, maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from interphase.scripts.reporting import page
from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    line_handle,
    new_figure,
    style,
)
from interphase.scripts.reporting.folder import (
    RunFolder,
    Snapshot,
    TimeSeries,
    read_run,
)
from interphase.scripts.reporting.numbers import KeyNumber
from interphase.scripts.reporting.palette import ACCENT, GUIDE, SECOND, time_text, time_unit
from interphase.scripts.reporting.render_cell import render_map
from interphase.scripts.reporting.study_page import cell_table

CURRENT_TARGET: Final = 1.0e-8
HEAT_TARGET: Final = 1.0e-6
"""Largest relative imbalances that a sound run shows [-]."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that differs from place to place.

    Attributes:
        name: in the time series and pictures.
        label: for people.
        unit: shown.
        scale: of the SI value to that unit.
        offset: taken off the scaled value.
        field: its name in the pictures where that is another.
    """

    name: str
    label: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0
    field: str = ""

    def shown(self, values: Any) -> Any:
        """Return SI values in the unit that is shown."""
        return np.asarray(values, dtype=float) * self.scale - self.offset


QUANTITIES: Final = (
    Quantity("temperature", "temperature", "°C", offset=273.15),
    Quantity("current_density", "current density", "A/m²"),
    Quantity("soc", "state of charge", "%", scale=100.0),
    Quantity("film_thickness", "film thickness", "nm", scale=1e9, field="thickness"),
)


def is_whole_cell(path: Path) -> bool:
    """Return whether a folder holds a run of a whole cell."""
    return (path / "places.csv").is_file()


def read_cell(path: Path, *, partial: bool = False) -> RunFolder:
    """Read the folder of a run of a whole cell; see `read_run`.

    Raises:
        OutputError: it is no complete run.
    """
    ages = (path / "ageing.csv").is_file()
    return read_run(path, partial=partial, table="ageing.csv" if ages else "timeseries.csv")


def is_ageing(run: RunFolder) -> bool:
    """Return whether films grew at the places through many cycles."""
    return "ageing" in run.case


def draw_cell(run: RunFolder, times: Sequence[float] = ()) -> list[Picture]:
    """Return all pictures in the order of the page.

    Args:
        run: the folder.
        times: at which maps are drawn [s]; where temperatures differ most if empty.
    """
    pictures = [_terminals(run.series), _spreads(run.series)]
    for index, shot in enumerate(_chosen(run, times)):
        caption = (
            f"At {time_text(shot.time)}; voltage {run.series.at('voltage', shot.time):.3f} V, "
            f"current {run.series.at('current', shot.time):.4g} A."
        )
        pictures.append(map_picture(shot, index, caption))
    return pictures


def _chosen(run: RunFolder, times: Sequence[float]) -> list[Snapshot]:
    """Return the pictures to draw: nearest to the times, or where temperatures differ most."""
    if not run.snapshots:
        return []
    at = np.array([shot.time for shot in run.snapshots])
    if times:
        return [run.snapshots[i] for i in sorted({int(np.abs(at - t).argmin()) for t in times})]
    series = run.series
    spread = series["temperature_largest"] - series["temperature_least"]
    rows = [int(np.abs(series["time"] - t).argmin()) for t in at]
    worst = int(np.argmax(spread[rows]))
    return [run.snapshots[i] for i in sorted({worst, len(at) - 1})]


def _terminals(series: TimeSeries) -> Picture:
    unit = time_unit(float(series["time"][-1]))
    time = series["time"] / unit[0]
    with style():
        figure = new_figure(7.2, 5.0)
        axes = figure.subplots(2, 2, sharex=True)
        for index, (ax, name, label) in enumerate(
            zip(
                axes.flat,
                ("voltage", "current", "", "heat_generated"),
                ("voltage [V]", "current [A]", "temperature [°C]", "heat [W]"),
                strict=True,
            )
        ):
            letter(ax, index, label)
            if name:
                ax.plot(time, series[name], color=ACCENT)
        bands(axes.flat[2], time, series, QUANTITIES[0])
        axes.flat[3].plot(time, series["heat_removed"], color=SECOND, linestyle="--")
        axes.flat[3].plot(time, series["heat_of_collectors"], color=GUIDE, linestyle=":")
        axes.flat[3].legend(
            handles=[
                line_handle(ACCENT, "set free"),
                line_handle(SECOND, "removed", "--"),
                line_handle(GUIDE, "of collectors and tabs", ":"),
            ]
        )
        for ax in axes[-1]:
            ax.set_xlabel(f"time [{unit[1]}]")
        png = as_png(figure)
    caption = (
        "What the terminals see, temperature of the places (mean, and from the least to the "
        "largest) and heat. Discharge current is positive."
    )
    return Picture("terminals", "Voltage, current, temperature, heat", caption, png)


def bands(ax: Any, time: Any, series: TimeSeries, quantity: Quantity) -> None:
    """Draw the mean, and a band from the least to the largest of all places."""
    name = quantity.name
    low, high = (quantity.shown(series[f"{name}_{end}"]) for end in ("least", "largest"))
    ax.fill_between(time, low, high, color=ACCENT, alpha=0.25, linewidth=0.0)
    ax.plot(time, quantity.shown(series[name]), color=ACCENT)


def _spreads(series: TimeSeries) -> Picture:
    unit = time_unit(float(series["time"][-1]))
    time = series["time"] / unit[0]
    known = [one for one in QUANTITIES if series.get(one.name) is not None]
    with style():
        figure = new_figure(7.2, 5.0)
        axes = figure.subplots(2, 2, sharex=True)
        for index, (ax, one) in enumerate(zip(axes.flat, known, strict=False)):
            spread = series[f"{one.name}_largest"] - series[f"{one.name}_least"]
            letter(ax, index, f"{one.label}: spread [{one.unit if one.offset == 0 else 'K'}]")
            ax.plot(time, spread * one.scale, color=ACCENT)
        for ax in axes.flat[len(known) :]:
            ax.set_axis_off()
        for ax in axes[-1]:
            ax.set_xlabel(f"time [{unit[1]}]")
        png = as_png(figure)
    caption = "Difference between the largest and the least of all places."
    return Picture("spreads", "How much places differ", caption, png)


def map_picture(shot: Snapshot, index: int, caption: str) -> Picture:
    """Return maps of all that differs from place to place in one snapshot."""
    import pyvista

    with pyvista.vtk_verbosity("off"):
        grid = pyvista.read(shot.path)
    known = [one for one in QUANTITIES if (one.field or one.name) in grid.array_names]
    with style():
        figure = new_figure(7.2, 3.4 * ((len(known) + 1) // 2))
        axes = np.atleast_1d(figure.subplots((len(known) + 1) // 2, 2)).ravel()
        for number, (ax, one) in enumerate(zip(axes, known, strict=False)):
            image, low, high = render_map(grid, one.field or one.name, one.shown)
            ax.imshow(image)
            letter(ax, number, f"{one.label} [{one.unit}]")
            ax.set_xlabel(
                f"{_digits(low, high, low)} (dark) to {_digits(low, high, high)} (bright)"
            )
            ax.set_xticks([])
            ax.set_yticks([])
            ax.grid(visible=False)
        for ax in axes[len(known) :]:
            ax.set_axis_off()
        png = as_png(figure)
    caption += " A wound cell is cut open. Every place has one value; the temperature is a field."
    return Picture(f"maps_{index}", f"Maps at {time_text(shot.time)}", caption, png)


def _digits(low: float, high: float, value: float) -> str:
    """Return a value with as many digits as tell the ends apart."""
    span = max(high - low, 1e-12)
    digits = int(np.clip(2 - np.floor(np.log10(span)), 0, 6))
    return f"{value:.{digits}f}"


def build_cell_page(run: RunFolder, pictures: Sequence[Picture]) -> str:
    """Return the page of a run of a whole cell.

    Args:
        run: the folder.
        pictures: in the order in which they are shown.
    """
    provenance = run.provenance
    from interphase.scripts.reporting.whole_cell_ageing import ageing_numbers

    ages = is_ageing(run)
    steps = [] if ages else [page.Section("Control steps", _steps(run.summary))]
    sections = [
        *(page.Section(one.title, page.figure(one)) for one in pictures),
        *steps,
        page.Section("Electrode pair and its sources", cell_table(provenance), "cell"),
        page.Section("Case", page.case_text(run.case_text, run.summary)),
        page.Section("Versions and host", page.versions_table(provenance), "versions"),
    ]
    cell = provenance.get("cell") or {}
    below = page.subtitle(
        provenance, run.path.name, "",
        f"{cell.get('model', 'pairs')} by PyBaMM with {cell.get('parameters', 'its parameters')}",
    )  # fmt: skip
    head = page.warning_box(_warnings(run)) + page.number_list(
        ageing_numbers(run) if ages else _numbers(run)
    )
    return page.assemble(run.title, below, head, sections)


def _steps(summary: Mapping[str, Any]) -> str:
    rows = [one.rpartition(": ") for one in summary.get("control_steps", [])]
    if not rows:
        return "<p>No control step has ended yet.</p>"
    return page.grid_table(("step", "ended by"), [(name, why) for name, _, why in rows])


def _warnings(run: RunFolder) -> list[str]:
    if not run.summary:
        return ["The run has not finished: numbers are those of its last step."]
    ending, reason = run.summary.get("ending", ""), run.summary.get("reason", "")
    if not run.summary.get("finished"):
        return [f"The run did not reach its end ({ending}: {reason})."]
    return [f"{reason[0].upper()}{reason[1:]}."] if reason else []


def _numbers(run: RunFolder) -> list[KeyNumber]:
    series, summary = run.series, run.summary
    spread = series["temperature_largest"] - series["temperature_least"]
    numbers = [
        KeyNumber("time simulated", time_text(float(series["time"][-1]))),
        KeyNumber("places", str(summary.get("places", "?"))),
        KeyNumber("charge passed", f"{series['throughput'][-1]:.4g} A h"),
        KeyNumber("hottest place", f"{series['temperature_largest'].max() - 273.15:.2f} °C"),
        KeyNumber("largest spread of temperature", f"{spread.max():.3g} K"),
    ]
    if summary.get("nominal_capacity"):
        numbers.insert(2, KeyNumber("capacity", f"{summary['nominal_capacity']:.4g} A h"))
    for name, label, target in (
        ("current_imbalance", "worst current imbalance", CURRENT_TARGET),
        ("power_imbalance", "worst power imbalance", CURRENT_TARGET),
        ("heat_imbalance", "worst heat imbalance", HEAT_TARGET),
    ):
        worst = float(series[name].max())
        numbers.append(KeyNumber(label, f"{worst:.1e}", bad=worst > target))
    numbers.append(KeyNumber("steps in time", str(series["time"].size)))
    numbers.append(KeyNumber("wall time", time_text(float(series["wall_time"][-1]))))
    return numbers
