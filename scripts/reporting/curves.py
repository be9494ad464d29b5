"""What the electrode sees, and the balances, against time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    logarithmic_time,
    new_figure,
    note,
    style,
)
from interphase.scripts.reporting.folder import TimeSeries
from interphase.scripts.reporting.palette import (
    ACCENT,
    FILM,
    GUIDE,
    SECOND,
    SECOND_TEXT,
    time_unit,
    volt_unit,
)

Array = npt.NDArray[np.float64]

BALANCE_TARGET = 1.0e-10
"""Largest imbalance that a sound run has, relative to throughput [-]."""

_MICROAMPERE_HOURS = 1.0e6 / 3600.0 / 1.0e4
_OHM_CM2 = 1.0e4
Panel = Callable[[Any, TimeSeries, Array], None]


def electrode_picture(series: TimeSeries) -> Picture:
    """Draw potential, charge, lithium lost, film resistance, coverage and grains against time."""
    panels: list[tuple[str, Panel]] = [
        ("electrode potential", _potential),
        ("charge lost to the film", _charge),
        ("lithium lost", _lithium),
        ("film resistance", _resistance),
        ("coverage and porosity", _coverage),
        ("current and temperature", _current),
    ]
    png = _panels(series, panels, 5.6)
    return Picture(
        "electrode",
        "Electrode",
        "Potential against Li/Li<sup>+</sup> in the reservoir's electrolyte; all amounts per area "
        "of electrode.",
        png,
    )


def balance_picture(series: TimeSeries) -> Picture:
    """Draw the balances of elements and charge, and how the time was stepped."""
    panels: list[tuple[str, Panel]] = [("balances", _balances), ("time steps", _steps)]
    png = _panels(series, panels, 2.7)
    return Picture(
        "balances",
        "Balances",
        "Worst imbalance of any element, and of charge, measured from fields and boundary fluxes "
        "and divided by the throughput of the reactions; the dashed line is the target of 1e-10.",
        png,
    )


def _panels(series: TimeSeries, panels: list[tuple[str, Panel]], height: float) -> bytes:
    seconds, unit = time_unit(series["time"][-1])
    time = series["time"] / seconds
    with style():
        figure = new_figure(7.4, height)
        axes = figure.subplots(-(-len(panels) // 2), 2, sharex=True, squeeze=False)
        for index, (place, (title, draw)) in enumerate(zip(axes.flat, panels, strict=True)):
            letter(place, index, title)
            draw(place, series, time)
            scale_time(place, series, time, (seconds, unit))
        for place in axes[:-1].flat:
            place.set_xlabel("")
        return as_png(figure)


def scale_time(axes: Any, series: TimeSeries, time: Array, unit: tuple[float, str]) -> None:
    """Choose a linear time axis, or a logarithmic one where most happens at the very start."""
    early = series.at("thickness", 0.03 * float(series["time"][-1]))
    positive = time[time > 0.0]
    if early > 0.25 * float(series["thickness"][-1]) and positive.size > 2:
        axes.set_xscale("log")
        low = max(float(positive[0]), 1.0e-8 * float(time[-1]))
        axes.set_xlim(low, float(time[-1]))
        logarithmic_time(axes, low, float(time[-1]), unit)
    else:
        axes.set_xlim(0.0, float(time[-1]) or 1.0)
        axes.set_xlabel(f"time [{unit[1]}]")


def _empty(axes: Any) -> None:
    note(axes, "not in the table of this run")
    axes.set_yticks([])


def _potential(axes: Any, series: TimeSeries, time: Array) -> None:
    potential, drop = series.get("potential"), series.get("potential_drop")
    if potential is None:
        return _empty(axes)
    axes.plot(time, potential, color=FILM, label="electrode")
    axes.set_ylabel(r"potential vs. Li/Li$^+$ [V]")
    if np.ptp(potential) < 0.02:
        axes.set_ylim(float(np.nanmin(potential)) - 0.1, float(np.nanmax(potential)) + 0.1)
    if drop is not None and np.nanmax(np.abs(drop)) > 0.0:
        factor, unit = volt_unit(float(np.nanmax(np.abs(drop))))
        _second_axis(axes, time, drop * factor, f"ionic potential drop [{unit}]")


def _charge(axes: Any, series: TimeSeries, time: Array) -> None:
    charge, tunnelled = series.get("charge"), series.get("charge_tunnelling")
    if charge is None:
        return _empty(axes)
    axes.plot(time, charge * _MICROAMPERE_HOURS, color=FILM, label="all")
    if tunnelled is not None:
        part = tunnelled * _MICROAMPERE_HOURS
        rest = charge * _MICROAMPERE_HOURS - part
        axes.plot(time, part, color=ACCENT, linestyle="--", label="tunnelling, nuclei")
        axes.plot(time, rest, color=SECOND, linestyle="-.", label="localised electrons")
        axes.set_ylim(top=1.5 * float(np.nanmax(charge)) * _MICROAMPERE_HOURS or 1.0)
        axes.legend(loc="upper left", ncols=1)
    axes.set_ylabel(r"charge [µAh cm$^{-2}$]")


def _lithium(axes: Any, series: TimeSeries, time: Array) -> None:
    lithium = series.get("lithium_lost")
    if lithium is None:
        return _empty(axes)
    axes.plot(time, lithium * 1e3, color=FILM)
    axes.set_ylabel(r"lithium lost [mmol m$^{-2}$]")


def _resistance(axes: Any, series: TimeSeries, time: Array) -> None:
    resistance = series.get("film_resistance")
    if resistance is None:
        return _empty(axes)
    # a run keeps a value for some steps before it finds the next: only new ones are drawn
    fresh = np.flatnonzero(np.isfinite(resistance) & (np.diff(resistance, prepend=np.nan) != 0.0))
    axes.plot(time[fresh], resistance[fresh] * _OHM_CM2, color=FILM)
    axes.set_ylabel(r"resistance [$\Omega$ cm$^2$]")


def _coverage(axes: Any, series: TimeSeries, time: Array) -> None:
    coverage, porosity, grains = (series.get(name) for name in ("coverage", "porosity", "grains"))
    if coverage is None and porosity is None:
        return _empty(axes)
    if coverage is not None:
        axes.plot(time, coverage, color=FILM, label="coverage")
    if porosity is not None:
        axes.plot(time, porosity, color=ACCENT, linestyle="--", label="porosity")
    axes.set_ylabel("fraction [-]")
    axes.set_ylim(0.0, 1.08)
    axes.legend(loc="center right")
    if grains is not None and np.nanmax(grains) > 0.0:
        twin = _second_axis(axes, time, grains, "grains [-]")
        twin.set_ylim(0.0, 1.25 * float(np.nanmax(grains)))
        twin.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _current(axes: Any, series: TimeSeries, time: Array) -> None:
    current, temperature = series.get("current_density"), series.get("temperature")
    if current is None:
        return _empty(axes)
    axes.plot(time, current, color=FILM)
    axes.set_ylabel(r"intercalation [A m$^{-2}$]")
    if np.ptp(current) == 0.0:
        axes.set_ylim(current[0] - 1.0, current[0] + 1.0)
    if temperature is not None:
        twin = _second_axis(axes, time, temperature, "temperature [K]")
        if np.ptp(temperature) < 1.0:
            # off the middle, so that it does not hide under a constant current
            twin.set_ylim(temperature[0] - 15.0, temperature[0] + 5.0)


def _second_axis(axes: Any, time: Array, values: Array, label: str) -> Any:
    """Draw on an axis of its own at the right, in its colour and pattern."""
    twin = axes.twinx()
    twin.plot(time, values, color=SECOND, linestyle="--", linewidth=1.3)
    twin.set_ylabel(label, color=SECOND_TEXT)
    twin.tick_params(axis="y", colors=SECOND_TEXT)
    twin.grid(False)
    axes.tick_params(right=False)
    return twin


def _balances(axes: Any, series: TimeSeries, time: Array) -> None:
    rows = [
        ("element_imbalance", "elements", ACCENT, "-"),
        ("charge_imbalance", "charge", SECOND, "-."),
    ]
    present = [(series.get(name), *rest) for name, *rest in rows]
    if all(values is None for values, *_ in present):
        return _empty(axes)
    axes.axhline(BALANCE_TARGET, color=GUIDE, linestyle="--", linewidth=0.9)
    for values, label, colour, pattern in present:
        if values is not None:
            # nothing has reacted yet, or the balance is exact: no place on a logarithmic axis
            shown = np.where(values != 0.0, np.abs(values), np.nan)
            axes.plot(time, shown, color=colour, linestyle=pattern, label=label)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1.0e-17), max(high, 1.0e-8))
    axes.set_ylabel("imbalance / throughput [-]")
    axes.legend(loc="best")


def _steps(axes: Any, series: TimeSeries, time: Array) -> None:
    step, newton = series.get("step"), series.get("newton_iterations")
    if step is None:
        return _empty(axes)
    axes.plot(time, np.where(step > 0.0, step, np.nan), color=FILM, linewidth=1.0)
    axes.set_yscale("log")
    axes.set_ylabel("step [s]")
    if newton is not None:
        twin = _second_axis(axes, time, newton, "Newton iterations [-]")
        twin.lines[0].set(linestyle="none", marker=".", markersize=2.5)
        twin.set_ylim(0.0, max(5.0, 1.3 * float(np.nanmax(newton))))
        twin.yaxis.set_major_locator(MaxNLocator(5, integer=True))
