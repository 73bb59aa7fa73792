"""A revision of git and a path -> the bytes of a file as it was then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# A repository that needs longer for one file does not answer at all.
_SECONDS = 60


class RevisionError(Exception):
    """A file that git does not give. `message` is a clause, `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class AbsentError(RevisionError):
    """The revision is there, and has no such file."""


def _environment() -> dict[str, str]:
    """Return an environment in which git speaks English and asks nobody for a password."""
    return os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            check=False,
            timeout=_SECONDS,
        )
    except FileNotFoundError as error:
        raise RevisionError("git is not on this machine", "install it, or name files") from error
    except subprocess.TimeoutExpired as error:
        message = f"git did not answer within {_SECONDS} seconds"
        raise RevisionError(message, "try git yourself in that folder") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first line of what git complained, without its own word for it."""
    lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git exits with {done.returncode}"


def commit(folder: Path, revision: str) -> str:
    """Return the full id of the commit that a revision names, in the repository of a folder.

    Raises `RevisionError` where there is no git, no repository or no such commit.
    """
    known = _git(folder, "rev-parse", "--git-dir")
    if known.returncode:
        hint = "run it inside a repository, or name files"
        raise RevisionError(f"{folder} is in no git repository: {_said(known)}", hint)
    peeled = f"{revision}^{{commit}}"
    done = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", peeled)
    if done.returncode:
        hint = "git log shows the revisions that there are; a shallow clone lacks the older ones"
        raise RevisionError(f"there is no revision {revision!r} in {folder}", hint)
    return done.stdout.decode("ascii").strip()


def contents(folder: Path, revision: str, path: str) -> bytes:
    """Return a file as it was at a revision; `path` is relative to the folder, with slashes.

    In a bare repository, where no folder is one of its own, it is relative to the root. Raises
    `RevisionError`, and its kind `AbsentError` where the revision has no such file.
    """
    found = commit(folder, revision)
    is_bare = _git(folder, "rev-parse", "--is-bare-repository").stdout.strip() == b"true"
    done = _git(folder, "cat-file", "blob", f"{found}:{'' if is_bare else './'}{path}")
    if done.returncode:
        hint = "give a path that the revision has, relative to the folder"
        raise AbsentError(f"{path} is no file at revision {revision!r}", hint)
    return done.stdout


def fork_point(folder: Path, one: str, two: str) -> str:
    """Return the full id of the best common ancestor of two revisions, as `git merge-base` does.

    Raises `RevisionError` where either is none, or where they have no history in common.
    """
    done = _git(folder, "merge-base", commit(folder, one), commit(folder, two))
    if done.returncode:
        hint = "fetch more of the history; a shallow clone lacks the older revisions"
        raise RevisionError(f"{one!r} and {two!r} have no common ancestor", hint)
    return done.stdout.decode("ascii").strip()
