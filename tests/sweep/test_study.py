"""Studies: what is read, what is refused and how, which members come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.distributions import (
    LogNormalSpread,
    LogUniform,
    Normal,
    Uniform,
    table_distribution,
)
from interphase.parameters.errors import CaseError, ParameterError
from interphase.parameters.table import load_table
from interphase.scripts.main import main
from interphase.scripts.sweep.plan import Plan, make_plan
from interphase.scripts.sweep.study import load_study

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="one rank reads a study")

CASE = """\
schema: 1
title: line
mesh: {kind: interval, size: [10 nm], cell_size: 0.16 nm}
model:
  deposition: proportional
  override: {interface_width: {value: 1 nm, note: six cells}}
initial: {seeds: {law: none}}
drive: {steps: [{hold: 0.1 V}]}
time: {until: 2 s}
"""


def plan_of(folder: Path, text: str) -> Plan:
    """Return the plan of a study given by its text, beside the case above."""
    (folder / "line.yaml").write_text(CASE)
    (folder / "study.yaml").write_text("schema: 1\ncase: line.yaml\n" + text)
    return make_plan(load_study(folder / "study.yaml"))


def test_a_grid_has_every_combination_and_a_list_goes_side_by_side(tmp_path: Path) -> None:
    text = "parameters: {'drive.steps[0].hold': [0.1 V, 50 mV], mesh.cell_size: [0.16 nm, 0.1 nm]}"
    grid = plan_of(tmp_path, text)
    values = [member.values for member in grid.members]
    assert values == [(0.1, 1.6e-10), (0.1, 1e-10), (0.05, 1.6e-10), (0.05, 1e-10)]
    sides = plan_of(tmp_path, text + "\ndesign: {kind: list}")
    assert [member.values for member in sides.members] == [(0.1, 1.6e-10), (0.05, 1e-10)]
    case = sides.case_of(sides.members[1])
    assert (case.drive.steps[0].hold, case.mesh.cell_size) == (0.05, 1e-10)


@pytest.mark.parametrize(
    ("kind", "members"), [("sobol", 8 * 4), ("lhs", 8), ("morris", 8 * 3)]
)  # fmt: skip
def test_random_designs_draw_from_the_tables_own_uncertainty(
    tmp_path: Path, kind: str, members: int
) -> None:
    text = f"""\
parameters:
  interstitial_rate.R1: table
  interstitial_diffusivity.Li2EDC: {{from: table, scale: log}}
design: {{kind: {kind}, samples: 8, seed: 3}}
"""
    plan = plan_of(tmp_path, text)
    assert len(plan.members) == members
    rates = np.array([member.values[0] for member in plan.members])
    # the range that the table states; it is read and drawn, not repeated in the study
    assert (rates.min() >= 4.0e-7) and (rates.max() <= 1.8e-6)
    assert plan.factors[0].distribution == Uniform(4.0e-7, 1.8e-6)
    assert isinstance(plan.factors[1].distribution, LogUniform)
    again = plan_of(tmp_path, text)
    assert [m.overrides for m in again.members] == [m.overrides for m in plan.members]
    assert again.fingerprint() == plan.fingerprint()
    other = plan_of(tmp_path, text.replace("seed: 3", "seed: 4"))
    assert other.fingerprint() != plan.fingerprint()
    override = plan.case_of(plan.members[0]).model.override["interstitial_rate.R1"]
    assert "member 0" in override.note


ROW = "interstitial_rate.R1"


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("parameters: {mesh.cell_sise: [1 nm]}", "parameters.mesh.cell_sise", "cell_size"),
        ("parameters: {mush.cell_size: [1 nm]}", "parameters.mush.cell_size", "mesh"),
        ("parameters: {interstitial_rate.R9: table}", "parameters.interstitial_rate.R9", "no row"),
        ("parameters: {}", "parameters", "at least 1"),
        ("parameters: {mesh.cell_size: []}", "parameters.mesh.cell_size.values", "empty"),
        ("parameters: {mesh.cell_size: [1 V]}", "parameters.mesh.cell_size.values", "dimension"),
        ("parameters: {mesh.cell_size: table}", "parameters.mesh.cell_size.from", "no row"),
        ("parameters: {temperature: table}", "parameters.temperature.from", "uncertainty"),
        (f"parameters: {{{ROW}: {{normal: [1e-6 mol/m^2/s, -1e-7 mol/m^2/s]}}}}",
         f"parameters.{ROW}.normal", "standard deviation must be positive"),
        (f"parameters: {{{ROW}: {{uniform: [2e-6 mol/m^2/s, 1e-6 mol/m^2/s]}}}}",
         f"parameters.{ROW}.uniform", "must be less"),
        (f"parameters: {{{ROW}: {{log_normal: [1e-6 mol/m^2/s, 0.5]}}}}",
         f"parameters.{ROW}.log_normal", "factor more than 1"),
        (f"parameters: {{{ROW}: {{uniform: [1, 2], values: [1]}}}}",
         f"parameters.{ROW}", "needs one of"),
        (f"parameters: {{{ROW}: table, model.override.{ROW}: table}}\n"
         "design: {kind: lhs, samples: 4}", f"parameters.{ROW}", "twice"),
        (f"parameters: {{{ROW}: table}}", f"parameters.{ROW}", "needs values"),
        (f"parameters: {{{ROW}: table}}\ndesign: {{kind: lhs}}", "design.samples", "missing"),
        (f"parameters: {{{ROW}: table}}\ndesign: {{kind: lhs, samples: 0}}",
         "design.samples", "greater than or equal to 1"),
        (f"parameters: {{{ROW}: table}}\ndesign: {{kind: sobol, samples: 12}}",
         "design.samples", "power of two"),
        (f"parameters: {{{ROW}: table}}\ndesign: {{kind: soboll}}", "design.kind", "sobol"),
        ("parameters: {mesh.cell_size: [0.1 nm, 0.16 nm], 'drive.steps[0].hold': [1 V]}\n"
         "design: {kind: list}", "design", "as many values"),
        ("parameters: {mesh.cell_size: [0.16 nm, -1 nm]}", "parameters", "member 1"),
        ("parameters: {'drive.steps[3].hold': [1 V]}", "parameters", "no such place"),
        ("parameters: {mesh.cell_size: [0.16 nm]}\nquantities: [thickness_LiFF]",
         "quantities", "thickness_LiF"),
        ("parameters: {mesh.cell_size: [0.16 nm]}\nquantities: ['thickness @ 3 s']",
         "quantities: thickness @ 3 s", "outside"),
        ("parameters: {mesh.cell_size: [0.16 nm]}\nset: {mesh.sise: 1 nm}",
         "set.mesh.sise", "size"),
        ("parameters: {mesh.cell_size: [0.16 nm]}\nresources: {ranks: 0}",
         "resources.ranks", "greater"),
        ("parameters: {initial.seeds.seed: {uniform: [1, 9]}}",
         "parameters.initial.seeds.seed.uniform", "list of values"),
        ("parameters: {initial.seeds.seed: [1.5]}",
         "parameters.initial.seeds.seed.values", "whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_with_its_key(
    tmp_path: Path, text: str, key: str, what: str
) -> None:
    with pytest.raises(CaseError) as caught:
        plan_of(tmp_path, text)
    assert caught.value.key == key
    assert what in str(caught.value) and "\n" not in str(caught.value)


def test_words_and_whole_numbers_can_be_listed(tmp_path: Path) -> None:
    text = "parameters: {model.kinetics: [butler_volmer, marcus], initial.seeds.seed: [1, 2]}"
    plan = plan_of(tmp_path, text + "\nset: {model.reactions: [R1]}")
    assert [member.values for member in plan.members][1] == ("butler_volmer", 2)
    case = plan.case_of(plan.members[3])
    assert (case.model.kinetics, case.initial.seeds.seed) == ("marcus", 2)
    assert case.model.reactions == ("R1",)


def test_dry_run_shows_members_and_cost_and_leaves_nothing(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan_of(tmp_path, "parameters: {'drive.steps[0].hold': [0.1 V, 50 mV]}")
    assert main(["sweep", "study.yaml", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "00001  drive.steps[0].hold = 0.05 V" in text
    assert "2 members" in text and "a member" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.yaml", "study.yaml"]


def test_a_bad_study_ends_with_2_and_one_line(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text("schema: 1\ncase: none.yaml\nparameters: {a: [1]}\n")
    assert main(["sweep", "study.yaml"]) == 2
    assert "none.yaml" in capsys.readouterr().out
    assert main(["sweep", "missing.yaml"]) == 2


@pytest.mark.parametrize(
    "law",
    [Uniform(-1.0, 3.0), LogUniform(0.1, 10.0), Normal(1.0, 0.5, 0.0), LogNormalSpread(2.0, 1.5)],
)  # fmt: skip
def test_densities_and_quantiles_belong_together(law) -> None:
    """The density integrates to the difference of the parts between two quantiles."""
    low, high = (float(law.quantile(part)) for part in (0.1, 0.8))
    x = np.linspace(low, high, 20001)
    assert np.trapezoid(np.exp(law.log_density(x)), x) == pytest.approx(0.7, abs=1e-6)


def test_a_relative_uncertainty_stays_inside_what_the_quantity_may_be() -> None:
    """A deviation as large as the value must not make a rate negative."""
    with pytest.raises(ParameterError, match="mean"):
        Normal(-1.0, 1.0, 0.0)
    assert float(Normal(1.0, 1.0, 0.0).quantile(0.001)) > 0.0
    table = load_table("literature")
    rows = [row for row in table.parameters if row.value is not None]
    relative = [row for row in rows if type(row.uncertainty).__name__ == "Relative"]
    law = table_distribution(relative[0])
    assert isinstance(law, Normal)
    assert law.deviation == pytest.approx(abs(law.mean) * relative[0].uncertainty.fraction)


def test_what_is_not_installed_is_named_in_one_line(tmp_path, capsys, monkeypatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "parsl" else real(name)
    )
    assert main(["sweep", str(tmp_path / "study.yaml")]) == 2
    text = capsys.readouterr().out
    assert "needs parsl;" in text and "interphase[sweep]" in text and text.count("\n") == 1
