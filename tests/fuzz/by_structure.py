"""The half of `make fuzz` that hypothesis draws.

    python -m tests.fuzz.by_structure RUNS FOLDER [SEED]

It ends with 0 when all runs are done and no input broke the law.
"""

from __future__ import annotations

import sys
import time
from itertools import cycle
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.judge import MEGABYTES, Judge, peak_megabytes
from tests.fuzz.structure import INPUTS

# Hypothesis remembers what it drew; of so many examples that takes little memory.
_AT_ONCE = 500


def _judge_some(judge: Judge, inputs: st.SearchStrategy[bytes], runs: int, number: int) -> None:
    """Judge that many inputs of a kind, and shrink the first that breaks the law."""

    @seed(number)
    @given(inputs)
    @settings(
        max_examples=runs,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def judged(data: bytes) -> None:
        judge.judge(data)

    judged()


def main(runs: int, folder: Path, number: int) -> None:
    """Judge that many inputs, of each kind alike."""
    folder.mkdir(parents=True, exist_ok=True)
    judge = Judge(folder)
    print(f"by structure: seed {number}", flush=True)
    for kind, inputs in cycle(INPUTS.items()):
        if judge.ledger.inputs >= runs:
            break
        some = min(_AT_ONCE, -(-runs // len(INPUTS)))
        _judge_some(judge, inputs, some, number + judge.ledger.inputs)
        judge.ledger.save(folder / "ledger.json")
        print(f"by structure: {judge.ledger.inputs:,}, now {kind}", flush=True)
    assert peak_megabytes() < MEGABYTES, "the memory grew beyond what it may be"


if __name__ == "__main__":
    given_seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    main(int(sys.argv[1]), Path(sys.argv[2]), given_seed)
