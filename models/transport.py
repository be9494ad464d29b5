"""Transport coefficients of a mixture of phases, and the fields that are transported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.interpolation import Array

# Composition that varies less than this over one interface width has no layers: it conducts in
# parallel.
_LAYERED = 0.05
# Liquid fraction of the front's profile below which it does not conduct along the film: the sharp
# front stands at one half. Were a trace of liquid to conduct, a hundred thousand times better than
# the solid, every groove of a rough film would act about l deeper than it is.
_TRACE = 0.5


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
        crosses: the species must cross the film to react: film and liquid are in series across the
            front. Otherwise it reacts in the front and parallel mixing feeds the sink there.
    """

    name: str
    reservoir: float
    diffusivity: float
    film_diffusivity: float
    pores: Pores
    crosses: bool = False

    def effective(self, phi: Array, pore: Array) -> Array:
        """Return D per node [m2/s] from phi and the porosity of the film."""
        film = self.diffusivity * self.pores.factor(pore) + self.film_diffusivity
        if self.crosses:
            return np.asarray(1.0 / (phi / film + (1.0 - phi) / self.diffusivity))
        return np.asarray((1.0 - phi) * self.diffusivity + phi * film)


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

    def film_means(self, shares: Array, pore: Array) -> tuple[Array, Array]:
        """Return (parallel, series) mean of solids and pores in the film [S/m], (nodes,) each."""
        pores = self.liquid * self.pores.factor(pore)
        return self.solid.arithmetic(shares) + pores, self.solid.harmonic(shares) + pores


def front_tensor(film: Array, phi: Array, liquid: float, normal: Array, width: float) -> Array:
    """Return the conduction tensor of film and liquid in series across the front, per cell.

    The film's own layers come first (``film``), then the front: two stages, since one common normal
    would put columns side by side in series near the front.

    Args:
        film: tensor of the film, (dim, dim, cells).
        phi: order parameter per cell, (cells,).
        liquid: conductivity of the liquid [S/m].
        normal: gradient of phi per cell [1/m], (dim, cells).
        width: interface width l [m].

    Returns:
        Symmetric tensors, shape (dim, dim, cells).
    """
    dim = normal.shape[0]
    steep = np.sqrt((normal**2).sum(axis=0))
    n = normal / np.maximum(steep, 1e-300)
    through = np.einsum("ic,ijc,jc->c", n, film, n)
    # A trace of liquid that the profile leaves in the film is no path along it.
    free = np.maximum(1.0 - phi - _TRACE, 0.0) / (1.0 - _TRACE) * liquid
    along = phi * film
    for i in range(dim):
        along[i, i] += free
    parallel = np.einsum("ic,ijc,jc->c", n, along, n)
    # Relative slope of the mean conductivity: steep wherever liquid is what conducts.
    mean = np.maximum(phi * through + (1.0 - phi) * liquid, 1e-300)
    slope = steep * width * np.abs(through - liquid) / mean
    blend = slope**2 / (slope**2 + _LAYERED**2)
    series = phi / np.maximum(through, 1e-300) + (1.0 - phi) / liquid
    across = 1.0 / ((1.0 - blend) / np.maximum(parallel, 1e-300) + blend * series)
    tangential = np.eye(dim)[:, :, None] - n[:, None] * n[None]
    side = np.einsum("ijc,jkc,klc->ilc", tangential, along, tangential)
    return np.asarray(np.where(steep > 0, side + across * n[:, None] * n[None], along))
