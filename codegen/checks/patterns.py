"""Rules about a pattern by itself, beyond what its syntax says."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.checks.phrases import some
from codegen.diagnostics import Diagnostic
from codegen.ir import Registry, Rule
from codegen.patterns import fold
from codegen.rules import found


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Tell whether one rule matches everything that another matches."""
    if wide == narrow or wide.is_exact or (narrow.ignore_case and not wide.ignore_case):
        return False
    text = fold(narrow.literal) if wide.ignore_case else narrow.literal
    return text.startswith(wide.literal)


def _redundant(rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, Rule]]:
    """Yield each rule that another makes superfluous, with a shortest such other."""
    wide = {(rule.literal, rule.ignore_case): rule for rule in rules if not rule.is_exact}
    for rule in rules:
        prefixes = (rule.literal[:size] for size in range(len(rule.literal) + 1))
        keys = (
            (form(text), case) for text in prefixes for form, case in ((str, False), (fold, True))
        )
        others = (wide[key] for key in keys if key in wide)
        cover = next((other for other in others if _covers(other, rule)), None)
        if cover is not None:
            yield rule, cover


def redundant_alternative(registry: Registry) -> Iterator[Diagnostic]:
    """A part of a pattern matches nothing that a shorter part does not match already.

    It changes no decision. It is often a narrower pattern that somebody meant to write instead
    of the wider one.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^(acme-|acme-pro-)'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-'

    Mend: remove the longer part, or the shorter one if the longer one was meant.
    """
    for provider in registry.providers:
        pairs = tuple(_redundant(provider.pattern.rules))
        if pairs:
            narrow, wide = pairs[0]
            parts = some([rule.literal for rule, _ in pairs])
            yield found(
                "redundant_alternative",
                provider.pattern.text.span,
                f'{parts} in the pattern of "{provider.name}" '
                f'{"adds" if len(pairs) == 1 else "add"} nothing to the shorter "{wide.literal}"',
                hint=f'remove the part that stands for "{narrow.literal}"',
            )
