"""What must not change: atoms, charge, Faraday's law, the result on another number of ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import rectangle
from interphase.models.nucleation import PoissonNucleation
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, absolute, relative, worst
from interphase.scripts.verification.film import (
    ELECTRONS,
    TEMPERATURE,
    VOLUME,
    WIDTH,
    advance,
    film_model,
    grow,
)
from interphase.solvers.balance import BalanceSheet
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import bare_electrode
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

# The small mosaic: potential at its start [V], how much denser than the table's its grains are.
_POTENTIAL, _DENSER = 0.5, 4.0


def _ramp(time: float) -> Drive:
    """Return the formation ramp from 0.5 V at 1.9 V/h, with a small discharging current."""
    return Drive(max(_POTENTIAL - 1.9 / 3600.0 * time, 0.1), -0.1, TEMPERATURE)


def _mosaic_model() -> SEIGrowth:
    """Return the default film with every mechanism on; this seed gives grains of every phase."""
    model = build_model(ModelCase(), load_table("graphite_carbonate"), Seeds(law="poisson", seed=3))
    if not isinstance(model.nucleation, PoissonNucleation):
        raise RuntimeError("the model was asked for random nucleation")
    density = model.nucleation.density * _DENSER
    return replace(model, nucleation=replace(model.nucleation, density=density))


def _mosaic(comm: MPI.Comm, until: float) -> tuple[FilmSolver, FilmState]:
    """Grow all phases of the default table on 12 nm x 9 nm from the bare electrode."""
    space = NodalSpace(rectangle(comm, (12.0e-9, 9.0e-9), WIDTH / 8.0))
    solver = FilmSolver(space, _mosaic_model())
    start = bare_electrode(solver, _ramp(0.0))
    start = replace(start, books=replace(start.books, initial=BalanceSheet(solver).opening(start)))
    return solver, advance(solver, start, until, _ramp, first=1.0, longest=30.0, fraction=0.15)


def _debts(solver: FilmSolver, state: FilmState) -> tuple[float, float]:
    """Return what carriers and ionic current owe, parts of the electrons' throughput [-].

    Imbalances count debts as delivered later: a field that delivers too little shows here only.
    """
    space, books = solver.space, state.books
    throughput = float(books.throughput @ np.abs(solver.model.reactions.electrons))
    owed = abs(space.sum(state.carrier_debt)), abs(space.sum(state.charge_debt))
    return owed[0] / throughput, owed[1] / throughput


def balances(comm: MPI.Comm) -> tuple[Check, ...]:
    """T15: every element and the charge, from fields and boundary fluxes, in a mosaic."""
    solver, state = _mosaic(comm, 600.0)
    # What waits for the next solve of the ionic current is no debt that it left.
    while state.clock.elapsed > 0.0:
        state, _ = solver.step(state, state.step, _ramp(state.time + 0.5 * state.step))
    balance = BalanceSheet(solver).check(state)
    # Few carriers run yet: at half their delivery the debt is 2.7e-3. The rest is owed from the
    # time when they could not move a front and were not solved for.
    carrier, charge = _debts(solver, state)
    return (
        absolute(
            "T15 imbalance of the worst element, part of its throughput [-]",
            0.0,
            balance.worst_element,
            1e-10,
        ),
        absolute("T15 imbalance of charge, part of its throughput [-]", 0.0, balance.charge, 1e-10),
        absolute("T15 debt of the carriers, part of the throughput [-]", 0.0, carrier, 2e-3),
        absolute("T15 debt of the ionic current, part of the throughput [-]", 0.0, charge, 1e-6),
    )


def faraday(comm: MPI.Comm) -> tuple[Check, Check]:
    """T17: the moles of product in the fields are those of the electrons, over z."""
    model = film_model(rate=1e-9, decay=1.0 / WIDTH, carrier_rate=1e-4, permeability=2.4e-13)
    history = grow(comm, model, height=12.0 * WIDTH, start=2.0 * WIDTH, until=60.0)
    space, books = history.solver.space, history.state.books
    # Electrons on their way in the carriers' field are part of the charge.
    electrons = books.electrons_tunnelling + books.electrons_carrier
    electrons += space.sum(history.state.carrier_debt)
    moles = (history.thickness[-1] - history.thickness[0]) * space.geometry.area / VOLUME
    debt, _ = _debts(history.solver, history.state)
    return (
        relative("T17 product by Faraday's law [mol]", electrons / ELECTRONS, moles, 1e-8),
        absolute("T17 debt of the carriers, part of the throughput [-]", 0.0, debt, 1e-3),
    )


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
