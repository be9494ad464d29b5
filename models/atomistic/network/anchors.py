"""What xTB is corrected by: reactions of the network that density functional theory knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.models.atomistic import result_file
from interphase.models.atomistic.molecules.phases import LITHIUM_ABSOLUTE
from interphase.models.atomistic.molecules.reactions import FROM_METAL
from interphase.models.atomistic.network.network import KNOWN, Edge, Species
from interphase.parameters.errors import AtomisticError

_LEVEL: Final = "M06-2X"
_CLOSED: Final = ("Li+EC", "Li+FEC")


@dataclass(frozen=True, slots=True)
class Correction:
    """Shifts of xTB, and what they leave.

    Attributes:
        electron: what xTB overrates the binding of an electron by [eV].
        salt: what it overrates the binding of a lithium ion to an anion by, beyond that of the
            electron [eV].
        error: standard deviation that is left [eV].
        anchors: reactions that were used.
    """

    electron: float
    salt: float
    error: float
    anchors: tuple[str, ...]


def anchors() -> dict[str, Edge]:
    """Return the reductions of the molecules' module that are reactions of the network.

    None is a sum of others, so that each is evidence of its own. Where an ion is consumed it is
    one in equilibrium with the metal, if such a potential is known: its own shell does not matter.
    """
    ring, opened = KNOWN["EC"], Species(KNOWN["EC-open"], -1, 1)
    free, held = Species(ring), Species(ring, 0, 1)
    carbonate, dimer = Species(KNOWN["CO3"], -2, 2), Species(KNOWN["EDC"], -2, 2)
    gas, salt = Species(KNOWN["C2H4"]), Species(KNOWN["F"], -1, 1)
    fluoro, rest = KNOWN["FEC"], Species(KNOWN["FEC-F"])
    return {
        "EC": Edge("reduction", (free,), (Species(ring, -1),), 1),
        "FEC": Edge("reduction", (Species(fluoro),), (Species(fluoro, -1),), 1),
        "VC": Edge("reduction", (Species(KNOWN["VC"]),), (Species(KNOWN["VC"], -1),), 1),
        "Li+EC": Edge("reduction", (held,), (Species(ring, -1, 1),), 1),
        "Li+FEC": Edge("reduction", (Species(fluoro, 0, 1),), (Species(fluoro, -1, 1),), 1),
        "Li+EC ring opening": Edge("dissociation", (held,), (opened,), 1),
        "Li+FEC LiF elimination": Edge("dissociation", (Species(fluoro, 0, 1),), (salt, rest), 1),
        "LiEC-open second electron": Edge(
            "dissociation", (opened, held), (carbonate, gas, free), 1
        ),
        "R1": Edge("reduction", (held, held), (dimer, gas), 2),
    }


def computed_potentials() -> dict[str, float]:
    """Return the reduction potentials that ship, at the level of the anchors [V vs Li/Li+].

    One whose ions are those of the metal stands for the reaction with complexes. Closed rings are
    taken as complexes on both sides and without the explicit shell: that of the reduced ring ends
    where GFN2-xTB moves its electron to a solvent, and would be counted on one side only.
    """
    found = {
        value.of: value.value - value.terms.get("explicit_shell", 0.0) * (value.of in _CLOSED)
        for file in result_file.shipped()
        for value in file.values
        if value.name == "reduction_potential" and value.method.startswith(_LEVEL)
    }
    metal = {
        name.removesuffix(FROM_METAL): value
        for name, value in found.items()
        if name.endswith(FROM_METAL) and name.removesuffix(FROM_METAL) not in _CLOSED
    }
    return found | metal


def salts(one: Species) -> int:
    """Return how many lithium ions of a species neutralise an anion."""
    return min(one.lithium, max(0, -one.charge))


def fit(gibbs: Mapping[Species, float], volts: Mapping[str, float]) -> Correction:
    """Fit the shifts to the anchors that both know.

    The shift of a salt is fitted with three anchors or more, if some have salts and some none.

    Args:
        gibbs: of species by xTB [eV].
        volts: reduction potential of each anchor [V vs Li/Li+].

    Raises:
        AtomisticError: if there is no anchor.
    """
    rows, right, names = [], [], []
    for name, edge in anchors().items():
        if name not in volts or not {*edge.consumed, *edge.made} <= set(gibbs):
            continue
        change = sum(gibbs[one] for one in edge.made) - sum(gibbs[one] for one in edge.consumed)
        bound = sum(map(salts, edge.made)) - sum(map(salts, edge.consumed))
        rows.append([edge.electrons, bound])
        right.append(-edge.electrons * (volts[name] + LITHIUM_ABSOLUTE) - change)
        names.append(name)
    if not names:
        raise AtomisticError("no anchor of the electron's shift is in the network; seed it with EC")
    design, wanted = np.array(rows, dtype=float), np.array(right)
    if len(names) < 3 or np.linalg.matrix_rank(design) < 2:
        design = design[:, :1]
    shifts, *_ = np.linalg.lstsq(design, wanted)
    left = wanted - design @ shifts
    free = len(names) - len(shifts)
    error = float(np.sqrt(left @ left / free)) if free else float("nan")
    electron, salt = np.append(shifts, 0.0)[:2]
    return Correction(float(electron), float(salt), error, tuple(names))
