"""RE2's own search, by an automaton of the pattern as written: what the reference asks.

This module shares nothing with `patterns`: it never expands a pattern. Agreement of the
two is worth something only as long as they stay apart.

A pattern is read into a tree, the tree is linked into states, and an id is on all of its
paths at once. So the time is bounded by the id, as in RE2; a search that goes back and tries
again, such as that of Python's `re`, needs years for `^(a|a){60}b`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from codegen.frozen import frozen

# reading a pattern

_ESCAPE = r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|0[0-7]{0,2}|[1-7][0-7]{1,2}|.)"
_ONE = rf"(?:{_ESCAPE}|[^\\])"
_NAMED = r"\[:[a-z]+:\]|\\[dsw]"

# A class ends where RE2 ends it: `[+-[:x:]` has a range up to the second bracket.
_TOKEN = re.compile(
    rf"""
      (?P<class>\[(?:\](?:-(?!\]){_ONE})?)?(?:{_NAMED}|(?!\]){_ONE}(?:-(?!\]){_ONE})?)*+\])
    | (?P<flag>\(\?i\))
    | (?P<open_i>\(\?i:)
    | (?P<open>\((?:\?:|\?P?<[A-Za-z0-9_]+>)?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<all>\.\*)
    | (?P<start>\^|\\A)
    | (?P<end>\$|\\z)
    | (?P<count>\?|\{{(?:0|[1-9][0-9]*)(?:,(?:0|[1-9][0-9]*))?\}})
    | (?P<named>\\[dsw])
    | (?P<char>{_ONE})
    """,
    re.VERBOSE | re.DOTALL,
)

_CLASS_PART = re.compile(rf"(?P<named>{_NAMED})|(?P<low>{_ONE})(?:-(?P<high>{_ONE}))?", re.DOTALL)

_SETS = {
    r"\d": "0-9",
    r"\s": "\t\n\f\r ",
    r"\w": "0-9A-Za-z_",
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:ascii:]": "\x00-\x7f",
    "[:blank:]": "\t ",
    "[:cntrl:]": "\x00-\x1f\x7f",
    "[:digit:]": "0-9",
    "[:graph:]": "!-~",
    "[:lower:]": "a-z",
    "[:print:]": " -~",
    "[:punct:]": "!-/:-@[-`{-~",
    "[:space:]": "\t\n\v\f\r ",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}

_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _between(low: str, high: str) -> frozenset[str]:
    return frozenset(map(chr, range(ord(low), ord(high) + 1)))


def _members(spelling: str) -> frozenset[str]:
    """Return the characters of a set that is spelt as characters and ranges of two ends.

    >>> sorted(_members("0-2_"))
    ['0', '1', '2', '_']
    """
    found = re.findall(r"(.)-(.)|(.)", spelling, re.DOTALL)
    ranges = (_between(low or one, high or one) for low, high, one in found)
    return frozenset[str]().union(*ranges)


def _unescaped(token: str) -> str:
    """Return the character that a token stands for, escaped or not."""
    if token[0] != "\\" or len(token) == 1:
        return token
    body = token[1:]
    if body[0] == "x" and len(body) > 1:
        return chr(int(body[1:].strip("{}"), 16))
    return chr(int(body, 8)) if body[0] in string.octdigits else _CONTROLS.get(body, body)


def _class_members(token: str) -> frozenset[str]:
    """Return the characters of a bracketed class."""
    found: set[str] = set()
    for part in _CLASS_PART.finditer(token[1:-1]):
        if part["named"]:
            found |= _members(_SETS[part["named"]])
        else:
            found |= _between(_unescaped(part["low"]), _unescaped(part["high"] or part["low"]))
    return frozenset(found)


def _any_case(members: frozenset[str]) -> frozenset[str]:
    """Add what RE2 takes for an ASCII letter under `(?i)`."""
    forms = [{low, low.upper()} for low in string.ascii_lowercase]
    forms[ord("k") - ord("a")].add("\u212a")
    forms[ord("s") - ord("a")].add("\u017f")
    return members.union(*(letter for letter in forms if letter & members))


# the tree


@frozen
class _Char:
    """One character out of a set."""

    members: frozenset[str]


@frozen
class _All:
    """`.*`: any characters but line feeds."""


@frozen
class _Edge:
    """The start or the end of the text."""

    is_start: bool


@frozen
class _Choice:
    """Alternatives, each of which is a row of trees."""

    branches: tuple[tuple[_Tree, ...], ...]


@frozen
class _Repeat:
    """A tree so many times."""

    tree: _Tree
    low: int
    high: int


_Tree = _Char | _All | _Edge | _Choice | _Repeat


class _Reader:
    """Reads a pattern that `patterns` has accepted, so nothing here can be malformed."""

    def __init__(self, pattern: str) -> None:
        self.tokens = [(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(pattern)]
        self.at = 0

    def _kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _token(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def choice(self, folds: bool) -> _Choice:
        """Read up to a closing parenthesis or the end."""
        branches: list[list[_Tree]] = [[]]
        while self._kind() not in ("", "close"):
            kind, token = self._kind(), self._token()
            if kind == "flag":
                folds = True
            elif kind == "bar":
                branches.append([])
            else:
                branches[-1].append(self._repeated(self._tree(kind, token, folds)))
        return _Choice(branches=tuple(map(tuple, branches)))

    def _tree(self, kind: str, token: str, folds: bool) -> _Tree:
        if kind in ("open", "open_i"):
            inner = self.choice(folds or kind == "open_i")
            self._token()
            return inner
        if kind in ("start", "end"):
            return _Edge(is_start=kind == "start")
        if kind == "all":
            return _All()
        if kind == "class":
            members = _class_members(token)
        else:
            members = _members(_SETS[token]) if kind == "named" else frozenset(_unescaped(token))
        return _Char(members=_any_case(members) if folds else members)

    def _repeated(self, tree: _Tree) -> _Tree:
        if self._kind() != "count":
            return tree
        token = self._token()
        low, _, high = "0,1".partition(",") if token == "?" else token[1:-1].partition(",")
        return _Repeat(tree=tree, low=int(low), high=int(high or low))


# the states


@frozen
class _State:
    """A state and where it leads: on one of `members` (None: on all but a line feed), or,
    where it is a fork, on nothing at all; an edge does so at that edge only.
    """

    to: tuple[int, ...]
    members: frozenset[str] | None = None
    is_fork: bool = False
    edge: _Edge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The states that a text may be in, after some of its characters; found once, then kept.

    `matched` are the numbers of the patterns that match whatever follows, and `matched_at_end`
    those that match where nothing does. A place is final where nothing else can come of it.
    """

    states: frozenset[int]
    matched: frozenset[int]
    matched_at_end: frozenset[int]
    is_final: bool
    after: dict[str, _Place] = field(default_factory=dict, compare=False, repr=False)


_OTHER = ""
_MAX_KEPT = 100_000


class _Automaton:
    """The states of patterns, and the places among them that were visited so far.

    All patterns are on their paths together. The first states are the matches, one a pattern.
    """

    def __init__(self, trees: Sequence[_Tree]) -> None:
        self.matches = range(len(trees))
        self.states = [_State(to=()) for _ in trees]
        starts = [self._linked(tree, match) for match, tree in enumerate(trees)]
        named = (state.members for state in self.states if state.members is not None)
        self.alphabet = frozenset("\n").union(*named)
        self.places: dict[frozenset[int], _Place] = {}
        self.kept = 0
        self.first = self._place(starts, is_start=True)
        # Where a search may also begin later: nowhere, as long as every path has an anchor.
        self.later = self._reached(starts, is_start=False, is_end=False)

    # linking: each tree is given the state that follows it, and returns the one to begin at

    def _add(self, state: _State) -> int:
        self.states.append(state)
        return len(self.states) - 1

    def _linked(self, tree: _Tree, follow: int) -> int:
        if isinstance(tree, _Char):
            return self._add(_State(to=(follow,), members=tree.members))
        if isinstance(tree, _Edge):
            return self._add(_State(to=(follow,), edge=tree))
        if isinstance(tree, _All):
            fork = self._add(_State(to=()))
            step = self._add(_State(to=(fork,)))
            self.states[fork] = _State(to=(step, follow), is_fork=True)
            return fork
        if isinstance(tree, _Repeat):
            return self._repeated(tree, follow)
        rows = [self._row(branch, follow) for branch in tree.branches]
        return rows[0] if len(rows) == 1 else self._add(_State(to=tuple(rows), is_fork=True))

    def _row(self, trees: tuple[_Tree, ...], follow: int) -> int:
        for tree in reversed(trees):
            follow = self._linked(tree, follow)
        return follow

    def _repeated(self, tree: _Repeat, follow: int) -> int:
        begin = follow
        for _ in range(tree.high - tree.low):
            one_more = self._linked(tree.tree, begin)
            begin = self._add(_State(to=(one_more, follow), is_fork=True))
        for _ in range(tree.low):
            begin = self._linked(tree.tree, begin)
        return begin

    # searching

    def _reached(self, states: Iterable[int], *, is_start: bool, is_end: bool) -> frozenset[int]:
        """Return the states that wait for a character or for the end, and the match."""
        reached: set[int] = set()
        seen: set[int] = set()
        todo = list(states)
        while todo:
            index = todo.pop()
            state = self.states[index]
            if index in seen:
                continue
            seen.add(index)
            edge = state.edge
            if state.is_fork or (edge and (is_start if edge.is_start else is_end)):
                todo.extend(state.to)
            elif edge is None or not edge.is_start:
                reached.add(index)
        return frozenset(reached)

    def _place(self, states: Iterable[int], *, is_start: bool = False) -> _Place:
        todo = tuple(states)
        waiting = self._reached(todo, is_start=is_start, is_end=False)
        known = self.places.get(waiting)
        if known is not None and not is_start:
            return known
        ended = self._reached(todo, is_start=is_start, is_end=True)
        place = _Place(
            states=waiting,
            matched=waiting.intersection(self.matches),
            matched_at_end=ended.intersection(self.matches),
            is_final=waiting.issubset(self.matches),
        )
        if not is_start:
            self._keep(place)
        return place

    def _keep(self, place: _Place) -> None:
        """Remember a place, and forget all others when they take too much memory."""
        self.kept += 1 + len(place.states)
        if self.kept > _MAX_KEPT:
            self.places.clear()
            self.first.after.clear()
            self.kept = 1 + len(place.states)
        self.places[place.states] = place

    def _next(self, place: _Place, char: str) -> _Place:
        """Return where a character leads; `_OTHER` stands for all that no state names."""
        states = (self.states[index] for index in place.states - place.matched)
        steps = [state for state in states if state.edge is None]
        led = (s.to[0] for s in steps if (char in s.members if s.members else char != "\n"))
        following = self._place((*led, *place.matched, *self.later))
        place.after[char] = following
        return following

    def found_in(self, text: str) -> frozenset[int]:
        """Return the numbers of the patterns that match anywhere in a text."""
        place = self.first
        for char in text:
            if place.is_final:
                return place.matched
            known = char if char in self.alphabet else _OTHER
            place = place.after.get(known) or self._next(place, known)
        return place.matched_at_end


# Most runtimes have arms of the same providers.
@lru_cache(maxsize=4_096)
def _tree(pattern: str) -> _Tree:
    return _Reader(pattern).choice(folds=False)


class Patterns:
    """Several accepted patterns, to be asked together: it takes about as long as to ask one."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Link the patterns into one automaton."""
        self._automaton = _Automaton([_tree(pattern) for pattern in patterns])

    def matching(self, text: str) -> frozenset[int]:
        """Return the numbers of the patterns that match a text, each as `matches` does."""
        return self._automaton.found_in(text)


@lru_cache(maxsize=4_096)
def _automaton(pattern: str) -> _Automaton:
    return _Automaton([_tree(pattern)])


def matches(pattern: str, text: str) -> bool:
    """Answer as Go's `regexp.MatchString(pattern, text)` does, for an accepted pattern.

    (semantics: `model_prefix_match`)
    """
    return bool(_automaton(pattern).found_in(text))
