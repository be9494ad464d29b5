"""What a run reports after every step: one row of numbers, summed over all ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.models.reactions import ANION
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.program import Drive
from interphase.solvers.balance import SOLID_LITHIUM, Balance, BalanceSheet
from interphase.solvers.film import FilmSolver
from interphase.solvers.setup import Problem
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState

# Solids that always have a column, so that tables of different cases can be laid side by side.
SOLIDS: Final = ("LiF", "Li2CO3", "Li2O", "Li2EDC")
# The film's resistance costs a linear solve and changes slowly: it is kept for some steps, more on
# meshes of more than so many unknowns.
_SMALL = 5_000
_KEEP_SMALL, _KEEP = 5, 25

_FIRST: Final = (
    ("time", "s"), ("step", "s"), ("potential", "V"), ("temperature", "K"),
    ("current_density", "A/m2"), ("thickness", "m"),
)  # fmt: skip
_LAST: Final = (
    ("porosity", "-"), ("coverage", "-"), ("grains", "-"), ("lithium_lost", "mol/m2"),
    ("charge", "C/m2"), ("charge_tunnelling", "C/m2"), ("film_resistance", "ohm.m2"),
    ("potential_drop", "V"), ("element_imbalance", "-"), ("charge_imbalance", "-"),
    ("newton_iterations", "-"), ("wall_time", "s"),
)  # fmt: skip
_EXTRA: Final = (
    ("lithium_salt", "mol/m2"), ("carrier_mismatch", "-"), ("film_top", "m"),
    ("reservoir", "-"), ("wetted", "-"), ("leap", "-"),
)  # fmt: skip


def columns(solids: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (name, unit) of every column for a film of ``solids``."""
    others = tuple((f"thickness_{s}", "m") for s in solids if s not in SOLIDS)
    return (*_FIRST, *((f"thickness_{s}", "m") for s in SOLIDS), *_LAST, *_EXTRA, *others)


@dataclass(frozen=True)
class Row:
    """Numbers of one step.

    Attributes:
        values: by column name.
        balance: the imbalances in full.
    """

    values: dict[str, float]
    balance: Balance

    def __getitem__(self, name: str) -> float:
        """Return a value by its column's name."""
        return self.values[name]


class Diagnostics:
    """Turns states into rows. Collective on the space's communicator.

    Attributes:
        sheet: inventories and balances.
        resistance: of the film [ohm m2] and how many steps ago it was found; it goes into a
            checkpoint, so that a restarted run reports what the uninterrupted one does.
    """

    def __init__(self, solver: FilmSolver, resistance: Sequence[float] | None = None) -> None:
        self._solver, self._space = solver, solver.space
        self.sheet = BalanceSheet(solver)
        self._elevation = self._space.geometry.elevation(self._space.points)
        face = self._space.mass * solver.electrode
        self._face: Array = face / self._space.sum(face)
        self._keep = _KEEP_SMALL if self._space.global_size < _SMALL else _KEEP
        self.resistance = tuple(resistance or (float("nan"), self._keep))

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Return (name, unit) of every column."""
        return columns(self._solver.model.solids)

    def row(
        self, state: FilmState, drive: Drive, *, step: float, newton: int, wall: float, exact: bool,
        leap: float = 0.0,
    ) -> Row:  # fmt: skip
        """Return the numbers of a state.

        Args:
            state: after the step.
            drive: at the end of the step.
            step: length of the step [s].
            newton: iterations it took.
            wall: time since the run started [s].
            exact: find the film's resistance now instead of keeping a recent one.
            leap: mean advance of the front that was leapt over, in interface widths [-].
        """
        space, books = self._space, state.books
        area, set_ = space.geometry.area, self._solver.model.reactions
        balance = self.sheet.check(state)
        lithium = self.sheet.lithium_in_solids(state) - books.initial.get(SOLID_LITHIUM, 0.0)
        values = {
            "time": state.time,
            "step": step,
            "potential": drive.potential,
            "temperature": drive.temperature,
            "current_density": drive.current_density,
            "grains": float(state.grains),
            "lithium_lost": lithium / area,
            "lithium_salt": 0.0 - float(set_.column(ANION) @ books.extents) / area,
            "charge": FARADAY * float(set_.electrons @ books.extents) / area,
            "charge_tunnelling": FARADAY * books.electrons_tunnelling / area,
            "film_resistance": self._film_resistance(state, drive, exact=exact),
            "potential_drop": space.sum(self._face * state.potential),
            "element_imbalance": balance.worst_element,
            "charge_imbalance": balance.charge,
            "carrier_mismatch": balance.carrier,
            "newton_iterations": float(newton),
            "wall_time": wall,
            "reservoir": state.reservoir,
            "wetted": state.wetted,
            "leap": leap,
            **self._film(state, area),
        }
        return Row({name: values[name] for name, _ in self.columns}, balance)

    def _film(self, state: FilmState, area: float) -> dict[str, float]:
        """Return thickness, composition, porosity, coverage and height of the film."""
        space, solids = self._space, self._solver.model.solids
        film = space.mass * state.phi
        local = [film, film * state.pore, self._face * (state.phi > 0.5), *(film * state.shares)]
        sums = space.comm.allreduce(np.array([np.sum(part) for part in local]))
        top = space.max(np.where(state.phi > 0.5, self._elevation, 0.0))
        values = {f"thickness_{s}": 0.0 for s in SOLIDS}
        values |= {f"thickness_{s}": float(v) / area for s, v in zip(solids, sums[3:], strict=True)}
        return values | {
            "thickness": float(sums[0]) / area,
            "porosity": float(sums[1] / sums[0]) if sums[0] > 0.0 else 0.0,
            "coverage": float(sums[2]),
            "film_top": top,
        }

    def _film_resistance(self, state: FilmState, drive: Drive, *, exact: bool) -> float:
        """Return the resistance [ohm m2], a recent one unless ``exact``; nan without a field.

        To a uniform current density at the electrode, see ``IonicPotential.resistance``.
        """
        model = self._solver.model.at_temperature(drive.temperature)
        field = self._solver.potential
        if field is None or model.conduction is None:
            return float("nan")
        value, age = self.resistance
        if exact or age >= self._keep:
            value = field.resistance(model.conduction, state.phi, state.shares, state.pore)
            age = 0
        self.resistance = (value, age + 1)
        return value


def field_values(problem: Problem, state: FilmState, drive: Drive) -> dict[str, Array]:
    """Return the fields that a run writes, by name, (size,) each.

    Units: solvent and salt mol/m3 in the liquid, ionic_potential V, the others [-].
    """
    model, size = problem.model, problem.space.size
    names = (*SOLIDS, *(s for s in model.solids if s not in SOLIDS))
    parts = dict(zip(model.solids, state.phi * state.shares, strict=True))
    return {
        "film": state.phi,
        **{name: parts.get(name, np.zeros(size)) for name in names},
        "pore": state.phi * state.pore,
        "tunnelling_action": state.action,
        "interstitial": _interstitial(problem, state, drive),
        "solvent": state.solvent_level * problem.table.value("concentration_ref", "EC"),
        "salt": state.salt_level * problem.table.value("concentration_ref", "salt"),
        "ionic_potential": state.potential,
    }


def _interstitial(problem: Problem, state: FilmState, drive: Drive) -> Array:
    """Return c/c_ref of localised electrons, (size,); zero where a case has none."""
    carrier = problem.model.interstitial
    if carrier is None:
        return np.zeros(problem.space.size)
    drift = np.exp(FARADAY * state.potential / (GAS_CONSTANT * drive.temperature))
    level = carrier.boltzmann(drive.potential, drive.temperature)
    return np.asarray(level * drift * np.maximum(state.carrier, 0.0))
