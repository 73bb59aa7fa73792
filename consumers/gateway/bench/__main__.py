"""`python -m bench`: measures, prints the tables, and with `--record` keeps them."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from bench import contenders, measure, processes, report, rival
from bench.contenders import GATEWAY, LITELLM, Contender
from bench.measure import Settings

_LONG = Settings(
    rates=(10, 50), seconds=15, rounds=4, connections=32, memory_seconds=600, clients=200
)
_SHORT = Settings(
    rates=(10, 50), seconds=2, rounds=1, connections=32, memory_seconds=15, clients=50
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    for name, kind, what in (
        ("seconds", float, "length of one round of one target"),
        ("rounds", int, "rounds of each measurement"),
        ("connections", int, "connections at saturation"),
        ("memory-seconds", float, "how long the slow clients stay; 0: memory is not measured"),
        ("clients", int, "how many slow clients"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=what)
    parser.add_argument(
        "--rates", type=_rates, help="requests a second when overhead is measured: 10,50"
    )
    parser.add_argument("--short", action="store_true", help="a run of about a minute")
    parser.add_argument("--record", action="store_true", help="keep the results and the tables")
    parser.add_argument("--note", default="", help="a sentence that goes with the results")
    parser.add_argument("--memory-of", choices=[GATEWAY, LITELLM], help="default: the gateway")
    parser.add_argument(
        "--only", choices=[GATEWAY, LITELLM], help="leave the other one out; beside direct calls"
    )
    return parser


def _rates(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _settings(options: argparse.Namespace) -> Settings:
    base = _SHORT if options.short else _LONG
    names = Settings.__dataclass_fields__
    chosen = {name: getattr(options, name) for name in names}
    return Settings(**{k: getattr(base, k) if v is None else v for k, v in chosen.items()})


def _memories(
    started: Sequence[Contender], wanted: str, settings: Settings
) -> list[measure.Memory]:
    if not settings.memory_seconds:
        return []
    return [measure.memory(each, settings) for each in started if each.name == wanted]


def _measured(options: argparse.Namespace, settings: Settings) -> report.Results:
    starts = {GATEWAY: contenders.gateway, LITELLM: contenders.litellm}
    with contextlib.ExitStack() as stack:
        vendor = stack.enter_context(processes.vendor())
        direct = contenders.direct(vendor)
        started = [
            stack.enter_context(start(vendor))
            for name, start in starts.items()
            if options.only in {None, name}
        ]
        for each in (direct, *started):
            measure.warm_up(each)
        _say("overhead")
        overheads = measure.overheads(direct, started, settings)
        _say("saturation")
        throughputs = measure.throughputs([direct, *started], settings)
        _say("memory")
        wanted = options.memory_of or started[0].name
        return report.Results(
            machine=report.machine(),
            note=options.note,
            settings=settings,
            litellm=rival.version(),
            overheads=overheads,
            throughputs=throughputs,
            memories=_memories(started, wanted, settings),
        )


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the measurement; return 1 when a request failed or a process did not start."""
    options = _parser().parse_args()
    try:
        results = _measured(options, _settings(options))
    except (processes.NotReadyError, measure.NoAnswerError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report.tables(results))
    if options.record:
        report.write(results)
    return int(report.failed(results))


if __name__ == "__main__":
    sys.exit(main())
