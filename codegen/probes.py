"""An id that one arm of a runtime, and no other, claims: the witness that it is reachable."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, takewhile
from typing import TypeVar

from codegen.casing import avoiding
from codegen.ir import Provider, Registry, Rule, Runtime
from codegen.patterns import fold
from codegen.routing import trim

_Entry = TypeVar("_Entry")

_SUFFIXES = ("probe", "probe-1", "0", "x")


def holds(rule: Rule, model: str) -> bool:
    """Tell whether a rule matches an id."""
    text = fold(model) if rule.ignore_case else model
    return text == rule.literal if rule.is_exact else text.startswith(rule.literal)


class _Same:
    """A value as a key that is equal to itself alone, since comparing what it holds takes long."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.values)))

    def __eq__(self, other: object) -> bool:
        pairs = zip(self.values, other.values, strict=True) if isinstance(other, _Same) else ()
        return isinstance(other, _Same) and all(one is two for one, two in pairs)


class _Rules:
    """The rules of one provider, to be asked about many ids."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        texts: dict[tuple[bool, bool], list[str]] = defaultdict(list)
        for rule in rules:
            texts[rule.is_exact, rule.ignore_case].append(rule.literal)
        self._begins = tuple(texts[False, False])
        self._begins_folded = tuple(texts[False, True])
        self._whole = frozenset(texts[True, False])
        self._whole_folded = frozenset(texts[True, True])

    def hold(self, model: str) -> bool:
        folded = fold(model)
        is_whole = model in self._whole or folded in self._whole_folded
        return is_whole or model.startswith(self._begins) or folded.startswith(self._begins_folded)


# One provider is asked about all of its ids before the next one is.
@lru_cache(maxsize=1)
def _rules(rules: _Same) -> _Rules:
    (values,) = rules.values
    assert isinstance(values, tuple)
    return _Rules(values)


def owns(provider: Provider, model: str) -> bool:
    """Tell whether a provider's rules match an id."""
    return _rules(_Same(provider.pattern.rules)).hold(model)


def _grouped(pairs: Iterable[tuple[str, _Entry]]) -> dict[str, list[_Entry]]:
    groups: dict[str, list[_Entry]] = defaultdict(list)
    for key, entry in pairs:
        groups[key].append(entry)
    return dict(groups)


class _Field:
    """Everything on a runtime that could claim an id, found by the beginnings of the id.

    One index serves all arms. To go through the rules of all others for each arm would take a
    runtime of a thousand arms a million steps.
    """

    def __init__(self, registry: Registry, runtime: Runtime) -> None:
        arms = registry.arms(runtime)
        self.owners: dict[Rule, set[str]] = defaultdict(set)
        for _, provider in arms:
            for rule in provider.pattern.rules:
                self.owners[rule].add(provider.name)
        self.lengths = sorted({len(rule.literal) for rule in self.owners})
        self.by_fold = _grouped((fold(rule.literal), rule) for rule in self.owners)
        self.folded = sorted(self.by_fold)
        self.taken = frozenset(model for arm, _ in arms for model in arm.models) | frozenset(
            gone.id for arm, _ in arms for gone in arm.withdrawn
        )
        self.taken_by_fold = _grouped((fold(model), model) for model in self.taken)

    def above(self, text: str) -> Iterator[Rule]:
        """Yield the rules whose literals, folded, are beginnings of a folded text."""
        for size in takewhile(lambda size: size <= len(text), self.lengths):
            yield from self.by_fold.get(text[:size], ())

    def below(self, text: str) -> Iterator[str]:
        """Yield the folded literals that begin with a folded text."""
        start = bisect_left(self.folded, text)
        return takewhile(lambda other: other.startswith(text), islice(self.folded, start, None))


class _Rivals:
    """Everything on a runtime that could claim an id before the arm in question."""

    def __init__(self, field: _Field, name: str) -> None:
        self.field = field
        self.name = name

    def _is_rival(self, rule: Rule) -> bool:
        owners = self.field.owners[rule]
        return len(owners) > 1 or self.name not in owners

    def claim(self, model: str) -> bool:
        """Tell whether the pattern of a rival matches an id."""
        above = self.field.above(fold(model))
        return any(holds(rule, model) and self._is_rival(rule) for rule in above)

    def leave(self, model: str) -> bool:
        """Tell whether nothing else claims an id, and a request could name it."""
        is_free = model not in self.field.taken and trim(model) == model and model != ""
        return is_free and not self.claim(model)

    def cover(self, literal: str, *, is_folded: bool) -> bool:
        """Tell whether rivals match all that begins with a literal, in any case if it is folded."""
        rules = (rule for rule in self.field.above(fold(literal)) if not rule.is_exact)
        firm = (rule for rule in rules if rule.ignore_case or not is_folded)
        return any(holds(rule, literal) and self._is_rival(rule) for rule in firm)

    def as_written(self, rule: Rule) -> list[str]:
        """Return the texts that claim some of the spellings of an ignore-case rule."""
        rivals = (other for other in self.field.above(rule.literal) if self._is_rival(other))
        texts = [r.literal for r in rivals if not r.ignore_case and r.is_exact <= rule.is_exact]
        return texts + (self.field.taken_by_fold.get(rule.literal, []) if rule.is_exact else [])

    def fresh(self, literal: str) -> str:
        """Return a character that no rival literal has right after a prefix, in any case."""
        folded = fold(literal)
        used = {
            text[len(folded)]
            for text in self.field.below(folded)
            if len(text) > len(folded) and any(map(self._is_rival, self.field.by_fold[text]))
        }
        # There are more code points from here on than literals in any manifest.
        return next(chr(code) for code in range(0x30, 0xD800) if fold(chr(code)) not in used)


def _spellings(rule: Rule, rivals: _Rivals) -> Iterator[str]:
    """Yield spellings of a literal, among them one that no case-sensitive rival claims."""
    yield rule.literal
    if rule.ignore_case:
        yield from avoiding("", rule.literal, rivals.as_written(rule))


def _continued(literal: str, rivals: _Rivals) -> Iterator[str]:
    """Yield ids that begin with a literal, the readable ones first."""
    yield from (literal + suffix for suffix in _SUFFIXES)
    stem = literal + rivals.fresh(literal)
    # The taken ids are finite, so one of these is free and ends in no white space.
    yield from (stem + "0" * size for size in range(1, len(rivals.field.taken) + 2))


def _candidates(provider: Provider, rivals: _Rivals) -> Iterator[str]:
    """Yield ids that the provider owns, the readable ones first."""
    yield from provider.examples
    for rule in provider.pattern.rules:
        shortest = rule.literal if rule.is_exact else rule.literal + _SUFFIXES[0]
        is_nameable = trim(shortest) == shortest
        if not is_nameable or rivals.cover(rule.literal, is_folded=rule.ignore_case):
            continue
        for literal in _spellings(rule, rivals):
            if rule.is_exact:
                yield literal
            elif not rivals.cover(literal, is_folded=False):
                yield from _continued(literal, rivals)


def probe(registry: Registry, runtime: Runtime, provider: Provider) -> str | None:
    """Return an id that only this provider's arm claims on a runtime, or None.

    Examples come first, then the shortest readable id that the rules give; None means
    that there is no such id at all.
    """
    rivals = _Rivals(registry.once(_Field, runtime), provider.name)
    candidates = (model for model in _candidates(provider, rivals) if owns(provider, model))
    return next((model for model in candidates if rivals.leave(model)), None)
