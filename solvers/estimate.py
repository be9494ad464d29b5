"""What a run will cost, before it is made: unknowns, memory, steps and time. Rough by design.

The growth is guessed with one flat film in the sharp-interface limit, driven as the case says and
stepped by the case's own controller, so that what limits the steps is the same. Conversions are
reduced to their lateral spread from grain to grain; where they have spread, a fifth of the film is
the least conducting solid that they make.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from interphase.meshes.refinement import Grading, cell_count, levels
from interphase.models.reactions import Surroundings
from interphase.models.sei import SEIGrowth
from interphase.parameters.case import Case
from interphase.parameters.case_mesh import MeshCase
from interphase.parameters.program import Drive, DriveProgram
from interphase.solvers.stepping import ControlState, Milestones, StepController, every, reached

# Part of a closed film that is the least conducting solid (calibrated model: 0.21 after a year).
_COMPACT: Final = 0.2
# Steps beyond those of one flat film: seeds, closing of gaps, internal fronts, rejections.
_MORE_STEPS: Final = 1.5
_MOST_STEPS: Final = 200_000
# Measured on one core of a 2020s server processor, by dimension: time per unknown and step [s],
# memory per unknown [bytes]; and for every rank, whatever the mesh, time per step and memory.
_TIME: Final = {1: 4.0e-6, 2: 8.0e-6, 3: 2.5e-5}
_BYTES: Final = {1: 2.0e3, 2: 4.5e3, 3: 1.2e4}
_TIME_RANK: Final = 1.5e-2
_BYTES_RANK: Final = 1.8e8


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will cost.

    Attributes:
        unknowns: nodes of the mesh; None for meshes from files.
        steps: time steps.
        thickness: of the film at the end [m].
        complete: the film was followed to the end.
        memory: of all ranks [bytes]; None for meshes from files.
        seconds: wall time [s]; None for meshes from files.
    """

    unknowns: int | None
    steps: int
    thickness: float
    complete: bool
    memory: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class _Motion:
    """What the controller sees of the guessed film."""

    displacement: float
    conversion: float = 0.0
    error: float = 0.0


def unknowns(case: MeshCase) -> int | None:
    """Return the number of nodes of a mesh, periodic ones once; None if a file holds it."""
    if case.kind in ("gmsh", "voxels"):
        return None
    if case.kind == "particle":
        arc = (case.radius or 0.0) * (case.angle or 0.0)
        return (cell_count(arc, case.cell_size) + 1) * (
            cell_count(case.size[-1], case.cell_size) + 1
        )
    grading = case.grading and Grading(case.grading.uniform_height, case.grading.ratio)
    count = levels(case.size[-1], case.cell_size, grading or None).size
    for axis, length in zip("xy", case.size[:-1], strict=False):
        count *= cell_count(length, case.cell_size) + (axis not in case.periodic)
    return int(count)


def estimate(case: Case, model: SEIGrowth, ranks: int) -> Estimate:
    """Return what a case will cost on ``ranks`` ranks."""
    steps, thickness, complete = _follow(case, model)
    output = case.output.fields
    # An output time costs at most one more step.
    steps = (
        round(_MORE_STEPS * steps) + len(every(output.every, case.time.until)) + len(output.times)
    )
    count = unknowns(case.mesh)
    if count is None:
        return Estimate(None, steps, thickness, complete, None, None)
    dim = {"interval": 1, "box": 3}.get(case.mesh.kind, 2)
    memory = count * _BYTES[dim] + ranks * _BYTES_RANK
    seconds = steps * (count * _TIME[dim] / ranks + _TIME_RANK)
    return Estimate(count, steps, thickness, complete, memory, seconds)


def _follow(case: Case, model: SEIGrowth) -> tuple[int, float, bool]:
    """Return (steps, thickness [m], reached the end) of the flat film."""
    program, end = case.program(), case.time.until
    controller = StepController.from_case(case.time.controller, model.front.width)
    milestones = Milestones.of(end, program.breakpoints)
    control, time = controller.start(), 0.0
    film = _FlatFilm(case.initial.thickness or 0.1 * model.front.width, 0.0)
    while not reached(time, end) and control.accepted < _MOST_STEPS:
        time, film, control = _step(controller, control, milestones, program, model, time, film)
    return control.accepted, film.thickness, reached(time, end)


def _step(
    controller: StepController,
    control: ControlState,
    milestones: Milestones,
    program: DriveProgram,
    model: SEIGrowth,
    time: float,
    film: _FlatFilm,
) -> tuple[float, _FlatFilm, ControlState]:
    """Return (time [s], film, control) after one accepted step."""
    while True:
        slope = program.slope(time)
        dt = controller.propose(control, time, slope, milestones.after(time))
        drive = program.at(time + 0.5 * dt)
        new = film.after(model.at_temperature(drive.temperature), drive, dt)
        verdict = controller.judge(_Motion(new.thickness - film.thickness))
        if verdict.accepted or dt * verdict.factor < controller.smallest_step:
            return time + dt, new, controller.accept(control, dt, verdict)
        control = replace(control, wanted=dt * verdict.factor)


@dataclass(frozen=True, slots=True)
class _FlatFilm:
    """A flat film of the fastest solid.

    Attributes:
        thickness: [m].
        closed: part of the electrode that conversions have covered with their product [-].
    """

    thickness: float
    closed: float

    def after(self, model: SEIGrowth, drive: Drive, dt: float) -> _FlatFilm:
        """Return the film after a step of ``dt`` [s]; tunnelling and closing exactly."""
        tunnel, carried, closing = self._speeds(model, drive)
        decay = float(model.tunnelling.decay[self._fastest(model)]) if model.tunnelling else 0.0
        growth = carried * dt
        if decay * tunnel * dt > 1e-12:
            growth += math.log1p(decay * tunnel * dt) / decay
        left = (1.0 - self.closed) * math.exp(-closing * dt / (0.5 * model.lateral_spacing))
        return _FlatFilm(self.thickness + growth, 1.0 - left)

    @staticmethod
    def _fastest(model: SEIGrowth) -> int:
        """Return the depositing solid that conducts carriers best."""
        made = sorted({model.reactions.product[r] for r in model.reactions.depositions})
        if model.interstitial is None or not made:
            return made[0] if made else 0
        return max(made, key=lambda a: float(model.interstitial.diffusivity[a]))  # type: ignore[union-attr]

    def _speeds(self, model: SEIGrowth, drive: Drive) -> tuple[float, float, float]:
        """Return speeds by tunnelling, by carriers, and of the fastest conversion [m/s]."""
        set_ = model.reactions
        fastest = self._fastest(model)
        chance = 0.0
        if model.tunnelling is not None:
            chance = math.exp(-min(float(model.tunnelling.decay[fastest]) * self.thickness, 700.0))
        level = (
            model.interstitial.boltzmann(drive.potential, drive.temperature)
            if model.interstitial
            else 0.0
        )
        # Conversions run nearer to the electrode: the closed part does not starve them.
        there, front = (
            self._surroundings(drive, chance, x)
            for x in (level, level * self._passage(model, fastest))
        )
        tunnel = carried = closing = 0.0
        consumed = np.maximum(-set_.solid_stoichiometry, 0.0) @ set_.molar_volume
        for r in range(len(set_.names)):
            t, c = (
                float(part[0]) for part in set_.rates(r, there if r in set_.conversions else front)
            )
            if r in set_.conversions:
                closing = max(closing, c * float(consumed[r]))
            elif set_.product[r] == fastest:
                volume = float(set_.volume_rate[r])
                tunnel, carried = tunnel + t * volume, carried + c * volume
        return max(tunnel, 0.0), max(carried, 0.0), closing

    @staticmethod
    def _surroundings(drive: Drive, chance: float, level: float) -> Surroundings:
        one = np.ones(1)
        return Surroundings(drive.potential * one, chance * one, level * one, one, one, 0.0 * one)

    def _passage(self, model: SEIGrowth, fastest: int) -> float:
        """Return the part of the carriers that reaches the front [-]."""
        if model.interstitial is None:
            return 1.0
        set_, d = model.reactions, model.interstitial.diffusivity
        made = [set_.product[r] for r in set_.conversions if float(set_.interstitial_rate[r]) > 0.0]
        sink = sum(
            float(set_.electrons[r] * set_.interstitial_rate[r])
            for r in set_.depositions
            if set_.product[r] == fastest
        )
        per_length = sink / model.interstitial.concentration_ref
        open_ = self.thickness / float(d[fastest])
        if not made:
            return 1.0 / (1.0 + per_length * open_)
        compact = open_ + _COMPACT * self.thickness / min(float(d[a]) for a in made)
        return (1.0 - self.closed) / (1.0 + per_length * open_) + self.closed / (
            1.0 + per_length * compact
        )
