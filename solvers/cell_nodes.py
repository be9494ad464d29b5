"""Where the films of a discretised cell model sit, and how much area they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interphase.solvers.cell_readout import Readout

type Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FilmNodes:
    """Nodes of the negative electrode that carry a film.

    Attributes:
        positions: distance from the current collector of the electrode [m], (nodes,).
        area_per_volume: geometric area per volume of electrode [1/m], (nodes,).
        area: geometric area per area of the electrode pair [-], (nodes,).
    """

    positions: Array
    area_per_volume: Array
    area: Array

    @property
    def count(self) -> int:
        """Number of films."""
        return int(self.positions.size)


def count_nodes(mesh: Any, *, averaged: bool) -> int:
    """Return the number of films of a model with PyBaMM's ``mesh``."""
    return 1 if averaged else int(mesh["negative electrode"].npts)


def film_nodes(
    model: Any, mesh: Any, states: Array, inputs: Mapping[str, Array], *, averaged: bool
) -> FilmNodes:
    """Return the nodes of a discretised ``model``.

    Args:
        model: PyBaMM's.
        mesh: PyBaMM's.
        states: at the start, (states,).
        inputs: a value of every input.
        averaged: whether it has one film for the whole electrode.
    """
    lead = "X-averaged negative" if averaged else "Negative"
    name = f"{lead} electrode surface area to volume ratio [m-1]"
    read = Readout(model, [name], inputs)(np.zeros(1), states[:, None], inputs)
    per_volume = np.asarray(read[name][0], dtype=np.float64)
    edges = mesh["negative electrode"].edges
    if averaged:
        positions, widths = np.array([0.5 * (edges[-1] + edges[0])]), edges[-1:] - edges[:1]
    else:
        positions, widths = np.array(mesh["negative electrode"].nodes), np.diff(edges)
    return FilmNodes(positions, per_volume, per_volume * widths)
