"""Diffusion of one kind at several temperatures, and its activation energy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from interphase.models.atomistic import transport
from interphase.models.atomistic.liquids.properties import LiquidProperties
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import LogNormal, Range

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActivatedDiffusion:
    """Self-diffusivity of one kind by an Arrhenius law through runs at several temperatures.

    Attributes:
        liquid: liquid or glass, its plan at any temperature.
        kind: that moves.
        temperatures: [K].
        duration: of each run at constant volume [ps].
        at: temperature to extrapolate to [K].
    """

    liquid: LiquidProperties
    kind: str
    temperatures: tuple[float, ...]
    duration: float = 500.0
    at: float = 298.15

    def run(self) -> tuple[Computed, ...]:
        """Return what each run gives and, where two or more moved enough, the law through them."""
        values: list[Computed] = []
        moved: dict[float, Computed] = {}
        for temperature in self.temperatures:
            plan = replace(self.liquid.plan, temperature=temperature, transport=self.duration)
            found = replace(self.liquid, plan=plan).run()
            values += found
            for one in found:
                if one.name == "diffusivity" and one.of.startswith(f"{self.kind} in "):
                    moved[temperature] = one
        try:
            return (*values, *self._law(moved))
        except AtomisticError as error:
            logger.warning("%s in %s: %s", self.kind, self.liquid.name, error)
            return tuple(values)

    def _law(self, moved: dict[float, Computed]) -> list[Computed]:
        points = [transport.Estimate(one.value, _error(one)) for one in moved.values()]
        energy, error, level = transport.arrhenius(list(moved), points, self.at)
        first = next(iter(moved.values()))
        what = f"{self.kind} in {self.liquid.name}"
        span = f"{min(moved):g} to {max(moved):g} K"
        note = f"Arrhenius law through {len(moved)} runs from {span}"
        energies = Computed(
            "activation_energy", what, energy, "J/mol",
            Range(energy - 2.0 * error, energy + 2.0 * error), first.method,
            {**first.settings, "temperature": list(moved)}, first.versions,
            note=f"{note}; range: twice the error of the fit",
        )  # fmt: skip
        far = replace(
            first, of=f"{what} at {self.at:g} K", value=level.median, terms={},
            settings=energies.settings,
            uncertainty=LogNormal(level.median, max(level.factor, 1.001)),
            note=f"{note}, extrapolated",
        )  # fmt: skip
        return [energies, far]


def _error(one: Computed) -> float:
    """Return the standard error of a value whose range is twice that to either side."""
    spread = one.uncertainty
    return (spread.high - spread.low) / 4.0 if isinstance(spread, Range) else 0.0
