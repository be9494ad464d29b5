"""Cells whose film is one of PyBaMM's own laws, exchanged now and then, against PyBaMM itself."""

from __future__ import annotations

import numpy as np
import pytest

from interphase.models.cell.laws import LAWS
from interphase.models.cell.spec import CellKind, CellSpec, MeshPoints
from interphase.scripts.verification.cells import (
    DAY,
    RATE_CONSTANT,
    YEAR,
    Cycling,
    Storage,
)
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_experiment import read_experiment

POINTS = MeshPoints(x_n=4, x_s=3, x_p=4, r_n=6, r_p=6)
CYCLE = (
    "Discharge at 1C until 2.5 V",
    "Rest for 10 minutes",
    "Charge at 1C until 4.2 V",
    "Hold at 4.2 V until C/50",
)


@pytest.mark.parametrize("kind", ["SPM", "DFN"])
def test_the_driver_equals_pybamms_own_experiment(kind: CellKind) -> None:
    """Three CC/CV cycles with PyBaMM's own film: times, voltage, capacity and thickness agree.

    Both integrate to 1e-6; PyBaMM's initial current and its restarts differ from ours, so that
    the ends of steps differ by some hundredths of a second in nine hours.
    """
    import pybamm

    spec = CellSpec(kind=kind, points=POINTS, override=RATE_CONSTANT)
    cell = PyBaMMCell.built_in(spec, "ec reaction limited")
    values = pybamm.ParameterValues("OKane2022")
    values.update(RATE_CONSTANT)
    model = getattr(pybamm.lithium_ion, kind)({"SEI": "ec reaction limited"})
    simulation = pybamm.Simulation(
        model,
        parameter_values=values,
        experiment=pybamm.Experiment([CYCLE] * 3),
        solver=pybamm.IDAKLUSolver(rtol=spec.rtol, atol=spec.atol),
        var_pts={name: getattr(POINTS, name) for name in ("x_n", "x_s", "x_p", "r_n", "r_p")},
    )
    solution = simulation.solve(calc_esoh=False)
    ends = [step["Time [s]"].entries[-1] for cycle in solution.cycles for step in cycle.steps]
    voltages = [step["Voltage [V]"].entries[-1] for c in solution.cycles for step in c.steps]
    capacities = [
        step["Discharge capacity [A.h]"].entries[-1] for c in solution.cycles for step in c.steps
    ]
    seen = []
    for cycle in read_experiment([CYCLE] * 3, cell.nominal_capacity):
        for step in cycle:
            segment = cell.run(step)
            seen.append((cell.time, segment.voltage[-1], cell.discharge_capacity))
    times, volts, ampere_hours = np.array(seen).T
    np.testing.assert_allclose(times, ends, atol=1.0)
    np.testing.assert_allclose(volts, voltages, atol=1e-4)
    np.testing.assert_allclose(ampere_hours, capacities, atol=1e-4)
    thickness = solution["Negative SEI thickness [m]"].entries[:, -1]
    assert cell.thickness.max() == pytest.approx(thickness.max(), rel=1e-4)
    assert cell.thickness.min() == pytest.approx(thickness.min(), rel=1e-4)


@pytest.mark.parametrize("law", sorted(LAWS))
def test_a_table_per_cycle_ages_an_spm_as_pybamm_does(law: str) -> None:
    """Three cycles within 0.3 %: what 41 knots and a frozen film leave."""
    comparison = Cycling("SPM", law, cycles=3, points=POINTS).compare()
    assert abs(comparison.error) < 3e-3, comparison


@pytest.mark.slow
@pytest.mark.parametrize("law", sorted(LAWS))
def test_a_table_per_cycle_ages_a_p2d_as_pybamm_does(law: str) -> None:
    """Three cycles within 0.3 %, node by node."""
    comparison = Cycling("DFN", law, cycles=3, points=POINTS).compare()
    assert abs(comparison.error) < 3e-3, comparison
    assert comparison.computed_thickness == pytest.approx(comparison.expected_thickness, rel=3e-3)


@pytest.mark.parametrize("law", sorted(LAWS))
@pytest.mark.parametrize("kind", ["SPM", "DFN"])
def test_a_tangent_per_fortnight_stores_as_pybamm_does(kind: CellKind, law: str) -> None:
    """One year at open circuit within 0.5 %."""
    comparison = Storage(kind, law, YEAR, 14.0 * DAY, POINTS).compare()
    assert abs(comparison.error) < 5e-3, comparison


def test_a_longer_interval_is_less_exact() -> None:
    """The error of a tangent grows with the interval, so the interval controls it."""
    errors = [
        abs(Storage("SPM", "ec reaction limited", YEAR, days * DAY, POINTS).compare().error)
        for days in (15.0, 60.0)
    ]
    assert errors[0] < errors[1] / 2.0
