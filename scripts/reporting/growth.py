"""Thickness against time, with the growth laws that hold and the local exponent."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    logarithmic,
    logarithmic_time,
    new_figure,
    note,
    style,
)
from interphase.scripts.reporting.folder import TimeSeries
from interphase.scripts.reporting.palette import FILM, GUIDE, SECOND, looks, time_text, time_unit
from interphase.scripts.reporting.regimes import (
    GrowthCurve,
    Law,
    Regime,
    growth_curve,
    match_regimes,
)

_LABELS = {
    Law.LINEAR: r"$\propto t$",
    Law.DIFFUSION: r"$\propto t^{1/2}$",
    Law.LOGARITHMIC: r"$\propto \ln t$",
}
_NAMES = {
    Law.LINEAR: "linear (reaction, a constant leak, or tunnelling under a ramp)",
    Law.DIFFUSION: "square root of time (limited by diffusion through the film)",
    Law.LOGARITHMIC: "logarithmic (limited by tunnelling)",
}


def series_regimes(series: TimeSeries) -> tuple[GrowthCurve, list[Regime]]:
    """Return the growth curve of a run and the regimes found in it."""
    curve = growth_curve(series["time"], series["thickness"])
    return curve, match_regimes(curve)


def growth_picture(series: TimeSeries) -> Picture:
    """Draw film and phase thicknesses against time, logarithmic and linear, and the exponent."""
    curve, regimes = series_regimes(series)
    with style():
        figure = new_figure(7.4, 5.4)
        grid = figure.add_gridspec(2, 2, height_ratios=(1.75, 1.0))
        log_axes = figure.add_subplot(grid[0, 0])
        _logarithmic(log_axes, series, curve, regimes)
        _exponent(figure.add_subplot(grid[1, 0], sharex=log_axes), curve, regimes)
        log_axes.tick_params(labelbottom=False)
        _linear(figure.add_subplot(grid[:, 1]), series)
        handles, labels = log_axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7))
        png = as_png(figure)
    return Picture("growth", "Growth", _caption(regimes), png)


def _caption(regimes: list[Regime]) -> str:
    text = (
        "Equivalent thickness (volume per electrode area) of the film and of each phase. Time "
        "counts from the start of the run, thickness from the bare electrode. Dotted in b: the "
        "exponent found from speed against thickness, 1/(1 - d ln v/d ln L), which does not depend "
        "on when growth began or on how thick the film was then."
    )
    if not regimes:
        return text + " No growth law holds for 0.4 decades of time or more."
    return text + " Laws that hold: " + "; ".join(_describe(one) for one in regimes) + "."


def _describe(regime: Regime) -> str:
    start, end = time_text(regime.start), time_text(regime.end)
    text = f"{_NAMES[regime.law]} from {start} to {end}, mean exponent {regime.exponent:.2f}"
    if regime.law is Law.LOGARITHMIC:
        return text + f", dL/d ln t = {regime.scale * 1e9:.3g} nm"
    return text


def _logarithmic(axes: Any, series: TimeSeries, curve: GrowthCurve, regimes: list[Regime]) -> None:
    letter(axes, 0, "thickness, logarithmic")
    axes.set_ylabel("thickness [nm]")
    if curve.time.size == 0:
        note(axes, "no film yet")
        return
    shown = series["time"] >= curve.time[0]
    seconds, _ = time_unit(curve.time[-1])
    time = series["time"][shown] / seconds
    axes.plot(time, series["thickness"][shown] * 1e9, color=FILM, linewidth=2.0, label="film")
    for name, look in looks(series.phases).items():
        level = series[f"thickness_{name}"][shown] * 1e9
        level = np.where(level > 0.0, level, np.nan)
        axes.plot(time, level, color=look.colour, linestyle=look.pattern, label=look.label)
    for regime in regimes:
        _guide(axes, regime, seconds)
    axes.set_xscale("log")
    axes.set_yscale("log")
    largest = curve.thickness.max() * 1e9
    smallest = max(curve.thickness[0] * 1e9, 1.0e-3 * largest)
    axes.set_ylim(0.7 * smallest, 2.2 * largest)
    logarithmic(axes.yaxis, 0.7 * smallest, 2.2 * largest)


def _guide(axes: Any, regime: Regime, seconds: float) -> None:
    """Draw a matched law a little above the curve, over the time in which it holds."""
    time = np.geomspace(regime.start, regime.end, 30)
    level = 1.3 * regime.thickness(time) * 1e9
    axes.plot(time / seconds, level, color=GUIDE, linewidth=1.0)
    axes.annotate(
        _LABELS[regime.law], (time[15] / seconds, level[15]), xytext=(0, 3),
        textcoords="offset points", ha="right", va="bottom", color=GUIDE,
    )  # fmt: skip


def _exponent(axes: Any, curve: GrowthCurve, regimes: list[Regime]) -> None:
    letter(axes, 1, "local exponent (dotted: from the speed)")
    axes.set_ylabel(r"d ln L / d ln t  [-]")
    if curve.time.size == 0:
        note(axes, "no film yet")
        return
    seconds, unit = time_unit(curve.time[-1])
    for value in (1.0, 0.5):
        axes.axhline(value, color=GUIDE, linewidth=0.8, linestyle="--")
    for regime in regimes:
        axes.axvspan(regime.start / seconds, regime.end / seconds, color="#E5E7EB", linewidth=0.0)
        middle = np.sqrt(regime.start * regime.end) / seconds
        axes.text(
            middle, 0.97, _LABELS[regime.law], transform=axes.get_xaxis_transform(), ha="center",
            va="top", color=GUIDE, fontsize=8.0,
        )  # fmt: skip
    axes.plot(curve.time / seconds, curve.exponent, color=FILM)
    axes.plot(curve.time / seconds, curve.free_exponent, color=SECOND, linestyle=":")
    axes.set_yticks([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], ["0", "1/2", "1", "3/2", "2", "5/2"])
    axes.set_ylim(0.0, float(np.clip(1.15 * curve.exponent.max(), 1.25, 2.5)))
    logarithmic_time(axes, curve.time[0] / seconds, curve.time[-1] / seconds, (seconds, unit))


def _linear(axes: Any, series: TimeSeries) -> None:
    letter(axes, 2, "thickness, linear")
    seconds, unit = time_unit(series["time"][-1])
    time = series["time"] / seconds
    axes.plot(time, series["thickness"] * 1e9, color=FILM, linewidth=2.0)
    for name, look in looks(series.phases).items():
        level = series[f"thickness_{name}"] * 1e9
        axes.plot(time, level, color=look.colour, linestyle=look.pattern)
    axes.set_xlabel(f"time [{unit}]")
    axes.set_ylabel("thickness [nm]")
    axes.set_xlim(0.0, float(time[-1]) or 1.0)
    axes.set_ylim(bottom=0.0)
