"""One PyBaMM model, discretised once, and its time integration from a state to the next event."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.cell.inputs import CONTROL, THRESHOLDS
from interphase.models.cell.spec import CellSpec
from interphase.parameters.errors import CouplingError, ParameterError
from interphase.solvers.cell_types import CellLimitError, IntegrationError

if TYPE_CHECKING:
    from interphase.models.cell.model import CellModel

type Array = NDArray[np.float64]

logger = logging.getLogger(__name__)

EXPERIMENT: Final = " [experiment]"
"""Suffix of the events that end a step but not the model."""

RETRY_FACTOR: Final = 0.1
"""Tolerances of the second attempt of a failed integration, relative to the first."""

RETRY_STEPS: Final = 200.0
"""The second attempt takes at least this many time steps."""


class ViolatedAtStartError(CouplingError):
    """A limit is passed before the first time step.

    Attributes:
        limits: names of the limits.
    """

    def __init__(self, limits: tuple[str, ...]) -> None:
        super().__init__(f"passed at the start: {', '.join(limits)}")
        self.limits = limits


@dataclass(frozen=True, slots=True, eq=False)
class Advance:
    """Accepted time steps of one integration.

    Attributes:
        times: from 0 [s], shape (n,).
        states: shape (number of states, n).
        event: name of the event that ended it, empty at the end of the time.
        own_limit: whether the event is one of the model, such as an empty particle.
    """

    times: Array
    states: Array
    event: str
    own_limit: bool


class CellEngine:
    """A discretised cell model and its integrator.

    Every integration starts at time 0 from a state that is handed in, so that nothing is
    remembered between two of them: a restored state gives the same digits.
    """

    def __init__(self, cell: "CellModel", spec: CellSpec) -> None:
        import pybamm

        self._spec = spec
        self._pybamm = pybamm
        self._solver = self._make_solver(1.0, 0.0)
        simulation = pybamm.Simulation(
            cell.model, parameter_values=cell.parameters, solver=self._solver, var_pts=cell.points
        )
        try:
            simulation.build()
        except KeyError as error:
            raise ParameterError(
                f"the set '{spec.parameters}' lacks a number that this cell needs; add it to "
                f"cell.override: {error.args[0] if error.args else error}"
            ) from error
        self.model = simulation.built_model
        self.mesh = simulation.mesh
        self.inputs: dict[str, Array] = {
            **{name: np.zeros(1) for name in CONTROL},
            **{f"threshold {name}": np.array([value]) for name, value in THRESHOLDS.items()},
            "Ambient temperature [K]": np.array([spec.temperature]),
        }
        self.inputs["control current"] = np.ones(1)

    def initial_states(self) -> Array:
        """Return the states at the start, shape (number of states,)."""
        start = self.model.concatenated_initial_conditions
        return np.asarray(start.evaluate(t=0.0, inputs=self._plain(self.inputs))).reshape(-1)

    def solution(self, time: float, states: Array, inputs: Mapping[str, Array]) -> Any:
        """Return ``pybamm.Solution`` of one state, (number of states,), at ``time`` [s]."""
        return self._pybamm.Solution(
            np.array([time]), states.reshape(-1, 1), self.model, self._plain(inputs)
        )

    def advance(self, states: Array, duration: float, inputs: Mapping[str, Array]) -> Advance:
        """Integrate from ``states`` for ``duration`` [s] or to the first event.

        Raises:
            ViolatedAtStartError: if an event is already passed.
            CellLimitError: if the model cannot go on from here.
            IntegrationError: if the integration fails twice.
            CouplingError: if it does not advance.
        """
        try:
            result = self._integrate(self._solver, states, duration, inputs)
        except self._pybamm.SolverError as error:
            logger.info("cell: integration failed, tighter tolerances are tried: %s", error)
            tighter = self._make_solver(RETRY_FACTOR, duration / RETRY_STEPS)
            try:
                result = self._integrate(tighter, states, duration, inputs)
            except self._pybamm.SolverError as second:
                text = str(second).strip().splitlines()
                raise IntegrationError(
                    "the cell model could not be integrated, also not with tolerances of "
                    f"{self._spec.rtol * RETRY_FACTOR:.0e}: {text[0] if text else 'no reason'}"
                ) from second
        if not result.times[-1] > 0.0 and result.own_limit:
            raise CellLimitError(f"the cell is at the end of what it can do: '{result.event}'")
        if not result.times[-1] > 0.0:
            raise CouplingError(
                f"the cell model did not advance (event: {result.event or 'none'}); a limit is "
                "reached in the moment in which the step starts"
            )
        return result

    def _integrate(
        self, solver: Any, states: Array, duration: float, inputs: Mapping[str, Array]
    ) -> Advance:
        plain = self._plain(inputs)
        # PyBaMM returns the old solution without a word when that ended in an event: it is given
        # one that never does
        old = self._pybamm.Solution(
            np.zeros(1), states.reshape(-1, 1), self.model, plain, termination="final time"
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                new = solver.step(old, self.model, duration, inputs=plain, save=False)
        except self._pybamm.SolverError as error:
            text = str(error)
            if "non-positive at initial conditions" not in text:
                raise
            names = text.partition("[")[2].partition(" are non-positive")[0]
            limits = tuple(
                part.strip(" []'\"").removesuffix(EXPERIMENT) for part in names.split(", ")
            )
            raise ViolatedAtStartError(limits) from error
        name = new.termination.removeprefix("event: ")
        ended = new.termination.startswith("event: ")
        return Advance(
            times=np.concatenate([np.asarray(part) for part in new.all_ts]),
            states=np.hstack([np.asarray(part) for part in new.all_ys]),
            event=name.removesuffix(EXPERIMENT) if ended else "",
            own_limit=ended and not name.endswith(EXPERIMENT),
        )

    def _make_solver(self, factor: float, largest_step: float) -> Any:
        return self._pybamm.IDAKLUSolver(
            rtol=self._spec.rtol * factor,
            atol=self._spec.atol * factor,
            on_extrapolation="ignore",
            options={
                "hermite_interpolation": False,
                "silence_sundials_errors": True,
                # Potentials stay in the error test. Without them a P2D takes a third of the steps
                # and cycles as well (2e-6 in the capacity lost), but a year at open circuit is
                # wrong by 0.5 % at these tolerances and still by 0.2 % at 1e-8.
                "dt_max": largest_step,
            },
        )

    @staticmethod
    def _plain(inputs: Mapping[str, Array]) -> dict[str, Any]:
        return {
            name: float(value[0]) if value.size == 1 else value.reshape(-1, 1)
            for name, value in inputs.items()
        }
