"""Run both halves of the fuzzing side by side, and say what they judged: `make fuzz`.

    python -m tests.fuzz

It ends with 0 when both judged as many inputs as they should, and no input broke the law. Where
the half by coverage cannot run, it says so and fails.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".artifacts" / "fuzz"
# How many inputs each half judges; the one by coverage is twice as fast.
RUNS = {"by_structure": 100_000, "by_coverage": 200_000}


def _start(half: str, runs: int) -> subprocess.Popen[bytes]:
    folder = FOLDER / half
    shutil.rmtree(folder, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = (FOLDER / f"{half}.log").open("wb")
    command = [sys.executable, "-m", f"tests.fuzz.{half}", str(runs), str(folder)]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def _judged(half: str) -> int:
    """Print what a half judged; return how many inputs that were."""
    path = FOLDER / half / "ledger.json"
    if not path.is_file():
        return 0
    noted = json.loads(path.read_text(encoding="utf-8"))
    print(
        f"{half.replace('_', ' ')}: {noted['inputs']:,} inputs judged, "
        f"{noted['compiled']:,} compiled, {noted['rendered']:,} rendered; "
        f"slowest {noted['slowest']:.2f} s, peak {noted['megabytes']:.0f} MB"
    )
    return int(noted["inputs"])


def _complain(half: str, code: int) -> None:
    log = (FOLDER / f"{half}.log").read_text(encoding="utf-8", errors="replace")
    print(f"{half.replace('_', ' ')}: FAILED with {code}; the end of {FOLDER / half}.log:")
    print("\n".join(log.splitlines()[-60:]))


def main() -> int:
    """Run the halves and return the exit code."""
    halves = [half for half in RUNS if half != "by_coverage" or _has_atheris()]
    began = time.monotonic()
    running = {half: _start(half, RUNS[half]) for half in halves}
    codes = {half: process.wait() for half, process in running.items()}
    judged = {half: _judged(half) for half in halves}
    for half, code in codes.items():
        if code != 0:
            _complain(half, code)
    print(f"{sum(judged.values()):,} inputs in all, in {time.monotonic() - began:.0f} s")
    if "by_coverage" not in halves:
        print("by coverage: NOT RUN, because atheris is not installed here")
    is_whole = all(judged.get(half, 0) >= runs for half, runs in RUNS.items())
    return 0 if is_whole and not any(codes.values()) else 1


def _has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


if __name__ == "__main__":
    sys.exit(main())
