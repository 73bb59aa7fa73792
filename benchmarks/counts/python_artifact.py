"""The Python artifact in some interpreter -> what its decisions take."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.counts import callgrind, decide, questions
from benchmarks.counts.questions import Kind
from benchmarks.places import BUILD, ROOT

_HERE = Path(__file__).resolve().parent
ARTIFACT = ROOT / "generated" / "python"
# The difference of so many passes and twice as many is what they take without the start; the
# interpreter has long put its fast paths in when the first are over.
_PASSES = 25

# A description is all that may change the number of instructions, besides the artifact itself.
_DESCRIBE = """\
import json, platform, re, sys, sysconfig
given = sysconfig.get_config_var
level = re.findall(r"-O\\S", given("PY_CFLAGS") or "")[-1:]
ways = {"--enable-optimizations": "pgo", "--with-lto": "lto", "--enable-shared": "shared"}
named = [way for flag, way in ways.items() if flag in (given("CONFIG_ARGS") or "")]
minor = f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}"
build = " ".join([platform.python_compiler(), *level, *named, platform.machine()])
print(json.dumps([minor, f"{minor} ({build})"]))
"""


def environment() -> dict[str, str]:
    """Return an environment in which strings hash alike in every run."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0"}


def _command(python: str, program: str, *arguments: str) -> list[str]:
    # Not -I, which also ignores the seed of the hashes. Compiled modules are kept apart, so that
    # no run leaves any in generated/.
    options = ["-P", "-s", "-S", "-X", f"pycache_prefix={BUILD / 'counts' / 'pycache'}"]
    return [python, *options, str(_HERE / program), *arguments]


def _printed(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )
    return done.stdout


@cache
def minor_and_build(python: str) -> tuple[str, str]:
    """Return an interpreter's minor version, and all that says how it was built, in words."""
    minor, build = json.loads(_printed([python, "-S", "-c", _DESCRIBE]))
    return minor, build


@cache
def traced(python: str, artifact: Path = ARTIFACT) -> dict[Kind, dict[str, float]]:
    """Return the `bytecodes` and `calls` of an average decision of each kind."""
    printed = _printed(_command(python, "trace.py", questions.file(), str(artifact)))
    return {Kind(kind): counted for kind, counted in json.loads(printed).items()}


def _loop(python: str, name: str, passes: int) -> list[str]:
    return _command(python, "decide.py", name, str(passes), questions.file(), str(ARTIFACT))


def instructions(python: str) -> dict[str, float]:
    """Return the instructions of a decision of each kind, and of one look-up in a dict.

    What it takes to go through the questions is left out.
    """
    sizes = {kind.value: len(asked) for kind, asked in questions.by_kind().items()}
    listed = sizes[Kind.LISTED.value]
    sizes = {decide.NOTHING: listed, decide.DICT: listed, **sizes}
    _printed(_loop(python, decide.NOTHING, 1))
    commands = [_loop(python, name, n * _PASSES) for name in sizes for n in (1, 2)]
    counted = callgrind.counts(commands, environment())
    each = {
        name: (twice - once) / (_PASSES * asked)
        for (name, asked), once, twice in zip(
            sizes.items(), counted[::2], counted[1::2], strict=True
        )
    }
    nothing = each.pop(decide.NOTHING)
    return {name: taken - nothing for name, taken in each.items()}
