"""Limits of reactions in the pores of the film: filling, depth, books."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval
from interphase.models.analytic import pore_filling, porous_electrode
from interphase.models.electrons import Tunnelling
from interphase.models.interpolation import Array, profile
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.film import OPEN, TEMPERATURE, WIDTH, advance, boltzmann
from interphase.solvers.balance import BalanceSheet
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import film_state
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

_POTENTIAL = 0.1
_POROSITY = 0.5
_DEPTH = 10.0 * WIDTH


def _organic(**case: object) -> SEIGrowth:
    """Return organic film with 50 % pores that R1 grows and fills."""
    names = {"phases": ("electrode", "Li2EDC", "electrolyte"), "reactions": ("R1",)}
    model = build_model(
        ModelCase(**{**names, "pore_reactions": ("R1",), **case}),
        load_table("graphite_carbonate"),
        Seeds(law="none"),
    )
    return replace(model, initial_porosity=np.full(len(model.solids), _POROSITY))


def _threshold(model: SEIGrowth) -> float:
    if model.pores is None:
        raise RuntimeError("the model was asked for reactions in pores")
    return model.pores.threshold


def _film(solver: FilmSolver, shares: Array) -> FilmState:
    x = solver.space.points[:, 0]
    solid = np.repeat(shares[:, None], x.size, axis=1)
    return film_state(solver, profile(x - _DEPTH, solver.model.front.width), solid)


def _held(time: float) -> Drive:
    return Drive(_POTENTIAL, 0.0, TEMPERATURE)


def filling(comm: MPI.Comm) -> Check:
    """T23: pores fill by the closed form at a constant rate."""
    model = _organic(electron_channels=(), transport=())
    set_, spacing = model.reactions, 4.0 * WIDTH
    # The walls advance by a tenth of the spacing per second, everywhere.
    speed = 0.1 * spacing
    model = replace(
        model, tunnelling=Tunnelling(np.array([OPEN])), pore_spacing=spacing,
        reactions=replace(
            set_, rate=np.array([speed / float(set_.volume_rate[0])]),
            interstitial_rate=np.zeros(1), reference_potential=np.full(1, _POTENTIAL),
        ),
    )  # fmt: skip
    space = NodalSpace(interval(comm, 30.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    state = advance(
        solver, _film(solver, np.array([1.0 - _POROSITY])), 2.0, _held, first=0.01, longest=0.02
    )
    inside = np.abs(space.points[:, 0] - 0.5 * _DEPTH) < WIDTH
    porosity = space.sum(state.pore * inside) / space.sum(1.0 * inside)
    threshold = _threshold(model)
    expected = float(pore_filling(2.0, _POROSITY, threshold, speed, spacing))
    return relative("T23 filling of pores, what is still open [-]",
                    expected - threshold, porosity - threshold, 0.01)  # fmt: skip


def depth(comm: MPI.Comm) -> tuple[Check, Check]:
    """T23: carriers that react on their way through a porous layer (Thiele modulus 2)."""
    model = _organic(electron_channels=("interstitial",), transport=())
    set_, carriers = model.reactions, model.interstitial
    if carriers is None:
        raise RuntimeError("the model was asked for carriers")
    solid, threshold = 1.0 - _POROSITY, _threshold(model)
    conductance = solid * float(carriers.diffusivity[0]) * carriers.concentration_ref
    area = 4.0 / model.pore_spacing * solid * (_POROSITY - threshold) / (1.0 - threshold)
    # k such that m L = 2.
    each = 4.0 * conductance / (area * _DEPTH**2)
    model = replace(model, reactions=replace(
        set_, interstitial_rate=np.array([each / float(set_.electrons[0])])))  # fmt: skip
    flux, walls = porous_electrode(_DEPTH, conductance, each * area, each)
    space = NodalSpace(interval(comm, _DEPTH + 5.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    state = before = _film(solver, np.array([solid]))
    step = 0.002 * WIDTH / (float(set_.volume_rate[0]) * flux * boltzmann(_POTENTIAL))
    for _ in range(6):
        before = state
        state, _ = solver.step(state, step, _held(0.0))
    entered = state.books.electrons_carrier - before.books.electrons_carrier
    entered /= step * space.geometry.area * boltzmann(_POTENTIAL)
    inside = space.integral(state.phi * state.shares[0] - before.phi * before.shares[0])
    grown = space.integral(state.phi - before.phi) * solid
    return (
        relative("T23 carriers into a porous layer, flux at c_ref [mol/(m2 s)]",
                 flux, entered, 0.005),
        relative("T23 carriers into a porous layer, part of its walls [-]",
                 walls, (inside - grown) / inside, 0.005),
    )  # fmt: skip


def books(comm: MPI.Comm) -> tuple[Check, Check]:
    """T23: elements and charge while R1 to R3 fill pores under tunnelling and carriers."""
    model = build_model(
        ModelCase(pore_reactions=("R1", "R2", "R3"), deposition="proportional"),
        load_table("graphite_carbonate"), Seeds(law="none"),
    )  # fmt: skip
    model = replace(model, pore_spacing=WIDTH)
    space = NodalSpace(interval(comm, _DEPTH + 10.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    state = _film(solver, np.array([0.1, 0.15, 0.0, 0.25]))
    state = replace(state, books=replace(state.books, initial=BalanceSheet(solver).opening(state)))
    state = advance(solver, state, 600.0, _held, first=1e-3, longest=30.0)
    balance = BalanceSheet(solver).check(state)
    return (
        absolute("T23 filling of pores, imbalance of the worst element [-]",
                 0.0, balance.worst_element, 1e-10),
        absolute("T23 filling of pores, imbalance of charge [-]", 0.0, balance.charge, 1e-10),
    )  # fmt: skip
