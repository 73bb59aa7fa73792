"""Run a command, and write what it took as JSON: its exit code, seconds and peak megabytes.

    python -I -S measured.py RESULT SECONDS COMMAND…

It is a process of its own, with next to nothing in it, because the peak that a system reports
of a child begins with what its parent has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time


def main(result: str, patience: float, *command: str) -> None:
    started = time.perf_counter()
    process = subprocess.Popen(command)
    timer = threading.Timer(patience, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    per_megabyte = 1 << 20 if sys.platform == "darwin" else 1 << 10
    taken = {
        "code": os.waitstatus_to_exitcode(status),
        "waited": time.perf_counter() - started,
        "seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / per_megabyte,
    }
    with open(result, "w", encoding="utf-8") as stream:
        json.dump(taken, stream)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
