"""``interphase train data``: a designed set of film runs, kept as trajectories."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mpi4py import MPI
from pydantic import Field, model_validator

from interphase.meshes.parallel import on_root
from interphase.parameters.case_types import refuse
from interphase.parameters.errors import CaseError
from interphase.parameters.yaml_io import dump_yaml
from interphase.scripts.sweep.engine import StudyStoppedError
from interphase.scripts.sweep.plan import Member, Plan, make_plan, resolved
from interphase.scripts.sweep.study import Study, read_study
from interphase.solvers.run_folder import FolderError, write_whole, writing
from interphase.solvers.trajectory import record_trajectory

logger = logging.getLogger(__name__)


class DataStudy(Study):
    """A study whose members teach a network; as in a sweep but for what follows."""

    frame_growth: float = Field(default=0.25, gt=0.0, le=2.0)
    """Growth of the film between two frames, in interface widths [-]."""

    @model_validator(mode="after")
    def _check_blocks(self) -> Self:
        for name in ("cluster", "calibration"):
            if getattr(self, name) is not None:
                refuse(name, "is for interphase sweep; remove it")
        return self


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Names of the files of a data set.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def mark(self) -> Path:
        """Which study the folder holds."""
        return self.path / "study.json"

    def trajectory(self, member: Member) -> Path:
        """Return the file of a member."""
        return self.path / "trajectories" / f"{member.name}.h5"


def load_plan(path: Path) -> Plan:
    """Read and check a study of data.

    Raises:
        CaseError: it is wrong, or its film is driven by a cell.
    """
    plan = make_plan(read_study(path, DataStudy))
    if plan.base.drive.cell is not None:
        raise CaseError("a network learns from films alone; write kind: program", "drive.kind")
    return plan


def open_data(path: Path, plan: Plan) -> DataFolder:
    """Make or take the folder of a data set. For one rank.

    Raises:
        FolderError: it holds something else.
        OutputError: it cannot be written.
    """
    folder = DataFolder(path)
    if folder.mark.exists():
        if json.loads(folder.mark.read_text())["fingerprint"] != plan.fingerprint():
            raise FolderError(
                f"{path}: holds data of another study (base case or members differ); "
                "give another -o"
            )
    elif path.exists() and any(path.iterdir()):
        raise FolderError(f"{path}: holds files but no data; give another -o")
    with writing(path):
        (path / "trajectories").mkdir(parents=True, exist_ok=True)
    title = plan.study.title
    write_whole(folder.mark, json.dumps({"title": title, "fingerprint": plan.fingerprint()}))
    write_whole(path / "study.yaml", dump_yaml(resolved(plan)))
    return folder


def make_data(plan: Plan, folder: DataFolder, comm: MPI.Comm) -> int:
    """Run every member that has no trajectory yet, one after the other on all ranks. Collective.

    Returns:
        Number of members that were run.

    Raises:
        StudyStoppedError: by a signal.
        ConvergenceError: a member failed before its film had grown.
        OutputError: a trajectory cannot be written.
    """
    rows = tuple(factor.key.row for factor in plan.factors if factor.key.row)
    growth = plan.study.frame_growth if isinstance(plan.study, DataStudy) else 0.25
    ran = 0
    for member in plan.members:
        path = folder.trajectory(member)
        if on_root(comm, path.exists):
            continue
        notes: dict[str, Any] = {"study": plan.study.title, "member": member.index}
        count = record_trajectory(
            plan.case_of(member), path, comm, parameters=rows, interval=growth, notes=notes
        )
        if count is None:
            raise StudyStoppedError("stopped by a signal; say it again to go on")
        ran += 1
        if comm.rank == 0:
            logger.info("member %s of %d: %d frames", member.name, len(plan.members), count)
    return ran
