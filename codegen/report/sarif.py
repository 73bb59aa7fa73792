"""The outcome of a run as SARIF 2.1.0, the format of code scanning services.

Field by field this follows the OASIS standard with errata 01; section numbers below are its.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from urllib.parse import quote

from codegen import __version__
from codegen.diagnostics import Diagnostic
from codegen.frozen import frozen
from codegen.quote import escape_hidden
from codegen.report.fingerprints import line_hashes
from codegen.report.outcome import Failure, Outcome
from codegen.report.places import Place, place
from codegen.report.selection import Omitted, select
from codegen.report.wording import bounded, sentence
from codegen.rulebook import RulePage, rule_pages
from codegen.source import Sources, Span

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

Plain = dict[str, object]

# Texts


def _braced(text: str) -> str:
    """Return a text without placeholders: of those, a single brace is the beginning (3.11.5)."""
    return text.replace("{", "{{").replace("}", "}}")


# The bracket that ends the text of a link, unless a backslash takes its meaning away.
_LINK_END = re.compile(r"(?<!\\)((?:\\\\)*)\](?=\()")


def _literal(text: str) -> str:
    """Return a text that a viewer shows as it is: no placeholder in it, no link (3.11.6).

    >>> print(_literal("{region} [a](b)"))
    {{region}} [a\\](b)
    """
    return _LINK_END.sub(r"\1\\]", _braced(text))


def _link(text: str, target: int) -> str:
    """Return a link to the related location of that number (3.11.6).

    >>> print(_link("see [x]", 1))
    [see \\[x\\]](1)
    """
    escaped = re.sub(r"[][\\]", r"\\\g<0>", _braced(text))
    return f"[{escaped}]({target})"


def _message(found: Diagnostic) -> Plain:
    """Return the message of a finding: its sentence, links to its notes, and the hint."""
    parts = [_literal(sentence(bounded(found.message)))]
    for number, note in enumerate(found.notes, 1):
        parts.append(_link(bounded(note.message), number) + ".")
    parts.append(_literal(f"Help: {sentence(bounded(found.hint))}"))
    return {"text": " ".join(parts)}


# Places


def _is_inside(path: PurePath) -> bool:
    return not path.is_absolute() and ".." not in path.parts


def _artifact(path: str) -> Plain:
    """Return a file: relative to the top of the sources, or absolute where it is outside.

    Two dots are resolved, because who reads the log cannot (3.10.2).
    """
    named = PurePath(path)
    if not _is_inside(named):
        return {"uri": Path(path).resolve().as_uri()}
    relative = quote(named.as_posix(), errors="surrogateescape")
    return {"uri": relative, "uriBaseId": "%SRCROOT%"}


def _physical(where: Place) -> Plain:
    region = {
        "startLine": where.start.line,
        "startColumn": where.start.column,
        "endLine": where.end.line,
        "endColumn": where.end.column,
    }
    return {"artifactLocation": _artifact(where.path), "region": region}


def _location(sources: Sources, span: Span) -> Plain:
    return {"physicalLocation": _physical(place(sources, span))}


def _related(sources: Sources, found: Diagnostic) -> list[Plain]:
    """Return the places of the notes, with the numbers by which the message links to them."""
    return [
        {
            "id": number,
            "message": {"text": _literal(sentence(bounded(note.message)))},
            **_location(sources, note.span),
        }
        for number, note in enumerate(found.notes, 1)
    ]


# Rules


def _pascal(name: str) -> str:
    """Return the name of a rule as the standard's examples spell names (3.49.7).

    >>> _pascal("unanchored_pattern")
    'UnanchoredPattern'
    """
    return "".join(word.capitalize() for word in name.split("_"))


def _is_command(example: str) -> bool:
    return example.startswith("$")


def _examples(page: RulePage) -> Iterator[tuple[str, str]]:
    yield "Fails", page.fails
    if page.passes:
        yield "Passes", page.passes


def _help(page: RulePage) -> Plain:
    """Return the page of a rule as plain text and as Markdown."""
    mend = f"To mend it, {page.mend}"
    plain, markdown = [page.reason], [page.reason]
    for title, example in _examples(page):
        kind = "console" if _is_command(example) else "yaml"
        plain.append(f"{title}:\n\n{example.rstrip()}")
        markdown.append(f"{title}:\n\n```{kind}\n{example}```")
    return {"text": "\n\n".join([*plain, mend]), "markdown": "\n\n".join([*markdown, mend])}


def _rule(page: RulePage) -> Plain:
    return {
        "id": page.rule.code,
        "name": _pascal(page.rule.name),
        "shortDescription": {"text": sentence(page.summary)},
        "fullDescription": {"text": page.reason},
        "help": _help(page),
        "defaultConfiguration": {"level": page.rule.severity.value},
        "properties": {"tags": [page.rule.family]},
    }


# Results


@frozen
class _Index:
    """What the results of a run refer to: the files, where each rule stands, hashes of lines."""

    sources: Sources
    rules: Mapping[str, int]
    hashes: Mapping[tuple[str, int], str]


def _hashes(sources: Sources, spans: Iterable[Span]) -> dict[tuple[str, int], str]:
    """Return the hashes of the lines on which spans start, by path and line."""
    places = [place(sources, span) for span in spans]
    return {
        (source.path, line): line_hash
        for source in sources.files
        for line, line_hash in line_hashes(
            source.text, (where.start.line for where in places if where.path == source.path)
        ).items()
    }


def _result(index: _Index, found: Diagnostic, suppressions: list[Plain]) -> Plain:
    """Return a finding as a result. An empty list says that it is not suppressed (3.27.23)."""
    where = place(index.sources, found.span)
    line_hash = index.hashes[where.path, where.start.line]
    result: Plain = {
        "ruleId": found.code,
        "ruleIndex": index.rules[found.code],
        "level": found.severity.value,
        "message": _message(found),
        "locations": [{"physicalLocation": _physical(where)}],
        "partialFingerprints": {"primaryLocationLineHash": line_hash},
        "suppressions": suppressions,
    }
    if found.notes:
        result["relatedLocations"] = _related(index.sources, found)
    return result


def _suppression(reason: str) -> Plain:
    justification = {"justification": bounded(reason)} if reason else {}
    return {"kind": "inSource", **justification}


# The run


def _left_out(omitted: Omitted, rules: Mapping[str, int]) -> Plain:
    return {
        "level": "note",
        "message": {"text": sentence(omitted.sentence)},
        "associatedRule": {"id": omitted.code, "index": rules[omitted.code]},
    }


def _failed(failure: Failure, level: str) -> Plain:
    parts = [failure.message, *([f"Help: {failure.hint}"] if failure.hint else [])]
    text = " ".join(_literal(sentence(bounded(part))) for part in parts)
    return {"level": level, "message": {"text": text}}


def _invocation(outcome: Outcome, left_out: list[Plain]) -> Plain:
    """Return how the run went. An error among the notifications means that it broke."""
    execution, configuration = list(left_out), list[Plain]()
    failure = outcome.failure
    if failure is not None:
        level = "note" if outcome.is_answer else "error"
        notifications = configuration if failure.is_of_settings else execution
        notifications.append(_failed(failure, level))
    lists = {
        "toolExecutionNotifications": execution,
        "toolConfigurationNotifications": configuration,
    }
    return {
        "executionSuccessful": outcome.is_answer,
        "exitCode": outcome.exit_code,
        **{name: listed for name, listed in lists.items() if listed},
    }


def _driver(pages: Iterable[RulePage]) -> Plain:
    return {
        "name": "providers-codegen",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(page) for page in pages],
    }


def plain(outcome: Outcome) -> Plain:
    """Return the document as plain data: one run, and of the rules those that occur."""
    sources, selection = outcome.sources, select(outcome.diagnostics)
    ignored = [suppressed.diagnostic for suppressed in outcome.suppressed]
    listed = [*selection.shown, *ignored]
    occurring = {found.code for found in listed}
    pages = [page for page in rule_pages() if page.rule.code in occurring]
    index = _Index(
        sources=sources,
        rules={page.rule.code: number for number, page in enumerate(pages)},
        hashes=_hashes(sources, [found.span for found in listed]),
    )
    results = [_result(index, found, []) for found in selection.shown]
    for suppressed in outcome.suppressed:
        results.append(_result(index, suppressed.diagnostic, [_suppression(suppressed.reason)]))
    left_out = [_left_out(omitted, index.rules) for omitted in selection.omitted]
    run = {
        "tool": {"driver": _driver(pages)},
        "invocations": [_invocation(outcome, left_out)],
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def dumps(outcome: Outcome) -> str:
    """Return the document as JSON, what a reader cannot see written as escapes."""
    return escape_hidden(json.dumps(plain(outcome), indent=2, ensure_ascii=False))
