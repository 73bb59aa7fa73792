"""The words that several checks say: who pays, and which of many ids are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codegen.ir import Provider, Rule


def payer(provider: Provider) -> str:
    """Return who pays for a provider's use (semantics: Terms)."""
    return "the platform" if provider.is_platform else "the tenant"


def either(names: Iterable[str]) -> str:
    """Return names of which any one will do.

    >>> either(["A"]), either(["A", "B"])
    ('A', 'one of A, B')
    """
    listed = tuple(names)
    return listed[0] if len(listed) == 1 else "one of " + ", ".join(listed)


def some(ids: Sequence[str]) -> str:
    """Return the first of several ids, and how many there are besides.

    >>> some(["a"]), some(["a", "b", "c"])
    ('"a"', '"a" and 2 more')
    """
    more = f" and {len(ids) - 1:,} more" if len(ids) > 1 else ""
    return f'"{ids[0]}"{more}'


def other_ids(rule: Rule) -> str | None:
    """Return what a rule matches besides one id, or None where it matches no other.

    >>> other_ids(Rule(literal="gpt-", is_exact=False, ignore_case=False))
    'other ids that begin with "gpt-"'
    """
    if rule.is_exact:
        return None
    if not rule.literal:
        return "every other id"
    in_any_case = " in any case" if rule.ignore_case else ""
    return f'other ids that begin with "{rule.literal}"{in_any_case}'
