"""How far a film is from those that a network was trained on, by its own features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.surrogate.canvas import Array

# Part of the mean variance that every direction has at least.
_FLOOR = 1.0e-2
_PERCENTILE = 99.0


def pooled(features: Array, weight: Array) -> Array:
    """Return the mean features of the front, (channels,).

    Args:
        features: of the coarsest level, (channels, coarse grid).
        weight: of the front, (grid), an integer multiple finer.
    """
    blocks: list[int] = []
    for coarse, fine in zip(features.shape[1:], weight.shape, strict=True):
        blocks += [coarse, fine // coarse]
    coarse_weight = weight.reshape(blocks).sum(axis=tuple(range(1, len(blocks), 2)))
    total = max(float(coarse_weight.sum()), 1e-12)
    axes = tuple(range(1, features.ndim))
    return np.asarray((features * coarse_weight).sum(axis=axes) / total)


@dataclass(frozen=True)
class Neighbourhood:
    """Where the training films lie among the features.

    Attributes:
        mean: (channels,).
        whitening: turns features into numbers of unit variance, (channels, channels).
        scale: the 99th percentile of the training films' distances.
    """

    mean: Array
    whitening: Array
    scale: float

    @classmethod
    def of(cls, samples: Array) -> Neighbourhood:
        """Return that of pooled features, (films, channels)."""
        mean = samples.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(samples.T))
        values = np.maximum(values, _FLOOR * max(float(values.mean()), 1e-12))
        whitening = vectors / np.sqrt(values)
        distances = np.linalg.norm((samples - mean) @ whitening, axis=1)
        return cls(mean, whitening, max(float(np.percentile(distances, _PERCENTILE)), 1e-12))

    def distance(self, features: Array) -> float:
        """Return the Mahalanobis distance in units of ``scale`` [-]; features (channels,)."""
        return float(np.linalg.norm((features - self.mean) @ self.whitening) / self.scale)
