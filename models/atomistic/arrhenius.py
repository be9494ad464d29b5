"""The Arrhenius law through diffusivities that were computed at several temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from interphase.models.atomistic import transport
from interphase.models.atomistic.result import Computed
from interphase.parameters.provenance import LogNormal, Range


def activation(moved: Mapping[float, Computed], what: str, at: float) -> tuple[Computed, Computed]:
    """Return the activation energy, and the diffusivity at another temperature.

    Args:
        moved: diffusivity at each temperature [K], its range twice its error to either side.
        what: moves in what.
        at: temperature to extrapolate to [K].

    Raises:
        AtomisticError: if there are fewer than two, or a value has no error.
    """
    points = [transport.Estimate(one.value, _error(one)) for one in moved.values()]
    energy, error, level = transport.arrhenius(list(moved), points, at)
    first = next(iter(moved.values()))
    span = f"{min(moved):g} to {max(moved):g} K"
    note = f"Arrhenius law through {len(moved)} runs from {span}"
    energies = Computed(
        "activation_energy", what, energy, "J/mol",
        Range(energy - 2.0 * error, energy + 2.0 * error), first.method,
        {**first.settings, "temperature": list(moved)}, first.versions,
        note=f"{note}; range: twice the error of the fit",
    )  # fmt: skip
    far = replace(
        first, of=f"{what} at {at:g} K", value=level.median, terms={},
        settings=energies.settings,
        uncertainty=LogNormal(level.median, max(level.factor, 1.001)),
        note=f"{note}, extrapolated",
    )  # fmt: skip
    return energies, far


def _error(one: Computed) -> float:
    """Return the standard error of a value whose range is twice that to either side."""
    spread = one.uncertainty
    return (spread.high - spread.low) / 4.0 if isinstance(spread, Range) else 0.0
