"""The filters of templates: texts of the manifest -> source text, as the pack has it."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context  # noqa: TC002 - as the other types

from codegen import identifiers
from codegen.nearest import did_you_mean
from codegen.packs import Pack
from codegen.quote import Quoting, Raw, Style, UnspellableError, line_comment
from codegen.sandbox.budget import Budget, FaultError
from codegen.sandbox.grammar import AS_IT_IS, EACH
from codegen.sandbox.members import noun, settled


def _text(value: object, name: str) -> str:
    if not isinstance(settled(value), str):
        raise FaultError(f"{name} takes a text, and not {noun(value)}", "ask what it is first")
    return str(value)


def _list(value: object, name: str) -> tuple[object, ...]:
    items = settled(value)
    if not isinstance(items, tuple):
        raise FaultError(f"{name} takes a list, and not {noun(value)}", "ask what it is first")
    return items


def _hex(value: object) -> str:
    if type(settled(value)) is not int:
        raise FaultError(f"hex takes a number, and not {noun(value)}", "ask what it is first")
    return f"{value:x}"


def _quoting(name: object) -> Quoting:
    """Return how a style quotes that a template names: for a file in another language."""
    if name not in list(Style):
        hint = did_you_mean(str(name), list(Style)) or f"the styles are {', '.join(Style)}"
        raise FaultError(f'there is no style "{name}"', hint)
    return Quoting(style=Style(str(name)), mark="'" if name == Style.SHELL else '"')


class Filters:
    """The filters by name, for one pack: pure, but for what they count."""

    def __init__(self, pack: Pack, budget: Callable[[], Budget]) -> None:
        """Remember the pack, and where the budget of the file at hand is."""
        self._pack = pack
        self._budget = budget

    def table(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name; docs/target-packs.md describes those that people name."""
        return {
            "quote": self.quote,
            "comment": lambda text: self._made(line_comment(_text(text, "comment"))),
            "snake": lambda text: self._identifier(text, "snake", identifiers.snake),
            "constant": lambda text: self._identifier(text, "constant", identifiers.constant),
            "pascal": lambda text: self._identifier(text, "pascal", identifiers.pascal),
            "camel": lambda text: self._identifier(text, "camel", identifiers.lower_camel),
            "join": self.join,
            "length": lambda items: len(_list(items, "length")),
            "hex": _hex,
            EACH: self.each,
            AS_IT_IS: _as_it_is,
        }

    def _made(self, text: str) -> str:
        """Return what a filter makes, and pay: a chain of filters may double it each time."""
        self._budget().write(len(text))
        return text

    def quote(self, value: object, style: object = None) -> str | tuple[str, ...]:
        """Return a text as a literal, or a list of texts as one of literals."""
        quoting = self._pack.quoting if style is None else _quoting(style)
        if isinstance(value, tuple):
            return tuple(self._literal(item, quoting) for item in self.each(value))
        return self._literal(value, quoting)

    def _literal(self, value: object, quoting: Quoting) -> str:
        try:
            return self._made(quoting.literal(_text(value, "quote")))
        except UnspellableError as error:
            raise FaultError(str(error), "choose a style with escapes") from error

    def _identifier(self, value: object, name: str, spelt: Callable[[str], str]) -> str:
        text = _text(value, name)
        found = self._made(spelt(text))
        if not found:
            message = f'"{text}" has no letter or digit of which {name} could make an identifier'
            raise FaultError(message, "quote it instead")
        found = f"_{found}" if found[0].isdigit() else found
        return f"{found}_" if found in self._pack.reserved else found

    def join(self, value: object, separator: object = "") -> str:
        """Return a list of source texts as one."""
        items, between = self.each(value, "join"), _text(separator, "join")
        texts = [item for item in items if isinstance(item, str) and not isinstance(item, Raw)]
        if len(texts) < len(items):
            raise FaultError("join takes a list of source texts", "put | quote before it")
        self._budget().write(sum(map(len, texts)) + len(between) * len(texts))
        return between.join(texts)

    def each(self, value: object, name: str = "a loop") -> tuple[object, ...]:
        """Return the items of a list, and pay for going over them."""
        items = _list(value, name)
        self._budget().step(len(items))
        return items


@pass_context
def _as_it_is(context: Context, text: str) -> str:
    """Return text that stands between tags; with a context, jinja2 cannot do so beforehand."""
    return text
