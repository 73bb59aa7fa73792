"""The rules of the compiler -> the pages that explain them, and their index."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.frozen import frozen
from codegen.options import Options
from codegen.rulebook import RulePage, rule_pages
from codegen.rules import FAMILIES
from codegen.targets.page import Header, Page, header_of

SOURCE = "the docstrings of its rules"


@frozen
class RuleView:
    """What the page of a rule prints; `fails` and `passes` end in a line break."""

    header: Header
    code: str
    name: str
    severity: str
    family: str
    summary: str
    reason: str
    fails: str
    passes: str
    mend: str
    is_command: bool


@frozen
class Row:
    """A rule in the index."""

    code: str
    name: str
    severity: str
    summary: str


@frozen
class Family:
    """The rules whose codes begin with a letter."""

    letter: str
    title: str
    rows: tuple[Row, ...]


@frozen
class IndexView:
    """What the index prints."""

    header: Header
    count: int
    families: tuple[Family, ...]


def _header(command: str) -> Header:
    return header_of(SOURCE, command)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def page(rule_page: RulePage, command: str) -> Page:
    """Return the page of one rule."""
    rule = rule_page.rule
    view = RuleView(
        header=_header(command),
        code=rule.code,
        name=rule.name,
        severity=rule.severity.value,
        family=rule.family,
        summary=rule_page.summary,
        reason=rule_page.reason,
        fails=rule_page.fails.removeprefix("$ "),
        passes=rule_page.passes,
        mend=_capital(rule_page.mend),
        is_command=rule_page.fails.startswith("$ "),
    )
    return Page(template="_rule.md.j2", path=f"{rule.code}.md", view=view)


def _rows(letter: str) -> Iterator[Row]:
    for rule_page in rule_pages():
        rule = rule_page.rule
        if rule.code.startswith(letter):
            yield Row(
                code=rule.code,
                name=rule.name,
                severity=rule.severity.value,
                summary=rule_page.summary,
            )


def pages(options: Options) -> Iterator[Page]:
    """Yield the page of every rule, and README.md as their index."""
    families = tuple(
        Family(letter=letter, title=title, rows=tuple(_rows(letter)))
        for letter, title in FAMILIES.items()
    )
    count = len(rule_pages())
    view = IndexView(header=_header(options.command), count=count, families=families)
    yield Page(template="_rules.md.j2", path="README.md", view=view)
    for rule_page in rule_pages():
        yield page(rule_page, options.command)
