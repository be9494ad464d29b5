"""Fields for ParaView: one segment of files per start of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from dolfinx import fem
from dolfinx.io import VTXWriter, XDMFFile
from mpi4py import MPI

from interphase.meshes.parallel import on_root, raise_together
from interphase.parameters.errors import OutputError
from interphase.solvers.run_folder import RunFolder, write_whole, writing
from interphase.solvers.space import Array, NodalSpace


class FieldWriter(Protocol):
    """Writes functions at growing times; collective."""

    def write(self, time: float) -> None:
        """Write the functions' present values."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class VTXFields:
    """ADIOS2 VTX."""

    suffix = ".bp"

    def __init__(self, comm: MPI.Comm, path: Path, functions: list[Any]) -> None:
        self._writer = VTXWriter(comm, path, functions)

    def write(self, time: float) -> None:
        """Write the functions' present values."""
        self._writer.write(time)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class XDMFFields:
    """XDMF with HDF5."""

    suffix = ".xdmf"

    def __init__(self, comm: MPI.Comm, path: Path, functions: list[Any]) -> None:
        self._functions = functions
        self._file = XDMFFile(comm, path, "w")
        self._file.write_mesh(functions[0].function_space.mesh)

    def write(self, time: float) -> None:
        """Write the functions' present values."""
        for function in self._functions:
            self._file.write_function(function, time)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


WRITERS: Final[Mapping[str, type[VTXFields] | type[XDMFFields]]] = MappingProxyType(
    {"vtx": VTXFields, "xdmf": XDMFFields}
)
"""Writers by the name of ``output.fields.format``."""


class FieldSegments:
    """The fields of a run, a new segment at each start. Collective on the space's communicator.

    Attributes:
        segments: file and first and last time of every segment so far.
    """

    def __init__(
        self, space: NodalSpace, folder: RunFolder, name: str, segments: list[dict[str, Any]]
    ) -> None:
        self._space, self._folder, self._format = space, folder, name
        self.segments = segments
        self._functions: dict[str, Any] = {}
        self._writer: FieldWriter | None = None

    def write(self, time: float, fields: Mapping[str, Array]) -> None:
        """Write all fields at ``time`` [s], (size,) each.

        Raises:
            OutputError: on every rank, if it cannot be written.
        """
        writer = self._writer or self._open(list(fields))
        for name, values in fields.items():
            self._functions[name].x.array[:] = self._space.full(values)
        path = self._folder.path / self.segments[-1]["file"]
        self._together(path, lambda: writer.write(time))
        self.segments[-1]["last"] = time
        self.segments[-1].setdefault("first", time)
        text = json.dumps(self.segments, indent=1)
        on_root(self._space.comm, lambda: write_whole(self._folder.path / "fields.json", text))

    def close(self) -> None:
        """Close the segment."""
        if self._writer is not None:
            path = self._folder.path / self.segments[-1]["file"]
            writer, self._writer = self._writer, None
            self._together(path, writer.close)

    def _open(self, names: list[str]) -> FieldWriter:
        for name in names:
            self._functions[name] = fem.Function(self._space.space, name=name)
        make = WRITERS[self._format]
        path = self._folder.path / f"fields_{len(self.segments):03d}{make.suffix}"
        functions = list(self._functions.values())
        made: list[FieldWriter] = []
        self.segments.append({"file": path.name})
        self._together(path, lambda: made.append(make(self._space.comm, path, functions)))
        self._writer = made[0]
        return self._writer

    def _together(self, path: Path, work: Callable[[], object]) -> None:
        """Do collective ``work`` and raise the same error on all ranks if it fails on any."""
        failure: OutputError | None = None
        try:
            with writing(path):
                work()
        except OutputError as error:
            failure = error
        raise_together(self._space.comm, failure)
