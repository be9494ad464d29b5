"""The HTML page of a coupled study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interphase.scripts.reporting import page
from interphase.scripts.reporting.drawing import Picture
from interphase.scripts.reporting.numbers import KeyNumber
from interphase.scripts.reporting.palette import time_text
from interphase.scripts.reporting.sources import parameter_rows
from interphase.scripts.reporting.study_curves import BOOKS_TARGET
from interphase.scripts.reporting.study_folder import Study, StudySet

_HEAD = (
    "study", "time", "cycles", "capacity lost", "of nominal", "film", "film resistance",
    "worst lithium books", "worst coupling error", "ended",
)  # fmt: skip


def build_study_page(studies: StudySet, pictures: Sequence[Picture]) -> str:
    """Return the page.

    Args:
        studies: all of the case.
        pictures: in the order in which they are shown.

    Raises:
        OutputError: if the provenance holds no parameters.
    """
    first = studies.studies[0]
    rows = parameter_rows(first.provenance)
    several = len(studies.studies) > 1
    sections = [page.Section("Studies", _overview(studies.studies))] if several else []
    sections += [page.Section(one.title, page.figure(one)) for one in pictures]
    sections += [
        page.Section("Cell and its sources", cell_table(first.provenance), "cell"),
        page.Section("Film parameters and their sources", page.parameter_table(rows), "parameters"),
        page.Section("Case", page.case_text(studies.case_text, _summaries(studies))),
        page.Section("Versions and host", page.versions_table(first.provenance), "versions"),
    ]
    table = (studies.case.get("model") or {}).get("table", "")
    cell = first.provenance.get("cell") or {}
    below = page.subtitle(
        first.provenance, studies.path.name, table,
        f"{cell.get('model', 'cell')} by PyBaMM with {cell.get('parameters', 'its parameters')}",
    )  # fmt: skip
    head = page.warning_box([*_warnings(studies), *page.doubts(rows)])
    if not several:
        head += page.number_list(_numbers(first))
    return page.assemble(studies.title, below, head, sections)


def _warnings(studies: StudySet) -> list[str]:
    lines = []
    if studies.missing:
        lines.append(f"{studies.missing} conditions of the case have not been run yet.")
    for one in studies.studies:
        name = f"{one.label}: " if one.label else ""
        if not one.summary:
            lines.append(f"{name}the study has not finished; numbers are of its last exchange.")
        elif not one.summary.get("finished"):
            ending = ": ".join(
                str(one.summary[key]) for key in ("ending", "reason") if one.summary.get(key)
            )
            lines.append(f"{name}the study did not reach its end ({ending}).")
        elif one.summary.get("reason"):
            lines.append(f"{name}{one.summary['reason']}.")
    return [line[0].upper() + line[1:] for line in lines]


def _numbers(study: Study) -> list[KeyNumber]:
    ageing, nominal = study.ageing, study.nominal_capacity
    lost = float(ageing["lost_capacity"][-1])
    cycles = study.summary.get("cycles") or {}
    numbers = [KeyNumber("time simulated", time_text(float(ageing["time"][-1])))]
    if ageing["cycle"][-1] > 1:
        label = "cycles"
        if cycles:
            label = f"cycles, {cycles.get('simulated', 0):g} of them simulated"
        numbers.append(KeyNumber(label, f"{ageing['cycle'][-1]:.0f}"))
    numbers.append(KeyNumber("capacity lost to the film", f"{1e3 * lost:.4g} mA h"))
    if np.isfinite(nominal):
        numbers.append(KeyNumber("of the nominal capacity", f"{100.0 * lost / nominal:.3g} %"))
    numbers += [
        KeyNumber("film thickness", f"{1e9 * ageing['film_thickness'][-1]:.4g} nm"),
        KeyNumber("per geometric area", f"{1e9 * ageing['film_thickness_geometric'][-1]:.4g} nm"),
        KeyNumber("film resistance", f"{1e3 * ageing['film_resistance'][-1]:.3g} mΩ"),
        KeyNumber("charge passed", f"{ageing['throughput'][-1]:.4g} A h"),
        KeyNumber("films along the electrode", str(len(study.patches))),
        _books(study),
        KeyNumber("worst coupling error", f"{100.0 * _worst(study, 'coupling_error'):.2g} %"),
        KeyNumber(
            "exchanges (tried again)",
            f"{ageing['time'].size} ({ageing['rejected'][-1]:.0f})",
        ),
        KeyNumber("wall time", time_text(float(ageing["wall_time"][-1]))),
    ]
    return numbers


def _books(study: Study) -> KeyNumber:
    worst = _worst(study, "lithium_imbalance")
    return KeyNumber("worst lithium books", f"{worst:.1e}", bad=worst > BOOKS_TARGET)


def _worst(study: Study, name: str) -> float:
    return float(np.nanmax(np.abs(study.ageing[name])))


def _overview(studies: Sequence[Study]) -> str:
    rows = []
    for one in studies:
        last = {name: float(values[-1]) for name, values in one.ageing.columns.items()}
        rows.append(
            [
                one.label,
                time_text(last["time"]),
                f"{last['cycle']:.0f}",
                f"{1e3 * last['lost_capacity']:.4g} mA h",
                f"{100.0 * last['lost_capacity'] / one.nominal_capacity:.3g} %",
                f"{1e9 * last['film_thickness']:.4g} nm",
                f"{1e3 * last['film_resistance']:.3g} mΩ",
                f"{_worst(one, 'lithium_imbalance'):.1e}",
                f"{100.0 * _worst(one, 'coupling_error'):.2g} %",
                _ending(one.summary),
            ]
        )
    return page.grid_table(_HEAD, rows)


def _ending(summary: Mapping[str, Any]) -> str:
    if not summary:
        return "not finished"
    return str(summary.get("reason") or summary.get("ending", ""))


def cell_table(provenance: Mapping[str, Any]) -> str:
    """Return what PyBaMM's model is made of."""
    cell = dict(provenance.get("cell") or {})
    if not cell:
        return "<p>The run has not recorded its cell.</p>"
    area = cell.get("area_ratio") or {}
    rows: list[tuple[str, Any]] = [
        ("model", cell.get("model")),
        ("options", _pairs(cell.get("options")) or "none beside those of the coupling"),
        ("parameters", f"{cell.get('parameters')} (PyBaMM {cell.get('pybamm')})"),
        *(("reference", one) for one in cell.get("references", [])),
        ("changed by the case", _pairs(cell.get("override")) or "nothing"),
    ]
    if area:
        text = f"{area.get('value')}: {area.get('source')}"
        rows.append(("film area over geometric area", text))
    values = cell.get("values") or {}
    listed = "\n".join(f"{name}: {value}" for name, value in values.items())
    text = page.pair_table(rows)
    return text + page.folded("every value of the cell, by PyBaMM's names", listed)


def _pairs(mapping: Any) -> str:
    items = mapping.items() if isinstance(mapping, Mapping) else ()
    return ", ".join(f"{name}: {value}" for name, value in items)


def _summaries(studies: StudySet) -> dict[str, Any]:
    if len(studies.studies) == 1:
        return studies.studies[0].summary
    return {one.label: one.summary for one in studies.studies}
