"""The layers of a cell as a PyBaMM parameter set has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interphase.models.cell.model import read_parameters
from interphase.models.cell.spec import CellSpec
from interphase.models.collectors import CellLayers, Layer
from interphase.parameters.errors import CaseError


def cell_layers(spec: CellSpec, foil_share: float = 0.5) -> CellLayers:
    """Return the layers, the capacity per area and the voltage limits of a parameter set.

    Args:
        spec: what the cell is made of.
        foil_share: part of a foil's thickness that belongs to one pair [-].

    Raises:
        CaseError: the set lacks a number of the collectors, or one is no plain number.
    """
    values = read_parameters(spec)

    def number(name: str) -> float:
        if name not in values:
            raise CaseError(
                f"the set '{spec.parameters}' lacks '{name}', which a cell in three dimensions "
                "needs; choose a set with collectors (OKane2022, Chen2020, Marquis2019)",
                "cell.parameters",
            )
        return _number(values, name, spec.temperature)

    face = number("Electrode width [m]") * number("Electrode height [m]")
    parallel = number("Number of electrodes connected in parallel to make a cell")
    return CellLayers(
        negative=_layer(number, "Negative electrode"),
        separator=_layer(number, "Separator"),
        positive=_layer(number, "Positive electrode"),
        negative_foil=_layer(number, "Negative current collector"),
        positive_foil=_layer(number, "Positive current collector"),
        negative_conductivity=number("Negative current collector conductivity [S.m-1]"),
        positive_conductivity=number("Positive current collector conductivity [S.m-1]"),
        capacity=3600.0 * number("Nominal cell capacity [A.h]") / (face * parallel),
        cut_offs=(number("Lower voltage cut-off [V]"), number("Upper voltage cut-off [V]")),
        foil_share=foil_share,
    )


def _layer(number: Callable[[str], float], name: str) -> Layer:
    return Layer(
        number(f"{name} thickness [m]"),
        number(f"{name} thermal conductivity [W.m-1.K-1]"),
        number(f"{name} density [kg.m-3]") * number(f"{name} specific heat capacity [J.kg-1.K-1]"),
    )


def _number(values: Any, name: str, temperature: float) -> float:
    """Return a number of the set; a function of temperature is taken at the start's."""
    value = values[name]
    if callable(value):
        import pybamm

        value = values.evaluate(value(pybamm.Scalar(temperature)))
    return float(value)
