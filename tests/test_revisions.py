"""What git gives of a revision, and what is said where it gives nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codegen.revisions import RevisionError, commit, contents

IDENTITY = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com"]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "below").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for text in ("old\r\n", "new\n"):
        (folder / "below" / "file.yaml").write_bytes(text.encode())
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", text.strip())
    return folder


@pytest.mark.parametrize(
    ("folder", "revision", "path", "wanted"),
    [
        (".", "HEAD~1", "below/file.yaml", b"old\r\n"),
        (".", "main", "below/file.yaml", b"new\n"),
        ("below", "HEAD", "file.yaml", b"new\n"),
        ("below", "HEAD", "../below/file.yaml", b"new\n"),
    ],
)
def test_contents_are_the_bytes_as_they_were(
    repository: Path, folder: str, revision: str, path: str, wanted: bytes
) -> None:
    assert contents(repository / folder, revision, path) == wanted


def test_path_in_a_bare_repository_is_that_from_the_root(repository: Path) -> None:
    bare = repository.with_name("bare.git")
    git(repository.parent, "clone", "--quiet", "--bare", str(repository), str(bare))
    assert contents(bare, "HEAD~1", "below/file.yaml") == b"old\r\n"
    with pytest.raises(RevisionError, match="is no file at revision 'HEAD'"):
        contents(bare, "HEAD", "file.yaml")


def test_commit_is_the_full_id(repository: Path) -> None:
    assert commit(repository, "main") == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("revision", "path", "said"),
    [
        ("nowhere", "below/file.yaml", "there is no revision 'nowhere'"),
        ("--output=x", "below/file.yaml", "there is no revision '--output=x'"),
        ("HEAD:below", "below/file.yaml", "there is no revision 'HEAD:below'"),
        ("", "below/file.yaml", "there is no revision ''"),
        ("HEAD", "missing.yaml", "missing.yaml is no file at revision 'HEAD'"),
        ("HEAD", "below", "below is no file at revision 'HEAD'"),
        ("HEAD", "../outside", "../outside is no file at revision 'HEAD'"),
    ],
)
def test_what_is_not_there_is_said(repository: Path, revision: str, path: str, said: str) -> None:
    with pytest.raises(RevisionError) as refused:
        contents(repository, revision, path)
    assert said in refused.value.message
    assert refused.value.hint


def test_folder_outside_of_any_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match="is in no git repository"):
        commit(tmp_path, "HEAD")


def test_machine_without_git_is_told_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RevisionError, match="git is not on this machine"):
        commit(repository, "HEAD")
