"""Studies of films that a cell drives: what is refused, what is read, one that runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.parameters.errors import CaseError
from interphase.scripts.main import main
from interphase.scripts.sweep.engine import run_study
from interphase.scripts.sweep.folder import opened
from interphase.scripts.sweep.plan import Plan, make_plan
from interphase.scripts.sweep.results import collect, write_results
from interphase.scripts.sweep.study import load_study

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")

CASE = """\
schema: 1
title: stored cell
mesh: {kind: interval, size: [20 nm], cell_size: 0.16 nm}
model:
  deposition: proportional
  override: {interface_width: {value: 1 nm, note: six cells}}
initial: {kind: planar_film, thickness: 5 nm, shares: {Li2CO3: 1.0}, seeds: {law: none}}
drive:
  kind: cell
  cell: {model: SPM, storage: {soc: [0.2], temperature: [25 degC]}}
time: {until: 1 h}
"""

STUDY = """\
schema: 1
case: cell.yaml
parameters: {'drive.cell.storage.soc[0]': [0.5, 0.9]}
quantities: [lost_capacity, film_thickness @ 30 min]
resources: {at_once: 2, time_limit: 5 min}
"""


def plan_of(folder: Path, case: str = CASE, study: str = STUDY) -> Plan:
    """Return the plan of a study."""
    (folder / "cell.yaml").write_text(case)
    (folder / "study.yaml").write_text(study)
    return make_plan(load_study(folder / "study.yaml"))


def test_a_member_is_one_condition(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"drive\.cell\.storage\.soc\[0\]"):
        plan_of(tmp_path, CASE.replace("[0.2]", "[0.2, 0.9]"))


def test_the_columns_are_those_of_the_cell(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert [q.header for q in plan.quantities] == [
        "lost_capacity [A.h]", "film_thickness @ 30 min [m]"
    ]  # fmt: skip
    with pytest.raises(CaseError, match=r"film_thickness"):
        plan_of(tmp_path, study=STUDY.replace("film_thickness @", "thickness @"))


def test_the_dry_run_says_what_it_does_not_know(tmp_path: Path, capsys) -> None:
    plan_of(tmp_path)
    assert main(["sweep", str(tmp_path / "study.yaml"), "--dry-run"]) == 0
    assert "not estimated for films that a cell drives" in capsys.readouterr().out


@pytest.mark.slow
def test_a_study_of_stored_cells_runs_and_reads_back(tmp_path: Path) -> None:
    import pandas

    plan = plan_of(tmp_path)
    with opened(tmp_path / "out", plan) as held:
        found = run_study(plan, held)
        assert [one.status for one in found.values()] == ["done", "done"], found
        write_results(collect(plan, held, found), held.path)
    table = pandas.read_csv(tmp_path / "out" / "results.csv")
    low, high = table["lost_capacity [A.h]"]
    assert 0.0 < low < high  # the negative electrode of a fuller cell reduces more
    assert (tmp_path / "out" / "series.nc").exists()
