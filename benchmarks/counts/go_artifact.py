"""The Go artifact -> what its decisions take."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

from benchmarks.counts import callgrind, questions
from benchmarks.counts.questions import Kind
from benchmarks.outcome import NotRunError
from benchmarks.places import BUILD, ROOT
from tests import toolchains

_SOURCE = Path(__file__).resolve().parent / "go" / "main.go"
_MODULE = """\
module counts

go 1.21

require example.com/provider-registry v0.0.0

replace example.com/provider-registry => {artifact}
"""
MAP = "map look-up"
# So many that what the heap does once, to get its first pages, weighs nothing.
_PASSES = 1_000

HOW = "go is not on this machine; `make test` installs it"


def is_here() -> bool:
    """Whether this machine has Go."""
    return toolchains.go() is not None


def _go(*arguments: str, cwd: Path = ROOT) -> str:
    go = toolchains.go()
    if go is None:
        raise NotRunError(HOW)
    done = subprocess.run(
        [str(go), *arguments],
        cwd=cwd,
        env=toolchains.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@cache
def version() -> str:
    """Return what Go calls itself and what it compiles for, in words."""
    name, *target = _go("env", "GOVERSION", "GOOS", "GOARCH").split()
    minor = re.match(r"go(\d+\.\d+)", name)
    return f"Go {minor[1] if minor else name} ({' '.join(target)})"


@cache
def _program() -> str:
    folder = BUILD / "counts" / "go"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.go").write_bytes(_SOURCE.read_bytes())
    module = _MODULE.format(artifact=ROOT / "generated" / "go")
    (folder / "go.mod").write_text(module, encoding="utf-8")
    _go("build", "-o", "counts", ".", cwd=folder)
    return str(folder / "counts")


def allocations() -> dict[Kind, int]:
    """Return the allocations of the worst decision of each kind."""
    command = [_program(), "allocations", "1", questions.file()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {Kind(kind): made for kind, made in json.loads(done.stdout).items()}


def _environment() -> dict[str, str]:
    """Return an environment in which one thread runs, and nothing collects or interrupts."""
    return os.environ | {"GOGC": "off", "GOMAXPROCS": "1", "GODEBUG": "asyncpreemptoff=1"}


def _loop(name: str, function: str, asked: int) -> float:
    command = [_program(), name, str(_PASSES), questions.file()]
    counted = callgrind.count(command, _environment(), only=function)
    return counted / (_PASSES * asked)


def instructions() -> dict[str, float]:
    """Return the instructions of a decision of each kind, and of one look-up in a map.

    A map has another seed in every process, so two runs differ by a little.
    """
    sizes = {kind: len(asked) for kind, asked in questions.by_kind().items()}
    counted = {MAP: _loop(MAP, "main.look", sizes[Kind.LISTED])}
    for kind, asked in sizes.items():
        counted[kind.value] = _loop(kind.value, "main.decide", asked)
    return counted
