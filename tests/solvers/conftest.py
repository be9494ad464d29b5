"""Cases that run in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interphase.parameters.case import Case

type CaseMaker = Callable[..., Case]

LINE: dict[str, Any] = {
    "title": "line",
    "mesh": {"kind": "interval", "size": ["10 nm"], "cell_size": "0.16 nm"},
    "model": {
        "deposition": "proportional",
        "override": {"interface_width": {"value": "1 nm", "note": "six cells"}},
    },
    "initial": {"seeds": {"law": "none"}},
    "drive": {"steps": [{"ramp": ["0.6 V", "0.1 V"], "for": "10 s"}, {"hold": "0.1 V"}]},
    "time": {"until": "20 s"},
}
PLANE: dict[str, Any] = {
    "title": "plane",
    "mesh": {"kind": "rectangle", "size": ["6 nm", "6 nm"], "cell_size": "0.16666666 nm"},
    "model": {"override": {"interface_width": {"value": "1 nm", "note": "six cells"}}},
    "initial": {"seeds": {"seed": 7}},
    "drive": {"steps": [{"ramp": ["0.8 V", "0.2 V"], "for": "60 s"}, {"hold": "0.2 V"}]},
    "time": {"until": "61 s"},
}


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both else value
    return merged


@pytest.fixture
def line() -> CaseMaker:
    """One-dimensional case with all mechanisms; blocks can be changed by keyword."""
    return lambda **changes: Case(**_merge(LINE, changes))


@pytest.fixture
def plane() -> CaseMaker:
    """Two-dimensional, periodic case with nucleation; blocks can be changed by keyword."""
    return lambda **changes: Case(**_merge(PLANE, changes))
