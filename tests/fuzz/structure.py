"""Inputs with some structure, drawn by hypothesis: bytes, texts, YAML and manifests gone wrong."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import hostile
from tests.grammar import Grammar
from tests.strategies import (
    HOSTILE,
    HOSTILE_PIECES,
    hostile_manifests,
    manifest,
    patterns,
    provider,
    routed_manifests,
)

TEXTS = [data.decode("utf-8", "replace") for data in hostile.small()]

# The words of YAML, of manifests and of patterns.
TOKENS = (
    *("&a", "*a", "&a *a", "!!int", "!!python/object:os.system", "!", "<<", "<<: *a", "|", ">-"),
    *("|2-", "? ", "- ", ": ", ", ", "[", "]", "{", "}", "{}", "[]", "---", "...", "%YAML 1.1"),
    *("%TAG ! a:", "# ", "'", '"', "\\x41", "\\ud800", "\t", "  ", "\n", "\r\n", "\x85", "\u2028"),
    *("null", "~", "yes", "1", "1.0", "0x1F", "1_0", "1:30", "2001-01-01", ".inf", ".nan", "="),
    *("schema_version: 1", "providers:", "runtimes:", "name: ", "models:", "withdrawn_models:"),
    *("model_prefix_match: ", "endpoint_vars:", "auth_env: [A]", "deprecated: true", "x-a: "),
    *("default_model: ", "upstream_vendor: ", "credential_headers:", "platform", "{region}"),
    *("# providers-codegen: ignore[R005] why", "^", "(?i)", "[a-z]{1000}", "(a|b)*", r"\p{L}"),
)

JUNK = st.one_of(st.sampled_from([*HOSTILE_PIECES, *TOKENS]), st.text(max_size=8))


@st.composite
def edited_manifests(draw: st.DrawFn) -> str:
    """Draw a real manifest with a few places cut, doubled or replaced by junk."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.one_of(JUNK, st.just(text[start:end] * 2))) + text[end:]
    return text


@st.composite
def shuffled_manifests(draw: st.DrawFn) -> str:
    """Draw a real manifest with lines moved, doubled, lost or indented in another way."""
    lines = draw(st.sampled_from(TEXTS)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 5))):
        at, to = draw(st.integers(0, len(lines))), draw(st.integers(0, len(lines)))
        moved = list(lines[at : at + draw(st.integers(0, 3))])
        by = draw(st.sampled_from(["", "  ", "- ", "\t", "x-"]))
        lines[to:to] = [by + line for line in moved]
        del lines[at : at + draw(st.integers(0, 2))]
    return "".join(lines)


@st.composite
def outlines(draw: st.DrawFn) -> str:
    """Draw lines of YAML tokens at any indentation."""
    line = st.lists(st.sampled_from(TOKENS) | HOSTILE, max_size=4).map("".join)
    indented = st.tuples(st.integers(0, 6), line).map(lambda pair: " " * pair[0] + pair[1])
    return "\n".join(draw(st.lists(indented, max_size=12)))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), JUNK),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)

_OPTIONAL = [
    *("deprecated", "endpoint_vars", "examples", "model_aliases", "tooltip", "upstream_vendor"),
    *("withdrawn_models", "default_model", "wire_model_prefix", "auth_token_env", "x-any"),
]


@st.composite
def replaced_values(draw: st.DrawFn) -> str:
    """Draw a small manifest in which any value stands under any key."""
    entry = provider("acme", "^acme-")
    arm: dict[str, Any] = {"name": "acme", "models": ["acme-1"]}
    runtime: dict[str, Any] = {"providers": [arm]}
    document: dict[str, Any] = {
        "schema_version": 1,
        "providers": [entry],
        "runtimes": {"agent": runtime},
        "credential_headers": {"A": "bearer"},
    }
    for _ in range(draw(st.integers(1, 2))):
        record = draw(st.sampled_from([entry, arm, runtime, document]))
        key = draw(st.one_of(st.sampled_from([*record, *_OPTIONAL]), st.text(max_size=5)))
        record[key] = draw(VALUES)
    return json.dumps(document, ensure_ascii=draw(st.booleans()))


@st.composite
def patterned_manifests(draw: st.DrawFn) -> str:
    """Draw a manifest whose patterns are anything from accepted to nonsense."""
    grammar = Grammar(lambda row: draw(st.sampled_from(row)))
    pattern = patterns() | st.builds(grammar.pattern) | JUNK
    names = [f"acme-{i}" for i in range(draw(st.integers(1, 4)))]
    entries = [provider(name, draw(pattern)) for name in names]
    arms = [{"name": name, "models": draw(st.lists(JUNK, max_size=2))} for name in names]
    return manifest(entries, {"agent": {"providers": arms}})


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7")


@st.composite
def encoded_manifests(draw: st.DrawFn) -> bytes:
    """Draw a manifest in any encoding and with any line ends, maybe cut off."""
    text = draw(st.sampled_from(TEXTS)).replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    data = text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    cut = draw(st.integers(0, len(data)))
    return data[: draw(st.sampled_from([cut, len(data)]))] + draw(st.binary(max_size=3))


def _as_bytes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return texts.map(lambda text: text.encode("utf-8", "surrogatepass"))


INPUTS: dict[str, st.SearchStrategy[bytes]] = {
    "bytes": st.binary(max_size=200),
    "texts": _as_bytes(st.text(max_size=200)),
    "outlines": _as_bytes(outlines()),
    "edited manifests": _as_bytes(edited_manifests()),
    "shuffled manifests": _as_bytes(shuffled_manifests()),
    "encoded manifests": encoded_manifests(),
    "replaced values": _as_bytes(replaced_values()),
    "patterns": _as_bytes(patterned_manifests()),
    "hostile texts": _as_bytes(hostile_manifests()),
    "overlaps": _as_bytes(routed_manifests()),
}
