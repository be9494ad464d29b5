"""Report of a whole cell that ages: film, lithium and temperature over time, maps at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from interphase.scripts.reporting.drawing import Picture, as_png, letter, new_figure, style
from interphase.scripts.reporting.folder import RunFolder, Snapshot
from interphase.scripts.reporting.numbers import KeyNumber
from interphase.scripts.reporting.palette import ACCENT, SECOND, time_text, time_unit
from interphase.scripts.reporting.whole_cell import QUANTITIES, bands, map_picture

LITHIUM_TARGET: Final = 1.0e-8
"""Largest part by which lithium of cell and films may differ in a sound run [-]."""

_THICKNESS: Final = next(one for one in QUANTITIES if one.name == "film_thickness")
_TEMPERATURE: Final = next(one for one in QUANTITIES if one.name == "temperature")


def draw_ageing(run: RunFolder, times: Sequence[float] = ()) -> list[Picture]:
    """Return all pictures of an ageing study in the order of the page.

    Args:
        run: the folder, read with the table ``ageing.csv``.
        times: at which maps are drawn [s]; the end if empty.
    """
    shots = _chosen(run.snapshots, times)
    maps = [
        map_picture(shot, k, f"At {time_text(shot.time)}, after a whole cycle.")
        for k, shot in enumerate(shots)
    ]
    return [_curves(run), *maps]


def _chosen(shots: Sequence[Snapshot], times: Sequence[float]) -> list[Snapshot]:
    if not times:
        return list(shots[-1:])
    at = np.array([shot.time for shot in shots])
    return [shots[i] for i in sorted({int(np.abs(at - t).argmin()) for t in times})]


def _curves(run: RunFolder) -> Picture:
    series = run.series
    unit = time_unit(float(series["time"][-1]))
    time = series["time"] / unit[0]
    with style():
        figure = new_figure(7.2, 5.0)
        axes = figure.subplots(2, 2, sharex=True)
        letter(axes.flat[0], 0, "film thickness [nm]")
        bands(axes.flat[0], time, series, _THICKNESS)
        letter(axes.flat[1], 1, "capacity lost to films [A h]")
        axes.flat[1].plot(time, series["lost_capacity"], color=ACCENT)
        letter(axes.flat[2], 2, "film: spread [% of the mean]")
        spread = series["film_thickness_largest"] - series["film_thickness_least"]
        axes.flat[2].plot(time, 100.0 * spread / series["film_thickness"], color=ACCENT)
        letter(axes.flat[3], 3, "temperature in the cycle [°C]")
        for end, color in (("largest", SECOND), ("least", ACCENT)):
            values = _TEMPERATURE.shown(series[f"temperature_{end}"])
            axes.flat[3].plot(time, values, ".", markersize=3.0, color=color)
        for ax in axes[-1]:
            ax.set_xlabel(f"time [{unit[1]}]")
        png = as_png(figure)
    caption = (
        "One value per exchange between cell and films: mean of the places, and from the least to "
        "the largest; highest and lowest temperature of any place since the exchange before."
    )
    return Picture("ageing", "How the cell ages", caption, png)


def ageing_numbers(run: RunFolder) -> list[KeyNumber]:
    """Return the numbers at the head of the page."""
    series, summary = run.series, run.summary
    low, mean, high = (
        1e9 * float(series[f"film_thickness{end}"][-1]) for end in ("_least", "", "_largest")
    )
    books = float(np.nanmax(series["lithium_imbalance"]))
    return [
        KeyNumber("time simulated", time_text(float(series["time"][-1]))),
        KeyNumber(
            "cycles", f"{series['cycle'][-1]:.0f}, {series['cycles_simulated'][-1]:.0f} simulated"
        ),
        KeyNumber("places", str(summary.get("places", "?"))),
        KeyNumber("films", str(summary.get("clusters", "?"))),
        KeyNumber("film", f"{mean:.2f} nm ({low:.2f} to {high:.2f})"),
        KeyNumber("capacity lost", f"{series['lost_capacity'][-1]:.4g} A h"),
        KeyNumber("hottest place", f"{series['temperature_largest'].max() - 273.15:.2f} °C"),
        KeyNumber("worst error of the coupling", f"{100 * series['coupling_error'].max():.2g} %"),
        KeyNumber("lithium of cell and films apart", f"{books:.1e}", bad=books > LITHIUM_TARGET),
        KeyNumber("wall time", time_text(float(series["wall_time"][-1]))),
    ]
