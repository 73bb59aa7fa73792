"""Catalogs that grow -> Python packages, kept for the next run under the digest of what made them.

python -m benchmarks.python.growing NUMBER_OF_THE_SIZE FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import catalogs, grown
from benchmarks.places import BUILD, PYTHON, ROOT, environment
from codegen.targets import python


def package(number: int) -> Path:
    """Return the folder on whose path the package of one size of `catalogs.GROWTH` is.

    It is made in a process of its own, and compiled by whoever imports it first; both take
    seconds, and gigabytes of memory, for the largest.
    """
    size = catalogs.GROWTH[number]
    folder = BUILD / "python-growth" / f"{size.ids}-{grown.digest('python')}"
    if not (folder / "python" / "pyproject.toml").is_file():
        print(f"set-up: a Python package of {size.ids:,} ids", flush=True)
        command = [PYTHON, "-m", "benchmarks.python.growing", str(number), str(folder)]
        subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return folder / "python"


if __name__ == "__main__":
    asked = catalogs.GROWTH[int(sys.argv[1])]
    grown.write(grown.artifacts(asked, "python", python.pages), Path(sys.argv[2]))
