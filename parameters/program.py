"""What drives the electrode: potential, current density and temperature as functions of time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from interphase.parameters.case_run import DriveCase, DriveStep
from interphase.parameters.errors import CaseError
from interphase.parameters.profile_csv import read_profile
from interphase.parameters.units import format_si


@dataclass(frozen=True, slots=True)
class Drive:
    """State imposed on the electrode at one time.

    Attributes:
        potential: electrode potential [V vs Li/Li+ in the reservoir's electrolyte].
        current_density: intercalation current density through the film [A/m2].
        temperature: temperature [K].
    """

    potential: float
    current_density: float
    temperature: float


@dataclass(frozen=True, slots=True)
class DriveProgram:
    """Piecewise-linear drive; it may jump between two pieces.

    Attributes:
        times: ends of the pieces, rising from 0 [s], one more than there are pieces.
        starts: drive at the start of each piece.
        ends: drive at the end of each piece.
    """

    times: tuple[float, ...]
    starts: tuple[Drive, ...]
    ends: tuple[Drive, ...]

    def __post_init__(self) -> None:
        """Refuse pieces that do not follow one another."""
        if len(self.starts) + 1 != len(self.times) or len(self.ends) + 1 != len(self.times):
            raise CaseError("a drive needs one more time than pieces", "drive")
        if not self.starts:
            raise CaseError("a drive needs at least one piece", "drive")
        for before, after in zip(self.times, self.times[1:], strict=False):
            if not after > before:
                raise CaseError(f"times must rise, {after} s follows {before} s", "drive")

    @classmethod
    def from_drive(cls, drive: DriveCase, until: float) -> Self:
        """Build the program of a case's ``drive`` block.

        Args:
            drive: the block.
            until: end of the run [s]; a last hold is extended to it.

        Raises:
            CaseError: if the program jumps, runs backwards or ends before ``until``, or its CSV
                file is bad; the key is that of the step.
        """
        if drive.kind == "cell":
            raise CaseError("the film is driven by a cell: it has no program of its own", "drive")
        if drive.kind == "csv":
            program = cls._from_csv(Path(drive.file or ""), drive.largest_jump)
        else:
            program = cls._from_steps(drive.steps, until, drive.largest_jump)
        if program.end < until * (1.0 - 1e-12):
            key = "drive.file" if drive.kind == "csv" else f"drive.steps[{len(drive.steps) - 1}]"
            raise CaseError(
                f"the drive ends at {format_si(program.end, 's')}, before time.until "
                f"({format_si(until, 's')}); add a hold at the end or shorten time.until",
                key,
            )
        return program

    @classmethod
    def _from_steps(cls, steps: Sequence[DriveStep], until: float, largest_jump: float) -> Self:
        times = [0.0]
        starts: list[Drive] = []
        ends: list[Drive] = []
        for index, step in enumerate(steps):
            if times[-1] >= until:
                # A run that ends earlier than its drive never gets there.
                break
            key = f"drive.steps[{index}]"
            first, last = step.ramp if step.ramp is not None else (step.hold, step.hold)
            if first is None or last is None:
                raise CaseError("must have either ramp or hold", key)
            if ends:
                _check_jump(ends[-1].potential, first, largest_jump, key)
            starts.append(Drive(first, step.current_density, step.temperature))
            ends.append(Drive(last, step.current_density, step.temperature))
            end = _end_of(step, times[-1], key)
            is_last_hold = index == len(steps) - 1 and step.hold is not None
            if end is None and not is_last_hold:
                raise CaseError("only the last hold may go without for or until; add one", key)
            if end is not None and not end > times[-1]:
                raise CaseError(
                    f"ends at {format_si(end, 's')}, but starts at "
                    f"{format_si(times[-1], 's')}; write a later time",
                    f"{key}.until" if step.until is not None else key,
                )
            if end is None or (is_last_hold and end < until):
                end = until
            times.append(end)
        return cls(tuple(times), tuple(starts), tuple(ends))

    @classmethod
    def _from_csv(cls, path: Path, largest_jump: float) -> Self:
        profile = read_profile(path, largest_jump)
        rows = [
            Drive(potential, current, temperature)
            for potential, current, temperature in zip(
                profile.potential, profile.current_density, profile.temperature, strict=True
            )
        ]
        return cls(tuple(profile.time), tuple(rows[:-1]), tuple(rows[1:]))

    @property
    def end(self) -> float:
        """Time at which the last piece ends [s]."""
        return self.times[-1]

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Times at which the drive has a kink or jump, and its end [s]: step onto them."""
        return self.times[1:]

    def at(self, t: float) -> Drive:
        """Return the drive at time ``t`` [s].

        Where the program jumps, this is the value before the jump: a step that ends at the
        breakpoint still belongs to the old piece. Outside the program its end values hold.
        """
        index = min(max(bisect_left(self.times, t) - 1, 0), len(self.starts) - 1)
        start, end = self.starts[index], self.ends[index]
        if start == end:
            return start
        left, right = self.times[index], self.times[index + 1]
        x = min(max((t - left) / (right - left), 0.0), 1.0)
        # this form returns the end values exactly at x = 0 and x = 1
        return Drive(
            (1.0 - x) * start.potential + x * end.potential,
            (1.0 - x) * start.current_density + x * end.current_density,
            (1.0 - x) * start.temperature + x * end.temperature,
        )

    def slope(self, t: float) -> float:
        """Return dU/dt [V/s] of the piece that lies ahead at time ``t`` [s]; 0 after the end."""
        index = bisect_right(self.times, t) - 1
        if not 0 <= index < len(self.starts):
            return 0.0
        rise = self.ends[index].potential - self.starts[index].potential
        return rise / (self.times[index + 1] - self.times[index])


def _check_jump(before: float, after: float, largest: float, key: str) -> None:
    jump = abs(after - before)
    if jump > largest:
        raise CaseError(
            f"the potential jumps by {jump:.6g} V (from {before:.6g} V to {after:.6g} V), more "
            f"than drive.largest_jump ({largest:.6g} V); correct it or write a ramp",
            key,
        )


def _end_of(step: DriveStep, start: float, key: str) -> float | None:
    """Return the time at which a step ends [s], None for an open hold."""
    if step.until is not None:
        return step.until
    if step.duration is not None:
        return start + step.duration
    if step.ramp is None:
        return None
    if step.rate is None:
        raise CaseError("a ramp needs rate, for or until; for example rate: 1.9 V/h", key)
    return start + abs(step.ramp[1] - step.ramp[0]) / step.rate
