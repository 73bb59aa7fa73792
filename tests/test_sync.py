"""sync: what is vendored is what its source has, or somebody is told; nothing is half written."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from codegen import emit, lockfile, vendoring
from codegen.canonical import fingerprint
from codegen.emit import Replacement
from codegen.source import Source
from codegen.vendoring import State
from tests.builds import ROOT, registry_of
from tests.servers import (
    Answer,
    Authority,
    authority,
    flood,
    head,
    raw,
    redirect,
    serving,
    silence,
    status,
    whole,
)
from tests.strategies import manifest, provider
from tests.test_revisions import git

SCHEMAS = ROOT / "docs" / "schemas"
SECRET = "s3cr3t-9d2c77aa01"
JSON = "generated/registry.json"
GO = "generated/go/registry_gen.go"
YAML = "providers.yaml"


def manifest_text(display_name: str = "Acme") -> str:
    entry = provider("acme", "^acme-", auth_env=["ACME_KEY"], display_name=display_name)
    return manifest([entry], {"agent": {"providers": [{"name": "acme", "models": ["acme-1"]}]}})


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(more)


def command(
    cwd: Path,
    *arguments: str,
    more: Mapping[str, str] | None = None,
    preexec_fn: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "codegen", *arguments],
        cwd=cwd,
        env=_environment(more or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=preexec_fn,
    )


def cli(
    cwd: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    process = command(cwd, *arguments, more=more)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in out + err
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def sync(
    down: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return cli(down, "sync", *arguments, more=more)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def entries(down: Path) -> dict[str, lockfile.Entry]:
    source = Source(path="providers.lock", text=(down / "providers.lock").read_text())
    return {entry.path: entry for entry in lockfile.read(source)}


def regenerate(folder: Path, display_name: str = "Acme") -> None:
    (folder / YAML).write_text(manifest_text(display_name), encoding="utf-8")
    assert cli(folder, "generate").returncode == 0


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry's repository, a manifest and what is generated; and one that vendors of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "up").mkdir()
    (folder / "down").mkdir()
    regenerate(folder / "up")
    names = [YAML, JSON, f"{GO}=go/registry.go"]
    done = sync(folder / "down", "--from", "../up", *names, "--to", "vendor")
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture
def up(made: Path, tmp_path: Path) -> Path:
    """The registry's repository."""
    return Path(shutil.copytree(made / "up", tmp_path / "up"))


@pytest.fixture
def down(tmp_path: Path) -> Path:
    """An empty folder beside it."""
    folder = tmp_path / "down"
    folder.mkdir()
    return folder


@pytest.fixture
def vendored(made: Path, up: Path, down: Path) -> Path:
    """A folder beside it with a manifest and two artifacts."""
    return Path(shutil.copytree(made / "down", down, dirs_exist_ok=True))


# vendoring


def test_files_arrive_with_their_facts(up: Path, vendored: Path) -> None:
    registry = registry_of(manifest_text())
    assert sorted(tree(vendored)) == [
        "providers.lock",
        "vendor/go/registry.go",
        "vendor/providers.yaml",
        "vendor/registry.json",
    ]
    assert (vendored / "vendor/go/registry.go").read_bytes() == (up / GO).read_bytes()
    for entry in entries(vendored).values():
        assert entry.facts.fingerprint == fingerprint(registry)
        assert entry.facts.schema_version == 1


FACTS = {
    "generated/go/registry_gen.go": True,
    "generated/go/go.mod": False,
    "generated/python/provider_registry/__init__.py": True,
    "generated/python/provider_registry/py.typed": False,
    "generated/python/pyproject.toml": False,
    "generated/typescript/registry.js": True,
    "generated/typescript/registry.d.ts": False,
    "generated/typescript/package.json": False,
    "generated/README.md": False,
    "generated/registry.json": True,
    "generated/vectors.json": True,
    "generated/providers.schema.json": False,
    "providers.yaml": True,
}


def test_every_artifact_can_be_vendored_and_tells_what_it_carries(up: Path, down: Path) -> None:
    generated = {p.relative_to(up).as_posix() for p in (up / "generated").rglob("*.*")}
    assert {path for path in generated if (up / path).is_file()} | {YAML} == set(FACTS)
    assert sync(down, "--from", "../up", *(f"{path}={path}" for path in FACTS)).returncode == 0
    found = entries(down)
    for path, has_facts in FACTS.items():
        facts = found[path].facts
        assert (facts.fingerprint is not None) == has_facts, path
        assert facts.schema_version == (1 if has_facts else None), path
    assert sync(down, "--check").returncode == 0


def test_second_sync_touches_nothing(vendored: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in vendored.rglob("*")}
    done = sync(vendored)
    assert (done.returncode, done.stdout) == (
        0,
        "providers.lock: 0 written, 3 already up to date\n",
    )
    assert {path: path.stat().st_mtime_ns for path in vendored.rglob("*")} == before


def test_sync_brings_what_the_source_has_and_check_is_green_again(up: Path, vendored: Path) -> None:
    regenerate(up, "Acme two")
    done = sync(vendored, "--check")
    assert done.returncode == 1
    assert "MOVED       vendor/registry.json: its source has changed since it was" in done.stdout
    assert '-        "display_name": "Acme",' in done.stdout
    assert '+        "display_name": "Acme two",' in done.stdout
    assert sync(vendored).returncode == 0
    assert (vendored / "vendor/registry.json").read_bytes() == (up / JSON).read_bytes()
    assert sync(vendored, "--check").returncode == 0


def test_naming_a_file_again_gives_it_another_source(up: Path, vendored: Path) -> None:
    shutil.copytree(up, up.parent / "other")
    regenerate(up.parent / "other", "Other")
    done = sync(vendored, "--from", "../other", JSON, "--to", "vendor")
    assert done.returncode == 0
    found = entries(vendored)
    assert len(found) == 3
    assert found["vendor/registry.json"].origin.folder == "../other"  # type: ignore[union-attr]


def test_lock_elsewhere_has_paths_relative_to_itself(up: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    arguments = ["--lock", "sub/x.lock", "--from", "up", YAML, "--to", "sub/vendor"]
    assert sync(tmp_path, *arguments).returncode == 0
    assert '      folder: "../up"' in (tmp_path / "sub/x.lock").read_text()
    assert '  - path: "vendor/providers.yaml"' in (tmp_path / "sub/x.lock").read_text()
    assert sync(tmp_path, "--lock", "sub/x.lock", "--check").returncode == 0
    outside = sync(tmp_path, "--lock", "sub/x.lock", "--from", "up", JSON)
    assert outside.returncode == 3
    assert "error: '../registry.json' is no path below the folder" in outside.stderr


# who disagrees with whom


def _edited(down: Path, up: Path) -> None:
    with (down / "vendor/registry.json").open("a") as file:
        file.write(" \n")


def _moved(down: Path, up: Path) -> None:
    regenerate(up, "Acme two")


def _diverged(down: Path, up: Path) -> None:
    _edited(down, up)
    _moved(down, up)


def _deleted(down: Path, up: Path) -> None:
    (down / "vendor/registry.json").unlink()


def _stopped(down: Path, up: Path) -> None:
    """Leave what a kill between two moves leaves: the new files, and the old lock."""
    _moved(down, up)
    shutil.copy(up / JSON, down / "vendor/registry.json")


def _rewritten_lock(down: Path, up: Path) -> None:
    text = (down / "providers.lock").read_text()
    (down / "providers.lock").write_text(text.replace("schema_version: 1", "schema_version: 2"))


def _covered_up(down: Path, up: Path) -> None:
    """Edit a file, and the lock along with it."""
    path = down / "vendor/registry.json"
    old = _sha(path)
    path.write_text(path.read_text().replace("acme-1", "acme-2"))
    lock = down / "providers.lock"
    lock.write_text(lock.read_text().replace(old, _sha(path)))


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _folder_in_the_way(down: Path, up: Path) -> None:
    _deleted(down, up)
    (down / "vendor/registry.json").mkdir()


STATES: dict[str, tuple[Callable[[Path, Path], None], str, str]] = {
    "edited": (_edited, "EDITED", "EDITED"),
    "moved": (_moved, "MOVED", ""),
    "diverged": (_diverged, "DIVERGED", "EDITED"),
    "deleted": (_deleted, "MISSING", "MISSING"),
    "stopped": (_stopped, "UNRECORDED", "EDITED"),
    "rewritten lock": (_rewritten_lock, "MISRECORDED", "MISRECORDED"),
    "covered up": (_covered_up, "MOVED", "UNSOUND"),
    "folder in the way": (_folder_in_the_way, "BLOCKED", "BLOCKED"),
}


@pytest.mark.parametrize(("change", "online", "offline"), STATES.values(), ids=list(STATES))
def test_check_names_who_disagrees(
    change: Callable[[Path, Path], None], online: str, offline: str, up: Path, vendored: Path
) -> None:
    change(vendored, up)
    before = tree(vendored)
    for word, arguments in ((online, ["--check"]), (offline, ["--check", "--offline"])):
        done = sync(vendored, *arguments)
        assert done.returncode == (1 if word else 0), done.stdout + done.stderr
        said = [line for line in done.stdout.splitlines() if "vendor/registry.json: " in line]
        assert [line.split()[0] for line in said] == ([word] if word else [])
        assert done.stderr == ""
    assert tree(vendored) == before


@pytest.mark.parametrize(
    "change", [c for name, (c, _, _) in STATES.items() if "folder" not in name]
)
def test_sync_mends_whatever_check_names(
    change: Callable[[Path, Path], None], up: Path, vendored: Path
) -> None:
    change(vendored, up)
    assert sync(vendored).returncode == 0
    assert (vendored / "vendor/registry.json").read_bytes() == (up / JSON).read_bytes()
    assert sync(vendored, "--check").returncode == 0
    assert sync(vendored, "--check", "--offline").returncode == 0


def test_other_line_ends_are_named_and_no_drift(up: Path, vendored: Path) -> None:
    for path in [*(vendored / "vendor").rglob("*.*"), vendored / "providers.lock", up / GO]:
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = tree(vendored)
    for arguments in (["--check"], ["--check", "--offline"], []):
        done = sync(vendored, *arguments)
        assert done.returncode == 0, done.stdout
        if arguments:
            assert done.stdout.count("LINE-ENDS   vendor/") == 3
    assert tree(vendored) == before


def test_source_with_other_line_ends_is_vendored_with_lf(up: Path, down: Path) -> None:
    wanted = (up / JSON).read_bytes()
    (up / JSON).write_bytes(wanted.replace(b"\n", b"\r\n"))
    assert sync(down, "--from", "../up", JSON).returncode == 0
    assert (down / "registry.json").read_bytes() == wanted


def test_locked_restores_what_was_vendored_and_takes_nothing_newer(
    up: Path, vendored: Path
) -> None:
    whole_tree = tree(vendored)
    _edited(vendored, up)
    assert sync(vendored, "--locked").returncode == 0
    assert tree(vendored) == whole_tree
    _diverged(vendored, up)
    before = tree(vendored)
    done = sync(vendored, "--locked")
    assert done.returncode == 1
    assert "its source has changed: the SHA-256 there is " in done.stderr
    assert f"and the lock says {entries(vendored)['vendor/registry.json'].facts.sha256}" in (
        done.stderr
    )
    assert "nothing was written" in done.stderr
    assert tree(vendored) == before


# what stands in the way


def test_file_that_was_not_vendored_is_not_overwritten(up: Path, down: Path) -> None:
    (down / "providers.yaml").write_text("mine\n")
    done = sync(down, "--from", "../up", YAML, JSON)
    assert done.returncode == 1
    assert done.stderr == (
        "error: providers.yaml: it is there already, and was not vendored\n"
        "help: move it away, or add --force\nnothing was written\n"
    )
    assert tree(down) == {"providers.yaml": b"mine\n"}
    assert sync(down, "--from", "../up", YAML, JSON, "--force").returncode == 0
    assert (down / YAML).read_bytes() == (up / YAML).read_bytes()


def test_file_that_is_as_in_the_source_is_taken_over(up: Path, down: Path) -> None:
    shutil.copy(up / YAML, down / YAML)
    done = sync(down, "--from", "../up", YAML)
    assert done.returncode == 0
    assert (
        done.stdout == "wrote    providers.lock\nproviders.lock: 0 written, 1 already up to date\n"
    )


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "link to a folder", "file above"])
def test_nothing_is_written_through_what_is_in_the_way(up: Path, down: Path, kind: str) -> None:
    elsewhere = down.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "registry.json").write_text("precious\n")
    if kind == "folder":
        (down / "vendor/registry.json").mkdir(parents=True)
    elif kind == "pipe":
        (down / "vendor").mkdir()
        os.mkfifo(down / "vendor/registry.json")
    elif kind == "link":
        (down / "vendor").mkdir()
        (down / "vendor/registry.json").symlink_to(elsewhere / "registry.json")
    elif kind == "link to a folder":
        (down / "vendor").symlink_to(elsewhere)
    else:
        (down / "vendor").write_text("a file\n")
    done = sync(down, "--from", "../up", JSON, YAML, "--to", "vendor", "--force")
    assert done.returncode == 1
    assert "vendor/registry.json: what is in its place is no regular file, or a link" in done.stderr
    assert tree(elsewhere) == {"registry.json": b"precious\n"}
    assert not (down / "providers.lock").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([JSON, "--to", ".."], "'../registry.json' is no path below the folder"),
        ([f"{JSON}=/etc/passwd"], "is no path below the folder"),
        ([f"{JSON}=.git/hooks/post-checkout"], "is inside of the folder of git"),
        (["../up/providers.yaml"], "'../up/providers.yaml' is no path below the folder"),
        (["/etc/passwd"], "'/etc/passwd' is no path below the folder"),
        ([""], "'' is no path below the folder"),
        ([f"{JSON}=a=b"], ""),
        ([JSON, JSON], "'registry.json' is here twice"),
        ([JSON, f"{YAML}=Registry.json"], "'Registry.json' cannot stand beside 'registry.json'"),
        ([JSON, f"{YAML}=registry.json/a"], "cannot stand beside 'registry.json'"),
        ([f"{JSON}=providers.lock"], "'providers.lock' is here twice"),
    ],
)
def test_destination_stays_in_the_folder_and_has_a_place_of_its_own(
    up: Path, down: Path, arguments: list[str], message: str
) -> None:
    done = sync(down, "--from", "../up", *arguments)
    assert done.returncode == (3 if message else 0), done.stderr
    assert message in done.stderr
    assert bool(tree(down)) == (not message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([JSON], "FILE needs --from"),
        (["--from", "../up"], "--from needs FILE"),
        (["--revision", "main"], "--revision needs --from"),
        (["--token-env", "TOKEN"], "--token-env needs --from"),
        (["--to", "vendor"], "--to needs --from"),
        (["--force"], "--force needs --from"),
        (["--offline"], "--offline needs --check"),
        (["--from", "../up", JSON, "--check"], "--from does not go together with --check"),
        (["--from", "../up", JSON, "--locked"], "--from does not go together with --locked"),
        (["--check", "--locked"], "--check does not go together with --locked"),
        (["--from", "http://a.example", JSON], "http:// is not read: anybody on the way could"),
        (["--from", "git@a.example:b.git", JSON], "a repository of another machine is not read"),
        (["--from", "https://a:b@a.example", JSON], "a URL with a user or a password would be"),
        (["--from", "https://a.example", JSON, "--token-env", SECRET], "that is no name of a var"),
        (["--from", "../up", JSON, "--token-env", "TOKEN"], "only a URL takes --token-env"),
        (["--check", "--timeout", "0"], "0.0 is not in the range"),
        (["--check", "--timeout", "soon"], "'soon' is not a valid float"),
    ],
)
def test_wrong_usage_is_three_and_says_how(
    vendored: Path, arguments: list[str], message: str
) -> None:
    before = tree(vendored)
    done = sync(vendored, *arguments)
    assert done.returncode == 3
    assert message in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert tree(vendored) == before


# what is no lock


@pytest.mark.parametrize("arguments", [[], ["--check"], ["--check", "--offline"], ["--locked"]])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "error: there is no providers.lock\n"),
        (b"", "error: providers.lock:1:1: the lock is empty\n"),
        (b"\xff", "error: providers.lock: it is not UTF-8\n"),
        (b"lock_version: 1\nfiles: []\n", "error: providers.lock:2:8: files is no list that nam"),
        (b"lock_version: 9\nfiles: []\n", "error: providers.lock:1:15: this is a lock of version"),
        (
            b"<<<<<<< HEAD\n",
            "error: providers.lock:1:1: two versions of the lock were not merged\n",
        ),
    ],
)
def test_without_a_lock_the_answer_is_two(
    down: Path, arguments: list[str], text: bytes | None, message: str
) -> None:
    if text is not None:
        (down / "providers.lock").write_bytes(text)
    done = sync(down, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "help: " in done.stderr


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_lock_that_is_no_file_is_two(down: Path, kind: str) -> None:
    if kind == "folder":
        (down / "providers.lock").mkdir()
    else:
        os.mkfifo(down / "providers.lock")
    done = sync(down, "--check")
    assert done.returncode == 2
    assert "error: providers.lock: it is not a regular file\n" in done.stderr


# what is no canonical copy


def _break(up: Path, kind: str) -> None:
    path = up / (YAML if "manifest" in kind else JSON)
    data = path.read_bytes()
    if kind == "folder gone":
        shutil.rmtree(up)
    elif kind == "gone":
        path.unlink()
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif kind == "binary":
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    elif kind == "cut":
        path.write_bytes(data[:-100])
    elif kind == "edited":
        path.write_bytes(data.replace(b"acme-1", b"acme-2"))
    elif kind == "broken manifest":
        path.write_bytes(data.replace(b"openai", b"opneai"))
    elif kind == "empty manifest":
        path.write_bytes(b"")
    else:
        path.write_bytes(b"x" * (16 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder gone", "it cannot be read: no such file or directory"),
        ("gone", "it cannot be read: no such file or directory"),
        ("folder", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("binary", "it is not UTF-8"),
        ("cut", "it was edited by hand, or is not whole: its digest does not fit"),
        ("edited", "it was edited by hand, or is not whole: its digest does not fit"),
        ("broken manifest", 'it does not compile: line 8: protocol cannot be "opneai"'),
        ("empty manifest", "it does not compile: line 1: the manifest is empty [Y010]"),
        ("large", "it is larger than 16 MiB"),
    ],
)
def test_copy_that_cannot_be_read_is_two_and_never_fine(
    up: Path, vendored: Path, kind: str, message: str
) -> None:
    _break(up, kind)
    before = tree(vendored)
    for arguments in (["--check"], [], ["--locked"]):
        done = sync(vendored, *arguments)
        assert done.returncode == 2, arguments
        assert f": {message}" in done.stderr
        assert "help: " in done.stderr
    assert tree(vendored) == before
    assert sync(vendored, "--check", "--offline").returncode == 0


def test_copy_that_cannot_be_read_hides_no_difference(up: Path, vendored: Path) -> None:
    (up / GO).unlink()
    _edited(vendored, up)
    done = sync(vendored, "--check")
    assert done.returncode == 2
    assert "EDITED      vendor/registry.json" in done.stdout


def test_file_on_disk_that_the_system_does_not_give_is_three(vendored: Path) -> None:
    lock = vendored / "providers.lock"
    lock.write_text(lock.read_text().replace("vendor/providers.yaml", "a" * 300))
    for arguments in (["--check"], ["--check", "--offline"], []):
        done = sync(vendored, *arguments)
        assert done.returncode == 3
        assert f"{'a' * 300} cannot be read: File name too long" in done.stderr


# git


@pytest.fixture
def repository(up: Path) -> Path:
    git(up, "init", "--quiet", "--initial-branch=main")
    git(up, "add", ".")
    git(up, "commit", "--quiet", "-m", "one")
    git(up, "tag", "v1")
    regenerate(up, "Acme two")
    git(up, "commit", "--quiet", "-am", "two")
    return up


def test_file_of_a_revision_is_recorded_with_its_commit(repository: Path, down: Path) -> None:
    done = sync(down, "--from", "../up", "--revision", "v1", JSON, YAML)
    assert (done.returncode, done.stderr) == (0, "")
    facts = entries(down)["registry.json"].facts
    assert facts.commit == git(repository, "rev-parse", "v1")
    assert b'"display_name": "Acme"' in (down / "registry.json").read_bytes()
    assert sync(down, "--check").returncode == 0


def test_revision_that_moves_is_followed_and_locked_stays(repository: Path, down: Path) -> None:
    assert sync(down, "--from", "../up", "--revision", "main", JSON).returncode == 0
    before = tree(down)
    regenerate(repository, "Acme three")
    git(repository, "commit", "--quiet", "-am", "three")
    assert sync(down, "--check").returncode == 1
    (down / "registry.json").write_text("edited\n")
    assert sync(down, "--locked").returncode == 0
    assert tree(down) == before
    assert sync(down).returncode == 0
    assert b'"display_name": "Acme three"' in (down / "registry.json").read_bytes()


def test_commit_that_leaves_the_file_alone_leaves_the_lock_alone(
    repository: Path, down: Path
) -> None:
    assert sync(down, "--from", "../up", "--revision", "main", JSON).returncode == 0
    before = tree(down)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    for arguments in (["--check"], []):
        assert sync(down, *arguments).returncode == 0
    assert tree(down) == before


@pytest.mark.parametrize("kind", ["bare", "below"])
def test_repository_may_be_bare_and_the_place_below_its_root(
    repository: Path, down: Path, kind: str
) -> None:
    if kind == "bare":
        git(down.parent, "clone", "--quiet", "--bare", str(repository), "bare.git")
        arguments = ["--from", "../bare.git", "--revision", "v1", JSON]
    else:
        arguments = ["--from", "../up/generated", "--revision", "v1", "registry.json"]
    done = sync(down, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert sync(down, "--check").returncode == 0


@pytest.mark.parametrize(
    ("source", "revision", "file", "message"),
    [
        ("../up", "v9", JSON, "there is no revision 'v9' in"),
        ("../up", "--help", JSON, "there is no revision '--help' in"),
        ("../up", "v1", "missing.json", "missing.json is no file at revision 'v1'"),
        ("../up", "v1", "generated", "generated is no file at revision 'v1'"),
        ("../shallow", "v1", JSON, "there is no revision 'v1' in"),
        (".", "v1", JSON, "is in no git repository"),
        ("../nowhere", "v1", JSON, "is in no git repository"),
    ],
)
def test_what_git_does_not_give_is_two(
    repository: Path, down: Path, source: str, revision: str, file: str, message: str
) -> None:
    url = f"file://{repository}"
    git(down.parent, "clone", "--quiet", "--depth", "1", "--no-tags", url, "shallow")
    done = sync(down, "--from", source, "--revision", revision, file)
    assert done.returncode == 2
    assert message in done.stderr
    assert "help: " in done.stderr
    assert tree(down) == {}


# servers


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


def _served(made: Path) -> dict[str, Answer]:
    return {f"/raw/{path}": whole((made / "up" / path).read_bytes()) for path in (YAML, JSON)}


def test_files_of_a_server_are_vendored_with_a_token_that_is_nowhere(
    made: Path, down: Path, trusted: Authority
) -> None:
    more = {"SSL_CERT_FILE": str(trusted.file), "REGISTRY_TOKEN": SECRET}
    with serving(_served(made), trusted) as server:
        url = server.url("/raw")
        done = sync(down, "--from", url, JSON, YAML, "--token-env", "REGISTRY_TOKEN", more=more)
        assert (done.returncode, done.stderr) == (0, "")
        check = sync(down, "--check", "--format", "json", more=more)
        assert check.returncode == 0
        assert {a.headers.get("authorization") for a in server.asked} == {f"Bearer {SECRET}"}
        assert len(server.asked) == 4
    for text in (done.stdout, check.stdout, check.stderr, str(tree(down))):
        assert SECRET not in text
    assert '      token_env: "REGISTRY_TOKEN"' in (down / "providers.lock").read_text()
    assert (down / "registry.json").read_bytes() == (made / "up" / JSON).read_bytes()


def _cut(made: Path) -> Answer:
    data = (made / "up" / JSON).read_bytes()
    return raw(head(200, Content_Length=str(len(data))) + data[:-50])


def _wrong(made: Path) -> Answer:
    return whole((made / "up" / JSON).read_bytes().replace(b"acme-1", b"acme-2"))


SERVERS: dict[str, tuple[Callable[[Path], Answer], str]] = {
    "not there": (lambda made: status(404), "it answers 404: there is no such file"),
    "token refused": (
        lambda made: status(401),
        "it answers 401: it does not take the token in REG",
    ),
    "trouble": (lambda made: status(502), "it answers 502: the server is in trouble"),
    "slow": (lambda made: raw(*[b"H"] * 99, pause=0.1), "it did not send the file within 1 s"),
    "garbage": (lambda made: raw(b"garbage\r\n\r\n"), "what it answers is not HTTP"),
    "cut": (_cut, "its answer breaks off in the middle of the file"),
    "other bytes": (_wrong, "it was edited by hand, or is not whole: its digest does not fit"),
    "echo": (lambda made: whole(SECRET.encode()), "it sends the token back in the file"),
    "http": (lambda made: redirect("http://localhost/"), "it redirects to http://, where anybody"),
    "binary": (lambda made: whole(b"\xff\xfe"), "it is not UTF-8"),
    "polite no": (lambda made: whole(b'{"error": "not found"}'), "it carries no fingerprint, and"),
    "login": (
        lambda made: whole(b"<html>", Content_Type="text/html"),
        "it sends a web page, as servers do that want a login",
    ),
    "large": (
        lambda made: raw(head(200, Content_Length=str(100 << 20))),
        "it sends more than 16 MiB, which no artifact has",
    ),
}


@pytest.mark.parametrize(("answer", "message"), SERVERS.values(), ids=list(SERVERS))
def test_server_that_gives_no_copy_is_two_and_the_token_stays_secret(
    answer: Callable[[Path], Answer], message: str, made: Path, down: Path, trusted: Authority
) -> None:
    more = {
        "SSL_CERT_FILE": str(trusted.file),
        "REGISTRY_TOKEN": SECRET,
        "PROVIDERS_CODEGEN_DEBUG": "1",
    }
    answers = _served(made)
    with serving(answers, trusted) as server:
        arguments = ["--from", server.url("/raw"), JSON, YAML, "--token-env", "REGISTRY_TOKEN"]
        assert sync(down, *arguments, more=more).returncode == 0
        before = tree(down)
        answers[f"/raw/{JSON}"] = answer(made)
        for form, check in (("text", ["--check"]), ("json", ["--check"]), ("github", [])):
            done = sync(down, *check, "--timeout", "1", "--format", form, more=more)
            assert done.returncode == 2, done.stdout + done.stderr
            assert f"{server.url('/raw')}/{JSON}: {message}" in done.stderr
            assert SECRET not in done.stdout + done.stderr
    assert tree(down) == before
    assert SECRET not in str(before)


def test_other_file_of_a_server_is_a_difference(
    made: Path, up: Path, down: Path, trusted: Authority
) -> None:
    more = {"SSL_CERT_FILE": str(trusted.file)}
    answers = _served(made)
    with serving(answers, trusted) as server:
        assert sync(down, "--from", server.url("/raw"), JSON, more=more).returncode == 0
        regenerate(up, "Acme two")
        answers[f"/raw/{JSON}"] = whole((up / JSON).read_bytes())
        assert sync(down, "--check", more=more).returncode == 1
        locked = sync(down, "--locked", more=more)
        assert locked.returncode == 1
        assert "the SHA-256 there is" in locked.stderr
        assert sync(down, more=more).returncode == 0
    assert (down / "registry.json").read_bytes() == (up / JSON).read_bytes()


@pytest.mark.parametrize("value", [None, "", "two words"])
def test_token_that_is_not_there_asks_nobody(
    made: Path, down: Path, trusted: Authority, value: str | None
) -> None:
    more = {"SSL_CERT_FILE": str(trusted.file)} | ({} if value is None else {"NO_TOKEN": value})
    with serving(_served(made), trusted) as server:
        arguments = ["--from", server.url("/raw"), JSON, "--token-env", "NO_TOKEN"]
        done = sync(down, *arguments, more=more)
        assert done.returncode == 2
        assert "the variable NO_TOKEN" in done.stderr
        assert server.asked == []
    assert tree(down) == {}


def test_unknown_certificate_is_two(made: Path, down: Path, trusted: Authority) -> None:
    with serving(_served(made), trusted) as server:
        done = sync(down, "--from", server.url("/raw"), JSON)
        assert done.returncode == 2
        assert "its certificate is not trusted: " in done.stderr
        assert "SSL_CERT_FILE" in done.stderr
        assert server.asked == []


_MEASURED = """
import re, sys
from pathlib import Path
from codegen import cli
try: cli.run()
except SystemExit as end: code = end.code
# Not what `getrusage` says: that begins with the memory of the process that started this one.
print(code, re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


def _memory(down: Path, url: str, more: Mapping[str, str]) -> tuple[int, int]:
    """Return the exit code of a run, and the most memory that it had, in KiB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, "sync", "--from", url, JSON],
        cwd=down,
        env=_environment(more),
        capture_output=True,
        text=True,
        check=True,
    )
    code, kibibytes = done.stdout.splitlines()[-1].split()
    return int(code), int(kibibytes)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="SKIPPED: no /proc is here")
@pytest.mark.parametrize("is_chunked", [True, False])
def test_answer_of_100_mb_is_stopped_early_and_fills_no_memory(
    down: Path, trusted: Authority, is_chunked: bool
) -> None:
    more = {"SSL_CERT_FILE": str(trusted.file)}
    size = 100 << 20
    # In chunks of 64 KiB, or in a single one.
    first = head(200, Transfer_Encoding="chunked") + (b"" if is_chunked else b"%x\r\n" % size)
    answers = {f"/{JSON}": flood(size, first, is_chunked=is_chunked)}
    with serving(answers, trusted) as server:
        code, usual = _memory(down, server.url("/nothing"), more)
        assert code == 2
        code, used = _memory(down, server.url(""), more)
        assert code == 2
    assert used - usual < 40 * 1024, (usual, used)


# all or nothing


def test_full_disk_leaves_all_as_it_was(up: Path, vendored: Path) -> None:
    regenerate(up, "Acme two")
    before = tree(vendored)

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))

    process = command(vendored, "sync", preexec_fn=small_disk)
    _, complaint = process.communicate()
    assert process.returncode == 3
    assert "cannot be written: File too large; all is as it was" in complaint
    assert tree(vendored) == before


def _complaint_of_nobody(write: Callable[[], None]) -> str:
    """Write in a child process without root's power to write anywhere; return its complaint."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        complaint = b"none"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65_534)
                os.setuid(65_534)
            write()
        except OSError as error:
            complaint = str(error.strerror).encode()
        finally:
            os.write(writer, complaint)
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        return stream.read()


def test_read_only_folder_leaves_all_as_it_was() -> None:
    # Not below pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "vendor").mkdir()
        (folder / "vendor/b").write_bytes(b"old")
        (folder / "vendor").chmod(0o555)
        folder.chmod(0o777)
        wanted = [
            Replacement(path="a/deep/a", old=None, new=b"new"),
            Replacement(path="vendor/b", old=b"old", new=b"new"),
        ]
        assert _complaint_of_nobody(lambda: emit.replace_all(folder, wanted)) == "Permission denied"
        assert tree(folder) == {"vendor/b": b"old"}
        assert [path.name for path in folder.iterdir()] == ["vendor"]
    finally:
        (folder / "vendor").chmod(0o755)
        shutil.rmtree(folder)


def test_killed_at_any_moment_each_file_is_old_or_new_and_the_next_run_mends(
    up: Path, vendored: Path
) -> None:
    seed = random.Random(11)
    old, begun = tree(vendored), time.monotonic()
    assert command(vendored, "sync").wait() == 0
    usual = time.monotonic() - begun
    for number in range(24):
        regenerate(up, f"Acme {number}")
        process = command(vendored, "sync")
        # The writing is the last part of a run, so that is where most of the kills fall.
        time.sleep(usual * seed.uniform(0.6, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = {path: data for path, data in tree(vendored).items() if path in old}
        assert sorted(left) == sorted(old)
        assert sync(vendored).returncode == 0
        new = tree(vendored)
        assert sorted(new) == sorted(old), "what a killed run left beside is cleared away"
        assert all(left[path] in (old[path], new[path]) for path in old)
        if left["providers.lock"] == new["providers.lock"]:
            assert left == new, "the lock comes last"
        old = new


# as data


def test_answer_is_as_its_schema_says(
    vendored: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = json.loads((SCHEMAS / "sync.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    seen = set[str]()
    for change, _, _ in STATES.values():
        folder = Path(shutil.copytree(vendored.parent, tmp_path_factory.mktemp("copy") / "x"))
        change(folder / "down", folder / "up")
        for arguments in (["--check"], ["--check", "--offline"], []):
            done = sync(folder / "down", *arguments, "--format", "json")
            document = json.loads(done.stdout)
            validator.validate(document["answer"])
            assert document["exit_code"] == done.returncode
            seen |= {str(file["state"]) for file in document["answer"]["files"]}
    states = set(schema["$defs"]["file"]["properties"]["state"]["enum"])
    assert states - seen == {"new", "foreign"}


def test_page_explains_every_word_and_the_schema_knows_every_state() -> None:
    page = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| `([A-Z-]+)` \|", page, flags=re.MULTILINE)
    quiet = {State.SAME, State.NEW, State.FOREIGN}
    assert set(words) == {state.name for state in set(State) - quiet} | {"LINE-ENDS"}
    schema = json.loads((SCHEMAS / "sync.schema.json").read_text())
    known = schema["$defs"]["file"]["properties"]["state"]["enum"]
    assert known == [state.value for state in State]


def test_github_is_told_which_file_differs(up: Path, vendored: Path) -> None:
    _edited(vendored, up)
    done = sync(vendored, "--check", "--format", "github")
    assert done.returncode == 1
    assert (
        "::error file=vendor/registry.json,title=providers-codegen::"
        "it was edited by hand since it was vendored.%0AHelp: "
    ) in done.stdout


# the writing itself


def test_lock_is_written_behind_all_files(up: Path, vendored: Path) -> None:
    _moved(vendored, up)
    lock = vendoring.opened(vendored / "providers.lock")
    reading = vendoring.Reading(root=lock.root, seconds=1)
    standings = vendoring.survey(vendoring.recorded(lock), reading)
    paths = [each.path for each in vendoring.replacements(lock, standings)]
    assert paths == [each.path for each in standings] + ["providers.lock"]


def test_error_in_the_midst_of_the_moves_puts_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    wanted = [
        Replacement(path="a", old=b"old", new=b"new"),
        Replacement(path="deep/b", old=None, new=b"new"),
        Replacement(path="lock", old=None, new=b"new"),
    ]
    move = Path.replace

    def fails_at_the_lock(self: Path, target: Path) -> Path:
        if target.name == "lock":
            raise OSError(5, "Input/output error")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fails_at_the_lock)
    with pytest.raises(OSError, match="Input/output"):
        emit.replace_all(tmp_path, wanted)
    monkeypatch.undo()
    assert tree(tmp_path) == {"a": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    emit.replace_all(tmp_path, wanted)
    assert tree(tmp_path) == {"a": b"new", "deep/b": b"new", "lock": b"new"}


STEPS = ["_laid_ready", "_fill", "_dress", "_aside", "_carry", "_settle_names"]


def _write_and_die(folder: Path, wanted: list[Replacement], step: int) -> bool:
    """Write in a child process that is killed at its n-th step; tell whether it came to that."""
    child = os.fork()
    if child == 0:
        steps = iter(range(step, -1, -1))

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def counting(*arguments: object, **more: object) -> object:
                if next(steps) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **more)

            return counting

        for name in STEPS:
            setattr(emit, name, counted(getattr(emit, name)))
        for name in ("replace", "unlink", "chmod", "mkdir"):
            setattr(Path, name, counted(getattr(Path, name)))
        emit.replace_all(folder, wanted)
        os._exit(0)
    _, state = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(state) == -signal.SIGKILL


def test_killed_at_each_step_the_last_file_tells_whether_all_are_new(tmp_path: Path) -> None:
    step, came_to_it, seen = 0, True, set()
    while came_to_it:
        folder = tmp_path / str(step)
        folder.mkdir()
        olds = {"a": b"old", "b": b"old", "lock": b"old"}
        for name, data in olds.items():
            (folder / name).write_bytes(data)
        news = {"a": b"new", "b": b"new", "deep/er/c": b"new", "lock": b"new"}
        wanted = [Replacement(path=p, old=olds.get(p), new=new) for p, new in news.items()]
        came_to_it = _write_and_die(folder, wanted, step)
        left = {path: data for path, data in tree(folder).items() if path in news}
        assert all(data in (b"old", b"new") for data in left.values())
        if left["lock"] == b"new":
            assert left == news
        again = [
            Replacement(path=path, old=left.get(path), new=new)
            for path, new in news.items()
            if left.get(path) != new
        ]
        emit.replace_all(folder, again, tidied=news)
        assert tree(folder) == news, "nothing of the killed run is left"
        seen.add(tuple(sorted(path for path, data in left.items() if data == b"new")))
        step += 1
    assert step > 25
    assert seen == {
        (),
        ("a",),
        ("a", "b"),
        ("a", "b", "deep/er/c"),
        ("a", "b", "deep/er/c", "lock"),
    }


def test_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"somebody else's")
    wanted = [
        Replacement(path="b", old=None, new=b"new"),
        Replacement(path="a", old=b"old", new=b"new"),
    ]
    with pytest.raises(emit.ChangedError):
        emit.replace_all(tmp_path, wanted)
    assert tree(tmp_path) == {"a": b"somebody else's"}


def test_mode_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)
    emit.replace_all(
        tmp_path,
        [Replacement(path="a", old=b"old", new=b"n"), Replacement(path="b", old=None, new=b"n")],
    )
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o644]


# how it is started


def test_help_and_closed_pipe_and_interrupt(up: Path, vendored: Path, tmp_path: Path) -> None:
    assert "Example:" in sync(vendored, "--help").stdout
    _edited(vendored, up)
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "sync", "--check"],
        cwd=vendored,
        env=_environment({}),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (141, "")


def test_interrupt_while_a_server_is_silent_is_one_line(down: Path, trusted: Authority) -> None:
    more = {"SSL_CERT_FILE": str(trusted.file)}
    with serving({f"/{JSON}": silence(30)}, trusted) as server:
        process = command(down, "sync", "--from", server.url(""), JSON, more=more)
        while not server.asked:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=10)
    assert process.returncode == 130
    assert complaint == "interrupted; no file is half written\n"
    assert tree(down) == {}


def test_no_network_is_imported_without_a_url(vendored: Path) -> None:
    program = (
        "import sys; from codegen import cli; sys.argv = ['x', 'sync', '--check']\n"
        "try: cli.run()\n"
        "except SystemExit as end: print(end.code, 'urllib.request' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=vendored,
        env=_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 False"
