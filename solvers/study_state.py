"""Where a coupled study is, and the numbers of one exchange: plain data for restarts and rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from interphase.solvers.cell_cursor import Cursor
from interphase.solvers.leg import CycleGrowth
from interphase.solvers.pace import Pace


@dataclass(frozen=True)
class Exchange:
    """Numbers of one exchange.

    Attributes:
        time: of the cell at its end [s].
        cycle: whole cycles done.
        jumped: cycles jumped over in it.
        error: largest relative error of a film's charge [-].
        potential_error: the same as a potential [V]; nan where the rate does not follow it.
        books: relative difference between the cell's lost lithium and the films' [-].
        film_steps: steps of all films.
    """

    time: float
    cycle: int
    jumped: int
    error: float
    potential_error: float
    books: float
    film_steps: int


@dataclass
class StudyState:
    """Where a study is.

    Attributes:
        cursor: place in the program.
        pace: length of the next exchange.
        lowest: lowest potential that a film has met lately [V].
        highest: highest one [V].
        exchanges: number so far.
        rejected: exchanges that were tried again.
        simulated: whole cycles that were simulated.
        growth: of each group of films in the cycle before the last jump, if there was one.
    """

    pace: Pace
    lowest: float
    highest: float
    cursor: Cursor = field(default_factory=Cursor)
    exchanges: int = 0
    rejected: int = 0
    simulated: float = 0.0
    growth: tuple[CycleGrowth, ...] | None = None
