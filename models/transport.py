"""Transport coefficients of a mixture of phases, and the fields that are transported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array

# Composition that varies less than this over one interface width has no layers: it conducts in parallel.
_LAYERED = 0.05


@dataclass(frozen=True)
class Mixture:
    """Conduction through phases: in series across their boundaries, in parallel along them.

    The coefficient is the tensor ``a I + (h - a) m m^T`` with the arithmetic mean a, the harmonic
    mean h of the local shares and the normal m of the composition. Arithmetic mixing alone would
    thin a compact layer under a leaky one by (l/4) ln(D_o/D_i).

    Attributes:
        values: coefficient of each solid, (solids,).
        layered: False where shares stand for unresolved columns side by side: parallel only.
    """

    values: Array
    layered: bool = True

    def arithmetic(self, shares: Array) -> Array:
        """Return the parallel mean, (nodes,); shares (solids, nodes) need not sum to one (pores)."""
        return np.asarray(self.values @ shares)

    def harmonic(self, shares: Array) -> Array:
        """Return the series mean, (nodes,), scaled by the solid fraction."""
        total = np.maximum(shares.sum(axis=0), 1e-12)
        return np.asarray(total**2 / np.maximum((1.0 / self.values) @ shares, 1e-300))

    def tensor(self, arithmetic: Array, harmonic: Array, direction: Array, width: float) -> Array:
        """Return the tensor per cell.

        Args:
            arithmetic: parallel mean per cell, (cells,).
            harmonic: series mean per cell, (cells,).
            direction: gradient of ln(arithmetic mean) per cell [1/m], (dim, cells).
            width: interface width l [m].

        Returns:
            Symmetric tensors, shape (dim, dim, cells).
        """
        dim = direction.shape[0]
        slope = np.sqrt((direction**2).sum(axis=0))
        # Smoothly isotropic where there is nothing to be normal to.
        blend = slope**2 / (slope**2 + (_LAYERED / width) ** 2) if self.layered else np.zeros_like(slope)
        m = direction / np.maximum(slope, 1e-300)
        # Resistivities are blended: the least part of the parallel mean would short-cut a layer.
        across = 1.0 / ((1.0 - blend) / arithmetic + blend / harmonic)
        out = (across - arithmetic) * m[:, None] * m[None, :]
        for i in range(dim):
            out[i, i] += arithmetic
        return np.asarray(out)


@dataclass(frozen=True, slots=True)
class LiquidSpecies:
    """A species dissolved in the liquid and in the film's pores; obeys Fick's law.

    d(theta c)/dt = div(D grad c) - sources, D = D_liquid [(1 - phi) + phi p^b] + D_film phi with the
    liquid fraction theta = 1 - phi + phi p and the porosity p (Bruggeman exponent b).
    Migration of the anion is left out: over a film's domain it changes c by less than
    1e-6 of the reservoir value at any current of a cell (models/README.md).

    Attributes:
        name: species as in the reactions.
        reservoir: concentration at the top [mol/m3].
        diffusivity: in the liquid [m2/s].
        film_diffusivity: in the dense film [m2/s].
        bruggeman: exponent b [-].
    """

    name: str
    reservoir: float
    diffusivity: float
    film_diffusivity: float
    bruggeman: float

    def effective(self, phi: Array, pore: Array) -> Array:
        """Return D per node [m2/s] from phi and the porosity of the film."""
        open_part = (1.0 - phi) + phi * np.maximum(pore, 0.0) ** self.bruggeman
        return np.asarray(self.diffusivity * open_part + self.film_diffusivity * phi)


@dataclass(frozen=True, slots=True)
class IonicConduction:
    """Lithium-ion current through film and liquid: div(kappa grad phi_l) = F sum of Li+ consumed.

    Attributes:
        solid: effective conductivity of each solid [S/m] in the mixture.
        liquid: conductivity of the electrolyte [S/m].
        bruggeman: exponent for pores [-].
    """

    solid: Mixture
    liquid: float
    bruggeman: float

    def means(self, phi: Array, shares: Array, pore: Array) -> tuple[Array, Array]:
        """Return (arithmetic, harmonic) mean conductivity per node [S/m].

        Film and liquid are in series across the front, pores and solid in parallel.
        """
        pores = self.liquid * np.maximum(pore, 0.0) ** self.bruggeman
        film_a = self.solid.arithmetic(shares) + pores
        film_h = self.solid.harmonic(shares) + pores
        arithmetic = phi * film_a + (1.0 - phi) * self.liquid
        harmonic = 1.0 / (phi / film_h + (1.0 - phi) / self.liquid)
        return np.asarray(arithmetic), np.asarray(harmonic)
