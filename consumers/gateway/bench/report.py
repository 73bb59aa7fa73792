"""Results -> `bench/results.json` and the tables of `bench/README.md` between their marks."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.contenders import GATEWAY, LITELLM
from bench.measure import Memory, Overhead, Settings, Throughput

_HERE = Path(__file__).resolve().parent
RESULTS = _HERE / "results.json"
PAGE = _HERE / "README.md"
_BLOCK = re.compile(r"<!-- measured -->\n.*?<!-- end -->", re.DOTALL)

_OVERHEAD = """**Added to a request**, compared with direct calls in the same run, in turn, from the
planned moment of sending. One that cannot keep up with the rate shows how long its queue grew."""

# The targets: at this rate, so many milliseconds more at the median, and so on.
RATE = 50
MOST_ADDED = 3.0
LEAST_TIMES_LITELLM = 3.0
# A line that rises by less than this part of the memory, over the whole time, is flat.
MOST_GROWTH = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that one run measured, and where and how."""

    machine: dict[str, str]
    note: str
    settings: Settings
    litellm: str
    overheads: Sequence[Overhead]
    throughputs: Sequence[Throughput]
    memories: Sequence[Memory]


def machine() -> dict[str, str]:
    """Return what a reader needs to know about the machine; nothing that names its owner."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(names, platform.processor() or "unknown"),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _failures(failures: Sequence[str]) -> str:
    return "; ".join(failures) if failures else "none"


def _overhead_table(overheads: Iterable[Overhead]) -> str:
    head = [
        "",
        "a second",
        "events come",
        "first: median",
        "first: p99",
        "end: median",
        "end: p99",
        "failed",
    ]
    rows = []
    for each in overheads:
        added = each.added
        figures = (added.first.median, added.first.p99, added.whole.median, added.whole.p99)
        shown = [f"{value:.2f} ms" for value in figures]
        rows.append([each.contender, f"{each.rate:g}", each.pace, *shown, _failures(each.failures)])
    return _table(head, rows)


def _throughput_table(throughputs: Iterable[Throughput]) -> str:
    rows = [
        [
            each.contender,
            f"{each.median:.0f}",
            f"{min(each.rounds):.0f} to {max(each.rounds):.0f}",
            _failures(each.failures),
        ]
        for each in throughputs
    ]
    return _table(["", "streams a second", "rounds", "failed"], rows)


def _memory_table(memories: Iterable[Memory]) -> str:
    head = ["", "idle", "start", "end", "highest", "slope", "counted", "clients", "failed"]
    rows = []
    for each in memories:
        line = each.growth
        sizes = [f"{size:.0f} MB" for size in (each.idle, line.start, line.end, line.highest)]
        slope = f"{line.slope:+.2f} MB a minute"
        counted = f"{line.minutes:.1f} minutes"
        rows.append([each.contender, *sizes, slope, counted, str(each.clients), str(each.failures)])
    return _table(head, rows)


def _overhead_targets(overheads: Iterable[Overhead]) -> Iterator[list[str]]:
    for each in overheads:
        if each.contender != GATEWAY or each.rate != RATE:
            continue
        for place, added in (("first event", each.added.first), ("end", each.added.whole)):
            what = f"added to the {place} at {RATE} a second, median, events {each.pace}"
            reached = added.median <= MOST_ADDED and not each.failures
            yield [what, f"{added.median:.2f} ms", f"≤ {MOST_ADDED:g} ms", _said(reached)]


def _throughput_targets(throughputs: Iterable[Throughput]) -> Iterator[list[str]]:
    rates = {each.contender: each for each in throughputs}
    if GATEWAY in rates and LITELLM in rates:
        times = rates[GATEWAY].median / rates[LITELLM].median
        reached = times >= LEAST_TIMES_LITELLM and not rates[GATEWAY].failures
        limit = f"≥ {LEAST_TIMES_LITELLM:g}"
        yield ["streams a second, times those of litellm", f"{times:.1f}", limit, _said(reached)]


def _memory_targets(memories: Iterable[Memory]) -> Iterator[list[str]]:
    for each in memories:
        if each.contender == GATEWAY:
            share = each.growth.share
            reached = share <= MOST_GROWTH and not each.failures
            limit = f"≤ {MOST_GROWTH:.0%}"
            yield ["growth of memory over the time", f"{share:+.1%}", limit, _said(reached)]


def _said(reached: bool) -> str:
    return "yes" if reached else "**no**"


def tables(results: Results) -> str:
    """Return all tables, as Markdown."""
    where = ", ".join(f"{key}: {value}" for key, value in results.machine.items())
    settings = results.settings
    parts = [
        f"Measured in one run on one machine ({where}); litellm {results.litellm}. {results.note}",
        _OVERHEAD,
        _overhead_table(results.overheads),
        f"**At saturation**, {settings.connections} connections that ask again at once:",
        _throughput_table(results.throughputs),
    ]
    if results.memories:
        what = "resident, under slow streaming clients; the first fifth of the time is not counted"
        parts += [f"**Memory**, {what}:", _memory_table(results.memories)]
    targets = [
        *_overhead_targets(results.overheads),
        *_throughput_targets(results.throughputs),
        *_memory_targets(results.memories),
    ]
    if targets:
        parts += ["**Targets**:", _table(["what", "measured", "must be", "reached"], targets)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def refreshed(page: str, results: Results) -> str:
    """Return a page with these tables between its marks; raises LookupError without marks."""
    if len(_BLOCK.findall(page)) != 1:
        raise LookupError("the page must have the marks of the measurement once")
    block = f"<!-- measured -->\n\n{tables(results)}\n<!-- end -->"
    return _BLOCK.sub(lambda _: block, page)


def write(results: Results) -> None:
    """Write the results and refresh the page."""
    RESULTS.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def failed(results: Results) -> bool:
    """Return whether any request failed that should not."""
    return any(
        [
            *(each.failures for each in results.overheads),
            *(each.failures for each in results.throughputs),
            *(each.failures for each in results.memories),
        ]
    )
