"""PyBaMM submodels of a film whose rate, conductivity and volume come from outside.

The film's charge stays a state of PyBaMM, so that lithium, film resistance and pore space follow
without a second book. Three things differ from PyBaMM's own film:

* the state is the charge booked since the start, not the whole film. The error control then sees
  the growth itself; a slow film is not lost in the digits of the old one;
* one unit of the state is one mole of electrons (z = 1): charge is the book, whatever it makes;
* PyBaMM's "SEI thickness" is film volume per geometric area, area_ratio times the thickness on the
  film-carrying area, so that pore space and plating laws read the right volume.
"""

from typing import Any, Final, Protocol

import casadi
import numpy as np
import pybamm

from interphase.models.cell.spec import CellSpec, ResponseForm

ELECTRODE: Final = "negative electrode"

BOOKED: Final = "Booked film charge [C.m-2]"
FILM_THICKNESS: Final = "Film thickness [m]"
FILM_POTENTIAL: Final = "Film potential [V]"

GROWTH_SCALE: Final = 1e-9
"""Film volume per geometric area that scales the booked charge [m]. With the default absolute
tolerance of 1e-8 growth is resolved to 1e-17 m, some millionths of what the slowest law of PyBaMM
grows in a cycle; PyBaMM doubts scaled states above 1e5, which are 0.1 mm of film here."""


class Form(Protocol):
    """Builds the rate of the film on the film-carrying area [A/m2] from inputs of the model."""

    def inputs(self, nodes: int) -> dict[str, int]:
        """Return the names of the inputs and their sizes."""

    def rate(self, potential: Any, thickness: Any, *inputs: Any) -> Any:
        """Return the rate for casadi symbols or numpy columns, shape (nodes, 1)."""


class HeldForm:
    """The rate as it was at the exchange."""

    def inputs(self, nodes: int) -> dict[str, int]:
        """Return the names of the inputs and their sizes."""
        return {"film rate": nodes}

    def rate(self, potential: Any, thickness: Any, *inputs: Any) -> Any:
        """Return the rate."""
        if _before_mesh(potential, inputs[0]):
            return 0.0 * potential
        return inputs[0] + 0.0 * potential


class LogAffineForm:
    """ln|j| linear in U and in ln L."""

    def inputs(self, nodes: int) -> dict[str, int]:
        """Return the names of the inputs and their sizes."""
        names = ("sign", "logarithm", "potential", "thickness", "slope", "exponent")
        return {f"film rate {name}": nodes for name in names}

    def rate(self, potential: Any, thickness: Any, *inputs: Any) -> Any:
        """Return the rate."""
        if _before_mesh(potential, inputs[0]):
            return 0.0 * potential
        sign, logarithm, reference, start, slope, exponent = inputs
        growth = exponent * np.log(start / thickness)
        return sign * np.exp(logarithm + slope * (reference - potential) + growth)


class TableForm:
    """asinh(j/scale) and the exponent of the thickness, piecewise linear in U.

    All knots are handled at once as a matrix (nodes, knots): casadi's cost is per operation, not
    per number.
    """

    def __init__(self, knot_count: int) -> None:
        self._count = knot_count

    def inputs(self, nodes: int) -> dict[str, int]:
        """Return the names of the inputs and their sizes."""
        columns = {f"film table {name}": nodes for name in ("value", "exponent")}
        columns |= {f"film table {name}": nodes for name in ("scale", "thickness")}
        matrices = {f"film table {n}": nodes * self._count for n in ("knots", "bends", "turns")}
        return columns | matrices

    def rate(self, potential: Any, thickness: Any, *inputs: Any) -> Any:
        """Return the rate."""
        if _before_mesh(potential, inputs[0]):
            return 0.0 * potential
        value, exponent, scale, start, knots, bends, turns = inputs
        if isinstance(potential, casadi.MX):
            shape = (potential.numel(), self._count)
            knots, bends, turns = (casadi.reshape(a, *shape) for a in (knots, bends, turns))
            beyond = casadi.fmax(casadi.repmat(potential, 1, self._count) - knots, 0.0)
            value = value + casadi.sum2(bends * beyond)
            exponent = exponent + casadi.sum2(turns * beyond)
        else:
            shape = (np.size(potential), self._count)
            knots, bends, turns = (np.reshape(a, shape, order="F") for a in (knots, bends, turns))
            beyond = np.maximum(potential - knots, 0.0)
            value = value + np.sum(bends * beyond, axis=1, keepdims=True)
            exponent = exponent + np.sum(turns * beyond, axis=1, keepdims=True)
        return scale * np.sinh(value) * np.exp(exponent * np.log(start / thickness))


def _before_mesh(potential: Any, column: Any) -> bool:
    """Whether PyBaMM only asks for a shape, with columns of a length that is not the mesh's."""
    return not isinstance(potential, casadi.MX) and np.size(potential) != np.size(column)


def form_of(spec: CellSpec) -> Form:
    """Return the builder of the form that ``spec`` asks for."""
    makers: dict[ResponseForm, Form] = {
        "held": HeldForm(),
        "log_affine": LogAffineForm(),
        "table": TableForm(spec.knot_count),
    }
    return makers[spec.form]


def on_nodes(name: str, *, averaged: bool) -> Any:
    """Return the input ``name`` on the nodes of the negative electrode."""
    if averaged:
        return pybamm.PrimaryBroadcast(pybamm.InputParameter(name), "current collector")
    # an input carries a primary domain only; the broadcast gives it the second one
    values = pybamm.InputParameter(name, domain=ELECTRODE)
    return pybamm.SecondaryBroadcast(values, "current collector")


class ExternalFilm(pybamm.sei.BaseModel):
    """Film with a rate from outside; takes the place of ``negative primary sei``."""

    def __init__(self, param: Any, options: Any, form: Form, nodes: int) -> None:
        super().__init__(param, "negative", options=options, phase="primary")
        self._form = form
        self._nodes = nodes
        self._averaged = options["x-average side reactions"] == "true"
        self.reaction_loc = "x-average" if self._averaged else "full electrode"
        lead = "X-averaged booked" if self._averaged else "Booked"
        self._booked_name = f"{lead} film lithium [mol.m-3]"

    def get_fundamental_variables(self) -> dict[str, Any]:
        """Return the booked lithium and, from it, PyBaMM's concentration of the film."""
        phase = self.phase_param
        per_thickness = phase.a_typ / phase.V_bar_sei
        name = self._booked_name
        scale = GROWTH_SCALE * per_thickness
        if self._averaged:
            mean = pybamm.Variable(name, domain="current collector", scale=scale)
            booked = pybamm.PrimaryBroadcast(mean, ELECTRODE)
        else:
            booked = mean = pybamm.Variable(
                name,
                domain=ELECTRODE,
                auxiliary_domains={"secondary": "current collector"},
                scale=scale,
            )
        start = phase.L_sei_0 * per_thickness
        variables = dict(self._get_standard_concentration_variables(start + booked))
        # PyBaMM subtracts the initial film; the booked charge is the loss without that difference
        # and counts one pair of electrodes; this is the loss of all that are connected in parallel
        volume = self.param.n.L * self.param.A_cc
        lost = pybamm.yz_average(pybamm.x_average(booked)) * volume
        charge = self.param.F * mean / self._field("film geometric area per volume")
        variables.update(
            {
                name: mean,
                BOOKED: charge,
                FILM_THICKNESS: self._field("film thickness")
                + self._field("film volume per charge")
                * (charge - self._field("film charge"))
                / pybamm.InputParameter("film area ratio"),
                "Loss of lithium to negative SEI [mol]": lost,
                "Loss of capacity to negative SEI [A.h]": lost * self.param.F / 3600,
            }
        )
        return variables

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Add the potential that the film sees and its current density."""
        potential = variables["Negative electrode surface potential difference [V]"]
        current = main_current(variables)
        if self._averaged:
            potential, current = pybamm.x_average(potential), pybamm.x_average(current)
        thickness = variables[FILM_THICKNESS]
        drop = current * thickness * self._field("film resistivity")
        share = pybamm.InputParameter("film drop share") / pybamm.InputParameter("film area ratio")
        behind = potential - share * drop
        inputs = [
            pybamm.InputParameter(name, expected_size=size)
            for name, size in self._form.inputs(self._nodes).items()
        ]
        rate = pybamm.Function(self._form.rate, behind, thickness, *inputs, name="film rate")
        rate = pybamm.InputParameter("film area ratio") * rate
        if self._averaged:
            rate = pybamm.PrimaryBroadcast(rate, ELECTRODE)
        variables[FILM_POTENTIAL] = behind
        variables.update(self._get_standard_reaction_variables(rate))
        variables.update(super().get_coupled_variables(variables))
        return variables

    def _field(self, name: str) -> Any:
        return on_nodes(name, averaged=self._averaged)

    def set_rhs(self, variables: dict[str, Any]) -> None:
        """Book the charge: one mole of lithium per mole of electrons."""
        lead = "X-averaged negative" if self._averaged else "Negative"
        current = variables[f"{lead} electrode SEI interfacial current density [A.m-2]"]
        area = variables[f"{lead} electrode surface area to volume ratio [m-1]"]
        self.rhs = {variables[self._booked_name]: -area * current / self.param.F}

    def set_initial_conditions(self, variables: dict[str, Any]) -> None:
        """Nothing is booked at the start."""
        self.initial_conditions = {variables[self._booked_name]: pybamm.Scalar(0.0)}


class ExternalThickness(pybamm.sei.BaseModel):
    """Film volume per geometric area [m]; takes the place of ``negative primary sei thickness``."""

    def __init__(self, param: Any, options: Any) -> None:
        super().__init__(param, "negative", options=options, phase="primary")
        self._averaged = options["x-average side reactions"] == "true"
        self.reaction_loc = "x-average" if self._averaged else "full electrode"

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Add PyBaMM's names for the thickness and the resistance."""
        # positive; the absolute value lets PyBaMM average what is made of inputs
        film = pybamm.AbsoluteValue(variables[FILM_THICKNESS])
        thickness = pybamm.InputParameter("film area ratio") * film
        if self._averaged:
            mean, local = thickness, pybamm.PrimaryBroadcast(thickness, ELECTRODE)
        else:
            mean, local = pybamm.x_average(thickness), thickness
        resistance = local * self.phase_param.R_sei
        variables.update(
            {
                "X-averaged negative electrode resistance [Ohm.m2]": pybamm.x_average(resistance),
                "Negative SEI thickness [m]": local,
                "X-averaged negative SEI thickness [m]": mean,
                "Volume-averaged negative SEI thickness [m]": pybamm.yz_average(mean),
            }
        )
        return variables


def main_current(variables: dict[str, Any]) -> Any:
    """Return the current density whose passage through the film makes its drop [A/m2].

    PyBaMM takes what is known when a film submodel is asked: the intercalation current density
    where that is a state's own expression (DFN), the average of the total where it is not (SPM).
    """
    name = "Negative electrode interfacial current density [A.m-2]"
    if name in variables:
        return variables[name]
    return variables["X-averaged negative electrode total interfacial current density [A.m-2]"]


def replace_film(model: Any, spec: CellSpec) -> None:
    """Put the external film into an unbuilt PyBaMM model."""
    averaged = model.options["x-average side reactions"] == "true"
    ratio = pybamm.InputParameter("film area ratio")
    phase = model.param.n.prim
    phase.z_sei = pybamm.Scalar(1.0)
    resistivity = pybamm.AbsoluteValue(on_nodes("film resistivity", averaged=averaged))
    if averaged:
        resistivity = pybamm.PrimaryBroadcast(resistivity, ELECTRODE)
    # PyBaMM's drop is j L R with its L = ratio * thickness; the film carries j/ratio
    phase.R_sei = resistivity / ratio**2
    model.submodels["negative primary sei"] = ExternalFilm(
        model.param, model.options, form_of(spec), 1 if averaged else spec.points.x_n
    )
    model.submodels["negative primary sei thickness"] = ExternalThickness(
        model.param, model.options
    )
