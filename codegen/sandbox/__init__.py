"""A page of a target pack -> its text: templates that loop, choose and print, and only so much.

A pack may come from anybody, so its templates run in jinja2's sandbox, which they see less of
than others do: no assignment, no arithmetic, no method, no global, and only the filters below.
That leaves little that could go wrong in silence. Raw text of the manifest can be printed through
a filter alone, because nothing here turns it into another text. All loops go over what the view
has, each turn is counted, and so is each character; what counts too far is stopped.
"""

from __future__ import annotations

from dataclasses import fields
from traceback import walk_tb
from typing import NoReturn

from jinja2 import TemplateError, TemplateSyntaxError

from codegen.digest import has_place
from codegen.options import MARKER
from codegen.packs import Pack, PackError
from codegen.sandbox.budget import Budget
from codegen.sandbox.environment import Sandbox
from codegen.targets.neutral import View
from codegen.targets.page import Page

# What a template can bring about at run time; whatever else is raised is a fault of ours.
_FAULTS = (TemplateError, TypeError, ValueError, RecursionError)


class Sandboxes:
    """The packs of a run: each is set up once, and rendered a page at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_pack: dict[Pack, Sandbox] = {}

    def text(self, page: Page, pack: Pack) -> str:
        """Render a page of a pack. Raises `PackError`, which names the template and the line."""
        if pack not in self._by_pack:
            self._by_pack[pack] = Sandbox(pack)
        sandbox = self._by_pack[pack]
        sandbox.budget = Budget(_entries(page.view))
        view = {field.name: getattr(page.view, field.name) for field in fields(page.view)}
        try:
            text = sandbox.get_template(page.template).render(view)
        except _FAULTS as error:
            _refuse(pack, page, error)
        return _with_header(text, pack, page)


def _entries(view: object) -> int:
    """Return how many things a view tells of, which is what a file may be long for."""
    assert isinstance(view, View)
    rows = (len(each.menu) + len(each.exact) + len(each.prefixes) for each in view.runtimes)
    return len(view.providers) + sum(rows)


def _refuse(pack: Pack, page: Page, error: Exception) -> NoReturn:
    where = _where(pack, error) or f"{pack.shown}/{page.template}:1"
    message = "macros or templates call each other without end"
    if not isinstance(error, RecursionError):
        message = (error.message or "") if isinstance(error, TemplateError) else str(error)
    hint = getattr(error, "hint", "docs/target-packs.md lists what a template can say and see")
    raise PackError(f"{where}: {message}", hint) from error


def _where(pack: Pack, error: Exception) -> str | None:
    """Return the last place in a template that an error passed through, as `file:line`."""
    found = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError):
        found.append((error.filename or "", error.lineno))
    root = f"{pack.folder}/"
    places = [f"{pack.shown}/{name[len(root):]}:{n}" for name, n in found if name.startswith(root)]
    return places[-1] if places else None


def _with_header(text: str, pack: Pack, page: Page) -> str:
    """Return a text that carries the header, without which nobody could tell whose file it is."""
    head = text.encode("utf-8")[:1024].decode("utf-8", "ignore")
    if MARKER not in head or not has_place(head):
        message = f"{page.path} would have no header"
        hint = "print header.marker and header.digest at its head, each on a line of comment"
        raise PackError(f"{pack.shown}/{page.template}:1: {message}", hint)
    return text
