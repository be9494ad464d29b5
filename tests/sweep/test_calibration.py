"""Planted parameters come back; what data cannot tell apart is said."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from interphase.models.analytic import mixed_thickness
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.distributions import Array, LogUniform, Uniform
from interphase.parameters.errors import CaseError
from interphase.scripts.sweep.calibration import Data, Problem, calibrate, forward_of_emulators
from interphase.scripts.sweep.data import read_data
from interphase.scripts.sweep.design import latin_points
from interphase.scripts.sweep.emulator import train
from interphase.scripts.sweep.study import CalibrationCase

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="has nothing to do with ranks")

VOLUME = 95.85e-6 / 2.0
"""Of Li2EDC per electron [m3/mol]."""
POTENTIAL, TEMPERATURE = 0.1, 298.15
CARRIERS = float(np.exp(-FARADAY * POTENTIAL / (GAS_CONSTANT * TEMPERATURE)))


def two_channels(permeability: Array, rate: Array, decay: Array, times: Array) -> Array:
    """Return L [m] of dL/dt = V [A exp(-beta L) + D0c0 b/(L + D0c0/k)], (points, times).

    The first channel is tunnelling, the second localised electrons through the film and a reaction
    in series (`GrowthCurrent.tunnelling_limited`, `mixed_thickness`); by explicit midpoint steps
    that grow geometrically, all points at once.

    Args:
        permeability: D0 c0 at 0 V [mol/(m s)], (points,).
        rate: k c0, rate of the reaction at the carriers' equilibrium at 0 V [mol/(m2 s)].
        decay: beta [1/m].
        times: [s], rising.
    """
    tunnelling = 2.0e-4  # A, of the bare electrode [mol/(m2 s)]

    def speed(film: Array) -> Array:
        carried = CARRIERS / (1.0 / rate + film / permeability)
        return VOLUME * (tunnelling * np.exp(-decay * film) + carried)

    grid = np.unique(np.concatenate([[0.0], np.geomspace(1e-3, times[-1], 400), times]))
    film, found = np.full(len(permeability), 0.3e-9), []
    for start, end in zip(grid[:-1], grid[1:], strict=True):
        half = film + 0.5 * (end - start) * speed(film)
        film = film + (end - start) * speed(half)
        if end in times:
            found.append(film)
    return np.stack(found, axis=1)


TRUTH = np.array([4e-13, 6e-7, 5.5e9])
PRIORS = (LogUniform(4e-14, 4e-12), LogUniform(6e-8, 6e-6), Uniform(3e9, 9e9))
TIMES = np.geomspace(1.0, 3e6, 20)


def planted(seed: int) -> Problem:
    """Return the fit of three parameters to noisy data of 0.1 nm."""
    law = lambda v: two_channels(v[:, 0], v[:, 1], v[:, 2], TIMES)  # noqa: E731
    exact = law(TRUTH[None])[0]
    noise = 0.1e-9 * np.random.default_rng(seed).normal(size=TIMES.size)
    data = Data(TIMES, exact + noise, np.full(TIMES.size, 0.1e-9))
    return Problem(("D0c0", "k_EC", "beta"), PRIORS, law, data)


def test_the_two_channel_law_reduces_to_the_mixed_law() -> None:
    """Where tunnelling has died out, and to the solver's order."""
    times = np.geomspace(10.0, 3e6, 15)
    found = two_channels(np.array([4e-13]), np.array([6e-7]), np.array([1e12]), times)[0]
    p = VOLUME * CARRIERS * 4e-13
    assert found == pytest.approx(mixed_thickness(times, 0.3e-9, p, 4e-13 / 6e-7), rel=1e-4)


def test_planted_parameters_come_back_within_two_sigma() -> None:
    """D0 c0, k_EC and beta: of five noisy data sets at least 87 % lie within two sigma each."""
    inside = []
    for seed in range(5):
        fit = calibrate(planted(seed), steps=100)
        off = np.where(fit.logarithmic, np.log(fit.best / TRUTH), fit.best - TRUTH)
        inside += list(np.abs(off) < 2.0 * fit.deviation)
        assert not [text for text in fit.warnings if "correlation times" not in text]
    assert np.mean(inside) >= 13 / 15


def test_the_posterior_holds_the_truth_and_agrees_with_least_squares() -> None:
    fit = calibrate(planted(7), steps=900)
    assert not fit.warnings
    for i, truth in enumerate(TRUTH):
        low, _, high = fit.interval(i)
        assert low < truth < high
        sampled = np.log(fit.samples[:, i]) if fit.logarithmic[i] else fit.samples[:, i]
        assert sampled.std() == pytest.approx(fit.deviation[i], rel=0.25)
    assert 5.0 < fit.chi_square < 35.0  # of 20 data and 3 parameters
    assert fit.effective > 200


def test_a_product_that_alone_is_known_is_found_out() -> None:
    """D0 and c0 given apart: only their product can be learnt."""
    whole = planted(3)
    split = Problem(
        ("D0", "c0", "k_EC", "beta"),
        (LogUniform(1e-12, 1e-9), LogUniform(1e-3, 1.0), *PRIORS[1:]),
        lambda v: whole.forward(np.column_stack([v[:, 0] * v[:, 1], v[:, 2], v[:, 3]])),
        whole.data,
    )
    fit = calibrate(split, steps=200)
    told = [text for text in fit.warnings if "known only" in text]
    assert len(told) == 1 and told[0].startswith("D0 and c0 are known only as a product")
    product = fit.best[0] * fit.best[1]
    assert product == pytest.approx(TRUTH[0], rel=0.2)


def test_data_that_say_nothing_say_so() -> None:
    """Tunnelling is over after the first second: late data know nothing of its decay."""
    law = lambda v: two_channels(v[:, 0], v[:, 1], v[:, 2], late)  # noqa: E731
    late = np.geomspace(1e5, 3e6, 10)
    sigma = np.full(10, 0.5e-9)
    problem = Problem(("D0c0", "k_EC", "beta"), PRIORS, law, Data(late, law(TRUTH[None])[0], sigma))
    fit = calibrate(problem, steps=100)
    assert any("say little of beta" in text for text in fit.warnings)


def test_emulators_of_few_runs_recover_as_well() -> None:
    """As a study does: 40 runs train an emulator for each time; its error joins the data's."""
    exact = planted(11)
    points = latin_points(3, 40, 4)
    values = np.column_stack([p.quantile(points[:, i]) for i, p in enumerate(PRIORS)])
    films = exact.forward(values)
    emulators = [train(points, films[:, j]) for j in range(TIMES.size)]
    forward = forward_of_emulators(emulators, PRIORS)
    again = forward(values)
    errors = np.array([one.error for one in emulators])
    assert np.abs(again - films).max() < 3.0 * errors.max()
    fit = calibrate(Problem(exact.names, PRIORS, forward, exact.data, errors), steps=400)
    for i, truth in enumerate(TRUTH):
        low, _, high = fit.interval(i)
        assert low < truth < high


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("time [day],thickness [nm]\n1,2\n", "calibration.sigma"),
        ("time [day],thicknes [nm]\n1,2\n", "thickness"),
        ("time [day],thickness [V]\n1,2\n", "wrong dimension"),
        ("t,thickness [nm]\n1,2\n", "header"),
        ("time [day],thickness [nm]\n1,two\n", "line 2"),
        ("time [day],thickness [nm]\n", "rows of numbers"),
    ],
)
def test_bad_data_are_refused(tmp_path, text: str, what: str) -> None:
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(CaseError, match=what):
        read_data(CalibrationCase(data=str(tmp_path / "data.csv")), {"thickness": "m"})


def test_data_are_read_in_any_unit(tmp_path) -> None:
    (tmp_path / "data.csv").write_text("# measured\ntime [h],thickness [nm],sigma [nm]\n1,5,0.5\n")
    name, data = read_data(CalibrationCase(data=str(tmp_path / "data.csv")), {"thickness": "m"})
    assert name == "thickness"
    assert (data.time[0], data.value[0], data.sigma[0]) == (3600.0, 5e-9, 5e-10)


def test_a_law_that_cannot_make_the_data_is_told() -> None:
    """Growth with the square root of time, fitted by a line: and one that is right is not."""
    prior = (LogUniform(1e-10, 1e-7),)
    data = Data(TIMES, 1e-9 * np.sqrt(TIMES), np.full(TIMES.size, 0.1e-9))
    for power, wrong in ((1.0, True), (0.5, False)):
        law = lambda v, power=power: v * TIMES**power  # noqa: E731
        fit = calibrate(Problem(("rate",), prior, law, data), steps=100)
        assert any("does not fit" in text for text in fit.warnings) is wrong
