"""The distances from one word to many at once, by the bits of long integers.

This is Hyyrö's bit-parallel form of optimal string alignment (2003), turned around. The usual form
gives each letter of one word a bit, and walks through the other word. Here every word of a list has
its bits beside those of the others, in a lane of its own, so that one walk through the word that is
asked about compares it with all of them: an addition of long integers is a thousand additions.

The table of the distance has a row for each letter of a listed word, and a column for each letter
of the word asked about. A column is kept as its differences from row to row: `rises` has a bit
where the table grows by one, `falls` where it shrinks by one, and elsewhere it stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge

_BYTE = 8
# So many words of a usual length have lanes of one width, that there are few additions.
_NARROWEST = 32


def farthest(one: int, other: int) -> int:
    """Return how far words of two lengths may be apart and still be near (`suggest_models`)."""
    return max(2, max(one, other) // 3)


def _repeated(field: int, size: int, count: int) -> int:
    """Return a number with the same bits in each of its lanes of so many bytes."""
    return int.from_bytes(field.to_bytes(size, "little") * count, "little")


class _Lanes:
    """Words of like length, each in a lane of `size` bytes; at least one bit of it stays empty."""

    def __init__(self, size: int, orders: Sequence[int], words: Sequence[str]) -> None:
        self.size = size
        self.orders = orders
        self.lengths = tuple(map(len, words))
        self.shortest, self.longest = min(self.lengths), max(self.lengths)
        self._first = _repeated(1, size, len(words))
        self._rows = self._joined((1 << length) - 1 for length in self.lengths)
        self._letters = self._placed(words)
        self._halves = tuple(self._halved())

    def _joined(self, fields: Iterable[int]) -> int:
        return int.from_bytes(b"".join(f.to_bytes(self.size, "little") for f in fields), "little")

    def _placed(self, words: Sequence[str]) -> dict[str, int]:
        """Return, for each letter, the bits of the places at which the words have it."""
        whole = self.size * len(words)
        places: dict[str, bytearray] = defaultdict(lambda: bytearray(whole))
        for lane, word in enumerate(words):
            for place, letter in enumerate(word, lane * self.size * _BYTE):
                places[letter][place >> 3] |= 1 << (place & 7)
        return {letter: int.from_bytes(bits, "little") for letter, bits in places.items()}

    def _halved(self) -> Iterator[tuple[int, int]]:
        """Yield widths of fields from one bit up, each with the lower half of all pairs of them."""
        bits, width = self.size * _BYTE, 1
        while width < bits:
            half = (1 << width) - 1
            pairs = sum(half << start for start in range(0, bits, 2 * width))
            yield width, _repeated(pairs, self.size, len(self.lengths))
            width *= 2

    def _counted(self, bits: int) -> int:
        """Return a number that has in each lane how many bits are set there."""
        for width, half in self._halves:
            bits = (bits & half) + (bits >> width & half)
        return bits

    def _walked(self, word: str) -> tuple[int, int]:
        """Return where the last column rises and where it falls, after the letters of a word.

        What is not in a column is told by an exclusive or with `rows`, never by a complement:
        Python copies a negative number before it looks at its bits.
        """
        rows, first, at = self._rows, self._first, self._letters.get
        rises, falls, kept, last = rows, 0, 0, 0
        for letter in word:
            equal = at(letter, 0)
            swapped = (equal ^ (equal & kept)) << 1 & last
            # Where the table, one step down and one to the right, does not grow.
            kept = ((((equal & rises) + rises) ^ rises) | equal | falls | swapped) & rows
            right = (falls | (rows ^ (kept | rises))) << 1 | first
            left = (kept & rises) << 1
            rises, falls = (left | (rows ^ ((kept | right) & rows))) & rows, right & kept
            last = equal
        return rises, falls

    def distances(self, word: str) -> Sequence[int]:
        """Return the distance of each word of the lanes, in their order."""
        rises, falls = self._walked(word)
        top = self._first * len(word)
        found = (top + self._counted(rises) - self._counted(falls)).to_bytes(
            self.size * len(self.lengths), "little"
        )
        if max(len(word), self.longest) < 1 << _BYTE:
            return found[:: self.size]
        starts = range(0, len(found), self.size)
        return [int.from_bytes(found[at : at + self.size], "little") for at in starts]

    def could_be_near(self, length: int) -> bool:
        """Tell whether a word of some length could be near: the lengths alone set it so far off."""
        nearest = min(max(length, self.shortest), self.longest)
        return abs(length - nearest) <= farthest(length, nearest)

    def at(self, distance: int, found: Sequence[int], length: int) -> Iterator[int]:
        """Yield the numbers of the words at a distance, where that is near for their lengths."""
        start = 0
        for _ in range(found.count(distance)):
            start = found.index(distance, start) + 1
            if distance <= farthest(length, self.lengths[start - 1]):
                yield self.orders[start - 1]


def _size(length: int) -> int:
    """Return how many bytes the lane of a word takes: a power of two, with a bit to spare."""
    return max(_NARROWEST, 1 << length.bit_length()) // _BYTE


class Words:
    """A list of words, to be asked which of them are near another word."""

    def __init__(self, words: Sequence[str]) -> None:
        """Lay the words into lanes, those of like length together."""
        groups: dict[int, list[int]] = defaultdict(list)
        for order, word in enumerate(words):
            groups[_size(len(word))].append(order)
        self._lanes = tuple(
            _Lanes(size, orders, [words[order] for order in orders])
            for size, orders in groups.items()
        )

    def near(self, word: str) -> Iterator[int]:
        """Yield the numbers of the words that are near, the nearest first, ties in their order."""
        length = len(word)
        lanes = [each for each in self._lanes if each.could_be_near(length)]
        asked = [(each, each.distances(word)) for each in lanes]
        reach = max((farthest(length, each.longest) for each in lanes), default=-1)
        for distance in range(reach + 1):
            rows = [each.at(distance, found, length) for each, found in asked if distance in found]
            yield from merge(*rows) if rows else ()
