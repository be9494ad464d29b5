"""What the model must reduce to: growth laws and limits in closed form, with their sources.

Thicknesses [m], times [s], potentials [V]. ``driving`` stands for the speed [m/s] at which the film
would grow if nothing but the reaction at hand were in its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from interphase.models.interpolation import Array
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import ParameterError


def mixed_thickness(
    time: Array | float, start: float, permeation: float, length: float = 0.0
) -> Array:
    """Return L [m] of ``(L^2 - L0^2)/2 + a (L - L0) = P t``: diffusion and reaction in series.

    Args:
        time: t [s].
        start: L0 [m].
        permeation: P = K V/z [m2/s], carriers' permeability times volume of product per carrier.
        length: a = D/k [m]; 0 for an infinitely fast reaction (square-root law).

    Source: Deal & Grove, J. Appl. Phys. 36, 3770 (1965), eq. 12.
    """
    shifted = (start + length) ** 2 + 2.0 * permeation * np.asarray(time)
    return np.asarray(np.sqrt(shifted) - length)


def levelling(wavenumber: ArrayLike, thickness: ArrayLike, resistance: float) -> Array:
    """Return the decay of a wave of a front that is fed through its film, per mean growth [1/m].

    K/(1 + K M), K = k coth(k L): the perturbation of first order of a film of thickness L through
    which carriers diffuse at rest (Laplace's equation) to a reaction of first order at its front.

    Args:
        wavenumber: k [1/m].
        thickness: L [m].
        resistance: M, thickness of film that resists as much as the reaction, D/k of it [m].
    """
    length = np.asarray(thickness, dtype=np.float64)
    product = np.maximum(np.asarray(wavenumber) * length, 1e-6)
    slope = product / np.tanh(product) / length
    return np.asarray(slope / (1.0 + slope * resistance))


def mixed_time(thickness: float, start: float, permeation: float, length: float = 0.0) -> float:
    """Return the time [s] at which ``mixed_thickness`` reaches ``thickness`` [m]."""
    return ((thickness**2 - start**2) / 2.0 + length * (thickness - start)) / permeation


def tunnelling_thickness(time: Array | float, start: float, driving: float, decay: float) -> Array:
    """Return L = L0 + ln(1 + beta A exp(-beta L0) t)/beta [m].

    Args:
        time: t [s].
        start: L0 [m].
        driving: A [m/s].
        decay: beta [1/m].

    Source: integral of Tang, Lu & Newman, J. Electrochem. Soc. 159, A1775 (2012), eq. 25.
    """
    growth = decay * driving * np.exp(-decay * start) * np.asarray(time)
    return np.asarray(start + np.log1p(growth) / decay)


def ramp_speed(transfer_coefficient: float, rate: float, decay: float, temperature: float) -> float:
    """Return dL/dt = alpha F s/(R T beta) [m/s] of tunnelling growth.

    Args:
        transfer_coefficient: alpha [-].
        rate: s, at which the potential falls [V/s].
        decay: beta [1/m].
        temperature: [K].

    Source: derived here: P = exp(-beta L) must fall as fast as exp(alpha F s t/RT) rises.
    """
    return transfer_coefficient * FARADAY * rate / (GAS_CONSTANT * temperature * decay)


def migration_factor(drop: float, temperature: float) -> float:
    """Return u/(1 - exp(-u)), u = -F U_SEI/(R T): flux of carriers over that without a field.

    Args:
        drop: U_SEI, ionic potential at the electrode less that at the front [V].
        temperature: [K].

    Source: Goldman, J. Gen. Physiol. 27, 37 (1943); for small u it is 1 + u/2 as in von Kolzenberg,
    Latz & Horstmann, ChemSusChem 13, 3901 (2020).
    """
    u = -FARADAY * drop / (GAS_CONSTANT * temperature)
    return float(u / -np.expm1(-u)) if abs(u) > 1e-12 else 1.0


def nernst_potential(
    standard: float, electrons: float, log_quotient: float, temperature: float
) -> float:
    """Return phi_E - phi_l = U0 - (R T/n F) ln Q [V] of a reduction at rest, Q = prod a^nu.

    Source: Newman & Balsara, Electrochemical Systems, 4th ed. (2021), ch. 2.
    """
    return standard - GAS_CONSTANT * temperature / (electrons * FARADAY) * log_quotient


def tafel_slope(transfer_coefficient: float, temperature: float) -> float:
    """Return ln(10) R T/(alpha F) [V] per decade of the rate."""
    return float(np.log(10.0) * GAS_CONSTANT * temperature / (transfer_coefficient * FARADAY))


def series_resistance(thickness: Array, conductivity: Array) -> float:
    """Return sum of L/kappa [ohm m2] of layers one above the other."""
    return float(np.sum(np.asarray(thickness) / np.asarray(conductivity)))


def parallel_resistance(thickness: float, fraction: Array, conductivity: Array) -> float:
    """Return L / sum of f kappa [ohm m2] of columns side by side."""
    return thickness / float(np.sum(np.asarray(fraction) * np.asarray(conductivity)))


def circle_radius(time: Array | float, start: float, coefficient: float, dim: int = 2) -> Array:
    """Return R [m] of a circle or sphere that shrinks at the speed D times its curvature.

    R^2 = R0^2 - 2 (dim - 1) D t with the ``coefficient`` D = L kappa [m2/s].

    Source: Allen & Cahn, Acta Metall. 27, 1085 (1979).
    """
    return np.asarray(np.sqrt(start**2 - 2.0 * (dim - 1) * coefficient * np.asarray(time)))


def arc_above_corner(reach: float, radius: float) -> float:
    """Return the area [m2] under a circle around a corner, from the corner to ``reach`` [m]."""
    angle = np.arcsin(reach / radius)
    return float(0.5 * radius**2 * (angle + np.sin(angle) * np.cos(angle)))


def overgrowth_area(width: float, boundary: float, fast: float, slow: float) -> float:
    """Return the area [m2] grown by two phases side by side in a plane, by Huygens' construction.

    Left of ``boundary`` the fast phase has grown by ``fast`` [m], right of it the slow one by
    ``slow``; from the boundary the fast phase fans out as a circle, straight over the slow one up
    to where both have the same height.

    Args:
        width: of the domain [m].
        boundary: place of the boundary at the start [m].
        fast: v t of the fast phase [m].
        slow: v t of the slow phase [m].

    Source: Kolmogorov's competition of facets by first arrival; derived here.
    """
    reach = np.sqrt(fast**2 - slow**2)
    if boundary + reach > width:
        raise ParameterError("the fan leaves the domain: make it wider")
    return (
        fast * boundary
        + arc_above_corner(float(reach), fast)
        + slow * float(width - boundary - reach)
    )


def young_angle(middle: float, sides: float) -> float:
    """Return the dihedral angle [rad] of a boundary ``middle`` that meets two equal ``sides``.

    2 sides cos(angle/2) = middle (energies [J/m2]).

    Source: Young's law; e.g. Smith, Trans. AIME 175, 15 (1948).
    """
    return float(2.0 * np.arccos(0.5 * middle / sides))


def porosity_after(reactant_volume: float, product_volume: float) -> float:
    """Return the porosity that a conversion opens, 1 - V_product/V_reactant per extent [-]."""
    return 1.0 - product_volume / reactant_volume


@dataclass(frozen=True, slots=True)
class GrowthCurrent:
    """Growth laws as SEI current densities j(L) [A/m2] >= 0, as PyBaMM states them.

    dL/dt = V j/(z F). The electrode's local potential is ``potential``; intercalation current zero.

    Attributes:
        potential: phi_s - phi_e [V].
        temperature: [K].
        transfer_coefficient: alpha [-].
    """

    potential: float
    temperature: float = 298.15
    transfer_coefficient: float = 0.5

    def _factor(self, alpha: float, shift: float = 0.0) -> float:
        exponent = -alpha * FARADAY * (self.potential - shift) / (GAS_CONSTANT * self.temperature)
        return float(np.exp(exponent))

    def reaction_limited(self, exchange: float, onset: float) -> Callable[[float], float]:
        """Return j0 exp[-alpha F (phi - U_SEI)/RT].

        Source: Marquis, DPhil thesis, Oxford (2020), eq. 5.92, as in PyBaMM.
        """
        current = exchange * self._factor(self.transfer_coefficient, onset)
        return lambda thickness: current

    def tunnelling_limited(self, exchange: float, decay: float) -> Callable[[float], float]:
        """Return j0 exp(-alpha F phi/RT) exp(-beta L).

        Source: Tang, Lu & Newman, J. Electrochem. Soc. 159, A1775 (2012), eq. 25, as in PyBaMM.
        """
        current = exchange * self._factor(self.transfer_coefficient)
        return lambda thickness: current * float(np.exp(-decay * thickness))

    def interstitial_limited(self, permeability: float) -> Callable[[float], float]:
        """Return F D c exp(-F phi/RT)/L, ``permeability`` D c [mol/(m s)].

        Source: Marquis, DPhil thesis, Oxford (2020), eq. 5.96, as in PyBaMM.
        """
        flux = FARADAY * permeability * self._factor(1.0)
        return lambda thickness: flux / thickness

    def ec_reaction_limited(
        self, concentration: float, rate: float, onset: float, diffusivity: float
    ) -> Callable[[float], float]:
        """Return F c0 k/(1 + k L/D) with k = ``rate`` [m/s] times exp[-alpha F (phi - U_SEI)/RT].

        Source: Yang, Leng, Zhang, Ge & Wang, J. Power Sources 360, 28 (2017), eqs. 10
        and 11, as in PyBaMM.
        """
        k = rate * self._factor(self.transfer_coefficient, onset)
        return lambda thickness: FARADAY * concentration * k / (1.0 + k * thickness / diffusivity)

    def von_kolzenberg(
        self, exchange: float, permeability: float, tunnelling_depth: float
    ) -> Callable[[float], float]:
        """Return j0 exp(-alpha eta)/(1 + L_a/L_diff), L_a = max(L - L_tun, 0), for no current.

        L_diff = (F D c/j0) exp[-(1 - alpha) eta], eta = F phi/RT.

        Source: von Kolzenberg, Latz & Horstmann, ChemSusChem 13, 3901 (2020), eq. 19, as in PyBaMM.
        """
        alpha = self.transfer_coefficient
        current = exchange * self._factor(alpha)
        length = FARADAY * permeability / exchange * self._factor(1.0 - alpha)
        return lambda thickness: current / (1.0 + max(thickness - tunnelling_depth, 0.0) / length)


def integrate_growth(
    current: Callable[[float], float], times: Array, start: float, volume_per_electron: float
) -> Array:
    """Return L [m] at ``times`` [s] of dL/dt = (V/z) j(L)/F, by an adaptive Runge-Kutta method.

    Args:
        current: j(L) [A/m2].
        times: rising, from the start on [s].
        start: L0 [m].
        volume_per_electron: V/z [m3/mol].
    """
    scale = volume_per_electron / FARADAY
    # In units of L0 and of the whole time, so that the tolerances are relative ones.
    span = float(times[-1])
    solution = solve_ivp(
        lambda t, y: [span / start * scale * current(float(y[0]) * start)],
        (0.0, 1.0), [1.0], t_eval=np.asarray(times) / span, method="LSODA", rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    return np.asarray(solution.y[0] * start)


def pore_filling(
    time: Array | float, start: float, threshold: float, speed: float, spacing: float
) -> Array:
    """Return the porosity p [-] while a deposition at a constant rate fills open pores.

    dp/dt = -(4 v/d) (1 - p) (p - p_c)/(1 - p_c), so u = (p - p_c)/(1 - p) falls as exp(-4 v t/d).

    Args:
        time: t [s].
        start: p at t = 0 [-].
        threshold: p_c [-], at which pores close.
        speed: v, volume of product per wall area and time [m/s].
        spacing: d of the pores [m].

    Source: integral of the wall area in `solvers.pores.PoreDeposition`.
    """
    u = (start - threshold) / (1.0 - start) * np.exp(-4.0 * speed / spacing * np.asarray(time))
    return np.asarray((threshold + u) / (1.0 + u))


def porous_electrode(
    depth: float, conductance: float, wall: float, front: float
) -> tuple[float, float]:
    """Return (flux in, part that the walls take) of carriers in a layer that reacts throughout.

    D c'' = k a c with c = 1 at the electrode and -D c' = k_f c at the front: with
    m = sqrt(k a/D) and b = k_f/(D m), flux = D m (sinh mL + b cosh mL)/(cosh mL + b sinh mL).

    Args:
        depth: L [m].
        conductance: D c_ref [mol/(m s)].
        wall: k a c_ref, consumption per volume at c = c_ref [mol/(m3 s)].
        front: k_f c_ref, consumption per area at c = c_ref [mol/(m2 s)].

    Returns:
        Flux at c = c_ref on the electrode [mol/(m2 s)], and the walls' part of it [-].

    Source: Thiele, Ind. Eng. Chem. 31, 916 (1939), with a reacting end.
    """
    m = float(np.sqrt(wall / conductance))
    b = front / (conductance * m)
    sinh, cosh = float(np.sinh(m * depth)), float(np.cosh(m * depth))
    flux = conductance * m * (sinh + b * cosh) / (cosh + b * sinh)
    return flux, 1.0 - front / (cosh + b * sinh) / flux
