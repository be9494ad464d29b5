"""Which points a study runs: drawn in the unit cube, or the values as given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from interphase.parameters.distributions import Array
from interphase.parameters.errors import CaseError
from interphase.scripts.sweep.factors import Factor, Value
from interphase.scripts.sweep.study import DesignCase

LEVELS: Final = 4
"""Levels of Morris's grid."""


def unit_problem(count: int) -> dict[str, Any]:
    """Return SALib's description of the unit cube."""
    return {
        "num_vars": count,
        "names": [str(i) for i in range(count)],
        "bounds": [[0.0, 1.0]] * count,
    }


def sobol_points(count: int, samples: int, seed: int) -> Array:
    """Return Saltelli's points for first-order and total indices, (samples (count + 2), count).

    Source: Saltelli et al., Comput. Phys. Commun. 181, 259 (2010); SALib.
    """
    from SALib.sample import sobol

    problem = unit_problem(count)
    return np.asarray(sobol.sample(problem, samples, calc_second_order=False, seed=seed))


def latin_points(count: int, samples: int, seed: int) -> Array:
    """Return a Latin hypercube, (samples, count)."""
    from SALib.sample import latin

    return np.asarray(latin.sample(unit_problem(count), samples, seed=seed))


def morris_points(count: int, samples: int, seed: int) -> Array:
    """Return Morris's trajectories, (samples (count + 1), count).

    Source: Morris, Technometrics 33, 161 (1991); SALib.
    """
    from SALib.sample import morris

    problem = unit_problem(count)
    return np.asarray(morris.sample(problem, samples, num_levels=LEVELS, seed=seed))


_RANDOM: Final[dict[str, Callable[[int, int, int], Array]]] = {
    "sobol": sobol_points,
    "lhs": latin_points,
    "morris": morris_points,
}


def draw(design: DesignCase, factors: Sequence[Factor]) -> tuple[list[list[Value]], Array | None]:
    """Return the values of all members, and their points in the unit cube for random designs.

    Raises:
        CaseError: the design does not fit the factors.
    """
    if design.kind in _RANDOM:
        points = _RANDOM[design.kind](len(factors), design.samples or 0, design.seed)
        rows = [
            [f.at(float(part)) for f, part in zip(factors, point, strict=True)] for point in points
        ]
        return rows, points
    for factor in factors:
        if not factor.values:
            raise CaseError(
                f"a {design.kind} needs values, or write design: {{kind: lhs, samples: 32}}",
                f"parameters.{factor.name}",
            )
    if design.kind == "grid":
        return [list(row) for row in itertools.product(*(f.values for f in factors))], None
    lengths = {factor.name: len(factor.values) for factor in factors}
    if len(set(lengths.values())) > 1:
        raise CaseError(f"a list needs as many values for each parameter, got {lengths}", "design")
    return [list(row) for row in zip(*(f.values for f in factors), strict=True)], None
