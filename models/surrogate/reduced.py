"""The small rival: a film as its thickness and composition, grown by a regression.

What a run of the physics shows of a film on a page of numbers, its thickness and the part of each
solid, under its conditions: the logarithm of the slowness dt/dL and what the growth is made of
follow from those by ridge regression. It knows nothing of where what is, and extrapolates as
such laws do; it costs nothing and needs no mesh.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from interphase.models.surrogate.pairs import grown_frames
from interphase.models.surrogate.proposal import Array, Conditions
from interphase.models.surrogate.trajectory import Trajectory
from interphase.parameters.errors import SurrogateError

FORMAT: Final = "interphase reduced film"
VERSION: Final = 1
# Strengths of the ridge that are tried, each film left out once.
_RIDGES: Final = tuple(10.0**k for k in range(-6, 3))
# Where the logarithm of the thickness stands among the inputs.
_THICKNESS: Final = 0
# Steps of the growth, in parts of the thickness.
_STEP: Final = 0.01


@dataclass(frozen=True)
class Reduced:
    """A regression for the growth of films.

    Attributes:
        phases: solids, in the order of the parts.
        keys: parameters that it depends on besides potential and temperature.
        mean: of what it depends on, (inputs,).
        scale: standard deviations, (inputs,).
        weights: of the features for ln(dt/dL) and the parts of the growth, (features, 1 + solids).
        error: of ln(dt/dL), root mean square over films that were left out [-].
    """

    phases: tuple[str, ...]
    keys: tuple[str, ...]
    mean: Array
    scale: Array
    weights: Array
    error: float

    def growth(self, thickness: float, parts: Array, conditions: Conditions) -> tuple[float, Array]:
        """Return dt/dL [s/m] and the part of each solid in what grows [-], (solids,)."""
        row = _inputs(thickness, parts, conditions, self.keys)
        said = _features((row - self.mean)[None] / self.scale)[0] @ self.weights
        made = np.maximum(said[1:], 0.0)
        return float(np.exp(said[0])), made / max(float(made.sum()), 1e-300)

    def grow(
        self, thickness: float, parts: Array, conditions: Conditions, until: float
    ) -> tuple[Array, Array, Array]:
        """Return times [s] from 0 to ``until``, thicknesses [m] and the parts at the end."""
        times, heights, amounts = [0.0], [thickness], thickness * parts
        while times[-1] < until:
            slowness, made = self.growth(heights[-1], amounts / heights[-1], conditions)
            gain = min(_STEP * heights[-1], (until - times[-1]) / slowness)
            amounts = amounts + gain * made
            times.append(times[-1] + gain * slowness if gain * slowness > 0.0 else until)
            heights.append(heights[-1] + gain)
        return np.array(times), np.array(heights), amounts / heights[-1]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        header = {"format": FORMAT, "version": VERSION, "phases": self.phases, "keys": self.keys,
                  "error": self.error}  # fmt: skip
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as file:
            np.savez_compressed(
                file, header=np.array(json.dumps(header)), mean=self.mean, scale=self.scale,
                weights=self.weights,
            )  # fmt: skip
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one.

        Raises:
            SurrogateError: the file is missing, damaged or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ("mean", "scale", "weights")}
                header = json.loads(str(file["header"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise SurrogateError(f"{path}: is no whole reduced model ({error})") from error
        if header.get("format") != FORMAT or header.get("version") != VERSION:
            raise SurrogateError(f"{path}: is no reduced model of version {VERSION}; fit it again")
        return cls(
            tuple(header["phases"]), tuple(header["keys"]), error=float(header["error"]), **arrays
        )


def fit(films: Sequence[Trajectory]) -> Reduced:
    """Return the regression through films that grow under a constant drive.

    Raises:
        SurrogateError: the films differ in phases or parameters, or are too few.
    """
    if len(films) < 2:
        raise SurrogateError("a reduced model needs two films at least")
    phases, keys = films[0].solids, tuple(sorted(films[0].parameters))
    for film in films:
        if film.solids != phases or tuple(sorted(film.parameters)) != keys:
            raise SurrogateError("films of one model must have the same solids and parameters")
    tables = [_table(film, keys) for film in films]
    tables = [table for table in tables if table[0].size]
    if len(tables) < 2:
        raise SurrogateError("fewer than two films grow under a constant drive: let them run on")
    inputs = np.concatenate([table[0] for table in tables])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    parts = [(_features((x - mean) / scale), y) for x, y in tables]
    errors = {ridge: _left_out(parts, ridge) for ridge in _RIDGES}
    best = min(errors, key=lambda ridge: errors[ridge])
    return Reduced(phases, keys, mean, scale, _solve(parts, best), errors[best])


def _inputs(thickness: float, parts: Array, conditions: Conditions, keys: tuple[str, ...]) -> Array:
    known: Mapping[str, float] = conditions.logarithms
    missing = [key for key in keys if key not in known]
    if missing:
        raise SurrogateError(f"the reduced model needs {missing[0]}, which the case does not have")
    logarithms = [known[key] for key in keys]
    # The last part follows from the others.
    state = [np.log(thickness / conditions.width), *parts[:-1]]
    return np.array([*state, conditions.potential, conditions.temperature, *logarithms])


def _features(x: Array) -> Array:
    """Return 1, x and the square of the logarithm of the thickness, (rows, features).

    Power laws whose exponent changes with thickness. With all products of two the error on films
    left out was twice as large (1.6 against 0.87 in ln(dt/dL), twenty films).
    """
    return np.concatenate([np.ones((len(x), 1)), x, x[:, _THICKNESS, None] ** 2], axis=1)


def _table(film: Trajectory, keys: tuple[str, ...]) -> tuple[Array, Array]:
    """Return inputs and what is to be said of the growth between two frames."""
    rows, said = [], []
    frames = grown_frames(film)
    series = film.series
    amounts = {k: _amounts(film, k) for k in frames}
    for a, b in zip(frames, frames[1:], strict=False):
        gain, step = amounts[b] - amounts[a], series["time"][b] - series["time"][a]
        if not gain.sum() > 0.0 or not step > 0.0:
            continue
        middle = 0.5 * (amounts[a] + amounts[b])
        conditions = Conditions(
            float(series["potential"][b]), float(series["temperature"][b]), film.width,
            film.parameters, film.solids,
        )  # fmt: skip
        rows.append(_inputs(float(middle.sum()), middle / middle.sum(), conditions, keys))
        said.append([np.log(step / gain.sum()), *(gain / gain.sum())])
    return np.array(rows), np.array(said)


def _amounts(film: Trajectory, frame: int) -> Array:
    """Return the thickness of each solid [m], (solids,)."""
    phi, shares = film.fields["phi"][frame], film.fields["shares"][frame]
    each = (phi * shares).reshape(len(shares), -1).sum(axis=1, dtype=float)
    total = each.sum()
    return each / max(total, 1e-300) * float(film.series["thickness"][frame])


def _solve(parts: Sequence[tuple[Array, Array]], ridge: float) -> Array:
    x, y = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    penalty = ridge * len(x) * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    return np.asarray(np.linalg.solve(x.T @ x + penalty + 1e-12 * np.eye(len(penalty)), x.T @ y))


def _left_out(parts: Sequence[tuple[Array, Array]], ridge: float) -> float:
    """Return the error of ln(dt/dL) over films that were left out, one by one."""
    gaps = []
    for k, (x, y) in enumerate(parts):
        weights = _solve([*parts[:k], *parts[k + 1 :]], ridge)
        gaps.append((x @ weights)[:, 0] - y[:, 0])
    return float(np.sqrt(np.mean(np.concatenate(gaps) ** 2)))
