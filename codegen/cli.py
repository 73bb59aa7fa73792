"""The click commands: they parse arguments, print, and choose the exit code; no logic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from codegen import __version__, emit, pipeline, report
from codegen.canonical import fingerprint
from codegen.config import ConfigError, resolve
from codegen.diagnostics import Severity
from codegen.ir import Registry
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.pipeline import Loaded
from codegen.report import Failure, Format, Outcome
from codegen.rules import BY_CODE, BY_NAME
from codegen.targets import TARGETS

FINE, NO, INVALID, USAGE = 0, 1, 2, 3
# As shells count a death by SIGINT and by SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141

_INPUT = (
    click.option("--manifest", metavar="FILE", help="The manifest.  [default: providers.yaml]"),
    click.option(
        "--overlay",
        "overlays",
        metavar="FILE",
        multiple=True,
        help="A manifest that adds to it; may be given several times.",
    ),
)
_OUTPUT = (
    click.option("--out", metavar="DIR", help="The output folder.  [default: generated]"),
    click.option(
        "--target",
        "targets",
        type=click.Choice(list(TARGETS)),
        multiple=True,
        help="Only this target; may be given several times.  [default: all]",
    ),
    click.option("--go-module", metavar="PATH", help="The path of the Go module."),
    click.option("--npm-name", metavar="NAME", help="The name of the npm package."),
    click.option("--python-package", metavar="NAME", help="The name of the Python package."),
)
_REPORTING = (
    click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in Format]),
        default=Format.TEXT.value,
        show_default=True,
        help="How findings are reported.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice([severity.value for severity in Severity]),
        help="The severity from which findings fail the run.  [default: error]",
    ),
)


class _Run:
    """One run of a command: it speaks in the format asked for, and remembers for a document."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self.fail_on = Severity.ERROR
        self.loaded: Loaded | None = None
        self.failure: Failure | None = None

    def say(self, line: str) -> None:
        """Print a line of the answer; where a document has standard output, beside it."""
        click.echo(line, err=self.form.is_document)

    def show(self, loaded: Loaded) -> None:
        """Print what was found, unless a document will say it."""
        self.loaded = loaded
        sources, found = loaded.sources, loaded.diagnostics
        if found and self.form is Format.GITHUB:
            self.say(report.github(sources, found))
        elif found and self.form is Format.TEXT:
            _complain(report.text(sources, found, is_coloured=_is_colour_wanted()), "")
            _complain(report.summary(found))
            _complain(f"To read more, run: providers-codegen explain-rule {found[0].code}")

    def record(self, failure: Failure) -> None:
        """Remember what went wrong besides the findings; the first such thing counts."""
        self.failure = self.failure or failure
        if self.form is Format.GITHUB:
            self.say(report.github_failure(failure))

    def fail(self, *messages: str, hint: str = "", is_of_settings: bool = False) -> None:
        """Complain about something besides the findings, and remember it."""
        _complain(*(f"error: {report.shown(message)}" for message in messages))
        if hint:
            _complain(f"help: {hint}")
        message = "; ".join(messages)
        self.record(Failure(message=message, hint=hint, is_of_settings=is_of_settings))

    def close(self, code: int) -> None:
        """Print the document where one was asked for, as UTF-8 whatever the terminal speaks."""
        if self.form.is_document:
            outcome = Outcome(
                loaded=self.loaded,
                failure=self.failure,
                fail_on=self.fail_on.value,
                exit_code=code,
            )
            click.echo(report.whole(outcome, self.form).encode("utf-8"))


def _is_colour_wanted() -> bool:
    """Tell whether findings are coloured; https://no-color.org says how people refuse it.

    Where a stream is no terminal, click takes the colour away.
    """
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


_Options = tuple[Callable[[Callable[..., int]], Callable[..., int]], ...]
_Command = Callable[[Options, _Run], int]


def _with(*groups: _Options) -> Callable[[_Command], Callable[..., int]]:
    """Give a command groups of flags, resolved into options, and a run to speak through."""

    def decorated(command: _Command) -> Callable[..., int]:
        @wraps(command)
        def resolved(form: str = Format.TEXT.value, **flags: Any) -> int:
            run = _Run(Format(form))
            return _quietly(lambda: command(_resolved(run, **flags), run), run)

        flagged: Callable[..., int] = resolved
        for option in reversed([option for group in groups for option in group]):
            flagged = option(flagged)
        return flagged

    return decorated


def _resolved(
    run: _Run,
    targets: tuple[str, ...] = (),
    overlays: tuple[str, ...] = (),
    **flags: str | None,
) -> Options:
    settings = {name.replace("_", "-"): value for name, value in flags.items()}
    options = resolve(settings, targets, Path.cwd(), overlays)
    run.fail_on = Severity(options.fail_on)
    return options


def _quietly(command: Callable[[], int], run: _Run) -> int:
    """Run a command; a reader or a user who has had enough gets no complaint from click."""
    try:
        code = _answered(command, run)
        run.close(code)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _complain("interrupted; no file is half written")
        return INTERRUPTED
    except BrokenPipeError:
        # What Python flushes at exit must go nowhere either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def _answered(command: Callable[[], int], run: _Run) -> int:
    """Return the exit code of a command, whatever becomes of it."""
    try:
        return command()
    except ConfigError as error:
        run.fail(error.message, hint=error.hint, is_of_settings=True)
        return INVALID
    except BrokenPipeError:
        raise
    except Exception as error:
        return _internal(error, run)


def _complain(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def _loaded(options: Options, run: _Run) -> Loaded:
    """Load the manifest and show what was found in it."""
    loaded = pipeline.load(options.manifest, overlays=options.overlays)
    run.show(loaded)
    return loaded


def _is_failing(run: _Run) -> bool:
    """Tell whether warnings or notes fail the run, and complain if so."""
    found = run.loaded.diagnostics if run.loaded is not None else ()
    grave = report.at_least(found, run.fail_on)
    if grave:
        hint = "mend what was found, or ignore it in a comment that says why"
        run.fail(f'{report.summary(grave)}, and fail-on is "{run.fail_on.value}"', hint=hint)
    return bool(grave)


def _counts(registry: Registry) -> str:
    arms = [arm for runtime in registry.runtimes for arm in runtime.arms]
    counts = (
        (len(registry.providers), "provider"),
        (len(registry.runtimes), "runtime"),
        (len(arms), "arm"),
        (sum(len(arm.models) for arm in arms), "listed id"),
        (sum(arm.is_name_only for arm in arms), "name-only arm"),
    )
    return ", ".join(report.counted(count, noun) for count, noun in counts)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="Exit codes: 0 fine, 1 drift or another no, 2 invalid input, 3 usage or internal error.",
)
@click.version_option(__version__, prog_name="providers-codegen")
def main() -> None:
    """Compile one manifest of LLM providers into equal tables in Python, Go and TypeScript."""


@main.command()
@_with(_INPUT, _OUTPUT, _REPORTING)
def check(options: Options, run: _Run) -> int:
    """Check the manifest and write nothing.

    \b
    Example:
      providers-codegen check --manifest providers.yaml
    """
    registry = _loaded(options, run).registry
    if registry is None:
        return INVALID
    if _is_failing(run):
        return NO
    files = ", ".join(str(path) for path in (options.manifest, *options.overlays))
    run.say(f"{files}: {_counts(registry)}")
    return FINE


@main.command()
@_with(_INPUT, _OUTPUT, _REPORTING)
def generate(options: Options, run: _Run) -> int:
    """Write the artifacts: all of them, or none.

    \b
    Example:
      providers-codegen generate --target python --target go
    """
    registry = _loaded(options, run).registry
    if registry is None:
        _complain("nothing was written")
        return INVALID
    if _is_failing(run):
        _complain("nothing was written")
        return NO
    trees = pipeline.trees(registry, options)
    try:
        written = emit.write(trees, fingerprint(registry))
    except emit.RefusedError as refused:
        foreign = (f"{path} was not written by providers-codegen" for path in refused.paths)
        run.fail(*foreign, hint="move it away or remove it; nothing was written")
        return NO
    except OSError as error:
        reason = error.strerror or str(error)
        run.fail(f"{options.out} cannot be written: {reason}; the old files are whole")
        return USAGE
    for tree, done in zip(trees, written, strict=True):
        _print_written(tree.out, done, run)
    return FINE


def _print_written(out: Path, written: emit.Written, run: _Run) -> None:
    for path in written.changed:
        run.say(f"wrote    {out / path}")
    for path in written.removed:
        run.say(f"removed  {out / path}")
    for path in written.kept:
        run.say(f"left     {out / path} (nothing generates it; remove it by hand)")
    changed, same = len(written.changed), len(written.unchanged)
    run.say(f"{out}: {changed} written, {same} already up to date")


@main.command()
@_with(_INPUT, _OUTPUT, _REPORTING)
def verify(options: Options, run: _Run) -> int:
    """Fail if any file is not what the manifest gives.

    \b
    Example:
      providers-codegen verify --out generated
    """
    registry = _loaded(options, run).registry
    if registry is None:
        return INVALID
    is_failing = _is_failing(run)
    trees = pipeline.trees(registry, options)
    try:
        found = [(tree, emit.drift(tree, fingerprint(registry))) for tree in trees]
    except OSError as error:
        run.fail(f"{error.filename or options.out} cannot be read: {error.strerror}")
        return USAGE
    for tree, drift in found:
        if not drift:
            run.say(f"{tree.out}: {len(tree.artifacts)} files, all as generated")
    differing = [(tree.out, each) for tree, drift in found for each in drift]
    if differing:
        _print_drift(options, differing, run)
    return NO if is_failing or differing else FINE


_DIFF_LINES = 40
_Found = list[tuple[Path, emit.Drift]]


def _print_drift(options: Options, found: _Found, run: _Run) -> None:
    for out, difference in found:
        path = out / difference.path
        run.say(f"{difference.kind.value:<9} {path}: {difference.cause.value}")
        lines = difference.diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            run.say("  " + line)
        if len(lines) > _DIFF_LINES:
            run.say(f"  … {len(lines) - _DIFF_LINES} more lines of difference")
    run.say("")
    _print_remedy(options, found, run)
    folders = ", ".join(dict.fromkeys(str(out) for out, _ in found))
    files = report.counted(len(found), "file")
    message = f"{folders}: {files} differ from what the manifest gives"
    run.record(Failure(message=message, hint=f"run: {options.command}"))


def _print_remedy(options: Options, found: _Found, run: _Run) -> None:
    causes = {difference.cause for _, difference in found}
    for out, difference in found:
        if difference.cause is emit.Cause.FOREIGN:
            run.say(f"To mend, remove {out / difference.path} by hand.")
    if emit.Cause.HAND in causes:
        run.say("An edit by hand will be lost: make it in the manifest or the templates.")
    if causes - {emit.Cause.FOREIGN}:
        run.say(f"To mend, run: {options.command}")


@main.command()
def rules() -> int:
    """List the rules that a manifest is held to.

    \b
    Example:
      providers-codegen rules
    """
    from codegen.rulebook import rule_pages  # noqa: PLC0415 - only here, and in pages

    widest = max(len(page.rule.name) for page in rule_pages())
    for page in rule_pages():
        rule = page.rule
        click.echo(f"{rule.code}  {rule.severity.value:<7}  {rule.name:<{widest}}  {page.summary}")
    return FINE


@main.command("explain-rule")
@click.argument("code", metavar="CODE")
def explain_rule(code: str) -> int:
    """Print the page of a rule, by its code or its name.

    \b
    Example:
      providers-codegen explain-rule A003
    """
    rule = BY_CODE.get(code.upper()) or BY_NAME.get(code.lower())
    if rule is None:
        nearest = did_you_mean(code, [*BY_CODE, *BY_NAME])
        _complain(f"error: there is no rule {report.shown(code)!r}")
        _complain(f"help: {nearest or 'providers-codegen rules lists them'}")
        return USAGE
    click.echo(pipeline.rule_page(rule.code), nl=False)
    return FINE


@main.command()
@_with(_INPUT)
def schema(options: Options, run: _Run) -> int:
    """Print the JSON Schema of the manifest, for editors.

    It is printed whatever state the manifest is in, because it is what helps to mend one. It
    offers the names of the providers at hand; where the manifest has errors, they are reported,
    the names that can be read are offered, and the exit code is 2.

    \b
    Example:
      providers-codegen schema > providers.schema.json
    """
    loaded = _loaded(options, run)
    artifact = pipeline.json_schema(loaded.provider_names, options)
    # As bytes, so that a redirection holds what `generate` writes on every system.
    click.echo(artifact.text.encode("utf-8"), nl=False)
    return INVALID if loaded.registry is None else FINE


def _internal(error: Exception, run: _Run) -> int:
    """Report a fault of ours in one line; the variable brings the traceback back."""
    if os.environ.get("PROVIDERS_CODEGEN_DEBUG"):
        raise error
    message = f"internal error: {type(error).__name__}: {report.shown(str(error))}"
    hint = "please report it, with what PROVIDERS_CODEGEN_DEBUG=1 prints"
    _complain(message, f"help: {hint}")
    run.record(Failure(message=message, hint=hint))
    return USAGE


def _outcome() -> int:
    try:
        code = main.main(prog_name="providers-codegen", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        return INTERRUPTED
    except Exception as error:
        return _internal(error, _Run(Format.TEXT))
    return code if isinstance(code, int) else FINE


def run() -> None:
    """Run the command line and exit with one of the documented codes; never a traceback."""
    sys.exit(_outcome())
