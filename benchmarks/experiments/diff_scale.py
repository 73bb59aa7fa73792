"""What `diff` and the proofs take for 1,000 providers, 50 runtimes and 100,000 pairs.

On the other side of the comparison, each third pattern has another literal, and each fifth arm
lists another id. The checks are those of the whole IR, without reading it: the proofs of overlaps,
shadows and payers are nearly all of them.
"""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path

from benchmarks import catalogs, interleaved
from benchmarks.outcome import Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON
from codegen import checks, parse, syntax
from codegen.source import Source

TITLE = "`diff` and the proofs at scale: 1,000 providers, 50 runtimes, 100,000 pairs"
RUNS = 3
TENTH, WHOLE = "a tenth", "the whole"
SIZES = {TENTH: 1, WHOLE: 10}
LIMIT = 10.0
# A tenth pays for the start of the process, so this is less than twelve.
NEARLY = 12.0


def _checked(text: str) -> float:
    """Return the seconds that all checks take, for an IR that nobody has asked anything yet."""
    source = Source(path="providers.yaml", text=text)
    root, _ = syntax.compose(source)
    assert root is not None
    registry, _ = parse.parse(source, root)
    gc.collect()
    gc.disable()
    started = time.perf_counter()
    for _ in checks.check(registry):
        pass
    seconds = time.perf_counter() - started
    gc.enable()
    return seconds


def _compared() -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as name:
        commands = {}
        for size, tenths in SIZES.items():
            sides = Path(name, f"{tenths} old.yaml"), Path(name, f"{tenths} new.yaml")
            for path, is_edited in zip(sides, (False, True), strict=True):
                text = catalogs.large(tenths, is_edited=is_edited)
                path.write_text(text, encoding="utf-8")
            commands[size] = (PYTHON, "-m", "codegen", "diff", *map(str, sides))
        taken = interleaved.runs(commands, RUNS)
    return {size: interleaved.seconds(found) for size, found in taken.items()}


def run() -> Outcome:
    compared = _compared()
    proved = {
        size: [_checked(catalogs.large(tenths)) for _ in range(RUNS)]
        for size, tenths in SIZES.items()
    }
    rows = {"`diff`, the whole process": compared, "all checks, within it": proved}
    figures = tuple(
        figure(case, size, "s", seconds)
        for case, found in rows.items()
        for size, seconds in found.items()
    )
    targets = []
    for case in rows:
        whole, tenth = median(figures, case, WHOLE), median(figures, case, TENTH)
        against = f"{case}, against a tenth"
        targets += [
            Target(what=case, value=whole, limit=LIMIT, side=Limit.AT_MOST, unit="s"),
            Target(what=against, value=whole / tenth, limit=NEARLY, side=Limit.AT_MOST),
        ]
    return Outcome(figures=figures, targets=tuple(targets))
