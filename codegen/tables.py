"""Prefix rules -> merged prefix tables: every row already names all arms that match.

Looking an id up is one walk from the longest key to the shortest; the first row that
holds is the whole answer. That is so because of how ignore-case and case-sensitive
literals are merged:

The rules that match an id are settled by the longest case-sensitive literal `L` that the
id starts with and the longest ignore-case literal `F` that the folded id starts with. The
row for that pair has the key fold(L) or F, whichever is longer, and holds where the id
itself starts with `L`. Any row with a longer key, or with the same key and a longer
literal, would contradict that `L` and `F` are the longest.

An exact rule is a prefix rule that ends in a character no id can have; its rows are kept
apart, under the whole id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from codegen.frozen import frozen
from codegen.ir import Arm, Provider, Registry, Rule, Runtime
from codegen.patterns import fold

# A lone surrogate: neither a manifest nor a pattern can contain one.
_END = "\udfff"

Owners = tuple[Provider, ...]


@frozen
class Variant:
    """What a key means for ids that start with `literal` as written ("" means any case)."""

    literal: str
    owners: Owners


@frozen
class Row:
    """A folded key and its variants, the longest literal first."""

    key: str
    variants: tuple[Variant, ...]


@frozen
class Listed:
    """An id of the menu and the arms that list it, in order of declaration."""

    id: str
    owners: Owners


@frozen
class Gone:
    """A withdrawn id, the arms that still own it, and what the manifest says about it."""

    id: str
    owners: Owners
    reason: str | None
    replacement: str | None


@frozen
class Table:
    """All that routing on one runtime needs. `exact` and `prefixes` are sorted by key."""

    runtime: Runtime
    listed: tuple[Listed, ...]
    withdrawn: tuple[Gone, ...]
    exact: tuple[Row, ...]
    prefixes: tuple[Row, ...]


Arms = tuple[tuple[Arm, Provider], ...]
_Claims = dict[str, set[int]]


def _widest(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    """Leave out the rules that a shorter prefix of the same pattern says already."""
    prefixes = {(rule.literal, rule.ignore_case) for rule in rules if not rule.is_exact}
    for rule in rules:
        size = len(rule.literal) + (1 if rule.is_exact else 0)
        shorter = (rule.literal[:end] for end in range(size))
        if not any((text, rule.ignore_case) in prefixes for text in shorter):
            yield rule


def _claims(arms: Arms) -> tuple[_Claims, _Claims]:
    """Return which arms claim each literal: case-sensitive ones, and folded ones."""
    sensitive: _Claims = defaultdict(set)
    folded: _Claims = defaultdict(set)
    for index, (_, provider) in enumerate(arms):
        for rule in _widest(provider.pattern.rules):
            claims = folded if rule.ignore_case else sensitive
            claims[rule.literal + (_END if rule.is_exact else "")].add(index)
    return sensitive, folded


def _prefixes(text: str) -> Iterator[str]:
    return (text[:size] for size in range(len(text) + 1))


def _gather(claims: _Claims, text: str) -> set[int]:
    """Return the arms that claim any prefix of a text."""
    return {index for prefix in _prefixes(text) for index in claims.get(prefix, ())}


def _pairs(sensitive: _Claims, folded: _Claims) -> Iterator[tuple[str, str]]:
    """Yield every (key, literal) that some id can settle on."""
    by_fold: dict[str, list[str]] = defaultdict(list)
    for literal in sensitive:
        by_fold[fold(literal)].append(literal)
        yield fold(literal), literal
    for key in folded:
        yield key, ""
        for prefix in _prefixes(key):
            yield from ((key, literal) for literal in by_fold.get(prefix, ()))


def _variant(arms: Arms, claimed: set[int], literal: str) -> Variant:
    owners = tuple(arms[index][1] for index in sorted(claimed))
    return Variant(literal=literal.removesuffix(_END), owners=owners)


def _rows(arms: Arms) -> Iterator[Row]:
    sensitive, folded = _claims(arms)
    literals: dict[str, set[str]] = defaultdict(set)
    for key, literal in _pairs(sensitive, folded):
        literals[key].add(literal)
    for key in sorted(literals):
        by_key = _gather(folded, key)
        variants = (
            _variant(arms, by_key | _gather(sensitive, literal), literal)
            for literal in sorted(literals[key], key=lambda text: (-len(text), text))
        )
        yield Row(key=key, variants=tuple(variants))


def _listed(arms: Arms) -> Iterator[Listed]:
    owners: dict[str, list[Provider]] = defaultdict(list)
    for arm, provider in arms:
        for model in arm.models:
            owners[model].append(provider)
    return (Listed(id=model, owners=tuple(found)) for model, found in owners.items())


def _withdrawn(arms: Arms) -> Iterator[Gone]:
    """Yield each withdrawn id once; the first arm that withdraws it gives the words."""
    entries = [(gone, provider) for arm, provider in arms for gone in arm.withdrawn]
    for model in dict.fromkeys(gone.id for gone, _ in entries):
        first = next(gone for gone, _ in entries if gone.id == model)
        owners = tuple(provider for gone, provider in entries if gone.id == model)
        yield Gone(id=model, owners=owners, reason=first.reason, replacement=first.replacement)


def _without_end(rows: Iterable[Row]) -> Iterator[Row]:
    return (Row(key=row.key.removesuffix(_END), variants=row.variants) for row in rows)


def table(registry: Registry, runtime: Runtime) -> Table:
    """Return the routing table of one runtime (semantics: `derive_provider`, steps 3 to 5)."""
    arms = registry.arms(runtime)
    rows = tuple(_rows(arms))
    # The end of an exact key is above every character: `ab` stands before `a` as long as it is on.
    exact = _without_end(row for row in rows if row.key.endswith(_END))
    return Table(
        runtime=runtime,
        listed=tuple(_listed(arms)),
        withdrawn=tuple(_withdrawn(arms)),
        exact=tuple(sorted(exact, key=lambda row: row.key)),
        prefixes=tuple(row for row in rows if not row.key.endswith(_END)),
    )


def lengths_by_head(
    keys: Iterable[str], head: slice = slice(0, 1)
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return, per first unit of the keys, the lengths to try, longest first; sorted by unit.

    The empty key fits every head and is left out.
    """
    lengths: dict[str, set[int]] = defaultdict(set)
    for key in keys:
        if key:
            lengths[key[head]].add(len(key))
    return tuple((unit, tuple(sorted(lengths[unit], reverse=True))) for unit in sorted(lengths))


def utf8_units(text: str) -> str:
    """Return a text with one character for each of its bytes in UTF-8."""
    return text.encode("utf-8").decode("latin-1")


def utf16_units(text: str) -> str:
    """Return a text with one character for each of its UTF-16 code units."""
    data = text.encode("utf-16-be", "surrogatepass")
    pairs = zip(data[::2], data[1::2], strict=True)
    return "".join(chr(high << 8 | low) for high, low in pairs)
