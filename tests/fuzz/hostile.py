"""Inputs that were made to break the compiler, each with the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.builds import EVERYTHING, MANIFEST, ROOT

REJECTS = ROOT / "tests" / "rejects"

MANY = 1_000_000
HEAD = "schema_version: 1\n"

PROVIDER = """\
  - name: {name}
    display_name: Acme
    vendor_logo: acme
    protocol: openai
    auth_mode: third_party_anthropic_compat
    base_url_template: {url}
    base_url_anthropic: null
    auth_env: [{env}]
    model_prefix_match: '{pattern}'
"""


def provider(
    name: str, pattern: str = "^acme-", env: str = "ACME_API_KEY", url: str = "null"
) -> str:
    return PROVIDER.format(name=name, pattern=pattern, env=env, url=url)


def manifest(providers: str = provider("acme"), runtimes: str = "", more: str = "") -> str:
    """Return a manifest as text; `runtimes` stands below the key, `more` at the top."""
    tail = f"runtimes:\n{runtimes}" if runtimes else "runtimes: {}\n"
    return f"{HEAD}{more}providers:\n{providers or '  []'}\n{tail}"


def runtime(names: list[str], models: str = "") -> str:
    arms = "".join(f"      - name: {name}\n{models}" for name in names)
    return f"  agent:\n    providers:\n{arms}"


def _patterned(pattern: str) -> str:
    return manifest(provider("acme", pattern.replace("'", "''")))


def _bomb() -> str:
    levels = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"]
    for depth in range(1, 12):
        items = ", ".join([f"*a{depth - 1}"] * 9)
        levels.append(f"x-{depth}: &a{depth} [{items}]\n")
    return manifest(more="".join(levels))


def _same(count: int, pattern: str = "^acme-") -> str:
    return provider("acme", pattern) * count


def _different(count: int, pattern: str = "^acme{}-") -> str:
    return "".join(provider(f"acme{i}", pattern.format(i), f"KEY_{i}") for i in range(count))


def _names(count: int) -> list[str]:
    return [f"acme{i}" for i in range(count)]


Make = Callable[[], str | bytes]
Table = dict[str, tuple[str, Make]]

# What a list of bad inputs should never be without. "" means that it is fine, and compiles.
CLASSIC: Table = {
    "an empty file": ("empty_manifest", lambda: b""),
    "only a byte order mark": ("empty_manifest", lambda: b"\xef\xbb\xbf"),
    "a byte order mark": ("", lambda: "\ufeff" + manifest()),
    "two byte order marks": ("forbidden_character", lambda: b"\xef\xbb\xbf" * 2 + b"a: b\n"),
    "CRLF": ("", lambda: manifest().replace("\n", "\r\n")),
    "CR alone": ("", lambda: manifest().replace("\n", "\r")),
    "NUL": ("forbidden_character", lambda: manifest().replace("Acme", "Ac\0me")),
    "nothing but NUL": ("forbidden_character", lambda: b"\0" * MANY),
    "invalid UTF-8": ("unreadable_file", lambda: manifest().encode() + b"# caf\xe9\n"),
    "invalid UTF-8 after a mark": ("unreadable_file", lambda: b"\xef\xbb\xbf\x80"),
    "an overlong form": ("unreadable_file", lambda: b"a: \xc0\xaf\n"),
    "half a character at the end": ("unreadable_file", lambda: b"a: \xf0\x9f\x98"),
    "a surrogate in UTF-8": ("unreadable_file", lambda: b"a: \xed\xa0\x80\n"),
    "UTF-16 with its mark": ("unreadable_file", lambda: manifest().encode("utf-16")),
    "UTF-16 without": ("forbidden_character", lambda: manifest().encode("utf-16-be")),
    "UTF-32": ("unreadable_file", lambda: manifest().encode("utf-32")),
    "an alias bomb": ("endless_alias", _bomb),
    "a bomb of one scalar": (
        "endless_alias",
        lambda: manifest(more=f"x-a: &a {'b' * 100_000}\nx-b: [{'*a,' * 9_000}]\n"),
    ),
    "100,000 aliases": (
        "endless_alias",
        lambda: manifest(more=f"x-a: &a [1]\nx-b: [{'*a,' * 100_000}]\n"),
    ),
    "an anchor inside itself": ("endless_alias", lambda: manifest(more="x-a: &a [*a]\n")),
    "an alias of nothing": ("yaml_syntax", lambda: manifest(more="x-a: *a\n")),
    "an anchor twice": ("yaml_syntax", lambda: manifest(more="x-a: [&a 1, &a 2]\n")),
    "anchors": ("", lambda: manifest(more="x-a: &a [1]\nx-b: [*a, *a]\n")),
    "a merge key": ("merge_key", lambda: manifest(more="x-a: &a {}\nx-b: {<<: *a}\n")),
    "a merge of a list": ("merge_key", lambda: manifest(more="x-b: {<<: [{}]}\n")),
    "a tag that builds an object": (
        "explicit_tag",
        lambda: manifest(more="x-a: !!python/object/apply:os.system ['true']\n"),
    ),
    "a tag of YAML": ("explicit_tag", lambda: manifest(more="x-a: !!int '1'\n")),
    "a tag of one's own": ("explicit_tag", lambda: manifest(more="x-a: !a b\n")),
    "a tag directive": ("explicit_tag", lambda: b"%TAG ! tag:a,b:\n--- {}\n"),
    "several documents": ("second_document", lambda: (manifest() + "---\n" + manifest())),
    "300,000 documents": ("second_document", lambda: b"--- a\n" * 300_000),
    "1 MB of plain scalar": ("wrong_type", lambda: b"x" * MANY),
    "1 MB in double quotes": ("wrong_type", lambda: b'"' + b"x" * MANY + b'"'),
    "1 MB in single quotes": ("wrong_type", lambda: b"'" + b"x" * MANY + b"'"),
    "1 MB of escapes": ("wrong_type", lambda: b'"' + b"\\x41" * (MANY // 4) + b'"'),
    "1 MB of literal block": ("unknown_key", lambda: b"a: |\n" + b" x\n" * (MANY // 3)),
    "1 MB of folded block": ("unknown_key", lambda: b"a: >\n" + b" x\n" * (MANY // 3)),
    "1 MB of key": ("unknown_key", lambda: b"? " + b"k" * MANY + b"\n: 1\n"),
    "1 MB of name": ("malformed_name", lambda: manifest(provider("a-" * (MANY // 2)))),
    "10,000 levels of lists": ("deep_nesting", lambda: b"[" * 10_000),
    "10,000 levels of mappings": ("deep_nesting", lambda: b"{a: " * 10_000),
    "10,000 levels of dashes": ("deep_nesting", lambda: b"- " * 10_000),
    "10,000 levels of keys": ("deep_nesting", lambda: b"? " * 10_000),
    "2,500 levels of indentation": (
        "deep_nesting",
        lambda: "".join(" " * level + "a:\n" for level in range(2_500)),
    ),
}

# Large ones, against every bound that there is. A half of them stands at a bound, or just above.
LARGE: Table = {
    "more than 16 MiB": ("unreadable_file", lambda: b"#" * (16 * 1024 * 1024 + 1)),
    "16 MiB of line ends": ("empty_manifest", lambda: b"\n" * (16 * 1024 * 1024)),
    "a million comments": ("empty_manifest", lambda: b"# c\n" * MANY),
    "a million lines of text": ("unknown_key", lambda: b"a:\n" + b" x\n" * MANY),
    "a million lists in a list": ("unreadable_file", lambda: b"[" + b"[]," * MANY + b"]"),
    "a million items": ("unreadable_file", lambda: b"- x\n" * MANY),
    "50,000 unknown keys": (
        "unknown_key",
        lambda: "".join(f"providrs{i}: 1\n" for i in range(50_000)),
    ),
    "100,000 equal keys": ("duplicate_key", lambda: b"a: b\n" * 100_000),
    "200,000 anchors": (
        "wrong_type",
        lambda: ("[" + "".join(f"&a{i} x," for i in range(200_000)) + "]"),
    ),
    "50,000 tag directives": (
        "explicit_tag",
        lambda: ("".join(f"%TAG !a{i}! tag:x\n" for i in range(50_000)) + "--- a\n"),
    ),
    "a number of a million digits": (
        "unknown_schema_version",
        lambda: b"schema_version: " + b"1" * MANY,
    ),
    "a text of a million surrogates": ("yaml_syntax", lambda: b'"' + b"\\ud800" * MANY + b'"'),
    "200,000 wrong variables": (
        "malformed_env_name",
        lambda: manifest(provider("acme", env="A-KEY, " * 200_000)),
    ),
    "50,000 wrong examples": (
        "foreign_example",
        lambda: manifest(
            provider("acme") + f"    examples: [{', '.join(f'bcme{i}' for i in range(50_000))}]\n"
        ),
    ),
    "10,000 providers of one name": ("duplicate_provider", lambda: manifest(_same(10_000))),
    "3,000 arms of one pattern": (
        "unreachable_arm",
        lambda: manifest(_different(3_000, "^acme-"), runtime(_names(3_000))),
    ),
    "3,000 arms that are nowhere": (
        "unknown_provider",
        lambda: manifest(_different(3_000), runtime([f"amce{i}" for i in range(3_000)])),
    ),
    "3,000 wrong placeholders among 3,000": (
        "unknown_placeholder",
        lambda: manifest(
            provider("acme", url="'https://x/" + "".join(f"{{bc{i}}}" for i in range(3_000)) + "'")
            + "    endpoint_vars:\n"
            + "".join(f"      cb{i}: {{env: A}}\n" for i in range(3_000))
        ),
    ),
    "a pattern of the greatest length": ("", lambda: _patterned("^" + "a" * 16_383)),
    "a pattern that is longer": ("oversized_pattern", lambda: _patterned("^" + "a" * MANY)),
    "a pattern of escapes": (
        "pattern_syntax",
        lambda: manifest(provider("acme", "X")).replace("'X'", '"^' + r"\x41" * 4_000 + '("'),
    ),
    "as many literals as there may be": (
        "",
        lambda: _patterned("^(" + "|".join(f"{i:03x}" for i in range(1_024)) + ")"),
    ),
    "one literal more": (
        "oversized_pattern",
        lambda: _patterned("^(" + "|".join(f"{i:03x}" for i in range(1_025)) + ")"),
    ),
    "too many characters of literals": (
        "oversized_pattern",
        lambda: _patterned("^[ab]{1}" + "[ab]" * 8 + "a{1000}" * 3),
    ),
    "groups as deep as they may be": ("", lambda: _patterned("^" + "(" * 100 + ")" * 100)),
    "a group deeper": ("unsupported_pattern", lambda: _patterned("^" + "(" * 8_000)),
    "the greatest count": ("", lambda: _patterned("^a{1000}")),
    "a greater count": ("pattern_syntax", lambda: _patterned("^a{1001}")),
    "a count of 5,000 digits": ("pattern_syntax", lambda: _patterned(f"^a{{{'9' * 5_000}}}")),
    "counts in counts": ("pattern_syntax", lambda: _patterned("^" + "(" * 50 + "a" + "){2}" * 50)),
    "counts of nothing": ("oversized_pattern", lambda: _patterned("^" + "(){1000}" * 2_000)),
    "the same word in a thousand ways": ("", lambda: _patterned("^(a|a){40}")),
    "a letter in a thousand cases": (
        "oversized_pattern",
        lambda: _patterned("^(?i:" + "k" * 16_000 + ")Z"),
    ),
    "1,000 patterns of much work": (
        "oversized_pattern",
        lambda: manifest(_different(1_000, "^" + "(a|a)" * 40 + "[a-z]b")),
    ),
    "3,000 patterns of many literals": (
        "oversized_pattern",
        lambda: manifest(_different(3_000, "^(b|ab{{0,350}})c")),
    ),
    "30,000 comments that ignore": (
        "",
        lambda: ("# providers-codegen: ignore[R005] why\n" * 30_000 + manifest()),
    ),
}


def made(make: Make) -> bytes:
    """Return an input as the bytes of a file."""
    data = make()
    return data if isinstance(data, bytes) else data.encode()


def small() -> list[bytes]:
    """Return what a mutation may start from: real manifests, rejected ones, classic ones."""
    paths = [MANIFEST, EVERYTHING, *sorted(EVERYTHING.parent.iterdir()), *_rejects()]
    classic = [made(make) for _, make in CLASSIC.values()]
    return [path.read_bytes() for path in paths] + [data for data in classic if len(data) < 65_536]


def _rejects() -> list[Path]:
    return sorted(path for path in REJECTS.rglob("*.yaml") if path.is_file())
