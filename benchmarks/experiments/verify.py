"""How long `verify` takes on the real manifest, process start included.

Its rival lints an empty module: a program for another language of descriptions, which people run
at the same place of a build. From npm it is started as most do, by npx, and by itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import interleaved, rivals
from benchmarks.outcome import Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON
from tests import toolchains

TITLE = "`verify` of the real manifest, process start included"
RUNS = 21
REASON = (
    "What is left is mostly the cases of vectors.json, which the reference answers anew each time, "
    "and the import of the libraries that a run needs."
)


def _write_empty_module(folder: Path) -> None:
    """Write the least that buf takes for a module: a file that declares nothing."""
    (folder / "buf.yaml").write_text("version: v2\n", encoding="utf-8")
    (folder / "empty" / "v1").mkdir(parents=True)
    declared = 'syntax = "proto3";\n\npackage empty.v1;\n'
    (folder / "empty" / "v1" / "empty.proto").write_text(declared, encoding="utf-8")


def _commands(module: Path) -> dict[str, tuple[str, ...]]:
    packages = rivals.packages() / "node_modules"
    npx = (*toolchains.npm(), "exec", "--offline", "--prefix", str(packages.parent))
    return {
        "verify": (PYTHON, "-m", "codegen", "verify"),
        "make verify": ("make", "--no-print-directory", "verify"),
        "buf lint, by npx": (*npx, "--", "buf", "lint", str(module)),
        "buf lint": (str(packages / ".bin" / "buf"), "lint", str(module)),
        "python -c pass": (PYTHON, "-c", "pass"),
    }


def run() -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder)
        _write_empty_module(module)
        taken = interleaved.runs(_commands(module), RUNS)
    figures = tuple(
        figure("process", name, "s", interleaved.seconds(found)) for name, found in taken.items()
    )
    seconds = median(figures, "process", "verify")
    ratio = seconds / median(figures, "process", "buf lint, by npx")
    targets = (
        Target(
            what="`verify`",
            value=seconds,
            limit=0.15,
            side=Limit.AT_MOST,
            unit="s",
            reason=REASON,
        ),
        Target(what="`verify`, over `npx buf lint`", value=ratio, limit=1, side=Limit.AT_MOST),
    )
    return Outcome(figures=figures, targets=targets)
