"""File, lock and canonical copy of what is vendored: whether they agree, and what to write."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from pathlib import Path

from codegen import copies, emit, lockfile, origins
from codegen.copies import Copy, CopyError
from codegen.frozen import frozen
from codegen.lockfile import Entry, Facts
from codegen.origins import Origin, OriginError
from codegen.source import Source, UnreadableError, read_bytes


class State(Enum):
    """How the file, its entry in the lock and the canonical copy stand to each other."""

    SAME = "same"
    NEW = "new"
    MISSING = "missing"
    EDITED = "edited"
    MOVED = "moved"
    DIVERGED = "diverged"
    UNRECORDED = "unrecorded"
    MISRECORDED = "misrecorded"
    UNSOUND = "unsound"
    FOREIGN = "foreign"
    BLOCKED = "blocked"


CAUSES = {
    State.SAME: "it is as vendored",
    State.NEW: "it was not vendored before",
    State.MISSING: "it is not there",
    State.EDITED: "it was edited by hand since it was vendored",
    State.MOVED: "its source has changed since it was vendored",
    State.DIVERGED: "it was edited by hand, and its source has changed as well",
    State.UNRECORDED: "it is as in its source, and the lock does not say so",
    State.MISRECORDED: "the lock gives it a fingerprint or schema version that it does not have",
    State.UNSOUND: "it is as the lock says, and cannot be what was vendored",
    State.FOREIGN: "it is there already, and was not vendored",
    State.BLOCKED: "what is in its place is no regular file, or a link on the way leads elsewhere",
}


@frozen
class Lock:
    """A lock: its path, what the file holds (None where there is none), and its entries."""

    path: Path
    data: bytes | None
    entries: tuple[Entry, ...]

    @property
    def root(self) -> Path:
        """The folder that all paths of the lock are relative to."""
        return self.path.parent


def opened(path: Path) -> Lock:
    """Read a lock, if there is one. Raises `UnreadableError` and `lockfile.LockError`."""
    if not os.path.lexists(path):
        return Lock(path=path, data=None, entries=())
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8", "restore it from version control") from error
    return Lock(path=path, data=data, entries=lockfile.read(Source(path=str(path), text=text)))


# what a user asks to vendor


@frozen
class Wanted:
    """A file that is to be vendored; `recorded` is its entry in the lock, if it has one."""

    path: str
    origin: Origin
    recorded: Entry | None


@frozen
class Place:
    """Where files come from, and the folder where they go, as a user says it.

    Both are relative to `start`, which is where the user stands.
    """

    where: str
    to: str
    start: Path
    revision: str | None = None
    token_env: str | None = None


def _relative(place: Place, path: str, lock: Lock) -> str:
    """Return a path of the user's as one relative to the folder of the lock, with slashes."""
    return Path(os.path.relpath(place.start / path, lock.root)).as_posix()


def _where(place: Place, lock: Lock) -> str:
    """Return where files come from; a path that is not absolute, relative to the lock."""
    is_as_given = os.path.isabs(place.where) or not origins.is_path(place.where)
    return place.where if is_as_given else _relative(place, place.where, lock)


def wanted(lock: Lock, place: Place, names: Iterable[str]) -> tuple[Wanted, ...]:
    """Return the files that a user names as `FILE` or `FILE=DESTINATION`.

    Raises `OriginError` for names that cannot be used, alone or beside what the lock has.
    """
    entries = {entry.path: entry for entry in lock.entries}
    found = []
    for name in names:
        file, _, goal = name.partition("=")
        origin = origins.named(_where(place, lock), file, place.revision, place.token_env)
        path = _relative(place, os.path.join(place.to, goal or file.rpartition("/")[2]), lock)
        origins.check_path(path)
        found.append(Wanted(path=path, origin=origin, recorded=entries.get(path)))
    fresh = [each.path for each in found]
    kept = [path for path in entries if path not in fresh]
    for _, fault in lockfile.clashes([lock.path.name, *kept, *fresh]):
        raise OriginError(fault, "give each file a path of its own, as FILE=DESTINATION")
    return tuple(found)


def recorded(lock: Lock) -> tuple[Wanted, ...]:
    """Return the files that a lock names."""
    return tuple(Wanted(path=e.path, origin=e.origin, recorded=e) for e in lock.entries)


# how a file stands


@frozen
class Standing:
    """How one file stands. `held` is what is on disk; None where there is no file.

    `copy` is None where nobody asked for the canonical copy, and where it could not be read:
    `failure` says why. `flaw` says what is wrong with a file that is unsound.
    """

    wanted: Wanted
    state: State
    held: bytes | None = None
    copy: Copy | None = None
    failure: CopyError | None = None
    flaw: CopyError | None = None

    @property
    def path(self) -> str:
        """The path of the file, relative to the folder of the lock."""
        return self.wanted.path

    @property
    def has_other_line_ends(self) -> bool:
        """Whether the file has other line ends than LF, as a checkout may give it."""
        return self.held is not None and copies.lf(self.held) != self.held

    @property
    def cause(self) -> str:
        """What is to be said about the file, as a clause."""
        flaw = "" if self.flaw is None else f": {self.flaw.message}"
        return CAUSES[self.state] + flaw


def _state(wanted: Wanted, held: bytes | None, copy: Copy | None) -> State:
    """Compare the bytes of the three; without a copy, those of file and lock alone."""
    entry = wanted.recorded
    if held is None:
        return State.MISSING if entry is not None else State.NEW
    is_current = copy is not None and copies.lf(held) == copy.data
    if entry is None:
        return State.UNRECORDED if is_current else State.FOREIGN
    is_as_vendored = copies.sha256(held) == entry.facts.sha256
    if is_as_vendored:
        return State.SAME if is_current or copy is None else State.MOVED
    if is_current:
        return State.UNRECORDED
    has_moved = copy is not None and copy.facts.sha256 != entry.facts.sha256
    return State.DIVERGED if has_moved else State.EDITED


def standing(
    wanted: Wanted, held: bytes | None, copy: Copy | None, failure: CopyError | None = None
) -> Standing:
    """Say how the file, its entry in the lock and the canonical copy stand to each other."""
    found = Standing(
        wanted=wanted, state=_state(wanted, held, copy), held=held, copy=copy, failure=failure
    )
    if found.state is not State.SAME or held is None or wanted.recorded is None:
        return found
    # The bytes agree; what the lock tells about them besides may still be made up.
    facts = wanted.recorded.facts
    try:
        told = copies.facts(wanted.origin, held, facts.commit)
    except CopyError as error:
        return replace(found, state=State.UNSOUND, flaw=error)
    return found if told == facts else replace(found, state=State.MISRECORDED)


@frozen
class Reading:
    """How canonical copies are read: from which folder, how long, and at which revision.

    Offline none is read. When locked, an origin in git is read at the commit of the lock.
    """

    root: Path
    seconds: float
    is_offline: bool = False
    is_locked: bool = False


_Answer = Copy | CopyError | None


def _answer(wanted: Wanted, reading: Reading) -> _Answer:
    if reading.is_offline:
        return None
    entry = wanted.recorded
    commit = entry.facts.commit if entry is not None and reading.is_locked else None
    try:
        copy = copies.canonical(wanted.origin, reading.root, reading.seconds, commit)
    except CopyError as error:
        return error
    return _LOST if _has_lost_fingerprint(entry, copy) else copy


# Some servers answer with a page that says no, and call it fine.
_LOST = CopyError(
    "it carries no fingerprint, and what was vendored does",
    "check the source; if it is right, remove the entry from the lock and vendor the file anew",
)


def _has_lost_fingerprint(entry: Entry | None, copy: Copy) -> bool:
    return (
        entry is not None and entry.facts.fingerprint is not None and copy.facts.fingerprint is None
    )


def _seen(wanted: Wanted, answer: _Answer, root: Path) -> Standing:
    copy = answer if isinstance(answer, Copy) else None
    failure = answer if isinstance(answer, CopyError) else None
    try:
        held = emit.held(root, wanted.path)
    except emit.RefusedError:
        return Standing(wanted=wanted, state=State.BLOCKED, copy=copy, failure=failure)
    return standing(wanted, held, copy, failure)


def survey(wanted: Iterable[Wanted], reading: Reading) -> tuple[Standing, ...]:
    """Look at files and at their canonical copies; returns how each stands, sorted by path.

    Of one origin, at one commit, the copy is read once. Raises `OSError` for a file on disk that
    may not be read.
    """
    answers: dict[tuple[Origin, str | None], _Answer] = {}
    found = []
    for each in sorted(wanted, key=lambda each: each.path):
        key = (each.origin, each.recorded.facts.commit if each.recorded is not None else None)
        if key not in answers:
            answers[key] = _answer(each, reading)
        found.append(_seen(each, answers[key], reading.root))
    return tuple(found)


# what is to be written


def _entry(standing: Standing) -> Entry:
    """Return the entry of a file that was read; the one of the lock, if it says the same.

    So a commit that leaves a file alone leaves its entry alone.
    """
    assert standing.copy is not None, "what could not be read is not recorded"
    facts, entry = standing.copy.facts, standing.wanted.recorded
    fresh = Entry(path=standing.path, origin=standing.wanted.origin, facts=facts)
    if entry is None:
        return fresh
    is_same = replace(fresh, facts=replace(facts, commit=entry.facts.commit)) == entry
    return entry if is_same else fresh


def updated(lock: Lock, standings: Iterable[Standing]) -> str:
    """Return the text of a lock with the entries of the files that were read."""
    fresh = {standing.path: _entry(standing) for standing in standings}
    kept = (entry for entry in lock.entries if entry.path not in fresh)
    return lockfile.dumps((*kept, *fresh.values()))


def is_to_write(standing: Standing) -> bool:
    """Tell whether a file is to hold another text; line ends alone are left as they are."""
    copy, held = standing.copy, standing.held
    return copy is not None and (held is None or copies.lf(held) != copy.data)


def is_newer(standing: Standing) -> bool:
    """Tell whether the canonical copy is another than the one that was vendored."""
    copy, entry = standing.copy, standing.wanted.recorded
    return copy is not None and entry is not None and copy.facts.sha256 != entry.facts.sha256


def checksums(standing: Standing) -> str:
    """Say that the canonical copy is another than the one that was vendored."""
    copy, entry = standing.copy, standing.wanted.recorded
    assert copy is not None, "a copy that was not read has no checksum"
    assert entry is not None, "a file that was not vendored has no checksum"
    return (
        f"its source has changed: the SHA-256 there is {copy.facts.sha256}, "
        f"and the lock says {entry.facts.sha256}"
    )


def replacements(lock: Lock, standings: tuple[Standing, ...]) -> tuple[emit.Replacement, ...]:
    """Return what to write: the files that differ, and behind them the lock if it changes."""
    changed = [
        emit.Replacement(path=each.path, old=each.held, new=each.copy.data)
        for each in standings
        if each.copy is not None and is_to_write(each)
    ]
    text = updated(lock, standings).encode("utf-8")
    if lock.data is None or copies.lf(lock.data) != text:
        changed.append(emit.Replacement(path=lock.path.name, old=lock.data, new=text))
    return tuple(changed)


# how a file differs

# Of more lines nobody reads the difference, and to find it can take minutes.
_MAX_LINES = 10_000


def difference(standing: Standing) -> str:
    """Return a unified diff from a file to its canonical copy.

    It is empty where there is none, where one of the two is not there, and where they have too
    many lines to compare.
    """
    held, copy = standing.held, standing.copy
    if held is None or copy is None or not is_to_write(standing):
        return ""
    old, new = copies.lf(held), copy.data
    if max(old.count(b"\n"), new.count(b"\n")) > _MAX_LINES:
        return ""
    texts = (old.decode("utf-8", "replace"), new.decode("utf-8"))
    return emit.unified(standing.path, *texts, origin="source")


# as plain data

Plain = dict[str, object]


def _plain_facts(facts: Facts | None) -> Plain | None:
    if facts is None:
        return None
    return {
        "sha256": facts.sha256,
        "fingerprint": facts.fingerprint,
        "schema_version": facts.schema_version,
        "commit": facts.commit,
    }


def _plain_file(standing: Standing) -> Plain | None:
    if standing.held is None:
        return None
    sha256 = copies.sha256(standing.held)
    return {"sha256": sha256, "has_other_line_ends": standing.has_other_line_ends}


def plain(standing: Standing, *, is_written: bool) -> Plain:
    """Return how a file stands as plain data for a document."""
    entry, failure = standing.wanted.recorded, standing.failure
    return {
        "path": standing.path,
        "source": origins.plain(standing.wanted.origin),
        "state": standing.state.value,
        "cause": standing.cause,
        "file": _plain_file(standing),
        "lock": _plain_facts(entry.facts if entry is not None else None),
        "original": _plain_facts(standing.copy.facts if standing.copy is not None else None),
        "failure": failure and {"message": failure.message, "hint": failure.hint},
        "difference": difference(standing),
        "is_written": is_written,
    }
