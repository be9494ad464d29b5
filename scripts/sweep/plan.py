"""A study made ready: base case, factors, members, quantities; all of it checked beforehand."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interphase.parameters.case import Case, apply_override, load_case
from interphase.parameters.case_check import table_for
from interphase.parameters.case_keys import find_key
from interphase.parameters.distributions import Array
from interphase.parameters.errors import CaseError, InterphaseError, ParameterError, did_you_mean
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.units import format_si, to_si
from interphase.scripts.sweep.data import check_calibration
from interphase.scripts.sweep.design import draw
from interphase.scripts.sweep.factors import Factor, Value, build_factor
from interphase.scripts.sweep.record import Record, record_of
from interphase.scripts.sweep.study import Study

# Members whose cost is estimated; the others are taken to cost as much on the average.
_ESTIMATED: Final = 9


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that is looked at.

    Attributes:
        name: as the study calls it.
        column: of the time series.
        unit: of the column.
        at: time [s], None for the end.
    """

    name: str
    column: str
    unit: str
    at: float | None

    @property
    def header(self) -> str:
        """Header in tables."""
        return f"{self.name} [{self.unit}]"


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a study.

    Attributes:
        index: number from 0 on.
        values: of the factors, in SI.
        overrides: what ``--set`` gives the base case.
    """

    index: int
    values: tuple[Value, ...]
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.index:05d}"


@dataclass(frozen=True)
class Plan:
    """A study that can be run.

    Attributes:
        study: as written.
        base: the base case with the study's own changes.
        table: its table.
        factors: what is varied.
        members: the runs.
        points: of the members in the unit cube, (members, factors); None for given values.
        quantities: what is looked at.
        record: what each run leaves against time.
    """

    study: Study
    base: Case
    table: ParameterTable
    factors: tuple[Factor, ...]
    members: tuple[Member, ...]
    points: Array | None
    quantities: tuple[Quantity, ...]
    record: Record

    @property
    def at_once(self) -> int:
        """Members that run at the same time on this machine."""
        fit = max((os.cpu_count() or 1) // self.study.resources.ranks, 1)
        return self.study.resources.at_once or fit

    def fingerprint(self) -> str:
        """Return text that tells two studies apart: base case and members, not resources."""
        content = [self.base.to_yaml(), [member.overrides for member in self.members]]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def case_of(self, member: Member) -> Case:
        """Return the case of a member."""
        data = copy.deepcopy(self.base.resolved())
        for override in member.overrides:
            apply_override(data, override)
        return Case(**data)


def make_plan(study: Study) -> Plan:
    """Check a study and draw its members.

    Raises:
        CaseError: anything is wrong with it or with the case of any member.
    """
    base, table = _base(study)
    record = record_of(base)
    factors = tuple(build_factor(name, one, table) for name, one in study.parameters.items())
    paths = [factor.key.path for factor in factors]
    for factor in factors:
        if paths.count(factor.key.path) > 1:
            raise CaseError("is given twice under two names", f"parameters.{factor.name}")
    rows, points = draw(study.design, factors)
    members = tuple(_member(i, row, factors, study.title) for i, row in enumerate(rows))
    quantities = tuple(_quantity(text, record) for text in study.quantities)
    plan = Plan(study, base, table, factors, members, points, quantities, record)
    for member in members:
        _check(plan, member)
    if study.calibration is not None:
        check_calibration(
            record.columns, study.calibration, record.until, len(factors), study.design.kind
        )
    return plan


def _base(study: Study) -> tuple[Case, ParameterTable]:
    table = table_for(load_case(study.case))
    overrides = []
    for name, value in study.set.items():
        try:
            path = find_key(name, table).path
        except CaseError as error:
            raise CaseError(str(error).removeprefix(f"{name}: "), f"set.{name}") from error
        overrides.append(f"{path}={json.dumps(value)}")
    base = load_case(study.case, overrides)
    return base, table_for(base)


def _member(index: int, row: Sequence[Value], factors: Sequence[Factor], title: str) -> Member:
    note = f"member {index} of the study: {title}"
    texts = [f.override(value, note) for f, value in zip(factors, row, strict=True)]
    return Member(index, tuple(row), tuple(texts))


def _check(plan: Plan, member: Member) -> None:
    """Refuse a member that could not start."""
    try:
        case = plan.case_of(member)
        table = plan.table.override({k: case.model.override[k] for k in _rows(plan)})
        for key in _rows(plan):
            if table.get(*_split(key)).value is None:
                raise ParameterError(f"{key} has no value")
    except InterphaseError as error:
        shown = ", ".join(
            f"{f.name} = {format_si(v, f.key.unit) if isinstance(v, float) else v}"
            for f, v in zip(plan.factors, member.values, strict=True)
        )
        raise CaseError(f"member {member.index} ({shown}): {error}", "parameters") from error


def _rows(plan: Plan) -> list[str]:
    return [factor.key.row for factor in plan.factors if factor.key.row]


def _split(key: str) -> tuple[str, str | None]:
    name, _, of = key.partition(".")
    return name, of or None


def _quantity(text: str, record: Record) -> Quantity:
    known = record.columns
    column, at, when = (part.strip() for part in text.partition("@"))
    if column not in known:
        raise CaseError(f"there is no '{column}'; {did_you_mean(column, known)}", "quantities")
    if not at:
        return Quantity(text, column, known[column], None)
    try:
        moment = to_si(when, "s")
    except ParameterError as error:
        raise CaseError(str(error), f"quantities: {text}") from error
    if moment <= 0.0 or (record.until is not None and moment > record.until):
        raise CaseError("lies outside the run's time", f"quantities: {text}")
    return Quantity(text, column, known[column], moment)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a study will take.

    Attributes:
        each: wall time of a member [s], (estimated,); empty for meshes from files.
        total: wall time of the study [s], None if not known.
        memory: of the members that run at once [bytes], None if not known.
        thickness: film at the end, least and largest [m].
        sampled: members that were estimated.
    """

    each: tuple[float, ...]
    total: float | None
    memory: float | None
    thickness: tuple[float, float]
    sampled: int


def cost(plan: Plan) -> Cost | None:
    """Estimate the cost as ``interphase check`` does, from a few members spread over the study.

    None for films that a cell drives: how often cell and film meet shows in the run only.
    """
    if plan.base.drive.cell is not None:
        return None
    from interphase.models.sei import build_model
    from interphase.solvers.estimate import estimate

    count = len(plan.members)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _ESTIMATED)).round().astype(int))
    estimates = []
    for index in chosen:
        case = plan.case_of(plan.members[index])
        model = build_model(case.model, table_for(case), case.initial.seeds)
        estimates.append(estimate(case, model, plan.study.resources.ranks))
    films = [one.thickness for one in estimates]
    each = tuple(one.seconds for one in estimates if one.seconds is not None)
    memory = [one.memory for one in estimates if one.memory is not None]
    workers = min(workers_of(plan), count)
    total = float(np.mean(each)) * count / workers if each else None
    most = max(memory) * workers if memory else None
    return Cost(each, total, most, (min(films), max(films)), len(estimates))


def workers_of(plan: Plan) -> int:
    """Return how many members run at the same time, here or on a cluster."""
    cluster, resources = plan.study.cluster, plan.study.resources
    if cluster is None:
        return plan.at_once
    per_job = max(cluster.cores_per_node // resources.ranks, 1)
    return cluster.jobs * min(per_job, resources.at_once or per_job)


def describe(plan: Plan, shown: int = 12) -> list[str]:
    """Return the lines of ``--dry-run``; every member up to ``shown``, else first and last ones."""
    design = plan.study.design
    lines = [
        f"study       {plan.study.title}",
        f"base        {plan.study.case}",
        f"design      {design.kind}, {len(plan.members)} members",
    ]
    lines += [f"parameter   {f.name}: {f.describe()}" for f in plan.factors]
    lines.append(f"quantities  {', '.join(q.name for q in plan.quantities)}")
    indices = list(range(len(plan.members)))
    if len(indices) > shown:
        indices = [*indices[: shown - 2], -1, len(indices) - 1]
    for index in indices:
        lines.append("  ..." if index < 0 else _line(plan, plan.members[index]))
    return lines


def _line(plan: Plan, member: Member) -> str:
    texts = [
        f"{factor.name} = {_short(value, factor.key.unit)}"
        for factor, value in zip(plan.factors, member.values, strict=True)
    ]
    return f"  {member.name}  " + ", ".join(texts)


def _short(value: Value, unit: str) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g} {unit}" if unit != "-" else f"{value:.4g}"


def resolved(plan: Plan) -> dict[str, Any]:
    """Return the study as plain values."""
    plain: dict[str, Any] = plan.study.model_dump(mode="json", by_alias=True, exclude_none=True)
    return plain
