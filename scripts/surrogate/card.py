"""The card of a trained model: what it was trained on, where it holds and how well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interphase.models.surrogate.model_file import VERSION, ModelHeader

_TEMPLATE = """\
# Model card: a network that leaps

Written by `interphase train evaluate`. A leap is a proposal; the solver judges it.

## What it is

An ensemble of {members} conditional, fully convolutional residual U-Nets in {dim}-D (channels
{channels}; file version {version}). It adds to the geometric leap: how the front departs from it,
and what the film that it gains is made of.

* solids: {phases}
* advances: up to {largest:g} interface widths
* trained on: {study}, {frames} frames, {epochs} epochs, {cpu}
* losses of the members: {losses}
* versions: {versions}

## Where it holds

Outside these ranges (and {margin:.0f} % of half of each beyond its ends) the distance from the
training data is above 1, and the solver refuses.

| condition | least | most |
|---|---|---|
{ranges}

## Errors of {films} held-out films

Mean over films; fractions: largest error of any solid's part of the film's volume; correlation:
root mean square error of the lateral two-point correlations of the solids over their root mean
square. "To the end": leaps of 2 l one after the other from the first frame to the last, with the
speed and the carriers of the reference film at the same thickness (a run solves for them). What
reactions do inside the film is that of the reference (a run solves for it, too).

{errors}
{further}
## Conformal bounds

With a probability of 90 % a new film of the training ranges keeps each of them in all its leaps;
from {calibration} films that were not fitted to. A film counts as one score, its worst leap. Kept
by the {films} held-out films: {coverage}.

| quantity | bound per interface width of advance | kept by |
|---|---|---|
{bounds}

## Data

| trajectory | SHA-256 |
|---|---|
{hashes}
"""


def card(header: ModelHeader) -> str:
    """Return the card of an evaluated model, in Markdown."""
    training, errors = header.training, header.errors
    seconds, further = float(training["cpu_seconds"]), errors.get("further")
    return _TEMPLATE.format(
        members=training["members"],
        dim=header.shape["dim"],
        channels=", ".join(map(str, header.shape["channels"])),
        version=VERSION,
        phases=", ".join(header.phases),
        largest=header.scales.largest,
        study=training["study"],
        frames=training["frames"],
        epochs=training["epochs"],
        cpu=f"{seconds:.0f} s of CPU" if np.isfinite(seconds) else "CPU time not noted",
        losses=", ".join(f"{x:.3g}" for x in training["losses"]),
        versions=", ".join(f"{k} {v}" for k, v in training["versions"].items()),
        margin=100 * header.scales.margin,
        ranges=_rows({k: [f"{a:.5g}", f"{b:.5g}"] for k, (a, b) in header.scales.ranges.items()}),
        films=errors["films"],
        errors=_errors(errors["ways"]),
        further=_further(further) if further else "",
        calibration=errors["calibration_films"],
        coverage=_percent(errors["coverage"]),
        bounds=_rows(
            {k: [f"{v:.3g}", _percent(errors["kept"][k])] for k, v in header.bounds.items()}
        )
        or _row(["none", "-", "-"]),
        hashes=_rows(
            {
                **{k: [f"`{v}`"] for k, v in training["hashes"].items()},
                **{f"held out: {k}": [f"`{v}`"] for k, v in errors["hashes"].items()},
            }
        ),
    )


def _errors(ways: Mapping[str, Any]) -> str:
    head = ["way", "leap", "advance [l]", "thickness [-]", "front [l]", "fractions [-]",
            "correlation [-]"]  # fmt: skip
    rows = [
        _row([way, kind, *(f"{x:.3g}" for x in numbers.values())])
        for way, kinds in ways.items()
        for kind, numbers in kinds.items()
    ]
    return "\n".join([_row(head), _row(["---"] * len(head)), *rows])


def _further(errors: Mapping[str, Any]) -> str:
    """Return the section of films of another data set."""
    return (
        f"\n## Errors of {errors['films']} further films\n\n{_errors(errors['ways'])}\n\n"
        f"The bounds below are kept by {_percent(errors['coverage'])} of their scores.\n"
    )


def _percent(part: float | None) -> str:
    return "not known" if part is None else f"{100 * part:.0f} %"


def _rows(table: Mapping[str, list[str]]) -> str:
    return "\n".join(_row([name, *cells]) for name, cells in table.items())


def _row(cells: list[Any]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
