"""Diagnostics as workflow commands of GitHub Actions, which shows them beside the line.

The grammar is `::error name=value,name=value::message`, one command a line. A percent sign and
a line end are percent-encoded in both values and messages; a colon and a comma in values too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from codegen.diagnostics import Diagnostic, Severity
from codegen.report.outcome import Failure
from codegen.report.places import Place, place
from codegen.report.selection import select
from codegen.report.wording import sentence, shown, summary
from codegen.rules import BY_CODE
from codegen.source import Sources

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}

# What steers a terminal or hides from a reader. A path must otherwise stay as it is: GitHub
# looks for the file of that name.
_STEERING = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def _message(text: str) -> str:
    """Return a text as the message of a command.

    >>> print(_message("100% of\\nit"))
    100%25 of%0Ait
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    """Return a text as the value of a property.

    >>> print(_value("C:/a,b"))
    C%3A/a%2Cb
    """
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _command(name: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_value(value)}" for key, value in properties.items())
    return f"::{name} {listed}::{_message(message)}"


def _range(where: Place) -> dict[str, str]:
    """Return the lines of a place, and the columns where it is on one line.

    GitHub takes columns for a single line alone, and counts the last one in.
    """
    lines = {"line": str(where.start.line), "endLine": str(where.last.line)}
    if where.start.line != where.last.line:
        return lines
    return lines | {"col": str(where.start.column), "endColumn": str(where.last.column)}


def annotation(name: str, title: str, message: str, where: Place | None, path: str | None) -> str:
    """Return a command that shows a message beside a place of a file, or beside none."""
    properties = {}
    if where is not None and path is not None:
        properties = {"file": _STEERING.sub("\ufffd", path), **_range(where)}
    return _command(name, {**properties, "title": title}, message)


def _annotation(sources: Sources, found: Diagnostic) -> str:
    where = place(sources, found.span)
    title = f"{found.code} {BY_CODE[found.code].name}"
    lines = [sentence(shown(found.message))]
    for note in found.notes:
        there = place(sources, note.span)
        at = f"{shown(there.path)}:{there.start.line}:{there.start.column}"
        lines.append(f"Note: {at}: {sentence(shown(note.message))}")
    lines.append(f"Help: {sentence(shown(found.hint))}")
    return annotation(_COMMAND[found.severity], title, "\n".join(lines), where, where.path)


def github(sources: Sources, diagnostics: Iterable[Diagnostic]) -> str:
    """Return an annotation for each finding, then what the cap left out, and the summary.

    The findings are expected settled: sorted and without doubles.
    """
    settled = tuple(diagnostics)
    selection = select(settled)
    lines = [_annotation(sources, found) for found in selection.shown]
    lines += [omitted.sentence for omitted in selection.omitted]
    return "\n".join([*lines, summary(settled)])


def github_failure(failure: Failure, path: str | None = None) -> str:
    """Return the annotation of what went wrong besides the findings, at a file or at none."""
    hint = [f"Help: {sentence(shown(failure.hint))}"] if failure.hint else []
    message = "\n".join([sentence(shown(failure.message)), *hint])
    place = {} if path is None else {"file": _STEERING.sub("\ufffd", path)}
    return _command("error", place | {"title": "providers-codegen"}, message)
