"""Films at the places of a cell: clusters, books over the whole cell, and cycles jumped over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.cell.laws import film_constants, law_from_parameters
from interphase.models.cell.spec import CellSpec, MeshPoints
from interphase.parameters.case_cell import ExchangeCase
from interphase.parameters.constants import FARADAY
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.cell_types import ControlStep, Segment, Termination
from interphase.solvers.film_group import FilmMaker, Places
from interphase.solvers.law_film import LawFilm
from interphase.solvers.p3d.ageing import AgeingPlan, CellAgeing, PlacesOfRank, build_ageing
from interphase.solvers.p3d.clusters import ClusterPlaces, Clusters, cluster
from interphase.solvers.p3d.local_models import PyBaMMPlaces
from interphase.solvers.p3d.pair import ElectrodePair
from interphase.solvers.p3d.places import Array, LocalAnswer, PlaceError
from interphase.solvers.p3d.whole_cell import TerminalHistory
from interphase.solvers.pace import Pace

LAW = "ec reaction limited"
POINTS = MeshPoints(x_n=4, x_s=3, x_p=4, r_n=6, r_p=6)
ACTIVATION = 4.0e4
OVERRIDE = {
    "SEI kinetic rate constant [m.s-1]": 1e-15,
    "SEI growth activation energy [J.mol-1]": ACTIVATION,
}


@dataclass
class ParallelPlaces:
    """A `WholeCell` without fields: places at given temperatures between two ideal collectors."""

    models: PyBaMMPlaces
    area: Array
    temperature: Array
    comm: MPI.Comm
    longest: float = 300.0
    time: float = 0.0
    voltage: float = 4.0

    @property
    def nominal_capacity(self) -> float:
        return self.models.pair.capacity * self._sum(self.area)

    def run(self, step: ControlStep) -> TerminalHistory:
        rows, now, reason = [], 0.0, "duration"
        seconds = 5.0
        while now < step.duration and reason == "duration":
            seconds = min(3.0 * seconds, self.longest, step.duration - now)
            try:
                current = self._advance(step, seconds)
            except PlaceError as error:
                if seconds < 0.1:
                    raise
                assert error.limit
                seconds /= 8.0
                continue
            passed = [t for t in step.terminations if t.violated_by(self.voltage, current)]
            if passed and seconds > 1.0:
                self.models.rollback()
                seconds /= 8.0
                continue
            self.models.commit()
            now += seconds
            reason = str(passed[0]) if passed else reason
            rows.append((now, self.voltage, current, 298.15))
        self.time += now
        times, voltage, currents, warmth = np.array([(0.0, *rows[0][1:]), *rows]).T
        return TerminalHistory(times, voltage, currents, warmth, reason)

    def _advance(self, step: ControlStep, seconds: float) -> float:
        density = self.models.state()["current_density"]
        resistance = self.models.resistance()
        last: tuple[Array, Array] | None = None
        for _ in range(40):
            answer: LocalAnswer = self.models.advance(seconds, density, self.temperature)
            if last is not None:
                moved = np.abs(density - last[0]) > 1e-3
                slope = (last[1] - answer.voltage) / np.where(moved, density - last[0], 1.0)
                resistance = np.where(moved & (slope > 1e-5), slope, resistance)
            last = density, answer.voltage
            conductance = self.area / resistance
            level = answer.voltage + resistance * density
            total, sources = self._sum(conductance), self._sum(conductance * level)
            if step.mode == "current":
                self.voltage = (sources - step.value) / total
            else:
                self.voltage = step.value
            off = self.comm.allreduce(
                float(np.abs(answer.voltage - self.voltage).max(initial=0.0)), MPI.MAX
            )
            if off < 2e-5:
                return self._sum(self.area * density)
            density = (level - self.voltage) / resistance
        raise AssertionError(f"currents of the places do not come together: {off} V")

    def _sum(self, values: Array) -> float:
        return float(self.comm.allreduce(float(values.sum())))

    def state(self) -> Any:
        return self.models.state(), self.time, self.voltage

    def restore(self, state: Any) -> None:
        models, self.time, self.voltage = state
        self.models.restore(models)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(scope="module")
def pairs() -> dict[str, ElectrodePair]:
    return {kind: ElectrodePair(spec_of(kind)) for kind in ("SPM", "SPMe")}


def spec_of(kind: str) -> CellSpec:
    return CellSpec(
        kind=kind,  # type: ignore[arg-type]
        points=POINTS,
        knot_count=41,
        initial_soc=0.9,
        override=OVERRIDE,
    )


def program_of(rated: float) -> tuple[ControlStep, ...]:
    return (
        ControlStep("current", rated, 3000.0, (Termination("voltage", "below", 2.8),)),
        ControlStep("current", -rated, 3000.0, (Termination("voltage", "above", 4.15),)),
    )


def law_film(spec: CellSpec, name: str = LAW) -> FilmMaker:
    values = PyBaMMCell.built_in(spec, name).parameter_values
    law, numbers = law_from_parameters(name, values), film_constants(values)
    return lambda index, ranks: LawFilm(
        law,
        thickness=numbers.thickness,
        volume_per_charge=numbers.volume_per_charge,
        resistivity=numbers.resistivity,
    )


def ageing_of(
    pair: ElectrodePair,
    temperature: Array,
    cycles: int,
    *,
    most: int = 1,
    comm: MPI.Comm = MPI.COMM_SELF,
    rtol: float = 1e-2,
    law: str = LAW,
    **plan: Any,
) -> tuple[CellAgeing, PyBaMMPlaces, Array]:
    """Places shared out over the ranks, every one of 0.02 m2."""
    mine = np.array_split(np.arange(temperature.size), comm.size)[comm.rank]
    area = np.full(mine.size, 0.02)
    models = PyBaMMPlaces(pair, mine.size, mine.tolist(), temperature[mine])
    cell = ParallelPlaces(models, area, temperature[mine], comm)
    pace = Pace.from_case(
        ExchangeCase.model_validate({"most_cycles": most, "rtol": rtol, "longest": "1 day"})
    )
    made = build_ageing(
        cell,
        PlacesOfRank(models, mine, area),
        comm,
        AgeingPlan(program_of(cell.nominal_capacity), cycles, pace, **plan),
        law_film(pair.spec, law),
    )
    return made, models, area


# ---------------------------------------------------------------- grouping


def test_places_are_grouped_by_what_differs_most() -> None:
    temperature = np.array([300.0, 310.0, 300.2, 310.1, 300.1, 305.0])
    features = np.stack([temperature, np.full(6, 0.1)], axis=1)
    labels = cluster(features, np.array([2.0, 0.01]), 8)
    np.testing.assert_array_equal(labels, [0, 1, 0, 1, 0, 2])
    np.testing.assert_array_equal(cluster(features, np.array([20.0, 0.01]), 8), np.zeros(6))
    assert cluster(features, np.array([1e-3, 0.01]), 3).max() == 2


def test_grouping_does_not_feel_round_off() -> None:
    """Evenly spread places, where a cut could fall on either side of one."""
    temperature = np.linspace(300.0, 310.0, 21)
    even = cluster(temperature[:, None], np.array([1.0]), 64)
    noise = 1e-9 * np.sin(np.arange(21.0))
    np.testing.assert_array_equal(
        cluster((temperature + noise)[:, None], np.array([1.0]), 64), even
    )
    spread = [np.ptp(temperature[even == g]) for g in range(even.max() + 1)]
    assert max(spread) <= 1.0


def test_films_of_clusters_take_all_that_the_nodes_book() -> None:
    clusters = Clusters(
        MPI.COMM_SELF,
        np.array([0, 1, 1]),
        np.array([1.0, 2.0, 3.0]),
        np.array([1.0, 5.0]),
        np.array([300.0, 310.0]),
    )
    nodes, area = np.linspace(0.1, 0.9, 6), np.linspace(1.0, 2.0, 6)
    places = ClusterPlaces.of(clusters, nodes, area, 3, 4.0)
    charge = np.exp(np.arange(12.0) / 5.0)
    own = np.ones((12, 6))
    taken = places.split(charge, own)
    assert taken @ places.film_area == pytest.approx(charge @ places.area, rel=1e-13)
    alone = Places.spread(nodes, area, 3, 4.0)
    np.testing.assert_allclose(taken[:3], alone.split(charge[:6], own[:6, :3]), rtol=1e-12)
    np.testing.assert_allclose(places.film_area[3:], 5.0 * alone.film_area, rtol=1e-12)


# ---------------------------------------------------------------- coupling


def test_alike_places_age_as_one_cell(pairs: dict[str, ElectrodePair]) -> None:
    """Against the coupled study's own reference: PyBaMM with its own law, over two cycles.

    Steps in time of five minutes and exchanges once a cycle leave some thousandths.
    """
    pair = pairs["SPM"]
    ageing, models, area = ageing_of(pair, np.full(3, 298.15), 2)
    assert ageing.clusters.count == 1
    study = ageing.study
    while not study.done:
        assert study.exchange().books < 1e-12
    reference = PyBaMMCell.built_in(pair.spec, LAW)
    for _ in range(2):
        for step in program_of(reference.nominal_capacity):
            reference.run(step)
    per_area = reference.lost_lithium / (reference.area.sum() / pair.nodes.area.sum())
    found = models.look().charge @ pair.nodes.area / FARADAY
    np.testing.assert_allclose(found, per_area, rtol=5e-3)


@pytest.mark.parametrize("kind", ["SPM", "SPMe"])
def test_books_close_over_places_at_different_temperatures(
    pairs: dict[str, ElectrodePair], kind: str
) -> None:
    """The lithium of the films is that of all places, whether they share films or not.

    Within a cluster each place has its own rate, by the activation that the films show: two places
    two degrees apart, which alone would differ by 12 %, book as if each had its own film.
    """
    pair, temperature = pairs[kind], np.array([293.0, 295.0, 303.0, 305.0])
    found = []
    for span, labels in ((3.0, [0, 0, 1, 1]), (0.5, [0, 1, 2, 3])):
        ageing, models, area = ageing_of(
            pair, temperature, 1, temperature_span=span, potential_span=1.0
        )
        np.testing.assert_array_equal(ageing.clusters.labels, labels)
        study = ageing.study
        assert study.exchange().books < 1e-10
        booked = models.look().charge @ pair.nodes.area
        assert study.cell is not None
        whole = float(booked @ area) / FARADAY
        assert study.cell.lost_lithium == pytest.approx(whole, rel=1e-12)
        found.append(booked)
    assert found[1][1] > 1.05 * found[1][0]
    np.testing.assert_allclose(found[0], found[1], rtol=5e-3)


def test_the_number_of_ranks_does_not_matter(pairs: dict[str, ElectrodePair]) -> None:
    """Run alone and on all ranks; under one rank both are the same by construction."""
    temperature = np.array([293.0, 299.0, 305.0])
    results = []
    for comm in (MPI.COMM_SELF, MPI.COMM_WORLD):
        ageing, models, _ = ageing_of(pairs["SPM"], temperature, 1, comm=comm)
        ageing.study.exchange()
        charge = np.concatenate(comm.allgather(models.look().charge))
        results.append(charge)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-8)


def test_the_segment_of_a_cluster_makes_what_its_places_booked(
    pairs: dict[str, ElectrodePair],
) -> None:
    """At the cluster's temperature and the told potentials the table gives the booked charge."""
    pair = pairs["SPM"]
    ageing, _, _ = ageing_of(pair, np.array([295.0, 297.0]), 1, temperature_span=5.0)
    study = ageing.study
    study.exchange()
    leg = study.last_leg
    assert leg is not None
    segments: list[Segment] = [s for cycle in leg.segments for s in cycle]
    assert study._known is not None
    response = study._known[1][0]
    made = 0.0
    for s in segments:
        rate = -response.table.rate(s.film_potential[1:, 0], response.table.thickness)
        made += float(rate @ np.diff(s.times))
    # at the thickness of the table, which grows by some thousandths in the cycle
    grown = leg.taken(study.places, study._known[1], 1.0)[0]
    assert made == pytest.approx(grown, rel=2e-2)
    assert made > grown


@pytest.mark.slow
def test_cycles_that_are_jumped_over_leave_every_place_right(
    pairs: dict[str, ElectrodePair],
) -> None:
    """Twenty-four cycles with jumps against every one simulated: each place within 2 %."""
    pair, temperature = pairs["SPM"], np.array([288.0, 298.0, 308.0])
    found, simulated = [], []
    for most in (1, 16):
        ageing, models, _ = ageing_of(pair, temperature, 24, most=most)
        while not ageing.study.done:
            assert ageing.study.exchange().books < 1e-9
        found.append(models.look().charge[:, 0])
        simulated.append(ageing.study.state.simulated)
    np.testing.assert_allclose(found[1], found[0], rtol=2e-2)
    assert simulated[1] < 0.6 * simulated[0]


def test_a_jump_repeats_each_cluster_by_its_own_growth(pairs: dict[str, ElectrodePair]) -> None:
    """A film that grows faster slows down sooner: its cycle is repeated fewer times.

    With growth that falls as 1/L and g of the film per cycle, 18 cycles count as
    (sqrt(1 + 36 g) - 1)/g.
    """
    ageing, _, _ = ageing_of(
        pairs["SPM"], np.array([283.0, 313.0]), 30, most=19, law="solvent-diffusion limited"
    )
    study = ageing.study
    study.state.pace = replace(study.state.pace, cycles=18.0)
    study.exchange()
    jump, leg = study._last_jump, study.last_leg
    assert jump is not None
    assert leg is not None
    assert leg.growth is not None
    relative = np.array([growth.step / growth.thickness for growth in leg.growth])
    assert relative[1] > 3.0 * relative[0]
    expected = (np.sqrt(1.0 + 36.0 * relative) - 1.0) / relative
    assert jump.repeats[1] < jump.repeats[0] - 1.0
    # the films have corrected it by a per cent
    np.testing.assert_allclose(jump.repeats, expected, rtol=2e-2)
