"""The model that ships, on a film that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.surrogate.canvas import ROOM
from interphase.models.surrogate.model_file import load, read_header, shipped
from interphase.models.surrogate.pairs import film_of, levels_of
from interphase.models.surrogate.trajectory import read_trajectory
from interphase.parameters.errors import SurrogateError

pytest.importorskip("equinox")
pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="a network runs on one process")

# Four frames of the first film that was held out: the first three and one at the end of a leap.
FILM = Path(__file__).parents[1] / "data" / "growth.h5"


def test_the_shipped_model_is_small_and_evaluated() -> None:
    path = shipped("mosaic")
    header = read_header(path)
    assert path.stat().st_size < 2_000_000
    assert header.phases == ("LiF", "Li2CO3", "Li2O", "Li2EDC")
    assert header.errors["films"] >= 3
    assert all(np.isfinite(list(header.bounds.values())))
    assert path.with_suffix(".md").read_text().startswith("# Model card")


def test_a_real_film_is_leapt_over_better_than_by_its_geometry() -> None:
    from interphase.models.surrogate.evaluation import errors_of, geometric, learnt

    trajectory = read_trajectory(FILM)
    film = film_of(trajectory, levels_of([trajectory], ROOM))
    proposer = load(shipped("mosaic"))
    before, after = film.canvases[0], film.canvases[-1]
    advance = after.volume - before.volume
    network, rival = (
        errors_of(*way(before, film.conditions, advance), after, advance)
        for way in (learnt(proposer.ensemble), geometric)
    )
    assert network.front < rival.front
    assert network.correlation < rival.correlation
    # Neither has anything to add to the solids' parts here: a thousandth is their noise.
    assert np.abs(network.fractions).max() < 1e-3
    inside = proposer.ensemble.leap(before, film.conditions, advance)
    # Of the held-out films' leaps 98 % are nearer than this, 81 % than the 1 that the judge asks.
    assert inside.distance < 1.5


def test_no_other_model_ships() -> None:
    with pytest.raises(SurrogateError, match="no model 'mosiac'.*did you mean 'mosaic'"):
        shipped("mosiac")
