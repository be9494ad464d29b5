"""What one analytic limit reports."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """Outcome of one comparison with an analytic limit.

    Attributes:
        name: identifier of the limit, then what was measured and its unit.
        expected: by theory.
        computed: by the model.
        error: relative to ``expected``, or absolute where the name says so.
        tolerance: largest error allowed.
        passed: whether the error is within it.
    """

    name: str
    expected: float
    computed: float
    error: float
    tolerance: float
    passed: bool


def relative(name: str, expected: float, computed: float, tolerance: float) -> Check:
    """Return the check of a number by its error relative to ``expected``."""
    return _check(name, expected, computed, computed / expected - 1.0, tolerance)


def absolute(name: str, expected: float, computed: float, tolerance: float) -> Check:
    """Return the check of a number by its difference from ``expected``."""
    return _check(name, expected, computed, computed - expected, tolerance)


def worst(name: str, expected: float, computed: float, error: float, tolerance: float) -> Check:
    """Return the check of many numbers by their largest ``error``, met at ``expected``."""
    return _check(name, expected, computed, error, tolerance)


def failed(name: str) -> Check:
    """Return the check of a limit that could not be measured."""
    return Check(name, math.nan, math.nan, math.inf, 0.0, passed=False)


def _check(name: str, expected: float, computed: float, error: float, tolerance: float) -> Check:
    passed = bool(math.isfinite(error) and abs(error) <= tolerance)
    return Check(name, float(expected), float(computed), float(error), float(tolerance), passed)
