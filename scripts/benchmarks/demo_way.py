"""BM1b the way of the Cahn-Hilliard demo of DOLFINx: monolithic, Crank-Nicolson, Newton, MUMPS."""

from __future__ import annotations

from typing import Any, Final

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import NonlinearProblem
from dolfinx.mesh import CellType, create_rectangle
from mpi4py import MPI

from interphase.parameters.errors import ConvergenceError
from interphase.scripts.benchmarks import spinodal
from interphase.scripts.benchmarks.record import Outcome, Run

STEP: Final = 1.0
_OPTIONS: Final = {
    "snes_type": "newtonls",
    "snes_linesearch_type": "none",
    "snes_stol": 0.0,
    "snes_atol": 0.0,
    "snes_rtol": 1.0e-6,
    "ksp_type": "preonly",
    "pc_type": "lu",
    "pc_factor_mat_solver_type": "mumps",
}


def monolithic(cells: int, until: float, steps: int | None = None) -> Run:
    """Return BM1b by mixed linear elements for c and mu; ``steps``: only the first ones."""
    side = spinodal.SIDE
    corners = [np.zeros(2), np.full(2, side)]
    mesh = create_rectangle(MPI.COMM_SELF, corners, [cells, cells], CellType.triangle)
    linear = basix.ufl.element("Lagrange", mesh.basix_cell(), 1)
    mixed = fem.functionspace(mesh, basix.ufl.mixed_element([linear, linear]))
    now, before = fem.Function(mixed), fem.Function(mixed)
    problem = NonlinearProblem(
        _residual(mesh, mixed, now, before),
        now,
        petsc_options_prefix="benchmark_demo_",
        petsc_options=_OPTIONS,
    )
    c, mu = ufl.split(now)
    law = spinodal.ENERGY
    local = law.barrier * (c - law.low) ** 2 * (law.high - c) ** 2
    gradient = 0.5 * law.gradient_coefficient * ufl.inner(ufl.grad(c), ufl.grad(c))
    energy = fem.form((local + gradient) * ufl.dx)
    total = round(until / STEP)
    count = total if steps is None else min(steps, total)

    def work() -> Outcome:
        now.x.array[:] = 0.0
        now.sub(0).interpolate(lambda x: spinodal.initial(x[0], x[1]))
        now.x.scatter_forward()
        newton = 0
        for _ in range(count):
            before.x.array[:] = now.x.array
            problem.solve()
            if problem.solver.getConvergedReason() <= 0:
                raise ConvergenceError("the demo's way: Newton did not converge")
            newton += problem.solver.getIterationNumber()
        note = f"dt = {STEP:g}, {newton / count:.1f} Newton iterations per step"
        if count < total:
            return Outcome(
                count, now.x.array.size, scale=total / count,
                note=f"{note}; {count} steps run, then scaled",
            )  # fmt: skip
        error = float(fem.assemble_scalar(energy)) / spinodal.REFERENCE[until] - 1.0
        return Outcome(count, now.x.array.size, error, note=note)

    return work


def _residual(mesh: Any, mixed: Any, now: Any, before: Any) -> Any:
    """Return the weak form of dc/dt = M lap(mu), mu = f'(c) - kappa lap(c)."""
    q, v = ufl.TestFunctions(mixed)
    c, mu = ufl.split(now)
    old, old_mu = ufl.split(before)
    law = spinodal.ENERGY
    variable = ufl.variable(c)
    density = law.barrier * (variable - law.low) ** 2 * (law.high - variable) ** 2
    middle = 0.5 * (mu + old_mu)
    rate = fem.Constant(mesh, spinodal.MOBILITY * STEP)
    balance = (c - old) * q * ufl.dx + rate * ufl.inner(ufl.grad(middle), ufl.grad(q)) * ufl.dx
    potential = (mu - ufl.diff(density, variable)) * v * ufl.dx
    gradient = law.gradient_coefficient * ufl.inner(ufl.grad(c), ufl.grad(v)) * ufl.dx
    return balance + potential - gradient
