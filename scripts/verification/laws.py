"""The one-dimensional film against growth laws as PyBaMM states them, integrated beside it.

Each law starts at the same thickness as the film and is integrated in time; the error is that of
L - L0, the largest from where it exceeds 2 L0. Held at 0.1 V, no intercalation current.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.models.analytic import GrowthCurrent, integrate_growth
from interphase.models.sei import SEIGrowth
from interphase.parameters.constants import FARADAY
from interphase.scripts.verification.check import Check, worst
from interphase.scripts.verification.film import (
    ELECTRONS,
    ONSET,
    OPEN,
    VOLUME,
    WIDTH,
    boltzmann,
    film_model,
    grow,
    tafel,
)

POTENTIAL = 0.1
"""Electrode potential [V]."""

TOLERANCE = 0.03
_FRACTION = 0.05
_LAW = GrowthCurrent(POTENTIAL)


def _compare(
    comm: MPI.Comm,
    name: str,
    model: SEIGrowth,
    current: Callable[[float], float],
    start: float,
    end: float,
) -> Check:
    """Grow the film until the law reaches ``end`` [m] and compare; both start at ``start`` [m]."""
    per_electron = VOLUME / ELECTRONS
    # Time by quadrature of dL / (dL/dt).
    path = np.linspace(start, end, 4001)
    slowness = np.array([FARADAY / (per_electron * current(x)) for x in path])
    until = float(np.trapezoid(slowness, path))
    height = end + 5.0 * WIDTH
    history = grow(
        comm,
        model,
        height=height,
        start=start,
        until=until,
        potential=POTENTIAL,
        fraction=_FRACTION,
    )
    law = (
        integrate_growth(current, history.time, history.thickness[0], per_electron)
        - history.thickness[0]
    )
    film = history.thickness - history.thickness[0]
    far = law >= 2.0 * start
    errors = np.where(far, film / np.where(far, law, 1.0) - 1.0, 0.0)
    at = int(np.argmax(np.abs(errors)))
    return worst(f"PyBaMM '{name}', L - L0 [m]", law[at], film[at], float(errors[at]), TOLERANCE)


def reaction_limited(comm: MPI.Comm) -> Check:
    """`reaction limited`: j0 = 2 F k, k = 1e-9 mol/(m2 s) at 0.8 V; 2 to 10 nm."""
    rate = 1.0e-9
    current = _LAW.reaction_limited(ELECTRONS * FARADAY * rate, ONSET)
    return _compare(
        comm,
        "reaction limited",
        film_model(rate=rate, decay=OPEN),
        current,
        2.0 * WIDTH,
        10.0 * WIDTH,
    )


def tunnelling_limited(comm: MPI.Comm) -> Check:
    """`tunnelling limited`: beta = 2 /nm, k as above; 1 to 6 nm."""
    rate, decay = 1.0e-9, 2.0 / WIDTH
    exchange = ELECTRONS * FARADAY * rate * tafel(0.0)
    current = _LAW.tunnelling_limited(exchange, decay)
    return _compare(
        comm, "tunnelling limited", film_model(rate=rate, decay=decay), current, WIDTH, 6.0 * WIDTH
    )


def interstitial_limited(comm: MPI.Comm) -> Check:
    """`interstitial-diffusion limited`: D c = 2.4e-13 mol/(m s), reaction 1000 D/l; 2 to 12 nm."""
    permeability = 2.4e-13
    rate = 1.0e3 * permeability / WIDTH / ELECTRONS
    model = film_model(carrier_rate=rate, permeability=permeability)
    current = _LAW.interstitial_limited(permeability)
    return _compare(
        comm, "interstitial-diffusion limited", model, current, 2.0 * WIDTH, 12.0 * WIDTH
    )


def ec_reaction_limited(comm: MPI.Comm) -> Check:
    """`ec reaction limited`: EC crosses the film to the electrode, k l/D = 0.3; 2 to 12 nm."""
    diffusivity, damkohler = 2.0e-18, 0.3
    model = film_model(decay=OPEN, transport=("solvent",), inner_face=True)
    solvent = model.solvent
    if solvent is None:
        raise RuntimeError("the model was asked for a solvent field")
    speed = damkohler * diffusivity / WIDTH
    # Two EC per extent: k c0 is their rate.
    rate = speed * solvent.reservoir / ELECTRONS / tafel(POTENTIAL)
    model = replace(
        model, solvent=replace(solvent, film_diffusivity=diffusivity),
        reactions=replace(model.reactions, rate=np.array([rate])),
    )  # fmt: skip
    current = _LAW.ec_reaction_limited(
        solvent.reservoir, speed / tafel(POTENTIAL), ONSET, diffusivity
    )
    return _compare(comm, "ec reaction limited", model, current, 2.0 * WIDTH, 12.0 * WIDTH)


def von_kolzenberg(comm: MPI.Comm) -> Check:
    """`VonKolzenberg2020`: L_tun = L0 = 2 nm, L_diff = l/0.3, tunnelling off; 2 to 12 nm.

    It compares the growth with thickness at one potential. With potential they differ by
    construction where the reaction limits: the film goes as exp(-F U/RT), since its rate is that of
    the carriers at hand, the law as exp(-alpha F U/RT); j0 is matched at 0.1 V.
    """
    permeability, damkohler, depth = 2.4e-13, 0.3, 2.0 * WIDTH
    rate = damkohler * permeability / WIDTH / ELECTRONS
    model = film_model(carrier_rate=rate, permeability=permeability, start_depth=depth)
    # The film's rate follows c0, hence j0 from j0 exp(-alpha eta) = 2 F k0 exp(-eta).
    exchange = ELECTRONS * FARADAY * rate * boltzmann(POTENTIAL) * tafel(0.0) / tafel(POTENTIAL)
    current = _LAW.von_kolzenberg(exchange, permeability, depth)
    return _compare(comm, "VonKolzenberg2020", model, current, depth, 12.0 * WIDTH)
