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
and what reacts behind it.

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
speed and the carriers of the reference film at the same thickness (a run solves for them).

| way | leap | advance [l] | thickness [-] | front [l] | fractions [-] | correlation [-] |
|---|---|---|---|---|---|---|
{errors}

## Conformal bounds

With a probability of 90 % a new film of the training ranges keeps each of them in all its leaps;
from {calibration} films that were not fitted to. Kept by the held-out films: {coverage}.

| quantity | bound per interface width of advance |
|---|---|
{bounds}

## Data

| trajectory | SHA-256 |
|---|---|
{hashes}
"""


def card(header: ModelHeader) -> str:
    """Return the card of an evaluated model, in Markdown."""
    training, errors = header.training, header.errors
    coverage, seconds = errors["coverage"], float(training["cpu_seconds"])
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
        errors="\n".join(
            _row([way, kind, *(f"{x:.3g}" for x in numbers.values())])
            for way, kinds in errors["ways"].items()
            for kind, numbers in kinds.items()
        ),
        calibration=errors["calibration_films"],
        coverage="not known" if coverage is None else f"{100 * coverage:.0f} %",
        bounds=_rows({k: [f"{v:.3g}"] for k, v in header.bounds.items()}) or _row(["none", "-"]),
        hashes=_rows(
            {
                **{k: [f"`{v}`"] for k, v in training["hashes"].items()},
                **{f"held out: {k}": [f"`{v}`"] for k, v in errors["hashes"].items()},
            }
        ),
    )


def _rows(table: Mapping[str, list[str]]) -> str:
    return "\n".join(_row([name, *cells]) for name, cells in table.items())


def _row(cells: list[Any]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
