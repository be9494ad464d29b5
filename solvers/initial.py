"""First states of a film: a bare electrode, a planar film."""

from __future__ import annotations

import numpy as np

from interphase.models.interpolation import profile
from interphase.parameters.errors import CaseError
from interphase.parameters.program import Drive
from interphase.solvers.film import FilmSolver
from interphase.solvers.liquid import liquid_fraction
from interphase.solvers.rates import bare_speeds
from interphase.solvers.space import Array
from interphase.solvers.state import Books, FilmState, TransportClock

# A one-dimensional film cannot nucleate: it starts as a closed nucleus of this many widths.
CLOSED_NUCLEUS = 0.25
# Solid that stands for the composition where there is no film yet (it has no amount there).
_PLACEHOLDER = "Li2EDC"


def film_state(solver: FilmSolver, phi: Array, shares: Array) -> FilmState:
    """Return the state at t = 0 for a given order parameter and shares.

    Args:
        solver: the film's solver.
        phi: order parameter, (size,).
        shares: of the solids in the film, (solids, size).

    Raises:
        CaseError: a solid is there that no reaction makes.
    """
    space, model = solver.space, solver.model
    made = set(model.reactions.product)
    for a, name in enumerate(model.solids):
        if a not in made and space.max(shares[a]) > 0.0:
            raise CaseError(
                f"{name} is in the film but no reaction makes it: add one to model.reactions",
                "initial.shares",
            )
    zero = np.zeros(space.size)
    capacity = space.mass * liquid_fraction(phi, np.maximum(1.0 - shares.sum(axis=0), 0.0))
    n = len(model.reactions.names)
    sites = solver.nucleator.sites if solver.nucleator else 0
    return FilmState(
        time=0.0, step=0.0, phi=phi, phi_before=phi.copy(), shares=shares,
        action=np.full(space.size, 1e3), carrier=np.ones(space.size), potential=zero.copy(),
        solvent=capacity * model.solvent.reservoir if model.solvent else zero.copy(),
        salt=capacity * model.salt.reservoir if model.salt else zero.copy(),
        solvent_level=np.ones(space.size), salt_level=np.ones(space.size), clock=TransportClock(),
        carrier_debt=zero.copy(), charge_debt=zero.copy(),
        hazard=np.zeros((len(model.solids), sites)), draws=np.zeros((len(model.solids), sites)),
        grains=0, reservoir=1.0, wetted=1.0, books=Books(np.zeros(n), np.zeros(n)),
    )  # fmt: skip


def planar_film(solver: FilmSolver, thickness: float, shares: dict[str, float]) -> FilmState:
    """Return a flat film of ``thickness`` [m] with uniform ``shares`` that sum to at most one."""
    space, model = solver.space, solver.model
    elevation = space.geometry.elevation(space.points)
    phi = profile(elevation - thickness, model.front.width)
    unknown = set(shares) - set(model.solids)
    if unknown:
        raise CaseError(
            f"unknown phase '{sorted(unknown)[0]}'; the model has {', '.join(model.solids)}",
            "initial.shares",
        )
    fractions = np.array([shares.get(s, 0.0) for s in model.solids])
    return film_state(solver, phi, np.repeat(fractions[:, None], space.size, axis=1))


def bare_electrode(solver: FilmSolver, drive: Drive) -> FilmState:
    """Return a bare electrode; without nucleation (1-D) a closed nucleus of what deposits first."""
    space, model = solver.space, solver.model
    if solver.nucleator is None:
        bare, _ = bare_speeds(model.at_temperature(drive.temperature), drive)
        total = bare.sum()
        if not total > 0.0:
            raise CaseError(
                "nothing deposits at the start of the drive; start it at a lower potential", "drive"
            )
        fractions = {s: float(b / total) for s, b in zip(model.solids, bare, strict=True)}
        return planar_film(solver, CLOSED_NUCLEUS * model.front.width, fractions)
    shares = np.zeros((len(model.solids), space.size))
    index = model.solids.index(_PLACEHOLDER) if _PLACEHOLDER in model.solids else 0
    shares[index] = 1.0
    return film_state(solver, np.zeros(space.size), shares)
