"""Running the members of a study, several at once, on Parsl: here or on a cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from interphase.parameters.case_run import ControllerCase
from interphase.parameters.errors import InterphaseError, OutputError
from interphase.scripts.sweep.folder import StudyFolder
from interphase.scripts.sweep.member import MemberTask, Outcome, run_member
from interphase.scripts.sweep.plan import Member, Plan, workers_of
from interphase.scripts.sweep.study import ClusterCase, ResourcesCase
from interphase.solvers.progress import readable

logger = logging.getLogger("interphase.cli")

# Of the second attempt: half the step of the front, a quarter of the local error.
_FRONT, _ERROR, _REJECTIONS = 0.5, 0.25, 2
# A job whose driver is gone ends itself after so long [s].
_HEARTBEAT: Final = 60


class StudyStoppedError(InterphaseError):
    """A signal has stopped the driver; the study can go on later."""


@dataclass
class Tally:
    """What the members have come to so far.

    Attributes:
        total: members to run by this driver.
        workers: members that run at the same time.
        outcomes: of those that have ended, by name.
        stopped: whether a member was stopped before its end.
    """

    total: int
    workers: int
    stopped: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome) -> None:
        """Count a member and say how far the study is."""
        self.outcomes[outcome.name] = outcome
        ended = len(self.outcomes)
        failed = sum(one.status == "failed" for one in self.outcomes.values())
        elapsed = time.monotonic() - self._started
        left = elapsed / ended * (self.total - ended)
        logger.info(
            "%5.1f %%  %d of %d members, %d failed  left %s   %s %s%s",
            100.0 * ended / self.total, ended, self.total, failed, readable(left),
            outcome.name, outcome.status, f": {outcome.reason}" if outcome.reason else "",
        )  # fmt: skip

    def close(self) -> None:
        """Say how well the members filled the time."""
        elapsed = time.monotonic() - self._started
        own = sum(one.seconds for one in self.outcomes.values())
        logger.info(
            "%d members in %s, their own times %s: %.2f times their share of %d at once",
            self.total, readable(elapsed), readable(own),
            elapsed * self.workers / own if own > 0.0 else float("nan"), self.workers,
        )  # fmt: skip


def tasks_of(
    plan: Plan, folder: StudyFolder, members: Sequence[Member], program: Sequence[str] = ()
) -> list[MemberTask]:
    """Return what the members need to run.

    Args:
        plan: the study.
        folder: its folder.
        members: those to run.
        program: runs a case, instead of ``interphase run``.
    """
    resources = plan.study.resources
    command = (*_command(resources, program), str(folder.base))
    tighter = _tighter(plan.base.time.controller) if resources.retry else ()
    return [
        MemberTask(
            member.name,
            str(folder.of(member)),
            str(folder.running),
            command,
            member.overrides,
            tighter,
            resources.time_limit,
        )
        for member in members
    ]


def _command(resources: ResourcesCase, program: Sequence[str]) -> tuple[str, ...]:
    run = tuple(program) or (sys.executable, "-m", "interphase.scripts.main", "run")
    if resources.ranks == 1:
        return run
    launcher = shlex.split(resources.launcher.replace("{ranks}", str(resources.ranks)))
    # the mpirun that belongs to this environment, not the first on the path
    beside = Path(sys.executable).with_name(launcher[0])
    launcher[0] = str(beside) if beside.exists() else shutil.which(launcher[0]) or launcher[0]
    return (*launcher, *run)


def _tighter(controller: ControllerCase) -> tuple[str, ...]:
    return (
        f"time.controller.front_fraction={_FRONT * controller.front_fraction:.6g}",
        f"time.controller.rtol={_ERROR * controller.rtol:.6g}",
        f"time.controller.max_rejections={_REJECTIONS * controller.max_rejections}",
    )


def run_study(plan: Plan, folder: StudyFolder, program: Sequence[str] = ()) -> dict[str, Outcome]:
    """Run the members that have no outcome yet.

    Returns:
        The outcomes of all members that have one, by name.

    Raises:
        OutputError: the disk is full; the members in flight are not counted as failed.
        StudyStoppedError: a signal came.
    """
    kept = {m.name: o for m in plan.members if (o := folder.outcome(m)) is not None}
    todo = [member for member in plan.members if member.name not in kept]
    if kept:
        logger.info("%d of %d members have ended before", len(kept), len(plan.members))
    if not todo:
        return kept
    tasks = tasks_of(plan, folder, todo, program)
    tally = Tally(len(todo), min(workers_of(plan), len(todo)))
    logger.info("%d members to run, %d at once, in %s", len(todo), tally.workers, folder.path)
    with _kernel(plan, folder) as submit, _signals(folder):
        futures = {submit(task): task for task in tasks}
        for future in as_completed(futures):
            _count(tally, future, futures[future])
        if tally.stopped:
            raise StudyStoppedError("stopped; say the same again to go on")
        tally.close()
    return kept | tally.outcomes


def _count(tally: Tally, future: Future[Outcome], task: MemberTask) -> None:
    try:
        outcome = future.result()
    except Exception as error:
        # Parsl's own troubles, such as a node that went away: no outcome is kept on disk
        outcome = Outcome(task.name, "failed", f"lost: {type(error).__name__}: {error}")
    if outcome.status == "disk full":
        raise OutputError(
            f"cannot write {task.folder}: {outcome.reason}; make space and say the same again: "
            "members that have ended are kept"
        )
    if outcome.status == "stopped":
        # Why is said by the member that stopped the others, if one did.
        tally.stopped = True
        return
    tally.add(outcome)


@contextlib.contextmanager
def _signals(folder: StudyFolder) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into the end of the members, and of the study."""

    def stop(number: int, frame: FrameType | None) -> None:
        folder.running.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        raise StudyStoppedError(
            f"stopped by {signal.Signals(number).name}; say the same again to go on"
        )

    old = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _kernel(plan: Plan, folder: StudyFolder) -> Iterator[Callable[[MemberTask], Future[Outcome]]]:
    """Start Parsl and give what submits a member to it; end it with all that it started."""
    from parsl import DataFlowKernel, python_app
    from parsl.config import Config
    from parsl.executors import ThreadPoolExecutor

    cluster = plan.study.cluster
    if cluster is None:
        executor: Any = ThreadPoolExecutor(label="members", max_threads=plan.at_once)
    else:
        executor = _cluster_executor(cluster, plan.study.resources, folder)
    config = Config(
        executors=[executor],
        run_dir=str(folder.path / "parsl"),
        # a node that went away is no fault of the member
        retries=0 if cluster is None else 1,
        strategy="none" if cluster is None else "simple",
        initialize_logging=cluster is not None,
        usage_tracking=0,
    )
    kernel = DataFlowKernel(config)
    try:
        yield python_app(run_member, data_flow_kernel=kernel)
    finally:
        kernel.cleanup()


def _cluster_executor(cluster: ClusterCase, resources: ResourcesCase, folder: StudyFolder) -> Any:
    """Return the executor that runs members inside jobs of a batch system."""
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import SimpleLauncher

    per_job = max(cluster.cores_per_node // resources.ranks, 1)
    provider = _PROVIDERS[cluster.kind](cluster, SimpleLauncher())
    watched = [sys.executable, str(Path(__file__).with_name("launch.py")), str(os.getpid())]
    return HighThroughputExecutor(
        label="members",
        provider=provider,
        address=cluster.address,
        max_workers_per_node=min(per_job, resources.at_once or per_job),
        cores_per_worker=resources.ranks,
        heartbeat_threshold=_HEARTBEAT,
        heartbeat_period=_HEARTBEAT // 4,
        # Parsl's broker would outlive a killed driver and go on handing out members
        interchange_launch_cmd=[*watched, "interchange.py"],
        worker_logdir_root=str(folder.path / "parsl"),
    )


def _slurm(cluster: ClusterCase, launcher: Any) -> Any:
    from parsl.providers import SlurmProvider

    return SlurmProvider(
        partition=cluster.partition,
        account=cluster.account,
        exclusive=cluster.exclusive,
        cores_per_node=cluster.cores_per_node,
        walltime=cluster.walltime,
        init_blocks=1,
        min_blocks=0,
        max_blocks=cluster.jobs,
        scheduler_options=cluster.options,
        worker_init=cluster.setup,
        launcher=launcher,
    )


def _pbs(cluster: ClusterCase, launcher: Any) -> Any:
    from parsl.providers import PBSProProvider

    return PBSProProvider(
        queue=cluster.partition or "",
        account=cluster.account or "",
        cpus_per_node=cluster.cores_per_node,
        walltime=cluster.walltime,
        init_blocks=1,
        min_blocks=0,
        max_blocks=cluster.jobs,
        scheduler_options=cluster.options,
        worker_init=cluster.setup,
        launcher=launcher,
    )


_PROVIDERS: Final = {"slurm": _slurm, "pbs": _pbs}
