"""From a case to everything that a run needs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mpi4py import MPI

from interphase.meshes.factory import build
from interphase.meshes.geometry import Geometry
from interphase.meshes.refinement import LEAST_CELLS, Grading
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case import Case
from interphase.parameters.case_check import table_for
from interphase.parameters.program import DriveProgram
from interphase.parameters.table import ParameterTable
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import CLOSED_NUCLEUS, bare_electrode, planar_film
from interphase.solvers.linear import LinearOptions
from interphase.solvers.schemes import BDF2, BackwardEuler, TimeScheme
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

logger = logging.getLogger(__name__)

SCHEMES: Final[Mapping[str, Callable[[], TimeScheme]]] = MappingProxyType(
    {"backward_euler": BackwardEuler, "bdf2": BDF2}
)
"""Time schemes by the name in a case."""


@dataclass(frozen=True)
class Problem:
    """A case that is ready to run.

    Attributes:
        case: what the user asked for.
        table: its parameters, overrides applied.
        model: the film's physics.
        geometry: the mesh.
        space: nodal space on it.
        solver: steps the film.
        program: the drive in time.
    """

    case: Case
    table: ParameterTable
    model: SEIGrowth
    geometry: Geometry
    space: NodalSpace
    solver: FilmSolver
    program: DriveProgram

    @property
    def resolved_height(self) -> float:
        """Height up to which the mesh resolves a front [m]; infinite where the user takes less."""
        mesh = self.case.mesh
        if mesh.grading is None or mesh.under_resolved:
            return math.inf
        grading = Grading(mesh.grading.uniform_height, mesh.grading.ratio)
        return grading.height_of(mesh.cell_size, self.width / LEAST_CELLS)

    @property
    def comm(self) -> MPI.Comm:
        """Communicator of the mesh."""
        return self.geometry.comm

    @property
    def width(self) -> float:
        """Interface width l [m]."""
        return self.model.front.width


def scheme_of(case: Case) -> TimeScheme:
    """Return the time scheme that a case names."""
    return SCHEMES[case.time.scheme]()


def build_problem(case: Case, comm: MPI.Comm) -> Problem:
    """Build mesh, model and solver of a case. Collective.

    Raises:
        CaseError: the case does not fit its table.
        ParameterError: the table lacks a value or is wrong.
        MeshError: the mesh cannot be built or is too coarse.
    """
    table = table_for(case)
    model = build_model(case.model, table, case.initial.seeds)
    program = case.program()
    geometry = build(comm, case.mesh, model.front.width)
    if comm.rank == 0:
        logger.info("mesh built; compiling forms (the first time takes up to a minute) ...")
    space = NodalSpace(geometry)
    solver = FilmSolver(
        space,
        model,
        scheme=scheme_of(case),
        linear=LinearOptions(case.solver.linear, case.solver.rtol),
        newton_rtol=case.solver.newton_rtol,
    )
    return Problem(case, table, model, geometry, space, solver, program)


def initial_state(problem: Problem) -> FilmState:
    """Return the state at t = 0 that the case describes. Collective.

    Raises:
        CaseError: the initial film does not fit the model.
    """
    initial, solver = problem.case.initial, problem.solver
    if initial.kind == "planar_film":
        return planar_film(solver, initial.thickness or 0.0, dict(initial.shares))
    if solver.nucleator is None and initial.shares:
        # Without nuclei the case says what the first, closed trace of film is made of.
        return planar_film(solver, CLOSED_NUCLEUS * problem.width, dict(initial.shares))
    return bare_electrode(solver, problem.program.at(0.0))
