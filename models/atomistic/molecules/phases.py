"""Solids as the gases that they evaporate to, and what the crystal holds them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from interphase.models.atomistic.crystals.reference import formation
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import AtomisticError, did_you_mean

SOLID: Final = "(s)"
"""Ends the name of a solid."""

LITHIUM_ABSOLUTE: Final = 1.40
"""Absolute potential of Li/Li+ [V]: 4.44 V of the hydrogen electrode (Trasatti, Pure Appl. Chem.
58, 955, 1986) less 3.04 V."""

_GASES: Final[Mapping[str, tuple[str, ...]]] = {
    "Li": ("Li(g)",),
    "LiF": ("LiF(g)",),
    "Li2O": ("Li2O(g)",),
    "Li2CO3": ("Li2O(g)", "CO2(g)"),
}


METAL_ION: Final = "Li+(Li)"
"""A lithium ion of the solution that is in equilibrium with lithium metal at 0 V vs Li/Li+."""


def evaporated(stoichiometry: Mapping[str, int]) -> tuple[dict[str, int], dict[str, float]]:
    """Return a reaction with every solid as its gases, and what is tabulated of it.

    An ion in equilibrium with the metal is an atom of the crystal less an electron at 0 V, which
    is known however well the ion's shell is computed.

    Args:
        stoichiometry: coefficients; names that end in ``(s)`` are solids.

    Returns:
        Coefficients of molecules only; named terms: change of the Gibbs energy from gases at 1 bar
        to crystals at 298.15 K (``crystal``), of the electrons of ions of the metal (``ion``);
        empty where there are neither [eV].

    Raises:
        AtomisticError: if a solid is not known.
        MissingExtraError: if there are solids and the tables are not installed.
    """
    found: dict[str, int] = {}
    terms: dict[str, float] = {}
    for name, nu in stoichiometry.items():
        if name != METAL_ION and not name.endswith(SOLID):
            found[name] = found.get(name, 0) + nu
            continue
        solid = "Li" if name == METAL_ION else name.removesuffix(SOLID)
        if solid not in _GASES:
            raise AtomisticError(f"solid '{name}': no gases known; {did_you_mean(solid, _GASES)}")
        held = formation(solid).gibbs
        for gas in _GASES[solid]:
            found[gas] = found.get(gas, 0) + nu
            held -= formation(gas).gibbs
        terms["crystal"] = terms.get("crystal", 0.0) + nu * held / FARADAY
        if name == METAL_ION:
            terms["ion"] = terms.get("ion", 0.0) + nu * LITHIUM_ABSOLUTE
    return {name: nu for name, nu in found.items() if nu}, terms


def from_metal(stoichiometry: Mapping[str, int]) -> dict[str, int]:
    """Return a reaction whose ions come from the metal and not from complexes such as Li+EC."""
    found: dict[str, int] = {}
    for name, nu in stoichiometry.items():
        ligand = name.removeprefix("Li+")
        parts = (name,) if ligand == name else (METAL_ION, ligand)
        for part in parts:
            found[part] = found.get(part, 0) + nu
    return {name: nu for name, nu in found.items() if nu}
