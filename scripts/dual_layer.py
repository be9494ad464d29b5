"""Layers of a flat film beside theory: ``python -m interphase.scripts.dual_layer DIR``.

For a run in one dimension with new material in proportion to the rates. First transition: electrons
that tunnel give way to localised ones. Second: their diffusion through the film limits growth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyvista

from interphase.models.reactions import Surroundings
from interphase.models.sei import SEIGrowth, build_model
from interphase.parameters.case import load_case
from interphase.parameters.case_check import table_for
from interphase.parameters.errors import InterphaseError, OutputError
from interphase.scripts.reporting.folder import RunFolder, Snapshot, TimeSeries, read_run

Array = npt.NDArray[np.float64]

# Thinner films are part of the closed nucleus that the run started from.
_NUCLEUS = 1.0e-9
# Rows of the time series on either side over which a speed is taken.
_ROWS = 2


def speeds(model: SEIGrowth, potential: float) -> tuple[Array, Array]:
    """Return the speeds of the depositions on a bare electrode [m/s]: tunnelling, carriers.

    Volume of the porous film, (solids,) each.
    """
    set_, one = model.reactions, np.ones(1)
    if model.interstitial is None or model.tunnelling is None:
        raise OutputError("the case must have both channels, tunnelling and interstitial")
    level = model.interstitial.boltzmann(potential, set_.temperature)
    at = Surroundings(potential * one, one, level * one, one, one, 0.0 * one)
    both = np.zeros((2, len(set_.solids)))
    for r in set_.depositions:
        a = set_.product[r]
        rates = np.array([float(part[0]) for part in set_.rates(r, at)])
        both[:, a] += rates * set_.volume_rate[r] / model.solidity[a]
    return both[0], both[1]


def hand_over(model: SEIGrowth, potential: float) -> tuple[float, float]:
    """Return (L [m], beta [1/m]): where tunnelling gives way to localised electrons.

    v_T exp(-beta L) = v_c with beta the mean over the solids that tunnelling deposits.
    """
    tunnelled, carried = speeds(model, potential)
    if model.tunnelling is None:
        raise OutputError("the case must have the channel tunnelling")
    solid = tunnelled * model.solidity
    decay = float(model.tunnelling.decay @ solid / solid.sum())
    return float(np.log(tunnelled.sum() / carried.sum()) / decay), decay


def half_tunnelling(series: TimeSeries) -> float:
    """Return the thickness [m] beyond which less than half of the charge tunnels."""
    thickness, charge = series["thickness"], np.diff(series["charge"])
    part = np.diff(series["charge_tunnelling"]) / np.where(charge > 0.0, charge, np.inf)
    middle = 0.5 * (thickness[1:] + thickness[:-1])
    below = np.flatnonzero((part < 0.5) & (middle > _NUCLEUS) & (charge > 0.0))
    return float(middle[below[0]]) if below.size else float("nan")


@dataclass(frozen=True)
class Layers:
    """A film at one time.

    Attributes:
        time: [s].
        thickness: [m].
        inorganic: height up to which more than half of the solid is inorganic [m].
        solid: mean solid fraction in that layer and beyond it [-].
        fluoride: height at which LiF falls to half of its largest fraction [m].
        damkohler: k L/D of carriers from the electrode to the front [-].
        speed: of growth over that of the reaction of carriers in equilibrium with the electrode.
    """

    time: float
    thickness: float
    inorganic: float
    solid: tuple[float, float]
    fluoride: float
    damkohler: float
    speed: float


def layers(model: SEIGrowth, series: TimeSeries, shot: Snapshot) -> Layers | None:
    """Return the layers of a snapshot, None where there is no film."""
    grid = pyvista.read(shot.path)
    height = np.asarray(grid.points)[:, 0].astype(float)
    order = np.argsort(height)
    fields = {name: np.asarray(grid.point_data[name], float)[order] for name in grid.point_data}
    z, phi = height[order], fields["film"]
    inside = phi > 0.5
    if not inside.any():
        return None
    shares = np.stack([fields[name] / np.maximum(phi, 1e-6) for name in model.solids])
    front = float(np.interp(0.5, phi[::-1], z[::-1]))
    dense = shares.sum(axis=0)
    organic = shares[model.solids.index("Li2EDC")] / np.maximum(dense, 1e-9)
    edge = _first(z, inside & (organic > 0.5), front)
    beyond = inside & (z > edge)
    fluoride = shares[model.solids.index("LiF")]
    half = inside & (fluoride < 0.5 * fluoride[inside].max())
    half &= z > z[np.argmax(np.where(inside, fluoride, 0.0))]
    near = slice(*(int(np.searchsorted(series["time"], shot.time)) + np.array([-_ROWS, _ROWS + 1])))
    growth = float(np.polyfit(series["time"][near], series["thickness"][near], 1)[0])
    _, carried = speeds(model, series.at("potential", shot.time))
    return Layers(
        shot.time, front, edge,
        (float(dense[inside & (z <= edge)].mean()),
         float(dense[beyond].mean()) if beyond.any() else float("nan")),
        _first(z, half, front), _damkohler(model, z, shares, front), growth / float(carried.sum()),
    )  # fmt: skip


def _first(z: Array, where: npt.NDArray[np.bool_], otherwise: float) -> float:
    return float(z[where][0]) if where.any() else otherwise


def _damkohler(model: SEIGrowth, z: Array, shares: Array, front: float) -> float:
    """Return the resistance of the film to carriers over that of their reaction [-]."""
    if model.interstitial is None:
        raise OutputError("the case must have the channel interstitial")
    set_ = model.reactions
    rate = sum(float(set_.electrons[r] * set_.interstitial_rate[r]) for r in set_.depositions)
    fine = np.linspace(0.0, front, 4001)
    conductance = model.interstitial.concentration_ref * (model.interstitial.diffusivity @ shares)
    return float(rate * np.trapezoid(1.0 / np.interp(fine, z, conductance), fine))


def text(run: RunFolder) -> str:
    """Return the comparison as Markdown."""
    case = load_case(run.path / "case.yaml")
    model = build_model(case.model, table_for(case), case.initial.seeds)
    series = run.series
    theory, decay = hand_over(model, float(series["potential"][-1]))
    lines = [
        f"tunnelling gives way to localised electrons: {theory * 1e9:.2f} nm by theory "
        f"(beta = {decay * 1e-9:.2f} /nm), {half_tunnelling(series) * 1e9:.2f} nm in the run",
        "",
        "| time [s] | film [nm] | inorganic to [nm] | solid inside | outside | LiF halves at [nm] "
        "| Da | v/v_reaction | 1/(1 + Da) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for shot in run.snapshots:
        found = layers(model, series, shot) if shot.time > 0.0 else None
        if found is not None:
            lines.append(
                f"| {found.time:.4g} | {found.thickness * 1e9:.2f} | {found.inorganic * 1e9:.2f} "
                f"| {found.solid[0]:.3f} | {found.solid[1]:.3f} | {found.fluoride * 1e9:.2f} "
                f"| {found.damkohler:.3g} | {found.speed:.3g} | {1 / (1 + found.damkohler):.3g} |"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison for a run folder; exit code 2 if it cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m interphase.scripts.dual_layer", description=__doc__
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a finished run")
    try:
        found = text(read_run(parser.parse_args(arguments).folder))
    except InterphaseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
