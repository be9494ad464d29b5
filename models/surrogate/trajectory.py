"""Trajectories of a growing film on uniform patches, one HDF5 file each: what networks learn from.

The format is described in scripts/surrogate.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from interphase.parameters.errors import SurrogateError

type Array = npt.NDArray[np.float64]
type Grid = npt.NDArray[np.float32]

FORMAT: Final = "interphase trajectory"
VERSION: Final = 1
FIELDS: Final = ("phi", "shares", "carrier", "speed")
"""Arrays over (frames, [solids,] *grid)."""
SERIES: Final = ("time", "thickness", "potential", "temperature", "grains")
"""Numbers per frame, (frames,): [s], [m], [V], [K], [-]."""


@dataclass(frozen=True)
class Trajectory:
    """Frames of one run, of rising thickness, on one uniform grid; the normal is the last axis.

    Attributes:
        solids: phases of the film, in the order of the shares.
        width: interface width l [m].
        spacing: of the grid [m] per axis.
        periodic: of each lateral axis: whether its ends are one.
        parameters: log10 of the table's rows that the study varied, in SI, by key.
        series: numbers per frame, see SERIES.
        fields: see FIELDS; ``phi``, ``carrier`` and ``speed`` (frames, *grid), ``shares``
            (frames, solids, *grid).
        provenance: case, versions and parameters of the run.
    """

    solids: tuple[str, ...]
    width: float
    spacing: tuple[float, ...]
    periodic: tuple[bool, ...]
    parameters: Mapping[str, float]
    series: Mapping[str, Array]
    fields: Mapping[str, Grid]
    provenance: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.series["time"].size)

    @property
    def grid(self) -> tuple[int, ...]:
        """Return the number of nodes per axis."""
        return self.fields["phi"].shape[1:]


def write_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write a file that is whole or not there.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    with h5py.File(temporary, "w") as file:
        file.attrs["format"], file.attrs["version"] = FORMAT, VERSION
        file.attrs["solids"] = json.dumps(list(trajectory.solids))
        file.attrs["interface_width"] = trajectory.width
        file.attrs["spacing"] = np.asarray(trajectory.spacing)
        file.attrs["periodic"] = json.dumps(list(trajectory.periodic))
        file.attrs["parameters"] = json.dumps(dict(trajectory.parameters))
        file.attrs["provenance"] = json.dumps(dict(trajectory.provenance))
        for name in SERIES:
            file[name] = trajectory.series[name]
        for name in FIELDS:
            values = trajectory.fields[name]
            # A frame is read at a time.
            chunk = (1, *values.shape[1:])
            file.create_dataset(
                name, data=values, chunks=chunk, compression="gzip", shuffle=True, dtype="f4"
            )
    temporary.replace(path)


def read_trajectory(path: Path) -> Trajectory:
    """Read a file and check it.

    Raises:
        SurrogateError: it is no trajectory, of another version, or holds values that are not
            finite.
    """
    try:
        with h5py.File(path, "r") as file:
            trajectory = _read(path, file)
    except (OSError, KeyError, ValueError) as error:
        raise SurrogateError(
            f"{path}: is no whole trajectory ({error}); remove it and run train data again"
        ) from error
    for kind in (trajectory.series, trajectory.fields):
        for name, values in kind.items():
            bad = ~np.isfinite(values).reshape(len(trajectory), -1).all(axis=1)
            if bad.any():
                raise SurrogateError(
                    f"{path}: {name} is not finite in frame {int(np.argmax(bad))}; "
                    "remove the file and run train data again"
                )
    return trajectory


def _read(path: Path, file: Any) -> Trajectory:
    if file.attrs.get("format") != FORMAT:
        raise SurrogateError(f"{path}: is no trajectory of interphase train data")
    version = int(file.attrs["version"])
    if version != VERSION:
        raise SurrogateError(
            f"{path}: has version {version} of the format, this program reads {VERSION}; "
            "run train data again"
        )
    return Trajectory(
        solids=tuple(json.loads(file.attrs["solids"])),
        width=float(file.attrs["interface_width"]),
        spacing=tuple(float(h) for h in file.attrs["spacing"]),
        periodic=tuple(json.loads(file.attrs["periodic"])),
        parameters=json.loads(file.attrs["parameters"]),
        series={name: np.asarray(file[name][:], dtype=float) for name in SERIES},
        fields={name: np.asarray(file[name][:], dtype=np.float32) for name in FIELDS},
        provenance=json.loads(file.attrs["provenance"]),
    )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
