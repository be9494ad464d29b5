"""Limits of the conversion of one solid into another: moles, pores, speed, split of carriers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from mpi4py import MPI

from interphase.meshes.builders import interval
from interphase.models.analytic import porosity_after
from interphase.models.electrons import Tunnelling
from interphase.models.interpolation import Array, logistic, profile
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.program import Drive
from interphase.parameters.table import load_table
from interphase.scripts.verification.check import Check, relative
from interphase.scripts.verification.film import OPEN, TEMPERATURE, WIDTH, advance, boltzmann
from interphase.solvers.booking import inventory
from interphase.solvers.film import FilmSolver
from interphase.solvers.initial import film_state
from interphase.solvers.space import NodalSpace
from interphase.solvers.state import FilmState

_POTENTIAL = 0.1
# Width [m] where carriers split. With porous carbonate the harmonic mean by solid fraction is about
# 0.16 l short of the layer's resistance: 3.9 % at l = 1 nm.
_NARROW = 0.5 * WIDTH


def _model(channels: tuple[str, ...]) -> SEIGrowth:
    """Return carbonate and organic of the default table, grown by R1 and converted by R4."""
    case = ModelCase(
        phases=("electrode", "Li2CO3", "Li2EDC", "electrolyte"), reactions=("R1", "R4"),
        electron_channels=channels, transport=(),
    )  # fmt: skip
    return build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))


def _layers(solver: FilmSolver, inner: float, outer: float, solid: float) -> FilmState:
    """Return ``inner`` [m] of carbonate, the part ``solid`` dense, under ``outer`` of organic."""
    x, width = solver.space.points[:, 0], solver.model.front.width
    part = logistic(inner - x, width)
    return film_state(
        solver, profile(x - inner - outer, width), np.stack([solid * part, 1.0 - part])
    )


def _held(time: float) -> Drive:
    return Drive(_POTENTIAL, 0.0, TEMPERATURE)


def conversion(comm: MPI.Comm) -> tuple[Check, Check, Check]:
    """T22: R4 turns organic into carbonate: moles close, 27 % of the volume opens, at v = V R."""
    model = _model(())
    set_ = model.reactions
    # R1 stands still; the boundary moves at one width per second at the reference potential.
    speed = np.array([0.0, WIDTH / set_.molar_volume[1]])
    model = replace(
        model, tunnelling=Tunnelling(np.array([OPEN, OPEN])),
        reactions=replace(
            set_, rate=speed, interstitial_rate=np.zeros(2),
            reference_potential=np.full(2, _POTENTIAL),
        ),
    )  # fmt: skip
    space = NodalSpace(interval(comm, 16.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    start = _layers(solver, 2.0 * WIDTH, 10.0 * WIDTH, 1.0)
    middle = advance(solver, start, 2.0, _held, first=0.05, longest=0.1)
    end = advance(solver, middle, 4.0, _held, longest=0.1, first=0.05)

    def moles(state: FilmState) -> Array:
        return np.array([space.sum(a) for a in inventory(space, set_, state.phi, state.shares)])

    made, used = moles(end) - moles(start)
    x = space.points[:, 0]
    here = np.abs(x - 4.0 * WIDTH) < 0.5 * WIDTH
    porosity = space.sum(end.pore * here) / space.sum(1.0 * here)
    volumes = set_.molar_volume
    expected = porosity_after(float(volumes[1]), 2.0 * float(volumes[0]))
    # The profile has settled by 2 s.
    moved = (moles(middle) - moles(end))[1] * volumes[1] / space.geometry.area
    return (
        relative(
            "T22 conversion R4, carbonate made per organic used [-]", 2.0, -made / used, 1e-10
        ),
        relative("T22 conversion R4, porosity left behind [-]", expected, porosity, 0.01),
        relative(
            "T22 conversion R4, way of the boundary from 2 to 4 s [m]", 2.0 * WIDTH, moved, 0.01
        ),
    )


def split(comm: MPI.Comm) -> tuple[Check, Check]:
    """R4 and R1 share the carriers that cross 4 nm of carbonate under 6 nm of organic.

    Da of R4 is 15 in the carbonate. Sharp problem: (1 - c)/R_i = a c + c/(R_o + 1/b) with the
    layers' resistances R and the reactions a at the boundary and b at the front. The sink needs
    about 2 l of organic in front of it.
    """
    inner, outer = 4.0 * WIDTH, 6.0 * WIDTH
    model = _model(("interstitial",))
    set_, carriers = model.reactions, model.interstitial
    if carriers is None:
        raise RuntimeError("the model was asked for carriers")
    model = replace(model, front=replace(model.front, width=_NARROW))
    volumes = set_.molar_volume
    solid = float(2.0 * volumes[0] / volumes[1])
    conductance = carriers.diffusivity * carriers.concentration_ref
    inward, outward = inner / (solid * conductance[0]), outer / conductance[1]
    front, boundary = (float(rate) for rate in 2.0 * set_.interstitial_rate)
    onward = boundary + 1.0 / (outward + 1.0 / front)
    level = 1.0 / (1.0 + inward * onward)
    flux = boltzmann(_POTENTIAL) * level * onward
    share = boundary / onward

    space = NodalSpace(interval(comm, inner + outer + 5.0 * WIDTH, _NARROW / 8.0))
    solver = FilmSolver(space, model)
    state = _layers(solver, inner, outer, solid)
    # Twelve steps of 0.005 l, in which the profiles settle; the last one is measured.
    step = 0.005 * _NARROW / (float(volumes[1]) * flux / 2.0)
    before = state
    for _ in range(12):
        before = state
        state, _ = solver.step(state, step, _held(0.0))
    entered = state.books.electrons_carrier - before.books.electrons_carrier
    entered /= step * space.geometry.area
    grown, converted = state.books.extents - before.books.extents
    return (
        relative("R4 on carriers, flux into the film [mol/(m2 s)]", flux, entered, 0.03),
        relative(
            "R4 on carriers, part that it takes [-]", share, converted / (grown + converted), 0.03
        ),
    )


def columns(comm: MPI.Comm) -> tuple[Check, Check]:
    """T24: columns of carbonate rise through a leaky mixture on the carriers that cross them.

    Half the organic of a film of 12 l is carbonate already, below 2 l all of it; nothing deposits.
    Sharp problem: c (1 + b B/D) = 1 with the layer's thickness B and the reaction b of the half
    that is left, dB/dt = v c, so B + b B^2/(2 D) grows at v: to 6 l, and the same from 2 l on.
    """
    model = _model(("interstitial",))
    set_, carriers = model.reactions, model.interstitial
    if carriers is None:
        raise RuntimeError("the model was asked for carriers")
    model = replace(
        model,
        proportional=True,
        nucleation=None,
        lateral_spacing=1.0e3,
        reactions=replace(set_, interstitial_rate=set_.interstitial_rate * np.array([1.0e-6, 1.0])),
    )
    volumes = set_.molar_volume
    solid, left, inner, outer = float(2.0 * volumes[0] / volumes[1]), 0.5, 2.0 * WIDTH, 6.0 * WIDTH
    layer = solid * float(carriers.diffusivity[0]) * carriers.concentration_ref
    per_area = left * 2.0 * float(set_.interstitial_rate[1]) / (2.0 * layer)
    speed = float(volumes[1] * set_.interstitial_rate[1]) * boltzmann(_POTENTIAL)

    def way(thickness: float) -> float:
        return thickness + per_area * thickness**2

    space = NodalSpace(interval(comm, 16.0 * WIDTH, WIDTH / 8.0))
    solver = FilmSolver(space, model)
    x = space.points[:, 0]
    part = np.where(x < inner, 1.0, 1.0 - left)
    state = film_state(
        solver, profile(x - 12.0 * WIDTH, WIDTH), np.stack([solid * part, 1.0 - part])
    )

    def moles(state: FilmState) -> float:
        return float(
            space.sum(inventory(space, set_, state.phi, state.shares)[1]) / space.geometry.area
        )

    start, steps = moles(state), 80
    reached = [inner + (outer - inner) * n / steps for n in range(steps + 1)]
    for a, b in pairwise(reached):
        state, _ = solver.step(state, (way(b) - way(a)) / speed, _held(0.0))
    risen = (start - moles(state)) * float(volumes[1]) / left
    above = (x > outer + 0.5 * WIDTH) & (x < 10.0 * WIDTH)
    highest = space.max(np.where(above, state.shares[0], 0.0))
    return (
        relative("T24 columns, thickness that the layer gains [m]", outer - inner, risen, 0.03),
        relative(
            "T24 columns, share of carbonate above the layer [-]",
            solid * (1.0 - left),
            highest,
            1e-3,
        ),
    )
