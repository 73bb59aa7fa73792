"""`python -m bench`: measures, prints the tables, and with `--record` keeps them."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from bench import contenders, measure, processes, report, rival
from bench.contenders import GATEWAY, LITELLM, Contender, GatewaySettings
from bench.measure import Settings

_LONG = Settings(rate=50, seconds=15, rounds=4, connections=32, memory_seconds=600, clients=200)
_SHORT = Settings(rate=50, seconds=2, rounds=1, connections=32, memory_seconds=15, clients=50)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    for name, kind, what in (
        ("rate", float, "requests a second to each target when overhead is measured"),
        ("seconds", float, "length of one round of one target"),
        ("rounds", int, "rounds of each measurement"),
        ("connections", int, "connections at saturation"),
        ("memory-seconds", float, "how long the slow clients stay; 0: memory is not measured"),
        ("clients", int, "how many slow clients"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=what)
    parser.add_argument("--short", action="store_true", help="a run of about a minute")
    parser.add_argument("--record", action="store_true", help="keep the results and the tables")
    parser.add_argument("--note", default="", help="a sentence that goes with the results")
    parser.add_argument("--memory-of", choices=[GATEWAY, LITELLM], help="default: the gateway")
    fills = "{port} and {vendor} (a URL) are filled in"
    parser.add_argument("--gateway", help=f"command that starts the gateway; {fills}")
    parser.add_argument("--gateway-ready", default="http://127.0.0.1:{port}/healthz")
    parser.add_argument(
        "--gateway-setup", default="", help='command that prints {"url": ..., "headers": {...}}'
    )
    parser.add_argument("--gateway-url", default="", help="where requests go, without a setup")
    parser.add_argument(
        "--gateway-header", action="append", default=[], help="'Name: value', without a setup"
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    base = _SHORT if options.short else _LONG
    names = Settings.__dataclass_fields__
    chosen = {name: getattr(options, name) for name in names}
    return Settings(**{k: getattr(base, k) if v is None else v for k, v in chosen.items()})


def _gateway(options: argparse.Namespace) -> GatewaySettings | None:
    if options.gateway is None:
        return None
    headers = (header.partition(":") for header in options.gateway_header)
    return GatewaySettings(
        command=options.gateway,
        ready=options.gateway_ready,
        setup=options.gateway_setup,
        url=options.gateway_url,
        headers=tuple((name.strip(), value.strip()) for name, _, value in headers),
    )


def _memories(
    started: Sequence[Contender], wanted: str, settings: Settings
) -> list[measure.Memory]:
    if not settings.memory_seconds:
        return []
    return [measure.memory(each, settings) for each in started if each.name == wanted]


def _measured(options: argparse.Namespace, settings: Settings) -> report.Results:
    gateway = _gateway(options)
    rival.python()
    with contextlib.ExitStack() as stack:
        vendor = stack.enter_context(processes.vendor())
        direct = contenders.direct(vendor)
        started = [stack.enter_context(contenders.litellm(vendor))]
        if gateway is not None:
            started.insert(0, stack.enter_context(contenders.gateway(vendor, gateway)))
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
    except processes.NotReadyError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report.tables(results))
    if options.record:
        report.write(results)
    return int(report.failed(results))


if __name__ == "__main__":
    sys.exit(main())
