"""Files of a run: whole, readable, without duplicates, and a full disk is said clearly."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista
from mpi4py import MPI

from interphase.parameters.errors import CaseError, OutputError
from interphase.parameters.yaml_io import read_yaml
from interphase.solvers.outputs import TimeSeries
from interphase.solvers.run_folder import (
    RunFolder,
    last_folder,
    next_folder,
    open_folder,
    write_whole,
)
from interphase.solvers.simulation import Simulation

EVERY = {"fields": {"every": "2 s"}}


@pytest.fixture
def folder(comm: MPI.Intracomm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all ranks know."""
    path = tmp_path_factory.mktemp("run") if comm.rank == 0 else None
    return Path(comm.bcast(path)) / "run"


def _times(path: Path) -> list[float]:
    with (path / "timeseries.csv").open() as file:
        return [float(row["time [s]"]) for row in csv.DictReader(file)]


@pytest.mark.mpi
def test_a_run_leaves_the_files_of_the_contract(line, comm: MPI.Intracomm, folder: Path) -> None:
    """Every file is there, whole, and says what the run was."""
    result = Simulation.from_case(line(output=EVERY), output=folder, comm=comm).run(4.0)
    comm.Barrier()
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "case.yaml", "provenance.json", "timeseries.csv", "nuclei.csv", "checkpoint.h5",
        "summary.json", "run.log", "fields_000.bp", "fields.json", "fields.pvd", "snapshots",
    }  # fmt: skip
    assert read_yaml(folder / "case.yaml") == line(output=EVERY).resolved()
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["ranks"] == comm.size
    row = next(r for r in provenance["parameters"] if r["name"] == "interface_width")
    assert (row["value"], row["unit"]) == (1e-9, "m")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["finished"]
    assert summary["final"]["thickness"] == result.rows[-1]["thickness"]
    assert summary["worst"]["element_imbalance"] < 1e-10
    assert len(_times(folder)) == len(result.rows)
    assert "done at t = 4 s" in (folder / "run.log").read_text()


@pytest.mark.mpi
@pytest.mark.parametrize("cell", ["quadrilateral", "triangle"])
def test_a_snapshot_reads_back(plane, comm: MPI.Intracomm, folder: Path, cell: str) -> None:
    """Points and cells of the whole mesh once; the film's integral is the thickness."""
    case = plane(
        mesh={"cell": cell},
        initial={"kind": "planar_film", "thickness": "2 nm", "shares": {"Li2EDC": 1.0}},
        output={"fields": {"every": "1 s"}},
    )
    result = Simulation.from_case(case, output=folder, comm=comm).run(1.0)
    comm.Barrier()
    entries = json.loads((folder / "snapshots" / "snapshots.json").read_text())
    assert [entry["time"] for entry in entries] == [0.0, 1.0]
    grid = pyvista.read(folder / "snapshots" / entries[-1]["file"])
    # VTK computes areas in single precision: lengths near one, please.
    grid.points = np.asarray(grid.points, dtype=float) * 1e9
    sized = grid.point_data_to_cell_data().compute_cell_sizes()
    cells = sized["Area"]
    assert cells.min() > 0.0
    assert cells.sum() == pytest.approx(36.0, rel=1e-6)
    # Cell means of a linear field integrate it on triangles, and to h^2 on quadrilaterals.
    film = 1e-9 * (sized["film"] * cells).sum() / 6.0
    assert film == pytest.approx(result.rows[-1]["thickness"], rel=1e-5)
    assert grid["LiF"].max() == 0.0


def test_a_restart_continues_every_series(line, tmp_path) -> None:
    """No row twice, none missing; snapshots in rising time; a new segment of fields."""
    path = tmp_path / "run"
    case = line(output=EVERY)
    first = Simulation.from_case(case, output=path)
    first.run(5.0)
    folder = RunFolder(path)
    kept = folder.checkpoint.read_bytes()
    Simulation.from_case(case, output=path, restart=True).run(9.0)
    # as if killed at 9 s in the middle of a row, the last checkpoint being that of 5 s
    folder.checkpoint.write_bytes(kept)
    with folder.series.open("a") as file:
        file.write("9.1,0.1,0.3")
    (path / "summary.json").unlink()
    result = Simulation.from_case(case, output=path, restart=True).run()
    times = _times(path)
    assert np.all(np.diff(times) > 0.0)
    assert len(times) == result.summary["steps"]["accepted"]
    shots = json.loads((path / "snapshots" / "snapshots.json").read_text())
    assert [s["time"] for s in shots] == [0, 2, 4, 5, *range(6, 21, 2)]
    assert all((path / "snapshots" / s["file"]).exists() for s in shots)
    collection = ET.parse(path / "fields.pvd").getroot()
    assert len(collection[0]) == len(shots)
    segments = json.loads((path / "fields.json").read_text())
    assert [s["file"] for s in segments] == [f"fields_00{i}.bp" for i in range(3)]
    assert all((path / s["file"]).exists() for s in segments)


def test_xdmf_is_written_too(line, tmp_path) -> None:
    """The other format of the case."""
    case = line(output={"fields": {"every": "1 s", "format": "xdmf"}})
    Simulation.from_case(case, output=tmp_path / "run").run(1.0)
    text = (tmp_path / "run" / "fields_000.xdmf").read_text()
    assert 'Name="tunnelling_action"' in text


def test_a_run_is_never_written_over_by_accident(line, tmp_path) -> None:
    """Refused; with overwrite the old files go and a stranger's file stays."""
    path = tmp_path / "run"
    Simulation.from_case(line(), output=path).run(0.1)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds a run already"):
        Simulation.from_case(line(), output=path)
    Simulation.from_case(line(), output=path, overwrite=True).run(0.05)
    assert _times(path)[-1] == 0.05
    assert (path / "notes.txt").read_text() == "mine"


def test_a_bad_case_does_not_cost_the_old_run(line, tmp_path) -> None:
    """Overwriting happens only when the new run can start."""
    path = tmp_path / "run"
    Simulation.from_case(line(), output=path).run(0.1)
    with pytest.raises(CaseError):
        Simulation.from_case(line(model={"reactions": ["R9"]}), output=path, overwrite=True)
    assert _times(path)[-1] == 0.1


def test_folders_are_numbered(tmp_path) -> None:
    """results/NAME_001, _002; gaps are not filled."""
    assert next_folder(tmp_path, "case").name == "case_001"
    for name in ("case_001", "case_007", "case_x", "other_009"):
        (tmp_path / name).mkdir()
    assert next_folder(tmp_path, "case").name == "case_008"
    assert last_folder(tmp_path, "case") == tmp_path / "case_007"
    with pytest.raises(OutputError, match="no run to continue"):
        open_folder(tmp_path / "case_007", restart=True, overwrite=False)


def test_a_file_is_whole_or_as_before(tmp_path, monkeypatch) -> None:
    """A write that fails leaves the old text and no litter."""
    path = tmp_path / "summary.json"
    write_whole(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device; .*--restart"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class _FullDisk:
    """A file on a disk that is full."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self._file.close()


@pytest.mark.mpi
def test_a_full_disk_ends_all_ranks_and_keeps_the_checkpoint(
    line, comm: MPI.Intracomm, folder: Path, monkeypatch
) -> None:
    """One clear line on every rank; the run can go on once there is space."""
    case = line(output={"checkpoint": {"every": "2 s"}})
    simulation = Simulation.from_case(case, output=folder, comm=comm)
    simulation.run(4.0)
    simulation = Simulation.from_case(case, output=folder, comm=comm, restart=True)
    write, rows = TimeSeries.write, [0]

    def filling(self: TimeSeries, values: Any) -> None:
        rows[0] += 1
        if rows[0] == 3:
            self._file = _FullDisk(self._file)
        write(self, values)

    monkeypatch.setattr(TimeSeries, "write", filling)
    with pytest.raises(OutputError, match=r"timeseries\.csv: No space left on device"):
        simulation.run()
    monkeypatch.undo()
    again = Simulation.from_case(case, output=folder, comm=comm, restart=True)
    assert again.state.time >= 4.0
    assert again.run().summary["finished"]
    comm.Barrier()
    assert np.all(np.diff(_times(folder)) > 0.0)
