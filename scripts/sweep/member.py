"""One member: a run in a process of its own, watched, tried again once, and its outcome kept.

Runs on the driver's machine or on a node of a cluster; all it needs is in its `MemberTask`.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal

from interphase.solvers.run_folder import write_whole

OUTCOME: Final = "member.json"
OUTPUT: Final = "member.out"

# A run stops with a checkpoint when it is asked to; after this long it is ended for good [s].
_GRACE: Final = 20.0
_POLL: Final = 0.1
_FULL: Final = ("No space left on device", "Disk quota exceeded", "errno = 28", "errno = 122")
_BAD_CASE: Final = 2
_STOPPED: Final = 3

Status = Literal["done", "failed", "stopped", "disk full"]


@dataclass(frozen=True, slots=True)
class MemberTask:
    """What is needed to run a member.

    Attributes:
        name: of the member.
        folder: of the member.
        running: file that exists while the study goes on.
        command: that runs the case; folder and overrides are added to it.
        overrides: of the case, KEY=VALUE.
        tighter: further overrides for the second attempt; empty: there is none.
        limit: wall time of an attempt [s], None for no limit.
    """

    name: str
    folder: str
    running: str
    command: tuple[str, ...]
    overrides: tuple[str, ...]
    tighter: tuple[str, ...] = ()
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a member ended.

    Attributes:
        name: of the member.
        status: done and failed are for good; the others are tried again by the next driver.
        reason: why it failed, empty otherwise.
        attempts: how often it was started.
        settings: ``as given``, or the tighter settings of the second attempt.
        seconds: wall time of all attempts of this driver [s].
        host: where it ran.
    """

    name: str
    status: Status
    reason: str = ""
    attempts: int = 1
    settings: str = "as given"
    seconds: float = 0.0
    host: str = ""


def read_outcome(folder: Path) -> Outcome | None:
    """Return the outcome that is kept in a member's folder, None if it has none or a broken one."""
    try:
        return Outcome(**json.loads((folder / OUTCOME).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def checkpoints(folder: Path) -> tuple[Path, ...]:
    """Return where a run may keep its checkpoint: a film in a file, a study in a folder."""
    return folder / "checkpoint.h5", folder / "checkpoint"


def run_member(task: MemberTask) -> Outcome:
    """Run a member to its outcome; one that has one already is left alone."""
    folder = Path(task.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            outcome = read_outcome(folder) or _run(task, folder)
    except OSError as error:
        status: Status = "disk full" if _full(str(error)) else "failed"
        outcome = Outcome(task.name, status, str(error), host=socket.gethostname())
    if outcome.status == "disk full":
        # Nothing starts on a full disk, however long the driver takes to hear of it.
        Path(task.running).unlink(missing_ok=True)
    return outcome


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process works on the member: one that a killed driver left, say."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(task: MemberTask, folder: Path) -> Outcome:
    before = ["--restart"] if any(map(Path.exists, checkpoints(folder))) else ["--overwrite"]
    outcome = _attempt(task, folder, [*_sets(task.overrides), *before])
    # A run past its time would be past it again; a case that is wrong stays wrong.
    again = outcome.status == "failed" and not outcome.reason.startswith(("time limit", "bad case"))
    if again and task.tighter:
        first = outcome
        sets = _sets((*task.overrides, *task.tighter))
        outcome = _attempt(task, folder, [*sets, "--overwrite"])
        reason = f"{outcome.reason} (first attempt: {first.reason})" if outcome.reason else ""
        outcome = replace(
            outcome,
            reason=reason,
            attempts=2,
            settings=", ".join(task.tighter),
            seconds=first.seconds + outcome.seconds,
        )
    if outcome.status in ("done", "failed"):
        write_whole(folder / OUTCOME, json.dumps(asdict(outcome), indent=1))
    return outcome


def _sets(overrides: tuple[str, ...]) -> list[str]:
    return [part for override in overrides for part in ("--set", override)]


def _attempt(task: MemberTask, folder: Path, options: list[str]) -> Outcome:
    """Run the case once."""
    host, started = socket.gethostname(), time.monotonic()
    if not Path(task.running).exists():
        return Outcome(task.name, "stopped", "the study was stopped", host=host)
    launch = [sys.executable, str(Path(__file__).with_name("launch.py")), str(os.getpid())]
    with (folder / OUTPUT).open("w") as output:
        process = subprocess.Popen(
            [*launch, *task.command, "-o", str(folder), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that all its ranks can be ended together
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        ended_by = _watch(process, task, started)
    seconds = time.monotonic() - started
    status, reason = _judge(process.returncode, ended_by, task, _last_words(folder / OUTPUT))
    return Outcome(task.name, status, reason, seconds=seconds, host=host)


def _watch(process: subprocess.Popen[bytes], task: MemberTask, started: float) -> str:
    """Wait for the end; return who brought it about: nobody, ``limit`` or ``study``."""
    ended_by, asked = "", 0.0
    while True:
        try:
            process.wait(_POLL)
            break
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        if not ended_by:
            if task.limit is not None and now - started > task.limit:
                ended_by = "limit"
            elif not Path(task.running).exists():
                ended_by = "study"
            if ended_by:
                asked = now
                _signal(process, signal.SIGTERM)
        elif now - asked > _GRACE:
            _signal(process, signal.SIGKILL)
    _signal(process, signal.SIGKILL)  # whatever it has left behind
    return ended_by


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def _judge(code: int, ended_by: str, task: MemberTask, words: str) -> tuple[Status, str]:
    if code == 0:
        return "done", ""
    if _full(words):
        return "disk full", words
    if ended_by == "study" or (code == _STOPPED and not ended_by):
        return "stopped", "stopped by a signal"
    if ended_by == "limit":
        return "failed", f"time limit of {task.limit:g} s exceeded"
    if code == _BAD_CASE:
        return "failed", f"bad case: {words}"
    # a shell's and mpirun's way of telling a signal is 128 + number
    number = -code if code < 0 else code - 128
    if number in set(signal.Signals):
        return "failed", f"killed by {signal.Signals(number).name}: {words}"
    return "failed", f"exit code {code}: {words}"


def _full(text: str) -> bool:
    return any(sign in text for sign in _FULL)


def _last_words(path: Path) -> str:
    """Return the last error that a run has told, or its last line."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[-1][:400]
