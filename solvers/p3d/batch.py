"""Many copies of one PyBaMM model, each with its own state, integrated by one call.

PyBaMM's own `solve` starts every set of inputs from the model's initial conditions, and its `step`
takes one set. The solver group below them takes a state for each set.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interphase.parameters.errors import CouplingError

type Array = NDArray[np.float64]

logger = logging.getLogger(__name__)

SUPPORTED: Final = "26.10."
"""Versions of PyBaMM whose solver group is known to be as it is used here."""

# What SUNDIALS says when an event ended an integration.
_ROOT_FOUND: Final = 2
# Stands for a copy that raised an error instead of returning a flag.
_NO_START: Final = -1000


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """How one copy went.

    Attributes:
        times: of the time steps, from 0 [s], (n,).
        outputs: of each time step, (n, width).
        state: at the end, (states,).
        flag: of SUNDIALS; negative where the integration failed.
    """

    times: Array
    outputs: Array
    state: Array
    flag: int

    @property
    def failed(self) -> bool:
        """Whether the integration failed."""
        return self.flag < 0

    @property
    def stopped(self) -> bool:
        """Whether an event ended it."""
        return self.flag == _ROOT_FOUND


class GroupIntegrator:
    """Integrates copies of a discretised model; the one place that uses PyBaMM's private names.

    Those are `_set_up_model_inputs` (order and checks of the inputs), `_setup["solver"]` (the
    compiled group) and, of what the group returns, `t`, `y`, `y_term` and `flag`.

    Args:
        model: a discretised PyBaMM model.
        inputs: a value of each of its inputs, for order and sizes.
        outputs: names of the variables that are returned.
        rtol: relative tolerance.
        atol: absolute tolerance of PyBaMM's scaled states.
        compiled: whether the model is compiled by the C compiler of the machine, which takes a
            minute the first time and is then two to four times as fast.

    Raises:
        CouplingError: if the installed PyBaMM is none that this class knows.
    """

    def __init__(
        self,
        model: Any,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        *,
        rtol: float,
        atol: float,
        compiled: bool = False,
    ) -> None:
        import pybamm

        check_version(pybamm.__version__)
        # As the integrator of a single cell (`CellEngine`), so that both give the same digits.
        solver = pybamm.IDAKLUSolver(
            rtol=rtol,
            atol=atol,
            output_variables=list(outputs),
            on_extrapolation="ignore",
            options={
                "hermite_interpolation": False,
                "silence_sundials_errors": True,
                "compile": compiled,
                "num_threads": 1,
                "num_solvers": 1,
            },
        )
        plain = {
            name: float(value[0]) if value.size == 1 else value.reshape(-1, 1)
            for name, value in inputs.items()
        }
        ordered = solver._set_up_model_inputs(model, plain)
        solver.set_up(model, ordered, np.array([0.0, 1.0]))
        self._solver, self._group = solver, solver._setup["solver"]
        self._rate, self._differential = model.rhs_eval, model.len_rhs
        self._columns: dict[str, slice] = {}
        first = 0
        for name, value in ordered.items():
            self._columns[name] = slice(first, first + np.size(value))
            first += np.size(value)
        self._template = np.concatenate([np.ravel(value) for value in ordered.values()])
        self._events = [
            (event.name, function)
            for event, function in zip(
                [e for e in model.events if e.event_type == pybamm.EventType.TERMINATION],
                model.terminate_events_eval,
                strict=True,
            )
        ]

    @property
    def columns(self) -> Mapping[str, slice]:
        """Columns of each input in a row of inputs."""
        return self._columns

    def rows(self, count: int) -> Array:
        """Return inputs of ``count`` copies as they were given, (count, width)."""
        return np.tile(self._template, (count, 1))

    def integrate(self, states: Array, inputs: Array, seconds: float) -> list[Course]:
        """Integrate every copy from time 0 for ``seconds`` [s] or to its first event.

        Args:
            states: (copies, states); not changed.
            inputs: (copies, width).
            seconds: how long.
        """
        if states.shape[0] == 0:
            return []
        slopes = np.zeros_like(states)
        slopes[:, : self._differential] = self._rate(0.0, states.T, inputs.T).full().T
        try:
            return self._solve(states, slopes, inputs, seconds)
        except ValueError as error:
            # one copy that cannot even begin ends the call for all
            logger.info("local models: one by one, since together they failed: %s", error)
        courses = []
        for k in range(states.shape[0]):
            one = slice(k, k + 1)
            try:
                courses += self._solve(states[one], slopes[one], inputs[one], seconds)
            except ValueError:
                courses.append(Course(np.zeros(1), np.zeros((1, 0)), states[k].copy(), _NO_START))
        return courses

    def _solve(self, states: Array, slopes: Array, inputs: Array, seconds: float) -> list[Course]:
        solutions = self._group.solve(
            np.array([0.0, seconds]),
            np.array([]),
            np.ascontiguousarray(states),
            np.ascontiguousarray(slopes),
            np.ascontiguousarray(inputs),
            logger=None,
            pbar=np.empty((0, 0)),
        )
        return [
            Course(
                np.array(one.t),
                np.array(one.y).reshape(one.t.size, -1),
                np.array(one.y_term).reshape(-1),
                int(one.flag),
            )
            for one in solutions
        ]

    def event(self, course: Course, inputs: Array) -> str:
        """Return the name of the event that ended a course with these ``inputs``, (width,)."""
        time = float(course.times[-1])
        distance = [float(f(time, course.state, inputs)) for _, f in self._events]
        return str(self._events[int(np.nanargmin(np.abs(distance)))][0])


def check_version(version: str) -> None:
    """Refuse a PyBaMM whose solver group may differ.

    Raises:
        CouplingError: naming the version that is needed.
    """
    if not version.startswith(SUPPORTED):
        raise CouplingError(
            f"many local models at once need PyBaMM {SUPPORTED}x, but {version} is installed: "
            f"install pybamm=={SUPPORTED}*"
        )
