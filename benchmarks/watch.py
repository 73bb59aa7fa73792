"""How long `watch` takes from a save of the real manifest to the files that it gives.

The clock starts when the save returns to the editor, and stops when the new text can be read in
an artifact; all of them change places in one step. Half of the saves write in place, the others
rename a new file over the old one, as most editors do. The exit code is 1 where a median is not
below its limit.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAVES = 60
LIMIT = 0.3
_NAME = "display_name: MiniMax China"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _rename(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _until(path: Path, needle: str) -> float:
    while True:
        try:
            if needle in path.read_text(encoding="utf-8"):
                return time.perf_counter()
        except FileNotFoundError:
            pass
        time.sleep(0.001)


def _measured(project: Path) -> dict[str, list[float]]:
    manifest, last = project / "providers.yaml", project / "generated" / "registry.json"
    text = manifest.read_text(encoding="utf-8")
    _until(last, "{")
    times: dict[str, list[float]] = {"written in place": [], "renamed over it": []}
    for number in range(SAVES):
        kind, save = (("written in place", _write), ("renamed over it", _rename))[number % 2]
        time.sleep(0.3)
        save(manifest, text.replace(_NAME, f"{_NAME} {number}"))
        saved = time.perf_counter()
        times[kind].append(_until(last, f"MiniMax China {number}") - saved)
    return times


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copy(ROOT / "providers.yaml", project)
        command = [sys.executable, "-m", "codegen", "watch"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            times = _measured(project)
            process.send_signal(signal.SIGINT)
    print(f"seconds from save to files, the median below {LIMIT}: fastest, median, slowest")
    for kind, taken in times.items():
        low, middle, high = min(taken), statistics.median(taken), max(taken)
        print(f"  {len(taken)} times {kind:<18} {low:.3f}  {middle:.3f}  {high:.3f}")
    if any(statistics.median(taken) >= LIMIT for taken in times.values()):
        sys.exit(f"a median is not below {LIMIT} s")


if __name__ == "__main__":
    main()
