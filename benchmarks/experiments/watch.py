"""How long `watch` takes from a save of the real manifest to the files that it gives.

The clock starts when the save returns to the editor, and stops when the new text can be read in
an artifact; all of them change places in one step. Half of the saves write in place, the others
rename a new file over the old one, as most editors do.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.outcome import Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON, ROOT, environment

TITLE = "From a save under `watch` to the files"
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


def run() -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copy(ROOT / "providers.yaml", project)
        with subprocess.Popen(
            [PYTHON, "-m", "codegen", "watch"],
            cwd=project,
            env=environment() | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            times = _measured(project)
            process.send_signal(signal.SIGINT)
    figures = tuple(figure("save", kind, "s", taken) for kind, taken in times.items())
    targets = tuple(
        Target(
            what=f"from a save, {kind}, to the files",
            value=median(figures, "save", kind),
            limit=LIMIT,
            side=Limit.AT_MOST,
            unit="s",
        )
        for kind in times
    )
    return Outcome(figures=figures, targets=targets)
