"""Studies whose films are PyBaMM's own laws, so that PyBaMM itself is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from mpi4py import MPI

from interphase.models.cell.laws import film_constants, law_from_parameters
from interphase.models.cell.spec import CellKind, CellSpec, MeshPoints
from interphase.parameters.case_cell import ExchangeCase
from interphase.scripts.verification.cells import DEFAULT_POINTS, RATE_CONSTANT, cycle_of
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film_group import FilmGroup, Places
from interphase.solvers.law_film import LawFilm
from interphase.solvers.pace import Pace
from interphase.solvers.study_state import Exchange

# At the separator a P2D electrode goes below 0 V while charging; the study widens it if need be.
_WINDOW = (-0.1, 1.2)
_KNOTS = 41


@dataclass(frozen=True, slots=True)
class LawPlan:
    """What a study with a law for its films is made of.

    Attributes:
        law: PyBaMM's name of the law.
        cycles: of the study.
        kind: of the cell.
        films: number of films along the electrode.
        thickness: of each film at the start [m]; none: that of the set.
        exchange: when cell and films meet.
        override: numbers of PyBaMM's set to replace.
        points: mesh of the cell.
        area_ratio: film-carrying area over geometric area [-].
    """

    law: str
    cycles: int
    kind: CellKind = "SPM"
    films: int = 1
    thickness: Sequence[float] = ()
    exchange: ExchangeCase = field(default_factory=ExchangeCase)
    override: Mapping[str, float] = field(default_factory=dict)
    points: MeshPoints = DEFAULT_POINTS
    area_ratio: float = 1.0

    @property
    def spec(self) -> CellSpec:
        """What the cell is built from."""
        return CellSpec(
            kind=self.kind,
            override={**RATE_CONSTANT, **self.override},
            knot_count=_KNOTS,
            points=self.points,
        )

    def reference(self) -> PyBaMMCell:
        """Return the cell with PyBaMM's own film."""
        return PyBaMMCell.built_in(self.spec, self.law)


def law_study(plan: LawPlan, program: Sequence[ControlStep] = ()) -> tuple[AgeingStudy, PyBaMMCell]:
    """Return a study and its cell.

    Args:
        plan: what it is made of.
        program: of one cycle; empty: 1C, with a hold.
    """
    cell, values = PyBaMMCell(plan.spec), plan.reference().parameter_values
    law, numbers = law_from_parameters(plan.law, values), film_constants(values)
    thickness = plan.thickness or [numbers.thickness] * plan.films
    films = FilmGroup(
        MPI.COMM_SELF,
        plan.films,
        lambda i, ranks: LawFilm(
            law,
            thickness=thickness[i],
            volume_per_charge=numbers.volume_per_charge,
            resistivity=numbers.resistivity,
        ),
    )
    study = AgeingStudy(
        cell,
        films,
        Places.spread(cell.positions, cell.area, plan.films, plan.area_ratio),
        program or cycle_of(cell.nominal_capacity),
        cycles=plan.cycles,
        pace=Pace.from_case(plan.exchange),
        knots=_KNOTS,
        window=_WINDOW,
        temperature=plan.spec.temperature,
        drop_share=1.0 if law.behind_drop else 0.0,
    )
    return study, cell


def finish(study: AgeingStudy) -> list[Exchange]:
    """Run a study to its end; return its exchanges."""
    exchanges = []
    while not study.done:
        exchanges.append(study.exchange())
    return exchanges


def repeat(cell: PyBaMMCell, cycles: int, program: Sequence[ControlStep] = ()) -> None:
    """Run a cell for so many cycles; an empty program is 1C, with a hold."""
    for _ in range(cycles):
        for step in program or cycle_of(cell.nominal_capacity):
            cell.run(step)


def thickness_of(study: AgeingStudy) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the thickness of every film [m], (films,)."""
    return np.array(study.films.each(lambda i, film: film.thickness))
