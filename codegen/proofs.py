"""Prefix rules -> what holds for all ids at once: which rules meet, who owns an id, who can win.

Nothing here samples. Every statement about infinitely many ids follows from the literals: two
rules share an id exactly where one literal continues the other, and the ids that continue a
literal in a way nobody names belong to those whose literals are prefixes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from codegen.casing import telling
from codegen.ir import Registry, Rule, Runtime
from codegen.patterns import fold
from codegen.routing import trim

Rules = tuple[Rule, ...]
Pair = tuple[int, int]

# An id ends here: a lone surrogate, which neither a manifest nor a pattern can contain. With it
# an exact rule is a prefix rule like any other.
_END = "\udfff"

# What continues an id where any character would do.
_FILLER = "x"

# Past this many, more pairs tell nobody anything; a hostile manifest could have millions.
MAX_PAIRS = 10_000


def _text(rule: Rule) -> str:
    """Return a rule's literal as it is looked up: with the end of exact ones."""
    return rule.literal + (_END if rule.is_exact else "")


def _as_id(stem: str) -> str | None:
    """Return the shortest id that a request can name and that begins with, or is, a stem.

    Requests are trimmed, and an empty one is no id (semantics: Model ids).
    """
    text = stem.removesuffix(_END)
    is_whole = text and trim(text) == text
    if not is_whole and text == stem:
        text += _FILLER
    return text if text and trim(text) == text else None


def witness(rule: Rule) -> str | None:
    """Return the shortest id that a rule matches, or None where no request can name one."""
    return _as_id(_text(rule))


_Owners = dict[str, set[int]]


class Claims:
    """Who claims which ids: the rules of several owners, found by the prefixes of an id.

    Owners are numbered in the order in which their rules are given.
    """

    def __init__(self, owners: Sequence[Rules]) -> None:
        """Index every literal once; looking an id up then costs its length."""
        self._written: _Owners = defaultdict(set)
        self._folded: _Owners = defaultdict(set)
        for owner, rules in enumerate(owners):
            for rule in rules:
                (self._folded if rule.ignore_case else self._written)[_text(rule)].add(owner)
        self._by_fold: dict[str, list[str]] = defaultdict(list)
        for text in self._written:
            self._by_fold[fold(text)].append(text)
        self._written_sizes = sorted({len(text) for text in self._written})
        self._folded_sizes = sorted({len(text) for text in self._folded})

    def _above(self, text: str) -> Iterator[set[int]]:
        """Yield the owners of each literal that every id which begins with a text begins with."""
        yield from _of_prefixes(self._written, self._written_sizes, text)
        yield from _of_prefixes(self._folded, self._folded_sizes, fold(text))

    def _spelt(self, folded: str) -> Iterator[str]:
        """Yield the literals as written that some spelling of a folded text begins with."""
        sizes = (size for size in self._written_sizes if size <= len(folded))
        return (text for size in sizes for text in self._by_fold.get(folded[:size], ()))

    def _meeting(self) -> Iterator[tuple[set[int], set[int], str]]:
        """Yield the owners of any two literals that share ids, and the stem of these ids.

        Of two that hold in the same way, one continues the other. A folded one shares ids with
        one as written where they do as far as both go.
        """
        for text, owners in self._written.items():
            yield from ((owners, others, text) for others in self._above(text))
        for text, owners in self._folded.items():
            above = _of_prefixes(self._folded, self._folded_sizes, text)
            yield from ((owners, others, text) for others in above)
            for written in self._spelt(text):
                yield owners, self._written[written], written + text[len(written) :]

    def overlaps(self) -> dict[Pair, str]:
        """Return each pair of owners that both match some id, with a shortest such id.

        Pairs are (earlier, later). There are at most `MAX_PAIRS` of them.
        """
        shortest: dict[Pair, str] = {}
        for pair, shared in self._shared():
            known = shortest.get(pair)
            if known is None or (len(shared), shared) < (len(known), known):
                shortest[pair] = shared
            if len(shortest) >= MAX_PAIRS:
                break
        return shortest

    def _shared(self) -> Iterator[tuple[Pair, str]]:
        for owners, others, stem in self._meeting():
            if len(owners) == 1 and owners == others:
                continue
            shared = _as_id(stem)
            if shared is not None:
                for one in others:
                    yield from (((min(one, two), max(one, two)), shared) for two in owners - {one})

    def of(self, model: str) -> set[int]:
        """Return the owners that match an id."""
        return self._owners(model + _END)

    def beyond(self, stem: str) -> set[int]:
        """Return the owners that match an id which continues a stem in a way nobody names."""
        return self._owners(stem)

    def _owners(self, text: str) -> set[int]:
        return set().union(*self._above(text))

    def literals(self, folded: str) -> tuple[str, ...]:
        """Return the literals as written that some spelling of a folded literal begins with."""
        return tuple(self._spelt(folded))


def _of_prefixes(owners: _Owners, sizes: Sequence[int], text: str) -> Iterator[set[int]]:
    """Yield the owners of the literals that a text begins with, the shortest first."""
    for size in sizes:
        if size > len(text):
            return
        found = owners.get(text[:size])
        if found is not None:
            yield found


class Contest:
    """The owners that compete for ids: their rules, the names that open them, the lists.

    `taken` are the ids that lists decide, so that no pattern is asked about them (semantics:
    `derive_provider`, step 3). Owners are numbered in the order given.
    """

    def __init__(
        self, rules: Sequence[Rules], names: Sequence[Iterable[str]], taken: Iterable[str]
    ) -> None:
        """Index the rules, and the taken ids by how they fold."""
        self.rules = tuple(rules)
        self.names = tuple(frozenset(each) for each in names)
        self.claims = Claims(rules)
        self._taken: dict[str, list[str]] = defaultdict(list)
        for model in taken:
            self._taken[fold(model)].append(model)

    def is_taken(self, model: str) -> bool:
        """Tell whether a list decides an id."""
        return model in self._taken.get(fold(model), ())

    def is_separable(self, owner: int, rivals: Iterable[int]) -> bool:
        """Tell whether an owner can be chosen among rivals: alone, or by a name of its own."""
        others = [self.names[rival] for rival in rivals if rival != owner]
        return not others or bool(self.names[owner].difference(*others))

    def has_own(self, owner: int) -> bool:
        """Tell whether an owner's pattern alone matches some id that no list decides."""
        return any(
            self.claims.beyond(stem) == {owner}
            for rule in self.rules[owner]
            for stem in self._stems(rule)
            if self._is_open(stem)
        )

    def can_win(self, owner: int) -> bool:
        """Tell whether an owner is the answer for some id and some names, by its pattern."""
        return any(
            self.is_separable(owner, self.claims.beyond(stem))
            for rule in self.rules[owner]
            for stem in self._stems(rule)
            if self._is_open(stem)
        )

    def has_open(self, owner: int) -> bool:
        """Tell whether an owner's pattern matches any id that no list decides."""
        stems = (stem for rule in self.rules[owner] for stem in self._stems(rule))
        return any(self._is_open(stem) for stem in stems)

    def _is_open(self, stem: str) -> bool:
        """Tell whether a request can name an id of a stem, and no list decides it."""
        model = _as_id(stem)
        is_listed = stem.endswith(_END) and model is not None and self.is_taken(model)
        return model is not None and not is_listed

    def _stems(self, rule: Rule) -> Iterator[str]:
        """Yield stems whose ids, taken together, have every set of owners that the rule's can.

        A stem with an end stands for that one id. Any other stands for the ids that continue
        it in a way nobody names: they have the fewest owners among all that begin with it.
        """
        text = _text(rule)
        if not rule.ignore_case:
            yield text
            return
        listed = (m + _END for m in self._taken.get(text.removesuffix(_END), ()) if rule.is_exact)
        yield from telling(text, (*self.claims.literals(text), *listed))


def contest(registry: Registry, runtime: Runtime) -> Contest:
    """Return the contest of a runtime's arms, numbered as `registry.arms` has them."""
    return registry.once(_contest, runtime)


def _contest(registry: Registry, runtime: Runtime) -> Contest:
    arms = registry.arms(runtime)
    listed = (model for arm, _ in arms for model in arm.models)
    gone = (withdrawn.id for arm, _ in arms for withdrawn in arm.withdrawn)
    return Contest(
        rules=[provider.pattern.rules for _, provider in arms],
        names=[provider.auth_env for _, provider in arms],
        taken=dict.fromkeys((*listed, *gone)),
    )
