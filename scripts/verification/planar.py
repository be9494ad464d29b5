"""The phase-field film under a cell in its planar limit, against PyBaMM's own laws.

One flat film with one mechanism and the numbers of the law, exchanged as a study does it, against
the same cell with PyBaMM's law. What differs is the film's width and mesh, and the coupling.

PyBaMM's electron-migration law has no counterpart: it is an ohmic current of electrons under
U - U0, and the film's localised electrons diffuse and drift in the ionic potential instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from mpi4py import MPI

from interphase.meshes.parallel import on_root
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.models.sei import SEIGrowth
from interphase.parameters.case import Case
from interphase.parameters.case_cell import ExchangeCase
from interphase.parameters.constants import FARADAY
from interphase.scripts.verification.cells import YEAR, cycle_of
from interphase.scripts.verification.check import Check, relative
from interphase.scripts.verification.film import (
    ELECTRONS,
    ONSET,
    OPEN,
    SOLID,
    VOLUME,
    WIDTH,
    film_model,
    tafel,
)
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film import FilmSolver
from interphase.solvers.film_group import FilmGroup, Places
from interphase.solvers.initial import planar_film
from interphase.solvers.pace import Pace
from interphase.solvers.patch import PhaseFieldPatch
from interphase.solvers.setup import build_problem

TOLERANCE: Final = 0.03
"""What the front's finite width and its mesh may cost of the capacity lost."""

START: Final = 5.0 * WIDTH
"""Thickness at the start [m]."""

POINTS: Final = MeshPoints(x_n=4, x_s=3, x_p=4, r_n=6, r_p=6)

# The electrode's potential at half charge, about which rates are chosen [V].
_LEVEL: Final = 0.13
_CARRIERS: Final = 15.0
_KNOTS: Final = 13


@dataclass(frozen=True)
class Planar:
    """A law of PyBaMM and the film that should be it.

    Attributes:
        law: PyBaMM's name.
        override: numbers of the cell's parameter set.
        model: of the film.
        behind_drop: whether the film sees the potential behind its own drop.
    """

    law: str
    override: Mapping[str, float]
    model: SEIGrowth
    behind_drop: bool = True


def interstitial(permeability: float) -> Planar:
    """Return diffusion of localised electrons, D c_ref = ``permeability`` [mol/(m s)]."""
    # A reaction a thousand times faster than diffusion over the front's width.
    rate = 1.0e3 * permeability / WIDTH / ELECTRONS
    return Planar(
        "interstitial-diffusion limited",
        {
            "SEI lithium interstitial diffusivity [m2.s-1]": permeability / _CARRIERS,
            "Lithium interstitial reference concentration [mol.m-3]": _CARRIERS,
        },
        film_model(carrier_rate=rate, permeability=permeability),
        behind_drop=False,
    )


def reaction(exchange_current: float) -> Planar:
    """Return a reaction that the film does not hinder, j0 = ``exchange_current`` [A/m2]."""
    return Planar(
        "reaction limited",
        {
            "SEI reaction exchange current density [A.m-2]": exchange_current,
            "SEI open-circuit potential [V]": ONSET,
        },
        film_model(rate=exchange_current / ELECTRONS / FARADAY, decay=OPEN),
    )


def carbonate(diffusivity: float, damkohler: float) -> Planar:
    """Return carbonate that crosses the film and reacts at the electrode.

    Args:
        diffusivity: of the solvent in the film [m2/s].
        damkohler: k l/D at the potential of a half-charged electrode [-].
    """
    model = film_model(decay=OPEN, transport=("solvent",), inner_face=True)
    solvent = model.solvent
    if solvent is None:
        raise RuntimeError("the model was asked for a solvent field")
    # Speed of the reaction at its reference potential.
    speed = damkohler * diffusivity / WIDTH / tafel(_LEVEL)
    rate = np.array([speed * solvent.reservoir / ELECTRONS])
    return Planar(
        "ec reaction limited",
        {
            "SEI kinetic rate constant [m.s-1]": speed,
            "EC diffusivity [m2.s-1]": diffusivity,
            "EC initial concentration in electrolyte [mol.m-3]": solvent.reservoir,
            "SEI open-circuit potential [V]": ONSET,
        },
        replace(
            model,
            solvent=replace(solvent, film_diffusivity=diffusivity),
            reactions=replace(model.reactions, rate=rate),
        ),
    )


def solvent_diffusion(diffusivity: float) -> Planar:
    """Return carbonate whose way through the film alone limits its reaction at the electrode."""
    film = carbonate(diffusivity, 1.0e3)
    concentration = film.override["EC initial concentration in electrolyte [mol.m-3]"]
    return Planar(
        "solvent-diffusion limited",
        {
            "SEI solvent diffusivity [m2.s-1]": diffusivity,
            "Bulk solvent concentration [mol.m-3]": concentration,
        },
        film.model,
    )


def stored() -> tuple[Planar, ...]:
    """Return films that grow by 4 to 6 nm in a year at half charge."""
    return (
        interstitial(6.0e-18),
        reaction(1.0e-12),
        carbonate(1.0e-23, 0.3),
        solvent_diffusion(7.0e-24),
    )


def cycled() -> tuple[Planar, ...]:
    """Return films that grow by some nanometres in ten cycles at 1C."""
    return interstitial(2.0e-16), reaction(1.0e-10), carbonate(3.0e-21, 0.3)


def storage(comm: MPI.Comm) -> tuple[Check, ...]:
    """A phase-field film under a stored SPM for a year, against PyBaMM's own laws."""
    return _checks(comm, "1 year", stored(), lambda film: compare(film, (ControlStep.rest(YEAR),)))


def cycling(comm: MPI.Comm) -> tuple[Check, ...]:
    """A phase-field film under an SPM for ten cycles, against PyBaMM's own laws."""
    return _checks(comm, "10 cycles", cycled(), lambda film: compare(film, None, 10))


def compare(
    film: Planar, program: tuple[ControlStep, ...] | None, cycles: int = 1
) -> tuple[float, float]:
    """Return the charge lost [A h] by PyBaMM's law and by the phase-field film.

    Args:
        film: what is compared.
        program: of one cycle; None: 1C, with a hold.
        cycles: how many.
    """
    spec = CellSpec(
        points=POINTS, initial_soc=0.5, film_thickness=START, knot_count=_KNOTS,
        override={
            **film.override,
            "Ratio of lithium moles to SEI moles": ELECTRONS,
            "SEI partial molar volume [m3.mol-1]": VOLUME,
            # No drop over the film on either side: the film's ionic potential is left out.
            "SEI resistivity [Ohm.m]": 0.0,
            "Initial SEI thickness [m]": START,
        },
    )  # fmt: skip
    cell, reference = PyBaMMCell(spec), PyBaMMCell.built_in(spec, film.law)
    steps = program or cycle_of(cell.nominal_capacity)
    level = float(cell.film_potential.mean())
    study = AgeingStudy(
        cell,
        FilmGroup(MPI.COMM_SELF, 1, lambda i, ranks: _patch(film.model, ranks)),
        Places.spread(cell.positions, cell.area, 1, 1.0),
        steps,
        cycles=cycles,
        pace=Pace.from_case(ExchangeCase(most_cycles=1)),
        knots=_KNOTS,
        window=(level - 0.1, level + 0.15),
        temperature=spec.temperature,
        drop_share=float(film.behind_drop),
    )
    while not study.done:
        study.exchange()
    for _ in range(cycles):
        for step in steps:
            reference.run(step)
    hours = FARADAY / 3600.0
    return reference.lost_lithium * hours, cell.lost_lithium * hours


def _patch(model: SEIGrowth, comm: MPI.Comm) -> PhaseFieldPatch:
    case = Case.model_validate(
        {
            "mesh": {
                "kind": "interval",
                "size": [f"{25e9 * WIDTH} nm"],
                "cell_size": f"{0.125e9 * WIDTH} nm",
            },
            "model": {
                "phases": ["electrode", SOLID, "electrolyte"],
                "reactions": ["R1"],
                "transport": [],
            },
            "initial": {
                "kind": "planar_film",
                "thickness": f"{1e9 * START} nm",
                "shares": {SOLID: 1.0},
                "seeds": {"law": "none"},
            },
            "drive": {"steps": [{"hold": "0.1 V"}]},
            "time": {"until": "1 year"},
        }
    )
    problem = build_problem(case, comm)
    solver = FilmSolver(problem.space, model)
    problem = replace(problem, model=model, solver=solver)
    return PhaseFieldPatch(problem, planar_film(solver, START, {SOLID: 1.0}))


def _checks(
    comm: MPI.Comm,
    what: str,
    films: tuple[Planar, ...],
    measure: Callable[[Planar], tuple[float, float]],
) -> tuple[Check, ...]:
    def check(film: Planar) -> Check:
        expected, computed = measure(film)
        name = f"cell-planar {film.law}, SPM, {what}, capacity lost [A h]"
        return relative(name, expected, computed, TOLERANCE)

    return on_root(comm, lambda: tuple(check(film) for film in films))
