"""Diffusion of one kind at several temperatures, and its activation energy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from interphase.models.atomistic.arrhenius import activation
from interphase.models.atomistic.liquids.properties import LiquidProperties
from interphase.models.atomistic.result import Computed
from interphase.parameters.errors import AtomisticError

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
            return (*values, *activation(moved, f"{self.kind} in {self.liquid.name}", self.at))
        except AtomisticError as error:
            logger.warning("%s in %s: %s", self.kind, self.liquid.name, error)
            return tuple(values)
