"""The targets: each turns the IR into the pages of one folder of the output."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from codegen.ir import Registry
from codegen.options import Options, Tell, telling_nobody
from codegen.targets.page import Page

DATA = "data"
# Each is the module of its name, which a build imports when it asks for the pages. A language's
# target owns the folder of its name; `data` owns everything beside them.
TARGETS = ("python", "go", "typescript", DATA)


def names(options: Options) -> tuple[str, ...]:
    """Return the names of all targets at hand: the built-in ones, then those of the packs."""
    return (*TARGETS, *(pack.name for pack in options.packs))


def owner(path: str, options: Options) -> str | None:
    """Return the target that owns a path below the output folder.

    What the tools of a pack's language leave behind in its folder is nobody's.
    """
    folder, separator, below = path.partition("/")
    pack = next((pack for pack in options.packs if pack.name == folder), None)
    if separator and pack is not None:
        return None if pack.is_ignored(below) else folder
    is_language = bool(separator) and folder in TARGETS and folder != DATA
    return folder if is_language else DATA


def pages(registry: Registry, options: Options, tell: Tell = telling_nobody) -> Iterator[Page]:
    """Yield the pages of the targets that were asked for, and tell which is next."""
    for name in options.targets:
        if name in TARGETS:
            tell(f"rendering {name}")
            yield from import_module(f"codegen.targets.{name}").pages(registry, options)
    for pack in options.packs:
        if pack.name in options.targets:
            from codegen.targets import neutral  # noqa: PLC0415 - few builds have a pack

            tell(f"rendering {pack.name}")
            yield from neutral.pages(registry, options, pack)
