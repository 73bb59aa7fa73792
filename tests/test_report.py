"""What a run found, in each of the four formats: what people read, and what programs take."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from codegen import report
from codegen.diagnostics import Diagnostic, Note, Severity, settle
from codegen.pipeline import Loaded, load_source
from codegen.report import Failure, Outcome, document, sarif
from codegen.report.fingerprints import line_hashes
from codegen.report.places import place
from codegen.report.selection import PER_RULE
from codegen.report.wording import sentence
from codegen.rulebook import rule_pages
from codegen.rules import BY_CODE, RULES
from codegen.source import Source, Sources, Span
from tests import toolchains
from tests.builds import MANIFEST, ROOT
from tests.languages import needed
from tests.strategies import HIDDEN, HOSTILE
from tests.test_cli import cli
from tests.test_rejects import FILES
from tests.test_rejects import _load as load_reject

Json = dict[str, Any]

FORMATS = ("text", "json", "github", "sarif")
DOCUMENTS = ("json", "sarif")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "diagnostics.schema.json").read_text("utf-8"))


def outcome(loaded: Loaded | None, exit_code: int = 0, failure: Failure | None = None) -> Outcome:
    return Outcome(loaded=loaded, failure=failure, fail_on="error", exit_code=exit_code)


def of(path: Path) -> Outcome:
    loaded = load_reject(path)
    return outcome(loaded, 2 if loaded.registry is None else 0)


# drawn findings

_LINES = st.lists(st.text(alphabet="aé模😀: \t", max_size=6), min_size=1, max_size=8)


@st.composite
def findings(draw: st.DrawFn) -> Loaded:
    """Draw two files and settled findings in them, of few rules so that caps are reached."""
    sources: list[Source] = []
    for name in ("core.yaml", "more/overlay.yaml"):
        text = "".join(line + draw(st.sampled_from(["\n", "\r\n", "\r"])) for line in draw(_LINES))
        base = sources[-1].end + 1 if sources else 0
        sources.append(Source(path=name, text=text, base=base))
    drawn = [
        _finding(draw, draw(st.sampled_from(sources))) for _ in range(draw(st.integers(0, 12)))
    ]
    crowd = draw(st.sampled_from([0, 0, PER_RULE - 1, PER_RULE, PER_RULE + 3]))
    many = [replace(_finding(draw, sources[0]), message=f"number {n}") for n in range(crowd)]
    return Loaded(
        sources=Sources(files=tuple(sources)),
        registry=None,
        diagnostics=settle([*drawn, *many]),
    )


def _span(draw: st.DrawFn, source: Source) -> Span:
    start = draw(st.integers(0, len(source.text)))
    return source.span(start, draw(st.integers(start, len(source.text))))


def _finding(draw: st.DrawFn, source: Source) -> Diagnostic:
    rule = BY_CODE[draw(st.sampled_from(["S001", "A004", "P006"]))]
    notes = [
        Note(span=_span(draw, source), message=draw(HOSTILE))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Diagnostic(
        code=rule.code,
        severity=rule.severity,
        span=_span(draw, source),
        message=draw(HOSTILE) + draw(st.sampled_from(["", "%0A", "%25", "::", ",title=x"])),
        hint=draw(HOSTILE),
        notes=tuple(notes),
    )


# what people read

SHOWN = [
    ROOT / "tests" / "rejects" / f"{name}.yaml"
    for name in ("Y004_duplicate_key", "N007_redefined_entry")
]
each_shown = pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)


@each_shown
def test_json_is_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    assert document.dumps(of(path)) == snapshot


@each_shown
def test_github_is_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    loaded = load_reject(path)
    assert report.github(loaded.sources, loaded.diagnostics) == snapshot


@each_shown
def test_sarif_is_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    """The pages of the rules are left out: another test compares them with the rule book."""
    log = sarif.plain(of(path))
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:  # type: ignore[index]
        rule["help"] = rule["fullDescription"] = rule["shortDescription"] = "…"
    assert json.dumps(log, indent=2, ensure_ascii=False) == snapshot


@each_shown
def test_coloured_text_is_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    loaded = load_reject(path)
    painted = report.text(loaded.sources, loaded.diagnostics, is_coloured=True)
    assert painted.replace("\x1b", "ESC") == snapshot
    plain = report.text(loaded.sources, loaded.diagnostics)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


def test_span_over_several_lines_marks_the_first_to_its_end() -> None:
    source = Source(path="m.yaml", text="ab: [1,\n  2]\n")
    found = Diagnostic(
        code="S003",
        severity=Severity.ERROR,
        span=source.span(4, 12),
        message="wrong",
        hint="write another",
    )
    assert report.text(Sources(files=(source,)), [found]) == (
        "m.yaml:1:5: error[S003]: wrong\n"
        "   |\n"
        " 1 | ab: [1,\n"
        "   |     ^^^\n"
        "   help: write another"
    )


# the cap, the counts and the order


@given(findings())
@settings(max_examples=60, deadline=None)
def test_counts_are_of_all_findings_and_what_is_left_out_is_counted(loaded: Loaded) -> None:
    all_of = Counter(found.code for found in loaded.diagnostics)
    made = document.plain(outcome(loaded))
    listed = Counter(str(found["code"]) for found in made["diagnostics"])  # type: ignore[attr-defined]
    left_out = {each["code"]: each["count"] for each in made["omitted"]}  # type: ignore[attr-defined]
    assert {code: listed[code] + left_out.get(code, 0) for code in all_of} == dict(all_of)
    assert all(count <= PER_RULE for count in listed.values())
    assert all(listed[code] == PER_RULE for code in left_out)
    severities = Counter(found.severity.value for found in loaded.diagnostics)
    assert made["counts"] == {s.value: severities[s.value] for s in Severity}


@given(findings())
@settings(max_examples=60, deadline=None)
def test_every_format_lists_the_same_findings_in_the_same_order(loaded: Loaded) -> None:
    listed = document.plain(outcome(loaded))["diagnostics"]
    codes = [found["code"] for found in listed]  # type: ignore[attr-defined]
    starts = [_start(loaded, found) for found in listed]  # type: ignore[attr-defined]
    assert starts == sorted(starts)
    blocks = report.text(loaded.sources, loaded.diagnostics).split("\n\n")
    heads = (re.search(r"^\S+:\d+:\d+: \w+\[(\w+)\]: ", block) for block in blocks)
    assert [head[1] for head in heads if head is not None] == codes
    commands = report.github(loaded.sources, loaded.diagnostics).split("\n")
    assert [c["title"].split()[0] for c, _ in map(parsed, commands) if c] == codes
    results = sarif.plain(outcome(loaded))["runs"][0]["results"]  # type: ignore[index]
    assert [result["ruleId"] for result in results] == codes


def _start(loaded: Loaded, found: Json) -> tuple[int, int]:
    paths = [source.path for source in loaded.sources.files]
    location = found["location"]
    return paths.index(location["path"]), location["start"]["offset"]


def test_many_findings_of_a_rule_are_cut_and_counted_in_every_format() -> None:
    keys = "".join(f"wrong-{n}: 1\n" for n in range(PER_RULE + 7))
    text = f"schema_version: 1\nproviders: []\nruntimes: {{}}\n{keys}"
    loaded = load_source(Source(path="m.yaml", text=text))
    line = "… and 7 more findings of S001"
    assert report.text(loaded.sources, loaded.diagnostics).endswith(f"\n\n{line}")
    assert report.github(loaded.sources, loaded.diagnostics).endswith(f"\n{line}\n32 errors")
    made = document.plain(outcome(loaded, 2))
    assert made["omitted"] == [{"code": "S001", "name": "unknown_key", "count": 7}]
    assert made["counts"] == {"error": 32, "warning": 0, "note": 0}
    run = sarif.plain(outcome(loaded, 2))["runs"][0]  # type: ignore[index]
    assert len(run["results"]) == PER_RULE
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [(note["level"], note["message"]["text"]) for note in notes] == [("note", line + ".")]


# places


@given(findings())
@settings(max_examples=60, deadline=None)
def test_places_say_exactly_which_characters_are_meant(loaded: Loaded) -> None:
    for found in loaded.diagnostics:
        source, where = loaded.sources.at(found.span), place(loaded.sources, found.span)
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source.text)
        starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]
        offset = starts[where.start.line - 1] + where.start.column - 1
        end = starts[where.end.line - 1] + where.end.column - 1
        assert source.text[offset:end] == source.slice(found.span)
        assert source.text[where.offset : where.end_offset] == source.slice(found.span)
        last = starts[where.last.line - 1] + where.last.column - 1
        assert last == max(offset, end - 1)


# json


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMA)


# Only commands that answer with data have it, and each describes its own.
ANSWER = "answer"


def test_schema_is_a_schema_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in _parts(SCHEMA):
        assert part.get("description"), part
        if part.get("type") == "object" and part is not SCHEMA["properties"][ANSWER]:
            assert part["additionalProperties"] is False, part
            assert sorted(part["required"]) == sorted({*part["properties"]} - {ANSWER}), part


def _parts(part: Json) -> Iterator[Json]:
    yield part
    for below in (*part.get("properties", {}).values(), *part.get("$defs", {}).values()):
        yield from _parts(below)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_json_of_a_reject_fits_the_schema(path: Path) -> None:
    made = json.loads(document.dumps(of(path)))
    validator().validate(made)
    assert made["diagnostics"]
    assert {found["location"]["path"] for found in made["diagnostics"]} <= set(made["files"])


@given(findings())
@settings(max_examples=40, deadline=None)
def test_json_of_any_findings_fits_the_schema_and_hides_nothing(loaded: Loaded) -> None:
    printed = document.dumps(outcome(loaded))
    assert HIDDEN.search(printed) is None
    validator().validate(json.loads(printed))
    listed = json.loads(printed)["diagnostics"]
    messages = [found["message"] for found in listed]
    assert set(messages) <= {found.message for found in loaded.diagnostics}


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"format_version": 2},
        {"exit_code": "2"},
        {"failure": {"message": ""}},
        {"files": "m.yaml"},
        {"diagnostics": [{}]},
    ],
    ids=str,
)
def test_schema_refuses_what_is_not_a_report(change: Json) -> None:
    made = document.plain(of(SHOWN[0]))
    with pytest.raises(jsonschema.ValidationError):
        validator().validate({**made, **change})


# sarif


@cache
def official() -> jsonschema.Draft4Validator:
    schema = Path(needed(toolchains.sarif_schema(), "the official schema of SARIF"))
    return jsonschema.Draft4Validator(json.loads(schema.read_text(encoding="utf-8")))


def test_schema_of_sarif_is_the_official_one() -> None:
    """The file that OASIS publishes under this id has 112,768 bytes; this is its SHA-256."""
    schema = Path(needed(toolchains.sarif_schema(), "the official schema of SARIF")).read_bytes()
    assert len(schema) == 112_768
    digest = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
    assert hashlib.sha256(schema).hexdigest() == digest
    assert json.loads(schema)["id"] == sarif.plain(outcome(None))["$schema"]


def test_sarif_of_all_rejects_fits_the_official_schema() -> None:
    made = [json.loads(sarif.dumps(of(path))) for path in FILES]
    for log in made:
        official().validate(log)
        _judge_sarif(log)
    assert {rule["id"] for log in made for rule in _rules(log)} >= {rule.code for rule in RULES}


def _rules(log: Json) -> list[Json]:
    rules: list[Json] = log["runs"][0]["tool"]["driver"]["rules"]
    return rules


# An embedded link of a plain text, as the standard spells it in 3.11.6.
_LINK = re.compile(r"\[((?:[^][\\]|\\[][\\])*)\]\(([^()]*)\)")


def _judge_sarif(log: Json) -> None:
    """Judge what GitHub asks for and the standard says in prose, where the schema is silent."""
    for rule in _rules(log):
        assert len(rule["shortDescription"]["text"]) <= 1024
        assert len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert re.fullmatch(r"([A-Z][a-z]+)+", rule["name"])
    for result in log["runs"][0]["results"]:
        assert _rules(log)[result["ruleIndex"]]["id"] == result["ruleId"]
        assert re.fullmatch(
            r"[0-9a-f]{1,16}:\d+", result["partialFingerprints"]["primaryLocationLineHash"]
        )
        assert isinstance(result["suppressions"], list)
        assert len(result["locations"]) == 1
        related = result.get("relatedLocations", [])
        links = [link[1] for link in _LINK.findall(result["message"]["text"])]
        assert links == [str(location["id"]) for location in related]
        assert _without_pairs(result["message"]["text"])
        for location in [*result["locations"], *related]:
            physical = location["physicalLocation"]
            assert set(physical["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
            assert re.fullmatch(r"[\w.~!$&'()*+;=@%/-]+", physical["artifactLocation"]["uri"])


def _without_pairs(text: str) -> bool:
    """Tell whether every brace is one of two: a single one would begin a placeholder."""
    return re.search(r"[{}]", text.replace("{{", "").replace("}}", "")) is None


@given(findings())
@settings(max_examples=40, deadline=None)
def test_sarif_of_any_findings_fits_the_official_schema_and_hides_nothing(loaded: Loaded) -> None:
    printed = sarif.dumps(outcome(loaded))
    assert HIDDEN.search(printed) is None
    official().validate(json.loads(printed))
    _judge_sarif(json.loads(printed))


@pytest.mark.parametrize(
    "change",
    [{"version": "2.2"}, {"runs": [{}]}, {"runs": [{"tool": {"driver": {}}}]}, {"surprise": 1}],
    ids=str,
)
def test_official_schema_refuses_what_is_not_sarif(change: Json) -> None:
    with pytest.raises(jsonschema.ValidationError):
        official().validate({**sarif.plain(of(SHOWN[0])), **change})


def test_sarif_carries_the_page_of_each_rule_that_occurs() -> None:
    pages = {page.rule.code: page for page in rule_pages()}
    for path in FILES:
        for rule in _rules(sarif.plain(of(path))):
            page = pages[rule["id"]]
            assert rule["fullDescription"]["text"] == page.reason
            for part in (page.reason, page.fails, page.passes, page.mend):
                assert part in rule["help"]["markdown"]
            assert rule["defaultConfiguration"] == {"level": page.rule.severity.value}
            assert rule["properties"] == {"tags": [page.rule.family]}


IGNORING = """\
schema_version: 1
providers:
  # providers-codegen: ignore[R005] announced for {next} release
  - name: acme
    display_name: Acme
    vendor_logo: acme
    protocol: openai
    auth_mode: third_party_anthropic_compat
    base_url_template: null
    base_url_anthropic: null
    auth_env: [ACME_KEY]
    model_prefix_match: '^acme-'
runtimes: {}
"""


def test_ignored_findings_are_reported_apart_with_their_reason() -> None:
    loaded = load_source(Source(path="m.yaml", text=IGNORING))
    made = json.loads(document.dumps(outcome(loaded)))
    validator().validate(made)
    assert made["diagnostics"] == []
    assert made["counts"] == {"error": 0, "warning": 0, "note": 0}
    (suppressed,) = made["suppressed"]
    assert suppressed["reason"] == "announced for {next} release"
    assert suppressed["diagnostic"]["code"] == "R005"
    log = json.loads(sarif.dumps(outcome(loaded)))
    official().validate(log)
    (result,) = log["runs"][0]["results"]
    reason = "announced for {next} release"
    assert result["suppressions"] == [{"kind": "inSource", "justification": reason}]
    assert result["ruleId"] == "R005"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("providers.yaml", {"uri": "providers.yaml", "uriBaseId": "%SRCROOT%"}),
        ("./a/b.yaml", {"uri": "a/b.yaml", "uriBaseId": "%SRCROOT%"}),
        ("a b%#?é.yaml", {"uri": "a%20b%25%23%3F%C3%A9.yaml", "uriBaseId": "%SRCROOT%"}),
        ("c:d.yaml", {"uri": "c%3Ad.yaml", "uriBaseId": "%SRCROOT%"}),
        ("\udcff.yaml", {"uri": "%FF.yaml", "uriBaseId": "%SRCROOT%"}),
        ("/etc/a b.yaml", {"uri": "file:///etc/a%20b.yaml"}),
    ],
)
def test_sarif_names_a_file_by_a_uri(path: str, wanted: Json) -> None:
    assert sarif._artifact(path) == wanted


def test_sarif_names_a_file_outside_of_the_folder_without_dots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    made = sarif._artifact("../outer.yaml")
    assert made == {"uri": (tmp_path.resolve() / "outer.yaml").as_uri()}


# The hashes that the tests of GitHub's upload action expect of these texts.
PUBLISHED = [
    ("", ["c129715d7a2bc9a3:1"]),
    (
        " a\nb\n  \t\tc\n d",
        ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
    ),
    (
        " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
        [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ],
    ),
    (
        "Lorem ipsum dolor sit amet.\n" * 10,
        [
            *(f"a7f2ff13bc495cf2:{n}" for n in range(1, 7)),
            "a7f2ff1481e87703:1",
            "a9cf91f7bbf1862b:1",
            "55ec222b86bcae53:1",
            "cc97dc7b1d7d8f7b:1",
            "c129715d7a2bc9a3:1",
        ],
    ),
]


@pytest.mark.parametrize(("text", "hashes"), PUBLISHED)
def test_fingerprints_are_those_of_github(text: str, hashes: list[str]) -> None:
    lines = range(1, len(hashes) + 1)
    assert line_hashes(text, lines) == dict(zip(lines, hashes, strict=True))


def test_fingerprints_stay_when_lines_move() -> None:
    text = SHOWN[0].read_text(encoding="utf-8")
    moved = "# a comment\n\n" + text
    before = sarif.plain(outcome(load_source(Source(path="m.yaml", text=text))))
    after = sarif.plain(outcome(load_source(Source(path="m.yaml", text=moved))))
    first, second = (log["runs"][0]["results"][0] for log in (before, after))  # type: ignore[index]
    lines = [r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in (first, second)]
    assert lines[1] == lines[0] + 2
    assert first["partialFingerprints"] == second["partialFingerprints"]


# github


def _unescaped(text: str, marks: str) -> str:
    for mark in marks + "%":
        text = text.replace(f"%{ord(mark):02X}", mark)
    return text


def parsed(line: str) -> tuple[dict[str, str], str]:
    """Read a line as the runner does; a line that is no command has no properties."""
    match = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
    if match is None:
        return {}, line
    pairs = (pair.partition("=") for pair in match[2].split(","))
    properties = {name: _unescaped(value, "\r\n:,") for name, _, value in pairs}
    return {"command": match[1], **properties}, _unescaped(match[3], "\r\n")


@given(findings())
@settings(max_examples=60, deadline=None)
def test_github_reads_each_annotation_as_it_was_meant(loaded: Loaded) -> None:
    printed = report.github(loaded.sources, loaded.diagnostics)
    assert HIDDEN.search(printed) is None
    commands = [command for command in map(parsed, printed.split("\n")) if command[0]]
    shown = document.plain(outcome(loaded))["diagnostics"]
    for (command, message), found in zip(commands, shown, strict=True):  # type: ignore[call-overload]
        assert message.startswith(sentence(report.shown(found["message"])))
        assert message.endswith(f"\nHelp: {sentence(report.shown(found['hint']))}")
        location = found["location"]
        assert command["file"] == location["path"]
        assert command["title"] == f"{found['code']} {found['name']}"
        level = {"error": "error", "warning": "warning", "note": "notice"}
        assert command["command"] == level[found["severity"]]
        assert int(command["line"]) == location["start"]["line"]
        assert int(command["endLine"]) >= int(command["line"])
        assert ("col" in command) == (command["line"] == command["endLine"])
        if "col" in command:
            size = location["end"]["offset"] - location["start"]["offset"]
            assert int(command["endColumn"]) - int(command["col"]) == max(0, size - 1)


HOSTILE_PATHS = [
    ("a,b:c%.yaml", "a,b:c%.yaml"),
    ("two\nlines\r.yaml", "two\nlines\r.yaml"),
    ("::error::.yaml", "::error::.yaml"),
    ("%0A%2C%25.yaml", "%0A%2C%25.yaml"),
    ("a\x1b[31m\u202eb.yaml", "a\ufffd[31m\ufffdb.yaml"),
    ("שלום.yaml", "שלום.yaml"),
    ("\udcff.yaml", "\ufffd.yaml"),
]


@pytest.mark.parametrize(("path", "wanted"), HOSTILE_PATHS, ids=ascii)
def test_no_path_breaks_a_format(path: str, wanted: str) -> None:
    loaded = load_source(Source(path=path, text="a: 1\na: 2\n"))
    github = report.github(loaded.sources, loaded.diagnostics).split("\n")
    assert parsed(github[0])[0]["file"] == wanted
    assert len(github) == len(loaded.diagnostics) + 1
    assert all(HIDDEN.search(line) is None for line in github)
    made = json.loads(document.dumps(outcome(loaded)))
    assert made["files"] == [path]
    log = json.loads(sarif.dumps(outcome(loaded)))
    official().validate(log)
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    uri = location["artifactLocation"]["uri"]
    assert unquote(uri, errors="surrogateescape") == path
    for printed in (*github, document.dumps(outcome(loaded)), sarif.dumps(outcome(loaded))):
        printed.encode("utf-8")


def test_megabyte_stays_short_in_every_format() -> None:
    """A line, a message, a hint and a note are all as long as somebody cares to make them."""
    source = Source(path="m.yaml", text="k" * 1_000_000)
    found = Diagnostic(
        code="S001",
        severity=Severity.ERROR,
        span=source.span(500_000, 1_000_000),
        message="m" * 1_000_000,
        hint="h" * 1_000_000,
        notes=(Note(span=source.span(0, 9), message="n" * 1_000_000),),
    )
    loaded = Loaded(sources=Sources(files=(source,)), registry=None, diagnostics=(found,))
    ended = outcome(loaded, 2, Failure(message="f" * 1_000_000, hint="g" * 1_000_000))
    printed = {
        "text": report.text(loaded.sources, loaded.diagnostics),
        "github": report.github(loaded.sources, loaded.diagnostics),
        "json": document.dumps(ended),
        "sarif": sarif.dumps(ended),
    }
    assert {form: len(made) for form, made in printed.items() if len(made) > 8_000} == {}
    validator().validate(json.loads(printed["json"]))
    official().validate(json.loads(printed["sarif"]))


@given(HOSTILE, st.sampled_from(["", "[45](o)", "[a\\](b)", "[\\\\](c)", "{0}", "}}"]))
@settings(max_examples=60, deadline=None)
def test_sarif_shows_a_message_as_it_was_written(drawn: str, trap: str) -> None:
    """Braces come in pairs, and no bracket ends a link; nothing else is changed."""
    source = Source(path="m.yaml", text="a: 1\n")
    found = Diagnostic(
        code="S001",
        severity=Severity.ERROR,
        span=source.span(0, 1),
        message=drawn + trap,
        hint="write another",
    )
    made = str(sarif._message(found)["text"])
    assert _LINK.search(made) is None
    viewed = made.replace("{{", "{").replace("}}", "}").replace("\\", "")
    assert viewed.startswith((drawn + trap).replace("\\", ""))
    assert viewed.endswith(" Help: write another.")


# the command line


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    (tmp_path / "faulty.yaml").write_bytes(SHOWN[0].read_bytes())
    warning = IGNORING.replace("# providers-codegen: ignore", "# ")
    (tmp_path / "warning.yaml").write_text(warning, encoding="utf-8")
    (tmp_path / "latin1.yaml").write_bytes(b"\xe9")
    return tmp_path


def judged(form: str, printed: str) -> Json:
    """Return a document that must be one of its format."""
    made: Json = json.loads(printed)
    if form == "json":
        validator().validate(made)
    else:
        official().validate(made)
    return made


def _exit_code(form: str, made: Json) -> int:
    code = made["exit_code"] if form == "json" else made["runs"][0]["invocations"][0]["exitCode"]
    return int(code)


RUNS = [
    (["check"], 0, ""),
    (["check", "--manifest", "faulty.yaml"], 2, ""),
    (["generate", "--manifest", "faulty.yaml"], 2, ""),
    (["verify", "--manifest", "faulty.yaml"], 2, ""),
    (["check", "--manifest", "missing.yaml"], 2, ""),
    (["check", "--manifest", "latin1.yaml"], 2, ""),
    (["check", "--manifest", "warning.yaml"], 0, ""),
    (["check", "--manifest", "warning.yaml", "--fail-on", "warning"], 1, "1 warning, and fail-on"),
    (["generate", "--python-package", "no such name"], 2, "is not a Python package name"),
    (["verify"], 1, "12 files differ"),
    (["verify", "--out", "providers.yaml"], 3, "cannot be read: Not a directory"),
    (["generate", "--out", "providers.yaml"], 3, "cannot be written"),
    (["generate"], 0, ""),
]


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize(("arguments", "code", "failure"), RUNS, ids=str)
def test_document_has_standard_output_to_itself(
    project: Path, form: str, arguments: list[str], code: int, failure: str
) -> None:
    done = cli(project, *arguments, "--format", form)
    made = judged(form, done.stdout)
    assert (done.returncode, _exit_code(form, made)) == (code, code)
    if form == "json":
        assert failure in (made["failure"] or {"message": ""})["message"]
        assert (made["failure"] is None) == (not failure)
        return
    invocation = made["runs"][0]["invocations"][0]
    told = json.dumps(invocation)
    assert failure in told
    assert invocation["executionSuccessful"] == (not failure or code == 1)
    assert ("toolConfigurationNotifications" in invocation) == ("Python package" in failure)


def test_foreign_files_in_the_way_are_named_in_a_document(project: Path) -> None:
    (project / "generated").mkdir()
    for name in ("README.md", "registry.json"):
        (project / "generated" / name).write_text("mine\n", encoding="utf-8")
    done = cli(project, "generate", "--format", "json")
    made = judged("json", done.stdout)
    assert (done.returncode, made["exit_code"]) == (1, 1)
    for name in ("README.md", "registry.json"):
        line = f"generated/{name} was not written by providers-codegen"
        assert line in made["failure"]["message"]
        assert f"error: {line}\n" in done.stderr
    assert made["failure"]["hint"] == "move it away or remove it; nothing was written"


@pytest.mark.parametrize("form", DOCUMENTS)
def test_internal_error_is_in_the_document(project: Path, form: str) -> None:
    program = (
        "import sys; from codegen import cli, pipeline; "
        "pipeline.load = lambda *_, **__: {}['boom']; "
        f"sys.argv = ['providers-codegen', 'check', '--format', '{form}']; cli.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    made = judged(form, done.stdout)
    assert (done.returncode, _exit_code(form, made)) == (3, 3)
    assert "internal error: KeyError: 'boom'" in done.stdout
    assert done.stderr.startswith("internal error: KeyError: 'boom'\n")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_what_the_command_says_besides_goes_to_standard_error(project: Path) -> None:
    said = cli(project, "generate").stdout
    shutil.rmtree(project / "generated")
    done = cli(project, "generate", "--format", "json")
    assert done.stderr == said
    assert cli(project, "verify", "--format", "text").stderr == ""


def test_github_annotations_stand_on_standard_output(project: Path) -> None:
    done = cli(project, "check", "--manifest", "faulty.yaml", "--format", "github")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("::error file=faulty.yaml,line=")
    assert done.stdout.endswith("\n1 error\n")


def test_github_annotates_failures_without_a_place(project: Path) -> None:
    done = cli(project, "verify", "--format", "github")
    assert done.returncode == 1
    assert "::error title=providers-codegen::generated: 12 files differ from what" in done.stdout
    assert "%0AHelp: run: providers-codegen generate.\n" in done.stdout


FAIL_ON = [
    ("check", "error", 0),
    ("check", "warning", 1),
    ("check", "note", 1),
    ("generate", "error", 0),
    ("generate", "warning", 1),
    ("verify", "warning", 1),
]


@pytest.mark.parametrize(("command", "severity", "code"), FAIL_ON)
@pytest.mark.parametrize("is_setting", [False, True], ids=["flag", "setting"])
def test_findings_fail_the_run_from_the_severity_asked_for(
    project: Path, command: str, severity: str, code: int, is_setting: bool
) -> None:
    arguments = [command, "--manifest", "warning.yaml"]
    arguments += [] if command == "check" else ["--out", "built"]
    if is_setting:
        text = f'[tool.providers-codegen]\nfail-on = "{severity}"\n'
        (project / "pyproject.toml").write_text(text, encoding="utf-8")
    else:
        arguments += ["--fail-on", severity]
    done = cli(project, *arguments)
    assert done.returncode == code
    assert "warning[R005]" in done.stderr
    complaint = f'error: 1 warning, and fail-on is "{severity}"\n'
    assert (complaint in done.stderr) == (code == 1)
    assert (project / "built").exists() == (command == "generate" and code == 0)
    assert ("nothing was written\n" in done.stderr) == (command == "generate" and code == 1)


def test_errors_stay_two_whatever_fails_the_run(project: Path) -> None:
    done = cli(project, "check", "--manifest", "faulty.yaml", "--fail-on", "note")
    assert done.returncode == 2
    assert "fail-on" not in done.stderr


def test_verify_that_fails_by_a_warning_still_tells_the_drift(project: Path) -> None:
    done = cli(project, "verify", "--manifest", "warning.yaml", "--fail-on", "warning")
    assert done.returncode == 1
    assert "MISSING   generated/registry.json" in done.stdout
    cli(project, "generate", "--manifest", "warning.yaml")
    done = cli(project, "verify", "--manifest", "warning.yaml", "--fail-on", "warning")
    assert (done.returncode, done.stdout) == (1, "generated: 12 files, all as generated\n")


def test_unknown_severity_in_the_settings_is_refused(project: Path) -> None:
    text = '[tool.providers-codegen]\nfail-on = "fatal"\n'
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    done = cli(project, "check")
    assert done.returncode == 2
    assert "fail-on in" in done.stderr
    assert "is not error, warning or note" in done.stderr


# colour


def at_a_terminal(cwd: Path, arguments: list[str], **environ: str) -> str:
    """Run the command with a terminal for its standard error; return what that shows."""
    leader, follower = pty.openpty()
    clean = {k: v for k, v in _environment().items() if k not in ("NO_COLOR", "TERM")}
    with subprocess.Popen(
        [sys.executable, "-m", "codegen", *arguments],
        cwd=cwd,
        env=clean | environ,
        stdout=subprocess.PIPE,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = b"".join(iter(lambda: _read(leader), b""))
        assert process.wait(timeout=60) == 2
    os.close(leader)
    return shown.decode("utf-8")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""  # Linux says EIO where the last writer has gone.


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
    ids=str,
)
def test_colour_is_for_terminals_of_people_who_do_not_refuse_it(
    project: Path, environ: dict[str, str], is_coloured: bool
) -> None:
    shown = at_a_terminal(project, ["check", "--manifest", "faulty.yaml"], **environ)
    assert ("\x1b[1;31merror[Y004]\x1b[0m" in shown) == is_coloured
    assert ("\x1b" in shown) == is_coloured


def test_pipe_and_documents_have_no_colour(project: Path) -> None:
    arguments = ["check", "--manifest", "faulty.yaml"]
    assert "\x1b" not in cli(project, *arguments).stderr
    for form in ("json", "sarif", "github"):
        assert "\x1b" not in at_a_terminal(project, [*arguments, "--format", form], TERM="xterm")


# start-up


@pytest.mark.parametrize(("form", "is_loaded"), [("text", False), ("json", False), ("sarif", True)])
def test_rule_pages_are_loaded_for_sarif_alone(project: Path, form: str, is_loaded: bool) -> None:
    program = (
        "import sys; from codegen import cli; "
        f"sys.argv = ['providers-codegen', 'check', '--format', '{form}']\n"
        "try: cli.run()\n"
        "except SystemExit: print('codegen.rulebook' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == str(is_loaded)
