"""The conformance run can fail: it goes red for every corrupted table of every language."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builds import Build
from tests.drivers.python import driver
from tests.languages import LANGUAGES, disagreements, vectors

# kind of corruption -> for each language, the source to find and what stands there instead
MUTANTS = {
    "another provider in a prefix row": {
        "python": (r'("glm-": \[\("", )\(_P_ZAI,\)', r"\1(_P_DEEPSEEK,)"),
        "go": (
            r'(\{"glm-", \[\]variant\{\{"", )owners\{providerZai\}',
            r"\1owners{providerDeepseek}",
        ),
        "typescript": (r'(\["glm-", "", )P_ZAI\]', r"\1P_DEEPSEEK]"),
    },
    "an arm dropped from a tie": {
        "python": (
            r'("gpt-5.4": )\(_P_OPENAI_SUBSCRIPTION, _P_OPENAI_API\)',
            r"\1(_P_OPENAI_API,)",
        ),
        "go": (r'("gpt-5.4", owners\{)providerOpenAISubscription, ', r"\1"),
        "typescript": (
            r'("openai-subscription",\s+models: \[\s+"gpt-5.5",)\s+"gpt-5.4",',
            r"\1",
        ),
    },
    "a prefix row dropped": {
        "python": (r'            "groq:": \[.*\],\n', ""),
        "go": (r'\t\t\t\{"groq:", .*\},\n', ""),
        "typescript": (r'            \["groq:", .*\],\n', ""),
    },
    "a case flag flipped to as-written": {
        "python": (r'("qwen": \[\()""', r'\1"qwen"'),
        "go": (r'(\{"qwen", \[\]variant\{\{)""', r'\1"qwen"'),
        "typescript": (r'(\["qwen", )""', r'\1"qwen"'),
    },
    "a case flag flipped to any case": {
        "python": (r'("openrouter:": \[\()"openrouter:"', r'\1""'),
        "go": (r'(\{"openrouter:", \[\]variant\{\{)"openrouter:"', r'\1""'),
        "typescript": (r'(\["openrouter:", )"openrouter:"', r'\1""'),
    },
    "an auth name removed": {
        "python": (r'auth_env=\("CODEX_AUTH_JSON", ', r"auth_env=("),
        "go": (r'\t\t"CODEX_AUTH_JSON",\n\t\t"CODEX_CHATGPT', '\t\t"CODEX_CHATGPT'),
        "typescript": (r'authEnv: \[\s*"CODEX_AUTH_JSON",', "authEnv: ["),
    },
    "a listed id given to another payer": {
        "python": (r'("minimax/MiniMax-M3": )_P_PLATFORM,', r"\1_P_MINIMAX,"),
        "go": (r'("minimax/MiniMax-M3", owners\{)providerPlatform', r"\1providerMinimax"),
        "typescript": (
            r'provider: "platform",(\s+models: \[\s+"anthropic/claude-opus-4-7",)',
            r'provider: "minimax",\1',
        ),
    },
}

CASES = [
    pytest.param(language, *edits[language], id=f"{language}: {kind}")
    for kind, edits in MUTANTS.items()
    for language in LANGUAGES
]


def _source(build: Build, language: str) -> Path:
    paths = {
        "python": build.python,
        "go": build.out / "go" / "registry_gen.go",
        "typescript": build.typescript,
    }
    return paths[language]


@pytest.mark.parametrize(("language", "pattern", "replacement"), CASES)
def test_corrupted_artifact_turns_the_run_red(
    language: str, pattern: str, replacement: str, real_build: Build, tmp_path: Path
) -> None:
    out = tmp_path / "mutant"
    shutil.copytree(real_build.out, out)
    mutant = replace(real_build, options=replace(real_build.options, out=out))
    path = _source(mutant, language)
    text = path.read_text(encoding="utf-8")
    edited, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    # A table that is printed as well must turn red for what it decides, not for how it reads.
    cases = [case for case in vectors(real_build) if case["fn"] != "constants"]
    assert disagreements(cases, LANGUAGES[language](mutant, cases, tmp_path / "work"))


# every single row, where a run costs a tenth of a second


def _rows(tables: dict[str, Any]) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield every row that an id can reach, as the parts that have it, and its key.

    An id that is listed never gets to the patterns. `first` follows from what is listed.
    """
    for table in tables.values():
        for part in (table.listed, table.shared):
            yield from (([part, table.first], key) for key in list(part))
        for part in (table.exact, table.prefixes):
            yield from (([part], key) for key in list(part) if key not in table.first)


def test_every_row_of_the_tables_is_held_by_some_vector(real_build: Build) -> None:
    module = driver.load(str(real_build.python), "mutated_registry")
    asked = ("derive_provider", "validate_model")
    cases = [case for case in vectors(real_build) if case["fn"] in asked]
    wants = [json.loads(json.dumps(case["want"])) for case in cases]

    def is_red() -> bool:
        answers = map(json.dumps, driver.answers(module, cases))
        pairs = zip(map(json.loads, answers), wants, strict=True)
        return any(got != want for got, want in pairs)

    assert not is_red()
    rows = list(_rows(module._TABLES))
    unheld = []
    for parts, key in rows:
        kept = [(part, part.pop(key)) for part in parts if key in part]
        if not is_red():
            unheld.append(key)
        for part, row in kept:
            part[key] = row
    assert len(rows) > 100
    assert unheld == []
