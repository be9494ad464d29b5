"""The diffuse front: profile, distance and density of the film order parameter.

The order parameter phi is 1 in the film and 0 in the liquid; at rest it follows
``phi = (1 - tanh(2 d / l)) / 2`` with the distance d into the liquid and the interface width l.

Source: Moelans, Blanpain & Wollants, Phys. Rev. B 78, 024113 (2008), for the profile; see
models/README.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

type Array = npt.NDArray[np.float64]

# phi is clipped this far from 0 and 1 before its profile is inverted.
_CLIP = 1.0e-10


def profile(distance: Array, width: float) -> Array:
    """Return phi at the signed ``distance`` [m] into the liquid for interface ``width`` [m]."""
    return np.asarray(0.5 * (1.0 - np.tanh(2.0 * distance / width)))


def signed_distance(phi: Array, width: float) -> Array:
    """Return the distance to the front [m], positive in the film, from the profile's inverse.

    It is smooth where grad(phi) vanishes, so normals and curvature are taken from it.
    """
    return np.asarray(
        0.5 * width * np.arctanh(np.clip(2.0 * phi - 1.0, -1.0 + 2 * _CLIP, 1.0 - 2 * _CLIP))
    )


def front_density(phi: Array, width: float) -> Array:
    """Return the area of front per volume [1/m], (4/l) phi (1 - phi); its integral along n is 1."""
    return np.asarray(4.0 / width * phi * (1.0 - phi))


def logistic_distance(share: Array, width: float) -> Array:
    """Return the distance [m] to an internal front from the ``share`` of the growing phase."""
    q = np.clip(share, 1e-12, 1.0 - 1e-12)
    return np.asarray(0.25 * width * np.log(q / (1.0 - q)))


def logistic(distance: Array, width: float) -> Array:
    """Return the share at the signed ``distance`` [m] into the growing phase."""
    return np.asarray(0.5 * (1.0 + np.tanh(2.0 * distance / width)))
