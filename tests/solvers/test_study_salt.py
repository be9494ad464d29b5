"""The salt of the cell's electrolyte reaches the films."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.solvers.studies import run_studies

NAME = "Initial concentration in electrolyte [mol.m-3]"


def films(folder: Path, transport: list[str], **cell: Any) -> dict[str, np.ndarray]:
    """Run ten minutes; return the columns of patches.csv, (rows, films)."""
    case = Case.model_validate(
        {
            "mesh": {"kind": "interval", "size": ["40 nm"], "cell_size": "0.1666666 nm"},
            "model": {"deposition": "proportional", "transport": transport},
            "initial": {
                "kind": "planar_film",
                "thickness": "14 nm",
                "shares": {"Li2CO3": 0.9, "Li2EDC": 0.1},
                "seeds": {"law": "none"},
            },
            "drive": {"kind": "cell", "cell": cell},
            "time": {"until": "10 min"},
        }
    )
    run_studies(case, MPI.COMM_SELF, folder)
    with (folder / "patches.csv").open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    table = np.array([[float(one) for one in row] for row in rows])
    count = int(table[:, head.index("patch [-]")].max()) + 1
    return {name.split(" [")[0]: table[:, i].reshape(-1, count) for i, name in enumerate(head)}


@pytest.mark.parametrize("transport", [["salt", "ionic_potential"], ["ionic_potential"]])
def test_more_salt_makes_more_fluoride(tmp_path: Path, transport: list[str]) -> None:
    """The salt's reduction is of first order in it, and its anions still balance."""
    grown = {}
    for salt in (1000.0, 1500.0):
        cell = {"model": "SPM", "storage": {"soc": [0.5]}, "override": {NAME: salt}}
        rows = films(tmp_path / f"{salt:.0f}", transport, **cell)
        assert rows["electrolyte_salt"] == pytest.approx(salt)
        assert rows["element_imbalance"].max() < 1e-10
        grown[salt] = float(rows["thickness_LiF"][-1, 0])
    # the other reactions take a little of the electrons that the film lets through
    assert grown[1500.0] == pytest.approx(1.5 * grown[1000.0], rel=0.05)


def test_films_see_the_salt_of_their_place(tmp_path: Path) -> None:
    """While a P2D discharges salt gathers in the negative electrode, most at the collector."""
    cell = {
        "model": "DFN",
        "points": {"x_n": 4, "x_s": 3, "x_p": 4, "r_n": 6, "r_p": 6},
        "patches": 2,
        "initial_soc": 0.5,
        "experiment": ["Discharge at 1C for 40 seconds"],
        "exchange": {"first": "20 s", "longest": "20 s", "rtol": 0.2},
    }
    rows = films(tmp_path, ["salt", "ionic_potential"], **cell)
    salt = rows["electrolyte_salt"]
    assert salt[0] == pytest.approx([1000.0, 1000.0])
    assert np.all(salt[1:, 0] > salt[1:, 1])
    assert np.all(salt[-1] > 1010.0)
    assert rows["element_imbalance"].max() < 1e-10
