"""A Slurm of its own on one machine: munge, controller and node daemon in a folder, as root.

Installed from Debian's ``slurm-wlm`` where the variable INTERPHASE_SLURM is ``install``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
SwitchType=switch/none
ReturnToService=2
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=work Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Return why there can be no Slurm here, empty if there can be one; may install it."""
    if os.geteuid() != 0:
        return "only root can start a Slurm controller"
    if all(shutil.which(name) for name in NEEDED):
        return ""
    if os.environ.get("INTERPHASE_SLURM") != "install" or shutil.which("apt-get") is None:
        return "slurm-wlm is not installed; INTERPHASE_SLURM=install installs it"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "slurm-wlm"]):
        done = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            return f"slurm-wlm cannot be installed: {done.stderr.strip()[-200:]}"
    return ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(folder: Path, cores: int) -> Iterator[dict[str, str]]:
    """Start a Slurm in a folder with a short name; give the variables that name it."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    text = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0], folder=folder, cores=cores,
        controller=_free_port(), node=_free_port(),
    )  # fmt: skip
    (folder / "slurm.conf").write_text(text)
    variables = {"SLURM_CONF": str(folder / "slurm.conf")}
    environment = os.environ | variables
    munge = ["munged", "--foreground", "--force", "--num-threads", "2"]
    for name, file in (("key-file", "munge.key"), ("socket", "munge.socket"),
                       ("pid-file", "munge.pid"), ("log-file", "munge.log"),
                       ("seed-file", "munge.seed")):  # fmt: skip
        munge += [f"--{name}", str(folder / file)]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in (munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D"]):
            with (folder / f"{command[0]}.out").open("wb") as output:
                daemons.append(
                    subprocess.Popen(command, env=environment, stdout=output, stderr=output)
                )
            time.sleep(1.0)
        _wait_until_idle(environment, folder)
        yield variables
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _wait_until_idle(environment: dict[str, str], folder: Path) -> None:
    deadline = time.monotonic() + 60.0
    while True:
        found = subprocess.run(
            ["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True
        )
        if "idle" in found.stdout:
            return
        if time.monotonic() > deadline:
            told = "\n".join(path.read_text()[-500:] for path in folder.glob("*.out"))
            raise RuntimeError(f"Slurm does not start: {found.stdout}{found.stderr}\n{told}")
        time.sleep(0.5)
