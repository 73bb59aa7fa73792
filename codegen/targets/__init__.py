"""The targets: each turns the IR into the pages of one folder of the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codegen.ir import Registry
from codegen.options import Options
from codegen.targets import data, go, python, typescript
from codegen.targets.page import Page

Target = Callable[[Registry, Options], Iterator[Page]]

# A language's target owns the folder of its name; `data` owns everything beside them.
TARGETS: dict[str, Target] = {
    python.NAME: python.pages,
    go.NAME: go.pages,
    typescript.NAME: typescript.pages,
    data.NAME: data.pages,
}


def owner(path: str) -> str:
    """Return the target that owns a path below the output folder.

    >>> owner("go/go.mod"), owner("registry.json")
    ('go', 'data')
    """
    folder, separator, _ = path.partition("/")
    is_language = bool(separator) and folder in TARGETS and folder != data.NAME
    return folder if is_language else data.NAME


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield the pages of the targets that were asked for."""
    for name in options.targets:
        yield from TARGETS[name](registry, options)
