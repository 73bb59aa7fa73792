"""Random manifests, patterns and texts, for the laws that hold for all of them."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.grammar import Grammar, rules_of

Json = dict[str, Any]
Drawn = TypeVar("Drawn")

# Few letters, so that patterns meet; both cases, and the two letters with a third form.
LETTERS = "akKsS"
IDS = st.text(alphabet=LETTERS + "\u212a\u017f-\n", max_size=6)

HOSTILE_PIECES = (
    '"',
    "'",
    "\\",
    "*/",
    "/*",
    "{{",
    "}}",
    "{%",
    "{#",
    "${",
    "`",
    "</script>",
    "<!--",
    "-->",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u200f",
    "\ufeff",
    "\ufffe",
    "\U0001f600",
    "\U0010ffff",
    "é",
    "e\u0301",
    "模型",
    "%s",
    "{x}",
    "#",
    ": ",
    "//",
    '"""',
    "'''",
    "\\n",
    "\\u0041",
    "\\x",
    "@param",
    "go:build",
    " ",
    "a",
)

# What no reader of a terminal or a pull request can see, line ends and tabs apart.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

HOSTILE = st.lists(
    st.one_of(st.sampled_from(HOSTILE_PIECES), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=6,
).map("".join)


def _literal(draw: st.DrawFn) -> str:
    parts = st.one_of(
        st.sampled_from(LETTERS),
        st.sampled_from(["[aK]", "[sS-]", "(?:a|k)", "(k|S)a", "a?", "[ks]{1,2}", r"\x61", r"\-"]),
    )
    return "".join(draw(st.lists(parts, min_size=0, max_size=4)))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of the accepted subset over a small alphabet."""
    branches = draw(st.integers(1, 3))
    body = "|".join(
        _literal(draw) + draw(st.sampled_from(["", "", "$", ".*"])) for _ in range(branches)
    )
    whole = draw(st.sampled_from(["^(?:{})", "^({})", "(?i)^({})", "^(?i:{})", r"\A(?:{})"]))
    tail = draw(st.sampled_from(["", "", "", "-"])) if "$" not in body and "*" not in body else ""
    return whole.format(body) + tail


@st.composite
def all_patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of the whole accepted subset, of which `patterns` has a narrow part."""
    pattern = Grammar(lambda row: draw(st.sampled_from(row))).pattern()
    assume(rules_of(pattern) is not None)
    return pattern


NAMES = ("anthropic-api", "b.c", "platform", "Zeta_9")
ENV_NAMES = ("A_KEY", "B_KEY", "C_KEY")


def provider(name: str, pattern: str, **more: object) -> Json:
    """Return a plain provider entry, to be overridden by keys."""
    return {
        "name": name,
        "display_name": name,
        "vendor_logo": "logo",
        "protocol": "openai",
        "auth_mode": "third_party_anthropic_compat",
        "base_url_template": f"https://{'platform' if name == 'platform' else 'x'}.example/v1",
        "base_url_anthropic": None,
        "auth_env": ["A_KEY"],
        "model_prefix_match": pattern,
        **more,
    }


def _yaml_escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def manifest(providers: list[Json], runtimes: Json, **more: object) -> str:
    """Return a manifest as YAML in ASCII: JSON, but for how it spells what is above U+FFFF."""
    data = {"schema_version": 1, "providers": providers, "runtimes": runtimes, **more}
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return re.sub("[^\n\x20-\x7e]", _yaml_escape, text)


class Plain(str):
    """A scalar that `flow` writes without quotes, for YAML to make of it what it will."""

    __slots__ = ()


def flow(value: object) -> str:
    """Return JSON data as YAML in ASCII, on one line."""
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return re.sub("[^\x20-\x7e]", _yaml_escape, json.dumps(value, ensure_ascii=False))


@st.composite
def routed_manifests(draw: st.DrawFn) -> str:
    """Draw a manifest whose patterns and lists overlap as much as they can."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    envs = st.lists(st.sampled_from(ENV_NAMES), min_size=1, max_size=2, unique=True)
    # Each has a variable of its own: arms that nothing tells apart are refused.
    providers = [
        (
            provider(name, draw(patterns()), auth_env=[*draw(envs), f"OWN_{index}"])
            if name != "platform"
            else provider(name, draw(patterns()), auth_env=["PLATFORM_TOKEN"])
        )
        for index, name in enumerate(names)
    ]
    ids = IDS.map(str.strip).filter(bool)
    arms = []
    for name in names:
        models = draw(st.lists(ids, min_size=1, max_size=3, unique=True))
        arms.append({"name": name, "models": models})
    listed = {model for arm in arms for model in arm["models"]}
    for arm in arms:
        gone = draw(st.lists(ids, max_size=2, unique=True))
        arm["withdrawn_models"] = [model for model in gone if model not in listed]
    return manifest(providers, {"agent": {"providers": arms}})


# What the rules refuse is taken out here and tried by itself, so that nearly all compile.
HOSTILE_URLS = HOSTILE.map(lambda text: "https://x/" + re.sub("[{}]", "", text))
HOSTILE_IDS = HOSTILE.map(lambda text: f"<{text}>")


@st.composite
def hostile_manifests(draw: st.DrawFn) -> str:
    """Draw a manifest with hostile text wherever text is free."""
    entry = provider(
        "acme",
        "^acme",
        display_name=draw(HOSTILE),
        vendor_logo=draw(HOSTILE),
        base_url_template=draw(HOSTILE_URLS),
        base_url_anthropic=draw(st.none() | HOSTILE_URLS),
        tooltip=draw(HOSTILE | st.just("")),
        wire_model_prefix=draw(HOSTILE),
        upstream_vendor=draw(HOSTILE),
        deprecated={"note": draw(HOSTILE), "since": draw(HOSTILE), "replacement": draw(HOSTILE)},
    )
    entry["x-" + draw(HOSTILE)] = draw(HOSTILE)
    ids = draw(st.lists(HOSTILE_IDS, min_size=2, max_size=4, unique=True))
    gone = {"id": ids.pop(), "reason": draw(HOSTILE), "replacement": draw(HOSTILE)}
    arm = {"name": "acme", "models": ids, "withdrawn_models": [gone]}
    default = draw(st.sampled_from(ids))
    return manifest([entry], {"agent": {"providers": [arm], "default_model": default}})


def drawn(strategy: st.SearchStrategy[Drawn], count: int) -> list[Drawn]:
    """Draw that many values, for tests in which one run of a toolchain judges them all."""
    values: list[Drawn] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Drawn) -> None:
        values.append(value)

    draw()
    return values
