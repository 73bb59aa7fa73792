"""Formatting: one look for each manifest, the same data, every comment, and nothing half done."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from codegen import emit, formatting, pipeline
from codegen.canonical import fingerprint
from codegen.cli import _outcome as outcome
from codegen.formatting import RefusedError, formatted
from codegen.tokens import UnreadableError, tokens
from tests.builds import EVERYTHING, MANIFEST, ROOT, registry_of
from tests.handwriting import HABITS, as_read, spoken, written
from tests.strategies import hostile_manifests, routed_manifests


def fmt(text: str) -> str:
    """Format what must be sound YAML."""
    made, diagnostics = formatted(as_read(text))
    assert made is not None, [found.message for found in diagnostics]
    return made


# what it looks like

LOOKS = {
    "indentation": (
        "a:\n     b:\n      - c:   1\n        d: 2\n",
        "a:\n  b:\n    - c: 1\n      d: 2\n",
    ),
    "level dashes": ("a:\n- b\n- c: 1\n  d: 2\n", "a:\n  - b\n  - c: 1\n    d: 2\n"),
    "lists in lists": ("-   - a\n    - b\n-\n  - c\n", "- - a\n  - b\n- - c\n"),
    "indented top": ("  a: 1\n  b: 2\n", "a: 1\nb: 2\n"),
    "colons": ("a : 1\n'b c' :  2\n", "a: 1\n'b c': 2\n"),
    "brackets": ("a: [ b,c ,  d, ]\ne: { f : 1,g: 2 }\n", "a: [b, c, d]\ne: {f: 1, g: 2}\n"),
    "empty brackets": ("a: [ ]\nb: {  }\n", "a: []\nb: {}\n"),
    "nothing in brackets": ("{a: , b: ,c}\n", "{a: , b: , c}\n"),
    "lines in brackets": ("a: [\n      b,\n  c]\n", "a: [\n  b,\n  c]\n"),
    "last comma": ("a: [\n b,\n c,\n]\n", "a: [\n  b,\n  c,\n]\n"),
    "brackets in brackets": ("- [\n{\na: 1}\n ]\n", "- [\n    {\n      a: 1}\n  ]\n"),
    "long lines": (f"a: {'word ' * 60}end\n", f"a: {'word ' * 60}end\n"),
    "value below its key": ("a:\n  b\nc:\n\n  [d]\n", "a: b\nc: [d]\n"),
    "collection below its dash": ("-\n\n  a: 1\n- # one\n  b\n", "- a: 1\n-  # one\n  b\n"),
    "bracket on a line of its own": (
        "a:\n # one\n [\n b\n ]\n",
        "a:\n  # one\n  [\n    b\n  ]\n",
    ),
    "value below an anchor": ("a: &b\n\n  c\nd: &e\n  - f\n", "a: &b c\nd: &e\n  - f\n"),
    "colons and commas below": ("{? a\n : b\n , c: d}\n", "{? a: b, c: d}\n"),
    "value below a question mark": ("?\n  a\n: b\n", "? a\n: b\n"),
    "explicit keys": ("?  a\n:  b\n", "? a\n: b\n"),
    "blank lines": ("\n\na: 1\n\n \n\nb:\n\n\n  c: 1\n\n\n", "a: 1\n\nb:\n\n  c: 1\n"),
    "trailing space": ("a: 1  \nb: \n  c: 2 \n", "a: 1\nb:\n  c: 2\n"),
    "no last line end": ("a: 1", "a: 1\n"),
    "line ends": ("a: 1\r\nb: 'c\r\n  d'\r\n", "a: 1\nb: 'c\n  d'\n"),
    "old line ends": ("a: 1\rb: |\r  c\r", "a: 1\nb: |\n  c\n"),
    "byte order mark": ("\ufeffa: 1\n", "a: 1\n"),
    "document marks": ("%YAML 1.1\n---\n\n\na: 1\n...\n", "%YAML 1.1\n---\n\na: 1\n...\n"),
}

COMMENTS = {
    "space": (
        "#one\n#  two\n##three\n#!four\n#---\n#\na: 1\n",
        "# one\n#  two\n##three\n#!four\n#---\n#\na: 1\n",
    ),
    "trailing": (
        "a: 1 #one\nb:  #two\n  c: 2\t# three \n",
        "a: 1  # one\nb:  # two\n  c: 2  # three\n",
    ),
    "below a trailing one": ("a: 1 # one\n     # two\nb: 2\n", "a: 1  # one\n      # two\nb: 2\n"),
    "below a blank line": (
        "a: 1 # one\n\n     # two\nb: 2\n",
        "a: 1  # one\n\n# two\nb: 2\n",
    ),
    "below the end of several lines": (
        "a: b\n  c # one\n    # two\nd: 1\n",
        "a: b\n  c  # one\n     # two\nd: 1\n",
    ),
    "left of everything": (
        "a:\n  b:\n    - c\n# one\n  d: 1\n",
        "a:\n  b:\n    - c\n  # one\n  d: 1\n",
    ),
    "below an empty item": (
        "- a\n-\n    # one\n- &b\n   # two\n- c\n",
        "- a\n-\n  # one\n- &b\n  # two\n- c\n",
    ),
    "first and last": (
        "\n# one\n\n\na: 1\n  # two\n\n# three",
        "# one\n\na: 1\n# two\n\n# three\n",
    ),
    "own lines": (
        "a:\n# one\n    b: 1\n    # two\n    c: 2\n",
        "a:\n  # one\n  b: 1\n  # two\n  c: 2\n",
    ),
    "end of a list": ("a:\n    - b\n    # one\n# two\nc: 1\n", "a:\n  - b\n  # one\n# two\nc: 1\n"),
    "end of a mapping": (
        "- a:\n    - b\n  # one\n# two\n- c\n",
        "- a:\n    - b\n  # one\n# two\n- c\n",
    ),
    "where a value would be": ("a:\n    b:\n      # one\nc: 1\n", "a:\n  b:\n    # one\nc: 1\n"),
    "before a value": ("a: # one\n # two\n b\n", "a:  # one\n  # two\n  b\n"),
    "in brackets": (
        "a: [ # one\n b, # two\n   # three\n c # four\n # five\n]\n",
        "a: [  # one\n  b,  # two\n  # three\n  c  # four\n  # five\n]\n",
    ),
    "behind brackets": (
        "a: [b] # one\nc: {d: 1 # two\n  }\n",
        "a: [b]  # one\nc: {d: 1  # two\n}\n",
    ),
    "behind an anchor": (
        "a: &b # one\n  c: 1\nd: *b # two\n",
        "a: &b  # one\n  c: 1\nd: *b  # two\n",
    ),
    "behind a bar": (
        "a: |  # one\n    b # c\n# two\nd: 1\n",
        "a: |  # one\n  b # c\n# two\nd: 1\n",
    ),
    "behind several lines": ("a: b\n c # one\nd: 1\n", "a: b\n  c  # one\nd: 1\n"),
    "behind a mark": ("--- # one\na: 1\n... # two\n", "---  # one\na: 1\n...  # two\n"),
    "behind an anchor of everything": (
        "--- &b # one\n# two\na: 1\n",
        "--- &b  # one\n# two\na: 1\n",
    ),
    "no comment": ("a: b#c\nd: 'e # f'\n", "a: b#c\nd: 'e # f'\n"),
}

SCALARS = {
    "never interpreted": (
        "a: 0o17\nb: 017\nc: 1_000\nd: 1e3\ne: 2026-01-31\nf: yes\ng: ~\nh: 1:30\n",
        None,
    ),
    "words": ('a: \'b\'\n"c": "d.e/f-g_1"\n', "a: b\nc: d.e/f-g_1\n"),
    "no words": ("a: '1'\nb: 'c d'\nc: '-a'\nd: ''\ne: '.inf'\nf: 'a:b'\n", None),
    "words that YAML reads": ("a: 'yes'\nb: 'No'\nc: 'null'\nd: 'TRUE'\ne: 'y'\n'on': 1\n", None),
    "double quotes": ('a: "b c"\nb: "\\"c\\" \\\\d \\/"\n', "a: 'b c'\nb: '\"c\" \\d /'\n"),
    "apostrophes": (
        "a: 'it''s'\nb: \"it's\"\nc: 'it''s \"it\"'\n",
        "a: \"it's\"\nb: \"it's\"\nc: 'it''s \"it\"'\n",
    ),
    "escapes": ('a: "b\\nc"\nb: "\\u202E"\nc: "\\xe9"\n', None),
    "several lines": ("a: 'b  \n\n\n      c'\nd: e\n     f\n", "a: 'b\n\n\n  c'\nd: e\n  f\n"),
    "escaped line ends": ('a: "b \\\n      c\\ \n   d"\n', 'a: "b \\\n  c\\ \n  d"\n'),
    "block": (
        "a: |\n     b\n\n       # c\n\n\nd: >-\n e\n",
        "a: |\n  b\n\n    # c\n\nd: >-\n  e\n",
    ),
    "block with a digit": ("a:\n - |4-\n      b\n     c\n", "a:\n  - |2-\n     b\n    c\n"),
    "block that keeps its end": ("a: |+\n   b\n\n\n# c\n", "a: |+\n  b\n\n\n# c\n"),
    "block with trailing space": ("a: |\n b  \n   \n c\n", "a: |\n  b  \n    \n  c\n"),
    "block without a last line end": ("a: |\n  b", "a: |-\n  b\n"),
    "block of nothing": ("a: |\n\n\nb: >+\n\n", "a: |\n\nb: >+\n\n"),
    "block at the top": ("--- |\n      a\n", "--- |\n  a\n"),
    "block of white space": ("a: |+\n    \n  \nb: 1\n", "a: |+\n\n\nb: 1\n"),
    "tabs inside": ("a: |\n  b\tc\n  \td\ne: 'f\tg'\nh: \"\\\ti\"\n", None),
    "anchors": (
        "- &a   b\n- *a\n- &c\n  d: *a\n- {*a : 1}\n",
        "- &a b\n- *a\n- &c\n  d: *a\n- {*a : 1}\n",
    ),
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [pytest.param(*pair, id=name) for name, pair in (LOOKS | COMMENTS | SCALARS).items()],
)
def test_text_takes_its_canonical_form(text: str, wanted: str | None) -> None:
    assert fmt(text) == (wanted if wanted is not None else text)


@pytest.mark.parametrize("path", [MANIFEST, EVERYTHING], ids=lambda path: path.stem)
def test_manifests_of_this_repository_are_formatted(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    assert fmt(text) == text


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_./-]{0,6}", fullmatch=True))
@settings(max_examples=300, deadline=None)
def test_word_without_quotes_is_text_to_every_reader(word: str) -> None:
    bare = fmt(f"a: '{word}'\n")
    if bare != f"a: '{word}'\n":
        assert yaml.safe_load(bare) == {"a": word}
        assert YAML(typ="safe", pure=True).load(bare) == {"a": word}
        assert word.lower() not in {"y", "n"}


# what never changes, however a manifest was written

SMALL = """\
schema_version: 1
x-notes: {since: 2026-01-31, octal: "017", tags: [yes sir, null, 1.5, "a: b"]}
credential_headers: {ACME_TOKEN: bearer}
providers:
  - name: platform
    display_name: The platform's own (all of "them")
    vendor_logo: platform
    protocol: openai
    auth_mode: third_party_anthropic_compat
    base_url_template: https://llm.platform.example/v1
    base_url_anthropic: null
    auth_env: [PLATFORM_TOKEN]
    model_prefix_match: '^platform[:/]'
    tooltip: "One line, and\\n\\n # a second \\u202E one"
  - name: acme
    display_name: Acme AI of 模型
    vendor_logo: acme
    protocol: anthropic
    auth_mode: third_party_anthropic_compat
    base_url_template: null
    base_url_anthropic: https://{region}.acme.example/v1
    auth_env: [ACME_API_KEY, ACME_TOKEN]
    model_prefix_match: '(?i)^acme-'
    endpoint_vars:
      region: {env: ACME_REGION, default: ''}
    deprecated: {since: 2026-01-31, note: "  gone soon"}
    examples: [acme-large]
runtimes:
  agent:
    default_model: acme-large
    providers:
      - name: acme
        models: [acme-large, acme-small]
        withdrawn_models:
          - {id: acme-1, reason: retired by the vendor, replacement: acme-large}
          - acme-0
      - name: platform
        models: [platform/acme-1]
  empty:
    providers: []
"""
TEXTS = {
    "small": SMALL,
    "everything": EVERYTHING.read_text(encoding="utf-8"),
    "real": MANIFEST.read_text(encoding="utf-8"),
}

seeds = st.integers(0, 2**32 - 1)
habits = st.frozensets(st.sampled_from(HABITS)) | st.just(frozenset(HABITS))
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


def comments_of(text: str) -> list[str]:
    """Return what stands outside of the tokens that another scanner, PyYAML's, finds."""
    left = list(text)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start, end = token.start_mark.index, token.end_mark.index
        if text[start : start + 1] in {"|", ">"}:
            start = text.index("\n", start)
        left[start:end] = ["\n" if letter == "\n" else " " for letter in text[start:end]]
    return re.findall(r"#.*", "".join(left))


def _check(name: str, seed: int, allowed: frozenset[str]) -> None:
    text, comments = written(TEXTS[name], seed, allowed)
    made = fmt(text)
    assert fmt(made) == made
    assert comments_of(made) == [spoken(comment) for comment in comments]
    before, after = registry_of(as_read(text).text), registry_of(made)
    original = registry_of(TEXTS[name])
    assert before == after
    assert fingerprint(before) == fingerprint(after) == fingerprint(original)


@given(seeds, habits)
@settings(max_examples=400, deadline=None, suppress_health_check=slow)
def test_small_manifest_stays_itself_however_written(seed: int, habits: frozenset[str]) -> None:
    _check("small", seed, habits)


@given(seeds, habits)
@settings(max_examples=100, deadline=None, suppress_health_check=slow)
def test_manifest_of_everything_stays_itself(seed: int, habits: frozenset[str]) -> None:
    _check("everything", seed, habits)


@given(seeds, habits)
@settings(max_examples=15, deadline=None, suppress_health_check=slow)
def test_real_manifest_stays_itself(seed: int, habits: frozenset[str]) -> None:
    _check("real", seed, habits)


@given(routed_manifests() | hostile_manifests())
@settings(max_examples=100, deadline=None, suppress_health_check=slow)
def test_manifest_written_as_json_stays_itself(text: str) -> None:
    made = fmt(text)
    assert fmt(made) == made
    assert yaml.safe_load(made) == yaml.safe_load(text)


@given(seeds)
@settings(max_examples=100, deadline=None, suppress_health_check=slow)
def test_formatted_text_has_the_look_of_the_page(seed: int) -> None:
    """Lines are indented by steps of two, end in no white space, and are blank one by one."""
    made = fmt(written(SMALL, seed, frozenset(HABITS) - {"broken scalars", "block scalars"})[0])
    assert not re.search(r"[ \t]$|\n\n\n|\t|\r|\A\n|\n\n\Z|\A\ufeff", made, flags=re.MULTILINE)
    own = [line for line in made.split("\n") if line and not line.lstrip().startswith("#")]
    assert {(len(line) - len(line.lstrip())) % 2 for line in own} == {0}
    assert made.endswith("\n")


DRAWN = 300


def test_no_drawn_manifest_is_refused() -> None:
    refused = []
    for seed in range(DRAWN):
        text, _ = written(SMALL, seed, frozenset(HABITS))
        try:
            fmt(text)
        except RefusedError as error:
            refused.append((seed, error.message))
    print(f"\n{len(refused)} of {DRAWN} drawn manifests cannot be formatted")
    assert refused == []


# the safety net: what would do damage is refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1 # b\u2028\nc: 2\n", "line 1 has U+2028"),
        ("a: 1\nb: 'c\x85d'\n", "line 2 has U+0085"),
        ("a: 1\n\ufeff# b\nc: 2\n", "YAML 1.2 reads it in another way"),
    ],
)
def test_doubtful_text_is_refused_with_words(text: str, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        fmt(text)
    assert refused.value.message.startswith(reason)
    assert refused.value.hint


def test_what_is_neither_a_token_nor_a_comment_is_not_lost() -> None:
    with pytest.raises(UnreadableError, match="'!b ' is neither a token nor a comment"):
        tokens("a: !b c\n")


Damage = Callable[[str], str]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("1", "2"), "in canonical form it would not mean the same"),
        (lambda text: text.replace("1", "'1'"), "in canonical form it would not mean the same"),
        (lambda text: text.replace("a", "a: a"), "in canonical form it would not mean the same"),
        (lambda text: text.replace("# b", ""), "in canonical form it would not have the same"),
        (lambda text: text.replace("# b", "# b # b"), "in canonical form it would not have the"),
        (lambda text: text.replace("# c", ""), "in canonical form it would not have the same"),
    ],
    ids=["value", "type", "syntax", "comment lost", "comment changed", "comment of a block lost"],
)
def test_damage_by_a_fault_of_ours_is_refused(
    damage: Damage, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = formatting._printed
    monkeypatch.setattr(formatting, "_printed", lambda tokens: damage(printed(tokens)))
    with pytest.raises(RefusedError) as refused:
        fmt("a: 1 # b\nd: | # c\n  e\n")
    assert refused.value.message.startswith(reason)


def test_text_without_a_last_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(["a:  1 # b\n", "a: 1 # b\n"])
    monkeypatch.setattr(formatting, "_printed", lambda tokens: next(looks))
    with pytest.raises(RefusedError, match="its canonical form is not stable"):
        fmt("a: 1 # b\n")


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: [\n", "", "# only\n", "a: !b c\n", "yes: 1\n"]
)
def test_unsound_yaml_is_not_formatted(text: str) -> None:
    made, diagnostics = formatted(as_read(text))
    assert made is None
    assert diagnostics


# writing one file


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text("schema_version:   1 # one\n", encoding="utf-8")
    return path


def _listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_rewritten_file_keeps_mode_and_owner(manifest: Path) -> None:
    manifest.chmod(0o640)
    owner = 65_534 if os.geteuid() == 0 else os.geteuid()
    os.chown(manifest, owner, -1)
    emit.rewrite(manifest, "new\n")
    assert manifest.read_bytes() == b"new\n"
    assert (stat.S_IMODE(manifest.stat().st_mode), manifest.stat().st_uid) == (0o640, owner)


def test_symbolic_link_stays_and_its_target_is_rewritten(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.yaml"
    link.symlink_to("../providers.yaml")
    emit.rewrite(link, "new\n")
    assert link.is_symlink()
    assert manifest.read_bytes() == b"new\n"
    assert _listing(link.parent) == ["link.yaml"]


@pytest.mark.parametrize("call", ["fsync", "replace", "chown"])
def test_error_at_any_step_leaves_the_old_file_alone(
    manifest: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifest.read_bytes()

    def fails(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="No space left"):
        emit.rewrite(manifest, "new\n")
    monkeypatch.undo()
    assert manifest.read_bytes() == before
    assert _listing(manifest.parent) == ["providers.yaml"]


@pytest.mark.parametrize("call", ["fsync", "replace", "chown", "unlink"])
def test_kill_at_any_step_leaves_one_file_whole_and_the_next_run_clears_up(
    manifest: Path, call: str
) -> None:
    before = manifest.read_bytes()
    program = (
        "import os, signal, sys; from pathlib import Path; from codegen import emit\n"
        f"os.{call} = lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL)\n"
        "emit.rewrite(Path(sys.argv[1]), 'new\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(manifest)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert manifest.read_bytes() == (before if call != "unlink" else b"new\n")
    emit.rewrite(manifest, "newer\n")
    assert manifest.read_bytes() == b"newer\n"
    assert _listing(manifest.parent) == ["providers.yaml"]


# the command


TIDY = "schema_version: 1  # one\n"


def cli(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "fmt", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_command_formats_in_place_and_says_so(manifest: Path) -> None:
    done = cli(manifest.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "providers.yaml: formatted\n", "")
    assert manifest.read_text(encoding="utf-8") == TIDY
    assert [path.name for path in manifest.parent.iterdir()] == ["providers.yaml"]


def test_formatted_manifest_is_not_touched(manifest: Path) -> None:
    cli(manifest.parent)
    os.utime(manifest, (1_000, 1_000))
    before = manifest.stat()
    done = cli(manifest.parent)
    assert (done.returncode, done.stdout) == (0, "providers.yaml: already formatted\n")
    assert (manifest.stat().st_mtime, manifest.stat().st_ino) == (1_000, before.st_ino)


def test_check_is_one_line_and_changes_nothing(manifest: Path) -> None:
    before = manifest.read_bytes()
    done = cli(manifest.parent, "--check")
    complaint = "providers.yaml: not formatted; to mend, run fmt without --check\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, complaint, "")
    assert manifest.read_bytes() == before
    cli(manifest.parent)
    assert cli(manifest.parent, "--check").returncode == 0


DIFF = """\
--- providers.yaml (on disk)
+++ providers.yaml (formatted)
@@ -1 +1 @@
"""


@pytest.mark.parametrize(
    ("old", "shown"),
    [
        (b"schema_version:   1 # one\n", "-schema_version:   1 # one\n"),
        (b"schema_version: 1  # one\r\n", "-schema_version: 1  # one\n"),
        (b"\xef\xbb\xbfschema_version: 1  # one\n", "-\ufeffschema_version: 1  # one\n"),
        (b"schema_version: 1  # one", "-schema_version: 1  # one\n\\ No newline at end of file\n"),
    ],
    ids=["layout", "line ends", "byte order mark", "no last line end"],
)
@pytest.mark.parametrize("more", [[], ["--check"]])
def test_diff_shows_what_would_change_and_changes_nothing(
    manifest: Path, old: bytes, shown: str, more: list[str]
) -> None:
    manifest.write_bytes(old)
    done = cli(manifest.parent, "--diff", *more)
    told = "providers.yaml: not formatted; to mend, run fmt without --check\n" if more else ""
    assert (done.returncode, done.stdout) == (1, f"{DIFF}{shown}+{TIDY}{told}")
    assert manifest.read_bytes() == old
    assert cli(manifest.parent).returncode == 0
    assert manifest.read_bytes() == TIDY.encode()


def test_manifest_with_other_faults_is_formatted(manifest: Path) -> None:
    manifest.write_text("no_such_key:   [ ]\n", encoding="utf-8")
    assert cli(manifest.parent).returncode == 0
    assert manifest.read_text(encoding="utf-8") == "no_such_key: []\n"


@pytest.mark.parametrize("flags", [[], ["--check"], ["--diff"]])
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing.yaml", "error[Y001]: the file cannot be read: it cannot be read: no such"),
        (".", "error[Y001]: the file cannot be read: it is not a regular file"),
        ("fifo", "error[Y001]: the file cannot be read: it is not a regular file"),
        ("latin1.yaml", "error[Y001]: the file cannot be read: it is not UTF-8"),
        ("twice.yaml", 'error[Y004]: the key "a" is here twice'),
        ("doubtful.yaml", "error: doubtful.yaml cannot be formatted: line 1 has U+2028"),
    ],
)
def test_what_cannot_be_formatted_is_two_and_stays(
    tmp_path: Path, name: str, complaint: str, flags: list[str]
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "latin1.yaml").write_bytes(b"a:   '\xe9'\n")
    (tmp_path / "twice.yaml").write_text("a:   1\na: 2\n", encoding="utf-8")
    (tmp_path / "doubtful.yaml").write_text("a:   1 # \u2028\n", encoding="utf-8")
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    done = cli(tmp_path, "--manifest", name, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert {path: path.read_bytes() for path in files} == files


def test_manifest_of_the_settings_is_the_one(manifest: Path) -> None:
    (manifest.parent / "pyproject.toml").write_text(
        '[tool.providers-codegen]\nmanifest = "providers.yaml"\n', encoding="utf-8"
    )
    inner = manifest.parent / "inner"
    inner.mkdir()
    assert cli(inner).stdout == f"{manifest}: formatted\n"


def test_help_and_usage_are_those_of_every_command(tmp_path: Path) -> None:
    assert "Example:" in cli(tmp_path, "--help").stdout
    assert cli(tmp_path, "--out", "x").returncode == 3


def test_other_commands_do_not_load_the_scanner() -> None:
    program = (
        "import sys; from codegen import cli; sys.argv = ['providers-codegen', 'verify']\n"
        "try: cli.run()\n"
        "except SystemExit as done: assert done.code == 0, done\n"
        "print([name for name in sys.modules if name.startswith('ruamel')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def _unprivileged(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the command in a child process without root's power to write anywhere."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            os.chdir(folder)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65_534)
                os.setuid(65_534)
            sys.argv = ["providers-codegen", "fmt", *arguments]
            code = outcome()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        printed = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), printed


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_what_is_read_only_is_three_and_one_line(closed: str) -> None:
    # Not below pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp())
    path = folder / "providers.yaml"
    try:
        path.write_text("a:   1\n", encoding="utf-8")
        path.chmod(0o666 if closed == "folder" else 0o444)
        folder.chmod(0o555 if closed == "folder" else 0o777)
        # Loads what Python itself may be forbidden to read in the child.
        pipeline.formatted(path)
        complaint = (
            "error: providers.yaml cannot be formatted: Permission denied; it is as it was\n"
        )
        assert _unprivileged(folder) == (3, complaint)
        assert path.read_text(encoding="utf-8") == "a:   1\n"
        assert _unprivileged(folder, "--check")[0] == 1
        assert _listing(folder) == ["providers.yaml"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
