"""Transport and fluctuations from trajectories, with block errors; short ones are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interphase.parameters.constants import (
    BOLTZMANN,
    ELEMENTARY_CHARGE,
    GAS_CONSTANT,
    VACUUM_PERMITTIVITY,
)
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import LogNormal

Array = NDArray[np.float64]

_BLOCKS: Final = 5
# Lags of the fit as parts of a block: long enough to have left the cage, short enough for many
# origins.
_LAGS: Final = (0.1, 0.4)


@dataclass(frozen=True, slots=True)
class Diffusion:
    """A self-diffusivity with its statistical error.

    Attributes:
        value: mean over the blocks.
        error: standard error of that mean.
        blocks: value of each block.
    """

    value: float
    error: float
    blocks: tuple[float, ...]


def mean_squared_displacement(positions: Array, lags: NDArray[np.intp]) -> Array:
    """Return the mean squared displacement at each lag, over all origins and particles.

    Args:
        positions: unwrapped, shape (frames, particles, 3).
        lags: in frames.
    """
    return np.array(
        [np.mean(np.sum((positions[lag:] - positions[:-lag]) ** 2, axis=2)) for lag in lags]
    )


def diffusion(positions: Array, interval: float, hop: float, what: str) -> Diffusion:
    """Return the self-diffusivity from the slope of the mean squared displacement.

    The trajectory is cut into five blocks, each gives a slope; their scatter is the error. Blocks
    are independent only if the particles hop within each, so a trajectory is refused whose mean
    squared displacement over a block is less than the square of one hop.

    Args:
        positions: unwrapped, shape (frames, particles, 3) [length].
        interval: between frames [time].
        hop: distance between sites [length].
        what: name of the run in messages.

    Returns:
        Diffusivity [length^2/time].

    Raises:
        AtomisticError: if the trajectory is too short; says the length that is needed.

    Source: Frenkel & Smit, Understanding Molecular Simulation, 2nd ed. (2002), section 4.4.2.
    """
    frames = len(positions)
    found = _blocks(positions, interval, what)
    _refuse_short(found.value, hop, frames // _BLOCKS * interval, frames * interval, what)
    return found


def _blocks(
    positions: Array, interval: float, what: str, reach: tuple[float, float] | None = None
) -> Diffusion:
    """Return the sixth part of the slope of the mean squared displacement, block by block.

    Args:
        positions: unwrapped, shape (frames, particles, 3) [length].
        interval: between frames [time].
        what: name of the run in messages.
        reach: shortest and longest lag of the fit [time]; None for parts of a block.
    """
    frames = len(positions)
    length = frames // _BLOCKS
    if length < 20:
        raise AtomisticError(f"{what}: {frames} frames are too few, take at least {20 * _BLOCKS}")
    low, high = (
        (part * length for part in _LAGS) if reach is None else (lag / interval for lag in reach)
    )
    if high > _LAGS[1] * length:
        needed = high / _LAGS[1] * _BLOCKS * interval
        raise AtomisticError(
            f"{what}: the trajectory of {frames * interval:.3g} is too short for lags of "
            f"{high * interval:.3g}; at least {needed:.3g} is needed"
        )
    lags = np.unique(np.linspace(low, high, 8).astype(np.intp))
    if lags[0] < 1 or len(lags) < 2:
        raise AtomisticError(f"{what}: frames every {interval:.3g} are too seldom; store more")
    curves = [
        mean_squared_displacement(positions[start : start + length], lags)
        for start in range(0, length * _BLOCKS, length)
    ]
    slopes = np.array([np.polyfit(lags * interval, curve, 1)[0] / 6.0 for curve in curves])
    return Diffusion(
        float(slopes.mean()),
        float(slopes.std(ddof=1) / np.sqrt(_BLOCKS)),
        tuple(map(float, slopes)),
    )


def _refuse_short(value: float, hop: float, block: float, whole: float, what: str) -> None:
    travelled = 6.0 * value * block
    if travelled >= hop**2:
        return
    reason = f"{what}: the trajectory of {whole:.3g} is too short for a diffusivity"
    if travelled <= 0.01 * hop**2:
        raise AtomisticError(
            f"{reason}: hardly any particle has left its site, more than {100.0 * whole:.2g} is "
            "needed; take a higher temperature"
        )
    raise AtomisticError(
        f"{reason}: particles move {np.sqrt(travelled):.2g} within a fifth of it, a hop is "
        f"{hop:.2g}; about {whole * hop**2 / travelled:.2g} is needed"
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error.

    Attributes:
        value: the mean.
        error: its standard error, from blocks.
    """

    value: float
    error: float


def block_mean(values: Array) -> Estimate:
    """Return the mean of a series, its error from blocks long enough to be independent.

    Args:
        values: shape (frames,).
    """
    length = len(values) // _BLOCKS
    means = values[: length * _BLOCKS].reshape(_BLOCKS, length).mean(axis=1)
    return Estimate(float(means.mean()), float(means.std(ddof=1) / np.sqrt(_BLOCKS)))


def walker(
    positions: Array, interval: float, reach: tuple[float, float], what: str, wanted: str
) -> Diffusion:
    """Return the diffusivity of one walker, such as the dipole of all ions or a vacancy.

    Its error falls with the length of the run only if the lags do not grow with it, so they are
    given: as long as it remembers itself, and no longer.

    Args:
        positions: unwrapped, shape (frames, 3) [length].
        interval: between frames [time].
        reach: shortest and longest lag of the fit [time].
        what: name of the run in messages.
        wanted: what it is wanted for in messages.

    Returns:
        Diffusivity [length^2/time].

    Raises:
        AtomisticError: if the trajectory is too short to tell it from zero; says the length that is
            needed.
    """
    found = _blocks(positions[:, None, :], interval, what, reach)
    if 0.0 < 2.0 * found.error < found.value:
        return found
    length = len(positions) * interval
    # the error falls with the root of the length
    longer = length * (2.0 * found.error / found.value) ** 2 if found.value > 0.0 else np.inf
    needed = f"about {longer:.2g}" if np.isfinite(longer) else "a much longer one"
    raise AtomisticError(
        f"{what}: the trajectory of {length:.3g} is too short for {wanted} "
        f"({found.value:.2g} +- {found.error:.2g} in units of a diffusivity); {needed} is needed"
    )


def nernst_einstein(
    charges: Array, diffusivities: Array, volume: float, temperature: float
) -> Array:
    """Return the conductivity of ions that move independently [S/m], shape (blocks,).

    sigma = e^2/(V k T) sum z^2 D.

    Args:
        charges: of each ion in the box [e], shape (ions,).
        diffusivities: of each in each block [m^2/s], shape (ions, blocks).
        volume: of the box [m^3].
        temperature: [K].

    Source: Frenkel & Smit, Understanding Molecular Simulation, 2nd ed. (2002), section 4.4.
    """
    total = charges**2 @ diffusivities
    return np.asarray(total * ELEMENTARY_CHARGE**2 / (volume * BOLTZMANN * temperature))


def einstein_conductivity(
    positions: Array,
    charges: Array,
    interval: float,
    volume: float,
    temperature: float,
    reach: tuple[float, float],
    what: str,
) -> Estimate:
    """Return the conductivity with all correlations between ions [S/m].

    sigma = e^2/(6 V k T) d/dt <|sum z (r(t) - r(0))|^2>: one walker, the dipole of the ions, so
    its error is that of one ion however large the box is.

    Args:
        positions: of the ions, unwrapped, shape (frames, ions, 3) [m].
        charges: of the ions, shape (ions,) [e].
        interval: between frames [s].
        volume: of the box [m^3].
        temperature: [K].
        reach: shortest and longest lag of the fit, beyond what pairs of ions remember [s].
        what: name of the run in messages.

    Raises:
        AtomisticError: if the trajectory is too short to tell the value from zero; says the
            length that is needed.

    Source: Frenkel & Smit, Understanding Molecular Simulation, 2nd ed. (2002), section 4.4.
    """
    dipole = np.einsum("fid,i->fd", positions, charges)
    found = walker(dipole, interval, reach, f"{what} (s)", "a conductivity with correlations")
    scale = ELEMENTARY_CHARGE**2 / (volume * BOLTZMANN * temperature)
    return Estimate(found.value * scale, found.error * scale)


def permittivity(
    dipoles: Array, interval: float, volume: float, temperature: float, what: str
) -> Estimate:
    """Return the static relative permittivity from the fluctuation of the box's dipole.

    eps = 1 + <M^2>/(3 eps0 V k T) with conducting boundaries; the mean of M vanishes by symmetry.
    A trajectory is refused that is not 20 times as long as M remembers itself.

    Args:
        dipoles: of the box, shape (frames, 3) [C m].
        interval: between frames [s].
        volume: of the box [m^3].
        temperature: [K].
        what: name of the run in messages.

    Raises:
        AtomisticError: if the trajectory is too short; says the length that is needed.

    Source: Neumann, Mol. Phys. 50, 841 (1983).
    """
    length = len(dipoles) * interval
    memory = correlation_time(dipoles) * interval
    if length < 20.0 * memory:
        raise AtomisticError(
            f"{what}: the trajectory of {length:.3g} s is too short for a permittivity: the dipole "
            f"remembers itself for {memory:.2g} s; at least {20.0 * memory:.2g} s is needed"
        )
    square = block_mean(np.sum(dipoles**2, axis=1))
    scale = 1.0 / (3.0 * VACUUM_PERMITTIVITY * volume * BOLTZMANN * temperature)
    return Estimate(1.0 + square.value * scale, square.error * scale)


def correlation_time(vectors: Array) -> float:
    """Return the integral of the autocorrelation up to its first zero [frames].

    Args:
        vectors: shape (frames, 3), of zero mean.
    """
    count = len(vectors)
    spectrum = np.fft.rfft(vectors, n=2 * count, axis=0)
    raw = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:count].sum(axis=1)
    curve = raw / (count - np.arange(count))
    curve /= curve[0]
    below = np.flatnonzero(curve <= 0.0)
    end = int(below[0]) if below.size else count
    return float(curve[:end].sum() - 0.5)


def finite_size(temperature: float, viscosity: float, edge: float) -> float:
    """Return what a periodic cube takes from a diffusivity [m^2/s].

    2.837297 k T/(6 pi eta L).

    Args:
        temperature: [K].
        viscosity: of the liquid [Pa s].
        edge: of the cube [m].

    Source: Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004), eq. 12.
    """
    return 2.837297 * BOLTZMANN * temperature / (6.0 * np.pi * viscosity * edge)


def arrhenius(
    temperatures: Sequence[float], values: Sequence[Estimate | Diffusion], at: float
) -> tuple[float, float, LogNormal]:
    """Fit an Arrhenius law through diffusivities and extrapolate it.

    Args:
        temperatures: at least two [K].
        values: diffusivity at each, its unit that of the result.
        at: temperature to extrapolate to [K].

    Returns:
        Activation energy [J/mol], its standard error [J/mol], and the value at ``at`` with the
        factor of its standard error.

    Raises:
        AtomisticError: if there are fewer than two temperatures or a value has no error.
    """
    if len(values) < 2 or any(not 0.0 < one.error < one.value for one in values):
        raise AtomisticError(
            "an activation energy needs two temperatures at least, with errors below the values"
        )
    x = 1.0 / np.asarray(temperatures)
    y = np.log([one.value for one in values])
    sigma = np.array([one.error / one.value for one in values])
    design = np.stack([np.ones_like(x), x - 1.0 / at], axis=1) / sigma[:, None]
    covariance = np.linalg.inv(design.T @ design)
    level, slope = covariance @ design.T @ (y / sigma)
    factor = float(np.exp(np.sqrt(covariance[0, 0])))
    return (
        float(-slope * GAS_CONSTANT),
        float(np.sqrt(covariance[1, 1]) * GAS_CONSTANT),
        LogNormal(float(np.exp(level)), factor),
    )
