"""``interphase train evaluate``: errors of held-out films, conformal bounds, the model card."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from interphase.models.surrogate.model_file import ModelHeader, load, read_header, write_model
from interphase.models.surrogate.pairs import Film
from interphase.parameters.errors import SurrogateError
from interphase.scripts.surrogate.card import card
from interphase.scripts.surrogate.fit import films_of, read_data
from interphase.solvers.run_folder import write_whole, writing

if TYPE_CHECKING:
    from interphase.models.surrogate.evaluation import Errors, Way

logger = logging.getLogger(__name__)

LEVEL: Final = 0.9
"""Probability of the conformal bounds."""

_COLUMNS: Final = (
    "film", "way", "leaps", "advance [l]", "thickness [-]", "front [l]", "fractions [-]",
    "correlation [-]",
)  # fmt: skip
# Advance of the leaps one after the other [l].
_STRIDE: Final = 2.0


def evaluate(folder: Path, data: Path | None = None) -> dict[str, Any]:
    """Evaluate the fit in a folder; write bounds and errors into its model, a table and the card.

    Args:
        folder: of the fit.
        data: folder of further trajectories to take as held-out films, besides the fit's own.

    Returns:
        The errors by way and kind, and the coverage of the bounds.

    Raises:
        SurrogateError: there is no fit, its data have changed, or no film is held out.
    """
    from interphase.models.surrogate import evaluation

    path = folder / "model.npz"
    header, proposer = read_header(path), load(path)
    calibration, held_out = _films(folder, header)
    hashes: dict[str, str] = {}
    if data is not None:
        further = read_data(data, 0, 0)
        held_out, hashes = held_out + films_of(further.fit), further.hashes
    if not held_out:
        raise SurrogateError(
            f"{folder}: no film was held out; fit with --held-out 2, or give --data"
        )
    largest, names = header.scales.largest, ("front", *header.phases)
    ways: dict[str, Way] = {
        "network": evaluation.learnt(proposer.ensemble),
        "geometric": evaluation.geometric,
        "persistence": evaluation.persistent,
    }
    network = ways["network"]
    scores = [evaluation.scores(network, one, header.phases, largest) for one in calibration]
    bounds = evaluation.conformal(scores, LEVEL)
    found: dict[str, Any] = {"ways": {}, "films": len(held_out), "hashes": hashes}
    rows: list[list[Any]] = []
    for name, way in ways.items():
        found["ways"][name] = _way(name, way, held_out, largest, rows)
    kept = [
        [one[n] <= bounds[n] for n in names]
        for one in (evaluation.scores(network, f, header.phases, largest) for f in held_out)
    ] if bounds else []  # fmt: skip
    found["coverage"] = float(np.mean(kept)) if kept else None
    found["calibration_films"] = len(calibration)
    finite = {name: value for name, value in bounds.items() if np.isfinite(value)}
    header = replace(header, errors=found, bounds=finite)
    with writing(path):
        write_model(path, header, proposer.ensemble)
    write_whole(folder / "evaluation.csv", _table(rows))
    write_whole(folder / "model_card.md", card(header))
    return found


def _films(folder: Path, header: ModelHeader) -> tuple[list[Film], list[Film]]:
    """Return the films of calibration and those held out, from the data of the fit."""
    try:
        plan = json.loads((folder / "fit.json").read_text(encoding="utf-8"))["plan"]
    except OSError as error:
        raise SurrogateError(f"{folder}: holds no fit; run train fit first") from error
    data = read_data(Path(plan["data"]), plan["calibration"], plan["held_out"])
    if data.hashes != dict(header.training["hashes"]):
        raise SurrogateError(f"{plan['data']}: has changed since the fit; fit again")
    kept = [films_of(part) if part else [] for part in (data.calibration, data.held_out)]
    return kept[0], kept[1]


def _way(
    name: str, way: Way, films: Sequence[Film], largest: float, rows: list[list[Any]]
) -> dict[str, dict[str, float]]:
    """Return the mean errors of a way: single leaps by advance, and leaps one after the other."""
    from interphase.models.surrogate.evaluation import ADVANCES, single_leaps, successive

    found: dict[str, dict[str, float]] = {}
    for advance in (a for a in ADVANCES if a <= largest):
        kind = f"one leap by {advance:g} l"
        each = [single_leaps(way, film, (advance,), largest) for film in films]
        found[kind] = _mean(name, kind, each, rows)
    each = [[successive(way, film, min(_STRIDE, largest))] for film in films]
    found["to the end"] = _mean(name, "to the end", each, rows)
    return found


def _mean(
    name: str, kind: str, each: Sequence[Sequence[Errors]], rows: list[list[Any]]
) -> dict[str, float]:
    """Return the mean errors over films, each with its own weight, and write down each film's."""
    table = []
    for index, errors in enumerate(each):
        if not errors:
            continue
        numbers = [
            float(np.mean([e.advance for e in errors])),
            float(np.mean([abs(e.thickness) for e in errors])),
            float(np.mean([e.front for e in errors])),
            float(np.mean([np.abs(e.fractions).max() for e in errors])),
            float(np.mean([e.correlation for e in errors])),
        ]
        rows.append([index, name, kind, *(f"{x:.5g}" for x in numbers)])
        table.append(numbers)
    means = np.mean(table, axis=0) if table else np.full(5, np.nan)
    keys = ("advance", "thickness", "front", "fractions", "correlation")
    return dict(zip(keys, map(float, means), strict=True))


def _table(rows: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return out.getvalue()
