"""Atoms and charge close to round-off at every step, and the check sees what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.program import Drive
from interphase.solvers.balance import BalanceSheet
from interphase.solvers.simulation import Simulation

# The largest imbalance allowed in any case that ships [part of the throughput].
CLOSED = 1.0e-10


@pytest.mark.mpi
@pytest.mark.parametrize("transport", [["solvent", "salt", "ionic_potential"], ["salt"], []])
def test_a_line_closes_at_every_step(line, comm: MPI.Intracomm, transport: list[str]) -> None:
    """With and without the transport fields; what is off is owed by the reservoir."""
    case = line(model={"transport": transport}, time={"until": "12 s"})
    result = Simulation.from_case(case, comm=comm).run()
    assert result.column("element_imbalance").max() < CLOSED
    assert result.column("charge_imbalance").max() < CLOSED
    assert result.rows[-1]["thickness"] > 0.5e-9  # something was balanced


@pytest.mark.mpi
def test_a_plane_with_nuclei_closes_at_every_step(plane, comm: MPI.Intracomm) -> None:
    """Seeds are booked to the reservoir like everything else."""
    result = Simulation.from_case(plane(), comm=comm).run()
    assert result.rows[-1]["grains"] >= 1
    assert result.column("element_imbalance").max() < CLOSED
    assert result.column("charge_imbalance").max() < CLOSED


def test_an_intercalation_current_is_balanced_too(line) -> None:
    """Lithium ions that leave through the electrode come in through the top."""
    hold = {"hold": "0.1 V", "current_density": "1 A/m^2"}
    case = line(drive={"steps": [hold]}, time={"until": "1 s"})
    result = Simulation.from_case(case).run()
    assert result.column("charge_imbalance").max() < CLOSED
    assert result.column("element_imbalance").max() < CLOSED


@pytest.mark.parametrize(
    ("field", "elements"),
    [("solvent", {"C", "H", "O"}), ("salt", {"F", "P", "Li"}), ("phi", {"Li", "C", "H", "O", "F"})],
)
def test_what_is_lost_from_a_field_is_found(line, field: str, elements: set[str]) -> None:
    """A part per million taken from one field shows in just the elements that it holds."""
    simulation = Simulation.from_case(line())
    state = simulation.run(5.0).state
    sheet = BalanceSheet(simulation.problem.solver)
    spoilt = sheet.check(replace(state, **{field: getattr(state, field) * (1.0 - 1e-6)}))
    assert {name for name, gap in spoilt.elements.items() if gap > 1e-8} == elements


def test_charge_that_is_not_delivered_is_found(line) -> None:
    """Debts are part of the balance: forgetting one breaks it."""
    simulation = Simulation.from_case(line())
    state = simulation.run(5.0).state
    sheet = BalanceSheet(simulation.problem.solver)
    electrons = float(state.books.throughput @ np.abs(simulation.problem.model.reactions.electrons))
    extra = np.zeros_like(state.charge_debt)
    extra[0] = 1e-3 * electrons
    owed = sheet.check(replace(state, charge_debt=state.charge_debt + extra))
    assert owed.charge == pytest.approx(1e-3, rel=1e-6)


def test_gases_leave_at_once(line) -> None:
    """The carbon of a film that R1 makes: half of the solvent's goes with ethylene."""
    simulation = Simulation.from_case(
        line(
            model={"reactions": ["R1"], "phases": ["electrode", "Li2EDC", "electrolyte"]},
        )
    )
    state = simulation.run(5.0).state
    sheet = BalanceSheet(simulation.problem.solver)
    extent = float(state.books.extents[0])
    # 2 EC (3 C each) in, Li2EDC (4 C) stays, C2H4 (2 C) goes
    gained = sheet.inventory(state)["C"] - state.books.initial["C"]
    assert state.books.inflow["EC"] * 3.0 - gained == pytest.approx(2.0 * extent, rel=1e-9)


@pytest.mark.mpi
def test_salt_that_comes_and_goes_with_the_reservoir_is_balanced(line, comm: MPI.Intracomm) -> None:
    """Long steps: rows of the stiffness once lost 1e-12 of the salt at every change outside."""
    model = {"transport": ["salt", "ionic_potential"]}
    case = line(
        mesh={"size": ["60 nm"]}, model=model, drive={"steps": [{"hold": "0.3 V"}]},
        initial={"kind": "planar_film", "thickness": "8 nm", "shares": {"Li2EDC": 1.0}},
    )  # fmt: skip
    simulation = Simulation.from_case(case, comm=comm)
    state, solver = simulation.state, simulation.problem.solver
    sheet = BalanceSheet(solver)
    for outside in (1.3, 1.6, 1.0, 0.7):
        state = replace(state, salt_outside=outside, clock=replace(state.clock, wait=0))
        state, _ = solver.step(state, 3600.0, Drive(0.3, 0.0, 298.15))
        # Of the inventory: next to nothing has reacted.
        assert sheet.check(state).elements["P"] < 3e-14
        assert sheet.inventory(state)["P"] == pytest.approx(
            outside * sheet.inventory(simulation.state)["P"], rel=0.02
        )
