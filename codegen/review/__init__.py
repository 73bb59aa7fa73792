"""A comparison, in each of the formats: made here, printed by the command line alone."""

from __future__ import annotations

from codegen.review.annotations import github
from codegen.review.document import plain
from codegen.review.markdown import markdown
from codegen.review.text import text
from codegen.review.wording import summary

__all__ = ["github", "markdown", "plain", "summary", "text"]
