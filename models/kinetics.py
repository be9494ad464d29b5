"""Rates of charge transfer: how a rate follows the overpotential, and the second law.

Every law is scaled so that its factor is 1 at zero overpotential and, for small ones, falls as
``exp(-alpha F eta / R T)``: the rate constant then means the same in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy.special import logsumexp

from interphase.models.interpolation import Array
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import ParameterError

# Exponents are bent to this bound; exp(60) times any rate constant is still a finite rate.
_BOUND = 60.0


def bounded(exponent: Array) -> Array:
    """Return the exponent [-], smoothly bounded to +-60 and exact to 1e-8 within +-20.

    Butler-Volmer with an unbounded exponent overflows in a Newton step far from the solution.
    """
    x = np.asarray(exponent, dtype=np.float64) / _BOUND
    # Algebraic bend of high order: smooth, and the identity to round-off where rates matter.
    big = np.maximum(np.abs(x), 1.0)
    scaled = np.abs(x) / big
    return np.asarray(_BOUND * x / (big * (scaled**16 + big**-16.0) ** (1.0 / 16.0)))


class InterfaceKinetics(Protocol):
    """How the rate of a one-electron reduction step follows the overpotential."""

    def log_factor(self, overpotential: Array, alpha: Array, temperature: float) -> Array:
        """Return ln(rate / rate at zero overpotential), overpotential in V, negative = driving."""
        ...


@dataclass(frozen=True, slots=True)
class ButlerVolmer:
    """Cathodic Butler-Volmer (Tafel) factor, exp(-alpha F eta / R T).

    The transfer coefficient multiplies one electron, the rate-determining one, whatever the number
    of electrons of the whole reaction.

    Source: Newman & Balsara, Electrochemical Systems, 4th ed. (2021), ch. 8.
    """

    def log_factor(self, overpotential: Array, alpha: Array, temperature: float) -> Array:
        """Return ln of the factor; see the class."""
        return bounded(-alpha * FARADAY * overpotential / (GAS_CONSTANT * temperature))


@dataclass(frozen=True, slots=True)
class Marcus:
    """Marcus factor, exp(-[(lambda + F eta)^2 - lambda^2] / (4 lambda R T)).

    Attributes:
        reorganisation_energy: lambda [J/mol].

    Source: Marcus, Rev. Mod. Phys. 65, 599 (1993).
    """

    reorganisation_energy: float

    def __post_init__(self) -> None:
        """Refuse a reorganisation energy that is not positive."""
        if not self.reorganisation_energy > 0.0:
            raise ParameterError(
                f"reorganisation_energy must be positive, got {self.reorganisation_energy}"
            )

    def log_factor(self, overpotential: Array, alpha: Array, temperature: float) -> Array:
        """Return ln of the factor; ``alpha`` is implied by the law (1/2 at zero overpotential)."""
        x = FARADAY * np.asarray(overpotential)
        exponent = -(2.0 * x + x**2 / self.reorganisation_energy) / (
            4.0 * GAS_CONSTANT * temperature
        )
        return bounded(exponent)


@dataclass(frozen=True)
class MarcusHushChidsey:
    """Marcus-Hush-Chidsey factor: Marcus rates summed over the electrode's Fermi function.

    With lambda and eta in units of RT: k ~ integral of exp[-(x - lambda - eta)^2 / 4 lambda] / (1 +
    exp x) dx.
    The integral is tabulated once. The usual closed form, relative to eta = 0, is up to 16, 6, 12
    and 38 % off at lambda = 5, 10, 20 and 58 RT (1.5 eV is 58 RT).

    Source: Chidsey, Science 251, 919 (1991), eq. 3.

    Attributes:
        reorganisation_energy: lambda [J/mol].
    """

    reorganisation_energy: float

    def __post_init__(self) -> None:
        """Refuse a reorganisation energy that is not positive."""
        if not self.reorganisation_energy > 0.0:
            raise ParameterError(
                f"reorganisation_energy must be positive, got {self.reorganisation_energy}"
            )

    def log_factor(self, overpotential: Array, alpha: Array, temperature: float) -> Array:
        """Return ln of the factor; ``alpha`` is implied by the law."""
        thermal = GAS_CONSTANT * temperature
        eta, table = _mhc_table(self.reorganisation_energy / thermal)
        return bounded(
            np.interp(FARADAY * np.asarray(overpotential, dtype=np.float64) / thermal, eta, table)
        )


@lru_cache(maxsize=16)
def _mhc_table(lam: float) -> tuple[Array, Array]:
    """Return (eta, ln of the integral relative to eta = 0) for lambda in units of RT."""
    eta = np.linspace(-120.0, 120.0, 2401)
    x = np.linspace(-160.0 - lam, 160.0 + lam, 4001)
    fermi = -np.logaddexp(0.0, x)
    log = np.array([logsumexp(fermi - (x - lam - e) ** 2 / (4.0 * lam)) for e in eta])
    return eta, log - log[eta.size // 2]


def de_donder(affinity: Array) -> Array:
    """Return the net over the forward rate, 1 - exp(-A/RT), for the affinity in units of RT.

    It gives every reaction the sign of its affinity, so none can run against the second law.

    Source: Prigogine & Defay, Chemical Thermodynamics (1954), ch. 4.
    """
    return np.asarray(-np.expm1(bounded(-np.asarray(affinity))))
