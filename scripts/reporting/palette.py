"""Colours, line styles, labels and units that all pictures of a report share.

The colours are those of Okabe and Ito, which people with any common colour blindness can tell
apart; every line also has a pattern of its own, so that a print without colour still reads.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

FILM: Final = "#1A1A1A"
LIQUID: Final = "#F4F6F9"
PORE: Final = "#A7ADB4"
ACCENT: Final = "#0072B2"
SECOND: Final = "#D55E00"
SECOND_TEXT: Final = "#A64500"
ELECTRODE: Final = "#3F444B"
GUIDE: Final = "#6B7280"

_COLOURS: Final = {"LiF": "#E69F00", "Li2CO3": "#009E73", "Li2O": "#CC79A7", "Li2EDC": "#0072B2"}
_SPARE: Final = ("#D55E00", "#56B4E9", "#F0E442", "#7F4F9A")
_PATTERNS: Final = {"LiF": "--", "Li2CO3": "-.", "Li2O": (0, (3, 1, 1, 1, 1, 1)), "Li2EDC": ":"}
_SPARE_PATTERNS: Final = ((0, (6, 1)), (0, (1, 1)), (0, (8, 2, 2, 2)))

STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "mathtext.default": "regular",
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDE1E6",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "savefig.dpi": 180,
    "figure.dpi": 100,
}
"""Settings of matplotlib, used inside ``matplotlib.rc_context``."""

_TIMES: Final = (
    (365.25 * 86400.0, "year"),
    (86400.0, "day"),
    (3600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1.0e-3, "ms"),
    (1.0e-6, "µs"),
)

NATURAL_TIMES: Final = (
    (1.0e-9, "1 ns"),
    (1.0e-6, "1 µs"),
    (1.0e-3, "1 ms"),
    (1.0, "1 s"),
    (60.0, "1 min"),
    (3600.0, "1 h"),
    (86400.0, "1 d"),
    (30.4 * 86400.0, "1 mo"),
    (365.25 * 86400.0, "1 y"),
    (3652.5 * 86400.0, "10 y"),
)
"""Marks [s] of a long logarithmic time axis."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a phase is drawn.

    Attributes:
        colour: hexadecimal.
        pattern: line style of matplotlib.
        label: formula with subscripts, in matplotlib's mathematical text.
    """

    colour: str
    pattern: Any
    label: str


_STUDIES: Final = ("#1A1A1A", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STUDY_PATTERNS: Final = ("-", "--", "-.", (0, (6, 1)), (0, (3, 1, 1, 1)), (0, (8, 2, 2, 2)))


def study_looks(count: int) -> list[tuple[str, Any]]:
    """Return colour and line style of each of several studies in one panel."""
    return [
        (_STUDIES[index % len(_STUDIES)], _STUDY_PATTERNS[index % len(_STUDY_PATTERNS)])
        for index in range(count)
    ]


def looks(phases: tuple[str, ...]) -> dict[str, Look]:
    """Return how each solid phase is drawn; phases without a fixed colour take spare ones."""
    spare = iter(_SPARE * (1 + len(phases) // len(_SPARE)))
    return {
        name: Look(
            _COLOURS.get(name) or next(spare),
            _PATTERNS.get(name, _SPARE_PATTERNS[index % len(_SPARE_PATTERNS)]),
            formula_label(name),
        )
        for index, name in enumerate(phases)
    }


def formula_label(formula: str) -> str:
    """Return a chemical formula with its numbers as subscripts of mathematical text."""
    return re.sub(r"(?<=[A-Za-z)])(\d+)", r"$_{\1}$", formula)


def formula_html(formula: str) -> str:
    """Return a chemical formula with its numbers as subscripts of HTML."""
    return re.sub(r"(?<=[A-Za-z)])(\d+)", r"<sub>\1</sub>", formula)


def time_unit(longest: float) -> tuple[float, str]:
    """Return seconds per unit, and the name of the unit in which ``longest`` [s] reads well."""
    for seconds, name in _TIMES:
        # "51 min" and "1.7 h" read better than "0.85 h" and "103 min"; a year has 365 days or more
        if longest >= (0.95 if name == "year" else 1.5 if seconds > 1.0 else 1.0) * seconds:
            return seconds, name
    return _TIMES[-1] if longest > 0.0 else (1.0, "s")


def time_text(time: float) -> str:
    """Return a time [s] in the unit in which it reads well."""
    seconds, name = time_unit(time)
    for longer, other in _TIMES:
        if math.isclose(time, longer):
            return f"1 {other}"
    return f"{time / seconds:.3g} {name}"


def volt_unit(largest: float) -> tuple[float, str]:
    """Return units per volt, and the name of the unit in which ``largest`` [V] reads well."""
    for factor, name in ((1.0, "V"), (1.0e3, "mV"), (1.0e6, "µV")):
        if largest * factor >= 0.1:
            return factor, name
    return 1.0e9, "nV"


def rgb(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue from 0 to 1 of a hexadecimal colour."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
    return red, green, blue
