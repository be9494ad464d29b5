"""The libraries that the atomistic calculations need, imported when one is run."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Final

from interphase.parameters.errors import MissingExtraError

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "dft": ("ase", "janaf", "networkx", "pyscf", "rdkit", "tblite"),
    "mlp": ("ase", "chgnet", "sevenn"),
    "md": ("ase", "openmm"),
}
"""Top-level modules that each optional extra of the package brings."""


def load(module: str) -> ModuleType:
    """Import a module of an optional extra.

    Args:
        module: dotted name, such as ``ase.build``.

    Raises:
        MissingExtraError: if its library is not installed; one line that names the extra.
    """
    library = module.partition(".")[0]
    if importlib.util.find_spec(library) is None:
        names = [name for name, modules in EXTRAS.items() if library in modules]
        extra = names[0] if names else "dft"
        raise MissingExtraError(
            f"{library} is not installed; install it with "
            f"pip install 'interphase[{extra}]' (or uv sync --extra {extra})"
        )
    return importlib.import_module(module)


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution, ``absent`` where there is none."""
    found = {}
    for name in sorted({*distributions, "interphase", "numpy"}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
