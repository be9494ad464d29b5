"""Reactions that can be asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from interphase.models.atomistic.molecules.phases import METAL_ION, from_metal

_REDUCTIONS: Final[Mapping[str, tuple[Mapping[str, int], int]]] = {
    # zero, if lithium's shell and the level were right
    "Li+/Li": ({"Li+EC": -1, "Li(s)": 1, "EC": 1}, 1),
    "CO2": ({"CO2": -1, "CO2-": 1}, 1),
    "EC": ({"EC": -1, "EC-": 1}, 1),
    "Li+EC": ({"Li+EC": -1, "LiEC": 1}, 1),
    "Li+EC ring opening": ({"Li+EC": -1, "LiEC-open": 1}, 1),
    "Li+(EC)2": ({"Li+(EC)2": -1, "LiEC(EC)": 1}, 1),
    "Li+(EC)2 ring opening": ({"Li+(EC)2": -1, "LiEC-open(EC)": 1}, 1),
    "FEC": ({"FEC": -1, "FEC-": 1}, 1),
    "Li+FEC": ({"Li+FEC": -1, "LiFEC": 1}, 1),
    "Li+FEC LiF elimination": ({"Li+FEC": -1, "LiF": 1, "FEC-F": 1}, 1),
    "VC": ({"VC": -1, "VC-": 1}, 1),
    "DMC": ({"DMC": -1, "DMC-": 1}, 1),
    "EMC": ({"EMC": -1, "EMC-": 1}, 1),
    "Li+VC": ({"Li+VC": -1, "LiVC": 1}, 1),
    "LiEC-open second electron": (
        {"LiEC-open": -1, "Li+EC": -1, "Li2CO3": 1, "C2H4": 1, "EC": 1},
        1,
    ),
    # the reactions of tables; ions come from their shells, solids are single molecules
    "R1": ({"Li+EC": -2, "Li2EDC": 1, "C2H4": 1}, 2),
    "R2": ({"Li+EC": -2, "Li2CO3": 1, "C2H4": 1, "EC": 1}, 2),
    "R3": ({"Li+EC": -3, "PF6-": -1, "LiF": 3, "PF3": 1, "EC": 3}, 2),
    "R4": ({"Li+EC": -2, "Li2EDC": -1, "Li2CO3": 2, "C2H4": 1, "EC": 2}, 2),
    "R5": ({"Li+EC": -2, "Li2CO3": -1, "Li2O": 2, "CO": 1, "EC": 2}, 2),
    "R7": ({"Li+EC": -2, "DMC": -1, "Li2CO3": 1, "C2H6": 1, "EC": 2}, 2),
    "R8": ({"Li+EC": -2, "CO2": -2, "Li2CO3": 1, "CO": 1, "EC": 2}, 2),
}

CRYSTALS: Final[Mapping[str, tuple[Mapping[str, int], int]]] = {
    "R2": ({"EC": -1, METAL_ION: -2, "Li2CO3(s)": 1, "C2H4(g)": 1}, 2),
    "R3": ({"PF6-": -1, METAL_ION: -3, "LiF(s)": 3, "PF3(g)": 1}, 2),
    "R5": ({"Li2CO3(s)": -1, METAL_ION: -2, "Li2O(s)": 2, "CO(g)": 1}, 2),
    "R7": ({"DMC": -1, METAL_ION: -2, "Li2CO3(s)": 1, "C2H6(g)": 1}, 2),
    "R8": ({"CO2(g)": -2, METAL_ION: -2, "Li2CO3(s)": 1, "CO(g)": 1}, 2),
}

"""Reactions of tables with crystals, gases and ions of the metal."""

CRYSTAL: Final = " crystal"
"""Ends the name of a reaction with crystals."""

FROM_METAL: Final = " with metal ions"
"""Ends the name of a reaction whose ions are in equilibrium with the metal."""

REDUCTIONS: Final[Mapping[str, tuple[Mapping[str, int], int]]] = {
    **_REDUCTIONS,
    **{name + CRYSTAL: one for name, one in CRYSTALS.items()},
    **{
        name + FROM_METAL: (from_metal(stoichiometry), electrons)
        for name, (stoichiometry, electrons) in _REDUCTIONS.items()
        if name != "Li+/Li"
        and any(one.startswith("Li+") and "(" not in one for one in stoichiometry)
    },
}
"""Reductions by name: stoichiometry and electrons."""

ONSETS: Final[Mapping[str, tuple[str, str, tuple[int, int]]]] = {
    # the lower of the ring's two bonds between oxygen and carbon
    "EC": ("Li+EC", "LiEC", (4, 5)),
}
"""Reduction, its product, and the bond that the product breaks; by the solvent's name."""

GIBBS: Final[Mapping[str, Mapping[str, int]]] = {
    "ring opening of LiEC": {"LiEC": -1, "LiEC-open": 1},
    "2 LiEC -> Li2EDC + C2H4": {"LiEC": -2, "Li2EDC": 1, "C2H4": 1},
    "2 LiEC-open -> Li2EDC + C2H4": {"LiEC-open": -2, "Li2EDC": 1, "C2H4": 1},
    "Li+EC + EC -> Li+(EC)2": {"Li+EC": -1, "EC": -1, "Li+(EC)2": 1},
    "R6a": {"Li2EDC": -1, "H2O": -1, "Li2CO3": 1, "CO2": 1, "(CH2OH)2": 1},
    "R6b": {"Li2CO3": -1, "HF": -2, "LiF": 2, "H2O": 1, "CO2": 1},
    # all of it is tabulated: what the level misses by in a reaction of gases
    "R6b crystal": {"Li2CO3(s)": -1, "HF(g)": -2, "LiF(s)": 2, "H2O(g)": 1, "CO2(g)": 1},
}
"""Reactions without electrons by name."""
