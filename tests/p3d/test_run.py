"""Runs of a whole cell from the case file: folder, restart, command line, bad cases."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import Case, load_any, load_case
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CaseError, MeshError
from interphase.parameters.yaml_io import dump_yaml
from interphase.scripts.main import main
from interphase.solvers.p3d.linear_places import LinearPair, LinearPlaces
from interphase.solvers.p3d.place_map import PlaceMap
from interphase.solvers.p3d.setup import build_cell
from interphase.solvers.p3d.simulation import P3DRun
from interphase.solvers.stopping import Ending

CASE: dict[str, Any] = {
    "kind": "p3d",
    "title": "small pouch",
    "geometry": {
        "shape": "pouch",
        "size": ["4 mm", "50 mm", "60 mm"],
        "cells": [1, 4, 6],
        "places": [1, 2, 3],
        "tabs": {
            "negative": {"side": "top", "start": "0 mm", "width": "20 mm"},
            "positive": {"side": "top", "start": "30 mm", "width": "20 mm"},
        },
    },
    "pair": {"model": "SPM"},
    "heat": {"cooling": {"front": {"transfer": "30 W/m^2/K"}}},
    "drive": {"experiment": ["Discharge at 1C for 10 minutes", "Rest for 5 minutes"]},
    "time": {"step": "60 s", "first": "5 s"},
    "output": {"fields": {"every": "5 min"}},
}


def case_with(**changes: Any) -> P3DCase:
    def merge(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        both = {
            k: merge(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
            for k, v in more.items()
        }
        return {**base, **both}

    return P3DCase(**merge(CASE, changes))


def linear(places: PlaceMap) -> LinearPlaces:
    return LinearPlaces(LinearPair(), places.size)


def rows(folder: Path, name: str = "timeseries.csv") -> list[dict[str, float]]:
    with (folder / name).open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def folder(comm: MPI.Intracomm, tmp_path: Path) -> Path:
    """One folder for all ranks."""
    path: Path = comm.bcast(tmp_path)
    return path


@pytest.mark.mpi
def test_run_leaves_its_folder(comm: MPI.Intracomm, folder: Path) -> None:
    run = P3DRun(case_with(), comm, folder / "run", models=linear)
    assert run.run() is Ending.DONE
    comm.Barrier()
    table = rows(folder / "run")
    assert table[-1]["time [s]"] == pytest.approx(900.0)
    assert max(row["heat_imbalance [-]"] for row in table) < 1e-6
    places = rows(folder / "run", "places.csv")
    times = sorted({row["time [s]"] for row in places})
    assert len(places) == 6 * len(times) and times[-1] == pytest.approx(900.0)
    last = [row for row in places if row["time [s]"] == times[-1]]
    assert sum(r["area [m2]"] for r in last) == pytest.approx(run.cell.area, rel=1e-12)
    summary = json.loads((folder / "run" / "summary.json").read_text())
    assert summary["finished"] and summary["places"] == 6
    assert summary["worst"]["current_imbalance"] < 1e-8
    pictures = json.loads((folder / "run" / "snapshots" / "snapshots.json").read_text())
    assert [one["time"] for one in pictures] == pytest.approx(times)
    assert (folder / "run" / "provenance.json").exists()


@pytest.mark.mpi
def test_picture_holds_the_fields(comm: MPI.Intracomm, folder: Path) -> None:
    run = P3DRun(case_with(), comm, folder / "run", models=linear)
    run.run()
    heat = run.cell.balance.heat.values
    low, high = comm.allreduce(heat.min(), op=MPI.MIN), comm.allreduce(heat.max(), op=MPI.MAX)
    soc = run.cell.mean(run.cell.balance.answer.soc)
    if comm.rank > 0:
        return
    import pyvista

    last = sorted((folder / "run" / "snapshots").glob("*.vtu"))[-1]
    grid = pyvista.read(last)
    # single precision
    assert grid["temperature"].min() == pytest.approx(low, rel=1e-6)
    assert grid["temperature"].max() == pytest.approx(high, rel=1e-6)
    sizes = grid.compute_cell_sizes()["Volume"]
    assert sizes.sum() == pytest.approx(4e-3 * 50e-3 * 60e-3, rel=1e-6)
    assert np.average(grid["soc"], weights=sizes) == pytest.approx(soc, rel=1e-5)
    y = grid.cell_centers().points[:, 1]
    # places are numbered along z first, then y
    assert np.array_equal(grid["place"] // 3, (y > 25e-3).astype(int))


@pytest.mark.mpi
def test_can_of_a_roll_carries_its_current_and_cools_it(comm: MPI.Intracomm, folder: Path) -> None:
    """A cooled bottom draws heat along the turns: the top is warmer than the bottom."""
    steel = {"heat_conductivity": "16 W/m/K", "heat_capacity": "3.9e6 J/m^3/K"}
    case = P3DCase(
        kind="p3d",
        geometry={
            "shape": "cylindrical",
            "inner_radius": "2 mm",
            "outer_radius": "20 mm",
            "height": "60 mm",
            "cells": [4, 8, 6],
            "places": [2, 1, 3],
            "casing": "0.5 mm",
        },
        pair={"model": "SPM"},
        heat={
            "materials": {"casing": steel},
            "cooling": {"tab_negative": {"kind": "plate", "contact": "1e-4 K*m^2/W"}},
        },
        drive={"experiment": ["Discharge at 2C for 10 minutes"]},
        time={"step": "60 s", "first": "5 s"},
    )
    run = P3DRun(case, comm, folder, models=linear)
    assert run.run() is Ending.DONE
    places = run.cell.balance.places
    found = places.gather(np.column_stack([places.centre[:, 2], run.cell.balance.heat.at_places()]))
    if found is not None:
        low, high = found[found[:, 0] < 20e-3, 1], found[found[:, 0] > 40e-3, 1]
        assert high.min() > low.max() + 0.1
    summary = comm.bcast(json.loads((folder / "summary.json").read_text()) if found is not None
                         else None)  # fmt: skip
    assert summary["worst"]["current_imbalance"] < 1e-8
    assert summary["worst"]["power_imbalance"] < 1e-8


@pytest.mark.mpi
def test_restart_goes_on_exactly(comm: MPI.Intracomm, folder: Path) -> None:
    whole = P3DRun(case_with(), comm, folder / "whole", models=linear)
    whole.run()
    P3DRun(case_with(time={"until": "200 s"}), comm, folder / "two", models=linear).run()
    P3DRun(case_with(), comm, folder / "two", restart=True, models=linear).run()
    comm.Barrier()
    first, second = rows(folder / "whole"), rows(folder / "two")
    assert [r["time [s]"] for r in second] == pytest.approx([r["time [s]"] for r in first])
    for name in ("voltage [V]", "temperature_largest [K]", "current_density_least [A/m2]"):
        expected = [r[name] for r in first]
        assert [r[name] for r in second] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert len(rows(folder / "two", "places.csv")) >= len(rows(folder / "whole", "places.csv"))


@pytest.mark.mpi
def test_restart_with_another_cell_is_refused(comm: MPI.Intracomm, folder: Path) -> None:
    P3DRun(case_with(time={"until": "60 s"}), comm, folder, models=linear).run()
    with pytest.raises(CaseError, match=r"heat.cooling.front.transfer: is 40"):
        other = case_with(heat={"cooling": {"front": {"transfer": "40 W/m^2/K"}}})
        P3DRun(other, comm, folder, restart=True, models=linear)


@pytest.mark.mpi
def test_failing_place_leaves_a_checkpoint_to_continue_from(
    comm: MPI.Intracomm, folder: Path
) -> None:
    from interphase.solvers.p3d.places import PlaceError

    class Failing(LinearPlaces):
        def advance(self, seconds: float, current_density: Any, temperature: Any) -> Any:
            answer = super().advance(seconds, current_density, temperature)
            if answer.soc.size and answer.soc.min() < 0.9:
                self.rollback()
                raise PlaceError("breaks", [0])
            return answer

    case = case_with()
    with pytest.raises(PlaceError, match=r"place \d+ at .* breaks"):
        P3DRun(case, comm, folder, models=lambda p: Failing(LinearPair(), p.size)).run()
    comm.Barrier()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["ending"] == "failed" and "breaks" in summary["reason"]
    assert P3DRun(case, comm, folder, restart=True, models=linear).run() is Ending.DONE


@pytest.mark.mpi
def test_wall_time_stops_with_a_checkpoint(comm: MPI.Intracomm, folder: Path) -> None:
    run = P3DRun(case_with(), comm, folder, models=linear)
    assert run.run(walltime=0.0) is Ending.WALLTIME
    assert P3DRun(case_with(), comm, folder, restart=True, models=linear).run() is Ending.DONE


@pytest.mark.slow
def test_command_line_runs_checks_and_restarts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case.yaml"
    case.write_text(dump_yaml(CASE))
    out = str(tmp_path / "run")
    assert main(["check", str(case)]) == 0
    assert "6" in capsys.readouterr().out
    short = ["--set", "time.until=60 s"]
    assert main(["run", str(case), "-o", out, *short]) == 0
    assert main(["run", str(case), "-o", out]) == 2  # holds a run
    assert main(["run", str(case), "-o", out, "--restart"]) == 0
    assert rows(tmp_path / "run")[-1]["time [s]"] == pytest.approx(900.0)
    assert main(["run", str(case), "-o", str(tmp_path / "b"), "--set", "heat.cooling.tpo.kind=held"]) == 2  # fmt: skip  # noqa: E501
    # A later --restart must not take the folder of a run that never was.
    assert not (tmp_path / "b").exists()
    beyond = "geometry.tabs.negative.start=1 m"
    assert main(["run", str(case), "-o", str(tmp_path / "c"), "--set", beyond]) == 2
    assert not (tmp_path / "c").exists()
    assert "heat.cooling.tpo" in capsys.readouterr().out


@pytest.mark.slow
def test_report_shows_terminals_spreads_and_maps(tmp_path: Path) -> None:
    P3DRun(case_with(), MPI.COMM_SELF, tmp_path, models=linear).run()
    assert main(["report", str(tmp_path)]) == 0
    names = sorted(path.name for path in (tmp_path / "report").glob("*.png"))
    assert names == ["maps_0.png", "maps_1.png", "spreads.png", "terminals.png"]
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    for text in ("small pouch", "worst heat imbalance", "Discharge at 1C for 10 minutes"):
        assert text in page


def refused(**changes: Any) -> str:
    with pytest.raises(CaseError) as caught:
        case_with(**changes)
    return str(caught.value)


def test_bad_cases_name_the_key() -> None:
    negative = {"cooling": {"front": {"transfer": "-5 W/m^2/K"}}}
    assert refused(heat=negative).startswith("heat.cooling.front.transfer: -5")
    assert "did you mean 'transfer'" in refused(
        heat={"cooling": {"front": {"tranfer": "5 W/m^2/K"}}}
    )
    assert refused(heat={"cooling": {"front": {"kind": "plate", "transfer": None}}}).startswith(
        "heat.cooling.front.contact: is missing"
    )
    assert refused(geometry={"tabs": None}).startswith("geometry.tabs")
    assert refused(geometry={"casing": "1 mm"}).startswith("heat.materials.casing")
    assert refused(geometry={"inner_radius": "1 mm"}).startswith("geometry.inner_radius")
    assert refused(geometry={"places": 0}).startswith("geometry.places")
    assert refused(geometry={"cell_size": "4 mm"}).startswith("geometry.cell_size: is for tetra")
    assert refused(geometry={"tab_cell_size": "1 mm"}).startswith("geometry.tab_cell_size: needs")
    assert refused(drive={"experiment": []}).startswith("drive")
    assert refused(time={"first": "2 min"}).startswith("time.first")


def test_bad_program_and_pair_name_the_key(comm: MPI.Intracomm) -> None:
    with pytest.raises(CaseError, match=r"pair.parameters: PyBaMM has no set 'OKane'"):
        build_cell(case_with(pair={"parameters": "OKane"}), MPI.COMM_SELF, linear)
    with pytest.raises(CaseError, match=r"heat.materials.lid: the cell has no such region"):
        lid = {"heat_conductivity": "20 W/m/K", "heat_capacity": "3e6 J/m^3/K"}
        build_cell(case_with(heat={"materials": {"lid": lid}}), MPI.COMM_SELF, linear)


def test_contact_resistance_of_a_place_is_refused(comm: MPI.Intracomm) -> None:
    """PyBaMM would lower the voltage and set none of its heat free."""
    with pytest.raises(CaseError, match=r"pair.options.contact resistance: .*drive.contact_res"):
        build_cell(case_with(pair={"options": {"contact resistance": "true"}}), MPI.COMM_SELF)


def test_film_case_is_told_from_a_whole_cell(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(dump_yaml(CASE))
    assert isinstance(load_any(path), P3DCase)
    with pytest.raises(CaseError, match="a film is wanted"):
        load_case(path)
    path.write_text(dump_yaml({**CASE, "kind": "p4d"}))
    with pytest.raises(CaseError, match=r"kind: 'p4d' is not a choice; did you mean 'p3d'"):
        load_any(path)
    assert not issubclass(P3DCase, Case)


def test_resolved_case_reads_back(make: Callable[..., P3DCase] = case_with) -> None:
    case = make()
    assert P3DCase(**case.resolved()) == case


GMSH = """$MeshFormat
2.2 0 8
$EndMeshFormat
$PhysicalNames
4
2 1 "tab_negative"
2 2 "tab_positive"
3 3 "{name}"
2 4 "floor"
$EndPhysicalNames
$Nodes
8
1 0 0 0
2 10 0 0
3 10 10 0
4 0 10 0
5 0 0 10
6 10 0 10
7 10 10 10
8 0 10 10
$EndNodes
$Elements
4
1 3 2 1 1 1 2 6 5
2 3 2 2 2 4 3 7 8
3 3 2 4 4 1 2 3 4
4 5 2 {tag} 3 1 2 3 4 5 6 7 8
$EndElements
"""


def test_mesh_file_with_names(tmp_path: Path) -> None:
    path = tmp_path / "cell.msh"
    path.write_text(GMSH.format(name="jelly", tag=3))
    geometry = {"shape": "file", "file": str(path), "file_unit": "1 mm", "places": 1}
    known = {**CASE, "geometry": {**geometry, "names": {"jelly": "stack", "floor": "bottom"}}}
    known["heat"] = {"cooling": {"bottom": {"transfer": "30 W/m^2/K"}}}
    cell = build_cell(P3DCase(**known), MPI.COMM_SELF, linear)
    assert cell.area * cell.layers.period == pytest.approx(1e-6, rel=1e-12)
    assert cell.balance.places.cells.area["bottom"] == pytest.approx(1e-4)
    with pytest.raises(MeshError, match=r"has no 'stack' \(regions and faces: .*jelly"):
        build_cell(P3DCase(**{**known, "geometry": geometry}), MPI.COMM_SELF, linear)
    path.write_text(GMSH.format(name="jelly", tag=9))
    with pytest.raises(MeshError, match=r"1 cells belong to no named region \(tag 9\)"):
        build_cell(P3DCase(**known), MPI.COMM_SELF, linear)
