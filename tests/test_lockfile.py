"""The lock: what is written reads back the same, and what is no lock is said at its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import lockfile, origins
from codegen.lockfile import Entry, Facts, LockError
from codegen.origins import Folder, Git, Origin, OriginError, Url
from codegen.source import Source

SHA = "0123456789abcdef" * 4
COMMIT = "0123456789" * 4

ENTRIES = (
    Entry(
        path="vendor/registry.json",
        origin=Folder(folder="../registry", file="generated/registry.json"),
        facts=Facts(sha256=SHA, fingerprint=SHA[::-1], schema_version=1),
    ),
    Entry(
        path="vendor/registry_gen.go",
        origin=Git(repository="../registry", revision="v1.2", file="generated/registry_gen.go"),
        facts=Facts(sha256=SHA, fingerprint=SHA, schema_version=1, commit=COMMIT),
    ),
    Entry(
        path="providers.yaml",
        origin=Url(url="https://git.example/raw/main/providers.yaml", token_env="REGISTRY_TOKEN"),
        facts=Facts(sha256=SHA, fingerprint=None, schema_version=None),
    ),
)

LOCK = f"""\
# What is vendored here, and where it comes from. `providers-codegen sync` writes this file;
# commit it, and the files that it names. `sync --check` tells whether they still agree.
lock_version: 1
files:
  - path: "providers.yaml"
    source:
      url: "https://git.example/raw/main/providers.yaml"
      token_env: "REGISTRY_TOKEN"
    sha256: "{SHA}"
    fingerprint: null
    schema_version: null
  - path: "vendor/registry.json"
    source:
      folder: "../registry"
      file: "generated/registry.json"
    sha256: "{SHA}"
    fingerprint: "{SHA[::-1]}"
    schema_version: 1
  - path: "vendor/registry_gen.go"
    source:
      git: "../registry"
      revision: "v1.2"
      file: "generated/registry_gen.go"
      commit: "{COMMIT}"
    sha256: "{SHA}"
    fingerprint: "{SHA}"
    schema_version: 1
"""


_URL = LOCK[LOCK.index("    source") : LOCK.index("    sha256")]


def read(text: str) -> tuple[Entry, ...]:
    return lockfile.read(Source(path="providers.lock", text=text))


def test_lock_has_a_fact_a_line_in_the_order_of_paths() -> None:
    assert lockfile.dumps(ENTRIES) == LOCK
    assert lockfile.dumps(reversed(ENTRIES)) == LOCK


def test_lock_reads_back_whatever_the_line_ends() -> None:
    assert sorted(read(LOCK), key=str) == sorted(ENTRIES, key=str)
    assert read(LOCK.replace("\n", "\r\n")) == read(LOCK)


def _is_path(text: str) -> bool:
    try:
        origins.check_path(text)
    except OriginError:
        return False
    return True


_paths = st.text(min_size=1, max_size=20).filter(_is_path)
_hex = st.text("0123456789abcdef", min_size=64, max_size=64)
_words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
_origins: st.SearchStrategy[Origin] = st.one_of(
    st.builds(Folder, folder=_words, file=_paths),
    st.builds(Git, repository=_words, revision=_words, file=_paths),
    st.builds(Url, url=st.just("https://a.example/b"), token_env=st.none() | st.just("A_B")),
)


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    origin = draw(_origins)
    facts = Facts(
        sha256=draw(_hex),
        fingerprint=draw(st.none() | _hex),
        schema_version=draw(st.none() | st.integers(0, 999)),
        commit=draw(_hex) if isinstance(origin, Git) else None,
    )
    return Entry(path=draw(_paths), origin=origin, facts=facts)


@given(_entries())
def test_any_entry_reads_back_as_it_was_written(entry: Entry) -> None:
    assert read(lockfile.dumps([entry])) == (entry,)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("lock_version: 1", "lock_version: 2", "3:15: this is a lock of version 2, and this tool"),
        ("lock_version: 1", "lock_version: one", "3:15: lock_version is no number"),
        ("lock_version: 1\n", "", "3:1: a lock lacks lock_version"),
        ("lock_version: 1", "lock_versoin: 1", '3:1: a lock has no key "lock_versoin"'),
        ("files:", "files: []\nx:", "4:8: files is no list that names a file"),
        ('path: "providers.yaml"', "path: 3", "5:11: path is no text"),
        ('path: "providers.yaml"', "path: null", "5:11: path is no text"),
        ('path: "providers.yaml"', "path: [a]", "5:11: path is no text"),
        ('"providers.yaml"', '"../providers.yaml"', "5:11: '../providers.yaml' is no path below"),
        ('"providers.yaml"', '"/etc/passwd"', "5:11: '/etc/passwd' is no path below the folder"),
        ('"providers.yaml"', '".git/hooks/a"', "5:11: '.git/hooks/a' is inside of the folder of"),
        ('"providers.yaml"', '"vendor"', "12:5: 'vendor/registry.json' cannot stand beside 'vend"),
        ('"providers.yaml"', '"vendor/registry.json"', "12:5: 'vendor/registry.json' is here twi"),
        ('"providers.yaml"', '"VENDOR/Registry.json"', "12:5: 'vendor/registry.json' cannot stan"),
        ('    sha256: "', '    sha265: "', '9:5: a file has no key "sha265"'),
        (f'    sha256: "{SHA}"\n    fingerprint: null', "    fingerprint: null", "5:5: a file lac"),
        (f'sha256: "{SHA}"', 'sha256: "abc"', "9:13: sha256 is not 64 hex digits"),
        (f'sha256: "{SHA}"', f"sha256: {'1' * 64}", "9:13: sha256 is no text"),
        (f'sha256: "{SHA}"', f'sha256: "{SHA.upper()}"', "9:13: sha256 is not 64 hex digits"),
        (f'commit: "{COMMIT}"', "commit: null", "24:15: commit is no text"),
        (f'commit: "{COMMIT}"', 'commit: "main"', "24:15: commit is not 40 or 64 hex digits"),
        ("schema_version: null", 'schema_version: "1"', "11:21: schema_version is no number"),
        ("schema_version: null", "schema_version: -1", "11:21: schema_version is no number"),
        ("schema_version: null", "schema_version: true", "11:21: schema_version is no number"),
        ("      url:", "      folder:", '8:7: a source with folder has no key "token_env"'),
        ("      url:", "      urll:", "7:7: a source has one of the keys folder, git, url"),
        ("      token_env", "      folder", "7:7: a source has one of the keys folder, git, url"),
        ("https://git", "http://git", "7:7: only https:// URLs are read"),
        ("https://git", "https://a:b@git", "7:7: a URL with a user or a password would be writ"),
        ("main/prov", "main/?access_token=s3cr3t&prov", "7:7: a URL with a token in it would be"),
        ('"REGISTRY_TOKEN"', '"ghp_s3cr3t"', "7:7: that is no name of a variable"),
        ("generated/registry.json", "../../x", "14:7: '../../x' is no path below the folder"),
        ('revision: "v1.2"', 'revision: ""', "21:7: '' is no revision"),
        (_URL, "    source: x\n", "6:13: a source has one of the keys folder, git, url"),
        ("  - path", "  - x\n  - path", "5:5: a file is a mapping"),
        ("files:\n", "files:\n  - &a {<<: *a}\n", "5:"),
        ("lock_version: 1", "lock_version: !!int 1", "3:15: a tag has no place in a lock"),
        ("lock_version: 1", "lock_version: 1\nlock_version: 1", "4:1: it is not YAML as sync wri"),
        ("files:", "files: {", "5:3: it is not YAML as sync writes it"),
        ("files:", "<<<<<<< ours\nfiles:", "4:1: two versions of the lock were not merged"),
        ("files:", "=======\nfiles:", "4:1: two versions of the lock were not merged"),
        (LOCK, "", "1:1: the lock is empty"),
        (LOCK, "# nothing\n", "1:1: the lock is empty"),
        (LOCK, "- a\n", "1:1: a lock is a mapping"),
        (LOCK, "a: 1\n---\n", "2:1: a second document begins here, and a lock is one"),
        (LOCK, "\x00", "1:1: it is not YAML as sync writes it: the character U+0000 cannot"),
        (LOCK, "#" * 1_000_001, "1:1: it has more than 1,000,000 characters"),
        (LOCK, "[" * 5_000, "1:65: it is not YAML as sync writes it: the nesting is deeper"),
    ],
)
def test_what_is_no_lock_is_said_at_its_place(old: str, new: str, wanted: str) -> None:
    assert old in LOCK
    with pytest.raises(LockError) as refused:
        read(LOCK.replace(old, new, 1))
    said = [f"{f.line}:{f.column}: {f.message}" for f in refused.value.faults]
    assert any(line.startswith(wanted) for line in said), said
    assert all(fault.hint for fault in refused.value.faults)
    assert "s3cr3t" not in str(said) + str([fault.hint for fault in refused.value.faults])


def test_misspelt_key_gets_a_hint() -> None:
    with pytest.raises(LockError) as refused:
        read(LOCK.replace("schema_version", "schema_verison", 1))
    assert 'did you mean "schema_version"?' in [fault.hint for fault in refused.value.faults]


def test_all_faults_are_told_in_order() -> None:
    text = LOCK.replace(SHA, "abc").replace("lock_version: 1", "lock_version: []")
    with pytest.raises(LockError) as refused:
        read(text)
    lines = [fault.line for fault in refused.value.faults]
    assert lines == sorted(lines)
    assert len(lines) == 1 + len(re.findall('"abc"', text))


@given(st.text() | st.from_regex(r"(lock_version|files|- |path|source|: |\n|  |1|\"a\"){0,30}"))
def test_any_text_is_a_lock_or_a_lock_error(text: str) -> None:
    faults: tuple[lockfile.Fault, ...] | None = None
    try:
        read(text)
    except LockError as error:
        faults = error.faults
    assert faults is None or faults
