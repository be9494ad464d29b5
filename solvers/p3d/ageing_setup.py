"""From a case of kind p3d with a block ``ageing`` to a study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.case_p3d_ageing import CellAgeingCase, PlaceFilmCase
from interphase.parameters.errors import CaseError, ParameterError
from interphase.solvers.film_group import FilmMaker
from interphase.solvers.law_film import LawFilm
from interphase.solvers.p3d.ageing import (
    AgeingPlan,
    CellAgeing,
    KnownClusters,
    PlacesOfRank,
    build_ageing,
)
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.local_models import PyBaMMPlaces
from interphase.solvers.p3d.pair import ElectrodePair
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.setup import build_cell, program_of, spec_of
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.setup import build_problem, initial_state
from interphase.solvers.study_setup import with_case_keys

_KEY = "ageing"


@dataclass(frozen=True)
class AgedCell:
    """A cell, its local models on this rank, and the study that ages them.

    Attributes:
        cell: in three dimensions.
        models: at the places of this rank.
        ageing: cell and films.
    """

    cell: Cell3D
    models: PyBaMMPlaces
    ageing: CellAgeing


def ageing_of(case: P3DCase) -> CellAgeingCase:
    """Return the block ``ageing``.

    Raises:
        CaseError: there is none.
    """
    if case.ageing is None:
        raise CaseError("is missing; write for example ageing: {film: {law: ...}}", _KEY)
    return case.ageing


def build_aged_cell(case: P3DCase, comm: MPI.Comm, known: KnownClusters | None = None) -> AgedCell:
    """Build cell and films, and run one cycle to see how places differ. Collective.

    Args:
        case: with a block ``ageing``.
        comm: its ranks.
        known: groups of a study that goes on, which needs no such cycle.

    Raises:
        CaseError: the case does not fit its tables, parameter set or mesh.
        MeshError: a mesh cannot be made.
    """
    block = ageing_of(case)
    make_film = film_maker(case)
    # all ranks make one film together, to know how thick films are
    thickness = make_film(0, comm).thickness
    made: list[PyBaMMPlaces] = []

    def make_models(places: PlaceMap) -> PyBaMMPlaces:
        spec = replace(spec_of(case), knot_count=block.knots, film_thickness=thickness)
        pair = with_case_keys(lambda: ElectrodePair(spec, compiled=case.pair.compiled), "pair")
        made.append(PyBaMMPlaces(pair, places.size, places.numbers.tolist(), case.heat.initial))
        return made[0]

    cell = build_cell(case, comm, make_models)
    balance = cell.balance
    plan = AgeingPlan(
        program_of(case, cell.nominal_capacity),
        case.drive.cycles,
        Pace.from_case(block.exchange),
        clusters=block.clusters,
        temperature_span=block.temperature_span,
        potential_span=block.potential_span,
        patches=block.patches,
        area_ratio=block.area_ratio.value,
        drop_share=1.0 if block.film_potential == "behind_film_drop" else 0.0,
    )
    own = PlacesOfRank(made[0], np.asarray(balance.places.numbers), balance.collectors.area)
    return AgedCell(cell, made[0], build_ageing(cell, own, comm, plan, make_film, known))


def film_maker(case: P3DCase) -> FilmMaker:
    """Return what makes the films of a case.

    Raises:
        CaseError: the film's blocks do not fit each other, or the law is unknown.
    """
    film = ageing_of(case).film
    return _law_maker(case, film.law) if film.law is not None else _phase_field_maker(film)


def _phase_field_maker(film: PlaceFilmCase) -> FilmMaker:
    # The cell gives the potential; the hold only stands where a film of its own would have a drive.
    blocks = film.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"law"})
    data = {**blocks, "drive": {"steps": [{"hold": "0.1 V"}]}, "time": {"until": "1 year"}}
    with _film_keys():
        case = Case(**data)

    def make(index: int, ranks: MPI.Comm) -> PhaseFieldPatch:
        with _film_keys():
            problem = build_problem(case, ranks)
            return PhaseFieldPatch(problem, initial_state(problem))

    return make


@contextmanager
def _film_keys() -> Iterator[None]:
    """Let errors about the film's blocks name their keys in the case of the cell."""
    try:
        yield
    except CaseError as error:
        text = str(error).removeprefix(f"{error.key}: ")
        raise CaseError(text, f"{_KEY}.film.{error.key}") from error


def _law_maker(case: P3DCase, name: str) -> FilmMaker:
    # PyBaMM takes seconds to import
    from interphase.models.cell.laws import film_constants, law_from_parameters
    from interphase.models.cell.model import read_parameters

    values = with_case_keys(lambda: read_parameters(spec_of(case)), "pair")
    try:
        law, numbers = law_from_parameters(name, values), film_constants(values)
    except ParameterError as error:
        text = str(error).replace("cell.override", "pair.override")
        raise CaseError(text, f"{_KEY}.film.law") from error

    def make(index: int, ranks: MPI.Comm) -> LawFilm:
        return LawFilm(
            law,
            thickness=numbers.thickness,
            volume_per_charge=numbers.volume_per_charge,
            resistivity=numbers.resistivity,
        )

    return make
