"""The cell model of one place of a large cell: driven by current density and temperature.

Voltage and heat come out. The model is isothermal within a step, since the heat equation of the
whole cell is solved elsewhere, and it has no current collectors.
"""

from typing import Any, Final

import pybamm

from interphase.models.cell.model import CellModel, build_model, built_in, set_events
from interphase.models.cell.spec import CellSpec
from interphase.parameters.errors import CaseError

CURRENT_DENSITY: Final = "place current density"
"""Input: current density of the electrode pair, discharge positive [A/m2]."""

LIMITS: Final = ("voltage above", "voltage below")
"""Thresholds of a place, by their names in `interphase.models.cell.inputs.THRESHOLDS`."""

REVERSIBLE: Final = "Place reversible heat [W.m-3]"
IRREVERSIBLE: Final = "Place irreversible heat [W.m-3]"
OHMIC: Final = "Place Ohmic heat [W.m-3]"
"""Heat per volume of both electrodes and the separator."""


class AtPlace:
    """By the current density of an electrode pair and its temperature."""

    def options(self) -> dict[str, Any]:
        """Return the options of PyBaMM that it needs."""
        return {
            "operating mode": "current",
            "thermal": "isothermal",
            "calculate heat source for isothermal models": "true",
        }

    def complete(self, model: Any, values: Any) -> None:
        """Let the current density be an input, and name the heat."""
        face = float(values["Electrode width [m]"]) * float(values["Electrode height [m]"])
        pairs = float(values["Number of electrodes connected in parallel to make a cell"])
        current = pybamm.InputParameter(CURRENT_DENSITY) * (face * pairs)
        values.update({"Current function [A]": current})
        set_events(model, LIMITS)
        model.variables.update(_heat(model.variables))


def build_place(spec: CellSpec, law: str | None = None) -> CellModel:
    """Build the model of a place.

    Args:
        spec: what the electrode pair is made of; its temperature is where the place starts.
        law: name of one of PyBaMM's own film laws, to compare with; None: the film comes from
            outside.

    Raises:
        CaseError: if PyBaMM does not know an option or parameter, or an option asks for another
            thermal model or for a contact resistance.
    """
    if spec.options.get("thermal", "isothermal") != "isothermal":
        raise CaseError(
            "the temperature of a place comes from the heat equation of the whole cell; remove it",
            "cell.options.thermal",
        )
    if spec.options.get("contact resistance", "false") != "false":
        # PyBaMM's isothermal models set none of its heat free.
        raise CaseError(
            "is that of the terminals, which a place has not: write drive.contact_resistance",
            "cell.options.contact resistance",
        )
    return build_model(spec, AtPlace()) if law is None else built_in(spec, law, AtPlace())


def _heat(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the heat per volume of the electrode pair by its kind.

    PyBaMM leaves out the film: its overpotential is part of what the reaction does not get, so that
    current times film drop is heat as well. Hysteresis and mixing count as irreversible.
    """
    ohmic, reversible, total = (
        pybamm.x_average(variables[f"{name} [W.m-3]"])
        for name in ("Ohmic heating", "Reversible heating", "Total heating")
    )
    current = variables["Negative electrode volumetric interfacial current density [A.m-3]"]
    drop = variables["Negative electrode SEI film overpotential [V]"]
    share = pybamm.geometric_parameters.n.L / pybamm.geometric_parameters.L_x
    film = -share * pybamm.x_average(current * drop)
    return {OHMIC: ohmic, REVERSIBLE: reversible, IRREVERSIBLE: total - ohmic - reversible + film}
