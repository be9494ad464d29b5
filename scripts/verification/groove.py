"""Resistance of a film with a groove: narrow and deep, it must not short-cut the film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI
from scipy import sparse
from scipy.sparse.linalg import spsolve

from interphase.meshes.builders import rectangle
from interphase.models.interpolation import Array, profile
from interphase.models.transport import Mixture
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.film import WIDTH, film_model
from interphase.solvers.film import FilmSolver
from interphase.solvers.space import NodalSpace

_NM = 1.0e-9
# Domain, height of the film, bottom and width of the groove in its middle [m].
_SIZE, _TOP, _BOTTOM, _GROOVE = (16.0 * _NM, 14.0 * _NM), 10.0 * _NM, 2.0 * _NM, 4.0 * _NM
# Conductivities of film and liquid [S/m].
_FILM, _LIQUID = 5.0e-6, 0.95


def _distance(x: Array, y: Array) -> Array:
    """Return the signed distance to the film's surface [m], positive in the liquid."""
    sides = 0.5 * _SIZE[0] + 0.5 * _GROOVE * np.array([-1.0, 1.0])
    corners = [
        (0.0, _TOP), (sides[0], _TOP), (sides[0], _BOTTOM), (sides[1], _BOTTOM), (sides[1], _TOP),
        (_SIZE[0], _TOP),
    ]  # fmt: skip
    nearest = np.full(x.shape, np.inf)
    for (a, b), (c, d) in zip(corners[:-1], corners[1:], strict=True):
        along = ((x - a) * (c - a) + (y - b) * (d - b)) / ((c - a) ** 2 + (d - b) ** 2)
        t = np.clip(along, 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(x - a - t * (c - a), y - b - t * (d - b)))
    groove = (x > sides[0]) & (x < sides[1]) & (y > _BOTTOM)
    return np.where((y < _TOP) & ~groove, -nearest, nearest)


def sharp_resistance(h: float = 0.0625 * _NM) -> float:
    """Return the film's resistance [ohm m2] with sharp boundaries, by finite volumes of size h.

    A uniform current enters at the electrode, the sides are periodic, the top is at zero.
    """
    columns, rows = (round(side / h) for side in _SIZE)
    x, y = np.meshgrid((np.arange(columns) + 0.5) * h, (np.arange(rows) + 0.5) * h, indexing="ij")
    kappa = np.where(_distance(x, y) < 0.0, _FILM, _LIQUID)
    cell = np.arange(columns * rows).reshape(columns, rows)
    pairs = [
        (cell, np.roll(cell, -1, 0), kappa, np.roll(kappa, -1, 0)),
        (cell[:, :-1], cell[:, 1:], kappa[:, :-1], kappa[:, 1:]),
    ]
    one = np.concatenate([a.ravel() for a, _, _, _ in pairs])
    other = np.concatenate([b.ravel() for _, b, _, _ in pairs])
    between = np.concatenate([(2.0 * p * q / (p + q)).ravel() for _, _, p, q in pairs])
    links = sparse.coo_matrix((between, (one, other)), shape=(cell.size, cell.size))
    links = (links + links.T).tocsr()
    diagonal = np.asarray(links.sum(axis=1)).ravel()
    diagonal[cell[:, -1]] += 2.0 * kappa[:, -1]
    current = np.zeros(cell.size)
    current[cell[:, 0]] = h
    potential = spsolve((sparse.diags(diagonal) - links).tocsc(), current)
    at_electrode = potential[cell[:, 0]] + 0.5 * h / kappa[:, 0]
    return float(at_electrode.mean()) - _SIZE[1] / _LIQUID


def _diffuse_resistance(comm: MPI.Comm, width: float) -> float:
    """Return the film's resistance [ohm m2] by the solver, h = l/8."""
    model = film_model(transport=("ionic_potential",))
    if model.conduction is None:
        raise RuntimeError("the model was asked for an ionic potential")
    conduction = replace(model.conduction, solid=Mixture(np.array([_FILM])), liquid=_LIQUID)
    space = NodalSpace(rectangle(comm, _SIZE, width / 8.0))
    front = replace(model.front, width=width)
    solver = FilmSolver(space, replace(model, front=front, conduction=conduction))
    phi = profile(_distance(space.points[:, 0], space.points[:, 1]), width)
    potential = solver.potential
    if potential is None:
        raise RuntimeError("the model was asked for an ionic potential")
    return potential.resistance(conduction, phi, np.ones((1, space.size)), np.zeros(space.size))


def groove(comm: MPI.Comm) -> tuple[Check, Check]:
    """T14: a groove 4 nm wide and 8 nm deep in 10 nm of film: within 5 %, falling with l."""
    expected = sharp_resistance()
    coarse, fine = (_diffuse_resistance(comm, width) for width in (WIDTH, 0.5 * WIDTH))
    errors = [abs(value / expected - 1.0) for value in (coarse, fine)]
    return (
        relative("T14 resistance of a grooved film, l = 1 nm [ohm m2]", expected, coarse, 0.05),
        absolute(
            "T14 its error at l = 0.5 nm over that at 1 nm [-]", 0.5, errors[1] / errors[0], 0.25
        ),
    )
