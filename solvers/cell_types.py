"""What goes into a cell model step by step, and what comes out: numpy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from interphase.models.cell.response import FilmInputs
from interphase.parameters.errors import CaseError, CouplingError

type Array = NDArray[np.float64]


class IntegrationError(CouplingError):
    """The cell model could not be integrated with this film: a shorter exchange may help."""


class TableWindowError(CouplingError):
    """A node left the potentials of its response table. The cell is back before the step.

    Attributes:
        lowest: lowest potential met at each node [V].
        highest: highest potential met at each node [V].
    """

    def __init__(self, message: str, lowest: Array, highest: Array) -> None:
        super().__init__(message)
        self.lowest = lowest
        self.highest = highest

    def __reduce__(self) -> tuple[type["TableWindowError"], tuple[str, Array, Array]]:
        """Keep the potentials when the error is sent to another process."""
        return type(self), (str(self), self.lowest, self.highest)


class CellLimitError(CouplingError):
    """The cell model is at a limit of its own, such as closed pores or an empty particle."""


@dataclass(frozen=True, slots=True)
class Termination:
    """A limit that ends a step.

    Attributes:
        quantity: cell voltage [V], current [A], or its size.
        side: on which side of the value the step ends.
        value: the limit [V] or [A].
    """

    quantity: Literal["voltage", "current", "abs_current"]
    side: Literal["above", "below"]
    value: float

    def __post_init__(self) -> None:
        if self.quantity == "abs_current" and self.side == "above":
            raise CaseError("a step can end when the size of the current falls, not when it rises")

    @property
    def threshold(self) -> str:
        """Name of the threshold in the model."""
        return f"{self.quantity} {self.side}"

    def violated_by(self, voltage: float, current: float) -> bool:
        """Whether the limit is passed, not only reached."""
        seen = {"voltage": voltage, "current": current, "abs_current": abs(current)}
        excess = seen[self.quantity] - self.value
        return (excess if self.side == "above" else -excess) > 1e-9 * max(1.0, abs(self.value))

    def __str__(self) -> str:
        unit = "V" if self.quantity == "voltage" else "A"
        return f"{self.quantity.replace('_', ' ')} {self.side} {self.value:.6g} {unit}"


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A current, voltage or power that is linear between points.

    Attributes:
        times: rising from 0 [s], shape (m,).
        values: [A], [V] or [W], discharge positive, shape (m,).
    """

    times: Array
    values: Array

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.times.shape != self.values.shape or self.times.size < 2:
            raise CaseError("a profile needs as many values as times, at least two")
        if self.times[0] != 0.0 or not np.all(np.diff(self.times) > 0.0):
            raise CaseError("the times of a profile must rise from 0")
        if not (np.all(np.isfinite(self.times)) and np.all(np.isfinite(self.values))):
            raise CaseError("a profile holds a number that is not finite")


@dataclass(frozen=True, slots=True)
class ControlStep:
    """One step of a program: what is controlled, for how long, and what ends it early.

    Attributes:
        mode: the controlled quantity.
        value: its value [A], [V] or [W]; discharge is positive.
        duration: longest time [s].
        terminations: limits that end the step.
        profile: replaces ``value``; its end ends the step.
        temperature: ambient temperature [K]; None keeps that of the cell.
        name: the user's words, for messages.
        guard: whether reaching ``duration`` is an error, since a limit was to end the step.
        may_skip: whether a limit that is passed at the start skips the step, as a hold whose
            current is already below its cut-off; otherwise it is an error.
    """

    mode: Literal["current", "voltage", "power"]
    value: float
    duration: float
    terminations: tuple[Termination, ...] = ()
    profile: Profile | None = None
    temperature: float | None = None
    name: str = ""
    guard: bool = False
    may_skip: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.duration) and self.duration > 0.0):
            raise CaseError(f"'{self.label}': duration must be positive, got {self.duration} s")
        if not np.isfinite(self.value):
            raise CaseError(f"'{self.label}': the value is not finite")

    @classmethod
    def rest(cls, duration: float, temperature: float | None = None) -> "ControlStep":
        """Open circuit for a time [s]."""
        return cls("current", 0.0, duration, temperature=temperature, name="rest")

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.name or f"{self.mode} {self.value:.6g}"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """What the films of a cell saw during one control step; n times, k nodes.

    Attributes:
        times: since the start of the step [s], shape (n,); the first is 0.
        film_potential: what the response is a function of [V], shape (n, k).
        surface_potential: solid against liquid [V], shape (n, k).
        intercalation: intercalation current density per geometric area, positive while lithium
            leaves the particle [A/m2], shape (n, k).
        concentration: salt in the electrolyte [mol/m3], shape (n, k).
        charge: booked film charge per geometric area since the start [C/m2], shape (n, k).
        thickness: of the film on its own area [m], shape (n, k).
        temperature: of the negative electrode [K], shape (n,).
        voltage: of the cell [V], shape (n,).
        current: of the cell, discharge positive [A], shape (n,).
        termination: what ended the step: "duration" or the limit.
        throughput: charge passed in either direction [A h].
        own_limit: whether a limit of the model itself ended the step, such as closed pores or an
            empty particle; the cell cannot go on as it did.
        skipped: whether a limit was already passed, so that nothing was done.
    """

    times: Array
    film_potential: Array
    surface_potential: Array
    intercalation: Array
    concentration: Array
    charge: Array
    thickness: Array
    temperature: Array
    voltage: Array
    current: Array
    termination: str
    throughput: float
    own_limit: bool = False
    skipped: bool = False

    @property
    def duration(self) -> float:
        """Time that passed [s]."""
        return float(self.times[-1])

    @property
    def lowest_potential(self) -> Array:
        """Lowest film potential of each node [V], shape (k,)."""
        return np.asarray(self.film_potential.min(axis=0), dtype=np.float64)

    @property
    def highest_potential(self) -> Array:
        """Highest film potential of each node [V], shape (k,)."""
        return np.asarray(self.film_potential.max(axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CellState:
    """All that a cell needs to go on from here; holds arrays and numbers only, so it pickles.

    Attributes:
        states: state vector of the model.
        time: since the start [s].
        throughput: charge passed in either direction since the start [A h].
        temperature: ambient temperature [K].
        film: inputs of the film by name; empty before the first exchange.
        windows: lowest and highest potential of a table, shape (2, k), or None.
        groups: for each row of ``states``, (rows,), the group of films that it belongs to, of a
            cell whose rows (places) are jumped over cycles differently; None: all alike.
    """

    states: Array
    time: float
    throughput: float
    temperature: float
    film: Mapping[str, Array]
    windows: Array | None
    groups: NDArray[np.intp] | None = None


class CellStepper(Protocol):
    """A cell that is driven step by step while its films are advanced elsewhere."""

    @property
    def nodes(self) -> int:
        """Number of films."""

    @property
    def positions(self) -> Array:
        """Distance of the films from the current collector of their electrode [m], (nodes,)."""

    @property
    def area(self) -> Array:
        """Geometric reaction area of each node [m2], (nodes,)."""

    @property
    def nominal_capacity(self) -> float:
        """Capacity on the label [A h]."""

    @property
    def time(self) -> float:
        """Time since the start [s]."""

    @property
    def throughput(self) -> float:
        """Charge passed in either direction since the start [A h]."""

    @property
    def charge(self) -> Array:
        """Booked film charge per geometric area [C/m2], (nodes,)."""

    @property
    def thickness(self) -> Array:
        """Thickness on the film-carrying area [m], (nodes,)."""

    @property
    def film_potential(self) -> Array:
        """Potential that the response is a function of [V], (nodes,)."""

    @property
    def voltage(self) -> float:
        """Cell voltage [V]."""

    @property
    def lost_lithium(self) -> float:
        """Lithium taken by the films since the start [mol]."""

    def set_film(self, film: FilmInputs) -> None:
        """Take the answer of the films, valid from now on."""

    def run(self, step: ControlStep) -> Segment:
        """Run one step to its end."""

    def state(self) -> CellState:
        """Return a snapshot."""

    def restore(self, state: CellState) -> None:
        """Go back to a snapshot."""
