"""How long `make verify` takes on the real manifest, process start included.

The runs of the two commands are interleaved, so that a machine whose speed wanders slows
both. Times are whole processes as a caller waits for them.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 21

COMMANDS = {
    "make verify": ["make", "--no-print-directory", "verify"],
    "python -m codegen verify": [sys.executable, "-m", "codegen", "verify"],
    "python -c pass": [sys.executable, "-c", "pass"],
}


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    for command in COMMANDS.values():
        _seconds(command)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            times[name].append(_seconds(command))
    print(f"{RUNS} interleaved runs, seconds: fastest, median, slowest")
    for name, taken in times.items():
        low, middle, high = min(taken), statistics.median(taken), max(taken)
        print(f"  {name:<26} {low:.3f}  {middle:.3f}  {high:.3f}")


if __name__ == "__main__":
    main()
