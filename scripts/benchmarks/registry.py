"""The named benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mpi4py import MPI

from interphase.parameters.errors import ParameterError
from interphase.scripts.benchmarks import (
    cell_laws,
    contest,
    demo_way,
    film_demo_way,
    films,
    fipy_way,
    leaps,
    manufactured,
    nucleus,
    ordering,
    places,
    pouches,
    spectral,
    spinodal,
)
from interphase.scripts.benchmarks.record import Record, Way, paired

type Say = Callable[[str], None]

# An explicit program of 20 lines with five-point differences has errors of 6.75e-3 and 1.39e-3 at
# h = 1/100 and 1/200, falling by four from there; a twentieth more is left for the time steps.
_BM7_GATE: Final = {100: 7.1e-3, 200: 1.46e-3, 400: 3.65e-4}
# The growth of a nucleus 1 % above its critical size multiplies any error of that size.
_NUCLEUS_GATE: Final = 0.03
# Steps of rivals that are too slow to be run to the end.
_DEMO_STEPS: Final = 10
_FIPY_STEPS: Final = 2
_EXPLICIT_STEPS: Final = 2000
ETD_STEP: Final = 0.2


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry of the list.

    Attributes:
        name: what it is called.
        about: one line.
        measure: measures it with so many repeats.
        parallel: may share the work between ranks.
    """

    name: str
    about: str
    measure: Callable[[MPI.Comm, int, Say], list[Record]]
    parallel: bool = False


def _bm7(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    rows: list[Record] = []
    for cells, gate in _BM7_GATE.items():
        run = partial(manufactured.way, cells, manufactured.UNTIL)
        name = f"BM7, h = 1/{cells}"
        rows += paired(name, [Way("interphase", run)], repeats, gate=gate, say=say)
    errors = [row.error or 0.0 for row in rows]
    listed = [f"{order:.2f}" for order in manufactured.orders(errors)]
    say(f"BM7: order in space {', '.join(listed)}")
    for order in (2, 3):
        late = manufactured.errors_in_time(comm, 64, (0.2, 0.1, 0.05, 0.025), 2.0, order)
        listed = [f"{o:.2f}" for o in manufactured.orders(late)]
        say(f"BM7: order in time of the scheme of order {order}: {', '.join(listed)}")
    return rows


def _bm8a(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    rows: list[Record] = []
    for ratio in nucleus.AT_START:
        run = partial(nucleus.way, 400, ratio, nucleus.UNTIL)
        gate = _NUCLEUS_GATE if ratio == 1.01 else None
        way = Way("interphase", run)
        rows += paired(f"BM8a, r0 = {ratio:g} r*", [way], repeats, gate=gate, say=say)
    return rows


def _bm1b(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    ways = [
        Way("interphase", partial(spinodal.way, 200, 100.0)),
        Way("spectral SBDF2 (NumPy)", partial(spectral.sbdf2, 200, 100.0), reference=True),
        Way(
            "explicit differences (NumPy)",
            partial(spectral.explicit, 200, 100.0, _EXPLICIT_STEPS),
            reference=True,
        ),
        Way(
            "DOLFINx demo's way",
            partial(demo_way.monolithic, 200, 100.0, _DEMO_STEPS),
            reference=True,
        ),
        Way("FiPy", partial(fipy_way.coupled, 200, 100.0, _FIPY_STEPS), 1, reference=True),
    ]
    return paired("BM1b to t = 100", ways, repeats, gate=spinodal.GATE, say=say)


def _bm1b_demo(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    way = Way("DOLFINx demo's way", partial(demo_way.monolithic, 200, 100.0), 1, reference=True)
    return paired("BM1b to t = 100, all steps", [way], 1, say=say)


def _bm1b_long(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    way = Way("interphase", partial(spinodal.way, 400, 10000.0), 1)
    return paired("BM1b to t = 1e4, 400^2", [way], 1, gate=spinodal.WIDE_GATE, say=say)


def _allen_cahn(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    cells, until = ordering.CELLS, ordering.UNTIL
    ways = [
        Way("interphase", partial(ordering.way, cells, until)),
        Way("FFT ETD2RK (NumPy)", partial(spectral.etd2rk, cells, until, ETD_STEP), reference=True),
    ]
    return paired("Allen-Cahn 256^2", ways, repeats, gate=ordering.GATE, say=say)


def _growth(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    rows: list[Record] = []
    for cells in (100, 320, 512, 1024, 2048):
        ways = [
            Way("interphase", partial(ordering.timing_way, cells)),
            Way("one transform pair (SciPy)", partial(spectral.transform_pairs, cells),
                reference=True),
        ]  # fmt: skip
        rows += paired(f"growth of cost, {cells}^2", ways, repeats, say=say)
    return rows


def _places(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    rows: list[Record] = []
    for kind in places.KINDS:
        first, *more = places.COUNTS
        ways = [
            Way("one call for all", partial(places.together, kind, first)),
            Way("compiled", partial(places.together, kind, first, compiled=True)),
            Way("solver.step, one by one", partial(places.one_by_one, kind, first), reference=True),
        ]
        rows += paired(f"{kind} at {first} places", ways, repeats, say=say)
        for count in more:
            way = Way("one call for all", partial(places.together, kind, count))
            rows += paired(f"{kind} at {count} places", [way], repeats, say=say)
    return rows


def _leaps(tasks: Mapping[str, contest.Task], repeats: int, say: Say) -> list[Record]:
    rows: list[Record] = []
    for name, task in tasks.items():
        one = contest.Contest(task, say)
        rows += paired(name, leaps.ways(one), repeats, say=say)
    return rows


def _scaling(comm: MPI.Comm, repeats: int, say: Say) -> list[Record]:
    rows = films.scaling(comm, repeats)
    for cells in sorted({512, round(512 * comm.size**0.5)}):
        name = f"gradient flow by iteration, {cells}^2"
        way = Way("interphase", ordering.shared_way(comm, cells))
        rows += [replace(r, ranks=comm.size) for r in paired(name, [way], repeats, say=say)]
    return rows


ALL: Final = (
    Benchmark("bm7", "manufactured solution of Allen-Cahn: orders and errors", _bm7),
    Benchmark("bm8a", "one nucleus near its critical radius", _bm8a),
    Benchmark("bm1b", "spinodal decomposition to t = 100 beside four other ways", _bm1b),
    Benchmark("allen_cahn", "ordering on 256 x 256 beside FFT ETD2RK", _allen_cahn),
    Benchmark("growth", "time per step and unknown from 1e4 to 4e6 unknowns", _growth),
    Benchmark(
        "mosaic_formation", "the film at three cell sizes",
        lambda comm, repeats, say: films.formation(comm), parallel=True,
    ),
    Benchmark(
        "film_growth", "the film from 1e4 to 4e5 nodes",
        lambda comm, repeats, say: films.growth(comm), parallel=True,
    ),
    Benchmark(
        "scaling", "films and gradient flow, of one size and of one size per rank", _scaling,
        parallel=True,
    ),
    Benchmark(
        "film_demo", "the film beside one mixed space, Newton and MUMPS",
        lambda comm, repeats, say: film_demo_way.beside_the_demo(say, repeats),
    ),
    Benchmark(
        "mosaic_3d", "the film in three dimensions",
        lambda comm, repeats, say: films.solid(comm), parallel=True,
    ),
    Benchmark(
        "cell_laws_spm", "an SPM beside PyBaMM's own five film laws",
        lambda comm, repeats, say: cell_laws.beside_pybamm(("SPM",), repeats, say),
    ),
    Benchmark(
        "cell_laws_dfn", "a P2D beside PyBaMM's own five film laws (minutes)",
        lambda comm, repeats, say: cell_laws.beside_pybamm(("DFN",), repeats, say),
    ),
    Benchmark(
        "leaps", "a mature film carried on by steps, laws and leaps (minutes)",
        lambda comm, repeats, say: _leaps(contest.TASKS, repeats, say),
    ),
    Benchmark(
        "leaps_wide", "a mosaic four times as wide, carried on so (an hour)",
        lambda comm, repeats, say: _leaps(contest.WIDE, repeats, say),
    ),
    Benchmark("places", "local models of a whole cell, 100 to 800 places (minutes)", _places),
    Benchmark(
        "pouches", "a whole cell beside PyBaMM's 2+1D pouch (minutes)",
        lambda comm, repeats, say: pouches.beside_pybamm(repeats, say),
    ),
    Benchmark(
        "many_places", "400 places with a DFN through a discharge (minutes)",
        lambda comm, repeats, say: pouches.many_places(comm), parallel=True,
    ),
    Benchmark("bm1b_demo", "the demo's way, all hundred steps (minutes)", _bm1b_demo),
    Benchmark("bm1b_long", "spinodal decomposition to t = 1e4 (minutes)", _bm1b_long),
)  # fmt: skip
"""All benchmarks; the slowest only by name."""

BY_NAME_ONLY: Final = (
    "leaps", "leaps_wide", "places", "pouches", "many_places", "cell_laws_dfn", "bm1b_demo",
    "bm1b_long",
)  # fmt: skip


def select(names: Sequence[str], ranks: int) -> list[Benchmark]:
    """Return the named benchmarks, or all but the slowest.

    Raises:
        ParameterError: a name is unknown, or a benchmark cannot use several ranks.
    """
    known = {b.name: b for b in ALL}
    for name in names:
        if name not in known:
            raise ParameterError(f"no benchmark is called {name}; known: {', '.join(known)}")
        if ranks > 1 and not known[name].parallel:
            raise ParameterError(f"{name} compares programs of one rank: run it without mpirun")
    if names:
        return [known[name] for name in names]
    return [b for b in ALL if b.name not in BY_NAME_ONLY and (ranks == 1 or b.parallel)]
