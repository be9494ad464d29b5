"""What a cell loses by its films, what the coupling says of itself, what the films see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    line_handle,
    new_figure,
    note,
    style,
)
from interphase.scripts.reporting.palette import ACCENT, GUIDE, SECOND, study_looks, time_unit
from interphase.scripts.reporting.study_folder import Study

Array = npt.NDArray[np.float64]
Draw = Callable[[Any, Sequence["Line"]], None]

BOOKS_TARGET = 1.0e-8
"""Largest relative difference of lithium between cell and films that a sound study has [-]."""


@dataclass(frozen=True, slots=True)
class Line:
    """A study as a line of a panel.

    Attributes:
        study: what is drawn.
        x: cycles or time of every exchange, (exchanges,).
        colour: of the line.
        pattern: of the line.
    """

    study: Study
    x: Array
    colour: str
    pattern: Any

    def draw(self, axes: Any, values: Array, label: str = "") -> None:
        """Draw values of every exchange."""
        few = {"marker": ".", "markersize": 4.0} if self.x.size < 12 else {}
        axes.plot(
            self.x, values, color=self.colour, linestyle=self.pattern, label=label or None, **few
        )


def ageing_picture(studies: Sequence[Study]) -> Picture:
    """Draw capacity, loss, film thickness and film resistance."""
    panels: list[tuple[str, Draw]] = [
        ("capacity that is left", _remaining),
        ("capacity lost to the film", _lost),
        ("film thickness", _thickness),
        ("resistance of the film in the cell", _resistance),
    ]
    return Picture(
        "ageing",
        "Ageing",
        "Lines of the capacity left are 1 less the lithium lost over the nominal capacity; points "
        "are discharges of whole cycles over the first one. The band of the thickness is that of "
        "the films along the electrode. The resistance is that of the films alone, all in "
        "parallel over their area.",
        _panels(studies, panels, 5.4),
    )


def coupling_picture(studies: Sequence[Study]) -> Picture:
    """Draw the lithium books and the error of the coupling."""
    panels: list[tuple[str, Draw]] = [
        ("lithium: cell (line), films (points)", _lithium),
        ("difference of the two", _books),
        ("error of the coupling", _error),
        ("work", _work),
    ]
    return Picture(
        "coupling",
        "Coupling and books",
        "Lithium that the cell has booked as lost and lithium counted in the solids of the films, "
        "less what the salt brought; the dashed line is the target of 1e-8. The error of an "
        "exchange is the charge that the films would have taken in the cell's time over what they "
        "took, less one.",
        _panels(studies, panels, 5.4),
    )


def window_picture(studies: Sequence[Study]) -> Picture:
    """Draw the potentials that the films met, the voltage of a cycle, pores and solvent."""
    panels: list[tuple[str, Draw]] = [
        ("potentials met by the films", _window),
        ("voltage of the cell", _voltage),
        ("pores and solvent that are left", _room),
        ("plated lithium", _plated),
    ]
    return Picture(
        "window",
        "Potentials, pores, solvent",
        "Lowest and highest potential of an exchange, as the films' rates follow it. The voltage "
        "is that of the first and the last simulated cycle, or of the whole storage. Porosity is "
        "the smallest of the negative electrode.",
        _panels(studies, panels, 5.4),
    )


def _panels(studies: Sequence[Study], panels: Sequence[tuple[str, Draw]], height: float) -> bytes:
    lines, label = _lines(studies)
    with style():
        figure = new_figure(7.4, height)
        axes = figure.subplots(-(-len(panels) // 2), 2, squeeze=False)
        for index, (place, (title, draw)) in enumerate(zip(axes.flat, panels, strict=True)):
            letter(place, index, title)
            place.set_xlabel(label)
            place.set_xlim(0.0, 1.02 * max(float(line.x[-1]) for line in lines) or 1.0)
            draw(place, lines)
        if len(lines) > 1:
            handles = [line_handle(one.colour, one.study.label, one.pattern) for one in lines]
            columns = min(len(handles), 4)
            figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        return as_png(figure)


def _lines(studies: Sequence[Study]) -> tuple[list[Line], str]:
    """Return all studies against one axis, and its label."""
    by_cycles = any(one.by_cycles for one in studies)
    seconds, unit = time_unit(max(float(one.ageing["time"][-1]) for one in studies))
    looks = study_looks(len(studies))
    lines = [
        Line(one, _cycle_of(one) if by_cycles else one.ageing["time"] / seconds, *look)
        for one, look in zip(studies, looks, strict=True)
    ]
    return lines, "cycle" if by_cycles else f"time [{unit}]"


def _cycle_of(study: Study) -> Array:
    """Return the cycle of every exchange, with its part by time where a cycle has several."""
    cycle, time = study.ageing["cycle"], study.ageing["time"]
    ends = np.flatnonzero(np.diff(cycle, prepend=0.0) > 0.0)
    whole = np.concatenate([[0.0], cycle[ends]])
    return np.asarray(np.interp(time, np.concatenate([[0.0], time[ends]]), whole))


def axis_of(study: Study) -> tuple[Array, str]:
    """Return the exchanges of one study against its axis, and the label."""
    (line,), label = _lines([study])
    return line.x, label


# ---------------------------------------------------------------- ageing
def _remaining(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        ageing, nominal = line.study.ageing, line.study.nominal_capacity
        if np.isfinite(nominal):
            line.draw(axes, 100.0 * (1.0 - ageing["lost_capacity"] / nominal))
        whole = ageing["discharge_capacity"]
        seen = np.flatnonzero(np.isfinite(whole) & (whole > 0.0))
        if seen.size > 1:
            part = 100.0 * whole[seen] / whole[seen[0]]
            axes.plot(line.x[seen], part, "o", color=line.colour, markersize=3.0, fillstyle="none")
    axes.set_ylabel("capacity [%]")
    axes.ticklabel_format(axis="y", useOffset=False)


def _lost(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        line.draw(axes, 1e3 * line.study.ageing["lost_capacity"])
    axes.set_ylabel("capacity lost [mA h]")
    axes.set_ylim(bottom=0.0)


def _thickness(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        ageing = line.study.ageing
        line.draw(axes, 1e9 * ageing["film_thickness"])
        least, largest = ageing["film_thickness_least"], ageing["film_thickness_largest"]
        if np.any(largest > least):
            axes.fill_between(
                line.x, 1e9 * least, 1e9 * largest, color=line.colour, alpha=0.2, linewidth=0.0
            )
    axes.set_ylabel("film thickness [nm]")


def _resistance(axes: Any, lines: Sequence[Line]) -> None:
    drawn = False
    for line in lines:
        values = line.study.ageing["film_resistance"]
        if np.nanmax(values, initial=0.0) > 1e-20:
            line.draw(axes, 1e3 * values)
            drawn = True
    if not drawn:
        note(axes, "the case leaves the ionic potential out")
    axes.set_ylabel(r"film resistance [m$\Omega$]")


# ---------------------------------------------------------------- books and coupling
def _lithium(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        ageing = line.study.ageing
        axes.plot(line.x, 1e3 * ageing["lost_lithium"], color=line.colour, linestyle=line.pattern)
        found = ageing.get("film_lithium")
        if found is not None:
            axes.plot(line.x, 1e3 * found, "o", color=line.colour, markersize=3.0, fillstyle="none")
    axes.set_ylabel("lithium [mmol]")
    axes.set_ylim(bottom=0.0)


def _books(axes: Any, lines: Sequence[Line]) -> None:
    axes.axhline(BOOKS_TARGET, color=GUIDE, linestyle="--", linewidth=0.9)
    for line in lines:
        values = line.study.ageing["lithium_imbalance"]
        # exact books have no place on a logarithmic axis
        line.draw(axes, np.where(values > 0.0, values, np.nan))
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1e-14), max(high, 1e-7))
    axes.set_ylabel("relative to the loss [-]")


def _error(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        ageing = line.study.ageing
        line.draw(axes, 100.0 * np.abs(ageing["coupling_error"]))
    axes.set_ylabel("of an exchange's charge [%]")
    axes.set_ylim(bottom=0.0)


def _work(axes: Any, lines: Sequence[Line]) -> None:
    several = len(lines) > 1
    for line in lines:
        count = np.arange(1.0, line.x.size + 1.0)
        rejected = line.study.ageing["rejected"]
        line.draw(axes, count, "" if several else "exchanges")
        colour = line.colour if several else SECOND
        axes.plot(line.x, rejected, color=colour, linestyle=":",
                  label=None if several else "tried again")  # fmt: skip
    axes.set_ylabel("exchanges; dotted: tried again")
    if not several:
        axes.set_ylim(top=1.3 * float(lines[0].x.size))
        axes.legend(loc="upper left", ncols=2)


# ---------------------------------------------------------------- what the films see
def _window(axes: Any, lines: Sequence[Line]) -> None:
    for line in lines:
        low = line.study.ageing["lowest_potential"]
        high = line.study.ageing["highest_potential"]
        line.draw(axes, low)
        axes.plot(line.x, high, color=line.colour, linestyle=line.pattern, linewidth=0.9)
        axes.fill_between(line.x, low, high, color=line.colour, alpha=0.12, linewidth=0.0)
    axes.set_ylabel(r"potential vs. Li/Li$^+$ [V]")


def _voltage(axes: Any, lines: Sequence[Line]) -> None:
    cycling = any(np.ptp(line.study.cell["Cycle"]) > 0 for line in lines)
    longest = max(float(np.ptp(part[0])) for line in lines for part in _cycles(line.study))
    seconds, unit = time_unit(longest)
    for line in lines:
        parts = _cycles(line.study)
        for index, (time, voltage, number) in enumerate(parts):
            last = len(parts) > 1 and index == len(parts) - 1
            colour = line.colour if len(lines) > 1 or not last else ACCENT
            axes.plot(
                (time - time[0]) / seconds,
                voltage,
                color=colour,
                linestyle="--" if last else line.pattern,
                linewidth=1.2,
                label=f"cycle {number + 1:.0f}" if cycling and len(lines) == 1 else None,
            )
    axes.set_xlim(0.0, longest / seconds or 1.0)
    axes.set_xlabel(f"time in the cycle [{unit}]" if cycling else f"time [{unit}]")
    axes.set_ylabel("voltage [V]")
    if cycling and len(lines) == 1:
        axes.legend(loc="best")


def _cycles(study: Study) -> list[tuple[Array, Array, float]]:
    """Return time, voltage and number of the first and the last cycle that has been simulated."""
    cycle, time, voltage = (study.cell[name] for name in ("Cycle", "Time", "Voltage"))
    ends = dict.fromkeys((float(cycle[0]), float(cycle[-1])))
    return [(time[cycle == one], voltage[cycle == one], one) for one in ends]


def _room(axes: Any, lines: Sequence[Line]) -> None:
    several = len(lines) > 1
    for line in lines:
        ageing = line.study.ageing
        label = "" if several else "porosity over the first"
        line.draw(axes, 100.0 * ageing["minimal_porosity"] / ageing["minimal_porosity"][0], label)
        axes.plot(line.x, 100.0 * ageing["solvent_left"],
                  color=line.colour if several else ACCENT, linestyle=":",
                  label=None if several else "solvent")  # fmt: skip
    axes.set_ylabel("pores; dotted: solvent [%]")
    axes.ticklabel_format(axis="y", useOffset=False)
    if not several:
        axes.legend(loc="best")


def _plated(axes: Any, lines: Sequence[Line]) -> None:
    values = [line.study.ageing["plated_lithium"] for line in lines]
    if not any(np.any(one != 0.0) for one in values):
        note(axes, "no plating: not an option of this cell,\nor none has plated")
        axes.set_yticks([])
        return
    for line, one in zip(lines, values, strict=True):
        line.draw(axes, 1e3 * one)
    axes.set_ylabel("plated lithium [mmol]")
