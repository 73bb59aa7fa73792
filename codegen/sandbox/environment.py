"""The jinja2 environment of one pack: its templates, which see and say what they may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import BaseLoader, Environment, Template, TemplateSyntaxError, nodes
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from codegen.nearest import did_you_mean
from codegen.packs import Pack, UnusableFileError, text_of
from codegen.quote import Raw
from codegen.sandbox.budget import CALL, TAKE_IN, Budget, FaultError
from codegen.sandbox.filters import Filters
from codegen.sandbox.grammar import check, count
from codegen.sandbox.members import Unknown, members, noun, settled


class _Loader(BaseLoader):
    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        try:
            text = text_of(self._pack.folder, template)
        except UnusableFileError as error:
            hint = "name a file by its path below the pack's folder"
            raise FaultError(f'the template "{template}" {error}', hint) from error
        return text, f"{self._pack.folder}/{template}", lambda: True


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of one pack. Who renders gives it a fresh `budget` for each file."""

    def __init__(self, pack: Pack) -> None:
        """Set up the filters and the rules; no template is read yet."""
        super().__init__(
            loader=_Loader(pack),
            undefined=Unknown,
            finalize=self._printed,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self.budget = Budget()
        self.filters = Filters(pack, lambda: self.budget).table()
        self.tests = {"none": lambda value: settled(value) is None}
        self.globals = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        try:
            tree = super()._parse(source, name, filename)
            check(tree)
        except RecursionError as error:
            message = "this is nested too deeply"
            raise TemplateSyntaxError(message, 1, name, filename) from error
        except TemplateSyntaxError as error:
            error.name, error.filename = name, filename
            raise
        count(tree, self)
        return tree

    def _printed(self, value: object) -> object:
        """Let source text and numbers pass; they are paid for. Nothing else is ever printed."""
        if isinstance(settled(value), Raw):
            message = "this is text of the manifest, which is no source text"
            raise FaultError(message, "put a filter behind it: | quote, or | comment")
        if type(value) is not int and not isinstance(value, str):
            raise FaultError(f"{noun(value)} cannot be printed", "ask first, or loop over it")
        self.budget.write(len(str(value)))
        return value

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what a name means of a value: a field of a record, and never a method."""
        known = members(settled(obj))
        if attribute not in known:
            hint = did_you_mean(attribute, known) or "docs/target-packs.md lists what is there"
            raise FaultError(f'{noun(obj)} has no "{attribute}"', hint)
        return known[attribute]

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item of a list by its number, or of a table by its name."""
        if not isinstance(settled(obj), tuple) or type(argument) is not int:
            return self.getattr(obj, str(argument))
        if not -len(obj) <= argument < len(obj):
            raise FaultError(f"the list has no item {argument}", "ask for its length first")
        return obj[argument]

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro; a template meets nothing else that can be called."""
        if not isinstance(settled(called), Macro):
            raise FaultError(f"{noun(called)} cannot be called", "only macros can")
        self.budget.step(CALL)
        return super().call(context, called, *args, **kwargs)

    def get_template(self, name: Any, *context: Any) -> Template:
        """Return a template of the pack, which counts each time that it is taken in."""
        self.budget.step(TAKE_IN)
        return super().get_template(name, *context)
