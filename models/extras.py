"""Libraries of the optional extras of the package, imported when one is used."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType
from typing import Final

from interphase.parameters.errors import MissingExtraError

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "dft": ("ase", "janaf", "networkx", "pyscf", "rdkit", "tblite"),
    "mlp": ("ase", "chgnet", "sevenn"),
    "md": ("ase", "openmm"),
    "surrogate": ("equinox", "jax", "optax", "sklearn"),
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
