"""How long it takes to import the Python artifact, its rivals, or nothing, process start included.

The Python is the one that the rivals are installed in. The package is copied, so that one copy has
what Python compiled of it, as an installed one does, and another never has.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import interleaved, rivals
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import BUILD, ROOT
from benchmarks.python.answers import versions

TITLE = "Import of the Python artifact, process start included"
RUNS, FEW = 31, 5
_NOTHING, _OURS, _UNCOMPILED = (
    "python -c pass",
    "provider_registry",
    "provider_registry, not compiled",
)
_GENAI, _LITELLM = "genai_prices", "litellm"
# Else litellm fetches its list of prices from the network while it is imported.
_OFFLINE = "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; "


def _copy(name: str) -> Path:
    """Return a folder with a fresh copy of the package, without what Python compiled."""
    folder = BUILD / "python-import" / name
    shutil.rmtree(folder, ignore_errors=True)
    left_out = shutil.ignore_patterns("__pycache__")
    package = "provider_registry"
    shutil.copytree(ROOT / "generated" / "python" / package, folder / package, ignore=left_out)
    return folder


def _command(code: str, *flags: str) -> tuple[str, ...]:
    return (str(rivals.python()), *flags, "-c", code)


def _import(folder: Path) -> str:
    return f"import sys; sys.path.insert(0, {str(folder)!r}); import provider_registry"


def _measured() -> dict[str, list[interleaved.Run]]:
    quick = {
        _NOTHING: _command("pass"),
        _OURS: _command(_import(_copy("compiled"))),
        _UNCOMPILED: _command(_import(_copy("not-compiled")), "-B"),
        _GENAI: _command("import genai_prices"),
    }
    slow = {_LITELLM: _command(f"{_OFFLINE}import litellm")}
    return interleaved.runs(quick, RUNS) | interleaved.runs(slow, FEW)


def _over(figures: tuple[Figure, ...], name: str) -> float:
    """Return what an import adds to an empty process, in seconds."""
    return median(figures, "process", name) - median(figures, "process", _NOTHING)


def run() -> Outcome:
    taken = _measured()
    figures = tuple(
        figure("process", name, "s", interleaved.seconds(runs)) for name, runs in taken.items()
    )
    ours = _over(figures, _OURS)
    targets = (
        Target(
            what="over an empty interpreter",
            value=1_000 * ours,
            limit=12,
            side=Limit.AT_MOST,
            unit="ms",
            reason=f"Without what Python compiled: {1_000 * _over(figures, _UNCOMPILED):.1f} ms.",
        ),
        Target(
            what="beside `import genai_prices`, both over an empty interpreter",
            value=_over(figures, _GENAI) / ours,
            limit=10,
            side=Limit.AT_LEAST,
            reason=f"Beside `import litellm`: {_over(figures, _LITELLM) / ours:,.0f} ×.",
        ),
    )
    return Outcome(figures=figures, targets=targets, versions=versions())
