"""Solids, gases and ions of the metal in a cycle; energies that are kept between runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("janaf")
pytest.importorskip("ase")

from interphase.models.atomistic.molecules.phases import (
    LITHIUM_ABSOLUTE,
    METAL_ION,
    evaporated,
    from_metal,
)
from interphase.models.atomistic.result import timed
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

FARADAY = 96485.33212


def test_solids_are_their_gases_and_the_tables() -> None:
    """Li2CO3 -> Li2O + CO2 costs what the tables say when the gases cancel (kJ/mol)."""
    molecules, terms = evaporated({"Li2CO3(s)": -1, "Li2O(s)": 1, "CO2(g)": 1})
    assert molecules == {}
    wanted = (-562.102 - 394.389 + 1132.12) * 1e3 / FARADAY
    assert terms["crystal"] == pytest.approx(wanted, abs=1e-4)
    molecules, terms = evaporated({"LiF(s)": 2, "EC": 1})
    assert molecules == {"LiF(g)": 2, "EC": 1}
    assert terms["crystal"] == pytest.approx(2.0 * (-588.66 + 361.597) * 1e3 / FARADAY, abs=1e-4)
    with pytest.raises(AtomisticError, match=r"solid 'Li2EDC\(s\)': no gases known"):
        evaporated({"Li2EDC(s)": 1})


def test_an_ion_of_the_metal_is_in_equilibrium_with_it_at_zero() -> None:
    """Li+ + e- -> Li of the metal: the potential is 0 whatever the atom's energy is."""
    molecules, terms = evaporated({METAL_ION: -1, "Li(s)": 1})
    assert molecules == {}
    assert terms["crystal"] == pytest.approx(0.0, abs=1e-12)
    assert -sum(terms.values()) - LITHIUM_ABSOLUTE == pytest.approx(0.0, abs=1e-12)


def test_complexes_give_way_to_ions_of_the_metal() -> None:
    found = from_metal({"Li+EC": -2, "Li2CO3": 1, "C2H4": 1, "EC": 1})
    assert found == {METAL_ION: -2, "EC": -1, "Li2CO3": 1, "C2H4": 1}


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    """Over two stores of one file; what it cost then counts once, however often it is asked."""
    path = tmp_path / "cache.json"

    def slow() -> float:
        return float(np.linalg.norm(np.random.default_rng(1).normal(size=(900, 900)), 2))

    first = Store(path)
    value = first.recall("a", slow)
    assert first.saved == 0.0
    again = Store(path)

    class Twice:
        def run(self) -> tuple[()]:
            for _ in range(2):
                assert again.recall("a", lambda: pytest.fail("computed again")) == value
            return ()

    assert timed(Twice(), again) == ()
    assert again.saved > 0.0
    assert again.recall("b", lambda: "gone") == "gone"
    assert Store(path).recall("b", str) == "gone"
    path.write_text('{"a": 1.0}', encoding="utf-8")
    with pytest.raises(AtomisticError, match=r"is no cache of this program; name another"):
        Store(path).recall("a", slow)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(AtomisticError, match="cannot be read"):
        Store(path).recall("a", slow)
