r"""A case with a cell, run in variations: ``python -m interphase.scripts.cell_variants CASE``.

One row for the case as it is and one for every ``--vary``, as a Markdown table. With ``--law`` the
films are one of PyBaMM's own laws instead of phase fields, so that what differs is the coupling::

    python -m interphase.scripts.cell_variants scripts/cases/cycling_p2d.yaml \
        --set drive.cell.cycles=20 --vary drive.cell.patches=1 --vary drive.cell.patches=9
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mpi4py import MPI

from interphase.models.cell.laws import film_constants, law_from_parameters
from interphase.parameters.case import Case, load_case
from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CaseError, InterphaseError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.coupling import AgeingStudy
from interphase.solvers.film_group import FilmMaker
from interphase.solvers.law_film import LawFilm
from interphase.solvers.study import StudyRun
from interphase.solvers.study_setup import Condition, build_study, cell_of, conditions, spec_of
from interphase.solvers.study_state import Exchange

_HEAD = (
    "changed", "lost [A h]", "difference", "film [nm]", "at the collector [nm]",
    "at the separator [nm]", "coupling error", "books", "exchanges, tried again",
    "cycles simulated", "CPU [s]",
)  # fmt: skip
_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one variation gave.

    Attributes:
        name: what was changed.
        lost: capacity taken by the films [A h].
        thickness: of the films from the collector to the separator [m].
        area: of the films [m2].
        error: worst of the coupling [-].
        books: worst difference of the lithium of cell and films [-].
        exchanges: number of them.
        rejected: tried again.
        simulated: cycles.
        cpu: time of this rank [s].
    """

    name: str
    lost: float
    thickness: Sequence[float]
    area: Sequence[float]
    error: float
    books: float
    exchanges: int
    rejected: int
    simulated: float
    cpu: float

    def cells(self, first: Row) -> list[str]:
        """Return the columns, the difference from the ``first`` row among them."""
        nm = 1e9 * np.asarray(self.thickness)
        return [
            self.name,
            f"{self.lost:.6f}",
            "" if self is first else f"{100.0 * (self.lost / first.lost - 1.0):+.2f} %",
            f"{float(np.average(nm, weights=self.area)):.2f}",
            f"{nm[0]:.2f}",
            f"{nm[-1]:.2f}",
            f"{self.error:.1e}",
            f"{self.books:.0e}",
            f"{self.exchanges}, {self.rejected}",
            f"{self.simulated:g}",
            f"{self.cpu:.0f}",
        ]


def law_maker(case: Case, condition: Condition, name: str) -> FilmMaker:
    """Return what makes films of PyBaMM's law ``name`` with the numbers of the case's cell.

    Raises:
        ParameterError: PyBaMM has no such law, or the set lacks its numbers.
    """
    values = PyBaMMCell.built_in(spec_of(cell_of(case), condition), name).parameter_values
    law, numbers = law_from_parameters(name, values), film_constants(values)
    return lambda index, ranks: LawFilm(
        law,
        thickness=numbers.thickness,
        volume_per_charge=numbers.volume_per_charge,
        resistivity=numbers.resistivity,
    )


def measure(name: str, case: Case, law: str, folder: Path) -> Row:
    """Run a case to its end.

    Args:
        name: of the row.
        case: with a cell; one condition.
        law: PyBaMM's name of a law in the place of the films, or empty.
        folder: of the results of phase-field films.

    Raises:
        CaseError: the case has several conditions.
        InterphaseError: the study failed.
    """
    several = conditions(case)
    if len(several) > 1:
        raise CaseError("must be one condition; write one soc and one temperature", "drive.cell")
    started = time.process_time()
    if law:
        study = build_study(case, several[0], MPI.COMM_SELF, law_maker(case, several[0], law))
        done = []
        while not study.done:
            done.append(study.exchange(_left(study, case)))
        return _row(name, study, done, time.process_time() - started)
    run = StudyRun(case, several[0], MPI.COMM_SELF, folder, overwrite=True)
    worst: Mapping[str, float] = run.run().summary["worst"]
    ends = Exchange(0.0, 0, 0, worst["coupling_error"], 0.0, worst["lithium_imbalance"], 0)
    return _row(name, run.study, [ends], time.process_time() - started)


def _left(study: AgeingStudy, case: Case) -> float:
    """Return how far storage may go [s]; cycles have no such end."""
    if cell_of(case).storage is None:
        return float("inf")
    return case.time.until - study.on_cell(lambda cell: float(cell.time))


def _row(name: str, study: AgeingStudy, done: Sequence[Exchange], cpu: float) -> Row:
    lost = study.on_cell(lambda cell: cell.lost_lithium) * FARADAY / _SECONDS_PER_HOUR
    return Row(
        name,
        lost,
        study.films.each(lambda i, film: film.thickness),
        study.places.film_area.tolist(),
        max(exchange.error for exchange in done),
        max(exchange.books for exchange in done),
        study.state.exchanges,
        study.state.rejected,
        study.state.simulated,
        cpu,
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [_HEAD, ["---"] * len(_HEAD), *(row.cells(rows[0]) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all variations and print the table after each; exit code 2 if a case is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m interphase.scripts.cell_variants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, help="the case file (YAML), with drive.kind: cell")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change one key in every row; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--vary", action="append", default=[], metavar="KEY=VALUE", dest="variants",
        help="a row with this key changed, several joined by ' and '; may be repeated",
    )  # fmt: skip
    parser.add_argument("--law", default="", metavar="NAME", help="PyBaMM's law for the films")
    parser.add_argument("-o", "--output", type=Path, default=Path("results/variants"))
    parsed = parser.parse_args(arguments)
    rows: list[Row] = []
    try:
        for index, variant in enumerate(["", *parsed.variants]):
            changes = [one for one in variant.split(" and ") if one]
            case = load_case(parsed.case, [*parsed.overrides, *changes])
            name = variant or "as it is"
            rows.append(measure(name, case, parsed.law, parsed.output / f"{index:02d}"))
            sys.stdout.write(f"{' | '.join(rows[-1].cells(rows[0]))}\n")
            sys.stdout.flush()
    except InterphaseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"\n{table(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
