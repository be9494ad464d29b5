"""Rows of the time series against what is known of a flat film."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.constants import FARADAY
from interphase.solvers.diagnostics import Diagnostics, columns, field_values
from interphase.solvers.setup import build_problem, initial_state
from interphase.solvers.simulation import Simulation

FILM = {"kind": "planar_film", "thickness": "4 nm", "shares": {"LiF": 0.25, "Li2EDC": 0.75}}


@pytest.mark.mpi
def test_a_flat_film_is_measured(plane, comm: MPI.Intracomm) -> None:
    """Thickness and shares to the profile's error exp(-4 L/l); a resistance of L/kappa."""
    case = plane(
        initial=FILM | {"seeds": {"law": "none"}}, mesh={"size": ["6 nm", "10 nm"]}, drive={}
    )
    problem = build_problem(case, comm)
    state = initial_state(problem)
    diagnostics = Diagnostics(problem.solver)
    drive = problem.program.at(0.0)
    row = diagnostics.row(state, drive, step=0.0, newton=0, wall=0.0, exact=True)
    assert row["thickness"] == pytest.approx(4e-9, rel=1e-3)
    assert row["thickness_LiF"] == pytest.approx(1e-9, rel=1e-3)
    assert row["thickness_Li2EDC"] == pytest.approx(3e-9, rel=1e-3)
    assert row["thickness_Li2CO3"] == 0.0
    assert row["coverage"] == 1.0
    assert row["porosity"] == pytest.approx(0.0, abs=1e-12)
    assert row["film_top"] == pytest.approx(4e-9, abs=0.17e-9)
    # front in series with the liquid: within half an interface width of L/kappa
    conductivity = problem.table.value("ionic_conductivity", "LiF")
    assert row["film_resistance"] == pytest.approx(4e-9 / conductivity, rel=0.15)


def test_every_column_of_the_contract_is_there() -> None:
    """Names, units and order are what other tools read."""
    header = [f"{name} [{unit}]" for name, unit in columns(("Li2EDC", "polymer"))]
    assert header[:22] == [
        "time [s]", "step [s]", "potential [V]", "temperature [K]", "current_density [A/m2]",
        "thickness [m]", "thickness_LiF [m]", "thickness_Li2CO3 [m]", "thickness_Li2O [m]",
        "thickness_Li2EDC [m]", "porosity [-]", "coverage [-]", "grains [-]",
        "lithium_lost [mol/m2]", "charge [C/m2]", "charge_tunnelling [C/m2]",
        "film_resistance [ohm.m2]", "potential_drop [V]", "element_imbalance [-]",
        "charge_imbalance [-]", "newton_iterations [-]", "wall_time [s]",
    ]  # fmt: skip
    assert header[-1] == "thickness_polymer [m]"


def test_lithium_lost_is_the_charge_and_the_salts_lithium(line) -> None:
    """Every lithium of the film came with an electron or with an anion."""
    row = Simulation.from_case(line()).run(8.0).rows[-1]
    assert row["lithium_salt"] > 0.0
    assert row["lithium_lost"] == pytest.approx(
        row["charge"] / FARADAY + row["lithium_salt"], rel=1e-9
    )
    assert 0.0 < row["charge_tunnelling"] <= row["charge"]


def test_fields_have_the_names_of_the_contract(line) -> None:
    """Fields held by the reservoir are written with its value."""
    case = line(model={"transport": [], "electron_channels": ["tunnelling"]})
    problem = build_problem(case, MPI.COMM_SELF)
    state = initial_state(problem)
    fields = field_values(problem, state, problem.program.at(0.0))
    assert list(fields) == [
        "film", "LiF", "Li2CO3", "Li2O", "Li2EDC", "pore", "tunnelling_action", "interstitial",
        "solvent", "salt", "ionic_potential",
    ]  # fmt: skip
    assert np.all(fields["solvent"] == problem.table.value("concentration_ref", "EC"))
    assert np.all(fields["interstitial"] == 0.0)
