"""The film the way of DOLFINx's demos: one mixed space, Newton's method, MUMPS, quadrature.

Five fields (order parameter, localised electrons, solvent, salt, ionic potential) in linear
elements on the mesh of the case, backward Euler, everything implicit at once. All that the film has
beyond them is left out or given for nothing, which favours this way: composition, curvature and the
tunnelling action, carried along the front's normal, are frozen as the film has them at the start,
and there are no conversions, no nucleation, no books, no reverse rates, no capillary shift, no
neutral wall, no tensors and no ties between the periodic sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import NonlinearProblem
from mpi4py import MPI

from interphase.models.interpolation import signed_distance
from interphase.models.reactions import ANION, SOLVENT
from interphase.models.sei import SEIGrowth
from interphase.models.transport import LiquidSpecies
from interphase.parameters.case import Case, load_case
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import ConvergenceError
from interphase.scripts.benchmarks.films import CASES
from interphase.scripts.benchmarks.record import Outcome, Record, Run, Way, paired
from interphase.solvers.front import front_geometry
from interphase.solvers.simulation import Simulation
from interphase.solvers.space import Array
from interphase.solvers.state import FilmState

_OPTIONS: Final = {
    "snes_type": "newtonls",
    "snes_linesearch_type": "none",
    "snes_stol": 0.0,
    "snes_atol": 0.0,
    "snes_rtol": 1.0e-6,
    "snes_max_it": 25,
    "ksp_type": "preonly",
    "pc_type": "lu",
    "pc_factor_mat_solver_type": "mumps",
}
# Exact for the products of the local terms, not for their exponentials: fewer points, faster.
_DX: Final = ufl.dx(metadata={"quadrature_degree": 4})
# A pore or a dense film keeps a trace of liquid as unknown, as in the film's own solver.
_TRACE: Final = 1.0e-9


@dataclass(frozen=True)
class Stretch:
    """A piece of a film's history that both ways go through.

    Attributes:
        simulation: the film's own.
        state: at the beginning.
        steps: that the film's step control has chosen [s].
    """

    simulation: Simulation
    state: FilmState
    steps: tuple[float, ...]


def stretch(case: Case, begin: float, end: float) -> Stretch:
    """Return a piece of a case's history from ``begin`` to ``end`` [s]."""
    simulation = Simulation.from_case(case, comm=MPI.COMM_SELF)
    simulation.run(begin)
    state, first = simulation.state, len(simulation.rows)
    simulation.run(end)
    return Stretch(simulation, state, tuple(row["step"] for row in simulation.rows[first:]))


def own_way(piece: Stretch, count: int) -> Run:
    """Return the film's own steps; the growth of the first ``count`` is noted."""
    problem = piece.simulation.problem
    before = problem.space.integral(piece.state.phi)

    def work() -> Outcome:
        state, growth = piece.state, 0.0
        for i, dt in enumerate(piece.steps):
            drive = problem.program.at(state.time + 0.5 * dt)
            state, _ = problem.solver.step(state, dt, drive)
            if i + 1 == count:
                growth = problem.space.integral(state.phi) / before - 1.0
        note = (
            f"all fields, shares, conversions and books; film grows by {100 * growth:.1f} % in the"
            f" first {count} steps"
        )
        return Outcome(len(piece.steps), problem.space.size, note=note)

    return work


def monolithic(piece: Stretch, count: int) -> Run:
    """Return the first ``count`` steps by the mixed space, scaled to all of them."""
    problem = piece.simulation.problem
    mixed = MixedFilm(piece)

    def work() -> Outcome:
        mixed.start()
        before, time, newton = mixed.volume(), piece.state.time, 0
        for dt in piece.steps[:count]:
            drive = problem.program.at(time + 0.5 * dt)
            newton += mixed.step(dt, drive.potential)
            time += dt
        growth = mixed.volume() / before - 1.0
        note = (
            f"five fields, {newton / count:.1f} Newton iterations per step; film grows by "
            f"{100 * growth:.1f} % in {count} steps, then scaled to all"
        )
        scale = len(piece.steps) / count
        return Outcome(count, problem.space.size, scale=scale, note=note)

    return work


def beside_the_demo(say: Callable[[str], None], repeats: int, count: int = 2) -> list[Record]:
    """Measure ``mosaic_formation`` at h = l/6 both ways, by turns, at the start of the hold phase.

    Earlier, on seeds of a few widths, its undamped Newton iteration diverges with these steps.
    """
    size = "mesh.cell_size=0.16666666666666666 nm"
    piece = stretch(load_case(CASES / "mosaic_formation.yaml", [size]), 1710.0, 1760.0)
    ways = [
        Way("interphase", partial(own_way, piece, count)),
        Way("DOLFINx demo's way", partial(monolithic, piece, count), reference=True),
    ]
    return paired("mosaic_formation, h = l/6, both ways", ways, repeats, say=say)


class MixedFilm:
    """The mixed problem: fields (phi, w, c_solvent, c_salt, F phi_l/RT), the last three scaled."""

    def __init__(self, piece: Stretch) -> None:
        self._piece, self._space = piece, piece.simulation.problem.space
        mesh = self._space.geometry.mesh
        linear = basix.ufl.element("Lagrange", mesh.basix_cell(), 1)
        mixed = fem.functionspace(mesh, basix.ufl.mixed_element([linear] * 5))
        self._now, self._before = fem.Function(mixed), fem.Function(mixed)
        width = piece.simulation.problem.width
        self._front = front_geometry(
            self._space, piece.simulation.problem.solver.graph,
            signed_distance(piece.state.phi, width), width,
        )  # fmt: skip
        self._dt, self._drive = fem.Constant(mesh, 1.0), fem.Constant(mesh, 0.0)
        self._problem = NonlinearProblem(
            self._residual(mixed),
            self._now,
            bcs=self._held(mixed),
            petsc_options_prefix="benchmark_film_",
            petsc_options=_OPTIONS,
        )
        self._film = fem.form(ufl.split(self._now)[0] * _DX)

    def start(self) -> None:
        """Take the film's fields as they are at the beginning."""
        state = self._piece.state
        temperature = self._piece.simulation.problem.model.reactions.temperature
        scaled = FARADAY * state.potential / (GAS_CONSTANT * temperature)
        levels = (state.solvent_level, state.salt_level, scaled)
        for i, values in enumerate((state.phi, np.clip(state.carrier, 0.0, 1.0), *levels)):
            self._now.sub(i).interpolate(self._nodal(values))
        self._now.x.scatter_forward()

    def step(self, dt: float, potential: float) -> int:
        """Make a step of ``dt`` [s] at an electrode ``potential`` [V]; return Newton iterations."""
        self._dt.value, self._drive.value = dt, potential
        self._before.x.array[:] = self._now.x.array
        self._problem.solve()
        if self._problem.solver.getConvergedReason() <= 0:
            raise ConvergenceError("the film by the demo's way: Newton did not converge")
        return int(self._problem.solver.getIterationNumber())

    def volume(self) -> float:
        """Return the integral of phi over the mesh."""
        return float(fem.assemble_scalar(self._film))

    def _nodal(self, values: Array) -> Any:
        function = fem.Function(self._space.space)
        function.x.array[:] = self._space.full(values)
        return function

    def _held(self, mixed: Any) -> list[Any]:
        """Return w = 1 at the electrode; liquid and potential as in the reservoir at the top."""
        geometry = self._space.geometry
        dimension = geometry.mesh.topology.dim - 1
        held = {1: ("electrode", 1.0), 2: ("bulk", 1.0), 3: ("bulk", 1.0), 4: ("bulk", 0.0)}
        out = []
        for i, (name, value) in held.items():
            facets = geometry.facet_tags.find(geometry.boundaries[name])
            dofs = fem.locate_dofs_topological(mixed.sub(i), dimension, facets)
            out.append(fem.dirichletbc(value, dofs, mixed.sub(i)))
        return out

    def _residual(self, mixed: Any) -> Any:
        """Return the weak form; every equation is scaled to the size of its own terms."""
        model = self._piece.simulation.problem.model
        phi, w, solvent, salt, psi = ufl.split(self._now)
        old, old_w, old_solvent, old_salt, old_psi = ufl.split(self._before)
        a, b, c, d, e = ufl.TestFunctions(mixed)
        dt, front = self._dt, model.front
        density = 4.0 / front.width * phi * (1.0 - phi)
        rates = self._rates(model, w, solvent, salt, psi)
        volume = model.reactions.volume_rate
        speed = sum(volume[r] * rate for r, (rate, _) in rates.items())
        bend = self._nodal(np.where(self._front.band, self._front.curvature, 0.0))
        # The profile relaxes at the pace of the last step's front, as in the film's own solver.
        lagged = self._rates(model, old_w, old_solvent, old_salt, old_psi)
        pace = sum(volume[r] * rate for r, (rate, _) in lagged.items())
        relax = front.factor / front.width * (abs(pace) + 1e-16)
        local = phi * (1.0 - phi) * (1.0 - 2.0 * phi + 0.25 * front.width * bend)
        gradient = front.width**2 / 16.0 * relax * ufl.inner(ufl.grad(phi), ufl.grad(a))
        form = ((phi - old) * a + dt * (relax * local * a + gradient - speed * density * a)) * _DX
        form += self._carriers(model, phi, w, psi, density, rates, b)
        for species, level, before, v, name in (
            (model.solvent, solvent, old_solvent, c, SOLVENT),
            (model.salt, salt, old_salt, d, ANION),
        ):
            if species is None:
                continue
            nu = model.reactions.column(name)
            used = -sum(nu[r] * rate for r, (rate, _) in rates.items()) / species.reservoir
            form += self._dissolved(species, phi, old, (level, before), density * used, v)
        return form + self._current(model, phi, psi, density, rates, e)

    def _rates(
        self, model: SEIGrowth, w: Any, solvent: Any, salt: Any, psi: Any
    ) -> dict[int, tuple[Any, Any]]:
        """Return (all, by carriers) rates of the depositions [mol/(m2 s)] by reaction."""
        set_, state = model.reactions, self._piece.state
        thermal = GAS_CONSTANT * set_.temperature / FARADAY
        behind = self._drive / thermal - psi
        (action,) = self._front.at_front(self._space, [state.action])
        tunnelled = self._nodal(np.where(self._front.band, np.exp(-2.0 * action), 0.0))
        out = {}
        for r in set_.depositions:
            weight = self._nodal(state.columns[set_.product[r]])
            for name, level in ((SOLVENT, solvent), (ANION, salt)):
                if set_.column(name)[r] < 0:
                    weight = weight * level
            drop = set_.reference_potential[r] / thermal - behind
            by_tunnel = set_.rate[r] * tunnelled * ufl.exp(set_.alpha[r] * drop)
            by_carrier = weight * set_.interstitial_rate[r] * w * ufl.exp(-behind)
            out[r] = (weight * by_tunnel + by_carrier, by_carrier)
        return out

    def _carriers(
        self, model: SEIGrowth, phi: Any, w: Any, psi: Any, density: Any,
        rates: dict[int, tuple[Any, Any]], v: Any,
    ) -> Any:  # fmt: skip
        interstitial, set_ = model.interstitial, model.reactions
        if interstitial is None:
            return w * v * _DX
        film = interstitial.diffusivity @ self._piece.state.columns
        scale = interstitial.concentration_ref * float(interstitial.diffusivity.max())
        relative = self._nodal(film / interstitial.diffusivity.max()) * phi + 1e-9
        used = sum(set_.electrons[r] * part for r, (_, part) in rates.items())
        # Both sides over the equilibrium at the electrode, exp(-F phi_E/RT).
        level = ufl.exp(-self._drive * FARADAY / (GAS_CONSTANT * set_.temperature))
        width = model.front.width**2
        flux = width * ufl.exp(psi) * relative * ufl.inner(ufl.grad(w), ufl.grad(v))
        return (flux + width / scale * density * used / level * v) * _DX

    def _dissolved(
        self, species: LiquidSpecies, phi: Any, old: Any, levels: tuple[Any, Any], used: Any, v: Any
    ) -> Any:
        """Return d(theta c)/dt = div(D grad c) - used, times dt."""
        now, before = levels
        film = species.film_diffusivity
        d = (1.0 - phi) * species.diffusivity + phi * film
        if species.crosses:
            d = 1.0 / (phi / film + (1.0 - phi) / species.diffusivity)
        # Over the diffusion time of a width, so that the equation is of the size of the others.
        scale = self._piece.simulation.problem.width**2 / species.diffusivity / self._dt
        stored = (1.0 - phi + _TRACE) * now - (1.0 - old + _TRACE) * before
        flux = d * ufl.inner(ufl.grad(now), ufl.grad(v))
        return scale * (stored * v + self._dt * (flux + used * v)) * _DX

    def _current(
        self, model: SEIGrowth, phi: Any, psi: Any, density: Any,
        rates: dict[int, tuple[Any, Any]], v: Any,
    ) -> Any:  # fmt: skip
        conduction, set_ = model.conduction, model.reactions
        if conduction is None:
            return psi * v * _DX
        film = self._nodal(conduction.solid.arithmetic(self._piece.state.columns))
        kappa = 1.0 / (phi / film + (1.0 - phi) / conduction.liquid) / conduction.liquid
        thermal = GAS_CONSTANT * set_.temperature / FARADAY
        used = sum(set_.electrons[r] * rate for r, (rate, _) in rates.items())
        source = FARADAY / (conduction.liquid * thermal) * density * used
        width = model.front.width**2
        flux = kappa * ufl.inner(ufl.grad(psi), ufl.grad(v))
        return width * (flux + source * v) * _DX
