"""Films whose growth is known in closed form, as trajectories: no finite elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from interphase.models.surrogate.proposal import Conditions, Patch
from interphase.models.surrogate.trajectory import FIELDS as STORED
from interphase.models.surrogate.trajectory import Trajectory, write_trajectory

Array = npt.NDArray[np.float64]

WIDTH = 1.0e-9
STEP = WIDTH / 6.0
SOLIDS = ("inner", "outer")
ROW = "interstitial_rate.R1"
# Height of the domain [l].
HIGH = 14.0


def order(distance: Array) -> Array:
    """Return phi at a distance into the film [l]."""
    return 0.5 * (1.0 + np.tanh(2.0 * distance))


def wavy(height: float, phase: float, columns: int, rate: float) -> tuple[Array, Array, Array]:
    """Return phi, shares and speed of a film whose waves of 0.5 l die out as it grows.

    The outer phase overgrows the inner one from the wave's crest: the column that it leaves to the
    inner one narrows on both sides by the part ``rate`` of the height. In one dimension there is
    the inner phase alone.
    """
    x = np.arange(columns) / columns
    z = np.arange(int(HIGH * 6) + 1) / 6.0
    wave = 0.5 * np.exp(-height / 4.0) * np.cos(2.0 * np.pi * (x + phase))
    front = (height + wave)[:, None] if columns > 1 else np.full((1, 1), height)
    distance = front - z
    # d(front)/d(height): the crest is slower than the trough.
    slower = (1.0 - wave / 4.0)[:, None] if columns > 1 else np.ones((1, 1))
    beside = np.abs((x + phase) % 1.0 - 0.5) * columns / 6.0
    half = columns / 12.0 - 0.3 - rate * np.minimum(z, height + wave[:, None])
    inner = order(half - beside[:, None]) if columns > 1 else np.ones_like(distance)
    rise = 1.0e-15 / height
    speed = np.where(np.abs(distance) <= 1.5, slower * rise, 0.0)
    return order(distance), np.stack([inner, 1.0 - inner]), speed


def patch(height: float, phase: float = 0.0, columns: int = 48, rate: float = 0.3) -> Patch:
    """Return a film as a patch; one column is a film in one dimension."""
    phi, shares, speed = wavy(height, phase, columns, rate)
    carrier = np.broadcast_to(np.exp(-np.arange(phi.shape[-1]) / 30.0), phi.shape).copy()
    if columns == 1:
        return Patch(phi[0], shares[:, 0], carrier[0], speed[0], (STEP,), ())
    return Patch(phi, shares, carrier, speed, (STEP, STEP), (True,))


def changed(film: Patch, work: Callable[[Array], Array]) -> Patch:
    """Return a film all of whose fields are changed alike; grid axes are their last."""
    return replace(film, **{name: work(getattr(film, name)) for name in STORED})


def conditions(rate: float = 0.3, potential: float = 0.1) -> Conditions:
    """Return what the film grows under; its rate is a row of the table."""
    return Conditions(potential, 298.15, WIDTH, {ROW: float(np.log10(rate))}, SOLIDS)


def trajectory(rate: float, phase: float, columns: int = 48) -> Trajectory:
    """Return a film that grows from 2.5 to 8 interface widths."""
    heights = np.arange(2.5, 8.0, 0.25)
    films = [patch(h, phase, columns, rate) for h in heights]
    fields = {
        name: np.stack([getattr(f, name) for f in films]).astype(np.float32) for name in STORED
    }
    same = np.ones(heights.size)
    return Trajectory(
        solids=SOLIDS,
        width=WIDTH,
        spacing=films[0].spacing,
        periodic=films[0].periodic,
        parameters={ROW: float(np.log10(rate))},
        series={
            "time": heights**2 * 1e3,
            "thickness": heights * WIDTH,
            "potential": 0.1 * same,
            "temperature": 298.15 * same,
            "grains": same,
        },
        fields=fields,
        provenance={"study": "waves"},
    )


def write_data(folder: Path, count: int, columns: int = 48) -> Path:
    """Write a data set of films with rates between 0.15 and 0.45."""
    (folder / "trajectories").mkdir(parents=True)
    rng = np.random.default_rng(3)
    rates = 0.15 + 0.3 * rng.permutation(count) / max(count - 1, 1)
    for k, rate in enumerate(rates):
        one = trajectory(float(rate), float(rng.random()), columns)
        write_trajectory(folder / "trajectories" / f"{k:05d}.h5", one)
    return folder
