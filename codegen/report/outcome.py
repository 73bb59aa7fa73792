"""What a run came to, as a value: what was found, what failed besides, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.diagnostics import Diagnostic
from codegen.frozen import frozen
from codegen.pipeline import Loaded
from codegen.source import Sources
from codegen.suppressions import Suppressed


@frozen
class Failure:
    """What went wrong besides the findings. `message` is a sentence; `hint` may be empty.

    `is_of_settings` tells that no run could begin with the settings as they are.
    """

    message: str
    hint: str
    is_of_settings: bool = False


@frozen
class Outcome:
    """The end of a run. `loaded` is None where the run ended before a manifest was read.

    `fail_on` is the severity from which findings fail the run. `answer` is what the command was
    asked for, as plain data, where it answers with data.
    """

    loaded: Loaded | None
    failure: Failure | None
    fail_on: str
    exit_code: int
    answer: Mapping[str, object] | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the run did what it was asked for; "no" is an answer, a broken run is none."""
        return self.failure is None or self.exit_code <= 1

    @property
    def sources(self) -> Sources:
        """The files that were read, the manifest first."""
        return self.loaded.sources if self.loaded is not None else Sources(files=())

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings that count, settled."""
        return self.loaded.diagnostics if self.loaded is not None else ()

    @property
    def suppressed(self) -> tuple[Suppressed, ...]:
        """The findings that comments ignore."""
        return self.loaded.suppressed if self.loaded is not None else ()
