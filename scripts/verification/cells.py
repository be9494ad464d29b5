"""Cells whose film is one of PyBaMM's own laws, exchanged now and then, against PyBaMM itself.

The film side is a law evaluated at the thickness of the last exchange, so that what differs is the
coupling alone: table or tangent, exchange interval, books.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.cell.laws import (
    FilmConstants,
    FilmLaw,
    film_constants,
    law_from_parameters,
    table_of,
    tangent_of,
)
from interphase.models.cell.response import FilmInputs, Response, graded_knots
from interphase.models.cell.spec import CellKind, CellSpec, MeshPoints, ResponseForm
from interphase.parameters.constants import FARADAY
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep, Termination

type Array = NDArray[np.float64]

DAY: Final = 86400.0

YEAR: Final = 365.0 * DAY

RATE_CONSTANT: Final = {"SEI kinetic rate constant [m.s-1]": 1e-15}
"""PyBaMM's ageing examples use this; the 1e-12 of the sets grows 37 nm in one discharge."""

WINDOW: Final = (-0.15, 1.5)
"""Potentials of the tables [V]: at the separator a P2D electrode goes below 0 V while charging."""


DEFAULT_POINTS: Final = MeshPoints()
"""10/5/10 volumes across the layers and 10 along the radii."""


@dataclass(frozen=True, slots=True)
class CellComparison:
    """One cell against the same with PyBaMM's own law.

    Attributes:
        kind: of the cell.
        law: PyBaMM's name of the law.
        expected: capacity lost to the film by PyBaMM's own law [A h].
        computed: by the coupled cell [A h].
        expected_thickness: largest thickness by PyBaMM's own law [m].
        computed_thickness: by the coupled cell [m].
        cpu: CPU time of the coupled cell [s], without building it.
        cpu_ratio: that over the CPU time of PyBaMM's own law on the same driver.
    """

    kind: CellKind
    law: str
    expected: float
    computed: float
    expected_thickness: float
    computed_thickness: float
    cpu: float
    cpu_ratio: float

    @property
    def error(self) -> float:
        """Relative difference of the capacity loss."""
        return self.computed / self.expected - 1.0


@dataclass(slots=True)
class LawFilm:
    """Stands in the place of the films of a cell: a law of PyBaMM at each node."""

    law: FilmLaw
    constants: FilmConstants
    temperature: float
    knots: Array = field(default_factory=lambda: graded_knots(*WINDOW, 41))

    def table(self, thickness: Array, charge: Array) -> FilmInputs:
        """Return the response over the whole window for films of ``thickness`` (n,) [m]."""
        return self._inputs(
            table_of(self.law, self.knots, thickness, self.temperature), thickness, charge
        )

    def tangent(self, thickness: Array, charge: Array, potential: Array) -> FilmInputs:
        """Return the response near ``potential`` (n,) [V]."""
        return self._inputs(
            tangent_of(self.law, potential, thickness, self.temperature), thickness, charge
        )

    def _inputs(self, response: Response, thickness: Array, charge: Array) -> FilmInputs:
        return FilmInputs(
            response,
            thickness,
            charge,
            self.constants.resistivity,
            self.constants.volume_per_charge,
            drop_share=float(self.law.behind_drop),
        )


def ageing_spec(
    kind: CellKind, form: ResponseForm, points: MeshPoints, soc: float | None = None
) -> CellSpec:
    """Return the cell of the comparisons."""
    return CellSpec(kind=kind, form=form, points=points, override=RATE_CONSTANT, initial_soc=soc)


def cycle_of(capacity: float) -> tuple[ControlStep, ...]:
    """Return one cycle: 1C to 2.5 V, rest, 1C to 4.2 V, hold to C/50."""
    long = 4.0 * 3600.0
    return (
        ControlStep("current", capacity, long, (Termination("voltage", "below", 2.5),)),
        ControlStep.rest(600.0),
        ControlStep("current", -capacity, long, (Termination("voltage", "above", 4.2),)),
        ControlStep(
            "voltage",
            4.2,
            6.0 * long,
            (Termination("abs_current", "below", capacity / 50.0),),
            may_skip=True,
        ),
    )


def compare_cycling(
    kind: CellKind,
    law: str,
    cycles: int = 50,
    exchange_every: int = 1,
    points: MeshPoints = DEFAULT_POINTS,
) -> CellComparison:
    """Cycle with a response table that is renewed every so many cycles."""
    spec = ageing_spec(kind, "table", points)
    reference = PyBaMMCell.built_in(spec, law)
    program = cycle_of(reference.nominal_capacity)
    start = time.process_time()
    for _ in range(cycles):
        _run(reference, program)
    own = time.process_time() - start
    cell, film = PyBaMMCell(spec), _film(reference, law, spec)
    thickness = np.full(cell.nodes, film.constants.thickness)
    start = time.process_time()
    for cycle in range(cycles):
        if cycle % exchange_every == 0:
            cell.set_film(film.table(thickness, cell.charge))
        _run(cell, program)
        thickness = cell.thickness
    return _compared(kind, law, reference, cell, own, time.process_time() - start)


def compare_storage(
    kind: CellKind,
    law: str,
    duration: float = YEAR,
    interval: float = 14.0 * DAY,
    points: MeshPoints = DEFAULT_POINTS,
) -> CellComparison:
    """Store fully charged at open circuit, the tangent renewed every ``interval`` [s]."""
    spec = ageing_spec(kind, "log_affine", points, soc=1.0)
    reference = PyBaMMCell.built_in(spec, law)
    count = max(round(duration / interval), 1)
    rests = [ControlStep.rest(duration / count)] * count
    start = time.process_time()
    _run(reference, [ControlStep.rest(1.0), *rests])
    own = time.process_time() - start
    cell, film = PyBaMMCell(spec), _film(reference, law, spec)
    start = time.process_time()
    # the first second finds the potential at open circuit
    cell.set_film(
        film.tangent(np.full(cell.nodes, film.constants.thickness), cell.charge, _at_rest(cell))
    )
    _run(cell, [ControlStep.rest(1.0)])
    for rest in rests:
        cell.set_film(film.tangent(cell.thickness, cell.charge, cell.film_potential))
        _run(cell, [rest])
    return _compared(kind, law, reference, cell, own, time.process_time() - start)


def _at_rest(cell: PyBaMMCell) -> Array:
    """Return a potential to start from [V]: that of a nearly full graphite electrode."""
    return np.full(cell.nodes, 0.1)


def _film(reference: PyBaMMCell, law: str, spec: CellSpec) -> LawFilm:
    values = reference.parameter_values
    return LawFilm(law_from_parameters(law, values), film_constants(values), spec.temperature)


def _run(cell: PyBaMMCell, program: Sequence[ControlStep]) -> None:
    for step in program:
        cell.run(step)


def _compared(
    kind: CellKind, law: str, reference: PyBaMMCell, cell: PyBaMMCell, own: float, cpu: float
) -> CellComparison:
    faraday_hours = FARADAY / 3600.0
    return CellComparison(
        kind=kind,
        law=law,
        expected=reference.lost_lithium * faraday_hours,
        computed=cell.lost_lithium * faraday_hours,
        expected_thickness=float(reference.thickness.max()),
        computed_thickness=float(cell.thickness.max()),
        cpu=cpu,
        cpu_ratio=cpu / own,
    )
