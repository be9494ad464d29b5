"""The page of a study: which parameter matters, which needs a better source, the fit, the films."""

from __future__ import annotations

import html
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from interphase.parameters.errors import OutputError
from interphase.scripts.reporting.drawing import Picture
from interphase.scripts.reporting.folder import RunFolder, read_run
from interphase.scripts.reporting.page import Section, assemble, figure
from interphase.scripts.reporting.snapshot import read_film
from interphase.scripts.reporting.structure import heading, structure_picture
from interphase.scripts.reporting.study_folder import is_study, read_studies
from interphase.scripts.sweep import pictures
from interphase.scripts.sweep.fitting import Calibration
from interphase.scripts.sweep.folder import StudyFolder
from interphase.scripts.sweep.results import Results
from interphase.scripts.sweep.sensitivity import Sensitivity, source_needs
from interphase.solvers.progress import readable
from interphase.solvers.run_folder import write_whole

logger = logging.getLogger("interphase.cli")

PAGE = "report.html"


def write_report(
    results: Results,
    folder: StudyFolder,
    found: Sequence[Sensitivity],
    fit: Calibration | None,
) -> Path:
    """Write the page; everything is inside it.

    Args:
        results: of the members.
        folder: of the study.
        found: sensitivities, empty for given values.
        fit: the calibration, None without one.

    Returns:
        The page.
    """
    sections = [Section("Study", _study(results))]
    if found:
        sections.append(Section("Which parameters need a better source", _needs(found)))
    if fit is not None:
        sections.append(Section("Calibration", _fit(fit, results)))
    drawn = _drawn(results, folder, list(found), fit)
    sections += [Section(one.title, figure(one)) for one in drawn]
    sections.append(Section("Members that failed", _failures(results)))
    page = assemble(results.plan.study.title, folder.path.name, "", sections)
    write_whole(folder.path / PAGE, page)
    return folder.path / PAGE


def _drawn(
    results: Results, folder: StudyFolder, found: list[Sensitivity], fit: Calibration | None
) -> list[Picture]:
    drawn = []
    if fit is not None:
        drawn += [pictures.prediction(fit), pictures.posterior(fit, results.plan.factors)]
    if found:
        drawn.append(pictures.tornado(found, results.plan.factors))
        if found[0].effects[0].total is not None:
            drawn.append(pictures.index_bars(found))
    if not results.series:
        return drawn
    drawn.append(pictures.scatter_matrix(results))
    first_of = {quantity.column: quantity for quantity in reversed(results.plan.quantities)}
    bands = [pictures.band(results, quantity) for quantity in reversed(first_of.values())]
    drawn += [one for one in bands if one is not None]
    return [*drawn, *_gallery(results, folder)]


def _gallery(results: Results, folder: StudyFolder) -> list[Picture]:
    """Return the films with the least, the middle and the largest value of the first quantity."""
    quantity, plan = results.plan.quantities[0], results.plan
    values = results.of(quantity)
    order = [int(i) for i in np.argsort(values) if np.isfinite(values[i])]
    chosen = {order[0]: "least", order[len(order) // 2]: "middle", order[-1]: "largest"}
    films = []
    for index, word in chosen.items():
        member = plan.members[index]
        try:
            run = _film_run(folder.of(member))
            film = read_film(run, run.snapshots[-1])
            one = structure_picture([film], [heading(run, film)])
        except (OutputError, IndexError) as error:
            logger.warning("no picture of member %s: %s", member.name, error)
            continue
        told = ", ".join(
            f"{f.name} = {pictures.shown(v, f) if isinstance(v, float) else v}"
            for f, v in zip(plan.factors, member.values, strict=True)
        )
        title = f"Film with the {word} {quantity.name}"
        films.append(
            Picture(f"film_{word}", title, f"member {member.name}: {_text(told)}", one.png)
        )
    return films


def _film_run(path: Path) -> RunFolder:
    """Return the run of a member's film; with a cell that of the film next to the separator."""
    return read_studies(path).studies[0].patches[-1] if is_study(path) else read_run(path)


def _study(results: Results) -> str:
    plan = results.plan
    ended = [one for one in results.outcomes.values() if one.status == "done"]
    again = sum(one.attempts > 1 for one in ended)
    seconds = sum(one.seconds for one in results.outcomes.values())
    lines = [
        f"Base case {_text(Path(plan.study.case).name)}, parameter table {_text(plan.table.name)}; "
        f"design {plan.study.design.kind}; {len(ended)} of {len(plan.members)} members finished"
        + (f", {again} of them at the second attempt with tighter time steps" if again else "")
        + f"; {readable(seconds)} of wall time in all."
    ]
    rows = [
        [f.name, f.describe(), (f.row.source.describe() if f.row else "a key of the case")]
        for f in plan.factors
    ]
    numbers = []
    for quantity in plan.quantities:
        values = results.of(quantity)
        values = values[np.isfinite(values)]
        if values.size:
            spread = np.quantile(values, (0.025, 0.5, 0.975))
            numbers.append([quantity.header, *(f"{v:.4g}" for v in spread)])
    return (
        f"<p>{'<br>'.join(lines)}</p>"
        + _table(["parameter", "spread", "source"], rows)
        + _table(["quantity", "2.5 %", "median", "97.5 %"], numbers)
    )


def _needs(found: Sequence[Sensitivity]) -> str:
    parts = [
        "<p>Parameters in the order in which a better value would help: effect = root of the total "
        "index times the quantity's standard deviation, so it holds both how much the quantity "
        "depends on the parameter and how uncertain the parameter is.</p>"
    ]
    for one in found:
        rows = [
            [need.name, f"{need.effect:.2g} {one.quantity.unit}", need.spread, need.kind,
             need.reference]
            for need in source_needs(one)
        ]  # fmt: skip
        parts.append(
            f"<h3>{_text(one.quantity.name)}: {one.mean:.4g} +- {one.deviation:.2g} "
            f"{_text(one.quantity.unit)}</h3><p>{_text(one.method)}, {one.members} members</p>"
            + _table(["parameter", "effect", "its uncertainty", "kind", "source"], rows)
        )
    return "".join(parts)


def _fit(fit: Calibration, results: Results) -> str:
    rows = []
    for i, factor in enumerate(results.plan.factors):
        low, middle, high = fit.fit.interval(i)
        rows.append(
            [factor.name, factor.describe(), pictures.shown(float(fit.fit.best[i]), factor),
             *(pictures.shown(v, factor) for v in (low, middle, high))]
        )  # fmt: skip
    warnings = "".join(f'<p class="warn">{_text(text)}</p>' for text in fit.fit.warnings)
    error = max(one.error for one in fit.emulators)
    return (
        f"<p>{_text(fit.quantity)} against time, {fit.data.value.size} data; the runs are "
        f"represented by Gaussian processes with a leave-one-out error of at most {error:.2g} "
        f"{_text(fit.unit)}, which counts as part of sigma.</p>{warnings}"
        + _table(["parameter", "prior", "least squares", "2.5 %", "median", "97.5 %"], rows)
    )


def _failures(results: Results) -> str:
    failed = results.failures()
    if not failed:
        return "<p>None.</p>"
    return _table(["member", "attempts", "reason"],
                  [[one.name, str(one.attempts), one.reason] for one in failed])  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _text(value: object) -> str:
    return html.escape(str(value))
