"""Runs the experiments, all or those that are named, and prints what they found.

    python -m benchmarks              everything; writes results.json, the charts and the page
    python -m benchmarks verify       one experiment; writes nothing

The exit code is 1 where a target is missed without a reason, or an experiment cannot run here: its
tool is missing, or a command of it failed. Then nothing is written, as the files are of one run.
It is 2 for a name that no experiment has, and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks import charts, experiments, failures, page, results
from benchmarks.outcome import Outcome, Target
from benchmarks.quantities import shown, spread


def _verdict(target: Target) -> str:
    mark = "reached" if target.is_reached else "MISSED"
    limit = f"{target.side.value} {shown(target.limit, target.unit)}"
    reason = "" if target.is_reached or not target.reason else f"\n{'':12}{target.reason}"
    value = shown(target.value, target.unit)
    return f"  {mark:<8}  {value:>12}  {limit:>10}  {target.what}{reason}"


def _print_head(name: str, started: float) -> None:
    print(f"\n== {experiments.title(name)} ({name}, {time.perf_counter() - started:.0f} s)")


def _print(outcome: Outcome) -> None:
    for each in outcome.figures:
        found = spread(each.median, each.low, each.high, each.unit)
        print(f"  {found:>28}  {each.case}: {each.contender}")
    for target in outcome.targets:
        print(_verdict(target))
    sys.stdout.flush()


def _measured(names: Sequence[str]) -> tuple[dict[str, Outcome], list[str]]:
    """Run experiments one by one; return what they found, and the names of those that could not."""
    outcomes, left_out = {}, []
    for name in names:
        started = time.perf_counter()
        try:
            outcomes[name] = experiments.run(name)
        except failures.EXPECTED as error:
            left_out.append(name)
            _print_head(name, started)
            print(f"  NOT RUN   {failures.words(error)}", flush=True)
        else:
            _print_head(name, started)
            _print(outcomes[name])
    return outcomes, left_out


def _write(outcomes: dict[str, Outcome]) -> None:
    written = results.text(outcomes, results.machine())
    # What is shown is what the file has, to the digits that it keeps.
    kept, machine = results.read(written)
    texts = {
        results.PATH: written,
        page.PATH: page.refreshed(page.PATH.read_text(encoding="utf-8"), kept, machine),
        **{charts.FOLDER / name: chart for name, chart in charts.drawn(kept).items()},
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _exit_code(outcomes: dict[str, Outcome], left_out: Sequence[str]) -> int:
    """Print how many targets are reached and what was left out, and return the exit code."""
    targets = [target for outcome in outcomes.values() for target in outcome.targets]
    missed = [target for target in targets if not target.is_reached]
    unexplained = [target.what for target in missed if not target.reason]
    print(f"\n{len(targets) - len(missed)} of {len(targets)} targets reached")
    if unexplained:
        print(f"missed, and no reason is given: {'; '.join(unexplained)}")
    if left_out:
        print(f"NOT RUN: {', '.join(left_out)}")
    return 1 if unexplained or left_out else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the artifacts and the compiler, next to others. Without a name every "
        "experiment runs, and results.json, the charts and docs/performance.md are written anew.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(experiments.NAMES))
    return parser


def main() -> int:
    parser = _parser()
    names = list(dict.fromkeys(parser.parse_args().names))
    unknown = [name for name in names if name not in experiments.NAMES]
    if unknown:
        known = ", ".join(experiments.NAMES)
        parser.error(f"no experiment is called {', '.join(unknown)}; there are {known}")
    outcomes, left_out = _measured(names or experiments.NAMES)
    if not names and not left_out:
        _write(outcomes)
    elif not names:
        print("\nnothing is written: the page shows what one run of all experiments found")
    return _exit_code(outcomes, left_out)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; nothing is written", file=sys.stderr)
        sys.exit(130)
