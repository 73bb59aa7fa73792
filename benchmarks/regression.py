"""Holds counts and ratios of counts to those of `counts.json`; no clock is read.

    python -m benchmarks.regression             compare; exit code 1 where one rose
    python -m benchmarks.regression --record    write down what they are now
    … --also PYTHON                             with the Python artifact in this interpreter too

`make bench-check`, `make bench-check RECORD=1` and `make bench-check RECORD=1 ALSO=PYTHON` are the
same. What a count depends on stands over it in `counts.json`: nothing, the minor version of an
interpreter, or how that was built. Counts for other conditions are not compared, which is said.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import failures
from benchmarks.counts import compiler, decide, go_artifact, python_artifact
from benchmarks.outcome import NotRunError
from benchmarks.places import PYTHON

PATH = Path(__file__).resolve().parent / "counts.json"

# All counts but those of Go's maps repeat to the digit, and those repeat to 2 %. Another patch
# version of an interpreter, or another question when the manifest changes, moves them by less than
# this; one look-up more in a listed decision moves them by more.
TOLERANCE = 0.1

AGAIN = "make bench-check RECORD=1"

Counted = dict[str, float]
Records = dict[tuple[str, str], Counted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Counts that depend on the same conditions: `on` says which, `what` what is counted."""

    what: str
    on: str
    count: Callable[[], Counted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One count as it was recorded and as it is now; None where it is on one side only."""

    name: str
    was: float | None
    now: float | None

    @property
    def is_worse(self) -> bool:
        """Whether it rose by more than the tolerance, or cannot be compared."""
        if self.was is None or self.now is None:
            return True
        return self.now > self.was * (1 + TOLERANCE)

    @property
    def is_better(self) -> bool:
        """Whether it fell by more than the tolerance."""
        if self.was is None or self.now is None:
            return False
        return self.now < self.was * (1 - TOLERANCE)


# what is counted


def _over(yardstick: str, counted: Counted) -> Counted:
    return {
        f"{name} ÷ {yardstick}": taken / counted[yardstick]
        for name, taken in counted.items()
        if name != yardstick
    }


def _traced(python: str, what: str) -> Counted:
    return {kind.value: each[what] for kind, each in python_artifact.traced(python).items()}


def _allocations() -> Counted:
    return {kind.value: float(made) for kind, made in go_artifact.allocations().items()}


def _verify_over_pass() -> Counted:
    counted = {name: float(compiler.instructions(name)) for name in compiler.COMMANDS}
    return _over(compiler.PASS, counted)


def _of_go() -> Iterator[Group]:
    yield Group(what="allocations of the worst decision", on="Go", count=_allocations)
    if not go_artifact.is_here():
        return
    yield Group(
        what="instructions of a decision",
        on=go_artifact.version(),
        count=lambda: _over(go_artifact.MAP, go_artifact.instructions()),
    )


def _of_python(python: str) -> Iterator[Group]:
    minor, build = python_artifact.minor_and_build(python)
    implementation = minor.split()[0]
    yield Group(
        what="calls of a decision", on=implementation, count=lambda: _traced(python, "calls")
    )
    yield Group(
        what="bytecodes of a decision", on=minor, count=lambda: _traced(python, "bytecodes")
    )
    yield Group(
        what="instructions of a decision",
        on=build,
        count=lambda: _over(decide.DICT, python_artifact.instructions(python)),
    )


def _of_compiler() -> Iterator[Group]:
    minor, build = python_artifact.minor_and_build(PYTHON)
    yield Group(
        what="calls of a process",
        on=minor,
        count=lambda: {compiler.VERIFY: float(compiler.calls())},
    )
    yield Group(what="instructions of a process", on=build, count=_verify_over_pass)


# the record


def read(text: str) -> Records:
    """Return what is recorded, from the text of `counts.json`."""
    return {(entry["what"], entry["on"]): entry["counts"] for entry in json.loads(text)}


def _rounded(count: float) -> float:
    rounded = float(f"{count:.4g}")
    return int(rounded) if rounded.is_integer() else rounded


def text_of(records: Records) -> str:
    """Return the text of `counts.json`; four digits are more than two runs of Go share."""
    entries = [
        {"what": what, "on": on, "counts": {name: _rounded(each) for name, each in counts.items()}}
        for (what, on), counts in sorted(records.items())
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def changes(was: Counted, now: Counted) -> list[Change]:
    """Return one change for each name of either side, in the order of the newer one."""
    names = [*now, *(name for name in was if name not in now)]
    return [Change(name=name, was=was.get(name), now=now.get(name)) for name in names]


# what is said


def _number(count: float | None) -> str:
    return "nothing" if count is None else f"{_rounded(count):,}"


def _mark(change: Change) -> str:
    if change.was is None:
        return "NEW"
    if change.now is None:
        return "GONE"
    return "ROSE" if change.is_worse else "fell" if change.is_better else "ok"


def _line(change: Change) -> str:
    by = ""
    if change.was and change.now and (change.is_worse or change.is_better):
        by = f" ({change.now / change.was - 1:+.0%})"
    sides = f"was {_number(change.was)}, now {_number(change.now)}{by}"
    return f"  {_mark(change):<5}  {change.name}: {sides}"


def _compared(group: Group, records: Records) -> list[Change] | None:
    """Print how a group compares, and return that; None where it cannot be compared."""
    print(f"\n{group.what}, {group.on}", flush=True)
    was = records.get((group.what, group.on))
    if was is None:
        print(f"  NOT COMPARED: nothing is recorded for this; `{AGAIN}` records it")
        return None
    try:
        found = changes(was, group.count())
    except NotRunError as error:
        print(f"  NOT COUNTED: {error}")
        return None
    for change in found:
        print(_line(change), flush=True)
    return found


def _verdict(found: list[Change], left_out: list[Group]) -> int:
    worse = [change for change in found if change.is_worse]
    print(f"\nbench-check: {len(found)} counts compared with benchmarks/{PATH.name};", end=" ")
    print(f"{len(worse) or 'none'} worse by more than {100 * TOLERANCE:.0f} %")
    if left_out:
        print("bench-check: NOT compared, as said above:")
        for group in left_out:
            print(f"  {group.what}, {group.on}")
    if worse:
        print(f"bench-check: where that is right, `{AGAIN}` records it anew; say why in the commit")
    elif any(change.is_better for change in found):
        print(f"bench-check: some fell; `{AGAIN}` records that, so that it is not lost again")
    return 1 if worse or not found else 0


# the two commands


def compare(groups: list[Group], records: Records) -> int:
    """Count, print how that compares with the record, and return the exit code."""
    found: list[Change] = []
    left_out = []
    for group in groups:
        compared = _compared(group, records)
        if compared is None:
            left_out.append(group)
        else:
            found += compared
    return _verdict(found, left_out)


def record(groups: list[Group], records: Records) -> int:
    """Count everything, write it down, and return the exit code.

    All counts of a record are of one state of the artifacts, so what is not counted now goes.
    """
    counted: Records = {}
    for group in groups:
        print(f"{group.what}, {group.on}", flush=True)
        counted[group.what, group.on] = group.count()
    PATH.write_text(text_of(counted), encoding="utf-8")
    print(f"wrote benchmarks/{PATH.name}")
    for what, on in records:
        if (what, on) not in counted:
            print(f"  no longer in it, as it was not counted now: {what}, {on}")
    return 0


def groups(pythons: list[str]) -> list[Group]:
    """Return what can be counted: of the Python artifact in each interpreter, and of the rest."""
    every = [*_of_go(), *(group for python in pythons for group in _of_python(python))]
    every += _of_compiler()
    return list({(group.what, group.on): group for group in reversed(every)}.values())[::-1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.regression",
        description="Compare counts and ratios of counts with those that are recorded.",
    )
    parser.add_argument("--record", action="store_true", help="write down what they are now")
    parser.add_argument(
        "--also",
        nargs="+",
        metavar="PYTHON",
        default=[],
        help="count the Python artifact in these interpreters too",
    )
    return parser


def main() -> int:
    chosen = _parser().parse_args()
    records = read(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
    step = record if chosen.record else compare
    try:
        return step(groups([PYTHON, *chosen.also]), records)
    except failures.EXPECTED as error:
        print(f"bench-check: nothing is written: {failures.words(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nbench-check: interrupted; nothing is written", file=sys.stderr)
        sys.exit(130)
