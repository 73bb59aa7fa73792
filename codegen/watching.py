"""Which files a build reads, and waiting until one of them is another than it was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from codegen.frozen import frozen
from codegen.options import Options
from codegen.render import template_folder

# What a file is like: modified, size, inode; None where there is none. Of a file that was saved
# by renaming another the inode differs even where the clock is too coarse to tell.
Stamp = tuple[int, int, int] | None
Stamps = Mapping[Path, Stamp]

# How long the events of one save may be apart, and how often files are looked at without any
# event, in milliseconds: a folder that comes back or a network disk may never send one.
_STEP = 10
_TICK = 200


@frozen
class Inputs:
    """What a build reads. Any file may be missing; of the settings, most are."""

    files: tuple[Path, ...]
    settings: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


def inputs(options: Options, settings: tuple[Path, ...]) -> Inputs:
    """Return what a build with these options reads; `settings` are the files looked for."""
    files = (options.manifest, *options.overlays)
    packs = (pack.folder for pack in options.packs)
    return Inputs(files=files, settings=settings, folders=(template_folder(), *packs))


def is_template(read: Inputs, changed: tuple[Path, ...]) -> bool:
    """Tell whether a template is among what changed."""
    return any(path.is_relative_to(folder) for path in changed for folder in read.folders)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _below(folder: Path) -> Iterator[Path]:
    for here, _, names in os.walk(folder):
        yield from (Path(here) / name for name in names)


def stamps(read: Inputs, since: Stamps | None = None) -> Stamps:
    """Return the stamp of every file that is read, templates included.

    A file with a stamp in `since` keeps it, so that nothing that changed in between is missed.
    """
    since = since or {}
    below = (path for folder in read.folders for path in _below(folder))
    paths = (*read.files, *read.settings, *below)
    return {path: since[path] if path in since else _stamp(path) for path in paths}


def _folder_of(path: Path) -> Path:
    """Return the folder of a file; while it is missing, the nearest one above it."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _anchors(read: Inputs) -> frozenset[tuple[Path, int, int]]:
    """Return the folders to get events from, each with its identity; links are followed too."""
    paths = [*read.files, *(path for path in read.settings if path.exists())]
    folders = {_folder_of(path) for path in (*paths, *(path.resolve() for path in paths))}
    for folder in read.folders:
        folders.update(Path(here) for here, _, _ in os.walk(folder))
    found = ((folder, folder.stat()) for folder in folders)
    return frozenset((folder, stat.st_dev, stat.st_ino) for folder, stat in found)


def _wakes(folders: list[Path]) -> Iterator[bool]:
    """Yield whenever something may have changed in a folder, and every tick.

    It is True after events, when there has been none for a step.
    """
    from watchfiles import watch  # noqa: PLC0415 - for one command alone

    events = watch(
        *folders,
        watch_filter=None,
        debounce=_TICK,
        step=_STEP,
        rust_timeout=_TICK,
        yield_on_timeout=True,
        recursive=False,
    )
    yield from map(bool, events)


def _rested(read: Inputs, now: Stamps) -> Stamps:
    """Return the stamps once they have been the same for a moment: a save takes a while."""
    for _ in range(_TICK // _STEP):
        time.sleep(_STEP / 1_000)
        before, now = now, stamps(read)
        if now == before:
            break
    return now


def _changed(read: Inputs, seen: Stamps, *, is_rested: bool = False) -> tuple[Path, ...]:
    now = stamps(read)
    if now != seen and not is_rested:
        now = _rested(read, now)
    return tuple(path for path in {**now, **seen} if now.get(path) != seen.get(path))


def wait(read: Inputs, seen: Stamps) -> tuple[Path, ...]:
    """Return when files differ from what was seen of them: which, in the order they are read.

    Events only wake; the stamps decide. So what else happens in a folder, the build's own
    writing included, is no change, and a lost event costs a tick. Raises `KeyboardInterrupt`.
    """
    while True:
        try:
            anchors = _anchors(read)
            for is_rested in _wakes(sorted(folder for folder, _, _ in anchors)):
                if found := _changed(read, seen, is_rested=is_rested):
                    return found
                if _anchors(read) != anchors:
                    break
        except (OSError, RuntimeError):
            # A folder went between two looks, or the system has no more watches to give. (What
            # the watcher makes of the latter is a RuntimeError of its own.) The clock is enough.
            time.sleep(_TICK / 1_000)
            if found := _changed(read, seen):
                return found
