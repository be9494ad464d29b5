"""PyBaMM models with one control law and thresholds that are inputs: built once, used for years."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pybamm

from interphase.models.cell.bpx import read_bpx
from interphase.models.cell.external import (
    BOOKED,
    FILM_POTENTIAL,
    FILM_THICKNESS,
    main_current,
    replace_film,
)
from interphase.models.cell.inputs import THRESHOLDS
from interphase.models.cell.spec import CellSpec
from interphase.parameters.errors import CaseError, ParameterError, did_you_mean


@dataclass(frozen=True, slots=True)
class CellModel:
    """A PyBaMM model before discretisation, with its parameters.

    Attributes:
        model: the PyBaMM model.
        parameters: its ``pybamm.ParameterValues``.
        points: PyBaMM's ``var_pts``.
        external: whether the rate of the film comes from outside.
        averaged: whether the model has one film for the whole electrode.
    """

    model: Any
    parameters: Any
    points: dict[str, int]
    external: bool
    averaged: bool


class Drive(Protocol):
    """How a cell model is driven."""

    def options(self) -> dict[str, Any]:
        """Return the options of PyBaMM that it needs."""

    def complete(self, model: Any, values: Any) -> None:
        """Set events, inputs and variables of the built ``model`` and its parameter values."""


class AtTerminals:
    """By a control law at the terminals, with limits that are inputs."""

    def options(self) -> dict[str, Any]:
        """Return the options of PyBaMM that it needs."""
        return {"operating mode": control}

    def complete(self, model: Any, values: Any) -> None:
        """Replace PyBaMM's voltage limits by thresholds."""
        set_events(model, THRESHOLDS)


def build_model(spec: CellSpec, drive: Drive | None = None) -> CellModel:
    """Build the model whose film comes from outside, driven at its terminals if not otherwise.

    Raises:
        CaseError: if the parameter set, an override or an option is unknown to PyBaMM.
    """
    # any law will do: its submodels are replaced
    return _build(spec, "reaction limited", drive or AtTerminals(), external=True)


def built_in(spec: CellSpec, law: str, drive: Drive | None = None) -> CellModel:
    """Build the same model with PyBaMM's own film law ``law``, to compare with."""
    return _build(spec, law, drive or AtTerminals(), external=False)


def read_parameters(spec: CellSpec) -> Any:
    """Return ``pybamm.ParameterValues`` of a spec, with its overrides, temperature and charge.

    Raises:
        CaseError: if the set or file is missing or not of such a cell, or a name of ``override``
            is unknown.
    """
    if spec.parameters.endswith(".json"):
        values = read_bpx(Path(spec.parameters))
    else:
        names = list(pybamm.parameter_sets)
        if spec.parameters not in names:
            raise CaseError(
                f"PyBaMM has no set '{spec.parameters}'; {did_you_mean(spec.parameters, names)}",
                "cell.parameters",
            )
        values = pybamm.ParameterValues(spec.parameters)
    lacking = [name for name in _FULL_CELL if name not in values]
    if lacking:
        raise CaseError(
            f"'{spec.parameters}' is no lithium-ion cell with two electrodes of one material each: "
            f"it lacks '{lacking[0]}'",
            "cell.parameters",
        )
    for name, number in spec.override.items():
        if name not in values:
            raise CaseError(
                f"the set '{spec.parameters}' has no such name; "
                f"{did_you_mean(name, list(values.keys()))}",
                f"cell.override.{name}",
            )
        values.update({name: float(number)})
    values.update({"Initial temperature [K]": spec.temperature})
    values.update({"Ambient temperature [K]": spec.temperature})
    return values


_FULL_CELL: Final = (
    "Negative electrode OCP [V]",
    "Positive electrode OCP [V]",
    "Maximum concentration in negative electrode [mol.m-3]",
    "Negative electrode active material volume fraction",
)
"""What sets of half cells, composite electrodes, circuits and lead-acid cells lack."""


def _build(spec: CellSpec, law: str, drive: Drive, *, external: bool) -> CellModel:
    values = read_parameters(spec)
    options = {**spec.options, "SEI": law, **drive.options()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model = getattr(pybamm.lithium_ion, spec.kind)(options, build=False)
            if external:
                replace_film(model, spec)
            model.build_model()
    except (pybamm.OptionError, pybamm.ModelError, NotImplementedError) as error:
        raise CaseError(f"PyBaMM refuses: {_first_line(error)}", "cell.options") from error
    if not external:
        _name_film(model)
    if spec.initial_soc is not None:
        _set_charge(values, spec)
    values.update({"Ambient temperature [K]": "[input]"})
    if external:
        # also PyBaMM's reference of the pore space, hence per geometric area
        start = spec.film_thickness * pybamm.InputParameter("film area ratio")
        values.update({"Initial SEI thickness [m]": start}, check_already_exists=False)
        for name, number in FILM_DEFAULTS.items():
            if name not in values:
                values.update({name: number}, check_already_exists=False)
    drive.complete(model, values)
    points = spec.points
    mesh = {name: getattr(points, name) for name in ("x_n", "x_s", "x_p", "r_n", "r_p")}
    averaged = model.options["x-average side reactions"] == "true"
    return CellModel(model, values, mesh, external, averaged)


FILM_DEFAULTS: Final = {
    "SEI partial molar volume [m3.mol-1]": 9.585e-05,
    "Initial SEI on cracks thickness [m]": 0.0,
}
"""Names that PyBaMM wants to read for any film. The volume only scales a state here."""


def control(variables: dict[str, Any]) -> Any:
    """Return the residual of the control law: current, voltage or power equals a line in time."""
    current, voltage = variables["Current [A]"], variables["Voltage [V]"]
    weight = pybamm.InputParameter
    wanted = weight("control value") + weight("control slope") * pybamm.t
    return (
        weight("control current") * current
        + weight("control voltage") * voltage
        + weight("control power") * current * voltage
        - wanted
    )


def set_events(model: Any, names: Iterable[str]) -> None:
    """Replace PyBaMM's voltage limits by the thresholds ``names``, which are inputs."""
    voltage, current = model.variables["Voltage [V]"], model.variables["Current [A]"]
    threshold = {name: pybamm.InputParameter(f"threshold {name}") for name in THRESHOLDS}
    distance = {
        "voltage above": threshold["voltage above"] - voltage,
        "voltage below": voltage - threshold["voltage below"],
        "abs_current below": pybamm.AbsoluteValue(current) - threshold["abs_current below"],
        "current above": threshold["current above"] - current,
        "current below": current - threshold["current below"],
    }
    kept = [event for event in model.events if "voltage" not in event.name.lower()]
    # the suffix tells PyBaMM that stepping may go on after the event
    model.events = kept + [pybamm.Event(f"{name} [experiment]", distance[name]) for name in names]


def _name_film(model: Any) -> None:
    """Give PyBaMM's own film the names by which the driver reads a film."""
    variables, phase = model.variables, model.param.n.prim
    thickness = variables["Negative SEI thickness [m]"]
    drop = main_current(variables) * thickness * phase.R_sei
    behind = variables["Negative electrode surface potential difference [V]"] - drop
    area = variables["Negative electrode surface area to volume ratio [m-1]"]
    grown = variables["Negative SEI concentration [mol.m-3]"]
    grown = grown - phase.L_sei_0 * phase.a_typ / phase.V_bar_sei
    booked = model.param.F * phase.z_sei * grown / area
    named = {FILM_POTENTIAL: behind, BOOKED: booked, FILM_THICKNESS: thickness}
    if model.options["x-average side reactions"] == "true":
        named = {name: pybamm.x_average(value) for name, value in named.items()}
    variables.update(named)


def _set_charge(values: Any, spec: CellSpec) -> None:
    try:
        values.set_initial_state(spec.initial_soc)
    except (ValueError, KeyError, pybamm.SolverError) as error:
        raise CaseError(
            f"PyBaMM cannot set the state of charge: {_first_line(error)}", "cell.initial_soc"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def missing_parameter(error: KeyError, spec: CellSpec) -> ParameterError:
    """Return what to say when a set lacks a parameter that an option needs."""
    return ParameterError(
        f"the set '{spec.parameters}' lacks {_first_line(error)}; add it to cell.override"
    )
