"""Numbers of a coupled study at an exchange, from the cell and its films."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CouplingError
from interphase.parameters.program import Drive
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.leg import Leg
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.study_state import Exchange

_COULOMB_PER_AH: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a cell delivers [A h].

    Attributes:
        last: discharge of the cycle that has just ended; nan within one.
        first: that of the first one; nan before it ends.
        nominal: on the label.
    """

    last: float
    first: float
    nominal: float

    def remaining(self, taken: float) -> float:
        """Return what is left [-].

        Args:
            taken: by film and plating [A h]; it counts within a cycle, and in storage.
        """
        return self.last / self.first if self.last > 0.0 else 1.0 - taken / self.nominal


def ageing_row(
    study: AgeingStudy,
    exchange: Exchange,
    leg: Leg,
    rows: Sequence[Mapping[str, float]],
    *,
    capacity: Capacity,
    wall: float,
) -> dict[str, float]:
    """Return the row of ``ageing.csv``. Collective.

    Args:
        study: cell and films.
        exchange: the last one.
        leg: what the cell did in it.
        rows: of its patches.
        capacity: of the cell.
        wall: time since the study started [s].
    """
    places = study.places
    cell = study.on_cell(_cell_numbers)
    thickness = np.array([row["thickness"] for row in rows])
    weight = places.film_area / places.film_area.sum()
    lost = cell["lost_lithium"] * FARADAY / _COULOMB_PER_AH
    plated = cell["plated_lithium"] * FARADAY / _COULOMB_PER_AH
    runs = [s for cycle in leg.segments for s in cycle]
    resistance = np.maximum([row["film_resistance"] for row in rows], 1e-30)
    lithium = np.array([row["lithium_lost"] - row["lithium_salt"] for row in rows])
    return {
        **cell,
        "time": exchange.time,
        "cycle": exchange.cycle,
        "cycles_jumped": exchange.jumped,
        "discharge_capacity": capacity.last,
        "lost_capacity": lost,
        "lost_charge": lost * _COULOMB_PER_AH / float(places.film_area.sum()),
        "lost_charge_geometric": lost * _COULOMB_PER_AH / float(places.area.sum()),
        "film_lithium": float(places.film_area @ lithium),
        "remaining_capacity": capacity.remaining(lost + plated),
        "film_thickness": float(weight @ thickness),
        "film_thickness_least": float(thickness.min()),
        "film_thickness_largest": float(thickness.max()),
        "film_thickness_geometric": float(weight @ thickness) * places.area_ratio,
        "film_resistance": 1.0 / float(np.sum(places.film_area / resistance)),
        "lowest_potential": min(float(s.film_potential.min()) for s in runs),
        "highest_potential": max(float(s.film_potential.max()) for s in runs),
        "temperature": float(runs[-1].temperature[-1]),
        "coupling_error": exchange.error,
        "potential_error": exchange.potential_error,
        "lithium_imbalance": exchange.books,
        "solvent_left": min(row["reservoir"] for row in rows),
        "film_steps": exchange.film_steps,
        "rejected": study.state.rejected,
        "wall_time": wall,
    }


def patch_row(film: object, drive: Drive) -> dict[str, float]:
    """Return a film's own numbers. Collective on its ranks.

    Raises:
        CouplingError: it is no phase field.
    """
    if not isinstance(film, PhaseFieldPatch):
        raise CouplingError("only phase-field patches have rows")
    return dict(film.row(drive).values)


def conductivity(row: Mapping[str, float]) -> float:
    """Return the effective conductivity of a film for lithium ions [S/m]; nan without one."""
    resistance = row["film_resistance"]
    return row["thickness"] / resistance if resistance > 0.0 else math.nan


def initial_salt(cell: Any) -> float:
    """Return the salt in the electrolyte of a fresh cell [mol/m3]."""
    return float(cell.parameter_values["Initial concentration in electrolyte [mol.m-3]"])


def _cell_numbers(cell: Any) -> dict[str, float]:
    return {
        "throughput": float(cell.throughput),
        "lost_lithium": float(cell.lost_lithium),
        "minimal_porosity": float(cell.minimal_porosity),
        "plated_lithium": float(cell.plated_lithium),
    }
