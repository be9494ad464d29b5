"""Run the benchmarks: ``python -m interphase.scripts.benchmarks [NAME ...] [-o DIR]``."""

from __future__ import annotations

import os
import sys

# Before numpy is imported: every way gets one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from interphase.scripts.benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main())
