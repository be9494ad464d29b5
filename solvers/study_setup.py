"""From a case with a cell to a study: films on the ranks, the cell on rank 0, the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.case import Case
from interphase.parameters.case_cell import CellCase
from interphase.parameters.case_run import DriveCase
from interphase.parameters.errors import CaseError, CouplingError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_experiment import read_profile_step, read_step
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film_group import FilmGroup, FilmMaker, Places
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.setup import build_problem, initial_state

# Potentials that the first table covers around the one at the start [V]; in storage less.
_FIRST_WINDOW = (0.1, 0.15)
_STORAGE_WINDOW = (0.02, 0.03)
_KEY = "drive.cell"


@dataclass(frozen=True, slots=True)
class Condition:
    """One study of a case: where storage starts and how warm it is.

    Attributes:
        name: of its folder; empty when the case has one study only.
        soc: state of charge at the start [-]; None as the parameters have it.
        temperature: [K].
    """

    name: str
    soc: float | None
    temperature: float


def conditions(case: Case) -> tuple[Condition, ...]:
    """Return the studies of a case."""
    cell = cell_of(case)
    if cell.storage is None:
        return (Condition("", cell.initial_soc, cell.temperature),)
    pairs = [(soc, t) for t in cell.storage.temperature for soc in cell.storage.soc]
    if len(pairs) == 1:
        return (Condition("", *pairs[0]),)
    return tuple(Condition(f"soc_{soc:.2f}_T_{t:.0f}K", soc, t) for soc, t in pairs)


def cell_of(case: Case) -> CellCase:
    """Return the case's cell.

    Raises:
        CaseError: it has none.
    """
    if case.drive.cell is None:
        raise CaseError("is no cell; write kind: cell and a block cell", "drive.kind")
    return case.drive.cell


def build_study(
    case: Case, condition: Condition, comm: MPI.Comm, make: FilmMaker | None = None
) -> AgeingStudy:
    """Build one study. Collective.

    Args:
        case: with a cell.
        condition: of this study.
        comm: its ranks.
        make: makes films in the place of the case's phase fields.

    Raises:
        CaseError: the case does not fit its table, the cell or its program.
        ParameterError: a table lacks a value.
        MeshError: the mesh of a patch cannot be built.
    """
    cell_case = cell_of(case)
    make = make or (lambda index, ranks: _patch(case, ranks))
    films = FilmGroup(comm, cell_case.patch_count, make)
    thickness = float(np.mean(films.each(lambda i, film: film.thickness)))
    if not thickness > 0.0:
        raise CaseError(
            "a film of no thickness cannot answer a cell; begin with kind: planar_film of some "
            "tenths of a nanometre, nuclei may appear in it, or with a bare electrode in one "
            "dimension and seeds: {law: none}",
            "initial.kind",
        )
    cell: PyBaMMCell | None = None
    if comm.rank == 0:
        made: list[PyBaMMCell] = []

        def facts() -> _Facts:
            spec = replace(
                with_case_keys(lambda: spec_of(cell_case, condition)), film_thickness=thickness
            )
            made.append(with_case_keys(lambda: PyBaMMCell(spec)))
            return _facts(cell_case, case.time.until, made[0])

        found = on_root(comm, facts)
        cell = made[0]
    else:
        found = on_root(comm, _nothing)
    places = _places(cell_case, found)
    low, high = float(found.potential.min()), float(found.potential.max())
    below, above = _STORAGE_WINDOW if cell_case.storage else _FIRST_WINDOW
    return AgeingStudy(
        cell,
        films,
        places,
        found.program,
        cycles=1 if cell_case.storage else cell_case.cycles,
        pace=Pace.from_case(cell_case.exchange),
        knots=cell_case.knots,
        window=(low - below, high + above),
        temperature=condition.temperature,
        drop_share=1.0 if cell_case.film_potential == "behind_film_drop" else 0.0,
    )


@dataclass(frozen=True)
class _Facts:
    """What all ranks must know of the cell."""

    positions: np.ndarray[tuple[int], np.dtype[np.float64]]
    area: np.ndarray[tuple[int], np.dtype[np.float64]]
    thickness: float
    potential: np.ndarray[tuple[int], np.dtype[np.float64]]
    program: tuple[ControlStep, ...]


def _nothing() -> _Facts:
    raise CaseError("only rank 0 builds the cell")


def _facts(case: CellCase, until: float, cell: PyBaMMCell) -> _Facts:
    return _Facts(
        cell.positions,
        cell.area,
        float(cell.parameter_values["Negative electrode thickness [m]"]),
        cell.film_potential,
        _program(case, until, cell),
    )


def _places(case: CellCase, cell: _Facts) -> Places:
    """Return where the films stand for the electrode."""
    ratio = case.area_ratio.value
    try:
        if isinstance(case.patches, int):
            return Places.spread(cell.positions, cell.area, case.patches, ratio)
        films = np.array(case.patches) * cell.thickness
        return Places.chosen(cell.positions, cell.area, films, ratio)
    except CouplingError as error:
        raise CaseError(str(error), f"{_KEY}.patches") from error


def _program(case: CellCase, until: float, cell: PyBaMMCell) -> tuple[ControlStep, ...]:
    """Return the steps of one cycle."""
    if case.storage is not None:
        return (ControlStep.rest(until),)
    if case.profile is not None:
        return (read_profile_step(Path(case.profile), f"{_KEY}.profile"),)
    capacity = cell.nominal_capacity
    return tuple(
        read_step(text, capacity, f"{_KEY}.experiment[{index}]")
        for index, text in enumerate(case.experiment)
    )


def with_case_keys[T](work: Callable[[], T], block: str = _KEY) -> T:
    """Return what ``work`` returns; an error about the cell names its key in a case's ``block``."""
    try:
        return work()
    except CaseError as error:
        if not error.key.startswith("cell."):
            raise
        text = str(error).removeprefix(f"{error.key}: ")
        raise CaseError(text, block + error.key.removeprefix("cell")) from error


def _patch(case: Case, ranks: MPI.Comm) -> PhaseFieldPatch:
    # The cell gives the potential; the hold only stands where a film of its own would have a drive.
    hold = DriveCase.model_validate({"steps": [{"hold": "0.1 V"}]})
    problem = build_problem(case.model_copy(update={"drive": hold}), ranks)
    return PhaseFieldPatch(problem, initial_state(problem))


def spec_of(case: CellCase, condition: Condition) -> CellSpec:
    """Return what the cell of a study is built from; the thickness of its film is not in a case."""
    points: Mapping[str, int] = {str(k): v for k, v in case.points.items()}
    return CellSpec(
        kind=case.model,
        parameters=case.parameters,
        override=case.override,
        options=case.options,
        points=MeshPoints(**points),
        knot_count=case.knots,
        initial_soc=condition.soc,
        temperature=condition.temperature,
    )
