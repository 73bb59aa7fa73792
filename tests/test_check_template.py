"""check-template: what a runtime's own template offers, against what the registry decides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from codegen import report
from codegen.diagnostics import Diagnostic, Severity
from codegen.ir import PLATFORM, Provider, Registry
from codegen.judging import Checked, check_sources, check_templates
from codegen.pipeline import Loaded, load
from codegen.pointers import Pointer, PointerError, parse_pointer
from codegen.report.verdicts import counts_line, plain
from codegen.routing import Verdict, derive_provider, validate_model
from codegen.rules import BY_CODE
from codegen.runtime_templates import MAX_OFFERS, MAX_SUGGESTED
from codegen.source import Source
from tests.builds import MANIFEST, ROOT
from tests.strategies import HIDDEN, HOSTILE
from tests.test_cli import cli
from tests.test_report import validator

Json = dict[str, Any]

TEMPLATES = ROOT / "tests" / "templates"
CORE = ROOT / "tests" / "manifests" / "core.yaml"
EVERYTHING = ROOT / "tests" / "manifests" / "everything.yaml"
SCHEMA = json.loads(
    (ROOT / "docs" / "schemas" / "check-template.schema.json").read_text(encoding="utf-8")
)

REAL, SMALL, WHOLE = load(MANIFEST, "providers.yaml"), load(CORE, "core.yaml"), load(EVERYTHING)


def registry_of(loaded: Loaded) -> Registry:
    assert loaded.registry is not None
    return loaded.registry


def checked(
    text: str, runtime: str = "agent", loaded: Loaded = SMALL, pointers: tuple[str, ...] = ()
) -> Checked:
    """Check a text as the template of a runtime."""
    registry = registry_of(loaded)
    found = registry.runtime(runtime)
    assert found is not None
    source = Source(path="t.yaml", text=text, base=loaded.sources.files[-1].end + 1)
    selected = tuple(map(parse_pointer, pointers or ("/runtime_config/models",)))
    return check_sources(loaded, registry, found, source, pointers=selected)


def written(text: str) -> str:
    """Return a text as YAML writes it in double quotes, whatever is in it."""
    plain_text = (char if " " <= char <= "~" and char not in '"\\' else "" for char in text)
    parts = (kept or f"\\U{ord(char):08x}" for kept, char in zip(plain_text, text, strict=True))
    return f'"{"".join(parts)}"'


def offering(*models: str) -> str:
    """Return a template that offers ids."""
    return f"runtime_config: {{models: [{', '.join(map(written, models))}]}}\n"


def names(made: Checked) -> list[str]:
    return [BY_CODE[found.code].name for found in made.loaded.diagnostics]


# the templates of the five runtimes, as they were in use

# The last providers to be added; what they brought is what the first table lacks.
DEDICATED = {"byok-anthropic", "byok-openai", "byok-gemini", "byok-minimax", "groq"}


def before(registry: Registry) -> Registry:
    """Return a registry as it was before the dedicated BYOK vendors and their arms."""
    arms = {
        runtime.name: tuple(arm for arm in runtime.arms if arm.provider not in DEDICATED)
        for runtime in registry.runtimes
    }
    return replace(
        registry,
        providers=tuple(each for each in registry.providers if each.name not in DEDICATED),
        runtimes=tuple(replace(each, arms=arms[each.name]) for each in registry.runtimes),
    )


TABLE = {
    "claude-code": (27, 27, 27),
    "hermes": (25, 37, 37),
    "codex": (8, 9, 9),
    "openclaw": (6, 13, 13),
    "google-adk": (2, 2, 4),
}


def of_runtime(name: str, registry: Registry) -> Checked:
    """Check the template that a runtime ships."""
    found = registry.runtime(name)
    assert found is not None
    return check_templates(REAL, registry, found, [TEMPLATES / f"{name}.yaml"])


def test_there_is_a_template_of_every_runtime() -> None:
    runtimes = {runtime.name for runtime in registry_of(REAL).runtimes}
    assert {path.stem for path in TEMPLATES.iterdir()} == runtimes == set(TABLE)


@pytest.mark.parametrize("runtime", TABLE)
def test_dedicated_vendors_brought_the_ids_that_were_missing(runtime: str) -> None:
    now = registry_of(REAL)
    then = before(now)
    assert len(now.providers) - len(then.providers) == len(DEDICATED)
    (old,), (new,) = (of_runtime(runtime, each).judged for each in (then, now))
    assert (old.allowed, new.allowed, len(new.offers)) == TABLE[runtime]
    assert len(old.offers) == len(new.offers) == sum(new.counts.values())


@pytest.mark.parametrize("runtime", TABLE)
def test_template_of_a_runtime_is_judged_as_the_golden_says(
    runtime: str, snapshot: SnapshotAssertion
) -> None:
    made = of_runtime(runtime, registry_of(REAL))
    found, (judged,) = made.loaded.diagnostics, made.judged
    told = "\n".join([report.text(made.loaded.sources, found), counts_line(judged)])
    assert told.replace(f"{TEMPLATES}/", "") == snapshot


# which ids a template offers

PLACES = {
    "a list of ids": ("runtime_config: {models: [acme-1, acme-2]}", ()),
    "a list of mappings": ("runtime_config: {models: [{id: acme-1}, {id: acme-2}]}", ()),
    "both": ("runtime_config: {models: [acme-1, {id: acme-2, name: Acme}]}", ()),
    "a pointer to the list": ("a: {b: [acme-1, acme-2]}", ("/a/b",)),
    "a pointer to the items": ("a: {b: [acme-1, acme-2]}", ("/a/b/*",)),
    "a pointer to the ids": ("a: [{id: acme-1}, {id: acme-2}]", ("/a/*/id",)),
    "ids under another key": ("a: [{model: acme-1}, {model: acme-2}]", ("/a/*/model",)),
    "each value of a mapping": ("a: {x: acme-1, y: {id: acme-2}}", ("/a/*",)),
    "lists of a mapping": ("a: {x: [acme-1], y: [acme-2]}", ("/a/*",)),
    "items by number": ("a: [acme-1, no, acme-2]", ("/a/0", "/a/2")),
    "the whole document": ("[acme-1, acme-2]", ("",)),
    "one place twice": ("a: [acme-1, acme-2]", ("/a", "/a/*", "/*/1")),
    "escapes": ("a/b: {c~d: [acme-1, acme-2]}", ("/a~1b/c~0d",)),
    "some without the key": ("a: [{m: acme-1}, {}, {m: acme-2}]", ("/a/*/m",)),
    "an empty key": ("'': [acme-1, acme-2]", ("/",)),
    "an alias": ("a: &a [acme-1, acme-2]\nb: *a", ("/a", "/b")),
    "JSON": ('{"a": [{"id": "acme-1"}, "acme-2"]}', ("/a",)),
    "keys that are no texts elsewhere": ("1: x\non: y\na: [acme-1, acme-2]", ("/a",)),
    "null elsewhere": ("a: [acme-1, acme-2]\nb:\n", ("/a", "/b")),
}


@pytest.mark.parametrize(("text", "pointers"), PLACES.values(), ids=PLACES)
def test_pointer_finds_the_ids_in_order(text: str, pointers: tuple[str, ...]) -> None:
    made = checked(text, pointers=pointers)
    assert [offer.offer.id for offer in made.judged[0].offers] == ["acme-1", "acme-2"]
    assert names(made) == []


def test_tag_of_an_id_counts_wherever_the_pointer_ends() -> None:
    text = "runtime_config: {models: [{id: acme-1, provider: platform}]}"
    for pointer in ("/runtime_config/models", "/runtime_config/models/*/id", "/*/*/0"):
        assert names(checked(text, pointers=(pointer,))) == ["unlisted_platform_tag"], pointer


NO_POINTERS = {
    "runtime_config.models[].id": "write /runtime_config/models/*/id",
    "$.models[*]": "write /models/*",
    "models": "write /models",
    "/a~2b": "write ~0 for ~ and ~1 for /",
    "/a~": "write ~0 for ~ and ~1 for /",
}


@pytest.mark.parametrize(("text", "hint"), NO_POINTERS.items())
def test_text_that_is_no_pointer_is_refused_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(PointerError) as refused:
        parse_pointer(text)
    assert (refused.value.hint, text in refused.value.message) == (hint, True)


@given(st.lists(st.text(alphabet="a~/*01é", max_size=4), max_size=4))
def test_pointer_and_its_tokens_are_one(tokens: list[str]) -> None:
    text = "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)
    assert parse_pointer(text) == Pointer(text=text, tokens=tuple(tokens))


MISSED = {
    "a misspelt list": ("models: {modles: [a]}", "/models/models", "--select /models/modles"),
    "a misspelt mapping": ("runtime-config: {}", "/runtime_config/x", "--select /runtime-config"),
    "a key to be escaped": ("{a/b/d: []}", "/a~1b~1c", "--select /a~1b~1d"),
    "a near scalar": ("model: acme-1", "/models", "write the ids there"),
    "a scalar on the way": ("a: acme-1", "/a/b/c", "write the ids there"),
    "a list on the way": ("a: [acme-1]", "/a/b", "write the ids there"),
    "a number too high": ("a: [acme-1]", "/a/1", "write the ids there"),
    "the place behind a list": ("a: [acme-1]", "/a/-", "write the ids there"),
    "an empty list": ("a: []", "/a", "write the ids there"),
    "an empty list of items": ("a: []", "/a/*/id", "write the ids there"),
    "nothing": ("", "/a", "write the ids there"),
}


@pytest.mark.parametrize(("text", "pointer", "hint"), MISSED.values(), ids=MISSED)
def test_pointer_that_leads_nowhere_says_where_it_ends(text: str, pointer: str, hint: str) -> None:
    made = checked(text, pointers=(pointer,))
    (found,) = made.loaded.diagnostics
    assert names(made) == ["blank_template"]
    assert hint in found.hint
    assert found.message.endswith(f" at {pointer}")


def test_one_pointer_that_finds_something_is_enough() -> None:
    made = checked("a: [acme-1]", pointers=("/b", "/a"))
    assert names(made) == []
    both = checked("a: []", pointers=("/b", "/a"))
    assert names(both) == ["blank_template", "blank_template"]


# shapes

TWICE = [
    ("a: [acme-1, acme-1]", "/a", 1),
    ("a: [acme-1, acme-1]", "/a/*", 1),
    ("a: [acme-1, {id: acme-1}, 'acme-1 ']", "/a", 2),
    ("a: [{id: acme-1}, {id: acme-1}]", "/a/*/id", 1),
    ("x: &x acme-1\na: [*x, *x]", "/a", 1),
    ("a: {b: acme-1, c: acme-1}", "/a/*", 1),
    ("a: {b: [acme-1], c: [acme-1]}", "/a/*", 0),
    ("a: {b: [acme-1], c: [acme-1]}", "/a/*/*", 0),
    ("a: {b: &b [acme-1], c: *b}", "/a/*", 0),
]


@pytest.mark.parametrize(("text", "pointer", "count"), TWICE)
def test_id_is_twice_where_one_list_has_it_twice(text: str, pointer: str, count: int) -> None:
    assert names(checked(text, pointers=(pointer,))).count("doubled_offer") == count


SHAPES = {
    "models: [[acme-1]]": ["wrong_type"],
    "models: [{id: [acme-1]}]": ["wrong_type"],
    "models: [{name: acme-1}]": ["missing_key"],
    "models: [{}]": ["missing_key"],
    "models: [1.10]": ["unregistered_model", "unquoted_word"],
    "models: [{id: on}]": ["unregistered_model", "unquoted_word"],
    "models: [{id: acme-1, provider: {name: acme}}]": ["wrong_type"],
    "models: [{id: acme-1, provider: }]": [],
    "models: [{id: acme-1, provider: ''}]": [],
    "models: [{id: '', provider: nobody}]": ["empty_offer"],
    "models: acme-1": [],
    "models: [acme-1]\n  model: [acme-1]": ["wrong_type"],
    "models: [acme-1]\n  model: ~": [],
    "models: [acme-1]\n  model: 7": ["unregistered", "unquoted_word"],
    "models: [acme-1]\n  models: [acme-2]": ["duplicate_key"],
    "models: [acme-1]\n  model: acme-1": [],
    "model: acme-1": ["blank_template"],
}


@pytest.mark.parametrize("body", SHAPES)
def test_shape_that_offers_nothing_clear_is_a_finding(body: str) -> None:
    made = checked(f"runtime_config:\n  {body}\n")
    found = ["unregistered" if name == "unresolved_default" else name for name in names(made)]
    assert sorted(found) == sorted(SHAPES[body])


def test_comment_ignores_a_warning_and_no_error() -> None:
    comment = "# providers-codegen: ignore[{}] it is meant"
    text = "runtime_config:\n  models:\n    - acme-1\n    - acme-1  {}\n"
    ignored = checked(text.format(comment.format("T010")))
    assert names(ignored) == []
    assert [each.reason for each in ignored.loaded.suppressed] == ["it is meant"]
    error = checked(text.format(comment.format("T001")))
    assert names(error) == ["doubled_offer", "suppressed_error"]
    unused = checked(text.replace("acme-1  {}", f"acme-2  {comment.format('T010')}"))
    assert names(unused) == ["unused_suppression"]


def test_manifest_speaks_for_itself() -> None:
    """Its warnings are for `check` to report: whoever mends a template cannot mend them."""
    assert len(WHOLE.diagnostics) > 10
    assert checked(offering("both"), "ties", WHOLE).loaded.diagnostics == ()


def test_white_space_is_what_the_specification_says() -> None:
    """Python would strip U+001C as well, and JavaScript U+FEFF."""
    models = ["acme-1", "acme-1\x1c", "acme-1\ufeff", "\u2009acme-2"]
    made = checked(offering(*models))
    assert [offer.offer.model for offer in made.judged[0].offers] == [*models[:3], "acme-2"]
    assert names(made) == ["untrimmed_offer"]


# what a registry says, asked of every id and every tag

CASES = [
    pytest.param(loaded, runtime.name, id=runtime.name)
    for loaded in (REAL, WHOLE)
    for runtime in registry_of(loaded).runtimes
]


def tagged(model: str, tag: str) -> str:
    item = f"{{id: {written(model)}, provider: {written(tag)}}}"
    return f"runtime_config: {{models: [{item}]}}\n"


def wanted(registry: Registry, runtime: str, model: str, tag: Provider) -> list[str]:
    """Say which rule a tag breaks, from the sentences of the specification alone."""
    arms = registry.arms(next(each for each in registry.runtimes if each.name == runtime))
    listing = [provider for arm, provider in arms if model in arm.models]
    derived = derive_provider(registry, runtime, model)
    if tag.is_platform:
        right = derived.is_platform and tag in listing
        return [] if right else ["unlisted_platform_tag"]
    alone = any(
        derive_provider(registry, runtime, model, [env]).name == tag.name for env in tag.auth_env
    )
    if tag.name == derived.name or alone:
        return []
    return ["platform_behind_tag" if derived.is_platform else "foreign_provider_tag"]


@pytest.mark.parametrize(("loaded", "runtime"), CASES)
def test_every_tag_on_every_listed_id_is_judged_as_the_specification_says(
    loaded: Loaded, runtime: str
) -> None:
    registry = registry_of(loaded)
    menu = next(each for each in registry.runtimes if each.name == runtime).menu
    for model in (*menu, "platform/never-heard-of"):
        if not validate_model(registry, runtime, model).is_allowed:
            continue
        for provider in registry.providers:
            made = checked(tagged(model, provider.name), runtime, loaded)
            assert names(made) == wanted(registry, runtime, model, provider), provider.name


def test_ids_and_tags_above_break_every_rule_about_tags() -> None:
    """Else the test above could agree with itself about nothing."""
    seen = {
        name
        for registry in (registry_of(REAL), registry_of(WHOLE))
        for runtime in registry.runtimes
        for model in runtime.menu
        for provider in registry.providers
        for name in wanted(registry, runtime.name, model, provider)
    }
    assert seen == {"unlisted_platform_tag", "platform_behind_tag", "foreign_provider_tag"}


IDS = st.one_of(
    HOSTILE,
    st.sampled_from([model for runtime in registry_of(WHOLE).runtimes for model in runtime.menu]),
    st.sampled_from(["gone-told", "gone-both", "tie-t1", "sub-", " both", "both\u00a0", "\u3000"]),
    st.sampled_from(["v/both", "v:one-only", "both\x1c", "both\ufeff"]),
)
RUNTIMES = st.sampled_from([runtime.name for runtime in registry_of(WHOLE).runtimes])


@given(st.lists(IDS, max_size=6), RUNTIMES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_verdicts_and_counts_are_those_of_validate_model(
    models: list[str], runtime: str, is_mapping: bool
) -> None:
    items = [f"{{id: {written(model)}}}" if is_mapping else written(model) for model in models]
    text = f"runtime_config: {{models: [{', '.join(items)}]}}\n"
    made = checked(text, runtime, WHOLE)
    (judged,) = made.judged
    verdicts = [validate_model(registry_of(WHOLE), runtime, model).verdict for model in models]
    assert [offer.verdict for offer in judged.offers] == verdicts
    assert [offer.offer.id for offer in judged.offers] == models
    assert judged.counts == {each: verdicts.count(each) for each in judged.counts}
    refused = {Verdict.WITHDRAWN, Verdict.UNREGISTERED} & set(verdicts)
    assert bool(refused) == bool({"unregistered_model", "withdrawn_model"} & set(names(made)))
    lawful(made)


def lawful(made: Checked) -> None:
    """Hold a result to what every report promises, and the answer to its schema."""
    source = made.loaded.sources.files[-1]
    for found in made.loaded.diagnostics:
        assert found.message
        assert found.hint
        assert found.severity is BY_CODE[found.code].severity
        assert source.base <= found.span.start <= found.span.end <= source.end
    printed = report.text(made.loaded.sources, made.loaded.diagnostics)
    assert HIDDEN.search(printed + "".join(map(counts_line, made.judged))) is None
    jsonschema.Draft202012Validator(SCHEMA).validate(plain("agent", made.judged))
    has_error = any(each.severity is Severity.ERROR for each in made.loaded.diagnostics)
    assert (made.loaded.registry is None) == has_error


YAML = st.text(alphabet="abc-:[]{}'\" \n&*#!|>~1", max_size=60)


@given(st.one_of(YAML, HOSTILE), st.sampled_from(["", "/*", "/runtime_config/models", "/a/*/id"]))
@settings(max_examples=500, deadline=None)
def test_any_text_is_judged_or_refused_in_words(text: str, pointer: str) -> None:
    for body in (text, f"runtime_config:\n  models:\n    - {text}\n"):
        made = checked(body, pointers=(pointer,))
        lawful(made)
        assert made.is_unreadable == any(f.code[0] == "Y" for f in made.loaded.diagnostics)
        assert made.judged or made.is_unreadable


# suggestions


def hint_about(model: str, runtime: str, loaded: Loaded = REAL) -> str:
    (found,) = checked(offering(model), runtime, loaded).loaded.diagnostics
    return found.hint


HINTS = {
    ("google-adk", "google_genai:gemini-2.5-pro"): 'did you mean "gemini-2.5-pro"?',
    ("claude-code", "minimax:MiniMax-M3"): (
        'did you mean "minimax/MiniMax-M3" (the platform pays), "MiniMax-M3" or '
        '"minimax/MiniMax-M2.7" (the platform pays)?'
    ),
    ("codex", "gpt5.5"): 'did you mean "gpt-5.5", "gpt-5.4" or "gpt-5.2"?',
    ("hermes", "?" * 40): "take it off the template, or give it an arm in the manifest",
}


@pytest.mark.parametrize(("runtime", "model"), HINTS)
def test_refused_id_comes_with_ids_to_take_instead(runtime: str, model: str) -> None:
    assert hint_about(model, runtime) == HINTS[runtime, model]


@given(IDS, RUNTIMES)
@settings(max_examples=200, deadline=None)
def test_suggestions_are_allowed_and_few(model: str, runtime: str) -> None:
    (judged,) = checked(offering(model), runtime, WHOLE).judged
    (offer,) = judged.offers
    registry = registry_of(WHOLE)
    assert len(offer.suggestions) == len(set(offer.suggestions)) <= 3
    assert all(validate_model(registry, runtime, each).is_allowed for each in offer.suggestions)
    gone = offer.trace.withdrawn
    if gone is not None and gone.replacement is not None:
        assert offer.suggestions[0] == gone.replacement


def test_suggestions_end_after_as_many_as_anybody_reads() -> None:
    models = [f"acme_{chr(0x100 + number)}" for number in range(MAX_SUGGESTED + 1)]
    made = checked(offering(*models), loaded=SMALL)
    (judged,) = made.judged
    assert [bool(offer.suggestions) for offer in judged.offers] == [True] * MAX_SUGGESTED + [False]


@pytest.mark.parametrize("extra", [0, 1])
def test_template_may_offer_so_many_ids_and_no_more(extra: int) -> None:
    made = checked(offering(*["acme-1"] * (MAX_OFFERS + extra)))
    assert made.is_unreadable == (not made.judged) == bool(extra)
    assert ("unreadable_file" in names(made)) == bool(extra)


# the command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    for path in TEMPLATES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def run(project: Path, *arguments: str, runtime: str = "hermes") -> tuple[int, str, str]:
    done = cli(project, "check-template", *arguments, "--runtime", runtime)
    return done.returncode, done.stdout, done.stderr


OF_HERMES = "3 listed, 34 routable, 0 withdrawn, 0 unregistered"
OF_SMALL = "1 listed, 0 routable, 0 withdrawn, 0 unregistered"


def test_fine_templates_are_zero_and_a_line_each(project: Path) -> None:
    (project / "small.yaml").write_text(offering("kimi-coding/kimi-k2"), encoding="utf-8")
    code, said, complaint = run(project, "hermes.yaml", "small.yaml", "hermes.yaml")
    assert (code, complaint) == (0, "")
    assert said == (
        f"hermes.yaml: 37 of 37 ids are allowed on hermes: {OF_HERMES}\n"
        f"small.yaml: 1 of 1 id is allowed on hermes: {OF_SMALL}\n"
    )


def test_findings_are_one_and_stand_in_their_file(project: Path) -> None:
    code, said, complaint = run(project, "google-adk.yaml", "codex.yaml", runtime="google-adk")
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()] == ["google-adk.yaml", "codex.yaml"]
    assert "google-adk.yaml:10:11: error[T001]: " in complaint
    assert "codex.yaml:6:10: error[T003]: the default model does not resolve" in complaint
    assert "To read more, run: providers-codegen explain-rule T001\n" in complaint


WARNED = "runtime_config: {models: [kimi-coding/kimi-k2, kimi-coding/kimi-k2]}\n"


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_warnings_fail_where_that_is_asked_for(project: Path, threshold: str, code: int) -> None:
    (project / "warned.yaml").write_text(WARNED, encoding="utf-8")
    done = run(project, "warned.yaml", "--fail-on", threshold)
    assert done[0] == code
    assert "warning[T010]" in done[2]
    assert ('fail-on is "' in done[2]) == bool(code)


UNREADABLE = {
    "missing.yaml": (None, "the file cannot be read: it cannot be read: no such file or directory"),
    ".": (None, "the file cannot be read: it is not a regular file"),
    "fifo": (None, "the file cannot be read: it is not a regular file"),
    "latin1.yaml": (b"a: \xe9", "the file cannot be read: it is not UTF-8 (byte 4)"),
    "open.yaml": (b"a: [", "error[Y002]"),
    "bell.yaml": (b"a: \x07", "error[Y011]"),
    "twice.yaml": (b"a: 1\na: 2\n", "error[Y004]"),
    "tag.yaml": (b"a: !env KEY", "the tag '!env' has no place in this file"),
    "merge.yaml": (b"a: &a {}\nb: {<<: *a}", "error[Y005]"),
    "two.yaml": (b"a: 1\n---\nb: 1\n", "help: keep one document in a file"),
    "deep.yaml": (b"[" * 10_000, "the nesting is deeper than 64 levels"),
    "large.yaml": (b"#" * (16 << 20) + b"\n", "it is larger than 16 MiB"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_template_is_two_and_the_others_are_judged(project: Path, name: str) -> None:
    os.mkfifo(project / "fifo")
    data, complaint = UNREADABLE[name]
    if data is not None:
        (project / name).write_bytes(data)
    code, said, told = run(project, name, "hermes.yaml")
    assert code == 2
    assert complaint in told
    assert "manifest" not in told
    assert said.splitlines()[-1].startswith("hermes.yaml: 37 of 37 ids are allowed")


def test_broken_manifest_is_two_and_no_template_is_judged(project: Path) -> None:
    (project / "providers.yaml").write_text("schema_version: 1\nproviders: [\n", encoding="utf-8")
    code, said, complaint = run(project, "hermes.yaml")
    assert (code, said) == (2, "")
    assert "providers.yaml:" in complaint
    assert "error[Y002]" in complaint


WRONG = {
    "no file": (["--runtime", "hermes"], "Missing argument 'FILE...'"),
    "no runtime": (["hermes.yaml"], "Missing option '--runtime'"),
    "another runtime": (["hermes.yaml", "--runtime", "hermse"], 'help: did you mean "hermes"?\n'),
    "no such runtime": (["hermes.yaml", "--runtime", "?" * 20], "help: the manifest has claude-"),
    "no pointer": (
        ["hermes.yaml", "--runtime", "hermes", "--select", "models[].id"],
        "error: 'models[].id' is no JSON pointer\nhelp: write /models/*/id\n",
    ),
}


@pytest.mark.parametrize(("arguments", "complaint"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_three(project: Path, arguments: list[str], complaint: str) -> None:
    done = cli(project, "check-template", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert complaint in done.stderr


def test_runtime_of_an_overlay_is_one(project: Path) -> None:
    (project / "more.yaml").write_text(
        "schema_version: 1\nproviders: []\nruntimes:\n  own:\n    providers:\n"
        "      - {name: zai, models: [glm-5]}\n",
        encoding="utf-8",
    )
    (project / "own.yaml").write_text(offering("glm-5", "glm_5"), encoding="utf-8")
    code, said, complaint = run(project, "own.yaml", "--overlay", "more.yaml", runtime="own")
    assert (code, said.split(":")[0]) == (1, "own.yaml")
    assert 'own.yaml:1:36: error[T001]: no arm of "own" lists or matches "glm_5"' in complaint
    assert 'did you mean "glm-5"?' in complaint


def document(project: Path, *arguments: str, runtime: str = "hermes") -> Json:
    code, printed, _ = run(project, *arguments, "--format", "json", runtime=runtime)
    made: Json = json.loads(printed)
    validator().validate(made)
    assert made["exit_code"] == code
    return made


def test_json_has_the_verdict_of_every_id_at_its_place(project: Path) -> None:
    made = document(project, "google-adk.yaml", "open.yaml", runtime="google-adk")
    assert made["exit_code"] == 2
    assert made["files"] == ["providers.yaml", "google-adk.yaml", "open.yaml"]
    jsonschema.Draft202012Validator(SCHEMA).validate(made["answer"])
    (template,) = made["answer"]["templates"]
    lines = (project / "google-adk.yaml").read_text(encoding="utf-8").splitlines()
    for each in (template["default"], *template["ids"]):
        assert each["id"] in lines[each["line"] - 1][each["column"] - 1 :]
    assert [each["verdict"] for each in template["ids"]] == ["listed"] * 2 + ["unregistered"] * 2
    assert template["counts"] == {
        "ids": 4,
        "allowed": 2,
        "listed": 2,
        "routable": 0,
        "withdrawn": 0,
        "unregistered": 2,
    }
    assert template["ids"][2]["suggestions"] == ["gemini-2.5-pro"]


def _objects(part: Json) -> Iterator[Json]:
    yield part
    for below in (*part.get("properties", {}).values(), *part.get("$defs", {}).values()):
        yield from _objects(below)


def test_schema_of_the_answer_is_closed_and_says_what_everything_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in _objects(SCHEMA):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert sorted(part["required"]) == sorted(part["properties"])
            assert all("description" in each for each in part["properties"].values())


@pytest.mark.parametrize("change", [{"templates": [{}]}, {"runtime": None}, {"extra": 1}], ids=str)
def test_schema_refuses_what_is_no_answer(change: Json) -> None:
    made = plain("agent", checked(offering("acme-1")).judged)
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({**made, **change})


def test_every_format_reports_the_findings(project: Path) -> None:
    code, said, _ = run(project, "google-adk.yaml", "--format", "github", runtime="google-adk")
    assert code == 1
    assert said.count("::error file=google-adk.yaml,line=") == 2
    assert said.endswith("google-adk: 2 listed, 0 routable, 0 withdrawn, 2 unregistered\n")
    code, said, _ = run(project, "google-adk.yaml", "--format", "sarif", runtime="google-adk")
    (log,) = json.loads(said)["runs"]
    assert [result["ruleId"] for result in log["results"]] == ["T001", "T001"]
    assert log["invocations"][0]["exitCode"] == code == 1


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_closed_pipe_is_quiet(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-m", "codegen", "check-template", "hermes.yaml", "--runtime", "hermes"],
        cwd=project,
        env=_environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (141, "")


def test_interrupt_is_one_line(project: Path) -> None:
    program = (
        "import os, signal, sys; from codegen import cli, judging; "
        "judging.read = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT); "
        "sys.argv = ['providers-codegen', 'check-template', 'hermes.yaml', '--runtime', 'hermes']; "
        "cli.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "interrupted; no file is half written\n"


def test_start_up_leaves_out_what_only_a_build_needs(project: Path) -> None:
    """Each of them takes longer to import than a template takes to be judged."""
    program = (
        "import sys; from codegen import cli; "
        "sys.argv = ['providers-codegen', 'check-template', 'hermes.yaml', '--runtime', 'hermes']\n"
        "try: cli.run()\n"
        "except SystemExit: print(sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.splitlines()[-1].strip("[]").replace("'", "").split(", "))
    assert {"codegen.judging", "codegen.pipeline"} <= modules
    slow = {"jinja2", "ruamel.yaml", "codegen.formatting", "codegen.emit", "codegen.vectors"}
    assert not modules & {*slow, "codegen.rulebook", "codegen.targets.go", "codegen.commands.build"}


def grave(found: Diagnostic) -> bool:
    return found.severity is Severity.ERROR


def test_platform_is_no_other_word() -> None:
    """`Platform` is an unknown provider, and never what the platform pays for."""
    assert names(checked(tagged("platform/acme-1", PLATFORM))) == []
    for word in ("Platform", "PLATFORM", " platform", "platform "):
        made = checked(tagged("platform/acme-1", word))
        assert names(made) == ["unknown_provider_tag"]
        assert all(map(grave, made.loaded.diagnostics))
