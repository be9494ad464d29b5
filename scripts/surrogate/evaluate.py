"""``interphase train evaluate``: errors of held-out films, conformal bounds, the model card."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Mapping, Sequence
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
    "film", "group", "way", "leaps", "advance [l]", "thickness [-]", "front [l]", "fractions [-]",
    "correlation [-]",
)  # fmt: skip
# Advance of the leaps one after the other [l].
_STRIDE: Final = 2.0


def evaluate(folder: Path, data: Path | None = None) -> dict[str, Any]:
    """Evaluate the fit in a folder; write bounds and errors into its model, a table and the card.

    Args:
        folder: of the fit.
        data: folder of further trajectories, to be judged apart from the films that the fit held
            out; in place of those if there are none.

    Returns:
        The errors by way and kind, and the coverage of the bounds; under ``further`` those of
        ``data``.

    Raises:
        SurrogateError: there is no fit, its data have changed, or no film is held out.
    """
    from interphase.models.surrogate import evaluation

    path = folder / "model.npz"
    header, proposer = read_header(path), load(path)
    calibration, held_out = _films(folder, header)
    groups, hashes = {"held out": held_out} if held_out else {}, {}
    if data is not None:
        more = read_data(data, 0, 0)
        groups["further"], hashes = films_of(more.fit), more.hashes
    if not groups:
        raise SurrogateError(
            f"{folder}: no film was held out; fit with --held-out 2, or give --data"
        )
    largest = header.scales.largest
    ways: dict[str, Way] = {
        "network": evaluation.learnt(proposer.ensemble),
        "geometric": evaluation.geometric,
        "persistence": evaluation.persistent,
    }
    scores = [
        evaluation.scores(
            evaluation.single_leaps(ways["network"], one, evaluation.ADVANCES, largest),
            header.phases,
        )
        for one in calibration
    ]
    bounds = evaluation.conformal(scores, LEVEL)
    rows: list[list[Any]] = []
    judged = [_judge(name, films, ways, header, bounds, rows) for name, films in groups.items()]
    found = {**judged[0], "hashes": hashes, "calibration_films": len(calibration)}
    if len(judged) > 1:
        found["further"] = judged[1]
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


def _judge(
    group: str, films: Sequence[Film], ways: dict[str, Way], header: ModelHeader,
    bounds: Mapping[str, float], rows: list[list[Any]],
) -> dict[str, Any]:  # fmt: skip
    """Return the errors of a group of films by way, and how often the network kept its bounds.

    Errors are those of single leaps by advance, and of leaps one after the other.
    """
    from interphase.models.surrogate import evaluation

    largest, found, kept = header.scales.largest, {}, {}
    advances = [a for a in evaluation.ADVANCES if a <= largest]
    for name, way in ways.items():
        leaps = [
            [evaluation.single_leaps(way, film, (a,), largest) for a in advances] for film in films
        ]
        kinds = {
            f"one leap by {a:g} l": [each[k] for each in leaps] for k, a in enumerate(advances)
        }
        stride = min(_STRIDE, largest)
        kinds["to the end"] = [[evaluation.successive(way, film, stride)] for film in films]
        found[name] = {k: _mean([group, name], k, each, rows) for k, each in kinds.items()}
        if name == "network":
            scores = [evaluation.scores(sum(each, []), header.phases) for each in leaps]
            kept = {n: float(np.mean([s[n] <= bounds[n] for s in scores])) for n in bounds}
    return {
        "films": len(films),
        "ways": found,
        "coverage": float(np.mean(list(kept.values()))) if kept else None,
        "kept": kept,
    }


def _mean(
    name: list[str], kind: str, each: Sequence[Sequence[Errors]], rows: list[list[Any]]
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
        rows.append([index, *name, kind, *(f"{x:.5g}" for x in numbers)])
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
