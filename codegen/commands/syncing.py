"""What sync does: the lock read, each file held to it and to its original, and what differs."""

from __future__ import annotations

from pathlib import Path

from codegen import emit, report, vendoring
from codegen.console import FINE, INVALID, NO, USAGE, Run, complain
from codegen.frozen import frozen
from codegen.lockfile import LockError
from codegen.options import LOCK
from codegen.origins import OriginError
from codegen.report import Failure, Format
from codegen.source import UnreadableError
from codegen.vendoring import Lock, Standing, State

_COMMAND = "providers-codegen sync"


@frozen
class Request:
    """The flags of one call."""

    files: tuple[str, ...]
    source: str | None
    revision: str | None
    token_env: str | None
    to: str | None
    force: bool
    check: bool
    offline: bool
    locked: bool
    lock: str
    timeout: float


def synced(request: Request, run: Run) -> int:
    """Vendor or check what a call asks for; return its exit code."""
    misuse = _misuse(request)
    if misuse:
        run.fail(misuse, hint=f"such as: {_COMMAND} --from ../registry providers.yaml --to vendor")
        return USAGE
    try:
        lock = vendoring.opened(Path(request.lock))
    except LockError as error:
        for fault in error.faults:
            place = f"{request.lock}:{fault.line}:{fault.column}"
            run.fail(f"{place}: {fault.message}", hint=fault.hint)
        return INVALID
    except UnreadableError as error:
        run.fail(f"{request.lock}: {error.message}", hint="restore it, or name another by --lock")
        return INVALID
    if lock.data is None and request.source is None:
        run.fail(f"there is no {request.lock}", hint=f"to begin one, run: {_COMMAND} --from …")
        return INVALID
    return _answered(request, lock, run)


# Which flags are nothing without another, and which do not go together.
_NEEDS = (
    ("files", "source"),
    ("source", "files"),
    ("revision", "source"),
    ("token_env", "source"),
    ("to", "source"),
    ("force", "source"),
    ("offline", "check"),
)
_EXCLUDES = (("source", "check"), ("source", "locked"), ("check", "locked"))
_SPELT = {"files": "FILE", "source": "--from"}


def _misuse(request: Request) -> str:
    """Return what is wrong with flags that do not go together."""

    def spelt(name: str) -> str:
        return _SPELT.get(name, "--" + name.replace("_", "-"))

    for name, other in _NEEDS:
        if getattr(request, name) and not getattr(request, other):
            return f"{spelt(name)} needs {spelt(other)}"
    for name, other in _EXCLUDES:
        if getattr(request, name) and getattr(request, other):
            return f"{spelt(name)} does not go together with {spelt(other)}"
    return ""


def _answered(request: Request, lock: Lock, run: Run) -> int:
    reading = vendoring.Reading(
        root=lock.root,
        seconds=request.timeout,
        is_offline=request.offline,
        is_locked=request.locked,
    )
    try:
        standings = vendoring.survey(_wanted(request, lock), reading)
    except OriginError as error:
        run.fail(error.message, hint=error.hint)
        return USAGE
    except OSError as error:
        run.fail(f"{error.filename or lock.root} cannot be read: {error.strerror or error}")
        return USAGE
    code = (_checked if request.check else _vendored)(request, lock, standings, run)
    if run.data is None:
        _answer(request, lock, standings, run, written=frozenset())
    return code


def _wanted(request: Request, lock: Lock) -> tuple[vendoring.Wanted, ...]:
    if request.source is None:
        return vendoring.recorded(lock)
    place = vendoring.Place(
        where=request.source,
        to=request.to or "",
        start=Path.cwd(),
        revision=request.revision,
        token_env=request.token_env,
    )
    return vendoring.wanted(lock, place, request.files)


def _answer(
    request: Request,
    lock: Lock,
    standings: tuple[Standing, ...],
    run: Run,
    written: frozenset[str],
) -> None:
    plain = [vendoring.plain(each, is_written=each.path in written) for each in standings]
    run.answer({"lock": str(lock.path), "is_offline": request.offline, "files": plain})


def _unreadable(lock: Lock, standings: tuple[Standing, ...], run: Run) -> bool:
    """Complain about canonical copies that could not be read; tell whether there are any."""
    for each in standings:
        if each.failure is not None:
            origin, path = each.wanted.origin, lock.root / each.path
            message = f"{path}: its original cannot be used: {origin}: {each.failure.message}"
            run.fail(message, hint=each.failure.hint)
    return any(each.failure is not None for each in standings)


# checking

_DIFF_LINES = 40


def _checked(request: Request, lock: Lock, standings: tuple[Standing, ...], run: Run) -> int:
    is_unreadable = _unreadable(lock, standings, run)
    differing = [each for each in standings if each.state is not State.SAME]
    for each in standings:
        _print_standing(lock, each, run)
    if differing:
        run.say("")
        for line in _remedies(request, {each.state for each in differing}):
            run.say(line)
        files = report.counted(len(standings), "file")
        message = f"{lock.path}: {len(differing)} of {files} differ"
        run.record(Failure(message=message, hint="sync without --check mends what it can"))
    elif not is_unreadable:
        files = report.counted(len(standings), "file")
        beyond = "; no source was read" if request.offline else " and as in the source"
        run.say(f"{lock.path}: {files}, all as vendored{beyond}")
    if is_unreadable:
        return INVALID
    return NO if differing else FINE


def _print_standing(lock: Lock, standing: Standing, run: Run) -> None:
    path = lock.root / standing.path
    if standing.state is State.SAME:
        if standing.has_other_line_ends:
            run.say(f"LINE-ENDS   {path}: it is as vendored, but for its line ends; that is fine")
        return
    run.say(f"{standing.state.name:<11} {path}: {standing.cause}")
    lines = vendoring.difference(standing).splitlines()
    for line in lines[:_DIFF_LINES]:
        run.say("  " + line)
    if len(lines) > _DIFF_LINES:
        run.say(f"  … {len(lines) - _DIFF_LINES} more lines of difference")
    if run.form is Format.GITHUB:
        failure = Failure(message=standing.cause, hint=f"run: {_COMMAND}")
        run.say(report.github_failure(failure, str(path)))


def _remedies(request: Request, states: set[State]) -> list[str]:
    """Return what to do about files in these states, one line each."""
    command = _COMMAND if request.lock == LOCK else f"{_COMMAND} --lock {request.lock}"
    lines = []
    if State.BLOCKED in states:
        lines.append("Move away what is in the way; nothing is written there.")
    if states & {State.EDITED, State.DIVERGED}:
        lines.append("An edit by hand will be lost: make it where the file comes from.")
    if states & {State.EDITED, State.DIVERGED, State.MISSING, State.UNSOUND}:
        lines.append(f"To restore what was vendored, run: {command} --locked")
    if states - {State.BLOCKED}:
        lines.append(f"To take what the source has now, run: {command}")
    return lines


# writing


def _vendored(request: Request, lock: Lock, standings: tuple[Standing, ...], run: Run) -> int:
    code = _refusal(request, lock, standings, run)
    if code != FINE:
        complain("nothing was written")
        return code
    changes = vendoring.replacements(lock, standings)
    known = (lock.path.name, *(each.path for each in standings))
    try:
        emit.replace_all(lock.root, changes, tidied=known)
    except emit.ChangedError as error:
        run.fail(f"{lock.root / error.path} was changed meanwhile", hint="run it again")
        return NO
    except emit.RefusedError as error:
        run.fail(f"{lock.root / error.paths[0]} is no regular file", hint="move it away")
        return NO
    except OSError as error:
        run.fail(f"{lock.root} cannot be written: {error.strerror or error}; all is as it was")
        return USAGE
    _print_written(lock, standings, changes, run)
    written = frozenset(change.path for change in changes)
    _answer(request, lock, standings, run, written)
    return FINE


def _refusal(request: Request, lock: Lock, standings: tuple[Standing, ...], run: Run) -> int:
    """Complain about what forbids to write anything; returns the exit code of that."""
    if _unreadable(lock, standings, run):
        return INVALID
    refused = {State.BLOCKED} if request.force else {State.BLOCKED, State.FOREIGN}
    stopping = [each for each in standings if each.state in refused]
    for each in stopping:
        hint = "move it away" if each.state is State.BLOCKED else "move it away, or add --force"
        run.fail(f"{lock.root / each.path}: {each.cause}", hint=hint)
    others = [each for each in standings if request.locked and vendoring.is_newer(each)]
    for each in others:
        message = f"{lock.root / each.path}: {vendoring.checksums(each)}"
        run.fail(message, hint=f"to take what the source has now, run: {_COMMAND}")
    return NO if stopping or others else FINE


def _print_written(
    lock: Lock,
    standings: tuple[Standing, ...],
    changes: tuple[emit.Replacement, ...],
    run: Run,
) -> None:
    causes = {each.path: f": {each.cause}" for each in standings}
    for change in changes:
        run.say(f"wrote    {lock.root / change.path}{causes.get(change.path, '')}")
    same = len(standings) - sum(change.path in causes for change in changes)
    run.say(f"{lock.path}: {len(standings) - same} written, {same} already up to date")
