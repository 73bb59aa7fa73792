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
    """Return a parameter of `__init__`, with the default of its field where that has one."""
    is_required = each.default is MISSING and each.default_factory is MISSING
    return each.name if is_required else f"{each.name}=_default_{each.name}"


def _value(each: Field[Any]) -> str | None:
    """Return what `__init__` sets a field to; None for one that is left to `__post_init__`."""
    name, default = each.name, f"_default_{each.name}"
    if each.default_factory is not MISSING:
        made = f"_factory_{name}()"
        return f"{made} if {name} is {default} else {name}" if each.init else made
    if each.init:
        return name
    return default if each.default is not MISSING else None


def _names(each: Field[Any]) -> dict[str, Any]:
    """Return what the code of `__init__` calls the default of a field, and what makes one."""
    return {f"_default_{each.name}": each.default, f"_factory_{each.name}": each.default_factory}


def _init(own: tuple[Field[Any], ...], then: str) -> Callable[..., None]:
    """Return an `__init__` that takes the values of fields by name, and does something then."""
    taken = [_parameter(each) for each in own if each.init]
    values = ((each.name, _value(each)) for each in own)
    body = [f" _set(self, {name!r}, {value})" for name, value in values if value is not None]
    head = f"def __init__(self{', *, ' if taken else ''}{', '.join(taken)}):"
    made: dict[str, Any] = {"_set": object.__setattr__}
    for each in own:
        made.update(_names(each))
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
    """Make a class a frozen, slotted, keyword-only dataclass; `fields` and `replace` take it."""
    then = " self.__post_init__()" if "__post_init__" in cls.__dict__ else " pass"
    made = _slotted(cls)
    own: tuple[Field[Any], ...] = fields(made)  # type: ignore[arg-type]
    members: dict[str, object] = {
        "__init__": _init(own, then),
        "__repr__": _repr,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
    }
    names = tuple(each.name for each in own if each.compare)
    members["__eq__"], members["__hash__"] = _comparison(names)
    for name, member in members.items():
        setattr(made, name, member)
    return made
