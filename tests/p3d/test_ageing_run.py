"""Ageing of a whole cell as a case: what it writes, what it conserves, what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.errors import CaseError
from interphase.scripts.commands.check_p3d import whole_cell
from interphase.scripts.reporting.build import write_cell_report
from interphase.scripts.reporting.whole_cell import read_cell
from interphase.solvers.p3d.ageing_run import P3DAgeingRun
from interphase.solvers.p3d.ageing_setup import build_aged_cell, film_maker
from interphase.solvers.stopping import Ending


def case_data(**ageing: Any) -> dict[str, Any]:
    """A small pouch cooled at its tabs, with films by a law that follows the temperature."""
    return {
        "schema": 1,
        "kind": "p3d",
        "title": "small pouch",
        "geometry": {
            "shape": "pouch",
            "size": ["3.9 mm", "100 mm", "100 mm"],
            "cells": [2, 4, 4],
            "places": [1, 2, 2],
            "tabs": {
                "negative": {"side": "top", "start": "0 mm", "width": "25 mm", "length": "10 mm",
                             "thickness": "0.3 mm"},
                "positive": {"side": "top", "start": "50 mm", "width": "25 mm", "length": "10 mm",
                             "thickness": "0.4 mm"},
            },
        },
        "pair": {
            "model": "SPM",
            "initial_soc": 0.9,
            "points": {"x_n": 4, "x_s": 3, "x_p": 4, "r_n": 6, "r_p": 6},
            "override": {
                "SEI kinetic rate constant [m.s-1]": 1e-15,
                "SEI growth activation energy [J.mol-1]": 6e4,
            },
        },
        "heat": {"cooling": {"top": {"transfer": "400 W/m^2/K"}}},
        "drive": {
            "experiment": ["Discharge at 1C for 30 minutes", "Charge at 1C for 25 minutes"],
            "cycles": 12,
        },
        "time": {"step": "5 min", "first": "5 s"},
        "ageing": {
            "film": {"law": "ec reaction limited"},
            "temperature_span": "0.2 K",
            "exchange": {"first": "1 h", "most_cycles": 8},
            **ageing,
        },
    }  # fmt: skip


def rows_of(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{name.partition(" [")[0]: float(v) for name, v in row.items()} for row in rows]


@pytest.mark.slow
@pytest.mark.mpi
def test_a_pouch_ages_unevenly_and_loses_no_lithium(tmp_path: Path) -> None:
    """Tab-cooled, its far end is warmer and has more film; cycles are jumped over."""
    comm = MPI.COMM_WORLD
    folder = Path(comm.bcast(str(tmp_path / "run")))
    run = P3DAgeingRun(P3DCase(**case_data()), comm, folder)
    assert run.run() is Ending.DONE
    comm.Barrier()
    rows = rows_of(folder / "ageing.csv")
    assert rows[-1]["cycle"] == 12
    assert rows[-1]["cycles_simulated"] < 12
    assert max(row["lithium_imbalance"] for row in rows) < 1e-9
    assert rows[-1]["film_lithium"] == pytest.approx(rows[-1]["lost_lithium"], rel=1e-9)
    places = [row for row in rows_of(folder / "places.csv") if row["time"] == rows[-1]["time"]]
    assert len(places) == 4
    area = np.array([row["area"] for row in places])
    lost = np.array([row["lost_lithium"] for row in places])
    assert float(area @ lost) == pytest.approx(rows[-1]["lost_lithium"], rel=1e-9)
    height, thickness = (np.array([row[name] for row in places]) for name in ("z", "thickness"))
    far, near = thickness[height < 0.05], thickness[height > 0.05]
    assert far.min() > 1.002 * near.max()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["finished"]
    assert summary["clusters"] >= 2
    assert len(rows_of(folder / "patches.csv")) == summary["clusters"] * len(rows)


@pytest.mark.slow
def test_a_restart_ends_where_the_whole_run_ends(tmp_path: Path) -> None:
    """Stopped after its first exchange and continued; rows and the films' lithium are the same."""
    data = case_data()
    data["drive"]["cycles"] = 4
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    P3DAgeingRun(P3DCase(**data), MPI.COMM_SELF, whole).run()
    assert P3DAgeingRun(P3DCase(**data), MPI.COMM_SELF, parts).run(walltime=0.0) is Ending.WALLTIME
    assert len(rows_of(parts / "ageing.csv")) == 1
    run = P3DAgeingRun(P3DCase(**data), MPI.COMM_SELF, parts, restart=True)
    assert run.run() is Ending.DONE
    for name in ("ageing.csv", "patches.csv", "places.csv"):
        found, wanted = rows_of(parts / name), rows_of(whole / name)
        assert len(found) == len(wanted)
        for row, other in zip(found, wanted, strict=True):
            for key in set(row) & {"time", "cycle", "thickness", "lost_lithium", "charge"}:
                assert row[key] == pytest.approx(other[key], rel=1e-7)


def test_a_pouch_that_ages_has_a_report(tmp_path: Path) -> None:
    data = case_data()
    data["drive"]["cycles"] = 1
    P3DAgeingRun(P3DCase(**data), MPI.COMM_SELF, tmp_path / "run").run()
    page = write_cell_report(read_cell(tmp_path / "run"), tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "1, 1 simulated" in text
    assert "lithium of cell and films apart" in text
    assert {one.name for one in page.parent.iterdir()} >= {"ageing.png", "maps_0.png"}


@pytest.mark.parametrize(
    ("film", "key"),
    [
        ({"law": "no such law"}, "ageing.film.law"),
        ({"mesh": {"kind": "interval", "size": ["20 nm"], "cell_size": "0.2 nm"},
          "initial": {"kind": "planar_film", "thickness": "5 nm", "shares": {"Nacl": 1.0}}},
         "ageing.film.initial.shares"),
    ],
)  # fmt: skip
def test_a_film_that_cannot_be_is_refused_by_its_key(film: dict[str, Any], key: str) -> None:
    with pytest.raises(CaseError) as caught:
        film_maker(P3DCase(**case_data(film=film)))(0, MPI.COMM_SELF)
    assert str(caught.value).startswith(key)


@pytest.mark.parametrize(
    ("ageing", "text"),
    [
        ({"film": {}}, "ageing.film.*one of law and mesh"),
        ({"film": {"law": "ec reaction limited", "model": {}}}, "ageing.film.law.*remove"),
        ({"patches": 3}, "ageing.patches.*SPM"),
        ({"clusters": 0}, "ageing.clusters"),
        ({"temperature_span": "-1 K"}, "ageing.temperature_span"),
    ],
)
def test_bad_blocks_are_refused(ageing: dict[str, Any], text: str) -> None:
    with pytest.raises(CaseError, match=text):
        P3DCase(**case_data(**ageing))


def test_check_tells_what_is_simulated_and_looks_at_the_film() -> None:
    text = "\n".join(whole_cell("pouch", P3DCase(**case_data()), 1))
    assert "12 cycles, few of them simulated; films for at most 8 clusters" in text
    assert "in one cycle" in text
    with pytest.raises(CaseError, match="ageing.film.law"):
        whole_cell("pouch", P3DCase(**case_data(film={"law": "none such"})), 1)


def test_a_case_without_ageing_is_no_study() -> None:
    data = case_data()
    del data["ageing"]
    with pytest.raises(CaseError, match="ageing"):
        build_aged_cell(P3DCase(**data), MPI.COMM_SELF)
