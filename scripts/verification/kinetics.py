"""Limits of the rate laws: equilibrium and the slope of the logarithm of the current."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI
from scipy.integrate import quad
from scipy.optimize import brentq

from interphase.models import analytic
from interphase.models.kinetics import Marcus, MarcusHushChidsey
from interphase.models.reactions import ReactionSet, Surroundings
from interphase.models.sei import build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, absolute, failed, relative
from interphase.scripts.verification.film import ALPHA, ONSET, TEMPERATURE, film_model, thermal


def _at(potential: float, solvent: float = 1.0, salt: float = 1.0) -> Surroundings:
    """Return an open surface at ``potential`` [V] with activities of solvent and salt [-]."""
    one = np.ones(1)
    return Surroundings(potential * one, one, 0.0 * one, solvent * one, salt * one, 0.0 * one)


def _net(reactions: ReactionSet, r: int, at: Surroundings) -> float:
    """Return the net rate of reaction ``r`` [mol/(m2 s)]."""
    tunnelling, carried = reactions.rates(r, at)
    return float((tunnelling + carried)[0])


def _potential_at_rest(reactions: ReactionSet, r: int, solvent: float, salt: float) -> float:
    """Return the potential [V] at which reaction ``r`` neither runs nor runs back."""

    def net(potential: float) -> float:
        return _net(reactions, r, _at(potential, solvent, salt))

    # The sign is all that counts, so the root is found to the last digit although rates are tiny.
    return float(brentq(lambda u: np.sign(net(u)), 1.0, 5.0, xtol=1e-9))


def nernst(_: MPI.Comm) -> Check:
    """T12: phi_E - phi_l = U0 - (RT/nF) ln Q for R3 (PF6- + 3 Li+ + 2 e-), salt at 0.01."""
    case = ModelCase(
        phases=("electrode", "LiF", "electrolyte"),
        reactions=("R3",),
        electron_channels=(),
        transport=(),
    )
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    reactions = replace(model.reactions, rate=np.array([1e-9]))
    standard = float(reactions.equilibrium_potential[0])
    # Q = a(PF6-)^-1 a(Li+)^-3: PF3 leaves as a gas at its standard state.
    expected = analytic.nernst_potential(standard, 2.0, -4.0 * np.log(0.01), TEMPERATURE)
    computed = _potential_at_rest(reactions, 0, 1.0, 0.01)
    return absolute("T12 Nernst potential of R3 [V]", expected, computed, 1e-4)


def nernst_decade(_: MPI.Comm) -> Check:
    """T12: a decade of EC shifts the potential of R1 (2 EC, 2 e-) by 59.2 mV."""
    reactions = film_model(rate=1e-9).reactions
    shift = _potential_at_rest(reactions, 0, 1.0, 1.0) - _potential_at_rest(reactions, 0, 0.1, 1.0)
    return absolute(
        "T12 shift by a decade of EC, R1 [V]", thermal() / FARADAY * np.log(10.0), shift, 1e-4
    )


def _slope(reactions: ReactionSet, overpotential: float) -> float:
    """Return volts per decade of the rate at ``overpotential`` [V] from the reference potential."""
    low, high = ONSET + overpotential - 0.01, ONSET + overpotential + 0.01
    rates = [_net(reactions, 0, _at(u)) for u in (low, high)]
    return (high - low) / float(np.log10(rates[0] / rates[1]))


def tafel_slope(_: MPI.Comm) -> Check:
    """T13: ln(10) RT/(alpha F) per decade for a reaction of two electrons, one of them slow."""
    reactions = film_model(rate=1e-9).reactions
    return relative(
        "T13 Tafel slope [V/decade]",
        analytic.tafel_slope(ALPHA, TEMPERATURE),
        _slope(reactions, -0.5),
        0.01,
    )


def tafel_slope_of_marcus(_: MPI.Comm) -> Check:
    """T13: the slope of Marcus kinetics is that of alpha = (1 + F eta/lambda)/2 at eta = -0.5 V."""
    overpotential, energy = -0.5, 1.5
    reactions = replace(film_model(rate=1e-9).reactions, kinetics=Marcus(energy * FARADAY))
    alpha = 0.5 * (1.0 + overpotential / energy)
    return relative(
        "T13 slope of Marcus at -0.5 V [V/decade]",
        analytic.tafel_slope(alpha, TEMPERATURE),
        _slope(reactions, overpotential),
        0.01,
    )


def plateau_of_mhc(_: MPI.Comm) -> tuple[Check, Check]:
    """T13: Marcus-Hush-Chidsey kinetics at -0.5 V, and its plateau sqrt(4 pi lambda)/I(0).

    I is the integral of Chidsey's equation in units of RT, here by adaptive quadrature; on the
    plateau every electron of the Fermi sea counts and it is that of the whole Gaussian.
    """
    energy = 1.5 * FARADAY
    reactions = replace(film_model(rate=1e-9).reactions, kinetics=MarcusHushChidsey(energy))
    lam = energy / thermal()

    def integral(overpotential: float) -> float:
        centre = lam + overpotential * FARADAY / thermal()
        span = 12.0 * np.sqrt(2.0 * lam)
        value, _ = quad(
            lambda x: np.exp(-((x - centre) ** 2) / (4.0 * lam) - np.logaddexp(0.0, x)),
            -span, centre + span, points=[0.0, 0.5 * centre, centre], limit=400, epsrel=1e-10,
        )  # fmt: skip
        return float(value)

    def computed(overpotential: float) -> float:
        return _net(reactions, 0, _at(ONSET + overpotential)) / _net(reactions, 0, _at(ONSET))

    plateau = np.sqrt(4.0 * np.pi * lam) / integral(0.0)
    return (
        relative(
            "T13 Marcus-Hush-Chidsey at -0.5 V, rate over that at 0 V [-]",
            integral(-0.5) / integral(0.0),
            computed(-0.5),
            0.01,
        ),
        relative(
            "T13 plateau of Marcus-Hush-Chidsey, rate over that at 0 V [-]",
            float(plateau),
            computed(-2.8),
            0.01,
        ),
    )


def carriers_at_rest(_: MPI.Comm) -> Check:
    """T12: localised electrons come to rest with R1 at c = c_ref exp(-F U_eq/RT) prod a^(nu/n).

    Whatever the electrode's potential, here 0.1 V, with a tenth of the solvent.
    """
    reactions = film_model(carrier_rate=1e-9).reactions

    def net(level: float) -> float:
        at = replace(_at(0.1, 0.1), probability=np.zeros(1), carrier=np.exp([level]))
        return _net(reactions, 0, at)

    name = "T12 carriers at rest with R1, ln(c/c_ref) [-]"
    if net(-150.0) >= 0.0:
        return failed(name)
    computed = brentq(lambda level: np.sign(net(level)), -150.0, -1.0, xtol=1e-9)
    # A = n (F U_eq/RT + ln c) + 2 ln(0.1) = 0 for two EC and two electrons.
    expected = -float(reactions.equilibrium_potential[0]) * FARADAY / thermal() - np.log(0.1)
    return absolute(name, float(expected), float(computed), 1e-4)
