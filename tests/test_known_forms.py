"""The forms that were routed wrongly in the field, pinned by name in every language."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds import Build
from tests.languages import LANGUAGES, Json, every_language

UNREGISTERED = "unregistered_model"

# runtime, model, names of variables that are set, provider or error
FORMS = [
    ("claude-code", "MiniMax-M2.7", [], "minimax"),
    ("claude-code", "minimax/MiniMax-M2.7", [], "platform"),
    ("claude-code", "minimax:MiniMax-M2.7", [], UNREGISTERED),
    ("claude-code", "gpt-5.5", [], UNREGISTERED),
    ("claude-code", "openai:gpt-4o", [], UNREGISTERED),
    ("openclaw", "groq:llama-3.3-70b-versatile", [], "groq"),
    ("openclaw", "groq:meta-llama/llama-4-scout-17b-16e-instruct", [], "groq"),
    ("openclaw", "minimax:MiniMax-M2.7", [], "byok-minimax"),
    ("openclaw", "minimax:MiniMax-M2.7-highspeed", [], "byok-minimax"),
    ("hermes", "anthropic/claude-opus-4-1", [], "byok-anthropic"),
    ("hermes", "anthropic/claude-sonnet-4-5", [], "byok-anthropic"),
    ("hermes", "gemini/gemini-2.5-pro", [], "byok-gemini"),
    ("hermes", "openai:gpt-4o", [], "byok-openai"),
    ("hermes", "openai/gpt-5", [], "byok-openai"),
    ("hermes", "minimax:MiniMax-M1", [], "byok-minimax"),
    ("hermes", "minimax/MiniMax-M2.7", [], "byok-minimax"),
    ("codex", "codex-minimax-m2.7", [], "byok-minimax"),
    ("codex", "gpt-5.5", [], "openai-subscription"),
    ("codex", "gpt-5.5", ["OPENAI_API_KEY"], "openai-api"),
    ("codex", "gpt-5.5", ["CODEX_AUTH_JSON"], "openai-subscription"),
    ("codex", "gpt-5.5", ["CODEX_AUTH_JSON", "OPENAI_API_KEY"], "openai-subscription"),
    ("google-adk", "platform:gemini-2.5-pro", [], "platform"),
    ("google-adk", "gemini-2.5-pro", [], "google"),
]


def _outcome(answer: Json) -> str:
    return str(answer["value"] if "value" in answer else answer["error"]["code"])


@every_language
def test_known_forms(language: str, real_build: Build, tmp_path: Path) -> None:
    cases: list[Json] = [
        {
            "fn": "derive_provider",
            "args": {"runtime": runtime, "model": model, "auth_env": names},
        }
        for runtime, model, names, _ in FORMS
    ]
    answers = LANGUAGES[language](real_build, cases, tmp_path)
    got = [(*form[:3], _outcome(answer)) for form, answer in zip(FORMS, answers, strict=True)]
    assert got == FORMS


@every_language
@pytest.mark.parametrize("separator", ["/", ":"])
def test_no_vendor_form_of_hermes_is_paid_by_the_platform(
    language: str, separator: str, real_build: Build, tmp_path: Path
) -> None:
    vendors = ("anthropic", "gemini", "openai", "minimax", "groq", "zai", "deepseek")
    cases: list[Json] = [
        {
            "fn": "resolve_billing_mode",
            "args": {
                "runtime": "hermes",
                "model": f"{vendor}{separator}any-model",
                "auth_env": [],
                "override": None,
                "default": "byok",
                "pinned": False,
            },
        }
        for vendor in vendors
    ]
    answers = LANGUAGES[language](real_build, cases, tmp_path)
    assert {answer["value"]["mode"] for answer in answers} == {"byok"}
