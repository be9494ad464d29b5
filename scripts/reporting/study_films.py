"""The films of a coupled study: along the electrode, in time, and against depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from interphase.scripts.reporting.depth import depth_picture
from interphase.scripts.reporting.drawing import (
    Picture,
    as_png,
    letter,
    new_figure,
    phase_handles,
    style,
)
from interphase.scripts.reporting.folder import RunFolder
from interphase.scripts.reporting.palette import looks, study_looks
from interphase.scripts.reporting.snapshot import Film, read_film
from interphase.scripts.reporting.structure import structure_picture
from interphase.scripts.reporting.study_curves import axis_of
from interphase.scripts.reporting.study_folder import Study

MOST_PANELS = 9
"""Films in the picture of structures."""
MOST_PROFILES = 4
"""Films that have a picture of their own."""
_TIMES = 5


def film_pictures(studies: Sequence[Study]) -> list[Picture]:
    """Return all pictures of the films, as far as there are snapshots of them."""
    pictures = [composition_picture(studies)]
    pictures += [along_picture(one) for one in studies if len(one.patches) > 1]
    shown = [(one, patch) for one in studies for patch in _some(one) if patch.snapshots]
    films = [(one, patch, read_film(patch, patch.snapshots[-1])) for one, patch in shown]
    if not films:
        return pictures
    # what is a trace in one film may be a layer in another: all have the same colours
    phases = tuple(dict.fromkeys(name for *_, film in films for name in film.phases))
    films = [(one, patch, replace(film, phases=phases)) for one, patch, film in films]
    few = _spread(films, MOST_PANELS)
    headings = [_heading(*one) for one in few]
    pictures.append(
        replace(
            structure_picture([film for *_, film in few], headings),
            name="films",
            title="Films at the end",
        )
    )
    for study, patch, film in _spread(films, MOST_PROFILES):
        picture = depth_picture(film)
        where = _heading(study, patch, film)
        name = "_".join(part for part in (study.path.name, f"patch_{patch.path.name}") if part)
        pictures.append(
            replace(
                picture,
                name=f"depth_{name}" if study.label else f"depth_patch_{patch.path.name}",
                title=f"Film {where}" if where else "Film against depth",
            )
        )
    return pictures


def _some(study: Study) -> list[RunFolder]:
    """Return the patches to show: all, or some from the current collector to the separator."""
    return _spread(study.patches, MOST_PANELS)


def _spread[T](items: Sequence[T], count: int) -> list[T]:
    """Return at most ``count`` of ``items``, evenly, first and last among them."""
    picked = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[index] for index in dict.fromkeys(picked.tolist())]


def _heading(study: Study, patch: RunFolder, film: Film) -> str:
    parts = [study.label] if study.label else []
    if len(study.patches) > 1:
        parts.append(f"x = {1e6 * float(patch.series['position'][0]):.1f} µm")
    parts.append(f"L = {1e9 * patch.series.at('thickness', film.time):.3g} nm")
    return ", ".join(parts)


def composition_picture(studies: Sequence[Study]) -> Picture:
    """Draw what the films are made of against time or cycle, the mean over the patches."""
    shown = _spread(studies, MOST_PANELS)
    phases = looks(tuple(dict.fromkeys(p for one in shown for p in one.patches[0].series.phases)))
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with style():
        figure = new_figure(7.4, 1.0 + (2.6 if columns == 1 else 2.0) * rows)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for index, place in enumerate(axes.flat):
            place.set_visible(index < len(shown))
            if index < len(shown):
                letter(place, index, shown[index].label or "solids of the film")
                _stack(place, shown[index], list(phases), [p.colour for p in phases.values()])
            if index % columns == 0:
                place.set_ylabel("solid volume / area [nm]")
        handles = phase_handles(phases, pore=False, liquid=False)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        png = as_png(figure)
    return Picture(
        "composition",
        "Composition",
        "Volume of each solid per area of film, the mean over the films along the electrode.",
        png,
    )


def _stack(axes: Any, study: Study, names: list[str], colours: list[str]) -> None:
    x, label = axis_of(study)
    parts = []
    for name in names:
        column = f"thickness_{name}"
        rows = [patch.series.columns[column] for patch in study.patches]
        count = min(x.size, *(row.size for row in rows))
        parts.append(1e9 * np.mean([row[:count] for row in rows], axis=0))
    axes.stackplot(x[: parts[0].size], parts, colors=colours, linewidth=0.0)
    axes.set_xlim(float(x[0]) if x.size > 1 else 0.0, float(x[-1]) or 1.0)
    axes.set_xlabel(label)


def along_picture(study: Study) -> Picture:
    """Draw thickness and resistance along the electrode at some exchanges."""
    x, label = axis_of(study)
    rows = _spread(range(min(p.series["time"].size for p in study.patches)), _TIMES)
    position = 1e6 * study.positions
    with style():
        figure = new_figure(7.4, 3.0)
        left, right = figure.subplots(1, 2)
        for row, (colour, pattern) in zip(rows, study_looks(len(rows)), strict=True):
            name, _, unit = label.partition(" [")
            text = f"{name} {x[row]:.3g} {unit.removesuffix(']')}".strip()
            for axes, column, factor in ((left, "thickness", 1e9), (right, "film_resistance", 1e4)):
                values = [factor * float(p.series[column][row]) for p in study.patches]
                axes.plot(position, values, color=colour, linestyle=pattern, marker=".", label=text)
        letter(left, 0, "thickness")
        left.set_ylabel("thickness [nm]")
        letter(right, 1, "resistance")
        right.set_ylabel(r"film resistance [$\Omega$ cm$^2$]")
        for axes in (left, right):
            axes.set_xlabel("from the current collector [µm]")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        png = as_png(figure)
    return Picture(
        f"along_{study.path.name}" if study.label else "along",
        f"Along the electrode {study.label}".strip(),
        "Films along the negative electrode; the separator is at the right.",
        png,
    )
