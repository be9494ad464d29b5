"""Rates of the film's reactions as a network sees them, with how little it knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.network.barriers import Barriers, dissociation_energies
from interphase.models.atomistic.network.energies import Energies
from interphase.models.atomistic.network.network import KNOWN, Network, Species
from interphase.models.atomistic.network.paths import Path, Step, Ways, directed
from interphase.models.atomistic.result import Computed, Setting
from interphase.parameters.constants import BOLTZMANN, ELEMENTARY_CHARGE, PLANCK
from interphase.parameters.errors import AtomisticError
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import LogNormal, Relative

# Depth of the liquid or solid whose molecules electrons reach [m]; one molecule.
_LAYER: Final = 6e-10
# For the slope of a barrier [V].
_STEP: Final = 0.01
_ROOM: Final = 298.15
# Ways among which one with an electron is looked for.
_PATHS: Final = 20


@dataclass(frozen=True, slots=True)
class FilmReaction:
    """A reaction of the film in the network.

    Attributes:
        id: of the film's table.
        origin: what is reduced first.
        target: what it is to become.
        consumed: molecules of the origin per extent.
        amount: row of the table with the concentration of the origin, or the molar volume of a
            solid.
    """

    id: str
    origin: Species
    target: Species
    consumed: int
    amount: tuple[str, str]


REACTIONS: Final = (
    FilmReaction("R1", Species(KNOWN["EC"]), Species(KNOWN["EDC"], -2, 2), 2,
                 ("concentration_ref", "EC")),
    FilmReaction("R2", Species(KNOWN["EC"]), Species(KNOWN["CO3"], -2, 2), 1,
                 ("concentration_ref", "EC")),
    FilmReaction("R3", Species(KNOWN["PF6"], -1), Species(KNOWN["F"], -1, 1), 1,
                 ("concentration_ref", "salt")),
    FilmReaction("R4", Species(KNOWN["EDC"], -2, 2), Species(KNOWN["CO3"], -2, 2), 1,
                 ("molar_volume", "Li2EDC")),
    FilmReaction("R5", Species(KNOWN["CO3"], -2, 2), Species(KNOWN["O"], -2, 2), 1,
                 ("molar_volume", "Li2CO3")),
)  # fmt: skip


def film_rates(
    network: Network, energies: Energies, table: ParameterTable
) -> tuple[list[Computed], list[str]]:
    """Return rates and transfer coefficients at the reference potentials of a table.

    A reaction is as fast as the step with the highest barrier among those with an electron, on the
    cheapest way that takes electrons; of its molecules those in one layer are within reach. The
    error of the free energies, times the transfer coefficient, is one of the barrier and a factor
    of the rate.

    Args:
        network: all its species have energies.
        energies: of the species.
        table: of the film, for concentrations, molar volumes and reference potentials.

    Returns:
        The rows; and a line for each reaction that the network cannot give, and why.
    """
    rows: list[Computed] = []
    missing: list[str] = []
    law = Barriers(bonds=dissociation_energies(network, energies))
    for one in REACTIONS:
        try:
            rows += _rows(one, network, energies, table, law)
        except AtomisticError as error:
            missing.append(f"{one.id}: {error}")
    return rows, missing


def _rows(
    one: FilmReaction, network: Network, energies: Energies, table: ParameterTable, law: Barriers
) -> list[Computed]:
    potential = table.value("reference_potential", one.id)
    steps = directed(network, energies, potential, law)
    # what is in the film meets no molecule of the liquid
    start = [one.origin] if one.origin.lithium else [one.origin, Species(KNOWN["EC"])]
    if not set(start) <= set(network.species):
        raise AtomisticError(f"{one.origin.name} is not in the network")
    path, limiting = _slowest(one, Ways(steps, start))
    # each edge gives two steps, and only the one written takes the electron
    edge = network.edges[steps.index(limiting) // 2]
    ends = [law.barrier(edge, energies.change(edge, potential + d)) for d in (-_STEP, _STEP)]
    slope = float(np.clip((ends[1] - ends[0]) / (2.0 * _STEP), 1e-3, 0.999))
    quantity, of = one.amount
    amount = table.value(quantity, of)
    concentration = amount if quantity == "concentration_ref" else 1.0 / amount
    thermal = BOLTZMANN * _ROOM
    kelvin = thermal / ELEMENTARY_CHARGE
    rate = (
        concentration * _LAYER / one.consumed
        * thermal / PLANCK * float(np.exp(-limiting.barrier / kelvin))
    )  # fmt: skip
    error = energies.correction.error
    factor = float(np.exp(max(slope * error, kelvin) / kelvin))
    method = f"GFN2-xTB network with {len(energies.correction.anchors)} anchors by DFT"
    note = (
        f"limited by {limiting.text}, barrier {limiting.barrier:.2f} eV at "
        f"{potential:g} V; free energies are known to {error:.2f} eV; as if it ran alone"
    )
    settings: dict[str, Setting] = {"potential [V]": potential, "layer [m]": _LAYER, "barrier [eV]":
                limiting.barrier, "way": [step.text for step in path.steps]}  # fmt: skip
    versions = versions_of(("ase", "rdkit", "tblite"))
    return [
        Computed("tunnelling_rate", one.id, rate, "mol/m^2/s", LogNormal(rate, factor), method,
                 settings, versions, note=note),
        Computed("transfer_coefficient", one.id, slope, "-", Relative(0.5), method, settings,
                 versions, note=f"slope of the barrier; {note}"),
    ]  # fmt: skip


def _slowest(one: FilmReaction, ways: Ways) -> tuple[Path, Step]:
    """Return the cheapest way that takes electrons, and the highest barrier with one on it."""
    # more than the best are seldom asked for, and are slow to find
    for count in (1, _PATHS):
        for path in ways.paths(one.origin, one.target, count):
            with_electrons = [step for step in path.steps if step.electrons > 0]
            if with_electrons:
                return path, max(with_electrons, key=lambda step: step.barrier)
    raise AtomisticError(f"the {_PATHS} cheapest ways to {one.target.name} take no electron")
