"""The command diff: what it compares, how it answers, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import review
from codegen.comparison import Change, Comparison, Impact, Kind
from codegen.comparison.changes import ordered
from codegen.comparison.outcomes import Movement, Outcome, Scope
from codegen.comparison.regions import Region, Stem
from codegen.review.markdown import MAX_PAGE
from codegen.routing import Code
from codegen.sides import Asked, AskedError, asked
from codegen.source import Source, Sources
from tests.builds import MANIFEST, ROOT
from tests.strategies import HIDDEN, HOSTILE
from tests.test_cli import cli
from tests.test_revisions import git

Json = dict[str, Any]
SCHEMAS = ROOT / "docs" / "schemas"
REAL = MANIFEST.read_text(encoding="utf-8")

# With the platform's token set, a tenant's own ids are the platform's.
PAYER = ("'^platform/'", "'^(platform/|gemini-)'")
NARROW = ("'^kimi-'", "'^kimi-k'")
WIDE = ("'^groq:'", "'^groq[:-]'")
LOOKS = ("display_name: Groq", "display_name: GroqCloud")
FAULT = ("protocol: openai", "protocol: opneai")


def edited(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def write(folder: Path, *pairs: tuple[str, str], name: str = "providers.yaml") -> None:
    (folder / name).write_text(edited(REAL, *pairs), encoding="utf-8")


def save(folder: Path, *pairs: tuple[str, str]) -> None:
    write(folder, *pairs)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository: main has the manifest, and the branch checked out narrows a pattern."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    save(folder)
    git(folder, "checkout", "--quiet", "-b", "topic")
    save(folder, NARROW)
    return folder


def last(text: str) -> str:
    return text.splitlines()[-1]


# what is compared

NARROWED = "3 breaking changes"
NONE = "no decision changes"

COMPARED = [
    ([], (NARROW,), f"HEAD:providers.yaml -> providers.yaml: {NONE}"),
    ([], (NARROW, LOOKS), "HEAD:providers.yaml -> providers.yaml: 1 cosmetic change; " + NONE),
    (["main"], (NARROW,), f"main:providers.yaml -> providers.yaml: {NARROWED}"),
    (["main"], (), f"main:providers.yaml -> providers.yaml: {NONE}"),
    (["main..HEAD"], (), f"main:providers.yaml -> HEAD:providers.yaml: {NARROWED}"),
    (["main..topic"], (), f"main:providers.yaml -> topic:providers.yaml: {NARROWED}"),
    (["main.."], (), f"main:providers.yaml -> HEAD:providers.yaml: {NARROWED}"),
    (["..main"], (), "HEAD:providers.yaml -> main:providers.yaml: 3 compatible changes"),
    (["main...topic"], (), f"main...topic:providers.yaml -> topic:providers.yaml: {NARROWED}"),
    (["topic...main"], (), f"topic...main:providers.yaml -> main:providers.yaml: {NONE}"),
    (["HEAD~1", "HEAD"], (), f"HEAD~1:providers.yaml -> HEAD:providers.yaml: {NARROWED}"),
    (["main", "wide.yaml"], (), "main:providers.yaml -> wide.yaml: 1 compatible change"),
    (["wide.yaml"], (), "wide.yaml -> providers.yaml: 1 breaking change"),
    (["wide.yaml", "main"], (), "wide.yaml -> main:providers.yaml: 1 breaking change"),
    (["./main", "main"], (), f"main -> main:providers.yaml: {NONE}"),
]


@pytest.mark.parametrize(("arguments", "edits", "said"), COMPARED)
def test_sides_are_what_the_arguments_name(
    repository: Path, arguments: list[str], edits: tuple[tuple[str, str], ...], said: str
) -> None:
    write(repository, *edits)
    write(repository, WIDE, name="wide.yaml")
    write(repository, name="main")  # a file of the same name as a branch does not matter
    done = cli(repository, "diff", *arguments)
    assert (done.returncode, last(done.stdout), done.stderr) == (0, said, "")


def test_folder_below_the_top_and_settings_name_the_manifest(repository: Path) -> None:
    (repository / "sub").mkdir()
    (repository / "sub" / "pyproject.toml").write_text(
        '[tool.providers-codegen]\nmanifest = "../providers.yaml"\n', encoding="utf-8"
    )
    done = cli(repository / "sub", "diff", "main", "HEAD")
    assert (done.returncode, done.stderr) == (0, "")
    assert NARROWED in last(done.stdout)


def test_manifest_of_a_folder_that_is_gone_is_read_at_its_revision(repository: Path) -> None:
    (repository / "deep" / "er").mkdir(parents=True)
    for text in (REAL, edited(REAL, NARROW)):
        (repository / "deep" / "er" / "m.yaml").write_text(text, encoding="utf-8")
        git(repository, "add", ".")
        git(repository, "commit", "--quiet", "-m", "x")
    git(repository, "rm", "-r", "--quiet", "deep")
    done = cli(repository, "diff", "HEAD~1..HEAD", "--manifest", "deep/er/m.yaml")
    assert NARROWED in last(done.stdout)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (None, None, (Asked(revision="HEAD"), Asked())),
        ("main", None, (Asked(revision="main"), Asked())),
        ("a/b", "v1.2", (Asked(revision="a/b"), Asked(revision="v1.2"))),
        ("a.yml", "/b", (Asked(file="a.yml"), Asked(file="/b"))),
        ("../b", "./c..d", (Asked(file="../b"), Asked(file="./c..d"))),
        ("a..b", None, (Asked(revision="a"), Asked(revision="b"))),
        ("a...b", None, (Asked(revision="a", fork="b"), Asked(revision="b"))),
        ("..", None, (Asked(revision="HEAD"), Asked(revision="HEAD"))),
    ],
)
def test_arguments_are_files_or_revisions_by_their_look(
    old: str | None, new: str | None, wanted: tuple[Asked, Asked]
) -> None:
    assert asked(old, new) == wanted


@pytest.mark.parametrize(("old", "new"), [("a..b", "c"), ("c", "a..b"), ("a...b", "c.yaml")])
def test_range_beside_another_argument_is_refused(old: str, new: str) -> None:
    with pytest.raises(AskedError, match="names two sides already"):
        asked(old, new)


OVERLAY = """\
schema_version: 1
providers: []
runtimes:
  lab:
    providers:
      - name: groq
"""


def test_overlays_are_those_of_the_revision(repository: Path) -> None:
    (repository / "lab.yaml").write_text(OVERLAY, encoding="utf-8")
    fresh = cli(repository, "diff", "--overlay", "lab.yaml")
    assert fresh.stderr == "note: lab.yaml is not at HEAD; compared without it\n"
    assert "compatible: runtime lab added (1 arm, 0 listed ids) (lab.yaml:4:3)" in fresh.stdout
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "x")
    (repository / "lab.yaml").write_text(OVERLAY.replace("groq", "custom"), encoding="utf-8")
    changed = cli(repository, "diff", "--overlay", "lab.yaml")
    assert changed.stderr == ""
    assert 'groq -> not registered\n  "groq:"…, for example "groq:' in changed.stdout
    both = cli(repository, "diff", "main", "HEAD", "--overlay", "lab.yaml")
    assert both.stderr == "note: lab.yaml is not at main; compared without it\n"


# what goes wrong


@pytest.mark.parametrize(
    ("arguments", "complaint", "code"),
    [
        (["nowhere"], "there is no revision 'nowhere'", 2),
        (["main..nowhere"], "there is no revision 'nowhere'", 2),
        (["main...nowhere"], "there is no revision 'nowhere'", 2),
        (["--", "--output=x"], "there is no revision '--output=x'", 2),
        ([""], "there is no revision ''", 2),
        (["missing.yaml"], "missing.yaml:1:1: error[Y001]: the file cannot be read", 2),
        (["main", "missing.yaml"], "missing.yaml:1:1: error[Y001]: the file cannot be read", 2),
        (["--manifest", "missing.yaml"], "missing.yaml is no file at revision 'HEAD'", 2),
        (["main", "--overlay", "missing.yaml"], "missing.yaml:1:1: error[Y001]", 2),
        (["main", "."], "there is no revision '.'", 2),
        (["main", "./"], "error[Y001]: the file cannot be read: it is not a regular file", 2),
        (["main..HEAD", "HEAD"], "main..HEAD names two sides already", 3),
        (["a", "b", "c"], "unexpected extra argument", 3),
        (["--fail-on", "error"], "'error' is not one of", 3),
        (["--format", "sarif"], "'sarif' is not one of", 3),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(
    repository: Path, arguments: list[str], complaint: str, code: int
) -> None:
    done = cli(repository, "diff", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr


def test_folder_without_a_repository_is_told_so(tmp_path: Path) -> None:
    write(tmp_path)
    done = cli(tmp_path, "diff")
    assert done.returncode == 2
    assert "is in no git repository" in done.stderr
    assert "help: run it inside a repository, or name files" in done.stderr
    write(tmp_path, NARROW, name="new.yaml")
    assert NARROWED in cli(tmp_path, "diff", "providers.yaml", "new.yaml").stdout


def test_side_that_does_not_compile_is_reported_at_its_own_place(repository: Path) -> None:
    save(repository, FAULT)
    write(repository)
    done = cli(repository, "diff")
    line = REAL[: REAL.index(FAULT[0])].count("\n") + 1
    assert (done.returncode, done.stdout) == (2, "")
    assert f'HEAD:providers.yaml:{line}:15: error[S004]: protocol cannot be "opneai"' in done.stderr
    assert "warning" not in done.stderr


@pytest.mark.parametrize("broken", [("old",), ("new",), ("old", "new")])
@pytest.mark.parametrize("form", ["text", "json", "github", "markdown"])
def test_broken_sides_are_both_reported(tmp_path: Path, broken: tuple[str, ...], form: str) -> None:
    for name in ("old", "new"):
        write(tmp_path, *([FAULT] if name in broken else []), name=f"{name}.yaml")
    done = cli(tmp_path, "diff", "old.yaml", "new.yaml", "--format", form)
    assert done.returncode == 2
    printed = done.stdout if form in ("json", "github") else done.stderr
    for name in ("old", "new"):
        assert (f"{name}.yaml" in printed) == (name in broken)
    if form == "json":
        document = json.loads(done.stdout)
        assert document["counts"]["error"] == len(broken)
        assert "answer" not in document


def test_closed_pipe_is_quiet(repository: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "diff", "main"],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_interrupt_is_one_line(repository: Path) -> None:
    program = (
        "import os, signal, sys; from codegen import cli, pipeline; "
        "pipeline.compared = lambda *_: os.kill(os.getpid(), signal.SIGINT); "
        "sys.argv = ['providers-codegen', 'diff', 'main']; cli.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "interrupted; no file is half written\n"


# the gate

EDITS = {"billing": PAYER, "breaking": NARROW, "compatible": WIDE, "cosmetic": LOOKS}
ORDER = list(EDITS)


@pytest.mark.parametrize(("worst", "gate"), list(product([*ORDER, None], [*ORDER, "never", None])))
def test_gate_shuts_on_its_impact_and_on_graver_ones(
    tmp_path: Path, worst: str | None, gate: str | None
) -> None:
    write(tmp_path)
    write(
        tmp_path,
        *[EDITS[name] for name in ORDER[ORDER.index(worst) :]] if worst else [],
        name="new.yaml",
    )
    flags = ["--fail-on", gate] if gate is not None else []
    done = cli(tmp_path, "diff", "providers.yaml", "new.yaml", *flags)
    is_shut = gate in ORDER and worst is not None and ORDER.index(worst) <= ORDER.index(gate)
    assert done.returncode == (1 if is_shut else 0)
    assert (f'and --fail-on is "{gate}"' in done.stderr) == is_shut


def test_setting_fail_on_is_about_findings_alone(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.providers-codegen]\nfail-on = "note"\n', encoding="utf-8"
    )
    write(tmp_path, NARROW, name="new.yaml")
    done = cli(tmp_path, "diff", "new.yaml", "--fail-on", "billing")
    assert (done.returncode, done.stderr) == (0, "")


# formats


def _validated(document: Json) -> Json:
    for name, part in (("diagnostics", document), ("diff", document["answer"])):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(part)
    answer: Json = document["answer"]
    return answer


def test_json_fits_its_schema_and_has_everything(repository: Path) -> None:
    write(repository, *EDITS.values())
    done = cli(repository, "diff", "main", "--format", "json", "--fail-on", "breaking")
    document = json.loads(done.stdout)
    answer = _validated(document)
    assert done.returncode == document["exit_code"] == 1
    assert document["files"] == ["main:providers.yaml", "providers.yaml"]
    assert (answer["old"], answer["new"]) == ("main:providers.yaml", "providers.yaml")
    assert answer["fail_on"] == "breaking"
    assert sum(answer["counts"].values()) == len(answer["changes"])
    assert all(answer["counts"].values())
    assert document["failure"]["message"].endswith('and --fail-on is "breaking"')
    moved = next(change for change in answer["changes"] if change["kind"] == "unroutable")
    (line,) = [
        n
        for n, text in enumerate(edited(REAL, *EDITS.values()).splitlines(), 1)
        if NARROW[1] in text
    ]
    assert moved["location"] == {"path": "providers.yaml", "line": line, "column": 25}
    assert [(r["text"], r["without"][0]["text"]) for r in moved["regions"]] == [("kimi-", "kimi-k")]


def test_schema_describes_every_field() -> None:
    schema = json.loads((SCHEMAS / "diff.schema.json").read_text("utf-8"))

    def described(part: object) -> bool:
        if isinstance(part, dict):
            own = "properties" not in part or all(
                "description" in value or "$ref" in value for value in part["properties"].values()
            )
            return own and all(map(described, part.values()))
        return all(map(described, part)) if isinstance(part, list) else True

    assert described(schema)
    kinds = schema["$defs"]["change"]["properties"]["kind"]["enum"]
    assert kinds == [kind.value for kind in Kind]
    assert schema["$defs"]["impact"]["enum"] == [impact.value for impact in Impact]


_ANNOTATION = re.compile(
    r"^::(error|warning|notice) (?:file=([^,]+),line=(\d+),[^:]*)?title=([^:]+)::"
)


@pytest.mark.parametrize(
    ("new", "path"),
    [([], "providers.yaml"), (["HEAD"], "providers.yaml"), (["main~0"], None)],
)
def test_github_annotates_the_working_file(
    repository: Path, new: list[str], path: str | None
) -> None:
    """Of a revision too, where the file on disk is what it was there."""
    save(repository, *EDITS.values())
    git(repository, "tag", "fresh")
    old = "topic~1" if path else "fresh"
    done = cli(repository, "diff", old, *new, "--format", "github")
    found = [_ANNOTATION.match(line) for line in done.stdout.splitlines()[:-1]]
    assert all(found)
    places = {(match[2], match[3]) for match in found if match}
    assert {where for where, _ in places} == {path}
    assert len(places) > 2 or path is None
    words = [match[1] for match in found if match]
    assert words == sorted(words, key=["error", "warning", "notice"].index)
    assert words[0] == "error"


def test_markdown_is_the_page_alone_with_the_payer_first(repository: Path) -> None:
    write(repository, *EDITS.values())
    done = cli(repository, "diff", "main", "--format", "markdown")
    assert (done.returncode, done.stderr) == (0, "")
    titles = re.findall(r"^(?:#### |<details><summary>)(\w+)", done.stdout, flags=re.MULTILINE)
    assert titles == ["Billing", "Breaking", "Compatible", "Cosmetic"]
    assert done.stdout.index("[!CAUTION]") < done.stdout.index("Billing")


# what a manifest may say, and what it may not do with it

CODE = re.compile(r"<code>(?:[^\x00-\x7f]|[A-Za-z0-9 ,/-]|&#[0-9]+;)*</code>")
TEXTS = 12


def _hostile(texts: list[str]) -> Comparison:
    """Return a comparison with a text of somebody else's in every place that has one."""
    a, b, c, d, e, f, g, h, i, j, k, m = texts
    stem = Stem(text=a, as_written=len(a) // 2)
    region = Region(stem=stem, without=(Stem(text=b, as_written=len(b)),), apart=(c,), witness=d)
    ambiguous = Outcome(refusal=Code.AMBIGUOUS_MODEL, candidates=(e, f))
    moves = (
        Movement(given=((g,), (h,)), before=Outcome(provider=i), after=ambiguous, scope=Scope.NEW),
        Movement(given=((),), before=Outcome(provider=i), after=Outcome(provider=j)),
    )
    common = {"runtime": k, "key": "route", "movements": moves, "regions": (region, region)}
    return ordered(
        [
            Change(impact=Impact.BILLING, kind=Kind.PAYER, **common),  # type: ignore[arg-type]
            Change(impact=Impact.BREAKING, kind=Kind.MENU, key="removed", runtime=k, models=(a, b)),
            Change(impact=Impact.BREAKING, kind=Kind.UPSTREAM, key=m, before=a, after=b),
            Change(impact=Impact.COSMETIC, kind=Kind.DISPLAY, key=m, provider=k, before=a, after=b),
            Change(impact=Impact.COSMETIC, kind=Kind.DISPLAY, key=m, runtime=k, models=(c,)),
            Change(
                impact=Impact.COMPATIBLE, kind=Kind.RUNTIME, key="arm added", runtime=k, provider=e
            ),
            Change(impact=Impact.COMPATIBLE, kind=Kind.CATALOG, key="added", provider=k),
            Change(
                impact=Impact.BREAKING,
                kind=Kind.DEFAULT_MODEL,
                key="default_model",
                runtime=k,
                before=a,
                after=c,
                movements=moves[1:],
            ),
        ]
    )


def _skeleton(page: str) -> str:
    """Return a page with a dot for each text of a manifest."""
    return CODE.sub("·", page)


PLAIN = "aa"


@given(st.lists(HOSTILE, min_size=TEXTS, max_size=TEXTS))
@settings(max_examples=300, deadline=None)
def test_no_text_of_a_manifest_acts_as_markdown(texts: list[str]) -> None:
    # A stem says more or less with the length of what is as written; keep that the same.
    texts[0] = (texts[0] * 2)[:2] if len(texts[0]) > 1 else texts[0] + "a"
    page = review.markdown(_hostile(texts), "a:b", "c")
    plain = review.markdown(_hostile([PLAIN] * TEXTS), "a:b", "c")
    payers = re.compile(r" \((?:BYOK|platform pays)\)")
    assert payers.sub("", _skeleton(page)) == payers.sub("", _skeleton(plain))
    assert "<code>" not in _skeleton(page)
    assert HIDDEN.search(page) is None


@given(st.lists(HOSTILE, min_size=TEXTS, max_size=TEXTS))
@settings(max_examples=300, deadline=None)
def test_no_text_of_a_manifest_steers_a_terminal_or_a_workflow(texts: list[str]) -> None:
    comparison, sources = _hostile(texts), Sources(files=(Source(path="m", text=""),))
    printed = review.text(sources, comparison, "a:b", "c")
    assert HIDDEN.search(printed) is None
    count = len(review.text(sources, _hostile([PLAIN] * TEXTS), "a:b", "c").splitlines())
    assert len(printed.splitlines()) == count
    annotated = review.github(sources, {}, comparison, "a:b", "c").splitlines()
    assert len(annotated) == len(comparison.changes) + 1
    assert all(_ANNOTATION.match(line) for line in annotated[:-1])
    assert HIDDEN.search("".join(annotated)) is None


def test_page_of_very_many_changes_is_still_a_comment() -> None:
    texts = [f"{'<&>' * 40}{number}" for number in range(TEXTS)]
    changes = [change for _ in range(400) for change in _hostile(texts).changes]
    page = review.markdown(Comparison(changes=tuple(changes)), "a", "b")
    assert len(page) <= MAX_PAGE
    assert "more change" in page
    assert page.count("<details>") == page.count("</details>")
