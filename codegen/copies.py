"""An origin -> the canonical copy: its text, and the facts that a lock records of it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from codegen import pipeline, revisions
from codegen.canonical import fingerprint
from codegen.diagnostics import Severity
from codegen.digest import is_untouched
from codegen.frozen import frozen
from codegen.lockfile import Facts
from codegen.options import MARKER
from codegen.origins import Folder, Git, Origin, Url
from codegen.revisions import RevisionError
from codegen.source import MAX_BYTES, Source, UnreadableError, read_bytes


@frozen
class Copy:
    """A file as its origin has it: the bytes with LF line ends, and their facts."""

    data: bytes
    facts: Facts


class CopyError(Exception):
    """A canonical copy that is not to be had. `message` is a clause, `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


def lf(data: bytes) -> bytes:
    """Return a text as it is with LF line ends, which a checkout may have changed."""
    return data.replace(b"\r\n", b"\n")


# the facts of a text


def sha256(data: bytes) -> str:
    """Return the SHA-256 of a text's bytes with LF line ends, as 64 hex digits."""
    return hashlib.sha256(lf(data)).hexdigest()


_FINGERPRINT = re.compile(
    r'^(?:export const |\t)?(?:FINGERPRINT|Fingerprint) = "([0-9a-f]{64})";?$', re.MULTILINE
)
_SCHEMA_VERSION = re.compile(
    r"^(?:export const |\t)?(?:SCHEMA_VERSION|SchemaVersion) = ([0-9]{1,9});?$", re.MULTILINE
)


def _of_code(text: str) -> tuple[str | None, int | None]:
    """Read the constants of a language; no string of an artifact goes over a line end."""
    found, version = _FINGERPRINT.search(text), _SCHEMA_VERSION.search(text)
    return (found[1] if found else None, int(version[1]) if version else None)


def _below(data: object, *keys: str) -> object:
    """Return what stands below some keys of JSON data; None where nothing does."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _of_json(text: str) -> tuple[str | None, int | None]:
    """Read registry.json and vectors.json, which tell the schema version in their own ways."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CopyError("it is not JSON", "generate it anew where it comes from") from error
    cases = _below(data, "cases")
    constants = _below(cases[0], "want", "value") if isinstance(cases, list) and cases else None
    found = _below(data, "fingerprint")
    version = _below(data, "registry", "schema_version") or _below(constants, "schema_version")
    return (
        found if isinstance(found, str) and re.fullmatch("[0-9a-f]{64}", found) else None,
        version if isinstance(version, int) else None,
    )


def _of_artifact(text: str) -> tuple[str | None, int | None]:
    """Read an artifact. Raises `CopyError` where it is not as it was generated."""
    if not is_untouched(text):
        hint = "generate it anew where it comes from; providers-codegen verify tells why"
        message = "it was edited by hand, or is not whole: its digest does not fit"
        raise CopyError(message, hint)
    return _of_json(text) if text.startswith("{") else _of_code(text)


def _of_manifest(name: str, text: str) -> tuple[str | None, int | None]:
    """Read a manifest. Raises `CopyError` for one that does not compile."""
    source = Source(path=name, text=text.removeprefix("\ufeff"))
    loaded = pipeline.load_source(source)
    if loaded.registry is not None:
        return fingerprint(loaded.registry), loaded.registry.schema_version
    found = next(each for each in loaded.diagnostics if each.severity is Severity.ERROR)
    place = source.position(found.span.start)
    message = f"it does not compile: line {place.line}: {found.message} [{found.code}]"
    raise CopyError(message, "mend it where it comes from; providers-codegen check says more")


def _name(origin: Origin) -> str:
    path = origin.url.partition("?")[0] if isinstance(origin, Url) else origin.file
    return path.rpartition("/")[2]


def facts(origin: Origin, data: bytes, commit: str | None = None) -> Facts:
    """Return the facts of a file that stands at an origin.

    A YAML file is a manifest, and has the fingerprint of what it compiles to; of what was
    generated, the facts are those that it carries; other files have none. Raises `CopyError` for
    what is no text, a manifest that does not compile, and an artifact that is not as generated.
    """
    try:
        text = lf(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CopyError("it is not UTF-8", "vendor the manifest, or an artifact") from error
    name = _name(origin)
    found: tuple[str | None, int | None] = (None, None)
    if name.endswith((".yaml", ".yml")):
        found = _of_manifest(name, text)
    elif MARKER in text[:1024]:
        found = _of_artifact(text)
    return Facts(sha256=sha256(data), fingerprint=found[0], schema_version=found[1], commit=commit)


# reading


@frozen
class _Read:
    """What an origin gave, and the commit where it is one of git."""

    data: bytes
    commit: str | None = None


def _of_folder(origin: Folder, root: Path) -> _Read:
    try:
        return _Read(data=read_bytes(root / origin.folder / origin.file))
    except UnreadableError as error:
        hint = "check the folder; it is relative to the folder of the lock"
        raise CopyError(error.message, hint) from error


def _of_git(origin: Git, root: Path, revision: str) -> _Read:
    folder, commit = root / origin.repository, revision
    try:
        commit = revisions.commit(folder, revision)
        data = revisions.contents(folder, commit, origin.file)
    except RevisionError as error:
        # The file is read at the commit, whatever becomes of the revision meanwhile.
        raise CopyError(error.message.replace(commit, revision), error.hint) from error
    if len(data) > MAX_BYTES:
        raise CopyError("it is larger than 16 MiB", "vendor the manifest, or an artifact")
    return _Read(data=data, commit=commit)


def _of_url(origin: Url, seconds: float) -> _Read:
    # Imported where a URL is read: it takes as long as half a start, and most locks have none.
    from codegen import fetch  # noqa: PLC0415

    try:
        token = None if origin.token_env is None else fetch.token(origin.token_env)
        return _Read(data=fetch.fetch(origin.url, token, fetch.Limits(seconds=seconds)))
    except fetch.FetchError as error:
        raise CopyError(error.message, error.hint) from error


def canonical(origin: Origin, root: Path, seconds: float, commit: str | None = None) -> Copy:
    """Return the canonical copy of an origin, read now; `root` is the folder of the lock.

    With a commit, an origin in git is read at that commit instead of its revision. A server may
    take as many seconds. Raises `CopyError` where there is no copy that is whole and sound.
    """
    if isinstance(origin, Url):
        found = _of_url(origin, seconds)
    elif isinstance(origin, Git):
        found = _of_git(origin, root, commit or origin.revision)
    else:
        found = _of_folder(origin, root)
    return Copy(data=lf(found.data), facts=facts(origin, found.data, found.commit))
