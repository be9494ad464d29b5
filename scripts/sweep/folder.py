"""The folder of a study: which study it holds, and that one driver at a time works in it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interphase.parameters.yaml_io import dump_yaml
from interphase.scripts.sweep.member import OUTCOME, Outcome, checkpoints, read_outcome
from interphase.scripts.sweep.plan import Member, Plan, resolved
from interphase.solvers.run_folder import FolderError, write_whole, writing


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Names of the files of a study.

    Attributes:
        path: the folder, absolute.
    """

    path: Path

    @property
    def base(self) -> Path:
        """The base case, every default filled in; the members are runs of it."""
        return self.path / "base.yaml"

    @property
    def running(self) -> Path:
        """Exists while a driver works; remove it to stop the study."""
        return self.path / ".running"

    def of(self, member: Member) -> Path:
        """Return the folder of a member."""
        return self.path / "members" / member.name

    def outcome(self, member: Member) -> Outcome | None:
        """Return how a member ended, None if it has not."""
        return read_outcome(self.of(member))

    def forget_failures(self, plan: Plan) -> None:
        """Let failed members be run again."""
        for member in plan.members:
            outcome = self.outcome(member)
            if outcome is not None and outcome.status == "failed":
                (self.of(member) / OUTCOME).unlink()
                # from the start: what led to the failure may be in the checkpoint
                for checkpoint in checkpoints(self.of(member)):
                    if checkpoint.is_dir():
                        shutil.rmtree(checkpoint)
                    else:
                        checkpoint.unlink(missing_ok=True)


@contextmanager
def opened(path: Path, plan: Plan) -> Iterator[StudyFolder]:
    """Make or take the folder of a study, for one driver.

    Raises:
        FolderError: it holds another study, a run, or a driver is at work in it.
        OutputError: it cannot be written.
    """
    folder = StudyFolder(path.resolve())
    mark = folder.path / "study.json"
    if mark.exists():
        held = json.loads(mark.read_text())
        if held["fingerprint"] != plan.fingerprint():
            raise FolderError(
                f"{path}: holds another study ({held['title']}: its base case or members differ); "
                "give another -o"
            )
    elif folder.path.exists() and any(folder.path.iterdir()):
        raise FolderError(f"{path}: holds files but no study; give another -o")
    with writing(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = (folder.path / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(
                f"{path}: a driver is at work in it; wait for it or stop it"
            ) from None
        title = plan.study.title
        write_whole(mark, json.dumps({"title": title, "fingerprint": plan.fingerprint()}))
        write_whole(folder.base, plan.base.to_yaml())
        write_whole(folder.path / "study.yaml", dump_yaml(resolved(plan)))
        with writing(folder.running):
            folder.running.touch()
        try:
            yield folder
        finally:
            folder.running.unlink(missing_ok=True)
