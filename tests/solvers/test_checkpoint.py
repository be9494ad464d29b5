"""Restart: exact state, any number of ranks, damaged files, altered cases."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from interphase.parameters.errors import CaseError, CheckpointError, OutputError
from interphase.solvers import checkpoint as checkpoints
from interphase.solvers.restart import differences
from interphase.solvers.run_folder import RunFolder
from interphase.solvers.simulation import Simulation

RATE = {"value": "1e-7 mol/m^2/s", "note": "another"}


@pytest.fixture
def folder(comm: MPI.Intracomm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all ranks know."""
    path = tmp_path_factory.mktemp("run") if comm.rank == 0 else None
    return Path(comm.bcast(path)) / "run"


@pytest.mark.mpi
def test_every_part_of_the_state_comes_back(plane, comm: MPI.Intracomm, folder: Path) -> None:
    """Bit by bit: fields, hazards of the sites, books, clocks."""
    simulation = Simulation.from_case(plane(), output=folder, comm=comm)
    before = simulation.run(45.0).state
    after = Simulation.from_case(plane(), output=folder, comm=comm, restart=True).state
    for field in dataclasses.fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if dataclasses.is_dataclass(old):
            old, new = dataclasses.asdict(old), dataclasses.asdict(new)
            assert old.keys() == new.keys()
            assert all(np.array_equal(old[key], new[key]) for key in old), field.name
        else:
            assert np.array_equal(old, new), field.name


@pytest.mark.mpi
def test_a_run_goes_on_on_another_number_of_ranks(plane, comm: MPI.Intracomm, folder: Path) -> None:
    """Begun by one rank with nuclei already there, ended by all: the same film to 1e-8."""
    if comm.rank == 0:
        Simulation.from_case(plane(), output=folder, comm=MPI.COMM_SELF).run(50.0)
    comm.Barrier()
    resumed = Simulation.from_case(plane(), output=folder, comm=comm, restart=True).run()
    whole = Simulation.from_case(plane(), comm=MPI.COMM_SELF)
    whole.run(50.0)
    expected = whole.run().rows[-1]
    assert resumed.rows[0]["time"] > 50.0
    for name in ("thickness", "charge", "grains", "lithium_lost", "coverage"):
        assert resumed.rows[-1][name] == pytest.approx(expected[name], rel=1e-8), name


def _begun(line, folder: Path) -> None:
    Simulation.from_case(line(), output=folder).run(2.0)


def test_a_truncated_checkpoint_gives_way_to_the_one_before(line, tmp_path, caplog) -> None:
    """With a warning; the run goes on from the earlier time."""
    folder = RunFolder(tmp_path / "run")
    _begun(line, folder.path)
    Simulation.from_case(line(), output=folder.path, restart=True).run(4.0)
    whole = folder.checkpoint.read_bytes()
    folder.checkpoint.write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING, logger="interphase"):
        simulation = Simulation.from_case(line(), output=folder.path, restart=True)
    assert simulation.state.time == 2.0
    assert "truncated or damaged" in caplog.text
    assert "trying the one before" in caplog.text


def test_a_flipped_byte_is_noticed(line, tmp_path) -> None:
    """Every block carries a checksum."""
    folder = RunFolder(tmp_path / "run")
    _begun(line, folder.path)
    with h5py.File(folder.checkpoint, "r") as file:
        place = file["phi"].id.get_chunk_info(0).byte_offset
    data = bytearray(folder.checkpoint.read_bytes())
    data[place + 8] ^= 0xFF
    folder.checkpoint.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="damaged"):
        Simulation.from_case(line(), output=folder.path, restart=True)


def test_no_checkpoint_is_said_clearly(line, tmp_path) -> None:
    """A folder with a run but no checkpoint; a folder without a run."""
    folder = RunFolder(tmp_path / "run")
    _begun(line, folder.path)
    folder.checkpoint.unlink()
    folder.previous.unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Simulation.from_case(line(), output=folder.path, restart=True)
    with pytest.raises(OutputError, match="no run to continue"):
        Simulation.from_case(line(), output=tmp_path / "other", restart=True)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"mesh": {"cell_size": "0.15 nm"}}, "mesh.cell_size"),
        ({"model": {"kinetics": "marcus"}}, "model.kinetics"),
        ({"model": {"override": {"interstitial_rate.R1": RATE}}},
         "model.override.interstitial_rate.R1"),
        ({"time": {"scheme": "bdf2"}}, "time.scheme"),
        ({"drive": {"steps": [{"ramp": ["0.7 V", "0.1 V"], "for": "10 s"}, {"hold": "0.1 V"}]}},
         "drive"),
    ],
)  # fmt: skip
def test_an_altered_case_is_refused_by_its_first_key(line, tmp_path, changes, key: str) -> None:
    """What shaped the past must be the same."""
    _begun(line, tmp_path / "run")
    with pytest.raises(CaseError) as caught:
        Simulation.from_case(line(**changes), output=tmp_path / "run", restart=True)
    assert caught.value.key == key


def test_the_future_may_change(line, tmp_path) -> None:
    """Title, end, outputs, controller, and the drive behind the checkpoint."""
    _begun(line, tmp_path / "run")
    changed = line(
        title="longer",
        time={"until": "4 s", "controller": {"rtol": 0.05}},
        output={"fields": {"every": "1 s"}},
        drive={"steps": [{"ramp": ["0.6 V", "0.5 V"], "for": "2 s"}, {"hold": "0.45 V"}]},
    )
    result = Simulation.from_case(changed, output=tmp_path / "run", restart=True).run()
    assert result.state.time == 4.0
    assert result.rows[-1]["potential"] == 0.45


def test_a_checkpoint_of_another_mesh_is_refused(line, tmp_path) -> None:
    """Even if the case were the same: the nodes are compared."""
    _begun(line, tmp_path / "run")
    stored = checkpoints.read(MPI.COMM_SELF, RunFolder(tmp_path / "run"))
    other = Simulation.from_case(line(mesh={"cell_size": "0.12 nm"})).problem
    with pytest.raises(CheckpointError, match="belongs to a mesh of"):
        checkpoints.load(other.space, other.solver.electrode, stored, sites=0)
    moved = Simulation.from_case(line(mesh={"size": ["9.95 nm"], "cell_size": "0.158 nm"})).problem
    with pytest.raises(CheckpointError, match="lie elsewhere"):
        checkpoints.load(moved.space, moved.solver.electrode, stored, sites=0)


def test_books_of_an_earlier_version_are_read() -> None:
    """They had a number of their own for seeds, always zero."""
    plain = {"extents": [1.0], "throughput": [2.0], "electrons_seeds": 0.0, "inflow": {"EC": 3.0}}
    books = checkpoints._part("books", plain)
    assert books.throughput == [2.0] and books.inflow == {"EC": 3.0}


def test_differences_of_cases_name_their_path() -> None:
    """Nested, added and removed keys, in the order of the old case."""
    old = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    new = {"a": {"b": 2, "c": [1, 2]}, "e": 3}
    assert list(differences(old, new)) == [("a.b", 1, 2), ("d", 1, None), ("e", None, 3)]
