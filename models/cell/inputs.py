"""Names of the inputs by which a cell model is driven."""

from typing import Final

THRESHOLDS: Final = {
    "voltage above": 100.0,
    "voltage below": -100.0,
    "abs_current below": -1.0,
    "current above": 1e9,
    "current below": -1e9,
}
"""Inputs that end a step, and the values that switch them off ([V] and [A])."""

CONTROL: Final = (
    "control current",
    "control voltage",
    "control power",
    "control value",
    "control slope",
)
"""Weights of the three controlled quantities, and the wanted value with its slope in time."""
