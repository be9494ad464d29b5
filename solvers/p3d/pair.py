"""The electrode pair at a place: one discretised PyBaMM model for all places of a rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from interphase.models.cell.spec import CellSpec
from interphase.parameters.errors import CaseError
from interphase.solvers.cell import placeholder
from interphase.solvers.cell_engine import EXPERIMENT, CellEngine
from interphase.solvers.cell_nodes import FilmNodes, count_nodes, film_nodes
from interphase.solvers.cell_readout import Readout
from interphase.solvers.cell_types import CellLimitError
from interphase.solvers.p3d.batch import Course, GroupIntegrator
from interphase.solvers.p3d.place_films import PlaceFilms
from interphase.solvers.p3d.places import Array

_TEMPERATURE: Final = "Ambient temperature [K]"


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What is read of a place; t times (or places), k nodes.

    Attributes:
        voltage: [V], (t,).
        stoichiometry: of the negative particles, mean [-], (t,).
        reversible: heat per volume of the pair [W/m3], (t,).
        irreversible: the same of reaction and film [W/m3], (t,).
        ohmic: the same of electrodes and electrolyte [W/m3], (t,).
        potential: what the film's response is a function of [V], (t, k).
        thickness: of the film on its own area [m], (t, k).
        charge: booked per geometric area [C/m2], (t, k).
        soc: state of charge [-], (t,).
    """

    voltage: Array
    stoichiometry: Array
    reversible: Array
    irreversible: Array
    ohmic: Array
    potential: Array
    thickness: Array
    charge: Array
    soc: Array

    @classmethod
    def of(cls, table: Array, nodes: int, empty: float, full: float) -> Self:
        """Return the columns of a table, (t, 5 + 3 nodes), with the stoichiometries at the ends."""
        voltage, stoichiometry, reversible, irreversible, ohmic = table[:, :5].T
        potential, thickness, charge = (
            table[:, 5 + i * nodes : 5 + (i + 1) * nodes] for i in range(3)
        )
        return cls(
            voltage=voltage,
            stoichiometry=stoichiometry,
            reversible=reversible,
            irreversible=irreversible,
            ohmic=ohmic,
            potential=potential,
            thickness=thickness,
            charge=charge,
            soc=(stoichiometry - empty) / (full - empty),
        )


class ElectrodePair:
    """A discretised model and its integrator, for any number of places.

    Args:
        spec: what the pair is made of; form ``table``.
        compiled: see `GroupIntegrator`.
        law: name of one of PyBaMM's own film laws, to compare with.

    Attributes:
        spec: what the pair is made of.
        nodes: where its films sit.
        thickness: of electrodes and separator [m].
        rated_current_density: that of 1C [A/m2].
        capacity: nominal, per area [A h/m2].
        cut_offs: lowest and highest voltage [V].
    """

    def __init__(self, spec: CellSpec, *, compiled: bool = False, law: str | None = None) -> None:
        # PyBaMM takes seconds to import; only those who make a pair wait for it
        from interphase.models.cell.external import BOOKED, FILM_POTENTIAL, FILM_THICKNESS
        from interphase.models.cell.model import read_parameters
        from interphase.models.cell.place import (
            CURRENT_DENSITY,
            IRREVERSIBLE,
            OHMIC,
            REVERSIBLE,
            build_place,
        )

        if spec.form != "table":
            raise CaseError("films at places answer by tables; write table", "cell.form")
        self.spec = spec
        cell = build_place(spec, law)
        self._engine = engine = CellEngine(cell, spec)
        engine.inputs[CURRENT_DENSITY] = np.zeros(1)
        nodes = count_nodes(engine.mesh, averaged=cell.averaged)
        if cell.external:
            engine.inputs |= placeholder(spec).pack(nodes)
            engine.inputs["film geometric area per volume"] = np.ones(nodes)
        self.nodes: FilmNodes = film_nodes(
            engine.model,
            engine.mesh,
            engine.initial_states(),
            engine.inputs,
            averaged=cell.averaged,
        )
        if cell.external:
            engine.inputs["film geometric area per volume"] = self.nodes.area_per_volume
        self._start = engine.initial_states()
        self._current = CURRENT_DENSITY
        names = (
            "Voltage [V]",
            "Negative electrode stoichiometry",
            REVERSIBLE,
            IRREVERSIBLE,
            OHMIC,
            FILM_POTENTIAL,
            FILM_THICKNESS,
            BOOKED,
        )
        self._group = GroupIntegrator(
            engine.model, engine.inputs, names, rtol=spec.rtol, atol=spec.atol, compiled=compiled
        )
        self._readout = Readout(engine.model, names, engine.inputs)
        values = read_parameters(spec)
        self._ends = _stoichiometries(values)
        self.thickness = sum(
            float(values[f"{part} thickness [m]"])
            for part in ("Negative electrode", "Separator", "Positive electrode")
        )
        face = float(values["Electrode width [m]"]) * float(values["Electrode height [m]"])
        pairs = float(values["Number of electrodes connected in parallel to make a cell"])
        self.capacity = float(values["Nominal cell capacity [A.h]"]) / (face * pairs)
        self.rated_current_density = self.capacity
        self.cut_offs = (
            float(values["Lower voltage cut-off [V]"]),
            float(values["Upper voltage cut-off [V]"]),
        )

    def initial_states(self) -> Array:
        """Return the states of a place at the start, (states,)."""
        return self._start.copy()

    def inert_films(self, places: int) -> PlaceFilms:
        """Return films that neither grow nor resist, for ``places`` places."""
        spec = self.spec
        return PlaceFilms.inert(places, self.nodes.count, spec.knot_count, spec.film_thickness)

    def rows(self, current: Array, temperature: Array, films: PlaceFilms) -> Array:
        """Return the inputs of all places, (places, width).

        Args:
            current: density, discharge positive [A/m2], (places,).
            temperature: [K], (places,).
            films: at the places.
        """
        rows = self._group.rows(current.size)
        if not current.size:
            return rows
        columns = self._group.columns
        rows[:, columns[self._current]] = current[:, None]
        rows[:, columns[_TEMPERATURE]] = temperature[:, None]
        for name, values in films.inputs(temperature).items():
            if name in columns:
                rows[:, columns[name]] = values
        return rows

    def integrate(self, states: Array, rows: Array, seconds: float) -> list[Course]:
        """Integrate all places for ``seconds`` [s]; see `GroupIntegrator`."""
        return self._group.integrate(states, rows, seconds)

    def retry(self, states: Array, row: Array, seconds: float) -> Course:
        """Integrate one place that failed, with small steps and tighter tolerances.

        Args:
            states: (states,).
            row: its inputs, (width,).
            seconds: how long [s].

        Raises:
            CellLimitError: it is at a limit of its own.
            IntegrationError: it fails again.
        """
        inputs = dict(self._engine.inputs)
        inputs |= {name: row[part] for name, part in self._group.columns.items()}
        advance = self._engine.advance(states, seconds, inputs)
        if advance.event:
            raise CellLimitError(f"is at its limit '{advance.event}'")
        read = self._readout(advance.times, advance.states, inputs)
        outputs = np.hstack([read[name] for name in self._readout.names])
        return Course(advance.times, outputs, advance.states[:, -1].copy(), 0)

    def read(self, outputs: Array) -> Outputs:
        """Return the outputs of a course by name."""
        return Outputs.of(outputs, self.nodes.count, *self._ends)

    def look(self, states: Array, rows: Array) -> Outputs:
        """Return the outputs of the states as they are, (places, states), with the inputs rows."""
        width = 5 + 3 * self.nodes.count
        table = np.zeros((states.shape[0], width))
        columns = self._group.columns
        for place, (state, row) in enumerate(zip(states, rows, strict=True)):
            inputs = dict(self._engine.inputs)
            inputs |= {name: row[part] for name, part in columns.items()}
            read = self._readout(np.zeros(1), state[:, None], inputs)
            table[place] = np.concatenate([read[name][0] for name in self._readout.names])
        return self.read(table)

    def event(self, course: Course, row: Array) -> str:
        """Return the name of the event that ended a course."""
        return self._group.event(course, row).removesuffix(EXPERIMENT)


def _stoichiometries(values: Any) -> tuple[float, float]:
    """Return the stoichiometry of the negative electrode when the cell is empty and full [-].

    Raises:
        CaseError: if PyBaMM finds none between the cut-off voltages.
    """
    import pybamm

    try:
        empty, full, _, _ = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    except (ValueError, KeyError, pybamm.SolverError) as error:
        raise CaseError(
            f"no state of charge can be defined between the cut-off voltages: {error}",
            "cell.parameters",
        ) from error
    return float(empty), float(full)
