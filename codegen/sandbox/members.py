"""A value -> what a template can take of it by a name, and what it is called in a complaint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from jinja2 import StrictUndefined, Undefined
from jinja2.environment import TemplateModule
from jinja2.runtime import LoopContext, Macro

from codegen.quote import Raw

_LOOP = ("index", "index0", "first", "last", "length")
_NOUNS = {str: "a text", Raw: "a text", int: "a number", tuple: "a list", bool: "yes or no"}


def noun(value: object) -> str:
    """Return what people call a value.

    >>> noun(("a", "b")), noun(None)
    ('a list', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "the table"
    words = re.sub("(?<=.)(?=[A-Z])", " ", type(value).__name__).lower()
    return _NOUNS.get(type(value), f"the {words}")


class Unknown(StrictUndefined):
    """A name that is nothing: whatever is done with it fails."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f'nothing is called "{self._undefined_name}" here'


def settled(value: object) -> object:
    """Return a value that is one; a name that is nothing fails here."""
    if isinstance(value, Undefined):
        str(value)
    return value


def members(value: object) -> Mapping[str, object]:
    """Return what a template can take of a value by a name."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, TemplateModule):
        found = value.__dict__.items()
        return {name: macro for name, macro in found if isinstance(macro, Macro)}
    if isinstance(value, LoopContext):
        return _Lazy(value, _LOOP)
    if is_dataclass(value):
        return _Lazy(value, tuple(field.name for field in fields(value)))
    return {}


class _Lazy(Mapping[str, object]):
    """Some attributes of a value, none of which is asked for before its turn."""

    def __init__(self, value: object, names: tuple[str, ...]) -> None:
        self._value = value
        self._names = names

    def __getitem__(self, name: str) -> object:
        if name not in self._names:
            raise KeyError(name)
        return getattr(self._value, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
