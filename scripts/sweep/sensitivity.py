"""Which parameter matters, and which one needs a better source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from interphase.parameters.distributions import Array
from interphase.scripts.sweep.design import LEVELS, sobol_points, unit_problem
from interphase.scripts.sweep.emulator import Emulator, train
from interphase.scripts.sweep.factors import Factor
from interphase.scripts.sweep.plan import Plan, Quantity
from interphase.scripts.sweep.results import Results

# Two-sided intervals of 95 %.
_Z: Final = 1.96
_SAMPLES: Final = 1024
# For the emulator's own uncertainty: joint draws of a Gaussian process cost the cube of the points.
_DRAW_SAMPLES, _DRAWS = 128, 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the half width of its 95 % interval."""

    value: float
    half: float

    def holds(self, exact: float) -> bool:
        """Return whether a value lies in the interval."""
        return abs(self.value - exact) <= self.half

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} +- {self.half:{spec}}"


@dataclass(frozen=True, slots=True)
class Indices:
    """Variance-based indices of one quantity.

    Attributes:
        first: part of the variance that goes if the factor alone is known, by factor [-].
        total: part that stays if all factors but this one are known, by factor [-].
    """

    first: tuple[Estimate, ...]
    total: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class FactorEffect:
    """What one factor does to a quantity.

    Attributes:
        factor: the factor.
        first: first-order index [-]; None for Morris's design.
        total: total index [-]; None for Morris's design.
        effect: how far the factor's own uncertainty moves the quantity [its unit]: the root of
            its part of the variance, or Morris's mean absolute effect over its whole range.
    """

    factor: Factor
    first: Estimate | None
    total: Estimate | None
    effect: Estimate


@dataclass(frozen=True)
class Sensitivity:
    """The effects on one quantity, the largest first.

    Attributes:
        quantity: the quantity.
        method: how they were found, for people.
        members: that were used.
        mean: of the quantity [its unit].
        deviation: of the quantity [its unit].
        effects: the largest first.
        emulator: that stands for the runs, None where the runs themselves were used.
    """

    quantity: Quantity
    method: str
    members: int
    mean: float
    deviation: float
    effects: tuple[FactorEffect, ...]
    emulator: Emulator | None = None


def sobol_indices(values: Array, factors: int, seed: int) -> Indices:
    """Return indices from values at Saltelli's points.

    Args:
        values: (samples (factors + 2),) in the order of `sobol_points`; nan where a run failed:
            the block that it belongs to is left out.
        factors: number of factors.
        seed: of the resampling for the intervals, not 0.

    Source: Saltelli et al., Comput. Phys. Commun. 181, 259 (2010); SALib.
    """
    from SALib.analyze import sobol

    blocks = values.reshape(-1, factors + 2)
    whole = blocks[np.isfinite(blocks).all(axis=1)].ravel()
    found = sobol.analyze(
        unit_problem(factors), whole, calc_second_order=False, num_resamples=300, seed=seed
    )
    return Indices(
        _estimates(found["S1"], found["S1_conf"]), _estimates(found["ST"], found["ST_conf"])
    )


def _estimates(values: Array, halves: Array) -> tuple[Estimate, ...]:
    return tuple(Estimate(float(v), float(h)) for v, h in zip(values, halves, strict=True))


def emulated_indices(emulator: Emulator, factors: int, seed: int) -> Indices:
    """Return indices of an emulator; the intervals hold sampling and the emulator's own doubt."""
    mean = sobol_indices(emulator(sobol_points(factors, _SAMPLES, seed)), factors, seed)
    points = sobol_points(factors, _DRAW_SAMPLES, seed + 1)
    draws = emulator.draws(points, _DRAWS, seed)
    # the same points under the mean law: what differs from draw to draw is the emulator's doubt
    each = [sobol_indices(draw, factors, seed) for draw in draws.T]
    return Indices(
        _widened(mean.first, [one.first for one in each]),
        _widened(mean.total, [one.total for one in each]),
    )


def _widened(mean: tuple[Estimate, ...], each: list[tuple[Estimate, ...]]) -> tuple[Estimate, ...]:
    spread = np.std([[e.value for e in row] for row in each], axis=0, ddof=1)
    return tuple(
        Estimate(one.value, float(np.hypot(one.half, _Z * s)))
        for one, s in zip(mean, spread, strict=True)
    )


def sensitivity(results: Results) -> list[Sensitivity]:
    """Return the sensitivities of all quantities; none for given values.

    Raises:
        CaseError: too few members have finished.
    """
    method = _METHODS.get(results.plan.study.design.kind)
    return [method(results, quantity) for quantity in results.plan.quantities] if method else []


def _direct(results: Results, quantity: Quantity) -> Sensitivity:
    plan, values = results.plan, results.of(quantity)
    indices = sobol_indices(values, len(plan.factors), plan.study.design.seed or 1)
    used = np.isfinite(values.reshape(-1, len(plan.factors) + 2)).all(axis=1).sum()
    return _by_variance(
        plan, quantity, indices, values, "Sobol' indices of the runs",
        int(used) * (len(plan.factors) + 2), None,
    )  # fmt: skip


def _emulated(results: Results, quantity: Quantity) -> Sensitivity:
    plan, values = results.plan, results.of(quantity)
    done = np.isfinite(values)
    emulator = emulator_of(plan, values)
    indices = emulated_indices(emulator, len(plan.factors), plan.study.design.seed or 1)
    text = (
        f"Sobol' indices of a Gaussian process (leave-one-out: {100 * emulator.explained:.1f} % of "
        f"the variance, error {emulator.error:.2g} {quantity.unit})"
    )
    return _by_variance(plan, quantity, indices, values, text, int(done.sum()), emulator)


def emulator_of(plan: Plan, values: Array) -> Emulator:
    """Train an emulator on the finished members of a random design; values (members,)."""
    done = np.isfinite(values)
    points = plan.points if plan.points is not None else np.empty((len(done), 0))
    return train(points[done], values[done], plan.study.design.seed)


def _by_variance(
    plan: Plan,
    quantity: Quantity,
    indices: Indices,
    values: Array,
    method: str,
    members: int,
    emulator: Emulator | None,
) -> Sensitivity:
    mean, deviation = float(np.nanmean(values)), float(np.nanstd(values))
    effects = [
        FactorEffect(factor, first, total, _effect(total, deviation))
        for factor, first, total in zip(plan.factors, indices.first, indices.total, strict=True)
    ]
    effects.sort(key=lambda one: -one.effect.value)
    return Sensitivity(quantity, method, members, mean, deviation, tuple(effects), emulator)


def _effect(total: Estimate, deviation: float) -> Estimate:
    """Return the root of a part of the variance, with its interval carried over."""
    root = np.sqrt(max(total.value, 0.0))
    upper = np.sqrt(max(total.value + total.half, 0.0))
    return Estimate(float(deviation * root), float(deviation * (upper - root)))


def _screened(results: Results, quantity: Quantity) -> Sensitivity:
    """Return Morris's mean absolute effects.

    Source: Campolongo, Cariboni & Saltelli, Environ. Model. Softw. 22, 1509 (2007); SALib.
    """
    from SALib.analyze import morris

    plan, values = results.plan, results.of(quantity)
    count = len(plan.factors)
    rows = np.isfinite(values.reshape(-1, count + 1)).all(axis=1)
    kept = np.repeat(rows, count + 1)
    points = plan.points if plan.points is not None else np.empty((values.size, count))
    found = morris.analyze(
        unit_problem(count), points[kept], values[kept], num_levels=LEVELS,
        seed=plan.study.design.seed,
    )  # fmt: skip
    effects = [
        FactorEffect(factor, None, None, Estimate(float(value), float(half)))
        for factor, value, half in zip(
            plan.factors, found["mu_star"], found["mu_star_conf"], strict=True
        )
    ]
    effects.sort(key=lambda one: -one.effect.value)
    mean, deviation = float(np.nanmean(values)), float(np.nanstd(values))
    return Sensitivity(
        quantity, "Morris's mean absolute effects", int(kept.sum()), mean, deviation, tuple(effects)
    )


_METHODS: Final[dict[str, Callable[[Results, Quantity], Sensitivity]]] = {
    "sobol": _direct,
    "lhs": _emulated,
    "morris": _screened,
}


@dataclass(frozen=True, slots=True)
class SourceNeed:
    """How much a better source of one parameter would help.

    Attributes:
        name: of the parameter.
        effect: of its uncertainty on the quantity [unit of the quantity].
        spread: its uncertainty, for people.
        kind: of its source; ``the study`` where it is no row of the table.
        reference: of its source.
    """

    name: str
    effect: Estimate
    spread: str
    kind: str
    reference: str


def source_needs(found: Sensitivity) -> list[SourceNeed]:
    """Return the parameters in the order in which a better source would help."""
    needs = []
    for one in found.effects:
        row = one.factor.row
        kind = row.source.kind if row is not None else "the study"
        reference = (row.source.reference or row.source.note) if row is not None else ""
        spread = one.factor.describe()
        needs.append(SourceNeed(one.factor.name, one.effect, spread, kind, reference))
    return needs
