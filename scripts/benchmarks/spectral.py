"""Yardsticks: the same problems by spectral and explicit NumPy programs, as fast as is simple."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import fft

from interphase.models.interpolation import Array
from interphase.scripts.benchmarks import ordering, spinodal
from interphase.scripts.benchmarks.record import Outcome, Run

EXPLICIT_STEP: Final = 2.5e-3
"""Of the explicit differences: the bound by the fourth derivative on a grid of unit cells."""


def sbdf2(cells: int, until: float, step: float = 0.1) -> Run:
    """Return BM1b by cosines of cell centres and two-step semi-implicit differences."""
    law, mobility = spinodal.ENERGY, spinodal.MOBILITY
    h = spinodal.SIDE / cells
    centres = (np.arange(cells) + 0.5) * h
    x, y = np.meshgrid(centres, centres, indexing="ij")
    wave = np.pi * np.arange(cells) / spinodal.SIDE
    square = wave[:, None] ** 2 + wave[None, :] ** 2
    start = spinodal.initial(x, y)
    stiff = mobility * law.gradient_coefficient * square**2

    def energy(field: Array, spectrum: Array) -> float:
        gradient = 0.5 * law.gradient_coefficient * np.sum(square * spectrum**2)
        return float(h**2 * (np.sum(law.density(field)) + gradient))

    def work() -> Outcome:
        steps = round(until / step)
        field, now = start, fft.dctn(start, norm="ortho")
        before, force_before = now, None
        for _ in range(steps):
            force = (-mobility * square) * fft.dctn(law.derivative(field), norm="ortho")
            if force_before is None:
                new = (now + step * force) / (1.0 + step * stiff)
            else:
                rhs = 2.0 * now - 0.5 * before + step * (2.0 * force - force_before)
                new = rhs / (1.5 + step * stiff)
            before, now, force_before = now, new, force
            field = fft.idctn(now, norm="ortho")
        error = energy(field, now) / spinodal.REFERENCE[until] - 1.0
        return Outcome(steps, cells**2, error, note=f"dt = {step:g}")

    return work


def explicit(cells: int, until: float, steps: int) -> Run:
    """Return BM1b by explicit five-point differences, only the first ``steps``."""
    law, mobility = spinodal.ENERGY, spinodal.MOBILITY
    h = spinodal.SIDE / cells
    centres = (np.arange(cells) + 0.5) * h
    start = spinodal.initial(*np.meshgrid(centres, centres, indexing="ij"))

    def laplacian(field: Array) -> Array:
        padded = np.pad(field, 1, mode="edge")
        out = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2]
        return np.asarray((out - 4.0 * field) / h**2)

    def work() -> Outcome:
        field = start.copy()
        for _ in range(steps):
            potential = law.derivative(field) - law.gradient_coefficient * laplacian(field)
            field += EXPLICIT_STEP * mobility * laplacian(potential)
        scale = until / EXPLICIT_STEP / steps
        return Outcome(steps, cells**2, scale=scale, note=f"{steps} steps run, then scaled")

    return work


def etd2rk(cells: int, until: float, step: float) -> Run:
    """Return Allen-Cahn by Fourier modes and exponential Runge-Kutta of second order.

    Source: Cox & Matthews, J. Comput. Phys. 176, 430 (2002), eq. 22; its error is against its own
    limit dt -> 0.
    """
    start = ordering.initial(cells)
    wave = 2.0 * np.pi * np.fft.fftfreq(cells)
    half = 2.0 * np.pi * np.fft.rfftfreq(cells)
    square = wave[:, None] ** 2 + half[None, :] ** 2
    # Every mode of the real transform stands for two, but for the first and the last.
    weight = np.where((half == 0.0) | (half == half[-1]), 1.0, 2.0)

    def march(dt: float) -> float:
        rate = 1.0 - square
        rate[np.abs(rate) < 1e-9] = 1e-9
        decay = np.exp(rate * dt)
        first = np.expm1(rate * dt) / rate
        second = (np.expm1(rate * dt) - rate * dt) / (rate**2 * dt)
        spectrum, field = fft.rfftn(start), start
        for _ in range(round(until / dt)):
            cube = fft.rfftn(-(field**3))
            guess = decay * spectrum + first * cube
            middle = fft.irfftn(guess, s=start.shape)
            spectrum = guess + second * (fft.rfftn(-(middle**3)) - cube)
            field = fft.irfftn(spectrum, s=start.shape)
        gradient = 0.5 * float(np.sum(weight * square * np.abs(spectrum) ** 2)) / cells**2
        return float(np.sum(ordering.ENERGY.density(field))) + gradient

    exact = march(0.01)

    def work() -> Outcome:
        note = f"dt = {step:g}; limit F = {exact:.6g}"
        return Outcome(round(until / step), cells**2, march(step) / exact - 1.0, note=note)

    return work


def transform_pairs(cells: int, steps: int = 20) -> Run:
    """Return one plain transform there and back per step: what no spectral step can do without."""
    field = ordering.initial(cells)

    def work() -> Outcome:
        for _ in range(steps):
            fft.irfftn(fft.rfftn(field), s=field.shape, overwrite_x=True)
        return Outcome(steps, cells**2)

    return work
