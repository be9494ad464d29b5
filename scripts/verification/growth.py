"""Growth of a flat film: one mechanism at a time against its law, exponents of the regimes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

from interphase.models import analytic
from interphase.models.interpolation import Array
from interphase.parameters.program import Drive
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.film import (
    ALPHA,
    ELECTRONS,
    ONSET,
    OPEN,
    TEMPERATURE,
    VOLUME,
    WIDTH,
    History,
    boltzmann,
    film_model,
    grow,
    tafel,
)

POTENTIAL = 0.1
"""Electrode potential of the tests at constant potential [V]."""

PERMEABILITY = 2.4e-13
"""D c_ref of localised electrons [mol/(m s)], the default table's value for the organic phase."""

START = 2.0 * WIDTH
"""Thickness at the start [m]."""

# Steps of l/20: backward Euler's own error, 0.9 % at l/10, is then 0.01 %.
_FRACTION = 0.05


def permeation() -> float:
    """Return P = D c V/z at the electrode's potential [m2/s]."""
    return PERMEABILITY * boltzmann(POTENTIAL) * VOLUME / ELECTRONS


def _carried(
    comm: MPI.Comm, damkohler: float, end: float, fraction: float = _FRACTION
) -> tuple[History, float, float]:
    """Return growth by diffusing carriers up to ``end`` [m], a = D/k [m] and the time [s].

    ``damkohler`` is k l/D of the sharp reaction.
    """
    rate = damkohler * PERMEABILITY / WIDTH / ELECTRONS
    length = WIDTH / damkohler
    until = analytic.mixed_time(end, START, permeation(), length)
    model = film_model(carrier_rate=rate, permeability=PERMEABILITY)
    height = end + 5.0 * WIDTH
    history = grow(
        comm, model, height=height, start=START, until=until, potential=POTENTIAL, fraction=fraction
    )
    return history, length, until


def diffusion_limited(comm: MPI.Comm) -> Check:
    """T7: L^2 = L0^2 + 2 K (V/z) t, from 2 l to 12 l; the reaction is 1000 times D/l."""
    history, _, until = _carried(comm, 1.0e3, 12.0 * WIDTH)
    gain = history.thickness[-1] ** 2 - history.thickness[0] ** 2
    return relative(
        "T7 diffusion-limited growth, gain of L^2 [m2]", 2.0 * permeation() * until, gain, 0.02
    )


def reaction_limited(comm: MPI.Comm) -> Check:
    """T8: dL/dt = V k exp[-alpha F (U - U_ref)/RT], over 8 l."""
    rate = 1.0e-9
    speed = VOLUME * rate * tafel(POTENTIAL)
    until = 8.0 * WIDTH / speed
    model = film_model(rate=rate, decay=OPEN)
    history = grow(
        comm,
        model,
        height=14.0 * WIDTH,
        start=START,
        until=until,
        potential=POTENTIAL,
        fraction=_FRACTION,
    )
    computed = (history.thickness[-1] - history.thickness[0]) / until
    return relative("T8 reaction-limited growth, dL/dt [m/s]", speed, computed, 0.01)


def mixed(comm: MPI.Comm) -> Check:
    """T9: (L^2 - L0^2)/2 + (D/k)(L - L0) = K (V/z) t at Da = 1, from 2 l to 12 l."""
    history, length, until = _carried(comm, 1.0, 12.0 * WIDTH)
    first, last = history.thickness[0], history.thickness[-1]
    computed = (last**2 - first**2) / 2.0 + length * (last - first)
    return relative(
        "T9 mixed growth at Da = 1, (L^2 - L0^2)/2 + a (L - L0) [m2]",
        permeation() * until,
        computed,
        0.02,
    )


def tunnelling_limited(comm: MPI.Comm) -> Check:
    """T10: L = L0 + ln(1 + beta A exp(-beta L0) t)/beta, beta l = 1, to beta (L - L0) = 7.2."""
    decay, rate = 1.0 / WIDTH, 1.0e-9
    driving = VOLUME * rate * tafel(POTENTIAL)
    until = 1.0e4 / (decay * driving)
    model = film_model(rate=rate, decay=decay)
    history = grow(
        comm,
        model,
        height=13.0 * WIDTH,
        start=START,
        until=until,
        potential=POTENTIAL,
        fraction=_FRACTION,
    )
    expected = float(analytic.tunnelling_thickness(until, START, driving, decay)) - START
    return relative(
        "T10 tunnelling-limited growth, L - L0 [m]", expected, history.thickness[-1] - START, 0.02
    )


def ramp(comm: MPI.Comm) -> Check:
    """Ramp law: dL/dt = alpha F s/(R T beta) at s = 0.4 V/h; beta l = 2."""
    decay, rate, sweep = 2.0 / WIDTH, 1.0e-7, 0.4 / 3600.0
    speed = analytic.ramp_speed(ALPHA, sweep, decay, TEMPERATURE)
    # Counted in decay lengths: the start is forgotten after 5, the speed is measured up to 14.
    span = 1.0 / (speed * decay)
    history = grow(
        comm, film_model(rate=rate, decay=decay), height=13.0 * WIDTH, start=WIDTH,
        until=14.0 * span, drive=lambda time: Drive(ONSET - sweep * time, 0.0, TEMPERATURE),
        fraction=_FRACTION, longest=span / 10.0,
    )  # fmt: skip
    early, late = history.at(np.array([6.0, 14.0]) * span)
    return relative(
        "ramp law of tunnelling growth, dL/dt [m/s]", speed, (late - early) / (8.0 * span), 0.02
    )


def _slope(x: Array, y: Array, window: npt.NDArray[np.bool_]) -> float:
    return float(np.polyfit(x[window], y[window], 1)[0])


def exponent_one(comm: MPI.Comm) -> Check:
    """Growth exponent 1: ln(L - L0) against ln t for L - L0 of 2 to 10 l, Da = 0.005."""
    history, _, _ = _carried(comm, 0.005, START + 10.0 * WIDTH, 0.1)
    gain = history.thickness - START
    window = gain >= 2.0 * WIDTH
    slope = _slope(
        np.log(np.maximum(history.time, 1e-300)), np.log(np.maximum(gain, 1e-300)), window
    )
    return absolute("exponent 1, reaction control, L - L0 of 2 to 10 l [-]", 1.0, slope, 0.03)


def exponent_half(comm: MPI.Comm) -> Check:
    """Growth exponent 1/2: ln L against ln t for L of 8 to 30 l, fast reaction, L0 = 2 l."""
    history, _, _ = _carried(comm, 1.0e3, 30.0 * WIDTH, 0.1)
    window = history.thickness >= 8.0 * WIDTH
    slope = _slope(np.log(np.maximum(history.time, 1e-300)), np.log(history.thickness), window)
    return absolute("exponent 1/2, diffusion control, L of 8 to 30 l [-]", 0.5, slope, 0.03)


def logarithmic_slope(comm: MPI.Comm) -> Check:
    """Slope 1/beta: L against ln t for beta (L - L0) of 3.5 to 8.1, beta l = 1."""
    decay, rate = 1.0 / WIDTH, 1.0e-9
    driving = VOLUME * rate * tafel(POTENTIAL)
    until = np.expm1(8.1) / (decay * driving * np.exp(-decay * START))
    model = film_model(rate=rate, decay=decay)
    history = grow(
        comm,
        model,
        height=15.0 * WIDTH,
        start=START,
        until=until,
        potential=POTENTIAL,
        fraction=_FRACTION,
    )
    window = decay * (history.thickness - START) >= 3.5
    slope = _slope(np.log(np.maximum(history.time, 1e-300)), history.thickness, window)
    return relative(
        "logarithmic slope, beta (L - L0) of 3.5 to 8.1, dL/d(ln t) [m]", 1.0 / decay, slope, 0.03
    )
