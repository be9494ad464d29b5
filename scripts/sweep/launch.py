"""Start a command that ends when its parent ends: ``python launch.py PARENT COMMAND...``.

A driver that is killed cannot end its members; the kernel can. The signal is asked for in the new
process, before it becomes the command, because code between fork and exec is not safe where the
parent has threads. Imports nothing of the package: it starts in a few hundredths of a second.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent has ended already")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
