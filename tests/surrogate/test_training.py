"""From trajectories to a model that proposes leaps, and everything that is refused on the way."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.surrogate.canvas import limited
from interphase.models.surrogate.model_file import load, read_header
from interphase.models.surrogate.proposal import Patch
from interphase.models.surrogate.reduced import Reduced
from interphase.models.surrogate.trajectory import read_trajectory, write_trajectory
from interphase.parameters.errors import SurrogateError
from interphase.scripts.main import main
from interphase.scripts.surrogate.fit import Fit, FitPlan, read_data, use_device
from interphase.solvers.run_folder import FolderError

pytest.importorskip("equinox")
pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="training uses one process")


def test_what_is_learnt_beats_the_geometry_where_columns_narrow(fitted: Path) -> None:
    """The inner column narrows by a row of the table, which no geometry knows."""
    errors = read_header(fitted / "model.npz").errors["ways"]
    for leap in ("one leap by 2 l", "to the end"):
        network, rival = errors["network"][leap], errors["geometric"][leap]
        assert network["fractions"] < 0.5 * rival["fractions"], leap
        assert network["correlation"] < 0.5 * rival["correlation"], leap
        assert rival["front"] < errors["persistence"][leap]["front"], leap
    single = [errors[way]["one leap by 2 l"]["front"] for way in ("network", "geometric")]
    assert single[0] < single[1]
    # How waves die out the geometry knows, to 0.012 l; leap after leap there is only noise to add.
    assert errors["network"]["to the end"]["front"] < 0.02


def test_the_reduced_rival_is_fitted_beside_it(fitted: Path, films: ModuleType) -> None:
    """To the same solids, without the films held out, and it grows a film."""
    model = Reduced.load(fitted / "reduced.npz")
    assert model.phases == read_header(fitted / "model.npz").phases
    film = films.patch(5.0)
    _, heights, parts = model.grow(film, films.conditions(), 1.0)
    assert heights[-1] > film.thickness(film.phi)
    assert parts.sum() == pytest.approx(1.0, abs=0.05)


def test_a_proposal_gains_what_was_asked_and_loses_no_film(fitted: Path, films: ModuleType) -> None:
    proposer, film = load(fitted / "model.npz"), films.patch(5.0, phase=0.3)
    proposal = proposer.propose(film, films.conditions(), 2.0)
    gained = (film.thickness(proposal.phi) - film.thickness(film.phi)) / films.WIDTH
    # Bisected 12 times from an interval of less than 3 l.
    assert gained == pytest.approx(2.0, abs=2e-3)
    assert np.all(proposal.phi >= film.phi)
    assert np.array_equal(proposal.phi[:, :6], film.phi[:, :6])
    assert proposal.shares.min() >= 0.0 and proposal.shares.sum(axis=0).max() <= 1.0 + 1e-12
    assert 0.0 <= proposal.spread < 0.05
    assert proposal.distance < 1.5


def test_the_same_proposal_wherever_the_film_begins(fitted: Path, films: ModuleType) -> None:
    """Moved along the periodic axis by the network's coarsest cell, so is what it says."""
    proposer, film = load(fitted / "model.npz"), films.patch(5.0)
    # 8 nodes of the mesh are 4 of the network's grid: one of its coarsest level.
    moved = films.changed(film, lambda f: np.roll(f, 8, axis=-2))
    here = proposer.propose(film, films.conditions(), 2.0)
    there = proposer.propose(moved, films.conditions(), 2.0)
    assert np.allclose(np.roll(here.phi, 8, axis=0), there.phi, atol=1e-4)
    assert np.allclose(np.roll(here.shares, 8, axis=1), there.shares, atol=1e-4)


def test_four_times_the_domain_is_four_times_the_film(fitted: Path, films: ModuleType) -> None:
    proposer, film = load(fitted / "model.npz"), films.patch(5.0)
    wide = films.changed(film, lambda f: np.concatenate([f] * 4, axis=-2))
    small = proposer.propose(film, films.conditions(), 2.0)
    large = proposer.propose(wide, films.conditions(), 2.0)
    assert np.allclose(np.tile(small.phi, (4, 1)), large.phi, atol=1e-4)
    assert large.distance == pytest.approx(small.distance, rel=1e-3)


def test_only_columns_side_by_side_compete(films: ModuleType) -> None:
    """Noise far from a boundary changes no digit, and no solid appears that the front has not."""
    from interphase.models.surrogate.canvas import canvas_of
    from interphase.models.surrogate.leaper import _new

    film = films.patch(5.0, columns=96)
    three = replace(film, shares=np.concatenate([film.shares, 0.0 * film.shares[:1]]))
    canvas = canvas_of(three, films.WIDTH, 4.0)
    noise = 0.1 * np.random.default_rng(2).standard_normal(canvas.shares.shape)
    found = _new(canvas, canvas.shares, canvas.shares + noise, 0.5)
    # The profile's tail of 2 % is 1 l wide, and columns compete 1.5 l beside a leap by half of l.
    x = np.arange(canvas.psi.shape[0]) * canvas.steps[0]
    height = 5.0 + 0.5 * np.exp(-1.25)
    beside = np.abs(np.abs(x - 8.0) - (7.7 - 0.3 * height)) > 3.0
    ahead = canvas.psi <= 0.0
    alone = ahead & beside[:, None]
    assert alone.any() and np.array_equal(found[:, alone], canvas.shares[:, alone])
    assert np.array_equal(found[2], canvas.shares[2])
    assert np.abs(found - canvas.shares)[:, ahead & ~beside[:, None]].max() > 0.02
    whole = limited(canvas.shares + noise).sum(axis=0)
    same = np.isclose(found.sum(axis=0), whole) | np.all(found == canvas.shares, axis=0)
    assert same.all()


def test_another_potential_is_far_from_the_training_data(fitted: Path, films: ModuleType) -> None:
    proposer = load(fitted / "model.npz")
    far = proposer.propose(films.patch(5.0), films.conditions(potential=0.3), 1.0)
    other = proposer.propose(films.patch(5.0), films.conditions(rate=2.0), 1.0)
    assert far.distance > 2.0 and other.distance > 2.0


def test_another_structure_is_far_from_the_training_data(fitted: Path, films: ModuleType) -> None:
    """The columns' solids changed, as in no film of the data: the network's features alone tell."""
    proposer, film = load(fitted / "model.npz"), films.patch(5.0)
    other = replace(film, shares=film.shares[::-1].copy())
    # The judge's limit is 1, the 99th percentile of the training films.
    assert proposer.propose(other, films.conditions(), 1.0).distance > 1.0
    assert proposer.propose(film, films.conditions(), 1.0).distance < 1.0


def test_a_leap_by_more_than_half_the_film_is_far(fitted: Path, films: ModuleType) -> None:
    """Such pairs are not drawn: the growth itself has changed by then."""
    proposer = load(fitted / "model.npz")
    far = proposer.propose(films.patch(3.0), films.conditions(), 3.0)
    near = proposer.propose(films.patch(7.0), films.conditions(), 2.0)
    assert near.distance < 1.5 < 1.9 < far.distance


def test_bounds_and_card_are_written(fitted: Path) -> None:
    header = read_header(fitted / "model.npz")
    assert set(header.bounds) == {"front", "inner", "outer"}
    assert header.errors["coverage"] is not None
    text = (fitted / "model_card.md").read_text()
    assert "interstitial_rate.R1" in text and "| network | one leap by 2 l |" in text
    assert (fitted / "evaluation.csv").read_text().startswith("film,group,way,leaps")


def test_films_of_another_data_set_are_judged_apart(
    fitted: Path, tmp_path: Path, films: ModuleType
) -> None:
    """Two wider films: they have a table of their own and leave that of the held-out ones alone."""
    alone = read_header(fitted / "model.npz").errors
    copy = shutil.copytree(fitted, tmp_path / "fit")
    wide = films.write_data(tmp_path / "wide", 2, columns=96)
    assert main(["train", "evaluate", str(copy), "--data", str(wide)]) == 0
    errors = read_header(copy / "model.npz").errors
    assert errors["ways"] == alone["ways"] and errors["films"] == 2
    assert errors["further"]["films"] == 2 and len(errors["hashes"]) == 2
    assert errors["further"]["ways"] != errors["ways"]
    assert 0.0 <= errors["further"]["coverage"] <= 1.0
    assert "## Errors of 2 further films" in (copy / "model_card.md").read_text()


def test_what_the_film_shows_is_no_condition(tmp_path: Path, films: ModuleType) -> None:
    """Frames lie between two seeds, and the porosity of new film is that of the columns."""
    data = films.write_data(tmp_path / "data", 3, columns=1)
    for k, path in enumerate(sorted((data / "trajectories").glob("*.h5"))):
        one = read_trajectory(path)
        known = {**one.parameters, "nucleation_density.inner": 24.0 + k, "organic_porosity": -k}
        write_trajectory(path, replace(one, parameters=known))
    plan = FitPlan(
        data, members=1, channels=(4, 4, 4), epochs=1, calibration=1, held_out=1, batch=4
    )
    names = read_header(Fit(plan, tmp_path / "fit").run()).scales.names
    assert names == ("potential", "temperature", films.ROW)


def test_bounds_cover_new_films_as_often_as_they_say() -> None:
    """With n films a bound at 80 % is the k-th score, k = ceil(0.8 (n + 1)); too few give none."""
    from interphase.models.surrogate.evaluation import conformal

    rng = np.random.default_rng(1)
    kept = []
    for _ in range(400):
        scores = rng.lognormal(size=10)
        bound = conformal([{"x": s} for s in scores[:9]], 0.8)["x"]
        kept.append(scores[9] <= bound)
    # k = 8 of 10: 80 % exactly; three standard deviations of 400 draws are 6 %.
    assert np.mean(kept) == pytest.approx(0.8, abs=0.06)
    assert conformal([{"x": 1.0}] * 3, 0.9)["x"] == np.inf


def test_a_fit_goes_on_where_it_was_stopped(data: Path, tmp_path: Path) -> None:
    """Stopped after one epoch and begun again, the losses are those of the uninterrupted fit."""
    from interphase.models.surrogate.training import Trainer

    def plan(folder: str) -> Fit:
        options = {"members": 1, "channels": (4, 4, 4), "epochs": 2}
        return Fit(FitPlan(data, calibration=10, held_out=3, **options), tmp_path / folder)

    plan("whole").run()
    kept, Trainer.epoch = Trainer.epoch, _stop_after(1, Trainer.epoch)
    try:
        with pytest.raises(KeyboardInterrupt):
            plan("parts").run()
    finally:
        Trainer.epoch = kept
    plan("parts").run()
    whole, parts = (read_header(tmp_path / f / "model.npz") for f in ("whole", "parts"))
    assert whole.training["losses"] == pytest.approx(parts.training["losses"], rel=1e-6)


def _stop_after(epochs: int, original):
    def epoch(self, member, progress):
        if progress.epoch >= epochs:
            raise KeyboardInterrupt
        return original(self, member, progress)

    return epoch


def test_another_fit_in_the_folder_is_refused(fitted: Path, data: Path) -> None:
    with pytest.raises(FolderError, match="other options or data"):
        Fit(FitPlan(data, members=3, calibration=9, held_out=2), fitted)


def test_not_a_number_in_the_data_is_refused(data: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(data, tmp_path / "broken")
    with h5py.File(copy / "trajectories" / "00002.h5", "a") as file:
        file["carrier"][3, 0, 0] = np.nan
    with pytest.raises(SurrogateError, match=r"00002.h5: carrier is not finite in frame 3"):
        read_data(copy, 2, 1)


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_torn_trajectory_is_refused(data: Path, tmp_path: Path, part: float) -> None:
    whole = (data / "trajectories" / "00000.h5").read_bytes()
    path = tmp_path / "torn.h5"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(SurrogateError, match="no whole trajectory"):
        read_trajectory(path)


def test_a_model_of_another_version_is_refused(fitted: Path, tmp_path: Path) -> None:
    with np.load(fitted / "model.npz") as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(str(arrays["header"]))
    arrays["header"] = np.array(json.dumps({**header, "version": 99}))
    np.savez(tmp_path / "new.npz", **arrays)
    with pytest.raises(SurrogateError, match="version 99"):
        load(tmp_path / "new.npz")
    arrays["header"] = np.array(json.dumps(header))
    del arrays["member0/0"]
    np.savez(tmp_path / "less.npz", **arrays)
    with pytest.raises(SurrogateError, match="lacks weights"):
        load(tmp_path / "less.npz")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(SurrogateError, match="no whole model file"):
        load(tmp_path / "text.npz")
    with pytest.raises(SurrogateError, match="there is no such model file"):
        load(tmp_path / "none.npz")


def test_a_film_of_other_phases_or_size_is_refused(fitted: Path, films: ModuleType) -> None:
    proposer, film, known = load(fitted / "model.npz"), films.patch(5.0), films.conditions()
    other = type(known)(known.potential, known.temperature, known.width, known.logarithms, ("LiF",))
    with pytest.raises(SurrogateError, match="knows the solids inner, outer, the film has LiF"):
        proposer.propose(film, other, 1.0)
    with pytest.raises(SurrogateError, match="2 dimensions, the patch has 1"):
        proposer.propose(films.patch(5.0, columns=1), known, 1.0)
    with pytest.raises(SurrogateError, match="a larger domain"):
        proposer.propose(films.patch(5.0, columns=6), known, 1.0)
    with pytest.raises(SurrogateError, match="more than the 4 l"):
        proposer.propose(film, known, 4.5)


def test_a_missing_gpu_is_one_line() -> None:
    import jax

    try:
        jax.devices("gpu")
        pytest.skip("there is a GPU here")
    except RuntimeError:
        pass
    with pytest.raises(SurrogateError, match="--device gpu: JAX finds none here"):
        use_device("gpu")


def test_one_dimension_by_the_same_code(tmp_path: Path, films: ModuleType) -> None:
    data = films.write_data(tmp_path / "line", 6, columns=1)
    plan = FitPlan(
        data, members=1, channels=(4, 4, 4), epochs=1, calibration=1, held_out=1, batch=4
    )
    proposer = load(Fit(plan, tmp_path / "fit").run())
    film = films.patch(5.0, columns=1)
    proposal = proposer.propose(film, films.conditions(), 1.0)
    assert film.thickness(proposal.phi) - film.thickness(film.phi) == pytest.approx(
        films.WIDTH, rel=3e-3
    )


def test_three_dimensions_by_the_same_code(films: ModuleType) -> None:
    """An untrained ensemble in a box: the volume asked for, wherever the film begins."""
    import jax

    from interphase.models.surrogate.features import Scales
    from interphase.models.surrogate.leaper import Ensemble, NetworkProposer
    from interphase.models.surrogate.network import Shape, UNet

    # Not symmetric: a node over a crest has two nearest points of the front.
    flat, known = films.patch(3.0, phase=0.13, columns=18), films.conditions()
    rng = np.random.default_rng(0)
    # Different in every column, so that a wrong axis shows.
    share = np.clip(0.5 + 0.2 * rng.standard_normal((18, 16, 1)), 0.0, 1.0)
    tall = (18, 16, flat.phi.shape[1])
    phi, carrier, speed = (
        np.broadcast_to(f[:, None], tall).copy() for f in (flat.phi, flat.carrier, flat.speed)
    )
    shares = np.stack([share * phi**0, 1.0 - share * phi**0])
    h = films.STEP
    box = Patch(phi, shares, carrier, speed, (h, h, h), (True, True))
    scales = Scales.of([known], (films.ROW,), 4.0)
    shape = Shape(3, 4 + 2, 4, 3, (4, 4, 4))
    network = UNet(shape, jax.random.key(0))
    proposer = NetworkProposer(Ensemble((network,), scales), films.SOLIDS, 3)
    there = proposer.propose(box, known, 1.0)
    gained = box.thickness(there.phi) - box.thickness(box.phi)
    assert gained == pytest.approx(films.WIDTH, rel=2e-3)
    turned = films.changed(box, lambda f: np.roll(f, 8, axis=-2))
    again = proposer.propose(turned, known, 1.0)
    assert np.allclose(np.roll(there.shares, 8, axis=-2), again.shares, atol=1e-4)


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "fit", str(tmp_path)]) == 2
    assert "holds 0 trajectories" in capsys.readouterr().out
    assert main(["train", "evaluate", str(tmp_path)]) == 2
    assert "there is no such model file" in capsys.readouterr().out
    assert logging.getLogger("interphase").propagate
