"""The values of the compiler are what a frozen dataclass would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from codegen.frozen import frozen

Decorator = Callable[[type[Any]], type[Any]]


def _point(decorator: Decorator) -> type[Any]:
    @decorator
    class Point:
        """A place."""

        x: int
        label: str = "here"
        span: int = field(default=0, compare=False, repr=False)
        total: int = field(init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", self.x + self.span)

        @property
        def double(self) -> int:
            return 2 * self.x

    return Point


def _empty(decorator: Decorator) -> type[Any]:
    @decorator
    class Empty:
        """Nothing."""

    return Empty


BOTH = [frozen, dataclass(frozen=True, slots=True, kw_only=True)]


@pytest.fixture(params=BOTH, ids=["frozen", "dataclass"])
def point(request: pytest.FixtureRequest) -> type[Any]:
    return _point(request.param)


def test_shows_its_fields(point: type[Any]) -> None:
    assert repr(point(x=1)).endswith("Point(x=1, label='here', total=1)")


def test_takes_defaults_and_calls_what_comes_after(point: type[Any]) -> None:
    made = point(x=1, span=4)
    assert (made.x, made.label, made.span, made.total, made.double) == (1, "here", 4, 5, 2)


def test_is_equal_and_hashed_by_the_fields_that_compare(point: type[Any]) -> None:
    assert point(x=1, span=1) == point(x=1, span=2)
    assert hash(point(x=1, span=1)) == hash(point(x=1, span=2))
    assert point(x=1) != point(x=2)
    assert point(x=1) != point(x=1, label="there")
    assert point(x=1) != (1, "here")
    assert len({point(x=1), point(x=1), point(x=2)}) == 2


def test_is_no_other_class_with_equal_fields() -> None:
    assert _point(frozen)(x=1) != _point(frozen)(x=1)


def test_takes_its_fields_by_name_alone(point: type[Any]) -> None:
    with pytest.raises(TypeError, match="positional"):
        point(1)
    with pytest.raises(TypeError, match="missing"):
        point()
    with pytest.raises(TypeError, match="unexpected"):
        point(x=1, y=2)
    with pytest.raises(TypeError, match="unexpected"):
        point(x=1, total=2)


def test_never_changes(point: type[Any]) -> None:
    made = point(x=1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        made.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del made.x
    # Of slotted dataclasses, some Pythons raise the other.
    with pytest.raises((FrozenInstanceError, TypeError)):
        made.other = 2
    assert not hasattr(made, "__dict__")


def test_is_a_dataclass_for_fields_and_replace(point: type[Any]) -> None:
    made = point(x=1)
    assert is_dataclass(point)
    assert [each.name for each in fields(made)] == ["x", "label", "span", "total"]
    assert replace(made, x=3).total == 3


@pytest.mark.parametrize("decorator", BOTH, ids=["frozen", "dataclass"])
def test_may_have_no_fields(decorator: Decorator) -> None:
    empty = _empty(decorator)
    assert empty() == empty()
    assert hash(empty()) == hash(empty())
    assert repr(empty()).endswith("Empty()")


def test_one_field_is_told_from_its_value() -> None:
    @frozen
    class One:
        only: tuple[int, ...]

    assert One(only=(1,)) == One(only=(1,))
    assert One(only=(1,)) != One(only=(2,))
    other: object = (1,)
    assert One(only=(1,)) != other


def _listed(decorator: Decorator) -> type[Any]:
    @decorator
    class Listed:
        """Names."""

        names: list[str] = field(default_factory=list)
        kept: dict[str, int] = field(init=False, default_factory=dict, compare=False)
        fixed: int = field(init=False, default=3)

    return Listed


@pytest.mark.parametrize("decorator", BOTH, ids=["frozen", "dataclass"])
def test_a_factory_makes_a_default_for_each(decorator: Decorator) -> None:
    listed = _listed(decorator)
    one, other = listed(), listed()
    one.names.append("a")
    one.kept["a"] = 1
    assert (other.names, other.kept, other.fixed) == ([], {}, 3)
    assert listed(names=["b"]).names == ["b"]
    with pytest.raises(TypeError, match="unexpected"):
        listed(kept={})
