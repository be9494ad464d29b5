"""The small rival: a film as a page of numbers, grown by Gaussian processes.

Its thickness, the solids' shares against depth and their two-point statistics along the film, the
latter two as their principal components. Under its conditions follow the logarithm of the slowness
dt/dL, power laws by ridge regression and a Gaussian process for what they leave, and how the
components change while the film grows, Gaussian processes that far from what they have seen say
that nothing changes. It needs no mesh and knows no place; it extrapolates as its laws do.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from interphase.models.extras import load as load_extra
from interphase.models.interpolation import signed_distance
from interphase.models.surrogate.evaluation import correlations
from interphase.models.surrogate.pairs import grown_frames, patch_of
from interphase.models.surrogate.proposal import Array, Conditions, Patch
from interphase.models.surrogate.trajectory import Trajectory
from interphase.parameters.errors import SurrogateError

FORMAT: Final = "interphase reduced film"
VERSION: Final = 2
# Layers of the film, each of the same volume, and distances along it, in interface widths.
_LAYERS: Final = 8
_DISTANCES: Final = (0.0, 1.0, 2.0, 4.0)
# Principal components: so much of the variance, so many at most.
_VARIANCE, _MOST = 0.99, 6
# Strengths of the ridge that are tried, each film left out once.
_RIDGES: Final = tuple(10.0**k for k in range(-6, 3))
# Where the logarithm of the thickness stands among the inputs.
_THICKNESS: Final = 0
# Hyperparameters are fitted to so many rows at most.
_ROWS: Final = 200
# Steps of the growth, in parts of the thickness.
_STEP: Final = 0.02


def describe(patch: Patch, width: float) -> tuple[float, Array]:
    """Return the thickness of a film [m] and its page of numbers, (numbers,).

    First the share of each solid in layers of the same volume from the electrode up, then for each
    solid the probability that both ends of a segment along the film lie in it, over the film.
    """
    rows = tuple(range(patch.phi.ndim - 1))
    film = patch.phi.mean(axis=rows, dtype=float)
    solids = (patch.phi * patch.shares).mean(axis=tuple(r + 1 for r in rows), dtype=float)
    edges = np.linspace(0.0, film.sum(), _LAYERS + 1)
    below = np.concatenate([[0.0], np.cumsum(film)])
    sums = [np.concatenate([[0.0], np.cumsum(one)]) for one in solids]
    layers = [np.diff(np.interp(edges, below, one)) for one in sums]
    profile = np.array(layers) / np.diff(edges)
    two = correlations(signed_distance(patch.phi, width) / width, patch.shares)
    two = two.reshape(*two.shape[:2], -1)[:, : two.shape[1] // 2 + 1, 0]
    places = np.arange(two.shape[1]) * patch.spacing[0] / width
    along = [np.interp(_DISTANCES, places, one) for one in two]
    nodes = patch.phi[..., 0].size * film.sum()
    page = np.concatenate([profile.ravel(), np.ravel(along) / nodes])
    return patch.thickness(patch.phi), page


@dataclass(frozen=True)
class Reduced:
    """A regression for the growth of films.

    Attributes:
        phases: solids, in the order of the shares.
        keys: parameters that it depends on besides potential and temperature.
        mean: of what it depends on, (inputs,).
        scale: standard deviations, (inputs,).
        center: mean page, (numbers,).
        components: of the pages, (components, numbers).
        weights: of the features for ln(dt/dL), (features,).
        inputs: that it was fitted to, over their scale, (rows, inputs).
        targets: there, what the power laws leave of ln(dt/dL), and how the components change per
            ln(L), (rows, 1 + components).
        hyperparameters: logarithms of those of the kernels, (1 + components, inputs + 2).
        error: of ln(dt/dL), root mean square over films that were left out [-].
    """

    phases: tuple[str, ...]
    keys: tuple[str, ...]
    mean: Array
    scale: Array
    center: Array
    components: Array
    weights: Array
    inputs: Array
    targets: Array
    hyperparameters: Array
    error: float

    @cached_property
    def _processes(self) -> list[Any]:
        return [
            _process(self.inputs, values, theta)
            for values, theta in zip(self.targets.T, self.hyperparameters, strict=True)
        ]

    def growth(self, thickness: float, scores: Array, conditions: Conditions) -> Array:
        """Return ln(dt/dL) [ln(s/m)] and the components' change per ln(L), (1 + components,)."""
        row = _inputs(thickness, scores, conditions, self.keys)
        row = (row - self.mean)[None] / self.scale
        said = np.array([float(p.predict(row)[0]) for p in self._processes])
        said[0] += float(_features(row)[0] @ self.weights)
        return said

    def grow(
        self, patch: Patch, conditions: Conditions, until: float
    ) -> tuple[Array, Array, Array]:
        """Return times [s] from 0 to ``until``, thicknesses [m] and the parts at the end."""
        thickness, page = describe(patch, conditions.width)
        start = self.components @ (page - self.center)
        times, heights, scores = [0.0], [thickness], start
        while times[-1] < until:
            said = self.growth(heights[-1], scores, conditions)
            slowness = float(np.exp(said[0]))
            gain = min(_STEP * heights[-1], (until - times[-1]) / slowness)
            scores = scores + said[1:] * np.log1p(gain / heights[-1])
            times.append(times[-1] + gain * slowness if gain * slowness > 0.0 else until)
            heights.append(heights[-1] + gain)
        # What the components do not hold stays as it is.
        page = page + (scores - start) @ self.components
        parts = page[: _LAYERS * len(self.phases)].reshape(len(self.phases), _LAYERS).mean(axis=1)
        return np.array(times), np.array(heights), np.clip(parts, 0.0, 1.0)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        header = {"format": FORMAT, "version": VERSION, "phases": self.phases, "keys": self.keys,
                  "error": self.error}  # fmt: skip
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one.

        Raises:
            SurrogateError: the file is missing, damaged or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                if header.get("format") != FORMAT or header.get("version") != VERSION:
                    raise SurrogateError(
                        f"{path}: is no reduced model of version {VERSION}; fit it again"
                    )
                arrays = {name: file[name] for name in _ARRAYS}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise SurrogateError(f"{path}: is no whole reduced model ({error})") from error
        return cls(
            tuple(header["phases"]), tuple(header["keys"]), error=float(header["error"]), **arrays
        )


_ARRAYS: Final = (
    "mean", "scale", "center", "components", "weights", "inputs", "targets",
    "hyperparameters",
)  # fmt: skip


def fit(films: Sequence[Trajectory], rows: Sequence[str] | None = None) -> Reduced:
    """Return the regression through films that grow under a constant drive.

    Args:
        films: two at least.
        rows: parameters that it depends on; all that vary if left out.

    Raises:
        MissingExtraError: scikit-learn is missing.
        SurrogateError: the films differ in phases or parameters, or are too few.
    """
    if len(films) < 2:
        raise SurrogateError("a reduced model needs two films at least")
    phases, every_key = films[0].solids, sorted(films[0].parameters)
    keys = tuple(every_key if rows is None else rows)
    for film in films:
        if film.solids != phases or sorted(film.parameters) != every_key:
            raise SurrogateError("films of one model must have the same solids and parameters")
    pages = [
        [describe(patch_of(film, k), film.width) for k in grown_frames(film)] for film in films
    ]
    every = np.array([page for found in pages for _, page in found])
    if len(every) < 2:
        raise SurrogateError("fewer than two films grow under a constant drive: let them run on")
    center = every.mean(axis=0)
    components = _principal(every - center)
    tables = [
        _table(film, found, center, components, keys)
        for film, found in zip(films, pages, strict=True)
    ]
    tables = [table for table in tables if table[0].size]
    if len(tables) < 2:
        raise SurrogateError("fewer than two films grow under a constant drive: let them run on")
    inputs = np.concatenate([table[0] for table in tables])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    # What does not vary, up to round-off, tells nothing.
    scale = np.where(scale > 1e-9 * np.maximum(np.abs(mean), 1e-3), scale, np.inf)
    parts = [((x - mean) / scale, y) for x, y in tables]
    errors = {ridge: _left_out(parts, ridge) for ridge in _RIDGES}
    best = min(errors, key=lambda ridge: errors[ridge])
    x, y = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    weights = _solve(parts, best)
    targets = np.concatenate([(y[:, 0] - _features(x) @ weights)[:, None], y[:, 1:]], axis=1)
    some = np.linspace(0, len(x) - 1, min(len(x), _ROWS)).astype(int)
    thetas = np.array([_process(x[some], values[some]).kernel_.theta for values in targets.T])
    error = _left_out(parts, best, thetas[0])
    return Reduced(
        phases, keys, mean, scale, center, components, weights, x, targets, thetas, error
    )  # fmt: skip


def _principal(pages: Array) -> Array:
    """Return the principal components, (components, numbers)."""
    _, size, rows = np.linalg.svd(pages, full_matrices=False)
    held = np.cumsum(size**2) / max(float((size**2).sum()), 1e-300)
    return np.asarray(rows[: min(int(np.searchsorted(held, _VARIANCE)) + 1, _MOST)])


def _process(x: Array, y: Array, theta: Array | None = None) -> Any:
    """Return a Gaussian process through values, its hyperparameters fitted unless given."""
    processes = load_extra("sklearn.gaussian_process")
    kernels = load_extra("sklearn.gaussian_process.kernels")
    spread = max(float(np.mean(y**2)), 1e-12)
    far = kernels.RBF(np.full(x.shape[1], 4.0), (1.0, 100.0))
    noise = kernels.WhiteKernel(0.1 * spread, (1e-4 * spread, 1e1 * spread))
    kernel = kernels.ConstantKernel(spread, (1e-4 * spread, 1e2 * spread)) * far + noise
    if theta is not None:
        kernel.theta = theta
    optimizer = "fmin_l_bfgs_b" if theta is None else None
    with warnings.catch_warnings():
        # What tells nothing is as far as its bound lets it be: that is no failure.
        warnings.simplefilter("ignore", load_extra("sklearn.exceptions").ConvergenceWarning)
        return processes.GaussianProcessRegressor(kernel, optimizer=optimizer).fit(x, y)


def _inputs(
    thickness: float, scores: Array, conditions: Conditions, keys: tuple[str, ...]
) -> Array:
    known: Mapping[str, float] = conditions.logarithms
    missing = [key for key in keys if key not in known]
    if missing:
        raise SurrogateError(f"the reduced model needs {missing[0]}, which the case does not have")
    logarithms = [known[key] for key in keys]
    state = [np.log(thickness / conditions.width), *scores]
    return np.array([*state, conditions.potential, conditions.temperature, *logarithms])


def _features(x: Array) -> Array:
    """Return 1, x and the square of the logarithm of the thickness, (rows, features).

    Power laws whose exponent changes with thickness.
    """
    return np.concatenate([np.ones((len(x), 1)), x, x[:, _THICKNESS, None] ** 2], axis=1)


def _table(
    film: Trajectory, pages: Sequence[tuple[float, Array]], center: Array, components: Array,
    keys: tuple[str, ...],
) -> tuple[Array, Array]:  # fmt: skip
    """Return inputs and what is to be said of the growth between two frames."""
    rows, said = [], []
    frames, series = grown_frames(film), film.series
    for k, (a, b) in enumerate(zip(frames, frames[1:], strict=False)):
        (before, one), (after, other) = pages[k], pages[k + 1]
        step = series["time"][b] - series["time"][a]
        if not after > before or not step > 0.0:
            continue
        conditions = Conditions(
            float(series["potential"][b]), float(series["temperature"][b]), film.width,
            film.parameters, film.solids,
        )  # fmt: skip
        middle = components @ (0.5 * (one + other) - center)
        rows.append(_inputs(0.5 * (before + after), middle, conditions, keys))
        change = components @ (other - one) / np.log(after / before)
        said.append([np.log(step / (after - before)), *change])
    return np.array(rows), np.array(said)


def _solve(parts: Sequence[tuple[Array, Array]], ridge: float) -> Array:
    """Return the weights of the power laws, (features,)."""
    x = np.concatenate([_features(x) for x, _ in parts])
    y = np.concatenate([y[:, 0] for _, y in parts])
    penalty = ridge * len(x) * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    return np.asarray(np.linalg.solve(x.T @ x + penalty + 1e-12 * np.eye(len(penalty)), x.T @ y))


def _left_out(
    parts: Sequence[tuple[Array, Array]], ridge: float, theta: Array | None = None
) -> float:
    """Return the error of ln(dt/dL) over films that were left out, one by one [-].

    Args:
        parts: inputs over their scale and what is to be said, of each film.
        ridge: strength.
        theta: hyperparameters of the process for what the power laws leave; None: these alone.
    """
    gaps = []
    for k, (x, y) in enumerate(parts):
        others = [*parts[:k], *parts[k + 1 :]]
        weights = _solve(others, ridge)
        gap = _features(x) @ weights - y[:, 0]
        if theta is not None:
            seen = np.concatenate([one for one, _ in others])
            left = np.concatenate([y[:, 0] - _features(one) @ weights for one, y in others])
            gap = gap + _process(seen, left, theta).predict(x)
        gaps.append(gap)
    return float(np.sqrt(np.mean(np.concatenate(gaps) ** 2)))
