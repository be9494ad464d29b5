"""Fitting parameters to data: least squares, posterior, and what the data cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.parameters.distributions import Array, Distribution
from interphase.parameters.errors import CaseError, ConvergenceError

# A direction whose standard deviation stays above this part of the prior's was not learnt.
_UNKNOWN: Final = 0.5
# A parameter takes part in a direction from this weight on.
_WEIGHT: Final = 0.3
# Data this unlikely under the best values are not what the model can make.
_UNLIKELY: Final = 1e-3
# Steps of the sampler for each autocorrelation time, at the least, for numbers to be trusted.
_CHAIN: Final = 30.0
# Of finite differences, in standard deviations of the priors.
_STEP: Final = 1e-3

Forward = Callable[[Array], Array]


@dataclass(frozen=True)
class Data:
    """What is fitted to.

    Attributes:
        time: [s].
        value: measured, in SI, (times,).
        sigma: standard deviation of each value [unit of value].
    """

    time: Array
    value: Array
    sigma: Array


@dataclass(frozen=True)
class Fit:
    """A calibration.

    Attributes:
        names: of the parameters.
        best: least-squares values in SI, (parameters,).
        deviation: standard deviation of the coordinates (logarithms where ``logarithmic``) by
            least squares with the priors, (parameters,).
        logarithmic: which parameters are fitted as logarithms.
        chi_square: sum of squares of the residuals over sigma at the best values.
        samples: posterior, (draws, parameters) in SI.
        warnings: what the data cannot tell, for people.
        effective: independent draws in ``samples``.
    """

    names: tuple[str, ...]
    best: Array
    deviation: Array
    logarithmic: tuple[bool, ...]
    chi_square: float
    samples: Array
    warnings: tuple[str, ...]
    effective: float

    def interval(self, index: int) -> tuple[float, float, float]:
        """Return the posterior's 2.5 %, 50 % and 97.5 % values of a parameter."""
        low, middle, high = np.quantile(self.samples[:, index], (0.025, 0.5, 0.975))
        return float(low), float(middle), float(high)


@dataclass(frozen=True)
class Problem:
    """Forward model, priors and data.

    Attributes:
        names: of the parameters.
        priors: their distributions.
        forward: values in SI, (points, parameters) -> (points, times).
        data: what is fitted to.
        sigma_model: standard deviation of the forward model itself, (times,); 0 for an exact one.
    """

    names: tuple[str, ...]
    priors: tuple[Distribution, ...]
    forward: Forward
    data: Data
    sigma_model: Array | float = 0.0

    @property
    def sigma(self) -> Array:
        """Standard deviation of data and model together."""
        return np.asarray(np.hypot(self.data.sigma, self.sigma_model))

    def values(self, normal: Array) -> Array:
        """Return values in SI from standard-normal coordinates, (points, parameters)."""
        from scipy.stats import norm

        parts = norm.cdf(normal)
        columns = [p.quantile(parts[:, i]) for i, p in enumerate(self.priors)]
        return np.stack(columns, axis=1)

    def residuals(self, normal: Array) -> Array:
        """Return residuals over sigma, (points, times)."""
        return (self.forward(self.values(normal)) - self.data.value) / self.sigma


def calibrate(problem: Problem, *, walkers: int = 32, steps: int = 2000, seed: int = 1) -> Fit:
    """Fit by least squares and sample the posterior.

    Everything is done in coordinates in which the priors are standard normal: bounds need no care,
    and "learnt" has a meaning for every parameter.

    Args:
        problem: what is fitted.
        walkers: of the ensemble sampler.
        steps: of the sampler; the first third is thrown away.
        seed: of the sampler.

    Raises:
        ConvergenceError: the least squares did not end.

    Source: Goodman & Weare, Comm. Appl. Math. Comput. Sci. 5, 65 (2010); emcee,
    Foreman-Mackey et al., PASP 125, 306 (2013).
    """
    import emcee

    count = len(problem.names)
    best, curvature = _least_squares(problem, seed)
    covariance = np.linalg.inv(curvature + np.eye(count))
    random = np.random.default_rng(seed)

    def log_posterior(points: Array) -> Array:
        squares = np.sum(problem.residuals(points) ** 2, axis=1)
        return np.asarray(-0.5 * (squares + np.sum(points**2, axis=1)))

    walkers = max(walkers, 2 * count + 2)
    sampler = emcee.EnsembleSampler(walkers, count, log_posterior, vectorize=True)
    sampler.random_state = np.random.RandomState(seed).get_state()
    start = best + random.multivariate_normal(np.zeros(count), covariance, size=walkers)
    sampler.run_mcmc(start, steps)
    correlation = float(np.max(sampler.get_autocorr_time(quiet=True, tol=0)))
    chain = sampler.get_chain(discard=steps // 3, flat=True)
    warnings = _unidentified(problem, curvature)
    squares = float(np.sum(problem.residuals(best[None]) ** 2))
    warnings += _misfit(squares, problem.data.time.size - count)
    if steps < _CHAIN * correlation:
        warnings.append(
            f"the sampler has gone {steps / correlation:.0f} correlation times only; write "
            f"calibration.steps: {int(2 * _CHAIN * correlation)}"
        )
    return Fit(
        problem.names,
        problem.values(best[None])[0],
        _coordinate_deviation(problem, best, covariance),
        tuple(prior.logarithmic for prior in problem.priors),
        squares,
        problem.values(chain),
        tuple(warnings),
        len(chain) / max(correlation, 1.0),
    )


def _misfit(squares: float, freedom: int) -> list[str]:
    """Return a warning if no values of the parameters explain the data."""
    from scipy.stats import chi2

    if chi2.sf(squares, max(freedom, 1)) >= _UNLIKELY:
        return []
    return [
        f"the model does not fit the data: a sum of squares of {squares:.3g} sigma^2 for "
        f"{max(freedom, 1)} degree(s) of freedom; its values and intervals mean little"
    ]


def _least_squares(problem: Problem, seed: int) -> tuple[Array, Array]:
    """Return the best standard-normal coordinates and J^T J there."""
    from scipy.optimize import least_squares

    count = len(problem.names)

    def penalised(point: Array) -> Array:
        return np.concatenate([problem.residuals(point[None])[0], point])

    random = np.random.default_rng(seed)
    starts = [np.zeros(count), *random.normal(size=(4, count))]
    found = [
        least_squares(penalised, start, lambda x: np.vstack([_jacobian(problem, x), np.eye(count)]))
        for start in starts
    ]
    best: Any = min(found, key=lambda one: one.cost)
    if not best.success:
        raise ConvergenceError(f"the least squares did not end: {best.message}")
    jacobian = _jacobian(problem, best.x)
    return np.asarray(best.x), np.asarray(jacobian.T @ jacobian)


def _jacobian(problem: Problem, point: Array) -> Array:
    """Return d(residuals)/d(coordinates) by central differences, (times, parameters).

    The step is a fixed part of the prior's width: an emulator is smooth to its own round-off only,
    which a step relative to a coordinate near zero would blow up.
    """
    steps = _STEP * np.eye(len(point))
    sides = problem.residuals(np.concatenate([point + steps, point - steps]))
    high, low = np.split(sides, 2)
    return np.asarray((high - low).T / (2.0 * _STEP))


def _coordinate_deviation(problem: Problem, best: Array, covariance: Array) -> Array:
    """Return standard deviations of values, or of their logarithms, at the best point."""
    out = []
    for i, prior in enumerate(problem.priors):
        ends = np.stack([best, best])
        ends[0, i] -= _STEP
        ends[1, i] += _STEP
        low, high = problem.values(ends)[:, i]
        slope = (np.log(high / low) if prior.logarithmic else high - low) / (2.0 * _STEP)
        out.append(abs(slope) * np.sqrt(covariance[i, i]))
    return np.array(out)


def _unidentified(problem: Problem, curvature: Array) -> list[str]:
    """Return a warning for every direction that the data say little of.

    In coordinates with standard-normal priors a direction with the eigenvalue h of J^T J keeps the
    standard deviation 1/sqrt(1 + h) of its prior's 1.
    """
    values, vectors = np.linalg.eigh(curvature)
    warnings = []
    for value, vector in zip(values, vectors.T, strict=True):
        left = 1.0 / np.sqrt(1.0 + max(float(value), 0.0))
        if left < _UNKNOWN:
            continue
        part = [i for i in range(len(vector)) if abs(vector[i]) >= _WEIGHT]
        names = [problem.names[i] for i in part]
        kept = f"(keeps {100 * left:.0f} % of the prior's width)"
        if len(part) == 1:
            warnings.append(f"the data say little of {names[0]} {kept}")
        else:
            warnings.append(f"{_relation(problem, vector, part)} {kept}")
    return warnings


def _relation(problem: Problem, vector: Array, part: Sequence[int]) -> str:
    """Say how parameters can make up for each other."""
    names = [problem.names[i] for i in part]
    together = " and ".join(names)
    if len(part) == 2 and all(problem.priors[i].logarithmic for i in part):
        kind = "product" if vector[part[0]] * vector[part[1]] < 0.0 else "ratio"
        return f"{together} are known only as a {kind}: fix one of them"
    return f"{together} make up for each other: fix one of them"


def forward_of_emulators(
    emulators: Sequence[Callable[[Array], Array]], priors: Sequence[Distribution]
) -> Forward:
    """Return a forward model from one emulator over the unit cube for every time of the data."""

    def forward(values: Array) -> Array:
        columns = [_part(prior, values[:, i]) for i, prior in enumerate(priors)]
        points = np.stack(columns, axis=1)
        return np.stack([one(points) for one in emulators], axis=1)

    return forward


def _part(prior: Distribution, values: Array) -> Array:
    """Return the inverse of the quantile function, by interpolation of a fine table."""
    parts = np.linspace(0.0, 1.0, 4001)
    table = prior.quantile(parts)
    keep = np.concatenate([[True], np.diff(table) > 0.0])  # the ends are clipped
    scale = np.log if prior.logarithmic else np.asarray
    return np.interp(scale(values), scale(table[keep]), parts[keep])


def check_data(data: Data, count: int) -> None:
    """Refuse data that cannot be fitted to.

    Raises:
        CaseError: too few rows, or a standard deviation that is not positive.
    """
    if data.time.size < count:
        raise CaseError(
            f"{data.time.size} row(s) of data cannot fix {count} parameters; vary fewer",
            "calibration.data",
        )
    if not (np.all(data.sigma > 0.0) and np.all(np.isfinite(data.sigma))):
        raise CaseError("the standard deviation must be positive", "calibration.sigma")
