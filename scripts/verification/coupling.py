"""Limits of the coupling of cell and film: PyBaMM's own laws, lithium books, jumped cycles.

PyBaMM runs on rank 0; the other ranks wait for its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.models.cell.laws import LAWS, film_constants, law_from_parameters
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.case import Case
from interphase.parameters.case_cell import ExchangeCase
from interphase.scripts.verification.cells import (
    DAY,
    DEFAULT_POINTS,
    RATE_CONSTANT,
    YEAR,
    CellComparison,
    compare_cycling,
    compare_storage,
    cycle_of,
)
from interphase.scripts.verification.check import Check, absolute, relative, worst
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film_group import FilmGroup, Places
from interphase.solvers.law_film import LawFilm
from interphase.solvers.pace import Pace
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

_LAW: Final = "ec reaction limited"
_SLOWING: Final = "solvent-diffusion limited"
# Ten times the set's: the film grows from 5 to 21 nm in forty cycles, so that a jump must foresee
# how it slows down.
_FASTER: Final = {"SEI solvent diffusivity [m2.s-1]": 2.5e-21}


def cycling(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, three cycles exchanged once per cycle."""
    return _laws(comm, "SPM", "3 cycles", CYCLING_TOLERANCE,
                 lambda law: compare_cycling("SPM", law, 3, points=POINTS))  # fmt: skip


def storage(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, 60 days at open circuit exchanged every week."""
    return _laws(comm, "SPM", "60 days", STORAGE_TOLERANCE,
                 lambda law: compare_storage("SPM", law, 60 * DAY, 7 * DAY, POINTS))  # fmt: skip


def p2d(comm: MPI.Comm) -> Check:
    """PyBaMM's EC law at every node of a P2D, two cycles."""
    (check,) = _laws(comm, "P2D", "2 cycles", CYCLING_TOLERANCE,
                     lambda law: compare_cycling("DFN", law, 2, points=POINTS),
                     laws=(_LAW,))  # fmt: skip
    return check


def exchanges(comm: MPI.Comm) -> tuple[Check, ...]:
    """A study whose exchanges follow the error, with PyBaMM's EC law for the film: loss, books."""
    return on_root(comm, _exchanges)


def jumps(comm: MPI.Comm) -> tuple[Check, ...]:
    """Forty cycles of which most are jumped over: a film that grows linearly, and by a root."""
    return on_root(comm, lambda: (*_jumps(_LAW, {}), *_jumps(_SLOWING, _FASTER)))


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
                 lambda law: compare_cycling("SPM", law, 50, points=DEFAULT_POINTS))  # fmt: skip


def storage_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under an SPM, a year of storage."""
    return _laws(comm, "SPM", "1 year", STORAGE_TOLERANCE,
                 lambda law: compare_storage("SPM", law, YEAR, points=DEFAULT_POINTS))  # fmt: skip


def p2d_cycling_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under a P2D, 50 cycles."""
    return _laws(comm, "P2D", "50 cycles", CYCLING_TOLERANCE,
                 lambda law: compare_cycling("DFN", law, 50, points=DEFAULT_POINTS))  # fmt: skip


def p2d_storage_long(comm: MPI.Comm) -> tuple[Check, ...]:
    """PyBaMM's five laws under a P2D, a year of storage."""
    return _laws(comm, "P2D", "1 year", STORAGE_TOLERANCE,
                 lambda law: compare_storage("DFN", law, YEAR, points=DEFAULT_POINTS))  # fmt: skip


def law_study(
    law_name: str, cycles: int, most_cycles: int, override: Mapping[str, float] | None = None
) -> tuple[AgeingStudy, PyBaMMCell, PyBaMMCell]:
    """Return a study with one of PyBaMM's laws for its film, its cell, and PyBaMM's own cell.

    Args:
        law_name: PyBaMM's name of the law.
        cycles: of the study.
        most_cycles: that may be jumped over in one go.
        override: numbers of PyBaMM's set to replace.
    """
    spec = CellSpec(override={**RATE_CONSTANT, **(override or {})}, knot_count=41)
    cell, reference = PyBaMMCell(spec), PyBaMMCell.built_in(spec, law_name)
    values = reference.parameter_values
    law, numbers = law_from_parameters(law_name, values), film_constants(values)
    films = FilmGroup(
        MPI.COMM_SELF,
        1,
        lambda i, ranks: LawFilm(
            law,
            thickness=numbers.thickness,
            volume_per_charge=numbers.volume_per_charge,
            resistivity=numbers.resistivity,
        ),
    )
    study = AgeingStudy(
        cell,
        films,
        Places.spread(cell.positions, cell.area, 1, 1.0),
        cycle_of(cell.nominal_capacity),
        cycles=cycles,
        pace=Pace.from_case(ExchangeCase(most_cycles=most_cycles)),
        knots=41,
        window=(-0.1, 1.2),
        temperature=spec.temperature,
        drop_share=1.0 if law.behind_drop else 0.0,
    )
    return study, cell, reference


def _exchanges() -> tuple[Check, ...]:
    study, cell, reference = law_study(_LAW, 3, 1)
    gaps = []
    while not study.done:
        gaps.append(study.exchange().books)
    _repeat(reference, 3)
    loss = relative(
        f"cell-exchanges {_LAW}, SPM, 3 cycles, lithium lost [mol]",
        reference.lost_lithium, cell.lost_lithium, CYCLING_TOLERANCE,
    )  # fmt: skip
    name = "cell-exchanges books of cell and film, worst exchange [-]"
    return loss, absolute(name, 0.0, max(gaps), BOOKS_TOLERANCE)


def _jumps(law: str, override: Mapping[str, float]) -> tuple[Check, ...]:
    cycles, least = 40, 2.0
    study, cell, reference = law_study(law, cycles, 50, override)
    while not study.done:
        study.exchange()
    _repeat(reference, cycles)
    loss = relative(
        f"cell-jumps {law}, SPM, {cycles} cycles, lithium lost [mol]",
        reference.lost_lithium, cell.lost_lithium, JUMP_TOLERANCE,
    )  # fmt: skip
    simulated = study.state.simulated
    name = f"cell-jumps {law}, cycles simulated of {cycles}, at most a half"
    return loss, worst(name, cycles / least, simulated, max(simulated - cycles / least, 0.0), 0.0)


def _repeat(cell: PyBaMMCell, cycles: int) -> None:
    for _ in range(cycles):
        for step in cycle_of(cell.nominal_capacity):
            cell.run(step)


def _laws(
    comm: MPI.Comm,
    kind: str,
    what: str,
    tolerance: float,
    compare: Callable[[str], CellComparison],
    laws: tuple[str, ...] = tuple(sorted(LAWS)),
) -> tuple[Check, ...]:
    """Return the capacity lost of each law against PyBaMM's own. Collective."""

    def check(law: str) -> Check:
        seen = compare(law)
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
