"""Values: classes of named fields that never change, made several times sooner than dataclasses.

A run of the compiler defines a hundred of them before it reads a byte. `dataclass` writes six
functions for each and has Python compile every one, which was a seventh of the time of `verify`.
Here only `__init__` is compiled; the other five are closures over the names of the fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Value = TypeVar("_Value")

_slotted = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _repr(self: DataclassInstance) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _parameter(each: Field[Any]) -> str:
    return each.name if each.default is MISSING else f"{each.name}=_default_{each.name}"


def _init(taken: list[Field[Any]], then: str) -> Callable[..., None]:
    """Return an `__init__` that takes the values of fields by name, and does something then."""
    star = "*, " if taken else ""
    head = f"def __init__(self, {star}{', '.join(map(_parameter, taken))}):"
    body = [f" _set(self, {each.name!r}, {each.name})" for each in taken]
    made: dict[str, Any] = {f"_default_{each.name}": each.default for each in taken}
    made["_set"] = object.__setattr__
    exec("\n".join((head, *body, then)), made)
    init: Callable[..., None] = made["__init__"]
    return init


def _comparison(names: tuple[str, ...]) -> tuple[Callable[..., object], Callable[..., int]]:
    """Return `__eq__` and `__hash__` over the fields of these names."""
    key: Callable[[Any], object] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> object:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(key(self))

    return equal, hashed


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[_Value]) -> type[_Value]:
    """Make a class a frozen, slotted, keyword-only dataclass; `fields` and `replace` take it.

    A field may have a default, but no factory of one. Raises `TypeError` for such a class.
    """
    then = " self.__post_init__()" if "__post_init__" in cls.__dict__ else " pass"
    made = _slotted(cls)
    own: tuple[Field[Any], ...] = fields(made)  # type: ignore[arg-type]
    if any(each.default_factory is not MISSING for each in own):
        raise TypeError(f"{cls.__name__} has a field with a factory")
    members: dict[str, object] = {
        "__init__": _init([each for each in own if each.init], then),
        "__repr__": _repr,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
    }
    names = tuple(each.name for each in own if each.compare)
    members["__eq__"], members["__hash__"] = _comparison(names)
    for name, member in members.items():
        setattr(made, name, member)
    return made
