"""What a run found, in each of the formats: made here, printed by the command line alone."""

from __future__ import annotations

from enum import Enum

from codegen.report.carets import text
from codegen.report.outcome import Failure, Outcome
from codegen.report.selection import at_least
from codegen.report.wording import counted, shown, summary
from codegen.report.workflow import github, github_failure

__all__ = [
    "Failure",
    "Format",
    "Outcome",
    "at_least",
    "counted",
    "github",
    "github_failure",
    "shown",
    "summary",
    "text",
    "whole",
]


class Format(Enum):
    """How a run is reported."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    HTML = "html"

    @property
    def is_document(self) -> bool:
        """Whether the report is one document that has standard output to itself."""
        return self.is_whole or self.is_page

    @property
    def is_whole(self) -> bool:
        """Whether the document is there however the run ends, with the findings in it."""
        return self in (Format.JSON, Format.SARIF)

    @property
    def is_page(self) -> bool:
        """Whether the document is the answer alone, for people; findings go beside it."""
        return self in (Format.MARKDOWN, Format.HTML)


def whole(outcome: Outcome, form: Format) -> str:
    """Return the document about a run, in a format that has one (`Format.is_whole`)."""
    # Each is imported where it is asked for, so that nobody else waits for it at start-up.
    if form is Format.SARIF:
        from codegen.report import sarif  # noqa: PLC0415

        return sarif.dumps(outcome)
    from codegen.report import document  # noqa: PLC0415

    return document.dumps(outcome)
