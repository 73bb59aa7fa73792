"""The space of ids, cut into cells by the literals of both sides; within a cell nothing differs.

Which patterns match an id is settled by two literals: the longest one that the id begins with as
written, and the longest ignore-case one that the folded id begins with (`tables.py` says why).
Each such pair is a cell. Of the literals that an id begins with, taken from the shortest to the
longest, every beginning is a pair too: so the cells are a tree, in which a cell's parent lacks
the longest of its literals. The tree is what makes it possible to say in prefixes what a set of
neighbouring cells has in common.

As in `tables.py`, an exact literal ends in a character that no id can have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from codegen.casing import avoiding
from codegen.comparison.regions import Stem
from codegen.ir import Rule
from codegen.patterns import fold
from codegen.routing import trim

# A lone surrogate: neither a manifest nor a pattern can contain one.
_END = "\udfff"

_SURROGATES = range(0xD800, 0xE000)

_Pair = tuple[str, str]
_Claims = dict[str, set[int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """The ids whose longest literals are `folded` and `written`; equal to itself alone.

    `owners` are the numbers of the owners that match them. `below` are the shortest literals as
    written, beyond `written`, that some spelling of `folded` begins with: those ids belong to
    other cells.
    """

    folded: str
    written: str
    owners: frozenset[int]
    parent: Cell | None = field(repr=False)
    below: tuple[str, ...] = ()

    @property
    def is_written(self) -> bool:
        """Whether the longest of its literals is one that holds as written."""
        return len(self.written) >= len(self.folded)

    @property
    def is_exact(self) -> bool:
        """Whether its ids end with the literal."""
        return (self.written if self.is_written else self.folded).endswith(_END)

    @property
    def stem(self) -> Stem:
        """What its ids, and those of all cells below it, begin with."""
        text = self.written + self.folded[len(self.written) :]
        head = len(self.written)
        return _stem(text.removesuffix(_END), head, is_exact=self.is_exact)

    @property
    def aside(self) -> tuple[Stem, ...]:
        """What begins with its stem, and still stands in other branches of the tree."""
        short = (text for text in self.below if len(text) < len(self.folded))
        return tuple(_stem(text, len(text), is_exact=False) for text in short)


def _stem(text: str, as_written: int, *, is_exact: bool) -> Stem:
    """Return a stem; without letters in the rest, all of it is as written."""
    rest = text[as_written:]
    has_case = any(char.isascii() and char.isalpha() for char in rest)
    return Stem(
        text=text,
        as_written=min(as_written, len(text)) if has_case else len(text),
        is_exact=is_exact,
    )


def _text(rule: Rule) -> str:
    return rule.literal + (_END if rule.is_exact else "")


# What an id goes on with where anything would do.
_USUAL = "x"


def _readable() -> Iterator[str]:
    """Yield what an id may go on with, the readable first; there is always one that is free."""
    codes = (code for code in range(0x30, 0x110000) if code not in _SURROGATES)
    return chain((_USUAL, "1", "0"), map(chr, codes))


class Space:
    """The cells of some owners' rules. Owners are numbered in the order of their rules.

    `taken` are ids that lists decide: they count as ids of no cell.
    """

    def __init__(self, owners: Sequence[Iterable[Rule]], taken: Iterable[str]) -> None:
        """Index the literals, and cut the space."""
        self._written: _Claims = defaultdict(set)
        self._folded: _Claims = defaultdict(set)
        for owner, rules in enumerate(owners):
            for rule in rules:
                claims = self._folded if rule.ignore_case else self._written
                claims[_text(rule)].add(owner)
        self._written_sizes = sorted({len(text) for text in self._written}, reverse=True)
        self._folded_sizes = sorted({len(text) for text in self._folded}, reverse=True)
        self._taken: dict[str, set[str]] = defaultdict(set)
        for model in taken:
            self._taken[fold(model)].add(model)
        self._cells = self._cut()

    # cells

    def _longest(self, claims: _Claims, text: str, below: int) -> str:
        """Return the longest literal, shorter than `below`, that a text begins with, or ""."""
        sizes = self._written_sizes if claims is self._written else self._folded_sizes
        fitting = (text[:size] for size in sizes if size < below)
        return next((prefix for prefix in fitting if prefix in claims), "")

    def _settled(self, text: str) -> _Pair:
        size = len(text) + 1
        folded = self._longest(self._folded, fold(text), size)
        return folded, self._longest(self._written, text, size)

    def _pairs(self) -> tuple[set[_Pair], dict[_Pair, list[str]]]:
        """Return every pair of literals that might settle an id, and what stands below it."""
        by_fold: dict[str, list[str]] = defaultdict(list)
        pairs = {("", "")}
        for written in self._written:
            by_fold[fold(written)].append(written)
            pairs.add(self._settled(written))
        below: dict[_Pair, list[str]] = defaultdict(list)
        for folded in self._folded:
            pairs.add((folded, ""))
            for written in self._spelled(by_fold, folded):
                if written:
                    pairs.add((folded, written))
                    upper = self._longest(self._written, written, len(written))
                    below[folded, upper].append(written)
        return pairs, below

    def _spelled(self, by_fold: dict[str, list[str]], folded: str) -> Iterator[str]:
        """Yield the literals as written that some spelling of a folded text begins with."""
        sizes = (size for size in self._written_sizes if size <= len(folded))
        return chain.from_iterable(by_fold.get(folded[:size], ()) for size in sizes)

    def _cut(self) -> dict[_Pair, Cell]:
        pairs, below = self._pairs()
        cells: dict[_Pair, Cell] = {}
        for pair in sorted(pairs, key=lambda pair: (max(map(len, pair)), len(pair[1]), pair)):
            folded, written = pair
            parent = cells[self._upper(pair)] if pair != ("", "") else None
            own = self._written.get(written, set()) | self._folded.get(folded, set())
            inherited = parent.owners if parent is not None else frozenset()
            cells[pair] = Cell(
                folded=folded,
                written=written,
                owners=inherited if own <= inherited else inherited | own,
                parent=parent,
                below=tuple(sorted(below.get(pair, ()))),
            )
        return cells

    def _upper(self, pair: _Pair) -> _Pair:
        folded, written = pair
        if len(written) >= len(folded):
            return folded, self._longest(self._written, written, len(written))
        return self._longest(self._folded, folded, len(folded)), written

    @property
    def cells(self) -> Iterable[Cell]:
        """The cells, each behind its parent; some have no id at all (`witness`)."""
        return self._cells.values()

    def find(self, model: str) -> Cell:
        """Return the cell of an id."""
        return self._cells[self._settled(model + _END)]

    # ids of a cell

    def is_taken(self, model: str) -> bool:
        """Tell whether a list decides an id."""
        return model in self._taken.get(fold(model), ())

    def witness(self, cell: Cell) -> str | None:
        """Return an id of a cell that a request can name and no list decides, or None."""
        spelled = self._spelling(cell)
        if spelled is None or trim(spelled[:1]) != spelled[:1]:
            return None
        models: Iterable[str] = [spelled.removesuffix(_END)]
        if not cell.is_exact:
            # An id that ends in a hyphen is one too, but looks like a misprint.
            ends = [] if spelled[-1:].isalnum() else [spelled + _USUAL]
            more = (spelled + char for char in _readable())
            models = chain(ends, models, more)
        return next((model for model in models if self._is_of(cell, model)), None)

    def _is_of(self, cell: Cell, model: str) -> bool:
        is_nameable = model != "" and trim(model) == model and not self.is_taken(model)
        return is_nameable and self.find(model) is cell

    def _spelling(self, cell: Cell) -> str | None:
        """Return a spelling of the cell's literals that neither leads elsewhere nor is taken."""
        avoided = list(cell.below)
        if cell.is_exact:
            known = self._taken.get(cell.folded.removesuffix(_END), ())
            avoided += [model + _END for model in known if not cell.is_written]
        start = cell.written
        live = [text for text in avoided if text.startswith(start)]
        return next(avoiding(start, cell.folded, live), None)
