"""`interphase report` on coupled studies: one condition, several, several films."""

import json
import re
import shutil
from pathlib import Path

import pytest
from matplotlib.image import imread
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.parameters.errors import OutputError
from interphase.scripts.main import main
from interphase.scripts.reporting.build import write_study_report
from interphase.scripts.reporting.study_folder import is_study, read_studies
from interphase.scripts.reporting.study_page import build_study_page
from interphase.solvers.studies import run_studies

CASE = {
    "title": "Storage <short>",
    "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
    "model": {"deposition": "proportional", "transport": ["ionic_potential"]},
    "initial": {
        "kind": "planar_film",
        "thickness": "14 nm",
        "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
        "seeds": {"law": "none"},
    },
    "drive": {
        "kind": "cell",
        "cell": {"model": "SPM", "storage": {"soc": [0.5], "check_every": "10 min"}},
    },
    "time": {"until": "20 min"},
}
PICTURES = {"ageing", "composition", "films", "window", "coupling"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one condition with one film."""
    folder = tmp_path_factory.mktemp("study") / "run"
    run_studies(Case.model_validate(CASE), MPI.COMM_SELF, folder)
    return folder


@pytest.fixture
def several(study: Path, tmp_path: Path) -> Path:
    """Two conditions of a case that asks for two; numbers are those of one."""
    for soc in ("0.50", "0.80"):
        shutil.copytree(study, tmp_path / "several" / f"soc_{soc}_T_298K")
    for path in (tmp_path / "several").glob("*/case.yaml"):
        text = path.read_text()
        assert re.search(r"soc:\s*\[?\s*-?\s*0\.5\]?", text), text
        path.write_text(re.sub(r"soc:\s*\[0\.5\]|soc:\n\s*- 0\.5", "soc: [0.5, 0.8]", text))
    return tmp_path / "several"


def test_a_study_has_a_page_with_its_numbers_and_sources(study: Path, tmp_path: Path) -> None:
    assert is_study(study)
    studies = read_studies(study)
    page = write_study_report(studies, tmp_path).read_text(encoding="utf-8")
    assert {one.stem for one in tmp_path.glob("*.png")} == {*PICTURES, "depth_patch_00"}
    for picture in tmp_path.glob("*.png"):
        assert imread(picture).std() > 0.02
    assert page.count("data:image/png;base64,") == len(PICTURES) + 1
    # nothing is loaded from elsewhere
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "Storage &lt;short&gt;" in page
    assert "doi:10.1039/D2CP00417H" in page
    assert "no measured area" in page
    lost = studies.studies[0].ageing["lost_capacity"][-1]
    assert f"{1e3 * lost:.4g} mA h" in page
    assert "worst lithium books" in page


def test_lithium_of_cell_and_films_is_drawn_from_two_columns(study: Path) -> None:
    """The books of a page compare numbers that were found in two ways."""
    ageing = read_studies(study).studies[0].ageing
    assert ageing["film_lithium"][-1] == pytest.approx(ageing["lost_lithium"][-1], rel=1e-8)
    assert not (ageing["film_lithium"] == ageing["lost_lithium"]).all()


def test_several_conditions_share_a_page(several: Path, tmp_path: Path) -> None:
    assert main(["report", str(several), "-o", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "SOC 0.5, 25 °C" in page
    assert len(list((tmp_path / "out").glob("depth_soc_*.png"))) == 2


def test_a_missing_condition_is_told(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(several / "soc_0.80_T_298K")
    assert main(["report", str(several)]) == 2
    assert "1 of 2 conditions" in capsys.readouterr().out
    studies = read_studies(several, partial=True)
    assert studies.missing == 1
    assert "1 conditions of the case have not been run" in build_study_page(studies, [])


def test_films_along_the_electrode_have_a_picture(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    shutil.copytree(study, folder)
    shutil.copytree(folder / "patches" / "00", folder / "patches" / "01")
    table = folder / "patches.csv"
    head, *rows = table.read_text().splitlines()
    for row in list(rows):
        time, cycle, _, _, *rest = row.split(",")
        rows.append(",".join([time, cycle, "1", "6e-5", *rest]))
    table.write_text("\n".join([head, *rows]) + "\n")
    studies = read_studies(folder)
    assert studies.studies[0].positions[1] == 6e-5
    page = write_study_report(studies, tmp_path / "out").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "along.png").exists()
    assert "x = 60.0 µm" in page


def test_a_study_that_failed_or_ended_early_says_so(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "early"
    shutil.copytree(study, folder)
    summary = json.loads((folder / "summary.json").read_text())
    reason = "end of life: lithium plates"
    (folder / "summary.json").write_text(json.dumps({**summary, "reason": reason}))
    page = build_study_page(read_studies(folder), [])
    assert "End of life: lithium plates." in page
    failed = {**summary, "finished": False, "ending": "failed", "reason": "no way"}
    (folder / "summary.json").write_text(json.dumps(failed))
    page = build_study_page(read_studies(folder), [])
    assert "did not reach its end (failed: no way)" in page
    (folder / "summary.json").unlink()
    with pytest.raises(OutputError, match="has not finished"):
        read_studies(folder)
    page = build_study_page(read_studies(folder, partial=True), [])
    assert "has not finished" in page


def test_times_are_for_films_alone(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(study), "--times", "10 min"]) == 2
    assert "--times" in capsys.readouterr().out
