"""NIST-JANAF values: what computed reaction energies are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from interphase.models.atomistic.extras import load
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import AtomisticError, did_you_mean

# numbers of the tables; elements in their reference states
_TABLES: Final[Mapping[str, str]] = {
    "LiF": "F-021",
    "Li2O": "Li-014",
    "Li2CO3": "C-076",
    "LiOH": "H-018",
    "CO": "C-093",
    "CO2": "C-095",
    "C2H4": "C-128",
    "Li": "Li-001",
    "C": "C-002",
    "O2": "O-029",
    "F2": "F-054",
    "Li(g)": "Li-005",
    "LiF(g)": "F-024",
    "Li2O(g)": "Li-017",
    "CO2(g)": "C-095",
}


@dataclass(frozen=True, slots=True)
class Formation:
    """Formation from the elements in their reference states at 1 bar, per mole.

    Attributes:
        enthalpy_0: enthalpy at 0 K [J/mol].
        enthalpy: enthalpy at 298.15 K [J/mol].
        gibbs: Gibbs energy at 298.15 K [J/mol].
    """

    enthalpy_0: float
    enthalpy: float
    gibbs: float


def formation(name: str) -> Formation:
    """Return the tabulated formation of a substance.

    Raises:
        AtomisticError: if it is not among those that are known by name.
        MissingExtraError: if the tables are not installed.

    Source: Chase, NIST-JANAF Thermochemical Tables, 4th ed. (1998).
    """
    if name not in _TABLES:
        raise AtomisticError(f"'{name}' has no NIST-JANAF table; {did_you_mean(name, _TABLES)}")
    rows = load("janaf").Table(_TABLES[name]).df.to_dicts()
    at = {row["T(K)"]: row for row in rows if row["T(K)"] in (0.0, 298.15)}
    room = at[298.15]
    return Formation(1e3 * at[0.0]["delta-f H"], 1e3 * room["delta-f H"], 1e3 * room["delta-f G"])


def reaction(stoichiometry: Mapping[str, float]) -> Formation:
    """Return the tabulated change of a reaction, coefficients negative for what is consumed."""
    parts = [(nu, formation(name)) for name, nu in stoichiometry.items()]
    return Formation(
        sum(nu * part.enthalpy_0 for nu, part in parts),
        sum(nu * part.enthalpy for nu, part in parts),
        sum(nu * part.gibbs for nu, part in parts),
    )


def potential_against_lithium(gibbs: float, lithium: float) -> float:
    """Return the equilibrium potential of a reaction that consumes lithium metal [V].

    Args:
        gibbs: Gibbs energy per extent [J/mol].
        lithium: moles of Li consumed per extent [-].
    """
    return -gibbs / (lithium * FARADAY)
