"""``interphase params network`` on a network with made-up energies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("rdkit")
pytest.importorskip("networkx")

from interphase.models.atomistic import result_file
from interphase.models.atomistic.network import energies as energies_module
from interphase.models.atomistic.network.anchors import Correction
from interphase.models.atomistic.network.energies import Energies
from interphase.models.atomistic.network.network import Network
from interphase.models.atomistic.network.skeleton import formal_charge, radicals
from interphase.scripts.main import main

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")


def test_paths_and_yields_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made_up(network: Network, xtb: object = None, store: object = None) -> Energies:
        # open valences cost more than an electron does, so that reductions fill them
        noise = np.random.default_rng(3).normal(0.0, 0.1, len(network.species))
        found = {
            one: float(value) - 1.5 * one.lithium + 3.5 * max(
                0, radicals(one.smiles) - formal_charge(one.smiles) + one.charge
            )
            for one, value in zip(network.species, noise, strict=True)
        }  # fmt: skip
        return Energies(found, -1.0, Correction(0.0, 0.0, 0.5, ("EC",)))

    monkeypatch.setattr(energies_module, "compute", made_up)
    path = tmp_path / "network.json"
    words = [
        "params",
        "network",
        "--potentials",
        "0.5",
        "--runs",
        "2",
        "--paths",
        "1",
        "--seeds",
        "EC",
        "--films",
        "0,1",
        "--rates",
        "graphite_carbonate",
        "--rates-file",
        str(tmp_path / "rates.json"),
    ]
    assert main([*words, "-o", str(path)]) == 0
    rows = result_file.read(tmp_path / "rates.json").values
    assert {row.name for row in rows} == {"tunnelling_rate", "transfer_coefficient"}
    content = json.loads(path.read_text())
    assert content["species"] >= 200 and content["reactions"] >= 1000
    (one,) = content["potentials"]
    assert one["potential [V]"] == 0.5
    bare, covered = one["yields"]
    assert (bare["film [m]"], covered["film [m]"]) == (0.0, 1e-9)
    assert set(bare["mean"]) >= {"Li2EDC", "Li2CO3", "LiF"}
    assert all(way["steps"] for ways in one["paths"].values() for way in ways)
    assert "0.5 V vs Li/Li+" in capsys.readouterr().out


def test_bad_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "network", "--seeds", "EC,DEC"]) == 2
    assert "seed 'DEC' is not known" in capsys.readouterr().out
    assert main(["params", "network", "--films", "1,-2"]) == 2
    assert "--films: a thickness of -2 nm is negative" in capsys.readouterr().out
    assert main(["params", "network", "--uphill", "-0.1"]) == 2
    assert "--uphill: -0.1 eV; give 0 or more" in capsys.readouterr().out
    assert main(["params", "network", "--rates", "graphit"]) == 2
    assert "graphit" in capsys.readouterr().out
    assert main(["params", "network", "--potentials", "low"]) == 2
