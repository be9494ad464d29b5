"""Reactions in the pores of the film: what they may fill, and the same on any number of ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.case import Case
from interphase.solvers.simulation import Simulation

type CaseMaker = Callable[..., Case]


def _porous(
    case: CaseMaker, size: list[str], until: str, initial: dict[str, object], **model: object
) -> Case:
    """Return a film at 0.1 V whose organic grows with 50 % pores."""
    override = {
        "organic_porosity": {"value": 0.5, "note": "open"},
        "pore_spacing": {"value": "2 nm", "note": "fills within minutes"},
        "interface_width": {"value": "1 nm", "note": "six cells"},
    }
    return case(
        mesh={"size": size},
        model={"override": override, "pore_reactions": ["R1", "R2", "R3"], **model},
        initial=initial,
        drive={"steps": [{"hold": "0.1 V"}]},
        time={"until": until},
    )


def test_pores_close_at_the_threshold_and_conversions_open_them_again(line: CaseMaker) -> None:
    """Filled by R1 to R3 down to percolation; without them R4 leaves ever more void."""
    start = (line, ["20 nm"], "1 h", {})
    filled = Simulation.from_case(_porous(*start)).run().state
    empty = Simulation.from_case(_porous(*start, pore_reactions=[])).run().state
    film = filled.phi > 0.99
    # Nothing is filled beyond percolation; the first nanometre is denser from the start.
    assert np.all(filled.pore[film] > np.minimum(empty.pore[film], 0.2895) - 2e-3)
    inner = film & (filled.action > 6.0) & (filled.action < 12.0)
    assert inner.sum() > 5
    assert np.all(filled.pore[inner] < 0.31)
    assert np.all(empty.pore[inner] > filled.pore[inner] + 0.1)


@pytest.mark.mpi
def test_a_porous_mosaic_closes_its_books_on_any_number_of_ranks(
    plane: CaseMaker, comm: MPI.Comm
) -> None:
    """In two dimensions each wall grows its own phase."""
    film = {"kind": "planar_film", "thickness": "3 nm", "shares": {"Li2EDC": 1.0}}
    reactions = ["R1", "R2", "R3", "R4"]
    case = _porous(plane, ["4 nm", "14 nm"], "20 min", film, reactions=reactions)
    results = [Simulation.from_case(case, comm=ranks).run() for ranks in (MPI.COMM_SELF, comm)]
    for name in ("thickness_Li2EDC", "porosity"):
        alone, together = (float(r.column(name)[-1]) for r in results)
        assert together == pytest.approx(alone, rel=1e-6)
    assert max(results[1].column("element_imbalance")) < 1e-10
    assert max(results[1].column("charge_imbalance")) < 1e-10
