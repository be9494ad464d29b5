"""Nuclei that are given: the same grains on any mesh, also from the table that a run leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.nucleation import GivenNuclei, Nucleus
from interphase.parameters.case import Case, load_case
from interphase.parameters.errors import CaseError
from interphase.parameters.nuclei_csv import read_nuclei
from interphase.solvers.simulation import Simulation

type CaseMaker = Callable[..., Case]

NUCLEI = [
    {"time": "40 s", "at": ["1.03 nm", "0 nm"], "phase": "LiF"},
    {"time": "41 s", "at": ["4.5 nm", "0 nm"], "phase": "Li2EDC"},
    # Inside the organic grain by then: organic turns to carbonate, LiF finds its place taken.
    {"time": "60.5 s", "at": ["4.5 nm", "0 nm"], "phase": "Li2CO3"},
    {"time": "60.6 s", "at": ["4.4 nm", "0 nm"], "phase": "LiF"},
]


@pytest.mark.mpi
def test_nuclei_appear_where_and_when_they_are_given(
    plane: CaseMaker, comm: MPI.Comm, tmp_path: Path
) -> None:
    folder = Path(comm.bcast(str(tmp_path)))
    case = plane(initial={"seeds": {"law": "given", "seed": 0, "nuclei": NUCLEI}})
    result = Simulation.from_case(case, comm=comm, output=folder / "run").run()
    times, grains = result.column("time"), result.column("grains")
    # Steps end where nuclei appear.
    assert np.all(np.isin([40.0, 41.0, 60.5], times))
    assert grains[times < 40.0].max() == 0 and grains[times == 40.0] == 1 and grains[-1] == 3
    left = read_nuclei(folder / "run" / "nuclei.csv")
    assert [(n["time"], n["phase"]) for n in left] == [
        ("40 s", "LiF"), ("41 s", "Li2EDC"), ("60.5 s", "Li2CO3"),
    ]  # fmt: skip
    text = (folder / "run" / "nuclei.csv").read_text().splitlines()
    assert [row[-1] for row in text[1:]] == ["0", "0", "1"]


def test_a_random_film_is_made_again_from_its_nuclei(plane: CaseMaker, tmp_path: Path) -> None:
    denser = {
        f"nucleation_density.{solid}": {"value": "4e25 1/m^3", "note": "several grains"}
        for solid in ("LiF", "Li2CO3", "Li2EDC")
    }
    case = plane(
        mesh={"size": ["14 nm", "5 nm"]}, model={"override": denser}, initial={"seeds": {"seed": 0}}
    )
    drawn = Simulation.from_case(case, output=tmp_path / "drawn").run()
    assert drawn.column("grains")[-1] >= 3
    file = tmp_path / "case.yaml"
    file.write_text(case.to_yaml())
    case = load_case(file, ["initial.seeds.law=given", "initial.seeds.nuclei=drawn/nuclei.csv"])
    assert len(case.initial.seeds.nuclei) == drawn.column("grains")[-1]
    assert Case(**case.resolved()) == case
    again = Simulation.from_case(case).run()
    for name in ("thickness", "thickness_LiF", "thickness_Li2CO3", "thickness_Li2EDC"):
        assert again.column(name)[-1] == pytest.approx(drawn.column(name)[-1], rel=0.02, abs=1e-11)


def _refused(plane: CaseMaker, seeds: dict[str, object]) -> str:
    with pytest.raises(CaseError) as error:
        Simulation.from_case(plane(initial={"seeds": {"seed": 0, **seeds}}))
    return str(error.value)


def test_what_cannot_be_given_is_refused(plane: CaseMaker, tmp_path: Path) -> None:
    one = NUCLEI[0]
    assert "initial.seeds.nuclei: is missing" in _refused(plane, {"law": "given"})
    assert "law given only" in _refused(plane, {"law": "poisson", "nuclei": [one]})
    wrong = _refused(plane, {"law": "given", "nuclei": [{**one, "phase": "NaF"}]})
    assert "initial.seeds.nuclei[0].phase" in wrong and "NaF" in wrong
    for place in (["400 nm"], ["-1 nm", "0 nm"]):
        outside = _refused(plane, {"law": "given", "nuclei": [{**one, "at": place}]})
        assert "does not lie on the electrode, which reaches from 0 to 6 nm" in outside
    above = _refused(plane, {"law": "given", "nuclei": [{**one, "at": ["1 nm", "3 nm"]}]})
    assert "[1 nm, 3 nm, 0 nm] does not lie on the electrode" in above
    early = _refused(plane, {"law": "given", "nuclei": [{**one, "time": "-1 s"}]})
    assert "initial.seeds.nuclei[0].time" in early


@pytest.mark.mpi
def test_a_nucleus_whose_place_is_taken_is_no_grain(plane: CaseMaker, comm: MPI.Comm) -> None:
    """Across the periodic side too; carbonate converts organic and nothing else."""
    at = {"time": "0 s", "phase": "LiF"}
    nuclei = [
        {**at, "at": ["0.05 nm"]},
        {**at, "at": ["5.97 nm"]},
        {**at, "time": "20 s", "at": ["0.05 nm"], "phase": "Li2CO3"},
        {**at, "time": "30 s", "at": ["0.1 nm", "-0.13 nm"], "phase": "Li2EDC"},
    ]
    case = plane(initial={"seeds": {"law": "given", "seed": 0, "nuclei": nuclei}})
    result = Simulation.from_case(case, comm=comm).run(40.0)
    # What is given at zero is there after the first step.
    assert result.column("grains")[0] == result.column("grains")[-1] == 1
    assert result.column("thickness_Li2CO3")[-1] == 0.0


def test_a_step_that_ends_a_rounding_error_early_meets_its_nucleus() -> None:
    given = GivenNuclei((Nucleus(10.0, (0.0, 0.0, 0.0), 0),), 1e-9)
    early = np.nextafter(10.0, 0.0)
    assert len(given.between(1.0, early)) == 1
    assert not given.between(early, 20.0)


def test_given_nuclei_need_a_film_that_runs_alone(plane: CaseMaker) -> None:
    seeds = {"law": "given", "seed": 0, "nuclei": NUCLEI[:1]}
    cell = {
        "kind": "cell",
        "steps": [],
        "cell": {"model": "SPM", "experiment": ["Rest for 1 hour"]},
    }
    with pytest.raises(CaseError, match=r"initial\.seeds\.law: given nuclei need the clock"):
        plane(initial={"seeds": seeds}, drive=cell)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,x\n", "no table of nuclei"),
        ("1,0,0,0,LiF\n", "line 2: 6 cells wanted"),
        ("1,nan,0,0,LiF,0\n", "line 2: 'nan' is not a finite number"),
    ],
)
def test_a_bad_table_of_nuclei_names_file_and_line(tmp_path: Path, text: str, reason: str) -> None:
    header = "time [s],x [m],y [m],z [m],phase [-],converted [-]\n"
    path = tmp_path / "nuclei.csv"
    path.write_text(text if reason.startswith("no") else header + text)
    with pytest.raises(CaseError, match=reason):
        read_nuclei(path)
    with pytest.raises(CaseError, match="cannot read"):
        read_nuclei(tmp_path / "missing.csv")
