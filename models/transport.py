"""Transport coefficients of a mixture of phases, and the fields that are transported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array

# Composition that varies less than this over one interface width has no layers: it conducts in
# parallel.
_LAYERED = 0.05
# Liquid fraction of the front's profile below which it does not conduct along the film.
_TRACE = 0.01


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
        """Return the parallel mean, (nodes,); shares (solids, nodes) may leave room for pores."""
        return np.asarray(self.values @ shares)

    def harmonic(self, shares: Array) -> Array:
        """Return the series mean, (nodes,), by the solid fraction; for columns the parallel one."""
        if not self.layered:
            return self.arithmetic(shares)
        total = np.maximum(shares.sum(axis=0), 1e-12)
        return np.asarray(total**2 / np.maximum((1.0 / self.values) @ shares, 1e-300))


def layer_tensor(arithmetic: Array, harmonic: Array, direction: Array, width: float) -> Array:
    """Return the conduction tensor of layers, per cell.

    Args:
        arithmetic: parallel mean per cell, (cells,).
        harmonic: series mean per cell, (cells,).
        direction: gradient of ln(arithmetic mean) per cell [1/m], (dim, cells).
        width: interface width l [m].

    Returns:
        Symmetric tensors, shape (dim, dim, cells).
    """
    slope = np.sqrt((direction**2).sum(axis=0))
    # Smoothly isotropic where there is nothing to be normal to.
    blend = slope**2 / (slope**2 + (_LAYERED / width) ** 2)
    m = direction / np.maximum(slope, 1e-300)
    # Resistivities are blended: the least part of the parallel mean would short-cut a layer.
    across = 1.0 / ((1.0 - blend) / arithmetic + blend / harmonic)
    out = (across - arithmetic) * m[:, None] * m[None, :]
    for i in range(direction.shape[0]):
        out[i, i] += arithmetic
    return np.asarray(out)


@dataclass(frozen=True, slots=True)
class Pores:
    """How far liquid in the film's pores conducts: nothing below percolation, a power law above.

    f(p) = [(p - p_c)/(1 - p_c)]^b for p > p_c, else 0. Voids that a conversion opens inside the
    film
    (27 % of the organic's volume) are closed.

    Source: p_c = 0.2895 for overlapping spheres, Lorenz & Ziff, J. Chem. Phys. 114, 3659 (2001);
    the
    exponent is Bruggeman's.

    Attributes:
        threshold: p_c [-].
        exponent: b [-].
    """

    threshold: float
    exponent: float

    def factor(self, porosity: Array) -> Array:
        """Return the conductivity of the pores relative to the free liquid [-]."""
        excess = np.maximum(porosity - self.threshold, 0.0) / (1.0 - self.threshold)
        return np.asarray(excess**self.exponent)


@dataclass(frozen=True, slots=True)
class LiquidSpecies:
    """A species dissolved in the liquid and in the film's pores; obeys Fick's law.

    d(theta c)/dt = div(D grad c) - sources, D = D_liquid [(1 - phi) + phi f(p)] + D_film phi with
    the
    liquid fraction theta = 1 - phi + phi p, the porosity p and its conduction f.
    Migration of the anion is left out: over a film's domain it changes c by less than
    1e-6 of the reservoir value at any current of a cell (models/README.md).

    Attributes:
        name: species as in the reactions.
        reservoir: concentration at the top [mol/m3].
        diffusivity: in the liquid [m2/s].
        film_diffusivity: in the dense film [m2/s].
        pores: conduction of the film's pores.
    """

    name: str
    reservoir: float
    diffusivity: float
    film_diffusivity: float
    pores: Pores

    def effective(self, phi: Array, pore: Array) -> Array:
        """Return D per node [m2/s] from phi and the porosity of the film."""
        open_part = (1.0 - phi) + phi * self.pores.factor(pore)
        return np.asarray(self.diffusivity * open_part + self.film_diffusivity * phi)


@dataclass(frozen=True, slots=True)
class IonicConduction:
    """Lithium-ion current through film and liquid: div(kappa grad phi_l) = F sum of Li+ consumed.

    Attributes:
        solid: effective conductivity of each solid [S/m] in the mixture.
        liquid: conductivity of the electrolyte [S/m].
        pores: conduction of the film's pores.
    """

    solid: Mixture
    liquid: float
    pores: Pores

    def means(self, phi: Array, shares: Array, pore: Array) -> tuple[Array, Array]:
        """Return (arithmetic, harmonic) mean conductivity per node [S/m].

        Film and liquid are in series across the front, pores and solid in parallel.
        """
        pores = self.liquid * self.pores.factor(pore)
        film_a = self.solid.arithmetic(shares) + pores
        film_h = self.solid.harmonic(shares) + pores
        # A trace of liquid that the profile leaves in the film is no path along it.
        free = np.maximum(1.0 - phi - _TRACE, 0.0) / (1.0 - _TRACE)
        arithmetic = phi * film_a + free * self.liquid
        harmonic = 1.0 / (phi / film_h + (1.0 - phi) / self.liquid)
        return np.asarray(arithmetic), np.asarray(harmonic)
