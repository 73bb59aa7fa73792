"""Registries other than the real one, compiled by the compiler's own command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EVERYTHING = ROOT / "tests" / "manifests" / "everything.yaml"
# The compiler has an environment of its own, which `make` prepares beside the gateway's.
_PYTHON = os.environ.get("COMPILER_PYTHON", str(ROOT / ".venv" / "bin" / "python"))

# In the manifest of the compiler's tests some ids are withdrawn; before that they were listed.
_WITHDRAWN = """\
        models: [both, one-only, same/id]
        withdrawn_models:
          - gone-plain
          - {id: gone-told, reason: 'it "left"', replacement: both}
          - {id: gone-both, reason: '', replacement: one-only}
"""
_LISTED = """\
        models: [both, one-only, same/id, gone-plain, gone-told, gone-both]
"""
_WITHDRAWN_TOO = """\
        models: [both, two-only]
        withdrawn_models: [gone-both]
"""
_LISTED_TOO = """\
        models: [both, two-only, gone-both]
"""


def before_the_withdrawal() -> str:
    """Return the manifest in which the ids of the first runtime are all still listed."""
    text = EVERYTHING.read_text()
    for withdrawn, listed in ((_WITHDRAWN, _LISTED), (_WITHDRAWN_TOO, _LISTED_TOO)):
        assert text.count(withdrawn) == 1
        text = text.replace(withdrawn, listed)
    return text


def compiled(manifest: str, folder: Path) -> Path:
    """Compile a manifest; return the folder that holds its `provider_registry`."""
    path = folder / "providers.yaml"
    path.write_text(manifest)
    out = folder / "generated"
    # It warns of much, on purpose.
    command = [_PYTHON, "-m", "codegen", "generate", "--target", "python", "--fail-on", "error"]
    done = subprocess.run(
        [*command, "--manifest", str(path), "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "python"
