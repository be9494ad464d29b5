"""A PyBaMM cell that is driven step by step while its film is computed elsewhere."""

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.models.cell.spec import CellSpec
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CouplingError
from interphase.solvers.cell_nodes import count_nodes, film_nodes
from interphase.solvers.cell_run import StepRunner
from interphase.solvers.cell_types import CellState, ControlStep, Segment, TableWindowError

if TYPE_CHECKING:
    from interphase.solvers.cell_capacity import EquilibriumCapacity

type Array = NDArray[np.float64]

SUMMARY: Final = (
    "Negative electrode porosity",
    "Discharge capacity [A.h]",
    "Loss of lithium to negative lithium plating [mol]",
    "Total lithium in particles [mol]",
    "Negative electrode capacity [A.h]",
    "Positive electrode capacity [A.h]",
)
"""PyBaMM's names of what is asked for now and then."""


class PyBaMMCell:
    """Cell model of PyBaMM with films from outside; implements `CellStepper`.

    Args:
        spec: what the cell is made of.
        law: name of one of PyBaMM's own film laws, for a cell to compare with; its film cannot be
            set from outside.
    """

    def __init__(self, spec: CellSpec, *, law: str | None = None) -> None:
        # PyBaMM takes seconds to import; only those who make a cell wait for it
        from interphase.models.cell.model import build_model, built_in
        from interphase.solvers.cell_engine import CellEngine
        from interphase.solvers.cell_readout import Readout

        self._spec = spec
        self._cell = build_model(spec) if law is None else built_in(spec, law)
        self._engine = CellEngine(self._cell, spec)
        self._parallel = self._number("Number of electrodes connected in parallel to make a cell")
        averaged = self._cell.averaged
        self._nodes = count_nodes(self._engine.mesh, averaged=averaged)
        if self._cell.external:
            self._engine.inputs |= placeholder(spec).pack(self._nodes)
            self._engine.inputs["film geometric area per volume"] = np.ones(self._nodes)
        states = self._engine.initial_states()
        at = film_nodes(
            self._engine.model, self._engine.mesh, states, self._engine.inputs, averaged=averaged
        )
        if self._cell.external:
            self._engine.inputs["film geometric area per volume"] = at.area_per_volume
        self._positions = at.positions
        face = self._number("Electrode width [m]") * self._number("Electrode height [m]")
        self._area = np.asarray(at.area * face * self._parallel, dtype=np.float64)
        names = self._names()
        history = Readout(self._engine.model, list(names.values()), self._engine.inputs)
        self._summary = Readout(self._engine.model, SUMMARY, self._engine.inputs)
        self._runner = StepRunner(self._engine, history, names, self._cut_offs())
        self._states = states
        self._time = 0.0
        self._throughput = 0.0
        self._temperature = spec.temperature
        self._film: dict[str, Array] = {}
        # what was read of the present state; None once state or film have changed
        self._seen: dict[str, Array] | None = None
        self._windows: Array | None = None
        self._equilibrium: EquilibriumCapacity | None = None

    @classmethod
    def built_in(cls, spec: CellSpec, law: str) -> Self:
        """Return a cell with PyBaMM's own film law on the same mesh and driver."""
        return cls(spec, law=law)

    # ---------------------------------------------------------------- what it is

    @property
    def nodes(self) -> int:
        """Number of films."""
        return self._nodes

    @property
    def positions(self) -> Array:
        """Distance of the films from the current collector of their electrode [m], (nodes,)."""
        return self._positions.copy()

    @property
    def area(self) -> Array:
        """Geometric reaction area of each node in the whole cell [m2], (nodes,)."""
        return self._area.copy()

    @property
    def nominal_capacity(self) -> float:
        """Nominal capacity [A h]."""
        return self._number("Nominal cell capacity [A.h]")

    @property
    def parameter_values(self) -> Any:
        """PyBaMM's parameter values of this cell."""
        return self._cell.parameters

    @property
    def spec(self) -> CellSpec:
        """What the cell is made of."""
        return self._spec

    # ---------------------------------------------------------------- where it is

    @property
    def time(self) -> float:
        """Time since the start [s]."""
        return self._time

    @property
    def throughput(self) -> float:
        """Charge passed in either direction since the start [A h]."""
        return self._throughput

    @property
    def charge(self) -> Array:
        """Booked film charge per geometric area since the start [C/m2], (nodes,)."""
        return self._now("charge")

    @property
    def thickness(self) -> Array:
        """Thickness on the film-carrying area [m], (nodes,)."""
        return self._now("thickness")

    @property
    def film_potential(self) -> Array:
        """Potential that the response is a function of [V], (nodes,)."""
        return self._now("film_potential")

    @property
    def voltage(self) -> float:
        """Cell voltage [V]."""
        return float(self._now("voltage")[0])

    @property
    def lost_lithium(self) -> float:
        """Lithium taken by the films since the start [mol]: their charge, nothing else."""
        return float(self.charge @ self._area) / FARADAY

    @property
    def discharge_capacity(self) -> float:
        """Net charge that left the cell since the start [A h]."""
        return float(self._summarise("Discharge capacity [A.h]")[0])

    @property
    def minimal_porosity(self) -> float:
        """Smallest porosity of the negative electrode [-]."""
        return float(self._summarise("Negative electrode porosity").min())

    @property
    def plated_lithium(self) -> float:
        """Lithium plated in the whole cell [mol]; 0 when plating is not an option of the cell."""
        # PyBaMM counts one pair of electrodes here, but all of them in the particles
        name = "Loss of lithium to negative lithium plating [mol]"
        return float(self._summarise(name)[0]) * self._parallel

    @property
    def lithium_in_particles(self) -> float:
        """Lithium in the particles of both electrodes of the whole cell [mol]."""
        return float(self._summarise("Total lithium in particles [mol]")[0])

    def usable_capacity(self) -> float:
        """Return the capacity between the cut-off voltages at equilibrium [A h].

        Costs some 50 ms, the first time a second.
        """
        if self._equilibrium is None:
            from interphase.models.cell.model import read_parameters
            from interphase.solvers.cell_capacity import EquilibriumCapacity

            self._equilibrium = EquilibriumCapacity(read_parameters(self._spec))
        return self._equilibrium.capacity(
            self.lithium_in_particles,
            float(self._summarise("Negative electrode capacity [A.h]")[0]),
            float(self._summarise("Positive electrode capacity [A.h]")[0]),
        )

    def resistance(self, current: float | None = None, duration: float = 10.0) -> float:
        """Return the resistance against a pulse [ohm]; the cell is left as it was.

        Args:
            current: of the pulse [A]; a third of the nominal capacity in an hour when None.
            duration: of the pulse [s].
        """
        pulse = self.nominal_capacity / 3.0 if current is None else current
        before = self.state()
        try:
            rest = self.run(ControlStep.rest(duration)).voltage[-1]
            self.restore(before)
            loaded = self.run(ControlStep("current", pulse, duration, name="pulse")).voltage[-1]
        finally:
            self.restore(before)
        return float((rest - loaded) / pulse)

    # ---------------------------------------------------------------- what it does

    def set_film(self, film: FilmInputs) -> None:
        """Take the answer of the films, valid from now on.

        Raises:
            CouplingError: if this cell has its own film, or the inputs do not fit it.
        """
        if not self._cell.external:
            raise CouplingError("this cell grows PyBaMM's own film; it takes none from outside")
        if film.response.form != self._spec.form:
            raise CouplingError(
                f"the cell was built for a '{self._spec.form}' response, not for "
                f"'{film.response.form}'; set CellSpec.form"
            )
        packed = film.pack(self._nodes)
        if any(self._engine.inputs[name].size != value.size for name, value in packed.items()):
            raise CouplingError(
                f"the cell was built for tables of {self._spec.knot_count} knots; set "
                "CellSpec.knot_count"
            )
        if isinstance(film.response, ResponseTable):
            self._windows = np.array(film.response.window(self._nodes))
        self._film, self._seen = packed, None

    def run(self, step: ControlStep) -> Segment:
        """Run one step to its end.

        Raises:
            CaseError: if a limit is passed at the start, or never reached.
            TableWindowError: if a node left its table; the cell is then as before the step.
            CouplingError: if the model cannot be integrated; the cell is then as before the step.
        """
        if self._cell.external and not self._film:
            raise CouplingError("the cell has no film yet; call set_film before run")
        inputs = {**self._engine.inputs, **self._film}
        ambient = self._temperature if step.temperature is None else step.temperature
        inputs["Ambient temperature [K]"] = np.array([ambient])
        segment, states = self._runner.run(step, self._states, inputs)
        self._check_window(step, segment)
        self._states, self._seen = states, None
        self._time += segment.duration
        self._throughput += segment.throughput
        return segment

    def state(self) -> CellState:
        """Return a snapshot."""
        return CellState(
            states=self._states.copy(),
            time=self._time,
            throughput=self._throughput,
            temperature=self._temperature,
            film={name: value.copy() for name, value in self._film.items()},
            windows=None if self._windows is None else self._windows.copy(),
        )

    def solution(self) -> Any:
        """Return ``pybamm.Solution`` of the present state; it has every variable of the model."""
        return self._engine.solution(
            self._time, self._states, {**self._engine.inputs, **self._film}
        )

    def restore(self, state: CellState) -> None:
        """Go back to a snapshot of this cell or of one made from the same spec.

        Raises:
            CouplingError: if the snapshot is of another model.
        """
        if state.states.shape != self._states.shape:
            raise CouplingError(
                f"the snapshot has {state.states.size} states, this cell {self._states.size}"
            )
        self._states, self._seen = state.states.copy(), None
        self._time, self._throughput = state.time, state.throughput
        self._temperature = state.temperature
        self._film = {name: value.copy() for name, value in state.film.items()}
        self._windows = None if state.windows is None else state.windows.copy()

    # ---------------------------------------------------------------- parts

    def _check_window(self, step: ControlStep, segment: Segment) -> None:
        if self._windows is None:
            return
        lowest, highest = segment.lowest_potential, segment.highest_potential
        if np.all(lowest >= self._windows[0]) and np.all(highest <= self._windows[1]):
            return
        raise TableWindowError(
            f"step '{step.label}': the film potential went from {lowest.min():.4f} to "
            f"{highest.max():.4f} V, beyond its table ({self._windows[0].min():.4f} to "
            f"{self._windows[1].max():.4f} V); widen the table and repeat the step",
            lowest,
            highest,
        )

    def _names(self) -> dict[str, str]:
        from interphase.models.cell.external import BOOKED, FILM_POTENTIAL, FILM_THICKNESS

        lead = "X-averaged negative" if self._cell.averaged else "Negative"
        return {
            "film_potential": FILM_POTENTIAL,
            "surface_potential": f"{lead} electrode surface potential difference [V]",
            "intercalation": f"{lead} electrode interfacial current density [A.m-2]",
            "concentration": f"{lead} electrolyte concentration [mol.m-3]",
            "charge": BOOKED,
            "thickness": FILM_THICKNESS,
            "temperature": "X-averaged negative electrode temperature [K]",
            "voltage": "Voltage [V]",
            "current": "Current [A]",
            "passed": "Discharge capacity [A.h]",
        }

    def _now(self, quantity: str) -> Array:
        if self._seen is None:
            inputs = {**self._engine.inputs, **self._film}
            self._seen = self._runner.read(np.zeros(1), self._states[:, None], inputs)
        return self._seen[quantity][0].copy()

    def _summarise(self, name: str) -> Array:
        inputs = {**self._engine.inputs, **self._film}
        return self._summary(np.zeros(1), self._states[:, None], inputs)[name][0]

    def _number(self, name: str) -> float:
        return float(self._cell.parameters[name])

    def _cut_offs(self) -> tuple[float, float]:
        return self._number("Lower voltage cut-off [V]"), self._number("Upper voltage cut-off [V]")


def placeholder(spec: CellSpec) -> FilmInputs:
    """Return inputs of the right shapes, for the model to be set up with."""
    from interphase.models.cell.response import Held, LogAffine, Response

    knots = np.linspace(0.0, 1.0, spec.knot_count)
    none = np.zeros(spec.knot_count)
    forms: dict[str, Response] = {
        "held": Held(0.0),
        "log_affine": LogAffine(0.0, 0.1, spec.film_thickness, 0.0, 0.0),
        "table": ResponseTable(knots, none, none, spec.film_thickness),
    }
    return FilmInputs(forms[spec.form], spec.film_thickness, 0.0, 0.0, 0.0)
