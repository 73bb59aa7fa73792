"""The service decides nothing about providers: no name, id, prefix or host of one is in it."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

# The library's own reading of patterns, which its types do not speak of.
_constants = importlib.import_module("re._constants")
_parser = importlib.import_module("re._parser")

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).resolve().parents[1] / "gateway"
REGISTRY = json.loads((ROOT / "generated" / "registry.json").read_text())["registry"]

# What may stand in the source all the same, with no more of a word after it, and why.
ALLOWED = {
    "openai": "a protocol, as a name of wire formats",
    "anthropic": "a protocol, as a name of wire formats",
    "openai/v1": "the path of the facade's routes of that protocol",
    "anthropic/v1": "the path of the facade's routes of that protocol",
    "platform": "a mode of the service, and who pays in the log: closed words of their own",
}


def _expanded(parsed: Any) -> list[str]:
    """Return the literals that a pattern begins with."""
    found = [""]
    for kind, value in parsed:
        if kind is _constants.AT:
            continue
        found = [before + after for before in found for after in _choices(kind, value)]
    return found


def _choices(kind: Any, value: Any) -> list[str]:
    if kind is _constants.LITERAL:
        return [chr(value)]
    if kind is _constants.IN:
        return [text for each in value for text in _choices(*each)]
    if kind is _constants.RANGE:
        return [chr(code) for code in range(value[0], value[1] + 1)]
    if kind is _constants.BRANCH:
        return [text for branch in value[1] for text in _expanded(branch)]
    if kind is _constants.SUBPATTERN:
        return _expanded(value[3])
    if kind is _constants.MAX_REPEAT:
        low, high, inner = value
        counts = range(low, 1 if high is _constants.MAXREPEAT else high + 1)
        return [
            "".join(each) for n in counts for each in itertools.product(_expanded(inner), repeat=n)
        ]
    raise AssertionError(kind)


def prefixes() -> set[str]:
    found = set()
    for provider in REGISTRY["providers"]:
        pattern = provider["model_prefix_match"] or ""
        found |= set(_expanded(_parser.parse(pattern)))
    return found - {""}


def hosts() -> set[str]:
    urls = [
        provider[key]
        for provider in REGISTRY["providers"]
        for key in ("base_url_template", "base_url_anthropic")
        if provider[key]
    ]
    return {str(urlsplit(url).hostname) for url in urls}


def ids() -> set[str]:
    arms = [arm for runtime in REGISTRY["runtimes"] for arm in runtime["providers"]]
    listed = {model for arm in arms for model in arm["models"]}
    withdrawn = {model["id"] for arm in arms for model in arm["withdrawn_models"]}
    examples = {each for provider in REGISTRY["providers"] for each in provider["examples"] or ()}
    return listed | withdrawn | examples


def names() -> set[str]:
    providers = REGISTRY["providers"]
    return (
        {provider["name"] for provider in providers}
        | {provider["upstream_vendor"] for provider in providers if provider["upstream_vendor"]}
        | {runtime["name"] for runtime in REGISTRY["runtimes"]}
        | {provider["vendor_logo"] for provider in providers}
    )


NEEDLES = {"names": names(), "ids": ids(), "prefixes": prefixes(), "hosts": hosts()}


def strings(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield every string of a source, parts of f-strings and docstrings included.

    Of a file that is no Python, all of it.
    """
    if path.suffix != ".py":
        yield 1, text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            yield node.lineno, node.value.decode("latin-1")


def found_in(path: Path, text: str, kind: str) -> list[tuple[int, str, str]]:
    """Return where a needle begins a word, in any case: its line, itself, the string.

    A prefix may be followed by anything; of the others nothing may follow.
    """
    needles = "|".join(re.escape(each) for each in sorted(NEEDLES[kind], key=len, reverse=True))
    end = "" if kind == "prefixes" else r"(?![\w-]|\.\w)"
    pattern = re.compile(rf"(?<![\w.-])(?:{needles}){end}", re.IGNORECASE)
    return [
        (line, match.group(), string)
        for line, string in strings(path, text)
        for match in pattern.finditer(string)
        if not _is_allowed(string[match.start() :])
    ]


def _is_allowed(rest: str) -> bool:
    # A path may go on; a word of its own is followed by nothing that would make it another.
    paths = "|".join(word for word in ALLOWED if "/" in word)
    words = "|".join(word for word in ALLOWED if "/" not in word)
    pattern = rf"(?:{paths})(?![\w-])|(?:{words})(?![\w/:-]|\.\w)"
    return re.match(pattern, rest, re.IGNORECASE) is not None


@pytest.mark.parametrize("kind", NEEDLES)
def test_the_source_knows_no_provider(kind: str) -> None:
    files = [path for path in SOURCE.rglob("*") if "__pycache__" not in path.parts]
    sources = [path for path in files if path.is_file()]
    assert len(sources) > 60
    found = [
        (str(path.relative_to(SOURCE)), *each)
        for path in sources
        for each in found_in(path, path.read_text(), kind)
    ]
    assert found == []


PLANTED = {
    "names": ['if provider == "openrouter": pass', 'x = f"{y}:deepseek"', '"""Zai."""'],
    "ids": ['m = "claude-sonnet-4-6"', 'm = b"gpt-5.5"', 'm = "moonshot/kimi-k2.6"'],
    "prefixes": ['model.startswith("claude-")', 'model.startswith("GROQ:")', 'x = "openai/gpt"'],
    "hosts": ['u = "https://api.groq.com/v1"', 'u = "api.anthropic.com"'],
}


@pytest.mark.parametrize(
    ("kind", "line"), [(kind, line) for kind, lines in PLANTED.items() for line in lines]
)
def test_what_is_planted_is_found(kind: str, line: str) -> None:
    assert len(found_in(Path("planted.py"), line, kind)) == 1


def test_there_is_much_to_look_for() -> None:
    sizes = {kind: len(needles) for kind, needles in NEEDLES.items()}
    assert sizes["names"] > 30
    assert sizes["ids"] > 40
    assert sizes["prefixes"] > 40
    assert sizes["hosts"] > 8


@pytest.mark.parametrize("word", ALLOWED)
def test_what_is_allowed_is_needed(word: str) -> None:
    used = [
        string
        for path in SOURCE.rglob("*.py")
        for _, string in strings(path, path.read_text())
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", string, re.IGNORECASE)
    ]
    assert used
