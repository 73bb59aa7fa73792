"""The page of each rule, read from the docstring of the function that finds it."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from functools import cache

from codegen.checks import CHECKS
from codegen.checks.runtime_templates import TEMPLATE_CHECKS
from codegen.faults import FAULTS
from codegen.frozen import frozen
from codegen.rules import RULES, Rule


@frozen
class RulePage:
    """What there is to say about a rule.

    `summary` is a sentence and `reason` its paragraphs in Markdown; `fails` and `passes` are
    examples, of which the first is a command where it begins with `$`, and the second may be
    empty; `mend` is a sentence.
    """

    rule: Rule
    summary: str
    reason: str
    fails: str
    passes: str
    mend: str


class MalformedPageError(Exception):
    """The docstring of a rule lacks a part: a fault of ours, which a test finds."""


_PAGE = re.compile(
    r"(?P<summary>[^\n]+)\n\n"
    r"(?P<reason>.+?)\n\n"
    r"Fails::\n\n(?P<fails>(?:    [^\n]*\n|\n)+?)\n"
    r"(?:Passes::\n\n(?P<passes>(?:    [^\n]*\n|\n)+?)\n)?"
    r"Mend: (?P<mend>.+)",
    re.DOTALL,
)


def _functions() -> dict[str, Callable[..., object]]:
    """Return the function of each rule by its name."""
    functions: tuple[Callable[..., object], ...] = (*FAULTS, *CHECKS, *TEMPLATE_CHECKS)
    return {function.__name__: function for function in functions}


def _block(text: str | None) -> str:
    return textwrap.dedent(text) if text else ""


def _page(rule: Rule, documentation: str) -> RulePage:
    match = _PAGE.fullmatch(documentation)
    if match is None:
        raise MalformedPageError(f"the docstring of {rule.name} is not a page")
    return RulePage(
        rule=rule,
        summary=match["summary"].rstrip("."),
        reason=match["reason"],
        fails=_block(match["fails"]),
        passes=_block(match["passes"]),
        mend=match["mend"].replace("\n", " "),
    )


@cache
def rule_pages() -> tuple[RulePage, ...]:
    """Return the pages of all rules, in the order of the table of rules."""
    functions = _functions()
    return tuple(_page(rule, inspect.getdoc(functions[rule.name]) or "") for rule in RULES)
