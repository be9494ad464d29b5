"""What must not change: atoms, charge, Faraday's law, the result on another number of ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval, rectangle
from interphase.models.analytic import porosity_after
from interphase.models.electrons import Tunnelling
from interphase.models.interpolation import logistic, profile
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, absolute, relative, worst
from interphase.scripts.verification.film import (
    ELECTRONS,
    OPEN,
    TEMPERATURE,
    VOLUME,
    WIDTH,
    advance,
    film_model,
    grow,
)
from interphase.solvers.balance import BalanceSheet
from interphase.solvers.booking import inventory
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import bare_electrode, film_state
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

# The small mosaic: potential at its start [V], how much denser than the table's its grains are.
_POTENTIAL, _DENSER = 0.5, 4.0


def _ramp(time: float) -> Drive:
    """Return the formation ramp from 0.5 V at 1.9 V/h, with a small charging current."""
    return Drive(max(_POTENTIAL - 1.9 / 3600.0 * time, 0.1), -0.1, TEMPERATURE)


def _mosaic_model() -> SEIGrowth:
    """Return the default film with every mechanism on; this seed gives grains of every phase."""
    model = build_model(ModelCase(), load_table("graphite_carbonate"), Seeds(law="poisson", seed=3))
    if model.nucleation is None:
        raise RuntimeError("the model was asked for nucleation")
    density = model.nucleation.density * _DENSER
    return replace(model, nucleation=replace(model.nucleation, density=density))


def _mosaic(comm: MPI.Comm, until: float) -> tuple[FilmSolver, FilmState]:
    """Grow all phases of the default table on 12 nm x 9 nm from the bare electrode."""
    space = NodalSpace(rectangle(comm, (12.0e-9, 9.0e-9), WIDTH / 8.0))
    solver = FilmSolver(space, _mosaic_model())
    start = bare_electrode(solver, _ramp(0.0))
    start = replace(start, books=replace(start.books, initial=BalanceSheet(solver).opening(start)))
    return solver, advance(solver, start, until, _ramp, first=1.0, longest=30.0, fraction=0.15)


def balances(comm: MPI.Comm) -> tuple[Check, Check]:
    """T15: every element and the charge, from fields and boundary fluxes, in a mosaic."""
    solver, state = _mosaic(comm, 600.0)
    balance = BalanceSheet(solver).check(state)
    return (
        absolute(
            "T15 imbalance of the worst element, part of its throughput [-]",
            0.0,
            balance.worst_element,
            1e-10,
        ),
        absolute("T15 imbalance of charge, part of its throughput [-]", 0.0, balance.charge, 1e-10),
    )


def faraday(comm: MPI.Comm) -> Check:
    """T17: the moles of product in the fields are those of the electrons, over z."""
    model = film_model(rate=1e-9, decay=1.0 / WIDTH, carrier_rate=1e-4, permeability=2.4e-13)
    history = grow(comm, model, height=12.0 * WIDTH, start=2.0 * WIDTH, until=60.0)
    space, books = history.solver.space, history.state.books
    # Electrons on their way in the carriers' field are part of the charge.
    electrons = books.electrons_tunnelling + books.electrons_seeds + books.electrons_carrier
    electrons += space.sum(history.state.carrier_debt)
    moles = (history.thickness[-1] - history.thickness[0]) * space.geometry.area / VOLUME
    return relative("T17 product by Faraday's law [mol]", electrons / ELECTRONS, moles, 1e-8)


def partition(comm: MPI.Comm) -> Check:
    """T18: thickness and composition of the mosaic on all ranks against one, with seeding."""
    results = []
    for ranks in (MPI.COMM_SELF, comm):
        solver, state = _mosaic(ranks, 300.0)
        space = solver.space
        fields = [space.integral(state.phi * q) / space.geometry.area for q in state.shares]
        results.append(
            np.array([state.grains, space.integral(state.phi) / space.geometry.area, *fields])
        )
    alone, together = results
    errors = np.abs(together - alone) / np.maximum(np.abs(alone), 1e-3 * alone[1])
    error = float(comm.bcast(errors.max(), root=0))
    return worst(
        f"T18 mosaic on {comm.size} ranks against one, thickness [m]",
        alone[1],
        together[1],
        error,
        1e-6,
    )


def conversion(comm: MPI.Comm) -> tuple[Check, Check]:
    """T22: R4 turns organic into carbonate: moles close, 27 % of the volume opens."""
    case = ModelCase(
        phases=("electrode", "Li2CO3", "Li2EDC", "electrolyte"), reactions=("R1", "R4"),
        electron_channels=(), transport=(),
    )  # fmt: skip
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    set_ = model.reactions
    # R1 stands still; the boundary moves at one width per second at the reference potential.
    speed = np.array([0.0, WIDTH / set_.molar_volume[1]])
    model = replace(
        model, tunnelling=Tunnelling(np.array([OPEN, OPEN])),
        reactions=replace(
            set_, rate=speed, interstitial_rate=np.zeros(2), reference_potential=np.full(2, 0.1)
        ),
    )  # fmt: skip
    space = NodalSpace(interval(comm, 16.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    x = space.points[:, 0]
    inner = logistic(2.0 * WIDTH - x, WIDTH)
    start = film_state(solver, profile(x - 12.0 * WIDTH, WIDTH), np.stack([inner, 1.0 - inner]))
    end = advance(
        solver, start, 4.0, lambda time: Drive(0.1, 0.0, TEMPERATURE), first=0.05, longest=0.1
    )
    change = inventory(space, set_, end.phi, end.shares) - inventory(
        space, set_, start.phi, start.shares
    )
    made, used = (space.sum(row) for row in change)
    here = np.abs(x - 4.0 * WIDTH) < 0.5 * WIDTH
    porosity = space.sum(end.pore * here) / space.sum(1.0 * here)
    volumes = set_.molar_volume
    expected = porosity_after(float(volumes[1]), 2.0 * float(volumes[0]))
    return (
        relative(
            "T22 conversion R4, carbonate made per organic used [-]", 2.0, -made / used, 1e-10
        ),
        relative("T22 conversion R4, porosity left behind [-]", expected, porosity, 0.01),
    )
