"""BM1b with FiPy: its coupled equations for c and mu; FiPy is an optional extra."""

from __future__ import annotations

from typing import Any, Final

from interphase.scripts.benchmarks import spinodal
from interphase.scripts.benchmarks.record import Outcome, Run

STEP: Final = 0.5


def coupled(cells: int, until: float, steps: int) -> Run:
    """Return BM1b by finite volumes, only the first ``steps``.

    Raises:
        ImportError: FiPy is not installed.
    """
    try:
        import fipy  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError("FiPy is not installed (pip install fipy)") from error
    law, h = spinodal.ENERGY, spinodal.SIDE / cells
    mesh: Any = fipy.Grid2D(nx=cells, ny=cells, dx=h, dy=h)
    c: Any = fipy.CellVariable(mesh=mesh, hasOld=True)
    mu: Any = fipy.CellVariable(mesh=mesh, hasOld=True)
    x, y = mesh.cellCenters.value
    a, b = c - law.low, c - law.high
    slope = 2.0 * law.barrier * a * b * (a + b)
    bend = 2.0 * law.barrier * (a * a + 4.0 * a * b + b * b)
    flow = fipy.TransientTerm(var=c) == fipy.DiffusionTerm(coeff=spinodal.MOBILITY, var=mu)
    potential = fipy.ImplicitSourceTerm(coeff=1.0, var=mu) == fipy.ImplicitSourceTerm(
        coeff=bend, var=c
    ) - bend * c + slope - fipy.DiffusionTerm(coeff=law.gradient_coefficient, var=c)
    equation = flow & potential

    def work() -> Outcome:
        c.setValue(spinodal.initial(x, y))
        mu.setValue(0.0)
        for _ in range(steps):
            c.updateOld()
            mu.updateOld()
            equation.solve(dt=STEP)
        scale = until / STEP / steps
        note = f"dt = {STEP:g}; {steps} steps run, then scaled"
        return Outcome(steps, 2 * cells**2, scale=scale, note=note)

    return work
