"""The libraries that the atomistic calculations need, imported when one is run."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from interphase.models.extras import EXTRAS, load

__all__ = ["EXTRAS", "load", "versions_of"]


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution, ``absent`` where there is none."""
    found = {}
    for name in sorted({*distributions, "interphase", "numpy"}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
