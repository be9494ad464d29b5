"""The coupled cell beside PyBaMM's own film laws: capacity lost, and what the coupling costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from interphase.models.cell.laws import LAWS
from interphase.models.cell.spec import CellKind
from interphase.scripts.benchmarks.record import Outcome, Record, Way, paired
from interphase.scripts.verification.cells import Contest, Cycling, Storage

_OWN: Final = "PyBaMM's own law"
_COUPLED: Final = "interphase"
# Of the capacity lost: what the issue of the cells asks of fifty cycles and of a year.
_CYCLING_GATE, _STORAGE_GATE = 3e-3, 5e-3
_CYCLES: Final = 50
_FORTNIGHTS: Final = 26


def beside_pybamm(
    kinds: tuple[CellKind, ...], repeats: int, say: Callable[[str], None]
) -> list[Record]:
    """Return the records of all laws under each kind of cell, cycled and stored.

    Args:
        kinds: of cells.
        repeats: runs of each, by turns.
        say: takes messages.
    """
    records: list[Record] = []
    for kind in kinds:
        for law in sorted(LAWS):
            cycled = partial(Cycling, kind, law, _CYCLES)
            stored = partial(Storage, kind, law)
            records += _pair(f"{kind}, 50 cycles, {law}", cycled, _CYCLES, repeats, _CYCLING_GATE)
            records += _pair(f"{kind}, 1 year, {law}", stored, _FORTNIGHTS, repeats, _STORAGE_GATE)
            for record in records[-4:]:
                say(f"  {record.benchmark}: {record.method} {record.cpu:.3g} s {record.note}")
    return records


def _pair(
    name: str, make: Callable[[], Contest], exchanges: int, repeats: int, gate: float
) -> list[Record]:
    """Measure one law; the note of the coupled cell is its CPU time over PyBaMM's."""
    contest = make()
    lost: list[float] = []

    def own() -> Outcome:
        lost[:] = [contest.own()]
        return Outcome(exchanges, contest.reference.state().states.size)

    def coupled() -> Outcome:
        error = contest.coupled() / lost[0] - 1.0
        return Outcome(exchanges, contest.cell.state().states.size, error)

    contest.warm_up()
    ways = [Way(_OWN, lambda: own, reference=True), Way(_COUPLED, lambda: coupled)]
    reference, ours = paired(name, ways, repeats, gate=gate)
    return [reference, replace(ours, note=f"{ours.cpu / reference.cpu:.2f} of PyBaMM's CPU time")]
