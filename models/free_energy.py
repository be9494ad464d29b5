"""Multi-order-parameter interface energy: many phases, one energy and width for each pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array
from interphase.parameters.errors import ParameterError

# gamma(g) as the ratio of one to a polynomial in g^2, highest power first, and where it holds.
_GAMMA = (-3.0944, -1.8169, 10.323, -8.1819, 2.0033)
_GAMMA_RANGE = (0.53, 40.0)
# Of the pair with the highest energy: its profile is the tanh that the width is defined by.
SYMMETRIC = 1.5


@dataclass(frozen=True)
class MultiWell:
    """Interface energy of several phases, Omega = integral of m f0 + (kappa/2) sum |grad eta_i|^2.

    f0 = 1/4 + sum_i (eta_i^4/4 - eta_i^2/2) + sum over pairs of gamma_ij eta_i^2 eta_j^2. The pair
    with the highest energy sigma has gamma = 3/2, kappa = 3 sigma l/4, m = 6 sigma/l and the
    profile (1 - tanh(2 x/l))/2; the others share kappa and m, so theirs are a little wider.

    Source: Moelans, Blanpain & Wollants, Phys. Rev. B 78, 024113 (2008); gamma(g) and the choice of
    the highest energy after Moelans (2022) as the documentation of MOOSE's phase-field module
    states them (recalled; T6 and a quadrature in the tests check them).

    Attributes:
        width: l of the pair with the highest energy [m].
        energy: its sigma [J/m2].
        gamma: gamma_ij [-], symmetric, (phases, phases); the diagonal is not used.
    """

    width: float
    energy: float
    gamma: Array

    def __post_init__(self) -> None:
        """Refuse numbers that make no energy."""
        if not (self.width > 0.0 and self.energy > 0.0):
            raise ParameterError(
                f"interface width and energy must be positive, got {self.width}, {self.energy}"
            )
        if self.gamma.shape != self.gamma.T.shape or not np.allclose(self.gamma, self.gamma.T):
            raise ParameterError("gamma must be a symmetric matrix")

    @classmethod
    def equal(cls, phases: int, width: float, energy: float) -> MultiWell:
        """Return the energy in which every pair has the same ``energy`` [J/m2]."""
        return cls(width, energy, np.full((phases, phases), SYMMETRIC))

    @classmethod
    def from_energies(cls, width: float, energies: Array) -> MultiWell:
        """Return the energy with sigma_ij = ``energies`` [J/m2], symmetric (phases, phases).

        Raises:
            ParameterError: the energies differ by more than the relation holds for.
        """
        pairs = ~np.eye(energies.shape[0], dtype=bool)
        highest = float(energies[pairs].max())
        gamma = np.full(energies.shape, SYMMETRIC)
        gamma[pairs] = gamma_of(energies[pairs] / highest * np.sqrt(2.0) / 3.0)
        gamma[np.isclose(energies, highest)] = SYMMETRIC
        return cls(width, highest, gamma)

    @property
    def gradient_coefficient(self) -> float:
        """Return kappa [J/m]."""
        return 0.75 * self.energy * self.width

    @property
    def barrier(self) -> float:
        """Return m [J/m3]."""
        return 6.0 * self.energy / self.width

    def density(self, eta: Array) -> Array:
        """Return m f0 [J/m3], (nodes,), of the order parameters ``eta`` (phases, nodes)."""
        square = eta**2
        wells = 0.25 + (0.25 * square**2 - 0.5 * square).sum(axis=0)
        return np.asarray(
            self.barrier * (wells + 0.5 * (square * (self._pairs @ square)).sum(axis=0))
        )

    def derivative(self, eta: Array) -> Array:
        """Return m df0/d(eta_i) [J/m3], (phases, nodes)."""
        return np.asarray(self.barrier * eta * (eta**2 - 1.0 + 2.0 * (self._pairs @ eta**2)))

    def hessian(self, eta: Array) -> Array:
        """Return m d2f0/d(eta_i)d(eta_j) [J/m3], (phases, phases, nodes)."""
        out = 4.0 * self._pairs[:, :, None] * eta[:, None, :] * eta[None, :, :]
        local = 3.0 * eta**2 - 1.0 + 2.0 * (self._pairs @ eta**2)
        out[np.arange(len(eta)), np.arange(len(eta))] += local
        return np.asarray(self.barrier * out)

    @property
    def _pairs(self) -> Array:
        """Return gamma with a zero diagonal."""
        return np.asarray(self.gamma * (1.0 - np.eye(self.gamma.shape[0])))

    def mobility(self, speed_per_driving_force: float) -> float:
        """Return L [m3/(J s)] = 4 M/(3 l) of a front that moves at v = M (difference of omega)."""
        return 4.0 * speed_per_driving_force / (3.0 * self.width)


def gamma_of(ratio: Array) -> Array:
    """Return gamma_ij from g = sigma_ij/sqrt(m kappa).

    Raises:
        ParameterError: outside the range in which the fitted relation holds.
    """
    gamma = 1.0 / np.polyval(_GAMMA, np.asarray(ratio) ** 2)
    low, high = _GAMMA_RANGE
    if not np.all((gamma >= low) & (gamma <= high)):
        raise ParameterError("interface energies differ too much: keep their ratio above 1/3")
    return np.asarray(gamma)


def phase_fractions(eta: Array) -> Array:
    """Return h_i = eta_i^2 / sum of eta_j^2 (phases, nodes): they add up to one everywhere.

    Source: Moelans, Acta Mater. 59, 1077 (2011), eq. 15.
    """
    square = eta**2
    return np.asarray(square / np.maximum(square.sum(axis=0), 1e-300))


def driving_force(eta: Array, omega: Array) -> Array:
    """Return d/d(eta_i) of sum h_a omega_a [J/m3], (phases, nodes).

    Args:
        eta: order parameters, (phases, nodes).
        omega: grand potential density of each phase [J/m3], (phases, nodes) or (phases, 1).
    """
    total = np.maximum((eta**2).sum(axis=0), 1e-300)
    mean = (phase_fractions(eta) * omega).sum(axis=0)
    return np.asarray(2.0 * eta * (omega - mean) / total)


def driving_hessian(eta: Array, omega: Array) -> Array:
    """Return the second derivatives of sum h_a omega_a [J/m3], (phases, phases, nodes)."""
    total = np.maximum((eta**2).sum(axis=0), 1e-300)
    mean = (phase_fractions(eta) * omega).sum(axis=0)
    excess = np.broadcast_to(omega - mean, eta.shape)
    cross = excess[:, None, :] + excess[None, :, :]
    out = -4.0 * eta[:, None, :] * eta[None, :, :] * cross / total**2
    out[np.arange(len(eta)), np.arange(len(eta))] += 2.0 * excess / total
    return np.asarray(out)


def secant_mobility(rate: float, affinity: float, molar_volume: float, width: float) -> float:
    """Return L_sec = (4/(3 l)) V^2 R(A)/A [m3/(J s)]: variational, at the reaction's speed.

    With it a planar front moves at V R(A) whatever the rate law, and the energy still falls, since
    R has the sign of A. For driving forces A/V of up to 0.2 m.

    Args:
        rate: R(A) [mol/(m2 s)].
        affinity: A [J/mol], not zero.
        molar_volume: V [m3/mol].
        width: l [m].

    Source: derived here; after Zhang, Chadwick & Voorhees, arXiv:2311.03563 (2023).
    """
    return 4.0 / (3.0 * width) * molar_volume**2 * rate / affinity
