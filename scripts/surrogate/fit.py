"""``interphase train fit``: an ensemble from trajectories, epoch by epoch."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interphase.models.extras import load as load_extra
from interphase.models.surrogate import reduced
from interphase.models.surrogate.base import geometric_leap
from interphase.models.surrogate.canvas import ROOM
from interphase.models.surrogate.features import Scales
from interphase.models.surrogate.latent import Neighbourhood
from interphase.models.surrogate.model_file import ModelHeader, write_model
from interphase.models.surrogate.pairs import (
    FEWEST,
    Film,
    drawn_pairs,
    film_of,
    grown_frames,
    levels_of,
)
from interphase.models.surrogate.trajectory import Trajectory, digest, read_trajectory
from interphase.parameters.errors import SurrogateError
from interphase.solvers.run_folder import FolderError, write_whole, writing

if TYPE_CHECKING:
    from interphase.models.surrogate.leaper import Ensemble
    from interphase.models.surrogate.training import Trainer

logger = logging.getLogger(__name__)

# Rows that are no conditions: nothing depends on the rate of nucleation between two seeds, and new
# film is as porous as what it grows on, which the shares show.
_SHOWN = ("nucleation_density.", "organic_porosity")
# How often the features of every frame are taken, by another advance.
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class FitPlan:
    """What is fitted to what.

    Attributes:
        data: folder of the trajectories.
        members: networks of the ensemble.
        channels: features per level.
        largest: largest advance, in interface widths.
        epochs: passes over the frames, per member.
        batch: samples per step.
        rate: largest step of Adam.
        seed: fixes weights and draws.
        calibration: films kept for the bounds.
        held_out: films kept for the errors.
    """

    data: Path
    members: int = 4
    channels: tuple[int, ...] = (12, 16, 24)
    largest: float = 4.0
    epochs: int = 30
    batch: int = 8
    rate: float = 2.0e-3
    seed: int = 0
    calibration: int = 9
    held_out: int = 3


@dataclass(frozen=True)
class DataSet:
    """Trajectories, split film by film.

    Attributes:
        hashes: of the files, by name, in the order of the split: fit, calibration, held out.
        fit: to fit to.
        calibration: for the bounds.
        held_out: for the errors.
    """

    hashes: dict[str, str]
    fit: list[Trajectory]
    calibration: list[Trajectory]
    held_out: list[Trajectory]


def use_device(name: str) -> None:
    """Compute on a kind of device.

    Raises:
        SurrogateError: there is none.
    """
    jax = load_extra("jax")
    try:
        jax.config.update("jax_default_device", jax.devices(name)[0])
    except RuntimeError as error:
        raise SurrogateError(
            f"--device {name}: JAX finds none here; leave it out to compute on the CPU, or install "
            "the JAX wheels for it"
        ) from error


def read_data(folder: Path, calibration: int, held_out: int) -> DataSet:
    """Read all trajectories of a folder and split them.

    Raises:
        SurrogateError: there are too few, they do not belong together, or one is damaged.
    """
    every = {p: read_trajectory(p) for p in sorted((folder / "trajectories").glob("[!.]*.h5"))}
    grown = {path: one for path, one in every.items() if len(grown_frames(one)) >= FEWEST}
    for path in (path for path in every if path not in grown):
        logger.warning("%s: left out, its film hardly grew after the last seed", path.name)
    paths, read = list(grown), list(grown.values())
    count = len(paths) - calibration - held_out
    if count < 1:
        raise SurrogateError(
            f"{folder}: holds {len(paths)} trajectories, too few for {calibration} of calibration "
            f"and {held_out} held out; run train data, or lower --calibration and --held-out"
        )
    for path, one in zip(paths, read, strict=True):
        first = read[0]
        if (one.solids, len(one.grid), sorted(one.parameters)) != (
            first.solids, len(first.grid), sorted(first.parameters)
        ):  # fmt: skip
            raise SurrogateError(
                f"{path}: has other solids, dimensions or parameters than {paths[0].name}; keep "
                "data of different studies apart"
            )
    hashes = {path.name: digest(path) for path in paths}
    end = count + calibration
    return DataSet(hashes, read[:count], read[count:end], read[end:])


def films_of(trajectories: Sequence[Trajectory]) -> list[Film]:
    """Return the films of trajectories, all on grids of one height."""
    levels = levels_of(trajectories, ROOM)
    return [film_of(one, levels) for one in trajectories]


class Fit:
    """A fit in a folder, to begin or to go on with.

    Attributes:
        folder: of the fit.
    """

    def __init__(self, plan: FitPlan, folder: Path) -> None:
        """Read the data and open the folder.

        Raises:
            SurrogateError: the data cannot be used.
            FolderError: the folder holds another fit.
        """
        self._plan, self.folder = plan, folder
        self._data = read_data(plan.data, plan.calibration, plan.held_out)
        first = self._data.fit[0]
        self._films = films_of(self._data.fit)
        self._rows = tuple(k for k in sorted(first.parameters) if not k.startswith(_SHOWN))
        self._scales = Scales.of([f.conditions for f in self._films], self._rows, plan.largest)
        self._solids = first.solids
        self._open()

    def _open(self) -> None:
        mark = self.folder / "fit.json"
        plain = {**asdict(self._plan), "data": str(self._plan.data.resolve())}
        text = json.dumps({"plan": plain, "hashes": self._data.hashes}, indent=1)
        if mark.exists() and json.loads(mark.read_text()) != json.loads(text):
            raise FolderError(
                f"{self.folder}: holds a fit with other options or data; give another -o"
            )
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(mark, text)

    def run(self) -> Path:
        """Fit what is not fitted yet and return the path of the model."""
        from interphase.models.surrogate.leaper import Ensemble
        from interphase.models.surrogate.network import Shape
        from interphase.models.surrogate.training import FitOptions, Trainer

        plan, canvas = self._plan, self._films[0].canvases[0]
        solids = canvas.shares.shape[0]
        shape = Shape(
            canvas.psi.ndim, 4 + solids, len(self._scales.names) + 1, 1 + solids, plan.channels
        )
        options = FitOptions(plan.epochs, plan.batch, plan.rate, plan.seed)
        trainer = Trainer(self._films, self._scales, shape, options)
        fitted = [self._member(trainer, k) for k in range(plan.members)]
        bare = Ensemble(tuple(p.network for p in fitted), self._scales)
        ensemble = Ensemble(bare.members, self._scales, self._neighbourhoods(bare))
        losses, seconds = [p.loss for p in fitted], sum(p.seconds for p in fitted)
        header = ModelHeader(
            self._solids, shape.plain(), self._scales, self._training(losses, seconds), {}, {}
        )
        path = self.folder / "model.npz"
        with writing(path):
            write_model(path, header, ensemble)
        rival = self.folder / "reduced.npz"
        with writing(rival):
            reduced.fit([*self._data.fit, *self._data.calibration], self._rows).save(rival)
        return path

    def _member(self, trainer: Trainer, member: int) -> Any:
        path = self.folder / f"member{member}.checkpoint"
        progress = trainer.load(path, member) if path.exists() else trainer.start(member)
        while progress.epoch < self._plan.epochs:
            progress = trainer.epoch(member, progress)
            with writing(path):
                trainer.save(path, progress)
            logger.info(
                "member %d epoch %d of %d: loss %.4g",
                member, progress.epoch, self._plan.epochs, progress.loss,
            )  # fmt: skip
        return progress

    def _neighbourhoods(self, ensemble: Ensemble) -> tuple[Neighbourhood, ...]:
        """Return where the training films lie among the features of each member."""
        found: list[list[Any]] = [[] for _ in ensemble.members]
        rng = np.random.default_rng([self._plan.seed, self._plan.members])
        for film in self._films * _ROUNDS:
            for first, second in drawn_pairs(film, self._scales.largest, rng):
                before = film.canvases[first]
                advance = film.canvases[second].volume - before.volume
                base = geometric_leap(before, advance)
                _, features = ensemble.raw(before, base, film.conditions, advance)
                for samples, one in zip(found, features, strict=True):
                    samples.append(one)
        return tuple(Neighbourhood.of(np.array(samples)) for samples in found)

    def _training(self, losses: list[float], seconds: float) -> dict[str, Any]:
        plan = asdict(self._plan)
        return {
            **{k: list(v) if isinstance(v, tuple) else v for k, v in plan.items() if k != "data"},
            "hashes": self._data.hashes,
            "study": self._data.fit[0].provenance.get("study", ""),
            "frames": sum(len(film.canvases) for film in self._films),
            "losses": losses,
            "cpu_seconds": seconds,
            "versions": {n: version(n) for n in ("interphase", "jax", "equinox", "optax")},
        }
