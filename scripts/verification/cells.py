"""Cells whose film is one of PyBaMM's own laws, exchanged now and then, against PyBaMM itself.

The film side is a law evaluated at the thickness of the last exchange, so that what differs is the
coupling alone: table or tangent, exchange interval, books.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    """

    kind: CellKind
    law: str
    expected: float
    computed: float
    expected_thickness: float
    computed_thickness: float

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


class Contest(ABC):
    """A cell with PyBaMM's own law, and the same with the law for films from outside.

    Both are built once and start anew at every run.

    Attributes:
        reference: with PyBaMM's own law.
        cell: the coupled one.
    """

    def __init__(self, kind: CellKind, law: str, spec: CellSpec) -> None:
        self.reference, self.cell = PyBaMMCell.built_in(spec, law), PyBaMMCell(spec)
        self._kind, self._law = kind, law
        self._film = _film(self.reference, law, spec)
        self._starts = self.reference.state(), self.cell.state()
        self._fresh = np.full(self.cell.nodes, self._film.constants.thickness)

    def warm_up(self) -> None:
        """Let both make a short step: the first one sets up the integrators."""
        moment = [ControlStep.rest(1.0)]
        _run(self.reference, moment)
        self.cell.set_film(self._response(self._fresh))
        _run(self.cell, moment)

    def own(self) -> float:
        """Run the cell with PyBaMM's own law; return the charge lost [A h]."""
        self.reference.restore(self._starts[0])
        self._run_own()
        return self.reference.lost_lithium * FARADAY / 3600.0

    def coupled(self) -> float:
        """Run the coupled cell; return the charge lost [A h]."""
        self.cell.restore(self._starts[1])
        self._run_coupled(self._fresh)
        return self.cell.lost_lithium * FARADAY / 3600.0

    def compare(self) -> CellComparison:
        """Run both once."""
        return CellComparison(
            kind=self._kind,
            law=self._law,
            expected=self.own(),
            computed=self.coupled(),
            expected_thickness=float(self.reference.thickness.max()),
            computed_thickness=float(self.cell.thickness.max()),
        )

    @abstractmethod
    def _response(self, thickness: Array) -> FilmInputs: ...

    @abstractmethod
    def _run_own(self) -> None: ...

    @abstractmethod
    def _run_coupled(self, thickness: Array) -> None: ...


class Cycling(Contest):
    """Cycles with a response table that is renewed every so many of them."""

    def __init__(
        self,
        kind: CellKind,
        law: str,
        cycles: int = 50,
        exchange_every: int = 1,
        points: MeshPoints = DEFAULT_POINTS,
    ) -> None:
        super().__init__(kind, law, ageing_spec(kind, "table", points))
        self._cycles, self._every = cycles, exchange_every
        self._program = cycle_of(self.cell.nominal_capacity)

    def _response(self, thickness: Array) -> FilmInputs:
        return self._film.table(thickness, self.cell.charge)

    def _run_own(self) -> None:
        for _ in range(self._cycles):
            _run(self.reference, self._program)

    def _run_coupled(self, thickness: Array) -> None:
        for cycle in range(self._cycles):
            if cycle % self._every == 0:
                self.cell.set_film(self._response(thickness))
            _run(self.cell, self._program)
            thickness = self.cell.thickness


class Storage(Contest):
    """Storage fully charged at open circuit, the tangent renewed every ``interval`` [s]."""

    def __init__(
        self,
        kind: CellKind,
        law: str,
        duration: float = YEAR,
        interval: float = 14.0 * DAY,
        points: MeshPoints = DEFAULT_POINTS,
    ) -> None:
        super().__init__(kind, law, ageing_spec(kind, "log_affine", points, soc=1.0))
        count = max(round(duration / interval), 1)
        self._rests = [ControlStep.rest(duration / count)] * count

    def _response(self, thickness: Array) -> FilmInputs:
        # the first second finds the potential at open circuit
        return self._film.tangent(thickness, self.cell.charge, _at_rest(self.cell))

    def _run_own(self) -> None:
        _run(self.reference, [ControlStep.rest(1.0), *self._rests])

    def _run_coupled(self, thickness: Array) -> None:
        cell, film = self.cell, self._film
        cell.set_film(self._response(thickness))
        _run(cell, [ControlStep.rest(1.0)])
        for rest in self._rests:
            cell.set_film(film.tangent(cell.thickness, cell.charge, cell.film_potential))
            _run(cell, [rest])


def _at_rest(cell: PyBaMMCell) -> Array:
    """Return a potential to start from [V]: that of a nearly full graphite electrode."""
    return np.full(cell.nodes, 0.1)


def _film(reference: PyBaMMCell, law: str, spec: CellSpec) -> LawFilm:
    values = reference.parameter_values
    return LawFilm(law_from_parameters(law, values), film_constants(values), spec.temperature)


def _run(cell: PyBaMMCell, program: Sequence[ControlStep]) -> None:
    for step in program:
        cell.run(step)
