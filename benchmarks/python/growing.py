"""Catalogs that grow -> Python packages, kept for the next run under the digest of what made them.

python -m benchmarks.python.growing NUMBER_OF_THE_SIZE FOLDER
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import catalogs
from benchmarks.places import BUILD, PYTHON, ROOT, environment
from codegen import syntax
from codegen.ir import Registry, Text
from codegen.options import Options
from codegen.parse import parse
from codegen.render import render
from codegen.source import Source
from codegen.targets import python

_MAKERS = ("codegen/*.py", "codegen/targets/*.py", "templates/python/**/*.j2")


def _registry(size: catalogs.Size) -> Registry:
    """Return a catalog of a size, without the checks, of which some look at all pairs of arms.

    The ids are put in behind the reader, which refuses a manifest of more than 400,000 values.
    """
    plain = catalogs.growing(catalogs.Size(providers=size.providers, ids=0))
    source = Source(path="providers.yaml", text=plain)
    root, _ = syntax.compose(source)
    assert root is not None
    registry, _ = parse(source, root)
    (runtime,) = registry.runtimes
    ids = tuple(map(Text, catalogs.listed(size)))
    arms = tuple(
        replace(arm, models=ids[i :: size.providers]) for i, arm in enumerate(runtime.arms)
    )
    return replace(registry, runtimes=(replace(runtime, arms=arms),))


def _digest(size: catalogs.Size) -> str:
    content = hashlib.sha256(repr(size).encode())
    makers = [Path(catalogs.__file__), Path(__file__)]
    makers += sorted(path for pattern in _MAKERS for path in ROOT.glob(pattern))
    for path in makers:
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def _write(size: catalogs.Size, folder: Path) -> None:
    options = Options(manifest=Path("providers.yaml"), out=folder, targets=("python",))
    for artifact in render(python.pages(_registry(size), options)):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")


def package(number: int) -> Path:
    """Return the folder on whose path the package of one size of `catalogs.GROWTH` is.

    It is made in a process of its own, and compiled by whoever imports it first; both take
    seconds, and gigabytes of memory, for the largest.
    """
    size = catalogs.GROWTH[number]
    folder = BUILD / "python-growth" / f"{size.ids}-{_digest(size)}"
    if not (folder / "python" / "pyproject.toml").is_file():
        print(f"set-up: a Python package of {size.ids:,} ids", flush=True)
        command = [PYTHON, "-m", "benchmarks.python.growing", str(number), str(folder)]
        subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return folder / "python"


if __name__ == "__main__":
    _write(catalogs.GROWTH[int(sys.argv[1])], Path(sys.argv[2]))
