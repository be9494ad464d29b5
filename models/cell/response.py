"""The answer of a film to the potential, as a cell model takes it: three forms, and the rest.

A rate j [A/m2 of film-carrying area] is the density of the electron current that makes film: it is
negative while the film takes lithium (PyBaMM's convention), and may be zero or change sign. Its
potential U [V] is that of the solid against the liquid, without the drop over the film when the
film is so described. Arrays have one entry per node of the negative electrode, ``(n,)``, or one per
node and knot, ``(n, m)``; a single number or row stands for all nodes.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interphase.parameters.errors import CouplingError

type Array = NDArray[np.float64]
type Inputs = dict[str, Array]

NO_RATE: Final = 1e-300
"""Stands for a rate of zero under a logarithm [A/m2]."""

LEAST_SCALE: Final = 1e-12
"""Smallest scale of a table against its largest rate [-]: rates below it count as zero."""


class Response(Protocol):
    """How the rate of a film follows potential and thickness between two exchanges."""

    form: ClassVar[str]

    def pack(self, nodes: int) -> Inputs:
        """Return the inputs of the cell model by name; matrices (nodes, m) column by column."""

    def rate(self, potential: ArrayLike, thickness: ArrayLike) -> Array:
        """Return the rate [A/m2] that the cell model will use, shape ``(n,)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A rate that does not change until the next exchange. For tests of the coupling only.

    Attributes:
        held: rate [A/m2], shape (n,).
    """

    form: ClassVar[str] = "held"
    held: ArrayLike

    def pack(self, nodes: int) -> Inputs:
        """Return the inputs of the cell model."""
        return {"film rate": on_nodes(self.held, nodes, "rate")}

    def rate(self, potential: ArrayLike, thickness: ArrayLike) -> Array:
        """Return the rate [A/m2]."""
        shape = np.broadcast_shapes(np.shape(potential), np.shape(thickness), np.shape(self.held))
        return np.broadcast_to(np.asarray(self.held, dtype=np.float64), shape).copy()


@dataclass(frozen=True, slots=True, eq=False)
class LogAffine:
    """A rate whose logarithm is linear in potential and in the logarithm of the thickness.

    j = j_ref exp(slope (U_ref - U)) (L_ref / L)^exponent

    Good for storage, where the potential moves slowly and little.

    Attributes:
        reference_rate: j_ref [A/m2], shape (n,); its sign stays.
        potential: U_ref [V], shape (n,).
        thickness: L_ref [m], shape (n,).
        slope: -dln|j|/dU [1/V], shape (n,).
        exponent: -dln|j|/dlnL [-], shape (n,).
    """

    form: ClassVar[str] = "log_affine"
    reference_rate: ArrayLike
    potential: ArrayLike
    thickness: ArrayLike
    slope: ArrayLike
    exponent: ArrayLike

    def pack(self, nodes: int) -> Inputs:
        """Return the inputs of the cell model."""
        rate = on_nodes(self.reference_rate, nodes, "rate")
        return {
            "film rate sign": np.sign(rate),
            "film rate logarithm": np.log(np.maximum(np.abs(rate), NO_RATE)),
            "film rate potential": on_nodes(self.potential, nodes, "potential"),
            "film rate thickness": _positive(self.thickness, nodes, "thickness"),
            "film rate slope": on_nodes(self.slope, nodes, "slope"),
            "film rate exponent": on_nodes(self.exponent, nodes, "exponent"),
        }

    def rate(self, potential: ArrayLike, thickness: ArrayLike) -> Array:
        """Return the rate [A/m2]."""
        shift = np.asarray(self.slope) * (np.asarray(self.potential) - np.asarray(potential))
        ratio = np.asarray(self.thickness) / np.asarray(thickness)
        return np.asarray(self.reference_rate) * np.exp(shift) * ratio ** np.asarray(self.exponent)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTable:
    """Signed rates at a few potentials, for a film in its present state.

    j = scale sinh(f(U)) (L_ref / L)^s(U),   f and s piecewise linear between the knots

    f tabulates asinh(j/scale): a logarithm with a sign where the rate is much larger than the
    scale, and a straight line through zero where it is not. Beyond the first and last knot both
    stay flat; the driver of the cell refuses a step that went there.

    Attributes:
        knots: potentials, rising [V], shape (m,) or (n, m).
        rates: rates at the knots [A/m2], shape (m,) or (n, m).
        exponents: s = -dln|j|/dlnL at the knots [-], shape (m,) or (n, m).
        thickness: L_ref, the thickness of the state [m], shape (n,).
        scale: rate below which the table is linear [A/m2], shape (n,); None takes a thousandth of
            the smallest rate that is not zero, no less than `LEAST_SCALE` of the largest.
    """

    form: ClassVar[str] = "table"
    knots: ArrayLike
    rates: ArrayLike
    exponents: ArrayLike
    thickness: ArrayLike
    scale: ArrayLike | None = None

    def pack(self, nodes: int) -> Inputs:
        """Return the inputs of the cell model.

        Raises:
            CouplingError: if shapes do not fit, knots do not rise or a number is not finite.
        """
        knots, values, exponents, scale = self._columns(nodes)
        return {
            "film table value": values[:, 0],
            "film table exponent": exponents[:, 0],
            "film table scale": scale,
            "film table thickness": _positive(self.thickness, nodes, "thickness"),
            "film table knots": knots.ravel(order="F"),
            "film table bends": _bends(knots, values).ravel(order="F"),
            "film table turns": _bends(knots, exponents).ravel(order="F"),
        }

    def rate(self, potential: ArrayLike, thickness: ArrayLike) -> Array:
        """Return the rate [A/m2], shape (n,)."""
        tables = max(np.shape(a)[0] if np.ndim(a) == 2 else 1 for a in self._tables())
        nodes = max(tables, np.size(potential), np.size(thickness), np.size(self.thickness))
        one = self.scale is None or np.size(self.scale) == 1
        knots, values, exponents, scale = self._columns(tables if one else nodes)
        where = on_nodes(potential, nodes, "potential")
        ratio = on_nodes(self.thickness, nodes, "thickness") / on_nodes(thickness, nodes, "L")
        if len(knots) == 1:
            value = np.interp(where, knots[0], values[0])
            exponent = np.interp(where, knots[0], exponents[0])
        else:
            rows = range(nodes)
            value = np.array([np.interp(where[i], knots[i], values[i]) for i in rows])
            exponent = np.array([np.interp(where[i], knots[i], exponents[i]) for i in rows])
        return np.asarray(scale * np.sinh(value) * ratio**exponent)

    def window(self, nodes: int) -> tuple[Array, Array]:
        """Return lowest and highest potential of the table [V], each of shape ``(nodes,)``."""
        knots = _rows(self.knots, nodes, "knots")
        return knots[:, 0].copy(), knots[:, -1].copy()

    def _tables(self) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
        return self.knots, self.rates, self.exponents

    def _columns(self, nodes: int) -> tuple[Array, Array, Array, Array]:
        """Return knots, asinh(j/scale), exponents, each (nodes, m), and the scale (nodes,)."""
        knots = _rows(self.knots, nodes, "knots")
        rates = _rows(self.rates, nodes, "rates")
        exponents = _rows(self.exponents, nodes, "exponents")
        if not knots.shape == rates.shape == exponents.shape:
            raise CouplingError(
                f"a response table has {knots.shape[1]} knots, {rates.shape[1]} rates and "
                f"{exponents.shape[1]} exponents; give as many of each"
            )
        if not np.all(np.diff(knots, axis=1) > 0.0):
            raise CouplingError("the potentials of a response table must rise from knot to knot")
        if self.scale is None:
            scale = _own_scale(rates)
        else:
            scale = _positive(self.scale, nodes, "scale")
        return knots, np.arcsinh(rates / scale[:, None]), exponents, scale


@dataclass(frozen=True, slots=True, eq=False)
class FilmInputs:
    """All that a cell model takes from the films of its nodes at an exchange.

    Attributes:
        response: the rate of the film on the film-carrying area.
        thickness: thickness on the film-carrying area when ``charge`` was booked [m], shape (n,).
        charge: charge that the node had taken then [C per m2 of geometric area], shape (n,).
        resistivity: of the film for lithium ions [ohm m], shape (n,).
        volume_per_charge: film volume that a coulomb makes [m3/C], shape (n,); between two
            exchanges the thickness of the cell grows by it.
        area_ratio: film-carrying area over the geometric area of the particles [-], for example
            BET over geometric.
        drop_share: 1 when the response is that to the potential behind the drop over the film,
            0 when it is that to the full potential between solid and liquid.
        activation: how rates follow the temperature, j ~ exp(-activation/T) [K], shape (n, m) or
            one number; for cells that differ in temperature from place to place, not packed.
    """

    response: Response
    thickness: ArrayLike
    charge: ArrayLike
    resistivity: ArrayLike
    volume_per_charge: ArrayLike
    area_ratio: float = 1.0
    drop_share: float = 1.0
    activation: ArrayLike = 0.0

    def pack(self, nodes: int) -> Inputs:
        """Return the inputs of the cell model, flat."""
        if not self.area_ratio > 0.0:
            raise CouplingError(f"area_ratio must be positive, got {self.area_ratio}")
        return {
            **self.response.pack(nodes),
            "film thickness": _positive(self.thickness, nodes, "thickness"),
            "film charge": on_nodes(self.charge, nodes, "charge"),
            "film resistivity": on_nodes(self.resistivity, nodes, "resistivity"),
            "film volume per charge": on_nodes(self.volume_per_charge, nodes, "volume_per_charge"),
            "film area ratio": np.array([self.area_ratio]),
            "film drop share": np.array([self.drop_share]),
        }


def graded_knots(lowest: float, highest: float, count: int) -> Array:
    """Return knots [V] that are dense at low potential, where films grow; shape (count,).

    The distance of neighbours rises linearly from the lowest knot.
    """
    return lowest + (highest - lowest) * np.linspace(0.0, 1.0, count) ** 2


def on_nodes(values: ArrayLike, nodes: int, name: str) -> Array:
    """Return ``values`` as ``(nodes,)``, or refuse them by their name."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, nodes):
        raise CouplingError(f"{name} of the film has shape {array.shape}; the cell has {nodes}")
    if not np.all(np.isfinite(array)):
        raise CouplingError(f"{name} of the film is not finite: {array}")
    return np.broadcast_to(array.reshape(-1), (nodes,)).copy()


def _positive(values: ArrayLike, nodes: int, name: str) -> Array:
    array = on_nodes(values, nodes, name)
    if not np.all(array > 0.0):
        raise CouplingError(f"{name} of the film must be positive, got {array.min()}")
    return array


def _rows(values: ArrayLike, nodes: int, name: str) -> Array:
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if array.ndim != 2 or array.shape[0] not in (1, nodes) or array.shape[1] < 2:
        raise CouplingError(
            f"{name} of a response table has shape {array.shape}; ({nodes}, knots) is wanted"
        )
    if not np.all(np.isfinite(array)):
        raise CouplingError(f"{name} of a response table are not finite")
    return np.broadcast_to(array, (nodes, array.shape[1]))


def _own_scale(rates: Array) -> Array:
    size: np.ndarray[Any, np.dtype[np.float64]] = np.abs(rates)
    largest = size.max(axis=1)
    largest = np.where(largest > 0.0, largest, 1.0)
    smallest = np.where(size > 0.0, size, np.inf).min(axis=1)
    smallest = np.where(np.isfinite(smallest), smallest, largest)
    return np.asarray(np.maximum(1e-3 * smallest, LEAST_SCALE * largest), dtype=np.float64)


def _bends(knots: Array, values: Array) -> Array:
    """Return the change of slope at each knot [1/V], so that the curve is flat beyond both ends.

    value(U) = value(knot 0) + sum over k of bend_k max(U - knot_k, 0)
    """
    slopes = np.diff(values, axis=1) / np.diff(knots, axis=1)
    none = np.zeros((values.shape[0], 1))
    return np.diff(np.hstack([none, slopes, none]), axis=1)
