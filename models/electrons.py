"""How electrons cross the film: tunnelling and localised electrons (neutral Li interstitials)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array
from interphase.parameters.constants import (
    ELECTRON_MASS,
    FARADAY,
    GAS_CONSTANT,
    HBAR,
)
from interphase.parameters.errors import ParameterError

# Beyond this action (probability exp(-40)) tunnelling has stopped for any purpose.
ACTION_LIMIT = 20.0


def decay_constant(barrier: float, effective_mass: float) -> float:
    """Return beta = 2 sqrt(2 m E_b) / hbar [1/m] for ``barrier`` [J] and mass in electron masses.

    Source: Wentzel-Kramers-Brillouin; e.g. Simmons, J. Appl. Phys. 34, 1793 (1963).

    Raises:
        ParameterError: barrier or mass not positive.
    """
    if barrier <= 0.0 or effective_mass <= 0.0:
        raise ParameterError(
            f"tunnelling barrier and effective mass must be positive, got {barrier} J, "
            f"{effective_mass}"
        )
    return float(2.0 * np.sqrt(2.0 * effective_mass * ELECTRON_MASS * barrier) / HBAR)


@dataclass(frozen=True)
class Tunnelling:
    """Electrons that tunnel from the electrode to the front.

    The probability P = exp(-2 S) follows from the action S with ``|grad S| = beta/2`` (eikonal
    limit of the WKB wave), S = 0 on the electrode. It is taken where phi = 1/2 and carried along n:
    exp(-beta x) varies by orders across the diffuse front, so P is never averaged through it.

    Attributes:
        decay: beta of each solid [1/m], (solids,).
    """

    decay: Array

    def slowness(self, shares: Array) -> Array:
        """Return beta/2 of the local solid [1/m], (nodes,), from ``shares`` (solids, nodes)."""
        total = np.maximum(shares.sum(axis=0), 1e-12)
        return np.asarray(0.5 * (self.decay @ shares) / total)

    @staticmethod
    def probability(action: Array) -> Array:
        """Return P = exp(-2 S) [-]."""
        return np.asarray(np.exp(-2.0 * action))


@dataclass(frozen=True)
class Interstitial:
    """Localised electrons (often called neutral Li interstitials) that diffuse and migrate.

    A carrier of charge -1 against the lattice with no Li atom of its own:
    N = -D grad c + (F/RT) D c grad(phi_l), in equilibrium with the electrode,
    c = c_ref exp(-F (phi_E - phi_l) / RT). With c = c_ref exp(-F phi_E/RT) exp(F phi_l/RT) w this
    is N ~ -D exp(F phi_l/RT) grad w with w = 1 on the electrode: symmetric for any potential drop.

    Source: Single, Latz & Horstmann, ChemSusChem 11, 1950 (2018); Koebbing, Latz & Horstmann,
    J. Power Sources 561, 232651 (2023).

    Attributes:
        concentration_ref: c_ref at phi_E - phi_l = 0 [mol/m3].
        diffusivity: D of each solid [m2/s], (solids,).
        start_depth: the carrier is in equilibrium down to this distance from the electrode [m]
            (0: at the electrode; the tunnelling depth as in von Kolzenberg et al. 2020).
    """

    concentration_ref: float
    diffusivity: Array
    start_depth: float = 0.0

    def boltzmann(self, potential: float, temperature: float) -> float:
        """Return c/c_ref [-] in equilibrium with an electrode at ``potential`` [V vs Li/Li+]."""
        return float(np.exp(-FARADAY * potential / (GAS_CONSTANT * temperature)))


def mean_tunnelling_speed(tunnelling: Array, other: Array, decay: Array, step: float) -> Array:
    """Return the mean over a step of the front's whole speed [m/s] while tunnelling dies away.

    The exact mean of dx/dt = v_T exp(-b x) + v_0 over ``step`` [s] (b: decay along the front's way
    [1/m]); a step may then be as long as the front's displacement allows, not 1/(b v).

    Source: derived here: y = exp(b x) obeys dy/dt = b (v_T + v_0 y).
    """
    b, v0 = np.maximum(decay, 0.0), np.maximum(other, 0.0)
    growth = b * v0 * step
    # (1 - exp(-g))/g tends to 1 with g; the limits b -> 0 and v_0 -> 0 come out exactly.
    fall = np.where(growth > 1e-12, -np.expm1(-growth) / np.maximum(growth, 1e-300), 1.0)
    gain = np.log1p(b * tunnelling * step * fall)
    small = b * tunnelling * step < 1e-12
    safe = np.maximum(b * step, 1e-300)
    return np.asarray(np.where(small, tunnelling, gain / safe) + other)
