"""Currents and local models come together although resistances follow the length of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.linear_places import LinearPair, LinearPlaces
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array, LocalAnswer

NEAR_THE_END = 5.0e-2
"""Resistance over a long step of a nearly empty place [ohm m2]; over a short one 1.3e-3."""


class NearlyEmpty(LinearPlaces):
    """Places whose resistance rises with the length of the step."""

    def advance(self, seconds: float, current_density: Array, temperature: Array) -> LocalAnswer:
        self._pair = replace(self._pair, resistance=1.3e-3 + NEAR_THE_END * seconds / 300.0)
        return super().advance(seconds, current_density, temperature)


def test_a_short_step_after_a_long_one_comes_together(make_cell: Callable[..., Cell3D]) -> None:
    """The long step's resistances are forty times too large for the short one.

    Places differ by 2 mV, as with a gradient of temperature: exchanges that went on with the long
    step's resistances would each remove 3 % of what is left.
    """

    def models(places: PlaceMap) -> NearlyEmpty:
        made = NearlyEmpty(LinearPair(thickness=1.0e-4), places.size, 0.5)
        made._soc = made._soc + 2e-3 * np.sin(places.numbers)
        return made

    cell = make_cell(MPI.COMM_WORLD, models=models)
    current = 0.2 * cell.nominal_capacity
    for seconds in (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 0.01):
        trial = cell.balance.attempt(lambda source: source.at_current(current), seconds)
        cell.balance.accept(trial)
    assert trial.exchanges < 12
