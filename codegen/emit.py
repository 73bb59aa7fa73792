"""Artifacts -> files, all or none; and how the files on disk differ from the artifacts."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from enum import Enum
from glob import escape
from pathlib import Path, PurePosixPath

from codegen.digest import is_untouched
from codegen.frozen import frozen
from codegen.options import MARKER
from codegen.render import Artifact

# What tools leave behind in a folder that they read; nobody means these as content.
_IGNORED = (
    "__pycache__",
    "node_modules",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".DS_Store",
)
_IGNORED_END = ".egg-info"

_STAGE = ".{name}.providers-codegen-"


class Kind(Enum):
    """How a file differs from what would be generated."""

    MISSING = "MISSING"
    EXTRA = "EXTRA"
    CHANGED = "CHANGED"
    LINE_ENDS = "LINE-ENDS"


class Cause(Enum):
    """What most likely brought a difference about."""

    MANIFEST = "the manifest has changed since it was generated"
    TEMPLATES = "the templates, the compiler or its options have changed since"
    HAND = "it was edited by hand"
    LEFT_OVER = "it was generated once and no longer is"
    FOREIGN = "nothing generates it; it was put here by hand"
    ABSENT = "it was deleted, or never generated"
    CHECKOUT = "it was checked out with other line ends"


@frozen
class Drift:
    """One file that differs; `diff` is a unified diff for a changed text, else empty."""

    kind: Kind
    path: str
    cause: Cause
    diff: str = ""


class RefusedError(Exception):
    """Writing would destroy what is not ours: the paths, which were left as they are."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        """Remember which files stand in the way."""
        super().__init__(", ".join(paths))
        self.paths = paths


@frozen
class Written:
    """What a write did, as paths below the output folder."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.endswith(_IGNORED_END)


def _refuse_to_skip(error: OSError) -> None:
    raise error


def _walk(out: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk a folder; one that cannot be read is an error, for it would be lost on the way."""
    for folder, folders, names in os.walk(out, onerror=_refuse_to_skip if out.exists() else None):
        yield Path(folder), folders, names


def _files(out: Path) -> Iterator[str]:
    """Yield the files below a folder as paths with slashes; ignored ones are left out."""
    for folder, folders, names in _walk(out):
        folders[:] = sorted(name for name in folders if not _is_ignored(name))
        for name in sorted(names):
            if not _is_ignored(name):
                yield (folder / name).relative_to(out).as_posix()


def _read(path: Path) -> bytes | None:
    """Return what a regular file holds; None where there is none. A pipe is never opened."""
    return path.read_bytes() if path.is_file() else None


def _is_ours(data: bytes) -> bool:
    return MARKER.encode() in data[:1024]


# drift


def _lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _changed_cause(old: str, new: str, fingerprint: str) -> Cause:
    """Read the cause off the old text: its digest, then the fingerprint it carries."""
    if not is_untouched(old):
        return Cause.HAND
    needle = fingerprint[:12]
    return Cause.MANIFEST if needle in new and needle not in old else Cause.TEMPLATES


_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NO_LINE_END = "\n\\ No newline at end of file\n"


def unified(path: str, old: str, new: str, origin: str = "generated") -> str:
    """Return a unified diff from the text on disk to the one that is to be there."""
    from difflib import unified_diff  # noqa: PLC0415 - most files do not differ

    lines = unified_diff(
        _LINE.findall(old),
        _LINE.findall(new),
        fromfile=f"{path} (on disk)",
        tofile=f"{path} ({origin})",
        n=2,
    )
    return "".join(line if line.endswith("\n") else line + _NO_LINE_END for line in lines)


def _compare(artifact: Artifact, out: Path, fingerprint: str) -> Drift | None:
    data = _read(out / artifact.path)
    wanted = artifact.text.encode("utf-8")
    if data == wanted:
        return None
    if data is None:
        return Drift(kind=Kind.MISSING, path=artifact.path, cause=Cause.ABSENT)
    if _lf(data) == wanted:
        return Drift(kind=Kind.LINE_ENDS, path=artifact.path, cause=Cause.CHECKOUT)
    old = _lf(data).decode("utf-8", "replace")
    return Drift(
        kind=Kind.CHANGED,
        path=artifact.path,
        cause=_changed_cause(old, artifact.text, fingerprint),
        diff=unified(artifact.path, old, artifact.text),
    )


def _with_one_cause(found: list[Drift]) -> list[Drift]:
    """Blame the manifest for all that it can explain: not every file carries its fingerprint."""
    if all(difference.cause is not Cause.MANIFEST for difference in found):
        return found
    return [
        (
            replace(difference, cause=Cause.MANIFEST)
            if difference.cause is Cause.TEMPLATES
            else difference
        )
        for difference in found
    ]


def _extra(out: Path, path: str) -> Drift:
    data = b"" if (out / path).is_symlink() else _read(out / path) or b""
    cause = Cause.LEFT_OVER if _is_ours(data) else Cause.FOREIGN
    return Drift(kind=Kind.EXTRA, path=path, cause=cause)


@frozen
class Tree:
    """A folder, and the artifacts that it is to hold.

    `is_owned` says which paths belong to the artifacts' targets: of all others neither
    presence nor content counts. Of a folder that `is_shared` with what people write, nothing but
    the artifacts is looked at, and each of them takes its place by itself.
    """

    out: Path
    artifacts: tuple[Artifact, ...]
    is_owned: Callable[[str], bool]
    is_shared: bool = False

    @property
    def name(self) -> str:
        """What people call it: its folder, or the files in a folder that is shared."""
        files = (str(self.out / artifact.path) for artifact in self.artifacts)
        return ", ".join(files) if self.is_shared else str(self.out)

    @property
    def bench(self) -> Path:
        """The folder in which the new set is built, on the same disk as its place."""
        return self.out if self.is_shared else self.out.parent


def drift(tree: Tree, fingerprint: str) -> tuple[Drift, ...]:
    """Compare artifacts with their folder. Returns the differences by path; writes nothing."""
    out = tree.out
    paths = {artifact.path for artifact in tree.artifacts}
    compared = (_compare(artifact, out, fingerprint) for artifact in tree.artifacts)
    found = _with_one_cause([difference for difference in compared if difference is not None])
    others = () if tree.is_shared else _files(out)
    found += [_extra(out, p) for p in others if p not in paths and tree.is_owned(p)]
    return tuple(sorted(found, key=lambda difference: difference.path))


# writing


def _blocker(out: Path, path: str) -> str | None:
    """Return what stands on the way to a path: a file, or a link that leads elsewhere."""
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        here = out / parent
        if here.is_symlink() or (here.exists() and not here.is_dir()):
            return str(parent)
    return None


def _in_the_way(out: Path, paths: Iterable[str]) -> Iterator[str]:
    """Yield what is not ours and stands where, or on the way to where, is to be written."""
    for path in paths:
        target = out / path
        blocker = _blocker(out, path)
        if blocker is not None:
            yield blocker
        elif os.path.lexists(target) and not _is_ours(_read(target) or b""):
            yield path


def _carry(source: Path, target: Path) -> None:
    """Put an existing file into the new tree as the very same file, time stamps included."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _carry_all(out: Path, stage: Path, dropped: frozenset[str]) -> None:
    """Rebuild the old tree in the stage, but for the files that change or go."""
    for here, folders, names in _walk(out):
        there = stage / here.relative_to(out)
        if not names and not folders:
            there.mkdir(parents=True, exist_ok=True)
        for name in names:
            if (here / name).relative_to(out).as_posix() not in dropped:
                there.mkdir(parents=True, exist_ok=True)
                _carry(here / name, there / name)
        for name in folders:
            if (here / name).is_symlink():
                there.mkdir(parents=True, exist_ok=True)
                (there / name).symlink_to((here / name).readlink())


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system has no such call."""
    import ctypes  # noqa: PLC0415 - to compare takes no swap

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    failed = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    code = ctypes.get_errno() if failed else 0
    if code in (errno.EINVAL, errno.ENOSYS):
        return False
    if code:
        raise OSError(code, os.strerror(code), str(other))
    return True


def _retired(out: Path) -> Path:
    return out.with_name(_STAGE.format(name=out.name) + "old")


def _swap(stage: Path, out: Path) -> None:
    """Make the stage the output folder; what was there is at the stage's path afterwards."""
    if not out.exists():
        stage.rename(out)
    elif not _exchange(stage, out):
        # Two steps, so a kill in between leaves the old set beside, where `_recover` looks.
        retired = _retired(out)
        out.rename(retired)
        try:
            stage.rename(out)
        except OSError:
            retired.rename(out)
            raise
        retired.rename(stage)


def _recover(out: Path) -> None:
    retired = _retired(out)
    if retired.is_dir() and not out.exists():
        retired.rename(out)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two writers apart, where the system can: the lock goes with the process."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _clear(folder: Path) -> None:
    """Take away a folder of ours with all that is in it, as far as the system lets us.

    An interrupt passes as what it is. `shutil.rmtree` can close a descriptor a second time when
    one arrives, and the fault of that takes its place: nobody would know that somebody wanted out.
    """
    for here, folders, names in os.walk(folder, topdown=False):
        for path in (Path(here, name) for name in (*names, *folders)):
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _staged(tree: Tree) -> Iterator[Path]:
    """Give a fresh folder beside the output; it and what a killed run left go afterwards."""
    out = tree.out
    prefix = _STAGE.format(name=Path(tree.artifacts[0].path).name if tree.is_shared else out.name)
    for left in tree.bench.glob(escape(prefix) + "*"):
        _clear(left)
    stage = Path(tempfile.mkdtemp(prefix=prefix, dir=tree.bench))
    try:
        stage.chmod(out.stat().st_mode & 0o7777 if out.exists() else 0o755)
        yield stage
    finally:
        _clear(stage)


def _write_all(artifacts: Iterable[Artifact], stage: Path) -> None:
    for artifact in artifacts:
        target = stage / artifact.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artifact.text.encode("utf-8"))


def _refuse_no_folder(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _resolved(tree: Tree) -> Tree:
    out = tree.out.resolve()
    _refuse_no_folder(out)
    tree = replace(tree, out=out)
    tree.bench.mkdir(parents=True, exist_ok=True)
    return tree


def _planned(tree: Tree, fingerprint: str, shown: Path) -> Written:
    """Say what a write will do to a folder, or refuse it, naming paths as the user does."""
    if not tree.is_shared:
        _recover(tree.out)
    written = _plan(tree.artifacts, drift(tree, fingerprint))
    refused = tuple(dict.fromkeys(_in_the_way(tree.out, written.changed)))
    if refused:
        raise RefusedError(tuple(str(shown / path) for path in refused))
    return written


def _build(tree: Tree, written: Written, stage: Path) -> None:
    """Put the whole new set into a stage."""
    dropped = frozenset(written.changed + written.removed)
    if not tree.is_shared:
        _carry_all(tree.out, stage, dropped)
    _write_all((artifact for artifact in tree.artifacts if artifact.path in dropped), stage)


def _place(tree: Tree, stage: Path) -> None:
    """Put what a stage holds in its place."""
    if not tree.is_shared:
        _swap(stage, tree.out)
        return
    for path in tuple(_files(stage)):
        (tree.out / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).replace(tree.out / path)


def write(trees: Iterable[Tree], fingerprint: str) -> tuple[Written, ...]:
    """Make each folder hold exactly its artifacts, all of them or none.

    Every new set is built beside its folder before the first takes its place in one step, so
    that an error, a full disk or a kill leaves the old sets whole. Files that do not change
    keep their inode and time stamps; files that carry the marker and are no longer generated
    go; files of others stay. Raises `RefusedError` where a file without the marker stands in
    the way, and `OSError` where the system refuses; nothing is changed then.
    """
    trees = tuple(trees)
    resolved = tuple(_resolved(tree) for tree in trees)
    with ExitStack() as stack:
        # In one order for every process, so that two of them never wait for each other.
        for bench in sorted({tree.bench for tree in resolved}):
            stack.enter_context(_locked(bench))
        pairs = zip(trees, resolved, strict=True)
        plans = tuple(_planned(there, fingerprint, tree.out) for tree, there in pairs)
        stages: list[tuple[Tree, Path]] = []
        for tree, written in zip(resolved, plans, strict=True):
            if written.changed or written.removed:
                stage = stack.enter_context(_staged(tree))
                _build(tree, written, stage)
                stages.append((tree, stage))
        for tree, stage in stages:
            _place(tree, stage)
    return plans


def _plan(artifacts: tuple[Artifact, ...], found: tuple[Drift, ...]) -> Written:
    """Say what a write will do about each difference."""
    removed = tuple(d.path for d in found if d.cause is Cause.LEFT_OVER)
    kept = tuple(d.path for d in found if d.cause is Cause.FOREIGN)
    changed = tuple(d.path for d in found if d.kind is not Kind.EXTRA)
    unchanged = tuple(a.path for a in artifacts if a.path not in changed)
    return Written(changed=changed, removed=removed, unchanged=unchanged, kept=kept)


# one file


def difference(path: Path, text: str) -> str:
    """Return how a file differs from its formatted text, as a unified diff; else nothing.

    Every byte counts: line ends and a byte order mark as well. Raises `OSError`.
    """
    data = path.read_bytes()
    if data == text.encode("utf-8"):
        return ""
    return unified(str(path), data.decode("utf-8", "replace"), text, "formatted")


def _tidy(target: Path) -> None:
    """Take away what a killed run left beside a file."""
    for left in target.parent.glob(escape(_STAGE.format(name=target.name)) + "*"):
        left.unlink()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a fresh file beside another; it and what a killed run left go afterwards."""
    _tidy(target)
    prefix = _STAGE.format(name=target.name)
    handle, name = tempfile.mkstemp(prefix=prefix, dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _fill(path: Path, data: bytes) -> None:
    """Write a file, and wait until the disk has it."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _dress(path: Path, like: Path) -> None:
    """Give a file the owner, as far as the system lets us, and the mode of another."""
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(path, like.stat().st_uid, like.stat().st_gid)
    shutil.copymode(like, path)


def rewrite(path: Path, text: str) -> None:
    """Make a file hold another text, all of it or none.

    The new text is written beside the file and takes its place in one step, with the mode
    and the owner of the old one. Of a symbolic link, the file it leads to is replaced.
    Raises `OSError` where the system refuses, or the file is not to be written; nothing is
    changed then.
    """
    target = path.resolve(strict=True)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with _locked(target.parent), _beside(target) as fresh:
        _fill(fresh, text.encode("utf-8"))
        _dress(fresh, target)
        fresh.replace(target)


# several files, wherever they stand


@frozen
class Replacement:
    """A file below a folder that is to hold other bytes; `old` is None where there is none yet."""

    path: str
    old: bytes | None
    new: bytes


class ChangedError(Exception):
    """A file is no longer as it was when somebody decided what to write: its path."""

    def __init__(self, path: str) -> None:
        """Remember which file it is."""
        super().__init__(path)
        self.path = path


def held(root: Path, path: str) -> bytes | None:
    """Return what a file below a folder holds; None where there is none.

    Raises `RefusedError` where something else stands there, or a link on the way leads elsewhere,
    and `OSError` where the system does not let us read.
    """
    blocker = _blocker(root, path)
    target = root / path
    if blocker is not None or (os.path.lexists(target) and _is_no_file(target)):
        raise RefusedError((blocker or path,))
    return _read(target)


def _is_no_file(path: Path) -> bool:
    return path.is_symlink() or not path.is_file()


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder, and take it away again where nothing comes of it."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


def _settle_names(folder: Path) -> None:
    """Wait until the disk has the names of a folder, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _laid_ready(target: Path, data: bytes) -> Iterator[Path]:
    """Give a file beside its target that is ready to take its place, the mode kept."""
    with _folder(target.parent), _beside(target) as fresh:
        _fill(fresh, data)
        if target.exists():
            _dress(fresh, target)
        else:
            fresh.chmod(0o644)
        yield fresh


def _aside(target: Path, fresh: Path) -> Path | None:
    """Keep the old file at hand under another name; None where there is none."""
    if not target.exists():
        return None
    old = fresh.with_name(fresh.name + "-old")
    _carry(target, old)
    return old


def _put_back(target: Path, old: Path | None) -> None:
    if old is None:
        target.unlink(missing_ok=True)
    else:
        old.replace(target)


def _move_all(ready: Iterable[tuple[Path, Path]]) -> None:
    """Move each fresh file to its target; whatever goes wrong on the way, all are put back."""
    moved: list[tuple[Path, Path | None]] = []
    try:
        for fresh, target in ready:
            moved.append((target, _aside(target, fresh)))
            fresh.replace(target)
            _settle_names(target.parent)
    except BaseException:
        for target, old in reversed(moved):
            _put_back(target, old)
        raise
    finally:
        for _, old in moved:
            if old is not None:
                old.unlink(missing_ok=True)


def replace_all(
    root: Path, replacements: Iterable[Replacement], tidied: Iterable[str] = ()
) -> None:
    """Make files below a folder hold other bytes, all of them or none.

    Every new file lies ready beside its place before the first is moved there, and the files are
    moved in the order given. An error before the last is in place puts the others back. A kill
    between two moves leaves each file whole, old or new, and once the last is new all are. What
    it left beside the paths `tidied` goes the next time. Raises `ChangedError` and `RefusedError`
    where a file is not as it was said to be, and `OSError` where the system refuses; nothing is
    changed then.
    """
    wanted = tuple(replacements)
    root = root.resolve()
    with _locked(root), ExitStack() as stack:
        for each in wanted:
            if held(root, each.path) != each.old:
                raise ChangedError(each.path)
        for path in tidied:
            _tidy(root / path)
        ready = [
            (stack.enter_context(_laid_ready(root / each.path, each.new)), root / each.path)
            for each in wanted
        ]
        _move_all(ready)


def publish(path: Path, text: str) -> bool:
    """Make a file hold a page that carries the marker, all of it or none; tell if it changed.

    The folder of the file is made where there is none. Raises `RefusedError` where something
    stands in the way that does not carry the marker, and `OSError` where the system refuses.
    """
    if os.path.lexists(path):
        old = _read(path)
        if old is None or not _is_ours(old):
            raise RefusedError((str(path),))
        if old == text.encode("utf-8"):
            return False
        rewrite(path, text)
        return True
    _refuse_no_folder(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent), _beside(path) as fresh:
        _fill(fresh, text.encode("utf-8"))
        fresh.chmod(0o644)
        fresh.replace(path)
    return True
