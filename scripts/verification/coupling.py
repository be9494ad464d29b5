"""Limits of the coupling of cell and film: PyBaMM's own laws, lithium books, jumped cycles.

PyBaMM runs on rank 0; the other ranks wait for its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.models.cell.laws import LAWS
from interphase.models.cell.spec import MeshPoints
from interphase.parameters.case import Case
from interphase.parameters.case_cell import ExchangeCase
from interphase.scripts.verification.cells import (
    DAY,
    DEFAULT_POINTS,
    YEAR,
    Contest,
    Cycling,
    Storage,
)
from interphase.scripts.verification.check import Check, absolute, relative, worst
from interphase.scripts.verification.law_study import LawPlan, finish, law_study, repeat
from interphase.solvers.study_setup import build_study, conditions

POINTS: Final = MeshPoints(x_n=4, x_s=3, x_p=4, r_n=6, r_p=6)
"""A coarse cell: both sides of a comparison have the same."""

CYCLING_TOLERANCE: Final = 3e-3
"""What 41 knots and a film that is frozen for a cycle may cost of the capacity lost."""

STORAGE_TOLERANCE: Final = 5e-3
"""The same of a tangent that is renewed every week at first, or every fortnight of a year."""

JUMP_TOLERANCE: Final = 1e-2
"""What cycles that are jumped over may cost of the capacity lost."""

BOOKS_TOLERANCE: Final = 1e-8
"""Lithium of cell and films; films take the cell's charge to 1e-11 of their own."""

PATCHES_TOLERANCE: Final = 2.5e-3
"""A quarter of the study's tolerance, to which film and cell are to agree without a correction."""

# Thickness of films along one electrode [m].
_UNLIKE: Final = (5.0e-9, 20.0e-9, 10.0e-9)
_NAMES: Final = {"SPM": "SPM", "SPMe": "SPMe", "DFN": "P2D"}
_LAW: Final = "ec reaction limited"
_SLOWING: Final = "solvent-diffusion limited"
# Ten times the set's: the film grows from 5 to 21 nm in forty cycles, so that a jump must foresee
# how it slows down.
_FASTER: Final = {"SEI solvent diffusivity [m2.s-1]": 2.5e-21}


def cycling(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, three cycles exchanged once per cycle."""
    return _laws(comm, "SPM", "3 cycles", CYCLING_TOLERANCE,
                 lambda law: Cycling("SPM", law, 3, points=POINTS))  # fmt: skip


def storage(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, 60 days at open circuit exchanged every week."""
    return _laws(comm, "SPM", "60 days", STORAGE_TOLERANCE,
                 lambda law: Storage("SPM", law, 60 * DAY, 7 * DAY, POINTS))  # fmt: skip


def p2d(comm: MPI.Comm) -> Check:
    """PyBaMM's EC law at every node of a P2D, two cycles."""
    (check,) = _laws(comm, "P2D", "2 cycles", CYCLING_TOLERANCE,
                     lambda law: Cycling("DFN", law, 2, points=POINTS),
                     laws=(_LAW,))  # fmt: skip
    return check


def exchanges(comm: MPI.Comm) -> tuple[Check, ...]:
    """A study whose exchanges follow the error, with PyBaMM's EC law for the film: loss, books."""
    return on_root(comm, _exchanges)


def jumps(comm: MPI.Comm) -> tuple[Check, ...]:
    """Forty cycles of which most are jumped over: a film that grows linearly, and by a root."""
    plans = LawPlan(_LAW, 40), LawPlan(_SLOWING, 40, override=_FASTER)
    return on_root(comm, lambda: tuple(check for plan in plans for check in _jumps(plan, 2.0)))


def patches(comm: MPI.Comm) -> tuple[Check, ...]:
    """Films of different thickness along a P2D: each is asked for what its own rates say."""
    return on_root(comm, _patches)


def books(comm: MPI.Comm) -> tuple[Check, ...]:
    """Lithium of a phase-field film under a cell, at every exchange of 20 minutes of storage."""
    case = Case.model_validate(_STORED)
    study = build_study(case, conditions(case)[0], comm)
    gaps, elements = [], []
    while not study.done:
        gaps.append(study.exchange(case.time.until / 2.0).books)
    lost = study.on_cell(lambda cell: float(cell.lost_lithium))
    elements = study.films.each(lambda i, film: float(film.lithium))
    found = float(elements @ study.places.film_area)
    name = "lithium of cell and phase-field film, worst exchange"
    return (
        relative("cell-books lithium counted in the film [mol]", lost, found, BOOKS_TOLERANCE),
        absolute(f"cell-books {name} [-]", 0.0, max(gaps), BOOKS_TOLERANCE),
    )


def cycling_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, 50 cycles."""
    return _laws(comm, "SPM", "50 cycles", CYCLING_TOLERANCE,
                 lambda law: Cycling("SPM", law, 50, points=DEFAULT_POINTS))  # fmt: skip


def storage_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, a year of storage."""
    return _laws(comm, "SPM", "1 year", STORAGE_TOLERANCE,
                 lambda law: Storage("SPM", law, YEAR, points=DEFAULT_POINTS))  # fmt: skip


def p2d_cycling_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under a P2D, 50 cycles."""
    return _laws(comm, "P2D", "50 cycles", CYCLING_TOLERANCE,
                 lambda law: Cycling("DFN", law, 50, points=DEFAULT_POINTS))  # fmt: skip


def p2d_storage_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under a P2D, a year of storage."""
    return _laws(comm, "P2D", "1 year", STORAGE_TOLERANCE,
                 lambda law: Storage("DFN", law, YEAR, points=DEFAULT_POINTS))  # fmt: skip


def jumps_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """Cycles that are jumped over: 500 under an SPM, 200 under a P2D with five films."""
    # A fresh film costs some twenty cycles before its jumps are long, however many are to come.
    plans = (LawPlan(_LAW, 500), 10.0), (LawPlan(_LAW, 200, "DFN", 5), 8.0)
    return on_root(comm, lambda: tuple(check for plan in plans for check in _jumps(*plan)))


def _exchanges() -> tuple[Check, ...]:
    plan = LawPlan(_LAW, 3, exchange=ExchangeCase(most_cycles=1))
    (study, cell), reference = law_study(plan), plan.reference()
    gaps = [exchange.books for exchange in finish(study)]
    repeat(reference, plan.cycles)
    loss = relative(
        f"cell-exchanges {_LAW}, SPM, 3 cycles, lithium lost [mol]",
        reference.lost_lithium, cell.lost_lithium, CYCLING_TOLERANCE,
    )  # fmt: skip
    name = "cell-exchanges books of cell and film, worst exchange [-]"
    return loss, absolute(name, 0.0, max(gaps), BOOKS_TOLERANCE)


def _patches() -> tuple[Check, ...]:
    films = len(_UNLIKE)
    plan = LawPlan(
        _SLOWING, 1, "DFN", films, _UNLIKE, ExchangeCase(most_cycles=1), _FASTER, POINTS
    )  # fmt: skip
    study, _ = law_study(plan)
    errors = [exchange.error for exchange in finish(study)]
    name = f"cell-patches {_SLOWING}, P2D, {films} unlike films, worst coupling error [-]"
    return (absolute(name, 0.0, max(errors), PATCHES_TOLERANCE),)


def _jumps(plan: LawPlan, least: float) -> tuple[Check, ...]:
    """Compare the lithium lost, and ask for a part of the cycles at most to be simulated."""
    (study, cell), reference = law_study(plan), plan.reference()
    finish(study)
    repeat(reference, plan.cycles)
    what = f"{plan.law}, {_NAMES[plan.kind]}, {plan.cycles} cycles"
    loss = relative(
        f"cell-jumps {what}, lithium lost [mol]",
        reference.lost_lithium, cell.lost_lithium, JUMP_TOLERANCE,
    )  # fmt: skip
    simulated, most = study.state.simulated, plan.cycles / least
    name = f"cell-jumps {what}, simulated, at most 1/{least:g}"
    return loss, worst(name, most, simulated, max(simulated - most, 0.0), 0.0)


def _laws(
    comm: MPI.Comm,
    kind: str,
    what: str,
    tolerance: float,
    make: Callable[[str], Contest],
    laws: tuple[str, ...] = tuple(sorted(LAWS)),
) -> tuple[Check, ...]:
    """Return the capacity lost of each law against PyBaMM's own. Collective."""

    def check(law: str) -> Check:
        seen = make(law).compare()
        name = f"cell {kind}, {law}, {what}, capacity lost [A h]"
        return relative(name, seen.expected, seen.computed, tolerance)

    return on_root(comm, lambda: tuple(check(law) for law in laws))


_STORED: Final = {
    "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
    "model": {"deposition": "proportional", "transport": ["ionic_potential"]},
    "initial": {
        "kind": "planar_film",
        "thickness": "14 nm",
        "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
        "seeds": {"law": "none"},
    },
    "drive": {"kind": "cell", "cell": {"model": "SPM", "storage": {"soc": [0.5]}}},
    "time": {"until": "20 min"},
}
