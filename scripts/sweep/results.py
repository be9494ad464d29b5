"""What the members have left: one tidy table, and all time series in one file, units in both."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interphase.parameters.distributions import Array
from interphase.parameters.errors import OutputError
from interphase.scripts.sweep.folder import StudyFolder
from interphase.scripts.sweep.member import Outcome
from interphase.scripts.sweep.plan import Plan, Quantity
from interphase.solvers.run_folder import writing

if TYPE_CHECKING:
    import pandas
    import xarray

Series = dict[str, Array]


@dataclass(frozen=True)
class Results:
    """The outcomes and numbers of a study.

    Attributes:
        plan: the study.
        outcomes: by member's name.
        series: of the finished members, by name: column -> (steps,) in SI.
        values: of the quantities, (members, quantities); nan where there is none.
    """

    plan: Plan
    outcomes: Mapping[str, Outcome]
    series: Mapping[str, Series]
    values: Array

    def failures(self) -> list[Outcome]:
        """Return the members that failed, in their order."""
        found = [self.outcomes.get(member.name) for member in self.plan.members]
        return [one for one in found if one is not None and one.status == "failed"]

    def of(self, quantity: Quantity) -> Array:
        """Return a quantity of all members, (members,)."""
        return np.asarray(self.values[:, self.plan.quantities.index(quantity)])

    def frame(self) -> pandas.DataFrame:
        """Return the tidy table: a row per member, headers with units."""
        import pandas

        plan, rows = self.plan, []
        for member, values in zip(plan.members, self.values, strict=True):
            one = self.outcomes.get(member.name)
            row: dict[str, Any] = {"member [-]": member.name}
            row |= {f.column: v for f, v in zip(plan.factors, member.values, strict=True)}
            row |= {q.header: float(v) for q, v in zip(plan.quantities, values, strict=True)}
            row |= {
                "status [-]": one.status if one else "not run",
                "reason [-]": one.reason if one else "",
                "attempts [-]": one.attempts if one else 0,
                "settings [-]": one.settings if one else "",
                "wall_time [s]": one.seconds if one else float("nan"),
            }
            rows.append(row)
        return pandas.DataFrame(rows)

    def dataset(self) -> xarray.Dataset:
        """Return all time series, (member, step), padded with nan: steps differ by member."""
        import xarray

        names = [member.name for member in self.plan.members if member.name in self.series]
        longest = max((next(iter(self.series[n].values())).size for n in names), default=0)
        columns = self.plan.record.columns
        data = {column: np.full((len(names), longest), np.nan) for column in columns}
        for i, name in enumerate(names):
            for column, series in self.series[name].items():
                if column in data:
                    data[column][i, : series.size] = series
        chosen = {m.name: m.values for m in self.plan.members}
        coordinates: dict[str, Any] = {"member": names}
        for j, factor in enumerate(self.plan.factors):
            values = [chosen[name][j] for name in names]
            coordinates[factor.name] = ("member", values, {"units": factor.key.unit or "-"})
        return xarray.Dataset(
            {c: (("member", "step"), v, {"units": columns[c]}) for c, v in data.items()},
            coordinates,
            {"title": self.plan.study.title},
        )


def collect(plan: Plan, folder: StudyFolder, outcomes: Mapping[str, Outcome]) -> Results:
    """Read what the members have left.

    Raises:
        OutputError: a member that is done has no readable time series.
    """
    series: dict[str, Series] = {}
    values = np.full((len(plan.members), len(plan.quantities)), np.nan)
    for i, member in enumerate(plan.members):
        outcome = outcomes.get(member.name)
        if outcome is None or outcome.status != "done":
            continue
        series[member.name] = read_series(folder.of(member) / plan.record.file)
        values[i] = [_value(series[member.name], quantity) for quantity in plan.quantities]
    return Results(plan, outcomes, series, values)


def read_series(path: Path) -> Series:
    """Return the columns of a run's table by name without unit, in SI.

    Raises:
        OutputError: it is missing or broken.
    """
    try:
        with path.open(newline="") as file:
            header, *rows = list(csv.reader(file))
        numbers = np.array([[float(cell or "nan") for cell in row] for row in rows])
        names = [name.partition(" [")[0] for name in header]
        return {name: numbers[:, j] for j, name in enumerate(names)}
    except (OSError, ValueError, IndexError) as error:
        raise OutputError(
            f"{path}: cannot be read ({error}); remove the folder of the member and run again"
        ) from error


def _value(series: Series, quantity: Quantity) -> float:
    if quantity.column not in series:
        return float("nan")
    column = series[quantity.column]
    if quantity.at is None:
        return float(column[-1])
    return float(np.interp(quantity.at, series["time"], column))


def write_results(results: Results, path: Path) -> None:
    """Write ``results.parquet``, ``results.csv`` and ``series.nc``.

    Raises:
        OutputError: they cannot be written.
    """
    frame = results.frame()
    _whole(path / "results.csv", lambda part: frame.to_csv(part, index=False))
    _whole(path / "results.parquet", lambda part: _parquet(frame, part))
    data = results.dataset()
    if data.sizes.get("step"):
        _whole(path / "series.nc", lambda part: data.to_netcdf(part, engine="h5netcdf"))


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under another name, then rename it."""
    part = path.with_name(f".{path.name}.part")
    with writing(path):
        write(part)
        os.replace(part, path)


def _parquet(frame: pandas.DataFrame, path: Path) -> None:
    """Write the table; each column's unit is in its name and in its metadata as ``unit``."""
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    units = [name.rpartition("[")[2].rstrip("]") for name in table.column_names]
    fields = [
        one.with_metadata({"unit": unit}) for one, unit in zip(table.schema, units, strict=True)
    ]
    schema = pyarrow.schema(fields, metadata=table.schema.metadata)
    parquet.write_table(table.cast(schema), path)
