"""Composition and fields against depth at the end of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    new_figure,
    note,
    phase_handles,
    style,
)
from interphase.scripts.reporting.palette import ACCENT, FILM, SECOND, looks, time_text, volt_unit
from interphase.scripts.reporting.snapshot import Film, lateral_average
from interphase.scripts.reporting.structure import stack_composition

_SCALED = (
    ("interstitial", r"localised electrons", FILM, "-"),
    ("solvent", "solvent", ACCENT, "--"),
    ("salt", "salt", SECOND, "-."),
)
_LEAST_VOLTS = 1.0e-9
_LIQUID = ("solvent", "salt")


def depth_picture(film: Film) -> Picture:
    """Draw the laterally averaged composition and the fields that the film carries."""
    phases = looks(film.phases)
    reach = 1.15 * film.top() + 0.5
    with style():
        figure = new_figure(7.4, 3.2)
        left, right = figure.subplots(1, 2)
        stack_composition(left, film, phases)
        letter(left, 0, "composition")
        left.set_ylabel("volume fraction [-]")
        _fields(right, film)
        letter(right, 1, "fields")
        for axes in (left, right):
            axes.set_xlim(0.0, reach)
            axes.set_xlabel("distance from the electrode [nm]")
        pore = film.has("pore") and bool(film.field("pore").max() > 0.01)
        handles = phase_handles(phases, pore=pore, liquid=True)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        png = as_png(figure)
    return Picture(
        "depth",
        "Against depth",
        f"Averages over planes parallel to the electrode at {time_text(film.time)}; fields over "
        "the film in each plane. Localised electrons are relative to their reference at 0 V, "
        "solvent and salt to the reservoir, the ionic potential against the reservoir.",
        png,
    )


def _fields(axes: Any, film: Film) -> None:
    names = [name for name, *_ in _SCALED if film.has(name)]
    if film.has("ionic_potential"):
        names.append("ionic_potential")
    if not names or film.top() == 0.0:
        note(axes, "no fields in the film")
        return
    table = lateral_average(film, names, within="film")
    rows = dict(zip(names, table[1:], strict=True))
    drawn = False
    for name, label, colour, pattern in _SCALED:
        values = rows.get(name)
        if values is None or not np.any(np.isfinite(values)) or np.nanmax(values) <= 0.0:
            continue
        if name in _LIQUID:
            values = values / _reservoir(film, name)
        axes.plot(table[0], np.where(values > 0.0, values, np.nan), color=colour,
                  linestyle=pattern, label=label)  # fmt: skip
        drawn = True
    if drawn:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        low = max(low, 1.0e-8 * high)
        axes.set_ylim(low, high * max((high / low) ** 0.5, 4.0))
        axes.set_ylabel("relative to reference [-]")
        axes.legend(loc="best")
    potential = rows.get("ionic_potential")
    if potential is not None and np.nanmax(np.abs(potential), initial=0.0) > _LEAST_VOLTS:
        _potential(axes, table[0], potential)


def _reservoir(film: Film, name: str) -> float:
    """Return the value of a field at the top of the domain."""
    height = film.height(np.asarray(film.grid.points))
    return float(film.field(name)[np.argmax(height)]) or 1.0


def _potential(axes: Any, height: Any, potential: Any) -> None:
    twin = axes.twinx()
    factor, unit = volt_unit(float(np.nanmax(np.abs(potential))))
    axes.plot([], [], color="#6B7280", linestyle=":", label="ionic potential (right)")
    axes.legend(loc="upper right", ncols=2, columnspacing=0.8, fontsize=7.0)
    twin.plot(height, potential * factor, color="#6B7280", linestyle=":")
    twin.set_ylabel(f"ionic potential [{unit}]", color="#6B7280")
    twin.tick_params(axis="y", colors="#6B7280")
    low, high = twin.get_ylim()
    twin.set_ylim(low, high + 0.5 * (high - low))
    twin.grid(False)
    axes.tick_params(right=False)
