"""What a crystal lets through as lithium interstitials, from the energies of its defects."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from interphase.models.atomistic.result import Computed
from interphase.parameters.audit import deviation
from interphase.parameters.constants import AVOGADRO, BOLTZMANN
from interphase.parameters.provenance import LogNormal, NoUncertainty, Range, Uncertainty

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 1.0e13
"""Attempts of an ion to hop [1/s]; assumed, of the order of its vibrations."""

NEEDS: Final = ("interstitial_formation_energy", "migration_barrier", "molar_volume")
"""Quantities of a crystal that its permeability follows from."""


def permeability(
    formation: float, barrier: float, molar_volume: float, temperature: float
) -> float:
    """Return diffusivity times concentration of interstitials at 0 V vs Li/Li+ [mol/(m s)].

    D0 c0 = a^2 nu exp(-E_m/kT) exp(-E_f/kT)/V_m: one void per formula unit, hops of the cube root
    of its volume. Lithium metal is at 0 V, so that E_f against lithium metal is what counts.

    Args:
        formation: energy of a neutral interstitial against lithium metal [J].
        barrier: of a hop [J].
        molar_volume: of the crystal [m^3/mol].
        temperature: [K].

    Source: Philibert, Atom Movements: Diffusion and Mass Transport in Solids (1991), chapter 2.
    """
    hop = (molar_volume / AVOGADRO) ** (1.0 / 3.0)
    part = math.exp(-(formation + barrier) / (BOLTZMANN * temperature))
    return hop**2 * ATTEMPTS * part / molar_volume


def leakage(
    values: Iterable[Computed], concentration: float | None, temperature: float
) -> list[Computed]:
    """Return the permeability of every crystal whose defects are known.

    The barrier is that of a vacancy, which stands in for the interstitial's. A crystal whose
    formation energy may be negative within its error is left out with a warning: learned potentials
    know no electrons, and an extra one is what makes a neutral interstitial costly.

    Args:
        values: one per key; those that are needed are picked out.
        concentration: reference of a table [mol/m^3]; with it the diffusivity that gives the same
            product is returned as well.
        temperature: [K].
    """
    known = {value.key: value for value in values}
    crystals = {value.of for value in known.values() if value.name == NEEDS[0]}
    found = []
    for name in sorted(crystals):
        parts = [known.get(f"{quantity}.{name}") for quantity in NEEDS]
        energy, barrier, volume = parts
        if energy is None or barrier is None or volume is None:
            continue
        if not _surely_positive(energy):
            logger.warning(
                "no leakage of %s: the formation energy of its interstitial, %.2g %s, may be "
                "negative within its error; by these methods the crystal would take up lithium",
                name, energy.value, energy.unit,
            )  # fmt: skip
            continue
        numbers = [part.parameter().value or 0.0 for part in (energy, barrier, volume)]
        product = permeability(numbers[0], numbers[1], numbers[2], temperature)
        row = Computed(
            "interstitial_permeability", name, product, "mol/m/s",
            _spread(product, energy, barrier, temperature),
            "dilute neutral interstitials in the bulk crystal",
            settings={"temperature [K]": temperature, "attempts [1/s]": ATTEMPTS,
                      "formation energy": f"{energy.value:.4g} {energy.unit}",
                      "barrier": f"{barrier.value:.4g} {barrier.unit}"},
            versions=dict(energy.versions),
            note="bulk crystal without boundaries or charged defects; barrier of a vacancy",
        )  # fmt: skip
        found.append(row)
        if concentration is not None:
            found.append(_diffusivity(row, concentration))
    return found


def _surely_positive(energy: Computed) -> bool:
    spread = energy.uncertainty
    return energy.value > 0.0 and not (isinstance(spread, Range) and spread.low <= 0.0)


def _diffusivity(row: Computed, concentration: float) -> Computed:
    spread = row.uncertainty
    if isinstance(spread, LogNormal):
        spread = LogNormal(spread.median / concentration, spread.factor)
    note = f"{row.note}; D0 c0 of {row.value:.3g} mol/(m s) over {concentration:g} mol/m^3"
    return replace(row, name="interstitial_diffusivity", value=row.value / concentration,
                   unit="m^2/s", uncertainty=spread, note=note)  # fmt: skip


def _spread(product: float, energy: Computed, barrier: Computed, temperature: float) -> Uncertainty:
    deviations = [deviation(part.parameter()) for part in (energy, barrier)]
    if any(size is None for size in deviations):
        return NoUncertainty("one potential; the spread over several gives it")
    size = math.hypot(*(size or 0.0 for size in deviations))
    return LogNormal(product, max(1.001, math.exp(size / (BOLTZMANN * temperature))))
