"""Making a report: read the folder, draw, write."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from interphase.parameters.errors import OutputError
from interphase.scripts.reporting.curves import balance_picture, electrode_picture
from interphase.scripts.reporting.depth import depth_picture
from interphase.scripts.reporting.drawing import Picture
from interphase.scripts.reporting.folder import RunFolder, choose_snapshots
from interphase.scripts.reporting.growth import growth_picture
from interphase.scripts.reporting.page import build_page
from interphase.scripts.reporting.snapshot import read_film
from interphase.scripts.reporting.structure import heading, structure_picture
from interphase.scripts.reporting.study_curves import (
    ageing_picture,
    coupling_picture,
    window_picture,
)
from interphase.scripts.reporting.study_films import film_pictures
from interphase.scripts.reporting.study_folder import StudySet
from interphase.scripts.reporting.study_page import build_study_page
from interphase.scripts.reporting.whole_cell import build_cell_page, draw_cell, is_ageing
from interphase.scripts.reporting.whole_cell_ageing import draw_ageing

logger = logging.getLogger(__name__)

PANELS = 6
"""Pictures of the structure in one and two dimensions."""
BODY_PANELS = 4
"""The same in three, where each is rendered."""
PAGE = "report.html"


def write_report(run: RunFolder, output: Path, times: tuple[float, ...] = ()) -> Path:
    """Write the pictures and the page of a run.

    Args:
        run: what it left behind, from :func:`read_run`.
        output: folder to write into; files of an earlier report are replaced.
        times: of the structure pictures [s]; empty: evenly over the growth.

    Returns:
        The page.

    Raises:
        OutputError: if a snapshot is broken, or the report cannot be written.
    """
    return _write_all(output, lambda: draw_pictures(run, times), lambda p: build_page(run, p))


def write_study_report(studies: StudySet, output: Path) -> Path:
    """Write the pictures and the page of a coupled study.

    Args:
        studies: what it left behind, from :func:`read_studies`.
        output: folder to write into; files of an earlier report are replaced.

    Returns:
        The page.

    Raises:
        OutputError: if a snapshot is broken, or the report cannot be written.
    """
    return _write_all(output, lambda: draw_study(studies), lambda p: build_study_page(studies, p))


def write_cell_report(run: RunFolder, output: Path, times: tuple[float, ...] = ()) -> Path:
    """Write the pictures and the page of a whole cell.

    Args:
        run: what it left behind, from :func:`read_cell`.
        output: folder to write into; files of an earlier report are replaced.
        times: of the maps [s]; empty: where temperatures differ most, and the end.

    Returns:
        The page.

    Raises:
        OutputError: if a picture is broken, or the report cannot be written.
    """
    draw = draw_ageing if is_ageing(run) else draw_cell
    return _write_all(output, lambda: draw(run, times), lambda p: build_cell_page(run, p))


def draw_study(studies: StudySet) -> list[Picture]:
    """Return all pictures of a coupled study in the order of the page."""
    some = studies.studies
    return [
        ageing_picture(some),
        *film_pictures(some),
        window_picture(some),
        coupling_picture(some),
    ]


def _write_all(
    output: Path,
    draw: Callable[[], list[Picture]],
    build: Callable[[list[Picture]], str],
) -> Path:
    try:
        # drawing takes a while: find out before it that the folder cannot be made
        output.mkdir(parents=True, exist_ok=True)
        pictures = draw()
        page = build(pictures)
        for picture in pictures:
            _write(output / f"{picture.name}.png", picture.png)
            logger.info("wrote %s", output / f"{picture.name}.png")
        _write(output / PAGE, page.encode("utf-8"))
    except OSError as error:
        raise OutputError(
            f"{output}: the report cannot be written ({error.strerror}); write elsewhere with -o"
        ) from error
    return output / PAGE


def draw_pictures(run: RunFolder, times: tuple[float, ...] = ()) -> list[Picture]:
    """Return all pictures of a run in the order of the page."""
    series = run.series
    curves = [growth_picture(series), electrode_picture(series), balance_picture(series)]
    if not run.snapshots:
        return curves
    last = read_film(run, run.snapshots[-1])
    count = BODY_PANELS if last.dimension == 3 else PANELS
    shots = choose_snapshots(run, count, times)
    films = [last if shot is run.snapshots[-1] else read_film(run, shot) for shot in shots]
    structure = structure_picture(films, [heading(run, film) for film in films])
    return [structure, curves[0], depth_picture(last), *curves[1:]]


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes private files; a report is for reading
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
