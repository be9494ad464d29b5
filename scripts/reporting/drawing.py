"""Small helpers of the pictures: figures without global state, legends, time axes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    LogFormatterMathtext,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from interphase.scripts.reporting.palette import LIQUID, NATURAL_TIMES, PORE, STYLE, Look

LETTERS = "abcdefghijklmnop"


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture.

    Attributes:
        name: of the PNG file, without ending.
        title: heading on the page.
        caption: what it shows, HTML.
        png: the file's content.
    """

    name: str
    title: str
    caption: str
    png: bytes


@contextmanager
def style() -> Iterator[None]:
    """Draw with the report's settings and without a display."""
    with matplotlib.rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return a figure [inch] that lays itself out; it belongs to no window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def as_png(figure: Figure) -> bytes:
    """Return the figure as a PNG file. Call inside :func:`style`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    return buffer.getvalue()


def phase_handles(looks: dict[str, Look], *, pore: bool, liquid: bool) -> list[Patch]:
    """Return the legend of areas."""
    edge = {"edgecolor": "#4B5563", "linewidth": 0.5}
    handles = [Patch(facecolor=look.colour, label=look.label, **edge) for look in looks.values()]
    if pore:
        handles.append(Patch(facecolor=PORE, label="pores", **edge))
    if liquid:
        handles.append(Patch(facecolor=LIQUID, label="electrolyte", **edge))
    return handles


def line_handle(colour: str, label: str, pattern: Any = "-", width: float = 1.6) -> Line2D:
    """Return the legend entry of a line."""
    return Line2D([], [], color=colour, linestyle=pattern, linewidth=width, label=label)


def letter(axes: Any, index: int, text: str) -> None:
    """Write the panel's letter and heading."""
    axes.set_title(rf"$\bf{{{LETTERS[index]}}}$  {text}")


def logarithmic(axis: Any, low: float, high: float) -> None:
    """Label a logarithmic axis so that a short one has labels too and numbers are plain.

    Args:
        axis: ``xaxis`` or ``yaxis``.
        low: smallest value shown.
        high: largest value shown.
    """
    decades = math.log10(high / low)
    subs = (
        (1.0,) if decades > 2.0 else (1.0, 2.0, 5.0) if decades > 0.7 else (1, 1.5, 2, 3, 4, 5, 7)
    )
    axis.set_major_locator(LogLocator(base=10.0, subs=subs, numticks=12))
    axis.set_minor_formatter(NullFormatter())
    if low > 5.0e-4 and high < 5.0e4:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axis.set_major_formatter(LogFormatterMathtext())


def logarithmic_time(axes: Any, low: float, high: float, unit: tuple[float, str]) -> None:
    """Label a logarithmic time axis: with natural times where it is long.

    Args:
        axes: the panel.
        low: shortest time shown, in the unit.
        high: longest time shown, in the unit.
        unit: seconds per unit and its name, of :func:`~.palette.time_unit`.
    """
    seconds, name = unit
    marks = [mark for mark in NATURAL_TIMES if 0.9 * low <= mark[0] / seconds <= 1.1 * high]
    if math.log10(high / low) < 2.5 or len(marks) < 3:
        logarithmic(axes.xaxis, low, high)
        axes.set_xlabel(f"time [{name}]")
        return
    axes.xaxis.set_major_locator(FixedLocator([mark[0] / seconds for mark in marks]))
    axes.xaxis.set_major_formatter(FixedFormatter([mark[1] for mark in marks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("time")


def note(axes: Any, text: str) -> None:
    """Write a remark into the middle of an empty panel."""
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#6B7280",
        fontsize=8.0,
    )  # fmt: skip
