"""What a run of a whole cell writes: rows in time, rows of the places, pictures for ParaView."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from interphase.meshes.parallel import global_max, global_min, on_root
from interphase.parameters.constants import FARADAY
from interphase.solvers.p3d.cell3d import Cell3D
from interphase.solvers.p3d.control import Moment
from interphase.solvers.p3d.node_map import NodeMap
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.places import Array
from interphase.solvers.run_folder import RunFolder, write_whole, writing
from interphase.solvers.snapshots import collection
from interphase.solvers.study_records import Table, header
from interphase.solvers.vtu import write_vtu

COLUMNS: Final = (
    ("time", "s"), ("step", "s"), ("cycle", "-"), ("control_step", "-"), ("voltage", "V"),
    ("current", "A"), ("power", "W"), ("discharged", "A.h"), ("throughput", "A.h"),
    ("soc", "-"), ("soc_least", "-"), ("soc_largest", "-"),
    ("temperature", "K"), ("temperature_least", "K"), ("temperature_largest", "K"),
    ("current_density", "A/m2"), ("current_density_least", "A/m2"),
    ("current_density_largest", "A/m2"),
    ("film_thickness", "m"), ("film_thickness_least", "m"), ("film_thickness_largest", "m"),
    ("lost_capacity", "A.h"),
    ("heat_generated", "W"), ("heat_stored", "W"), ("heat_removed", "W"),
    ("heat_of_collectors", "W"),
    ("current_imbalance", "-"), ("power_imbalance", "-"), ("heat_imbalance", "-"),
    ("potential_mismatch", "V"), ("exchanges", "-"), ("wall_time", "s"),
)  # fmt: skip
"""Columns of ``timeseries.csv``: name and unit."""

PLACE_COLUMNS: Final = (
    ("time", "s"), ("place", "-"), ("x", "m"), ("y", "m"), ("z", "m"), ("area", "m2"),
    ("current_density", "A/m2"), ("voltage", "V"), ("temperature", "K"), ("soc", "-"),
    ("heat", "W/m3"),
)  # fmt: skip
"""First columns of ``places.csv``; those of the film follow."""

FILM_UNITS: Final[Mapping[str, str]] = {
    "thickness": "m",
    "cluster": "-",
    "lost_lithium": "mol/m2",
    "lowest_potential": "V",
    "reversible_heat": "W/m3",
    "irreversible_heat": "W/m3",
    "ohmic_heat": "W/m3",
}

WORST: Final = ("current_imbalance", "power_imbalance", "heat_imbalance", "potential_mismatch")
"""Columns whose largest value a summary names."""


def row_of(
    cell: Cell3D, moment: Moment, cycle: int, control_step: int, wall: float
) -> dict[str, float]:
    """Return the numbers of an accepted step in time. Collective."""
    trial, books = moment.trial, moment.books
    flow, answer = trial.flow, trial.answer
    comm = cell.balance.places.cells.comm
    row = {
        "time": cell.time,
        "step": trial.seconds,
        "cycle": cycle,
        "control_step": control_step,
        "voltage": flow.voltage,
        "current": flow.current,
        "power": flow.voltage * flow.current,
        "discharged": cell.discharged,
        "throughput": cell.throughput,
        "heat_generated": books.generated,
        "heat_stored": books.stored,
        "heat_removed": sum(books.removed.values()),
        "heat_of_collectors": flow.joule,
        "current_imbalance": flow.current_imbalance,
        "power_imbalance": flow.power_imbalance,
        "heat_imbalance": books.imbalance,
        "potential_mismatch": trial.mismatch,
        "exchanges": trial.exchanges,
        "wall_time": wall,
    }
    spread = {
        "soc": answer.soc,
        "temperature": cell.balance.heat.at_places(),
        "current_density": flow.density,
        "film_thickness": answer.film.get("thickness"),
    }
    for name, values in spread.items():
        row |= dict.fromkeys((name, f"{name}_least", f"{name}_largest"), np.nan)
        if values is not None:
            row[name] = cell.mean(values)
            row[f"{name}_least"] = global_min(comm, values)
            row[f"{name}_largest"] = global_max(comm, values)
    lost = answer.film.get("lost_lithium")
    row["lost_capacity"] = np.nan
    if lost is not None:
        row["lost_capacity"] = cell.mean(lost) * cell.area * FARADAY / 3600.0
    return row


def place_values(cell: Cell3D) -> dict[str, Array]:
    """Return what is known of the places of this rank after the last step, (n,) each."""
    balance = cell.balance
    return {
        "current_density": balance.density,
        "voltage": balance.voltage,
        "temperature": balance.heat.at_places(),
        "soc": balance.answer.soc,
        "heat": balance.answer.heat,
        **dict(balance.answer.film),
    }


class CellRecorder:
    """Writes the files of a run. Collective unless said.

    Attributes:
        counts: rows written so far, by file, for a restart.
        entries: time [s] and file of every picture so far.
    """

    def __init__(self, folder: RunFolder, cell: Cell3D) -> None:
        self._folder, self._cell = folder, cell
        places = cell.balance.places
        self._map: PlaceMap = places
        film = tuple((name, FILM_UNITS.get(name, "-")) for name in cell.balance.answer.film)
        path = folder.path
        self._tables = {
            "series": Table(folder.series, header(COLUMNS)),
            "places": Table(path / "places.csv", header((*PLACE_COLUMNS, *film))),
        }
        self.counts = dict.fromkeys(self._tables, 0)
        self.entries: list[dict[str, Any]] = []
        self._nodes = NodeMap(cell.balance.heat.space)
        self._phi = NodeMap(cell.balance.collectors.space)
        self._centre = places.gather(places.centre)
        self._area = places.gather(cell.balance.collectors.area)
        cells = self._nodes.cells()
        number = places.cells.comm.gather((places.cells.original, places.cells.region))
        self._points = self._nodes.points()
        self._cells: Any = None
        if cells is not None and number is not None:
            order = np.argsort(np.concatenate([one for one, _ in number]))
            self._cell_order = order
            self._cells = cells[order]
            self._region = np.concatenate([one for _, one in number])[order]

    def begin(self, counts: Mapping[str, int] | None, entries: list[dict[str, Any]]) -> None:
        """Open the files, cut back to ``counts`` rows at a restart. For rank 0."""
        with writing(self._folder.path):
            self._folder.path.mkdir(parents=True, exist_ok=True)
        for name, table in self._tables.items():
            table.begin(None if counts is None else counts[name])
        if counts is not None:
            self.counts = dict(counts)
        self.entries = list(entries)

    def row(self, row: Mapping[str, float]) -> None:
        """Write a row of the time series. For rank 0."""
        self._tables["series"].append([[row[name] for name, _ in COLUMNS]])

    def fields(self) -> None:
        """Write the places and the fields as they are now."""
        cell = self._cell
        values = place_values(cell)
        whole = {name: self._map.gather(one) for name, one in values.items()}
        temperature = self._nodes.gather(cell.balance.heat.values)
        collectors = cell.balance.collectors
        phi = self._phi.gather(
            np.array(collectors.function.x.array[: 2 * self._phi.owned]).reshape(-1, 2)
        )
        # the temperature at the nodes says more than that of the places
        of_cells = self._of_cells({k: v for k, v in values.items() if k != "temperature"})
        file = f"{len(self.entries):04d}.vtu"
        self.entries.append({"time": cell.time, "file": file})
        self.counts["places"] += self._map.total

        def work() -> None:
            self._write_places(whole)
            if temperature is None or phi is None:
                return
            points = {
                "temperature": temperature,
                "potential_negative": phi[:, 0],
                "potential_positive": phi[:, 1],
            }
            self._write_picture(self._folder.snapshots / file, points, of_cells)

        on_root(self._map.cells.comm, work)

    def _of_cells(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Return the values of all cells by name, in the order of the grid, on rank 0."""
        stacked = np.stack([self._map.cell_values(one) for one in values.values()])
        place = self._map.cells.place.astype(float)
        parts = self._map.cells.comm.gather(np.vstack([stacked, place]))
        if parts is None:
            return {}
        whole = np.concatenate(parts, axis=1)[:, self._cell_order]
        return {**dict(zip([*values, "place"], whole, strict=True)), "region": self._region}

    def _write_places(self, whole: Mapping[str, Array | None]) -> None:
        centre, area = self._centre, self._area
        if centre is None or area is None:
            return
        time = np.full(area.size, self._cell.time)
        columns = [time, np.arange(area.size), *centre.T, area]
        columns += [one for one in whole.values() if one is not None]
        self._tables["places"].append(np.stack(columns, axis=1).tolist())

    def _write_picture(
        self, path: Path, points: Mapping[str, Array], cells: Mapping[str, Array]
    ) -> None:
        temporary = path.with_name(f".{path.name}.part")
        if self._points is None:
            return
        kind = "tetra" if self._cells.shape[1] == 4 else "hexahedron"
        corners = self._cells if kind == "tetra" else self._cells[:, [0, 1, 3, 2, 4, 5, 7, 6]]
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            write_vtu(temporary, self._points, kind, corners, points, cells)
            temporary.replace(path)
        index = json.dumps(self.entries, indent=1)
        write_whole(self._folder.snapshots / "snapshots.json", index)
        write_whole(self._folder.path / "fields.pvd", collection(self.entries))
