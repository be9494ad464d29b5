"""Filling a table from several origins by a stated priority; what is not chosen is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from interphase.parameters.audit import deviation
from interphase.parameters.errors import ParameterError, did_you_mean
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable

OWN: Final = "table"
"""Origin of the rows that the table had."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row and where it comes from.

    Attributes:
        origin: name of the origin, such as ``computed``.
        row: the row.
    """

    origin: str
    row: Parameter


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken for one row, and what else there was.

    Attributes:
        chosen: the row taken.
        others: all other candidates with a value.
        sigmas: distance of each of the others from the chosen value, in standard deviations of
            both together; None where neither has a spread.
    """

    chosen: Candidate
    others: tuple[Candidate, ...]
    sigmas: tuple[float | None, ...]

    @property
    def worst(self) -> float:
        """Largest disagreement in sigmas, 0 where nothing is known of it."""
        return max((sigma for sigma in self.sigmas if sigma is not None), default=0.0)


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled table.

    Attributes:
        table: with the chosen rows; a note of each names the alternatives.
        choices: one per row, in the order of the table.
    """

    table: ParameterTable
    choices: tuple[Choice, ...]

    def disagreements(self, sigmas: float) -> list[Choice]:
        """Return the choices that an alternative contradicts, the worst first."""
        found = [one for one in self.choices if one.worst > sigmas]
        return sorted(found, key=lambda one: -one.worst)

    def to_json(self) -> str:
        """Return every choice with all its candidates."""
        content = [
            {
                "key": one.chosen.row.key,
                "chosen": {"origin": one.chosen.origin} | one.chosen.row.as_dict(),
                "alternatives": [
                    {"origin": other.origin, "sigmas": sigma} | other.row.as_dict()
                    for other, sigma in zip(one.others, one.sigmas, strict=True)
                ],
            }
            for one in self.choices
        ]
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def fill(
    table: ParameterTable, origins: Mapping[str, Iterable[Parameter]], order: Sequence[str]
) -> Filled:
    """Fill the rows of a table.

    Only rows that the table has are filled: what a model does not ask for does not enter. Rows of
    the table itself come last, if ``table`` is not named in the order.

    Args:
        table: its rows are filled.
        origins: rows that each origin offers.
        order: names of origins, the first is preferred.

    Raises:
        ParameterError: if an origin is unknown or named twice.
    """
    known = {*origins, OWN}
    for name in order:
        if name not in known:
            raise ParameterError(f"origin '{name}' is not known; {did_you_mean(name, known)}")
    if len(set(order)) != len(order):
        raise ParameterError(f"an origin is named twice: {', '.join(order)}")
    priority = [*order, *([] if OWN in order else [OWN])]
    offers: dict[str, list[Candidate]] = {}
    for name in priority:
        for row in table.parameters if name == OWN else origins[name]:
            if row.value is not None:
                offers.setdefault(row.key, []).append(Candidate(name, row))
    choices = [_choice(offers.get(row.key) or [Candidate(OWN, row)]) for row in table.parameters]
    rows = tuple(_noted(one) for one in choices)
    return Filled(replace(table, parameters=rows), tuple(choices))


def sigmas_between(one: Parameter, other: Parameter) -> float | None:
    """Return how far two values are apart in standard deviations of both together.

    None where neither has a spread, so that nothing can be said.
    """
    spreads = [size for size in (deviation(one), deviation(other)) if size is not None]
    if one.value is None or other.value is None or not spreads:
        return None
    apart = abs(one.value - other.value)
    together = math.hypot(*spreads)
    return apart / together if together > 0.0 else (math.inf if apart else 0.0)


def _choice(offers: list[Candidate]) -> Choice:
    chosen, *others = offers
    return Choice(
        chosen, tuple(others), tuple(sigmas_between(chosen.row, one.row) for one in others)
    )


def _noted(choice: Choice) -> Parameter:
    """Return the chosen row with its alternatives in the note."""
    if not choice.others:
        return choice.chosen.row
    said: list[Any] = []
    for other, sigma in zip(choice.others, choice.sigmas, strict=True):
        apart = "no spread known" if sigma is None else f"{sigma:.1f} sigma"
        said.append(f"{other.origin} {other.row.given_value:g} {other.row.given_unit} ({apart})")
    row = choice.chosen.row
    text = f"chosen from {choice.chosen.origin}; alternatives: {', '.join(said)}"
    return replace(row, note="; ".join(part for part in (row.note, text) if part))
