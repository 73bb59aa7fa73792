"""What a run found, in words: made here, printed by the command line alone."""

from __future__ import annotations

from codegen.report.carets import text
from codegen.report.wording import counted, shown, summary

__all__ = ["counted", "shown", "summary", "text"]
