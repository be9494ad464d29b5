"""PyBaMM's laws of film growth as plain functions, to put in the place of a film.

With them the coupling is checked: a cell whose film is one of these, exchanged now and then, must
age as PyBaMM's own model does. The rate is that of the electron current, negative; the potential is
that behind the drop over the film where ``behind_drop`` is true, else solid against liquid.

Sources: PyBaMM 26.10, `sei_growth.py`, which follows S. G. Marquis, DPhil thesis, University of
Oxford (2020), section 5.6.4, eqs. 5.91-5.96, and for ethylene carbonate X.-G. Yang, Y. Leng,
G. Zhang, S. Ge, C.-Y. Wang, J. Power Sources 360, 28 (2017), eqs. 10 and 11.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interphase.models.cell.response import LogAffine, ResponseTable
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import ParameterError, did_you_mean

type Array = NDArray[np.float64]

HALF: Final = 0.5
"""Transfer coefficient of PyBaMM's reaction laws [-]."""


@dataclass(frozen=True, slots=True)
class FilmLaw(ABC):
    """A rate that depends on potential, thickness and temperature only.

    Attributes:
        activation_energy: of the rate [J/mol].
        reference_temperature: where the other numbers hold [K].
    """

    behind_drop: ClassVar[bool] = True
    activation_energy: float
    reference_temperature: float

    def rate(self, potential: ArrayLike, thickness: ArrayLike, temperature: float) -> Array:
        """Return the rate [A/m2], negative while film grows; arguments [V], [m], [K]."""
        inverse = 1.0 / self.reference_temperature - 1.0 / temperature
        arrhenius = np.exp(self.activation_energy / GAS_CONSTANT * inverse)
        return np.asarray(
            arrhenius * self._rate(np.asarray(potential), np.asarray(thickness), temperature)
        )

    def thickness_exponent(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return -dln|j|/dlnL [-]; 1 for transport through the film."""
        shape = np.broadcast_shapes(np.shape(potential), np.shape(thickness))
        return np.ones(shape)

    def potential_slope(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return -dln|j|/dU [1/V]; 0 for transport of solvent."""
        shape = np.broadcast_shapes(np.shape(potential), np.shape(thickness))
        return np.zeros(shape)

    def table_scale(self, rates: Array) -> Array | None:
        """Return the scale of a table of ``rates`` (n, m) [A/m2]; None is one for exponentials."""
        return None

    @abstractmethod
    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        """Return the rate at the reference temperature's coefficients."""


@dataclass(frozen=True, slots=True)
class ReactionLimited(FilmLaw):
    """j = -j0 exp(-F (U - U0) / (2 R T)) (thesis, eq. 5.92).

    Attributes:
        exchange_current: j0 [A/m2].
        equilibrium: U0 [V].
    """

    exchange_current: float
    equilibrium: float

    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        over = potential - self.equilibrium
        rate = -self.exchange_current * np.exp(-HALF * _per_volt(temperature) * over)
        return rate * np.ones_like(thickness)

    def thickness_exponent(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return zero: the reaction does not see the thickness."""
        return np.zeros(np.broadcast_shapes(np.shape(potential), np.shape(thickness)))

    def potential_slope(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return F/(2 R T)."""
        shape = np.broadcast_shapes(np.shape(potential), np.shape(thickness))
        return np.full(shape, HALF * _per_volt(temperature))


@dataclass(frozen=True, slots=True)
class SolventDiffusion(FilmLaw):
    """j = -F D c / L (thesis, eq. 5.91).

    Attributes:
        diffusivity: of the solvent in the film [m2/s].
        concentration: of the solvent outside [mol/m3].
    """

    diffusivity: float
    concentration: float

    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        rate = -FARADAY * self.diffusivity * self.concentration / thickness
        return rate * np.ones_like(potential)


@dataclass(frozen=True, slots=True)
class InterstitialDiffusion(FilmLaw):
    """j = -F D c exp(-F U / (R T)) / L (thesis, eq. 5.96).

    Attributes:
        diffusivity: of lithium interstitials in the film [m2/s].
        concentration: of interstitials at U = 0 [mol/m3].
    """

    behind_drop: ClassVar[bool] = False
    diffusivity: float
    concentration: float

    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        carriers = self.concentration * np.exp(-_per_volt(temperature) * potential)
        return np.asarray(-FARADAY * self.diffusivity * carriers / thickness)

    def potential_slope(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return F/(R T)."""
        shape = np.broadcast_shapes(np.shape(potential), np.shape(thickness))
        return np.full(shape, _per_volt(temperature))


@dataclass(frozen=True, slots=True)
class ElectronMigration(FilmLaw):
    """j = kappa (U - U0) / L while U < U0, else 0 (thesis, eq. 5.94).

    Attributes:
        conductivity: of the film for electrons [S/m].
        equilibrium: U0 [V].
    """

    behind_drop: ClassVar[bool] = False
    conductivity: float
    equilibrium: float

    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        over = np.minimum(potential - self.equilibrium, 0.0)
        return np.asarray(self.conductivity * over / thickness)

    def potential_slope(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return 1/(U0 - U), zero where nothing flows."""
        over = self.equilibrium - np.asarray(potential) + 0.0 * np.asarray(thickness)
        return np.where(over > 0.0, 1.0 / np.where(over > 0.0, over, 1.0), 0.0)

    def table_scale(self, rates: Array) -> Array:
        """Return a scale far above all rates: the law is a straight line, and stays one."""
        return 1e3 * np.maximum(np.abs(rates).max(axis=-1), np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class CarbonateReduction(FilmLaw):
    """j = -F c k / (1 + L k / D), k = k0 exp(-F (U - U0) / (2 R T)) (Yang, eqs. 10 and 11).

    Attributes:
        rate_constant: k0 [m/s].
        diffusivity: of ethylene carbonate in the film [m2/s].
        concentration: of ethylene carbonate outside [mol/m3].
        equilibrium: U0 [V].
    """

    rate_constant: float
    diffusivity: float
    concentration: float
    equilibrium: float

    def _constant(self, potential: Array, temperature: float) -> Array:
        over = potential - self.equilibrium
        return np.asarray(self.rate_constant * np.exp(-HALF * _per_volt(temperature) * over))

    def _damkoehler(self, potential: ArrayLike, thickness: ArrayLike, temperature: float) -> Array:
        constant = self._constant(np.asarray(potential), temperature)
        return np.asarray(np.asarray(thickness) * constant / self.diffusivity)

    def _rate(self, potential: Array, thickness: Array, temperature: float) -> Array:
        free = -FARADAY * self.concentration * self._constant(potential, temperature)
        return np.asarray(free / (1.0 + self._damkoehler(potential, thickness, temperature)))

    def thickness_exponent(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return Da/(1 + Da), with Da = L k/D."""
        number = self._damkoehler(potential, thickness, temperature)
        return np.asarray(number / (1.0 + number))

    def potential_slope(
        self, potential: ArrayLike, thickness: ArrayLike, temperature: float
    ) -> Array:
        """Return F/(2 R T) / (1 + Da)."""
        number = self._damkoehler(potential, thickness, temperature)
        return np.asarray(HALF * _per_volt(temperature) / (1.0 + number))


type Reader = Callable[[str], float]


def _reaction(read: Reader, common: dict[str, float]) -> FilmLaw:
    return ReactionLimited(
        **common,
        exchange_current=read("SEI reaction exchange current density [A.m-2]"),
        equilibrium=read("SEI open-circuit potential [V]"),
    )


def _solvent(read: Reader, common: dict[str, float]) -> FilmLaw:
    return SolventDiffusion(
        **common,
        diffusivity=read("SEI solvent diffusivity [m2.s-1]"),
        concentration=read("Bulk solvent concentration [mol.m-3]"),
    )


def _interstitial(read: Reader, common: dict[str, float]) -> FilmLaw:
    return InterstitialDiffusion(
        **common,
        diffusivity=read("SEI lithium interstitial diffusivity [m2.s-1]"),
        concentration=read("Lithium interstitial reference concentration [mol.m-3]"),
    )


def _migration(read: Reader, common: dict[str, float]) -> FilmLaw:
    return ElectronMigration(
        **common,
        conductivity=read("SEI electron conductivity [S.m-1]"),
        equilibrium=read("SEI open-circuit potential [V]"),
    )


def _carbonate(read: Reader, common: dict[str, float]) -> FilmLaw:
    return CarbonateReduction(
        **common,
        rate_constant=read("SEI kinetic rate constant [m.s-1]"),
        diffusivity=read("EC diffusivity [m2.s-1]"),
        concentration=read("EC initial concentration in electrolyte [mol.m-3]"),
        equilibrium=read("SEI open-circuit potential [V]"),
    )


LAWS: Final[dict[str, Callable[[Reader, dict[str, float]], FilmLaw]]] = {
    "ec reaction limited": _carbonate,
    "interstitial-diffusion limited": _interstitial,
    "solvent-diffusion limited": _solvent,
    "reaction limited": _reaction,
    "electron-migration limited": _migration,
}
"""PyBaMM's names of the laws."""


@dataclass(frozen=True, slots=True)
class FilmConstants:
    """Numbers of a film that PyBaMM keeps constant.

    Attributes:
        resistivity: for lithium ions [ohm m].
        volume_per_charge: film volume that a coulomb makes [m3/C].
        thickness: at the start [m].
    """

    resistivity: float
    volume_per_charge: float
    thickness: float


def law_from_parameters(name: str, parameter_values: Any) -> FilmLaw:
    """Return PyBaMM's law ``name`` with the numbers of a parameter set.

    Args:
        name: one of `LAWS`.
        parameter_values: ``pybamm.ParameterValues`` or any mapping of PyBaMM's names to numbers.

    Raises:
        ParameterError: if the law is unknown or the set lacks one of its numbers.
    """
    if name not in LAWS:
        raise ParameterError(f"unknown law '{name}'; {did_you_mean(name, LAWS)}")
    read = _reader(parameter_values, name)
    common = {
        "activation_energy": read("SEI growth activation energy [J.mol-1]"),
        "reference_temperature": read("Reference temperature [K]"),
    }
    return LAWS[name](read, common)


def film_constants(parameter_values: Any) -> FilmConstants:
    """Return the film numbers of a parameter set.

    Raises:
        ParameterError: if the set lacks one.
    """
    read = _reader(parameter_values, "film")
    moles = FARADAY * read("Ratio of lithium moles to SEI moles")
    return FilmConstants(
        resistivity=read("SEI resistivity [Ohm.m]"),
        volume_per_charge=read("SEI partial molar volume [m3.mol-1]") / moles,
        thickness=read("Initial SEI thickness [m]"),
    )


def table_of(
    law: FilmLaw, knots: ArrayLike, thickness: ArrayLike, temperature: float
) -> ResponseTable:
    """Return the response of films of ``thickness`` (n,) [m] at ``knots`` (m,) or (n, m) [V]."""
    at, present = np.atleast_2d(knots), np.atleast_1d(thickness)[:, None]
    rates = law.rate(at, present, temperature)
    exponents = law.thickness_exponent(at, present, temperature)
    return ResponseTable(knots, rates, exponents, present[:, 0], law.table_scale(rates))


def tangent_of(
    law: FilmLaw, potential: ArrayLike, thickness: ArrayLike, temperature: float
) -> LogAffine:
    """Return the response linearised at ``potential`` (n,) [V] and ``thickness`` (n,) [m]."""
    return LogAffine(
        law.rate(potential, thickness, temperature),
        potential,
        thickness,
        law.potential_slope(potential, thickness, temperature),
        law.thickness_exponent(potential, thickness, temperature),
    )


def _per_volt(temperature: float) -> float:
    return FARADAY / (GAS_CONSTANT * temperature)


def _reader(parameter_values: Any, law: str) -> Reader:
    def read(name: str) -> float:
        try:
            return float(parameter_values[name])
        except KeyError as error:
            raise ParameterError(
                f"the parameter set has no '{name}', which the law '{law}' needs; add it to "
                "cell.override"
            ) from error

    return read
