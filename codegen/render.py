"""A page -> an artifact, through jinja2: pure, and reading nothing but the templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.digest import sealed
from codegen.frozen import frozen
from codegen.targets.page import Page

if TYPE_CHECKING:
    from jinja2 import Environment

    from codegen.packs import Pack


@frozen
class Artifact:
    """A file to be: a path below the output folder, with slashes, and its text in LF."""

    path: str
    text: str


def template_folder() -> Path:
    """Return the folder of the templates: inside the wheel, else beside the package."""
    package = Path(__file__).resolve().parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def _printable(value: object) -> object:
    """Refuse to print None: nothing is dropped or invented in silence."""
    if value is None:
        raise TypeError("a template printed a value that is None")
    return value


def _is_html(template: str | None) -> bool:
    """Tell whether what a template prints is escaped; source text has literals instead."""
    return template is not None and template.endswith(".html.j2")


@lru_cache(maxsize=4)
def _environment(folder: Path) -> Environment:
    # A fifth of the start-up of a command, and most of them render nothing.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    from codegen.bytecode import Bytecode  # noqa: PLC0415

    return Environment(
        loader=FileSystemLoader(folder, encoding="utf-8"),
        undefined=StrictUndefined,
        finalize=_printable,
        autoescape=_is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        # What is compiled depends on the settings here and on the functions above.
        bytecode_cache=Bytecode(Path(__file__).read_bytes()),
    )


def forget_templates() -> None:
    """Read every template anew from now on, for a process that outlives a change of them."""
    _environment.cache_clear()


def _text(page: Page) -> str:
    names = (field.name for field in fields(page.view))
    view = {name: getattr(page.view, name) for name in names}
    return _environment(template_folder()).get_template(page.template).render(view)


def _sandboxed() -> Callable[[Page, Pack], str]:
    """Return what renders pages of target packs, each pack being set up once."""
    from codegen.sandbox import Sandboxes  # noqa: PLC0415 - few builds have a pack

    return Sandboxes().text


def render(pages: Iterable[Page]) -> tuple[Artifact, ...]:
    """Render pages, in order. A template sees exactly the fields of its view.

    Raises `PackError` where a template of a target pack cannot be rendered.
    """
    of_pack: Callable[[Page, Pack], str] | None = None
    artifacts = []
    for page in pages:
        if page.pack is None:
            text = _text(page)
        else:
            of_pack = of_pack or _sandboxed()
            text = of_pack(page, page.pack)
        artifacts.append(Artifact(path=page.path, text=sealed(text)))
    return tuple(artifacts)
