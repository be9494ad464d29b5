"""Calibration of a study: its members train emulators at the times of the data, and are fitted."""

from __future__ import annotations

import numpy as np

from interphase.parameters.distributions import Array
from interphase.parameters.errors import CaseError
from interphase.scripts.sweep.calibration import Fit, Problem, calibrate, forward_of_emulators
from interphase.scripts.sweep.data import read_data
from interphase.scripts.sweep.emulator import Emulator
from interphase.scripts.sweep.results import Results
from interphase.scripts.sweep.sensitivity import emulator_of


class Calibration:
    """The fit of a study, and what is needed to show it.

    Attributes:
        quantity: that was measured.
        unit: its SI unit.
        data: what was fitted to.
        problem: priors, emulators and data.
        fit: the result.
        emulators: one for every time of the data.
    """

    def __init__(self, results: Results) -> None:
        """Train and fit.

        Raises:
            CaseError: the data are wrong, or too few members have finished.
        """
        plan = results.plan
        block = plan.study.calibration
        if block is None:
            raise CaseError("is missing", "calibration")
        self.quantity, self.data = read_data(block, plan.record.columns)
        self.unit = plan.record.columns[self.quantity]
        self.emulators: list[Emulator] = [
            emulator_of(plan, _values(results, self.quantity, float(t))) for t in self.data.time
        ]
        priors = tuple(f.distribution for f in plan.factors if f.distribution is not None)
        if len(priors) < len(plan.factors):
            raise CaseError("needs a distribution for every parameter", "calibration")
        self.problem = Problem(
            tuple(f.name for f in plan.factors),
            priors,
            forward_of_emulators(self.emulators, priors),
            self.data,
            np.array([one.error for one in self.emulators]),
        )
        self.fit: Fit = calibrate(self.problem, walkers=block.walkers, steps=block.steps)

    def predicted(self, count: int = 400) -> Array:
        """Return draws of the posterior's prediction at the data's times, (draws, times)."""
        chosen = np.linspace(0, len(self.fit.samples) - 1, count).astype(int)
        return self.problem.forward(self.fit.samples[chosen])


def _values(results: Results, column: str, time: float) -> Array:
    """Return a column of all members at a time, (members,), nan for those that failed."""
    values = np.full(len(results.plan.members), np.nan)
    for i, member in enumerate(results.plan.members):
        series = results.series.get(member.name)
        if series is not None:
            values[i] = np.interp(time, series["time"], series[column])
    return values
