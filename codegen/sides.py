"""The two sides of a comparison: what the arguments name, read from files and from revisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os.path import relpath
from pathlib import Path

from codegen import pipeline
from codegen.diagnostics import settle
from codegen.frozen import frozen
from codegen.options import Options
from codegen.pipeline import Loaded
from codegen.revisions import AbsentError, contents, fork_point
from codegen.source import Sources

# What makes an argument a file; anything else names a revision. It does not depend on what is
# there, so that a script means the same in every folder.
_BEGINNINGS = ("/", "./", "../")
_ENDINGS = (".yaml", ".yml")


class AskedError(Exception):
    """Arguments that name no two sides. `message` is a clause, `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


@frozen
class Asked:
    """What one side is to be: a file, or the manifest at a revision, or, with neither, as it is.

    With `fork` the revision is the common ancestor of `revision` and `fork`.
    """

    file: str | None = None
    revision: str | None = None
    fork: str | None = None

    @property
    def label(self) -> str:
        """How people name the revision; "" where there is none."""
        return f"{self.revision}...{self.fork}" if self.fork is not None else self.revision or ""


def _one(argument: str) -> Asked:
    is_file = argument.startswith(_BEGINNINGS) or argument.endswith(_ENDINGS)
    return Asked(file=argument) if is_file else Asked(revision=argument)


def _range(argument: str) -> tuple[Asked, Asked] | None:
    """Return both sides of `A..B` or `A...B`, where a missing end is HEAD; None for no range."""
    dots = "..." if "..." in argument else ".."
    before, found, after = argument.partition(dots)
    if not found or _one(argument).file is not None:
        return None
    old, new = before or "HEAD", after or "HEAD"
    fork = new if dots == "..." else None
    return Asked(revision=old, fork=fork), Asked(revision=new)


def asked(old: str | None, new: str | None) -> tuple[Asked, Asked]:
    """Return the two sides that arguments name: files, revisions, or one range of revisions.

    Without arguments they are HEAD and the manifest as it is; with one, that and the manifest.
    Raises `AskedError` for a range beside another argument.
    """
    for argument in (old, new):
        both = _range(argument) if argument is not None else None
        if both is not None and new is not None:
            message = f"{argument} names two sides already"
            raise AskedError(message, "give the range alone, or two revisions")
        if both is not None:
            return both
    return _one(old) if old is not None else Asked(revision="HEAD"), (
        _one(new) if new is not None else Asked()
    )


_Held = tuple[str, Path | bytes]


@frozen
class Side:
    """A side, loaded. `label` is the manifest's name as shown, `revision` may be empty.

    `paths` has, by the name shown, the path of each file that is on disk just as it was read;
    `absent` are the overlays that the revision lacks.
    """

    label: str
    loaded: Loaded
    revision: str
    paths: Mapping[str, str]
    absent: tuple[str, ...] = ()


def _folder(path: Path) -> Path:
    """Return the nearest folder that there is; at a revision there may have been more."""
    return next((folder for folder in path.parents if folder.is_dir()), Path())


def _at(revision: str, path: Path) -> bytes:
    folder = _folder(path)
    return contents(folder, revision, Path(relpath(path, folder)).as_posix())


def _same(path: Path, data: bytes) -> bool:
    try:
        return path.is_file() and path.read_bytes() == data
    except OSError:
        return False


def _of_revision(what: Asked, options: Options) -> Iterator[tuple[Path, _Held | None]]:
    """Yield the manifest and its overlays at a revision; None for an overlay that it lacks."""
    revision = str(what.revision)
    if what.fork is not None:
        revision = fork_point(_folder(options.manifest), revision, what.fork)
    yield options.manifest, (f"{what.label}:{options.manifest}", _at(revision, options.manifest))
    for overlay in options.overlays:
        try:
            yield overlay, (f"{what.label}:{overlay}", _at(revision, overlay))
        except AbsentError:
            yield overlay, None


def _of_disk(what: Asked, options: Options) -> Iterator[tuple[Path, _Held | None]]:
    manifest = Path(what.file) if what.file is not None else options.manifest
    for path in (manifest, *options.overlays):
        yield path, (str(path), path)


def read(what: Asked, options: Options, base: int = 0) -> Side:
    """Read one side: its manifest, with the overlays of the options laid over it.

    A revision has the overlays that it had; a file has them as they are. Raises `RevisionError`
    where git does not give the manifest; whatever else is wrong is among the findings.
    """
    found = list((_of_disk if what.revision is None else _of_revision)(what, options))
    held = [(path, each) for path, each in found if each is not None]
    paths = {
        shown: str(path)
        for path, (shown, data) in held
        if isinstance(data, Path) or _same(path, data)
    }
    return Side(
        label=held[0][1][0],
        revision=what.label,
        loaded=pipeline.load_either([each for _, each in held], base),
        paths=paths,
        absent=tuple(str(path) for path, each in found if each is None),
    )


def behind(side: Side) -> int:
    """Return where the offsets of the next side begin."""
    return side.loaded.sources.files[-1].end + 1


def together(sides: Sequence[Side]) -> Loaded:
    """Return sides as one, for a report that speaks of all of them; it has no registry."""
    loaded = [side.loaded for side in sides]
    return replace(
        loaded[-1],
        sources=Sources(files=tuple(file for each in loaded for file in each.sources.files)),
        registry=None,
        diagnostics=settle(found for each in loaded for found in each.diagnostics),
    )
