"""The whole way from a study to its page, with members that are a small program."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.parameters.errors import CaseError
from interphase.scripts.sweep.engine import run_study
from interphase.scripts.sweep.fitting import Calibration
from interphase.scripts.sweep.folder import opened
from interphase.scripts.sweep.plan import make_plan
from interphase.scripts.sweep.report import write_report
from interphase.scripts.sweep.results import collect
from interphase.scripts.sweep.sensitivity import sensitivity, source_needs
from interphase.scripts.sweep.study import load_study

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")

TEXT = """\
schema: 1
title: Volts <matter>
case: line.yaml
parameters:
  drive.steps[0].hold: {uniform: [0.1 V, 0.4 V]}
  interstitial_rate.R1: table
quantities: [thickness, thickness @ 1 s]
design: DESIGN
"""


@pytest.mark.parametrize(
    "design",
    ["{kind: lhs, samples: 8}", "{kind: sobol, samples: 16}", "{kind: morris, samples: 4}"],
)
def test_the_parameter_that_matters_comes_first(
    study: Path, program: list[str], tmp_path: Path, design: str, caplog
) -> None:
    """The program's film is 1 nm (1 + U/V) whatever the rate."""
    study.write_text(TEXT.replace("DESIGN", design))
    plan = make_plan(load_study(study))
    with opened(tmp_path / "out", plan) as held:
        results = collect(plan, held, run_study(plan, held, program))
        found = sensitivity(results)
        with caplog.at_level(logging.WARNING):
            page = write_report(results, held, found, None).read_text()
    assert [one.factor.name for one in found[0].effects] == [
        "drive.steps[0].hold",
        "interstitial_rate.R1",
    ]
    strong, weak = (one.effect.value for one in found[0].effects)
    # a uniform spread of 0.3 V has a standard deviation of 0.3/sqrt(12); Morris takes all of it
    exact = 0.3e-9 if "morris" in design else 0.3e-9 / 12**0.5
    assert strong == pytest.approx(exact, rel=0.25) and weak < 0.02 * strong
    needs = source_needs(found[0])
    assert (needs[0].kind, needs[1].kind) == ("the study", "derived")
    for word in ("better source", "data:image/png", "Volts &lt;matter&gt;", "None."):
        assert word in page
    assert ("Sobol&#x27; indices" in page) == ("morris" not in design)
    assert "no picture of member" in caplog.text  # the program leaves no snapshots, and it is said


def test_a_study_is_fitted_to_data(study: Path, program: list[str], tmp_path: Path) -> None:
    """0.25 V planted; the rate, which does nothing, is named."""
    text = TEXT.replace("DESIGN", "{kind: lhs, samples: 10}\ncalibration: {data: data.csv}")
    study.write_text(text)
    rows = "".join(f"{t},{1.0 + 0.25 * t / 2.0},0.01\n" for t in (0.5, 1.0, 1.5, 2.0))
    (tmp_path / "data.csv").write_text("time [s],thickness [nm],sigma [nm]\n" + rows)
    plan = make_plan(load_study(study))
    with opened(tmp_path / "out", plan) as held:
        results = collect(plan, held, run_study(plan, held, program))
        fit = Calibration(results)
        page = write_report(results, held, sensitivity(results), fit).read_text()
    low, middle, high = fit.fit.interval(0)
    assert low < 0.25 < high and middle == pytest.approx(0.25, abs=0.02)
    assert fit.fit.best[0] == pytest.approx(0.25, abs=0.01)
    assert [text for text in fit.fit.warnings if "say little of interstitial_rate.R1" in text]
    for word in ("Calibration", "say little of", "Posterior", "Fit and prediction"):
        assert word in page


@pytest.mark.parametrize(
    ("rows", "what"),
    [("1,1,0.1\n", "cannot fix 2"), ("1,1,0\n2,1,0\n", "positive"), ("1,1,1\n3,1,1\n", "beyond")],
)
def test_a_calibration_that_cannot_be_is_refused_before_any_run(
    study: Path, tmp_path: Path, rows: str, what: str
) -> None:
    design = "{kind: lhs, samples: 10}\ncalibration: {data: data.csv}"
    study.write_text(TEXT.replace("DESIGN", design))
    (tmp_path / "data.csv").write_text("time [s],thickness [nm],sigma [nm]\n" + rows)
    with pytest.raises(CaseError, match=what):
        make_plan(load_study(study))
    study.write_text(TEXT.replace("DESIGN", design.replace("lhs", "morris")))
    with pytest.raises(CaseError, match="lhs or sobol"):
        make_plan(load_study(study))
