"""Heat in a cell: conduction along and across layers, and how its faces are cooled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import ufl

from interphase.parameters.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Material:
    """What a region conducts and stores.

    Attributes:
        along: heat conductivity along the layers [W/m/K].
        across: heat conductivity across the layers [W/m/K].
        heat_capacity: per volume [J/m3/K].
        electric: conductivity of a solid conductor, such as a tab [S/m]; 0 for an insulator.
    """

    along: float
    across: float
    heat_capacity: float
    electric: float = 0.0

    def __post_init__(self) -> None:
        for name in ("along", "across", "heat_capacity"):
            value = getattr(self, name)
            if not (value > 0.0 and math.isfinite(value)):
                raise ParameterError(f"{name} of a material must be positive, got {value}")
        if self.electric < 0.0:
            raise ParameterError(f"electric conductivity must not be negative, got {self.electric}")

    @classmethod
    def solid(cls, conductivity: float, heat_capacity: float, electric: float = 0.0) -> Material:
        """Return a material that conducts alike in all directions."""
        return cls(conductivity, conductivity, heat_capacity, electric)


def layered_tensor(along: Any, across: Any, normal: Any) -> Any:
    """Return the tensor of layers with the unit vector ``normal`` across them, as UFL."""
    across_part = ufl.outer(normal, normal)
    return along * (ufl.Identity(3) - across_part) + across * across_part


class Cooling(Protocol):
    """How heat leaves through a face: flux = h (T - T_out), or T = T_out where h is infinite."""

    @property
    def coefficient(self) -> float:
        """H [W/m2/K]; infinite for a face that is held at a temperature."""
        ...

    @property
    def outside(self) -> float:
        """T_out [K]."""
        ...


@dataclass(frozen=True, slots=True)
class Convection:
    """Air or liquid that flows past, behind a contact resistance in series.

    Attributes:
        transfer: heat transfer coefficient [W/m2/K].
        outside: temperature far away [K].
        contact: resistance between the face and what is cooled, such as a pad [K m2/W].
    """

    transfer: float
    outside: float
    contact: float = 0.0

    def __post_init__(self) -> None:
        if self.transfer < 0.0 or self.contact < 0.0:
            raise ParameterError("cooling and contact resistance must not be negative")

    @property
    def coefficient(self) -> float:
        """Coefficient of both in series [W/m2/K]."""
        return 0.0 if self.transfer == 0.0 else 1.0 / (1.0 / self.transfer + self.contact)


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate of given temperature behind a contact resistance.

    Attributes:
        outside: temperature of the plate [K].
        contact: resistance between face and plate [K m2/W].
    """

    outside: float
    contact: float

    def __post_init__(self) -> None:
        if not self.contact > 0.0:
            raise ParameterError("a plate's contact resistance must be positive")

    @property
    def coefficient(self) -> float:
        """Coefficient of the contact [W/m2/K]."""
        return 1.0 / self.contact


@dataclass(frozen=True, slots=True)
class Held:
    """A face that is held at a temperature.

    Attributes:
        outside: the temperature [K].
    """

    outside: float

    @property
    def coefficient(self) -> float:
        """Infinite."""
        return math.inf
