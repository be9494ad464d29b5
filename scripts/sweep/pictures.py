"""Pictures of a study: effects, indices, scatter, bands, the fit and its posterior."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from interphase.parameters.distributions import Array
from interphase.parameters.units import format_si
from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    logarithmic,
    logarithmic_time,
    new_figure,
    style,
)
from interphase.scripts.reporting.palette import ACCENT, FILM, SECOND, time_unit
from interphase.scripts.sweep.factors import Factor
from interphase.scripts.sweep.fitting import Calibration
from interphase.scripts.sweep.plan import Quantity
from interphase.scripts.sweep.results import Results
from interphase.scripts.sweep.sensitivity import Sensitivity

_BAND: Final = (0.025, 0.25, 0.5, 0.75, 0.975)
# Parts of the axis of numbers that is labelled by hand.
_MARKS: Final = 3


def scaled(unit: str, largest: float) -> tuple[float, str]:
    """Return a factor and the unit in which a quantity reads well."""
    if unit == "m" and 0.0 < largest < 1e-6:
        return 1e9, "nm"
    return 1.0, unit


def tornado(found: list[Sensitivity], factors: tuple[Factor, ...]) -> Picture:
    """Return what each parameter's own uncertainty does to each quantity."""
    with style():
        rows = max(len(one.effects) for one in found)
        figure = new_figure(7.0, len(found) * (0.75 + 0.3 * rows))
        for axes, one in zip(_panels(figure, len(found), 1), found, strict=True):
            factor, unit = scaled(one.quantity.unit, abs(one.mean))
            names = [effect.factor.name for effect in one.effects][::-1]
            if one.emulator is not None:
                _two_sided(axes, one, factors, factor)
                axes.set_xlabel(f"{one.quantity.name} - that of the medians [{unit}]")
            else:
                values = np.array([effect.effect.value for effect in one.effects])[::-1] * factor
                halves = np.array([effect.effect.half for effect in one.effects])[::-1] * factor
                axes.barh(names, values, color=ACCENT, height=0.62)
                axes.errorbar(values, names, xerr=halves, fmt="none", ecolor=FILM, capsize=2.5)
                axes.set_xlabel(f"effect on {one.quantity.name} [{unit}]")
            axes.axvline(0.0, color=FILM, linewidth=0.8)
            axes.use_sticky_edges = False
            axes.margins(x=0.08)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="y", visible=False)
        return Picture("tornado", "What each parameter does", _told(found[0]), as_png(figure))


def _told(one: Sensitivity) -> str:
    """Return what the bars of a tornado are."""
    if one.emulator is not None:
        return (
            "The quantity by the emulator when one parameter is at its 16 % and 84 % values (one "
            "standard deviation down and up) and the others are at their medians."
        )
    if one.effects[0].total is not None:
        return (
            "Root of each parameter's part of the variance, interactions included, 95 % intervals."
        )
    return "Mean absolute effect of each parameter over its whole range, 95 % intervals."


def _two_sided(axes: Any, one: Sensitivity, factors: tuple[Factor, ...], factor: float) -> None:
    """Draw what one standard deviation of each parameter down and up does, by the emulator."""
    if one.emulator is None:
        return
    effects = one.effects[::-1]
    names = [effect.factor.name for effect in effects]
    middle = np.full((1, len(factors)), 0.5)
    for part, colour, label in ((0.16, SECOND, "16 % value"), (0.84, ACCENT, "84 % value")):
        points = np.repeat(middle, len(effects), axis=0)
        for i, effect in enumerate(effects):
            points[i, factors.index(effect.factor)] = part
        moved = factor * (one.emulator(points) - one.emulator(middle))
        axes.barh(names, moved, color=colour, height=0.62, label=label)
    axes.legend(loc="lower right")


def index_bars(found: list[Sensitivity]) -> Picture:
    """Return first-order and total indices."""
    with style():
        rows = max(len(one.effects) for one in found)
        figure = new_figure(7.0, len(found) * (0.75 + 0.4 * rows))
        for axes, one in zip(_panels(figure, len(found), 1), found, strict=True):
            effects = one.effects[::-1]
            places = np.arange(len(effects))
            for shift, kind, colour in ((0.19, "first", ACCENT), (-0.19, "total", SECOND)):
                estimates = [getattr(effect, kind) for effect in effects]
                values = [estimate.value for estimate in estimates]
                halves = [estimate.half for estimate in estimates]
                label = "first order" if kind == "first" else "total"
                axes.barh(places + shift, values, 0.34, color=colour, label=label)
                axes.errorbar(
                    values, places + shift, xerr=halves, fmt="none", ecolor=FILM, capsize=2.5
                )
            axes.set_yticks(places, [effect.factor.name for effect in effects])
            axes.tick_params(axis="y", length=0)
            axes.set_xlim(0.0, 1.1)
            axes.set_title(one.quantity.name)
            axes.set_xlabel("part of the variance")
            axes.grid(axis="y", visible=False)
            axes.legend(loc="lower right")
        caption = f"{found[0].method}; 95 % intervals."
        return Picture("indices", "Sobol' indices", caption, as_png(figure))


def scatter_matrix(results: Results) -> Picture:
    """Return every quantity against every parameter."""
    plan = results.plan
    factors = [f for f in plan.factors if f.key.unit or f.key.whole]
    with style():
        rows, columns = len(plan.quantities), len(factors)
        figure = new_figure(min(2.0 * columns + 0.8, 11.0), 1.9 * rows + 0.4)
        panels = _panels(figure, rows, columns, sharex="col", sharey="row")
        for i, quantity in enumerate(plan.quantities):
            values = results.of(quantity)
            factor, unit = scaled(quantity.unit, float(np.nanmax(np.abs(values), initial=0.0)))
            for j, one in enumerate(factors):
                axes = panels[i * columns + j]
                x = _varied(results, one)
                axes.plot(x, factor * values, "o", color=ACCENT, markersize=3.0, alpha=0.75)
                _scale(axes, one, x)
                if j == 0:
                    axes.set_ylabel(_folded(f"{quantity.name} [{unit}]"))
                if i == rows - 1:
                    axes.set_xlabel(_folded(one.column))
        caption = "Every finished member; the vertical scatter is what the other parameters do."
        return Picture("scatter", "Members", caption, as_png(figure))


def band(results: Results, quantity: Quantity) -> Picture | None:
    """Return how a column is spread over the members in the time that all of them cover."""
    series = list(results.series.values())
    start = max(float(one["time"][0]) for one in series)
    end = min(float(one["time"][-1]) for one in series)
    if not start < end:
        return None  # runs of a single step
    times = np.geomspace(max(start, 1e-6 * end), end, 200)
    all_ = np.array([np.interp(times, one["time"], one[quantity.column]) for one in series])
    levels = np.quantile(all_, _BAND, axis=0)
    factor, unit = scaled(quantity.unit, float(np.abs(all_).max()))
    clock = time_unit(end)
    with style():
        figure = new_figure(6.0, 3.4)
        axes = figure.subplots()
        t = times / clock[0]
        axes.fill_between(
            t, factor * levels[0], factor * levels[4], color=ACCENT, alpha=0.2, label="95 %"
        )
        axes.fill_between(
            t, factor * levels[1], factor * levels[3], color=ACCENT, alpha=0.35, label="50 %"
        )
        axes.plot(t, factor * levels[2], color=FILM, label="median")
        axes.set_xscale("log")
        axes.set_xlim(t[0], t[-1])
        logarithmic_time(axes, t[0], t[-1], clock)
        axes.set_ylabel(f"{quantity.column} [{unit}]")
        axes.legend(loc="upper left")
        caption = f"Spread of {len(series)} members; the parts are quantiles over the members."
        name = f"band_{quantity.column}"
        return Picture(name, f"{quantity.column} in time", caption, as_png(figure))


def prediction(fit: Calibration) -> Picture:
    """Return the data, and what the posterior predicts at their times."""
    data = fit.data
    draws = fit.predicted()
    # what a new measurement would show: the parameters' spread and that of data and emulator
    noise = np.random.default_rng(1).normal(size=draws.shape) * fit.problem.sigma
    inner, outer = (np.quantile(x, (0.025, 0.975), axis=0) for x in (draws, draws + noise))
    factor, unit = scaled(fit.unit, float(np.abs(data.value).max()))
    clock = time_unit(float(data.time.max()))
    order = np.argsort(data.time)
    t = data.time[order] / clock[0]
    with style():
        figure = new_figure(6.0, 3.4)
        axes = figure.subplots()
        for (low, high), part, label in ((outer, 0.2, "new data"), (inner, 0.4, "model")):
            axes.fill_between(
                t, factor * low[order], factor * high[order], color=ACCENT, alpha=part,
                label=f"95 % of {label}",
            )  # fmt: skip
        axes.plot(t, factor * np.median(draws, axis=0)[order], color=FILM, label="median")
        axes.errorbar(
            t, factor * data.value[order], yerr=factor * data.sigma[order], fmt="o", color=SECOND,
            markersize=3.5, capsize=2.0, label="data, one sigma",
        )  # fmt: skip
        axes.set_xlabel(f"time [{clock[1]}]")
        axes.set_ylabel(f"{fit.quantity} [{unit}]")
        axes.legend(loc="best")
        text = f"chi square {fit.fit.chi_square:.3g} of {data.value.size} data"
        return Picture("prediction", "Fit and prediction", text, as_png(figure))


def posterior(fit: Calibration, factors: tuple[Factor, ...]) -> Picture:
    """Return the posterior of every parameter and every pair."""
    samples = fit.fit.samples[:: max(len(fit.fit.samples) // 1500, 1)]
    count = len(factors)
    with style():
        figure = new_figure(1.9 * count + 0.8, 1.8 * count + 0.5)
        panels = _panels(figure, count, count, sharex="col")
        for i, row in enumerate(factors):
            for j, column in enumerate(factors):
                axes = panels[i * count + j]
                if j > i:
                    axes.set_visible(False)
                    continue
                x = samples[:, j]
                if i == j:
                    bins = np.geomspace if column.logarithmic else np.linspace
                    axes.hist(x, bins(x.min(), x.max(), 30), color=ACCENT)
                    axes.axvline(fit.fit.best[j], color=SECOND)
                    axes.set_yticks([])
                else:
                    axes.plot(x, samples[:, i], ".", color=ACCENT, markersize=1.2, alpha=0.3)
                    axes.plot(fit.fit.best[j], fit.fit.best[i], "+", color=SECOND, markersize=9)
                    if row.logarithmic:
                        axes.set_yscale("log")
                        logarithmic(axes.yaxis, samples[:, i].min(), samples[:, i].max())
                        axes.yaxis.set_major_formatter("{x:.2g}")
                _scale(axes, column, x)
                if j == 0 and i > 0:
                    axes.set_ylabel(_folded(row.column))
                if i == count - 1:
                    axes.set_xlabel(_folded(column.column))
        caption = "Draws from the posterior; the cross and the line are the least-squares values."
        return Picture("posterior", "Posterior", caption, as_png(figure))


def _panels(figure: Any, rows: int, columns: int, **share: Any) -> list[Any]:
    return list(figure.subplots(rows, columns, squeeze=False, **share).ravel())


def _varied(results: Results, factor: Factor) -> Array:
    index = results.plan.factors.index(factor)
    return np.array([float(member.values[index]) for member in results.plan.members])


def _scale(axes: Any, factor: Factor, values: Array) -> None:
    """Give an axis few marks, on a logarithmic scale where the parameter has one."""
    if factor.logarithmic:
        axes.set_xscale("log")
        logarithmic(axes.xaxis, float(values.min()), float(values.max()))
        axes.xaxis.set_major_formatter("{x:.2g}")
    else:
        axes.xaxis.set_major_locator(_few())
    axes.tick_params(axis="x", labelrotation=30)


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(_MARKS)


def _folded(text: str) -> str:
    """Break a long label before its unit."""
    return text.replace(" [", "\n[") if len(text) > 18 else text


def shown(value: float, factor: Factor) -> str:
    """Return a value of a parameter for people."""
    return format_si(float(f"{value:.4g}"), factor.key.unit or "-")
