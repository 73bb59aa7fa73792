"""An id that one arm of a runtime, and no other, claims: the witness that it is reachable."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.ir import Provider, Registry, Rule, Runtime
from codegen.patterns import fold, forms
from codegen.routing import trim

_SUFFIXES = ("probe", "probe-1", "0", "x")


def holds(rule: Rule, model: str) -> bool:
    """Tell whether a rule matches an id."""
    text = fold(model) if rule.ignore_case else model
    return text == rule.literal if rule.is_exact else text.startswith(rule.literal)


def owns(provider: Provider, model: str) -> bool:
    """Tell whether a provider's rules match an id."""
    return any(holds(rule, model) for rule in provider.pattern.rules)


class _Rivals:
    """Everything on a runtime that could claim an id before the arm in question."""

    def __init__(self, registry: Registry, runtime: Runtime, provider: Provider) -> None:
        arms = registry.arms(runtime)
        self.rules = tuple(
            rule for _, rival in arms if rival.name != provider.name for rule in rival.pattern.rules
        )
        self.taken = frozenset(model for arm, _ in arms for model in arm.models) | frozenset(
            gone.id for arm, _ in arms for gone in arm.withdrawn
        )

    def leave(self, model: str) -> bool:
        """Tell whether nothing else claims an id, and a request could name it."""
        is_free = model not in self.taken and trim(model) == model and model != ""
        return is_free and not any(holds(rule, model) for rule in self.rules)


def _spellings(rule: Rule, rivals: tuple[Rule, ...]) -> Iterator[str]:
    """Yield spellings of a literal, among them one that no case-sensitive rival begins.

    A rival literal rules out every spelling that continues it. Walking the literal and
    following the live rivals finds a way round them where there is one: at each letter a
    form is taken that no live rival has, and where all forms are taken, the walk branches.
    """
    yield rule.literal
    if rule.ignore_case:
        live = [r.literal for r in rivals if not r.ignore_case and r.is_exact <= rule.is_exact]
        yield from _escapes(rule.literal, 0, "", live)


def _escapes(literal: str, at: int, done: str, live: list[str]) -> Iterator[str]:
    if any(len(text) <= at for text in live):
        return
    if not live or at == len(literal):
        yield done + literal[at:]
        return
    letter = literal[at]
    for form in forms(letter) if letter.isascii() and letter.isalpha() else (letter,):
        still = [text for text in live if text[at] == form]
        yield from _escapes(literal, at + 1, done + form, still)


def _fresh(model: str, rivals: tuple[Rule, ...]) -> str:
    """Return a character that no rival literal has right after a prefix, in any case."""
    folded = fold(model)
    used = {
        fold(rule.literal)[len(folded)]
        for rule in rivals
        if fold(rule.literal).startswith(folded) and len(rule.literal) > len(folded)
    }
    # There are more code points from here on than literals in any manifest.
    return next(chr(code) for code in range(0x30, 0xD800) if fold(chr(code)) not in used)


def _candidates(provider: Provider, rivals: _Rivals) -> Iterator[str]:
    """Yield ids that the provider owns, the readable ones first."""
    yield from provider.examples
    for rule in provider.pattern.rules:
        for literal in _spellings(rule, rivals.rules):
            if rule.is_exact:
                yield literal
                continue
            yield from (literal + suffix for suffix in _SUFFIXES)
            stem = literal + _fresh(literal, rivals.rules)
            # The taken ids are finite, so one of these is free and ends in no white space.
            yield from (stem + "0" * size for size in range(1, len(rivals.taken) + 2))


def probe(registry: Registry, runtime: Runtime, provider: Provider) -> str | None:
    """Return an id that only this provider's arm claims on a runtime, or None.

    Examples come first, then the shortest readable id that the rules give; None means
    that there is no such id at all.
    """
    rivals = _Rivals(registry, runtime, provider)
    candidates = (model for model in _candidates(provider, rivals) if owns(provider, model))
    return next((model for model in candidates if rivals.leave(model)), None)
