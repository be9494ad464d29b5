"""Indices against exact ones: Ishigami's function and mixed growth; the emulator's honesty."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.analytic import mixed_thickness
from interphase.parameters.distributions import Array, LogUniform
from interphase.parameters.errors import CaseError
from interphase.scripts.sweep.design import latin_points, sobol_points
from interphase.scripts.sweep.emulator import train
from interphase.scripts.sweep.sensitivity import Indices, emulated_indices, sobol_indices

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="has nothing to do with ranks")


def ishigami(points: Array) -> Array:
    """Return sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 over the cube from -pi to pi."""
    x = np.pi * (2.0 * points - 1.0)
    return np.sin(x[:, 0]) * (1.0 + 0.1 * x[:, 2] ** 4) + 7.0 * np.sin(x[:, 1]) ** 2


def ishigami_exact() -> tuple[list[float], list[float]]:
    """Return first and total indices in closed form (a = 7, b = 0.1)."""
    a, b = 7.0, 0.1
    one = 0.5 * (1.0 + b * np.pi**4 / 5.0) ** 2
    two = a**2 / 8.0
    both = b**2 * np.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    total = one + two + both
    return [one / total, two / total, 0.0], [(one + both) / total, two / total, both / total]


# D0 c0 and k each within a factor of four, film of 2 nm, a month
P_LAW, A_LAW = LogUniform(2e-25, 3.2e-24), LogUniform(2e-9, 3.2e-8)


def growth(points: Array) -> Array:
    """Return the thickness [m] by the mixed law after a month."""
    p, a = P_LAW.quantile(points[:, 0]), A_LAW.quantile(points[:, 1])
    return np.asarray(mixed_thickness(2.6e6, 2e-9, p, a))


def growth_exact() -> tuple[list[float], list[float]]:
    """Return first and total indices by Gauss-Legendre quadrature, to 12 digits."""
    x, w = np.polynomial.legendre.leggauss(60)
    x, w = 0.5 * (x + 1.0), 0.5 * w
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
    values = growth(grid).reshape(60, 60)
    mean = w @ values @ w
    variance = w @ (values - mean) ** 2 @ w
    first = [float(w @ (values @ w - mean) ** 2), float(w @ (w @ values - mean) ** 2)]
    total = [variance - first[1], variance - first[0]]
    return [f / variance for f in first], [t / variance for t in total]


def held(indices: Indices, exact: tuple[list[float], list[float]]) -> list[bool]:
    """Return for every index whether the exact value lies in its interval."""
    pairs = zip([*indices.first, *indices.total], [*exact[0], *exact[1]], strict=True)
    return [estimate.holds(value) for estimate, value in pairs]


@pytest.mark.parametrize(("law", "exact"), [(ishigami, ishigami_exact), (growth, growth_exact)])
def test_intervals_of_95_percent_hold_the_exact_indices(law, exact) -> None:
    """Over 20 draws, not one draw that suits; they may be wider than need be, not narrower."""
    count = len(exact()[0])
    hits = [
        hit
        for seed in range(1, 21)
        for hit in held(sobol_indices(law(sobol_points(count, 256, seed)), count, seed), exact())
    ]
    assert np.mean(hits) >= 0.93
    assert held(sobol_indices(law(sobol_points(count, 1024, 5)), count, 5), exact()) == [True] * (
        2 * count
    )
    narrow = sobol_indices(law(sobol_points(count, 1024, 5)), count, 5)
    assert max(one.half for one in [*narrow.first, *narrow.total]) < 0.15
    wrong = tuple([value + 0.3 for value in part] for part in exact())
    assert not any(held(narrow, wrong))  # the intervals say something


def test_a_failed_run_takes_only_its_block_with_it() -> None:
    values = growth(sobol_points(2, 256, 3))
    values[7] = np.nan
    whole = np.delete(values.reshape(-1, 4), 1, axis=0).ravel()
    assert sobol_indices(values, 2, 3) == sobol_indices(whole, 2, 3)


def test_few_runs_and_an_emulator_give_the_same_indices() -> None:
    points = latin_points(2, 24, 1)
    emulator = train(points, growth(points))
    assert emulator.explained > 0.99
    assert held(emulated_indices(emulator, 2, 1), growth_exact()) == [True] * 4


def test_the_leave_one_out_error_is_that_of_leaving_out() -> None:
    """In closed form and by training on one less, with the lengths held."""
    from sklearn.base import clone

    points = latin_points(3, 20, 2)
    values = ishigami(points)
    emulator = train(points, values)
    left = []
    for i in range(20):
        rest = np.arange(20) != i
        law = clone(emulator._law)
        law.set_params(kernel=emulator._law.kernel_, optimizer=None)
        scaled = (values - emulator._mean) / emulator._scale
        law.fit(points[rest], scaled[rest])
        left.append(float(law.predict(points[[i]])[0] - scaled[i]) * emulator._scale)
    assert np.sqrt(np.mean(np.square(left))) == pytest.approx(emulator.error, rel=1e-3)
    assert emulator.explained < 0.9  # 20 runs do not know Ishigami's function, and it says so


def test_too_few_runs_are_refused() -> None:
    points = latin_points(3, 9, 2)
    with pytest.raises(CaseError, match="9 finished members are too few"):
        train(points, ishigami(points))
