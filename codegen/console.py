"""How a run of the command line speaks: findings, answers and complaints, in one format."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from shutil import get_terminal_size

import click

from codegen import report
from codegen.config import NoSuchTargetError
from codegen.diagnostics import Severity
from codegen.inputs import InputError
from codegen.options import Tell, telling_nobody
from codegen.pipeline import Loaded
from codegen.report import Failure, Format, Outcome

FINE, NO, INVALID, USAGE = 0, 1, 2, 3
# As shells count a death by SIGINT and by SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141


# So many seconds people wait without being told for what.
_PATIENCE = 1.0
_BLANK = "\r\x1b[K"


class _Line:
    """A line on a terminal that says what a long run does, drawn anew for every stage.

    It stays away while the run is younger than anybody's patience, and nothing of it is left at
    the end.
    """

    def __init__(self, began: float) -> None:
        """Come up when it is time, which may be in the middle of a stage."""
        from threading import Lock, Timer  # noqa: PLC0415 - only a terminal needs it

        self._lock = Lock()
        self._stage = ""
        self._is_up = False
        self._timer = Timer(max(began + _PATIENCE - time.monotonic(), 0), self._come_up)
        self._timer.daemon = True
        self._timer.start()

    def _draw(self) -> None:
        if self._is_up and self._stage:
            room = max(get_terminal_size().columns - 1, 0)
            click.echo(_BLANK + f"{self._stage} …"[:room], nl=False, err=True)

    def _come_up(self) -> None:
        with self._lock:
            self._is_up = True
            self._draw()

    def tell(self, stage: str) -> None:
        with self._lock:
            self._stage = stage
            self._draw()

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._is_up and self._stage:
                click.echo(_BLANK, nl=False, err=True)
            self._stage = ""


class Run:
    """One run of a command: it speaks in the format asked for, and remembers for a document."""

    def __init__(self, form: Format) -> None:
        """Begin with nothing loaded and nothing gone wrong."""
        self.form = form
        self.fail_on = Severity.ERROR
        self.loaded: Loaded | None = None
        self.failure: Failure | None = None
        self.data: Mapping[str, object] | None = None
        self.page = ""
        self._began = time.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[Tell]:
        """Give a function to tell the stages to; where somebody watches, they stand on one line.

        Nobody does where standard error is no terminal, in CI, and beside a document.
        """
        if self.form is not Format.TEXT or not _is_watched():
            yield telling_nobody
            return
        line = _Line(self._began)
        try:
            yield line.tell
        finally:
            line.end()

    def say(self, line: str) -> None:
        """Print a line of the answer; where a document has standard output, beside it."""
        click.echo(line, err=self.form.is_document)

    def answer(self, data: Mapping[str, object]) -> None:
        """Remember what the command was asked for, as plain data for the document."""
        self.data = data

    def publish(self, page: str) -> None:
        """Remember the page that is the answer, in a format that is one (`Format.is_page`)."""
        self.page = page

    def show(self, loaded: Loaded) -> None:
        """Print what was found, unless a document will say it."""
        self.loaded = loaded
        sources, found = loaded.sources, loaded.diagnostics
        if found and self.form is Format.GITHUB:
            self.say(report.github(sources, found))
        elif found and (self.form is Format.TEXT or self.form.is_page):
            complain(report.text(sources, found, is_coloured=_is_colour_wanted()), "")
            complain(report.summary(found))
            complain(f"To read more, run: providers-codegen explain-rule {found[0].code}")

    def record(self, failure: Failure) -> None:
        """Remember what went wrong besides the findings; the first such thing counts."""
        self.failure = self.failure or failure
        if self.form is Format.GITHUB:
            self.say(report.github_failure(failure))

    def fail(self, *messages: str, hint: str = "", is_of_settings: bool = False) -> None:
        """Complain about something besides the findings, and remember it."""
        complain(*(f"error: {report.shown(message)}" for message in messages))
        if hint:
            complain(f"help: {hint}")
        message = "; ".join(messages)
        self.record(Failure(message=message, hint=hint, is_of_settings=is_of_settings))

    def close(self, code: int) -> None:
        """Print the document where one was asked for, as UTF-8 whatever the terminal speaks."""
        if self.form.is_page:
            click.echo(self.page.encode("utf-8"), nl=False)
        if self.form.is_whole:
            outcome = Outcome(
                loaded=self.loaded,
                failure=self.failure,
                fail_on=self.fail_on.value,
                exit_code=code,
                answer=self.data,
            )
            click.echo(report.whole(outcome, self.form).encode("utf-8"))


def _is_watched() -> bool:
    """Tell whether people look at standard error as it comes, on a screen that can be wiped."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return is_terminal and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def _is_colour_wanted() -> bool:
    """Tell whether findings are coloured; https://no-color.org says how people refuse it.

    Where a stream is no terminal, click takes the colour away.
    """
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def quietly(command: Callable[[], int], run: Run) -> int:
    """Run a command; a reader or a user who has had enough gets no complaint from click."""
    try:
        code = answered(command, run)
        run.close(code)
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            complain("interrupted; no file is half written")
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    return code


def _drop_output() -> None:
    """Let what Python flushes at exit go nowhere: nobody reads it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())


def answered(command: Callable[[], int], run: Run) -> int:
    """Return the exit code of a command; what it raises becomes a complaint and a code.

    `BrokenPipeError` and `KeyboardInterrupt` pass: they end a run, whatever it was about.
    """
    try:
        return command()
    except InputError as error:
        run.fail(error.message, hint=error.hint, is_of_settings=True)
        return USAGE if isinstance(error, NoSuchTargetError) else INVALID
    except BrokenPipeError:
        raise
    except Exception as error:
        return internal(error, run)


def complain(*lines: str) -> None:
    """Print lines to standard error."""
    for line in lines:
        click.echo(line, err=True)


def internal(error: Exception, run: Run) -> int:
    """Report a fault of ours, or of the system, in one line; the variable brings the traceback."""
    if os.environ.get("PROVIDERS_CODEGEN_DEBUG"):
        raise error
    said = report.shown(str(error))
    if isinstance(error, OSError):
        run.fail(f"the system refused: {said}", hint="mend what it names, and run again")
        return USAGE
    message = f"internal error: {type(error).__name__}: {said}"
    hint = "please report it, with what PROVIDERS_CODEGEN_DEBUG=1 prints"
    complain(message, f"help: {hint}")
    run.record(Failure(message=message, hint=hint))
    return USAGE
