"""Ensembles: mean and spread of finished runs."""

import json
from pathlib import Path

import pytest

from interphase.scripts.ensemble import _QUANTITIES, main


def _run(folder: Path, thickness: float, *, finished: bool = True) -> str:
    folder.mkdir()
    final = dict.fromkeys(_QUANTITIES, 1.0) | {"thickness": thickness}
    rows = ["1,1e-8,0,0,Li2CO3,0", "2,3e-8,0,0,Li2EDC,0", "3,2e-8,0,0,LiF,0", "9,3e-8,0,0,Li2CO3,1"]
    header = "time [s],x [m],y [m],z [m],phase [-],converted [-]"
    (folder / "nuclei.csv").write_text("\n".join([header, *rows]))
    (folder / "summary.json").write_text(json.dumps({"finished": finished, "final": final}))
    return str(folder)


def test_mean_and_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([_run(tmp_path / "a", 9e-9), _run(tmp_path / "b", 11e-9)]) == 0
    said = capsys.readouterr().out
    assert "| thickness [nm] | 10 | 1.4 | 9 | 11 |" in said
    # Across the periodic side once, and two under the film.
    assert "| carbonate_edges [-] | 3 | 0 | 3 | 3 |" in said


def test_an_unfinished_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([_run(tmp_path / "a", 9e-9), _run(tmp_path / "b", 1e-9, finished=False)]) == 2
    assert str(tmp_path / "b") in capsys.readouterr().err
