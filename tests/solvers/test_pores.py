"""Reactions in the pores of the film: what they may fill, and the same on any number of ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from mpi4py import MPI

from interphase.meshes.builders import interval
from interphase.models.sei import build_model
from interphase.parameters.case import Case
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.table import load_table
from interphase.solvers.conversion import Converted, FilmView
from interphase.solvers.film import FilmSolver
from interphase.solvers.pores import PoreDeposition
from interphase.solvers.simulation import Simulation
from interphase.solvers.space import NodalSpace

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
    # What a boundary of R4 opens as it passes a node, at most, fills within minutes.
    carbonate, organic = 7.0e-5, 9.585e-5
    jump = np.abs(np.diff(filled.shares[1], append=filled.shares[1, -1:]))
    opened = (organic - carbonate) / carbonate * jump
    assert np.all(filled.pore[inner] - opened[inner] < 0.31)
    assert filled.pore[inner].mean() < 0.305
    assert np.all(empty.pore[inner] > filled.pore[inner] + 0.1)


def _advanced(names: tuple[str, ...], solid: dict[str, float], **view: float) -> list[Converted]:
    """Return what fast reactions in pores do to a mixture within one long step."""
    case = ModelCase(pore_reactions=names, deposition="proportional")
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    space = NodalSpace(interval(MPI.COMM_SELF, 12e-9, 0.125e-9))
    solver = FilmSolver(space, model)
    one = np.ones(space.size)
    shares = np.stack([solid.get(s, 0.0) * one for s in model.solids])
    at = {"action": 0.5, "carrier": 0.02, "solvent": 1.0, "salt": 1.0, "step": 1e4, **view}
    film = FilmView(
        phi=one, shares=shares, action=at["action"] * one, carrier=at["carrier"] * one,
        potential=0.1 * one, solvent=at["solvent"] * one, salt=at["salt"] * one,
        width=1e-9, step=at["step"],
    )  # fmt: skip
    pores = [c for c in solver.conversions if isinstance(c, PoreDeposition)]
    return [c.advance(model.reactions, film, 0.0 * one) for c in pores]


def test_several_fast_reactions_share_the_pores() -> None:
    """Each once filled the same 7 % above the threshold: the shares summed to more than one."""
    names = ("R1", "R2", "R3")
    model = build_model(ModelCase(), load_table("graphite_carbonate"), Seeds(law="none"))
    volumes = model.reactions.volume_rate[:3]
    done = _advanced(names, {"Li2EDC": 0.34, "Li2CO3": 0.3})
    filled = sum(float(r.extent[0]) * v for r, v in zip(done, volumes, strict=True))
    assert filled == pytest.approx(1.0 - 0.64 - 0.2895, rel=1e-9)
    # It counts as a move that the step control does not accept.
    assert done[0].displacement > 0.3e-9


def test_pores_see_solvent_salt_and_both_channels() -> None:
    short = {"step": 1e-5}
    organic = {"Li2EDC": 0.5}
    (full,) = _advanced(("R1",), organic, **short)
    (half,) = _advanced(("R1",), organic, solvent=0.5, **short)
    assert half.extent[0] == pytest.approx(0.5 * full.extent[0], rel=1e-3)
    (salty,) = _advanced(("R3",), organic, salt=0.5, **short)
    (plenty,) = _advanced(("R3",), organic, **short)
    assert salty.extent[0] == pytest.approx(0.5 * plenty.extent[0], rel=1e-3)
    (deep,) = _advanced(("R1",), organic, action=30.0, **short)
    (near,) = _advanced(("R1",), organic, action=0.0, carrier=0.0, **short)
    assert deep.tunnelling[0] < 1e-6 and near.tunnelling[0] == 1.0


def test_in_a_resolved_film_a_wall_grows_its_own_phase(plane: CaseMaker) -> None:
    film = {"kind": "planar_film", "thickness": "3 nm", "shares": {"Li2EDC": 1.0},
            "seeds": {"law": "none"}}  # fmt: skip
    case = _porous(plane, ["2 nm", "12 nm"], "10 min", film, reactions=["R1", "R2", "R3"])
    result = Simulation.from_case(case).run()
    assert result.state.pore[result.state.phi > 0.99].max() < 0.45
    for solid in ("LiF", "Li2CO3"):
        assert result.column(f"thickness_{solid}")[-1] < 1e-15


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
