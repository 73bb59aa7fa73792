"""The half of `make fuzz` that libFuzzer steers by the coverage of the compiler.

    python -m tests.fuzz.by_coverage RUNS FOLDER [SEED]

Needs atheris. Seeds are real manifests, rejected ones and hostile ones; what is mutated is
bytes, and lines and words of YAML. It ends with the exit code of libFuzzer: 0 when all runs are
done and no input broke the law, took longer than 2 s or had more than 300 MB.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["codegen"]):
    from codegen import pipeline, report  # noqa: F401 - to be instrumented before the judge's

from tests.fuzz import hostile
from tests.fuzz.judge import MEGABYTES, SECONDS, Judge
from tests.fuzz.structure import TOKENS
from tests.grammar import Grammar, mutant
from tests.strategies import HOSTILE_PIECES

# Larger inputs are tried one by one in the tests, where they meet no instrumentation.
MAX_BYTES = 65_536
NOTED_EVERY = 100

_PIECES = [piece.encode("utf-8", "surrogatepass") for piece in (*TOKENS, *HOSTILE_PIECES)]


def _lines_moved(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at, to = chance.randint(0, len(lines)), chance.randint(0, len(lines))
    moved = lines[at : at + chance.randint(0, 4)]
    if chance.random() < 0.5:
        del lines[at : at + len(moved)]
    lines[to:to] = [chance.choice([b"", b"  ", b"- "]) + line for line in moved]
    return b"".join(lines)


def _piece_put(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    end = start + chance.choice([0, 0, 1, 8])
    return data[:start] + chance.choice(_PIECES) + data[end:]


def _pattern_put(data: bytes, chance: random.Random) -> bytes:
    pattern = Grammar(chance.choice).pattern()
    if chance.random() < 0.5:
        pattern = mutant(pattern, chance)
    return hostile.manifest(hostile.provider("acme", pattern.replace("'", "''"))).encode()


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input: half of the time as libFuzzer does, else by what the bytes mean."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        return bytes(atheris.Mutate(data, max_size))
    for _ in range(chance.randint(1, 3)):
        change = chance.choice([_lines_moved, _piece_put, _piece_put, _pattern_put])
        data = change(data, chance)
    return data[:max_size]


def _fill(corpus: Path) -> None:
    corpus.mkdir(parents=True)
    for number, data in enumerate(hostile.small()):
        (corpus / f"seed-{number:03}").write_bytes(data)


def _dictionary(path: Path) -> None:
    entries = ("".join(f"\\x{byte:02x}" for byte in piece) for piece in _PIECES if piece)
    path.write_text("".join(f'"{entry}"\n' for entry in entries), encoding="ascii")


def main(runs: int, folder: Path, number: int) -> None:
    """Judge that many inputs. Does not return: libFuzzer ends the process."""
    _fill(folder / "corpus")
    _dictionary(folder / "dictionary")
    judge = Judge(folder)

    def judge_and_note(data: bytes) -> None:
        judge.judge(data)
        # libFuzzer ends the process without a word to Python, so the sum is written on the way.
        if judge.ledger.inputs % NOTED_EVERY == 0:
            judge.ledger.save(folder / "ledger.json")

    flags = {
        "runs": runs,
        "seed": number,
        "timeout": int(SECONDS),
        "rss_limit_mb": MEGABYTES,
        "max_len": MAX_BYTES,
        "dict": folder / "dictionary",
        "artifact_prefix": f"{folder}/",
        "verbosity": 0,
        "print_final_stats": 1,
    }
    arguments = [f"-{name}={value}" for name, value in flags.items()]
    print(f"by coverage: {' '.join(arguments)}", flush=True)
    command = [sys.argv[0], *arguments, str(folder / "corpus")]
    atheris.Setup(command, judge_and_note, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    given_seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    main(int(sys.argv[1]), Path(sys.argv[2]), given_seed)
