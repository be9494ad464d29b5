"""A Gaussian process that stands for a run where runs are few, with its leave-one-out error."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.parameters.distributions import Array
from interphase.parameters.errors import CaseError

LEAST: Final = 3
"""Members for each factor that an emulator needs at the least, and one more."""


@dataclass(frozen=True)
class Emulator:
    """A Gaussian process over the unit cube, trained on the members that finished.

    Attributes:
        explained: part of the variance that is predicted for members left out [-].
        error: root mean square error for members left out [unit of the quantity].
    """

    explained: float
    error: float
    _law: Any
    _mean: float
    _scale: float

    def __call__(self, points: Array) -> Array:
        """Return the quantity at points of the unit cube, (points,)."""
        return np.asarray(self._mean + self._scale * self._law.predict(points))

    def draws(self, points: Array, count: int, seed: int) -> Array:
        """Return ``count`` functions that fit the members as well, (points, count)."""
        sampled = self._law.sample_y(points, count, random_state=seed)
        return np.asarray(self._mean + self._scale * sampled)


def train(points: Array, values: Array, seed: int = 0) -> Emulator:
    """Train on points of the unit cube.

    Args:
        points: (members, factors).
        values: of the quantity, (members,).
        seed: fixes the restarts of the search for the lengths.

    Raises:
        CaseError: too few members.

    Source: leave-one-out residuals alpha_i/(K^-1)_ii: Rasmussen & Williams, Gaussian Processes for
    Machine Learning (2006), eq. 5.12.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    count, dimension = points.shape
    if count < LEAST * dimension + 1:
        raise CaseError(
            f"{count} finished members are too few for an emulator of {dimension} parameters; "
            f"{LEAST * dimension + 1} are needed",
            "design.samples",
        )
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    lengths = RBF(np.ones(dimension), (0.05, 100.0))
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * lengths + WhiteKernel(1e-4, (1e-8, 1.0))
    law = GaussianProcessRegressor(kernel, n_restarts_optimizer=3, random_state=seed, alpha=1e-10)
    with warnings.catch_warnings():
        # a factor without influence has its length at the bound: that is the answer
        warnings.simplefilter("ignore", ConvergenceWarning)
        law.fit(points, (values - mean) / scale)
    inverse = np.linalg.inv(law.L_ @ law.L_.T)
    residual = law.alpha_ / np.diag(inverse)
    return Emulator(
        1.0 - float(np.mean(residual**2)), scale * float(np.sqrt(np.mean(residual**2))),
        law, mean, scale,
    )  # fmt: skip
