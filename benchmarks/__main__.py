"""Runs the experiments, all or those that are named, and prints what they found.

    python -m benchmarks              everything; writes results.json, the charts and the page
    python -m benchmarks verify       one experiment; writes nothing

The exit code is 1 where a target is missed that `docs/performance.md` gives no reason for.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import experiments, results
from benchmarks.outcome import Outcome, Target


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.3f}" if value < 1 else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
    return f"{shown} {unit}"


def _verdict(target: Target) -> str:
    mark = "reached" if target.is_reached else "MISSED"
    limit = f"{target.side.value} {target.limit:g} {target.unit}"
    reason = "" if target.is_reached or not target.reason else f"\n{'':12}{target.reason}"
    value = _number(target.value, target.unit)
    return f"  {mark:<8}  {value:>12}  {limit:>10}  {target.what}{reason}"


def _print(name: str, outcome: Outcome, seconds: float) -> None:
    print(f"\n== {experiments.title(name)} ({name}, {seconds:.0f} s)")
    for each in outcome.figures:
        spread = f"{_number(each.low, each.unit)} to {_number(each.high, each.unit)}"
        print(f"  {_number(each.median, each.unit):>14}  {each.case}: {each.contender}  ({spread})")
    for target in outcome.targets:
        print(_verdict(target))
    sys.stdout.flush()


def _measured(names: list[str]) -> dict[str, Outcome]:
    outcomes = {}
    for name in names:
        started = time.perf_counter()
        outcomes[name] = experiments.run(name)
        _print(name, outcomes[name], time.perf_counter() - started)
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run experiments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(experiments.NAMES))
    names = parser.parse_args().names
    unknown = [name for name in names if name not in experiments.NAMES]
    if unknown:
        parser.error(f"no experiment is called {unknown[0]}")
    outcomes = _measured(names or list(experiments.NAMES))
    if not names:
        results.PATH.write_text(results.text(outcomes, results.machine()), encoding="utf-8")
    targets = [target for outcome in outcomes.values() for target in outcome.targets]
    missed = [target for target in targets if not target.is_reached]
    print(f"\n{len(targets) - len(missed)} of {len(targets)} targets reached")
    return 1 if any(not target.reason for target in missed) else 0


if __name__ == "__main__":
    sys.exit(main())
