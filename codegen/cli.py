"""The click commands: they parse arguments, print, and choose the exit code; no logic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import ParamSpec

import click

from codegen import __version__, emit, formatting, pipeline, report
from codegen.canonical import fingerprint
from codegen.config import ConfigError, resolve
from codegen.diagnostics import Diagnostic
from codegen.ir import Registry
from codegen.options import Options
from codegen.source import Source
from codegen.targets import TARGETS, owner

FINE, NO, INVALID, USAGE = 0, 1, 2, 3
# As shells count a death by SIGINT and by SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141

_P = ParamSpec("_P")

_SHARED = (
    click.option("--manifest", metavar="FILE", help="The manifest.  [default: providers.yaml]"),
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


def _with_options(command: Callable[[Options], int]) -> Callable[..., int]:
    """Give a command the shared flags, resolved into options."""

    @wraps(command)
    def resolved(targets: tuple[str, ...], **flags: str | None) -> int:
        return _with_settings(command, targets, **flags)

    for option in reversed(_SHARED):
        resolved = option(resolved)
    return resolved


def _with_settings(
    command: Callable[[Options], int], targets: tuple[str, ...] = (), **flags: str | None
) -> int:
    """Run a command with the options that the flags and the settings give."""
    settings = {name.replace("_", "-"): value for name, value in flags.items()}
    try:
        options = resolve(settings, targets, Path.cwd())
    except ConfigError as error:
        _complain(f"error: {report.shown(error.message)}", f"help: {error.hint}")
        return INVALID
    return _quietly(command, options)


def _quietly(command: Callable[[Options], int], options: Options) -> int:
    """Run a command; a reader or a user who has had enough gets no complaint from click."""
    try:
        code = command(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _complain("interrupted; no file is half written")
        return INTERRUPTED
    except BrokenPipeError:
        # What Python flushes at exit must go nowhere either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def _complain(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def _loaded(options: Options) -> Registry | None:
    """Load the manifest and print what was found in it."""
    loaded = pipeline.load(options.manifest)
    _report(loaded.source, loaded.diagnostics)
    return loaded.registry


def _report(source: Source, diagnostics: tuple[Diagnostic, ...]) -> None:
    if diagnostics:
        _complain(report.text(source, diagnostics), "", report.summary(diagnostics))


def _is_owned(options: Options) -> Callable[[str], bool]:
    return lambda path: owner(path) in options.targets


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
@_with_options
def check(options: Options) -> int:
    """Check the manifest and write nothing.

    \b
    Example:
      providers-codegen check --manifest providers.yaml
    """
    registry = _loaded(options)
    if registry is None:
        return INVALID
    click.echo(f"{options.manifest}: {_counts(registry)}")
    return FINE


@main.command()
@_with_options
def generate(options: Options) -> int:
    """Write the artifacts: all of them, or none.

    \b
    Example:
      providers-codegen generate --target python --target go
    """
    registry = _loaded(options)
    if registry is None:
        _complain("nothing was written")
        return INVALID
    artifacts = pipeline.artifacts(registry, options)
    try:
        written = emit.write(
            artifacts,
            options.out,
            fingerprint=fingerprint(registry),
            is_owned=_is_owned(options),
        )
    except emit.RefusedError as refused:
        for path in refused.paths:
            _complain(f"error: {options.out / path} was not written by providers-codegen")
        _complain("help: move it away or remove it; nothing was written")
        return NO
    except OSError as error:
        reason = error.strerror or str(error)
        _complain(f"error: {options.out} cannot be written: {reason}; the old files are whole")
        return USAGE
    _print_written(options, written)
    return FINE


def _print_written(options: Options, written: emit.Written) -> None:
    for path in written.changed:
        click.echo(f"wrote    {options.out / path}")
    for path in written.removed:
        click.echo(f"removed  {options.out / path}")
    for path in written.kept:
        click.echo(f"left     {options.out / path} (nothing generates it; remove it by hand)")
    changed, same = len(written.changed), len(written.unchanged)
    click.echo(f"{options.out}: {changed} written, {same} already up to date")


@main.command()
@_with_options
def verify(options: Options) -> int:
    """Fail if any file is not what the manifest gives.

    \b
    Example:
      providers-codegen verify --out generated
    """
    registry = _loaded(options)
    if registry is None:
        return INVALID
    artifacts = pipeline.artifacts(registry, options)
    try:
        found = emit.drift(
            artifacts,
            options.out,
            fingerprint=fingerprint(registry),
            is_owned=_is_owned(options),
        )
    except OSError as error:
        _complain(f"error: {error.filename or options.out} cannot be read: {error.strerror}")
        return USAGE
    if not found:
        click.echo(f"{options.out}: {len(artifacts)} files, all as generated")
        return FINE
    _print_drift(options, found)
    return NO


_DIFF_LINES = 40


def _print_drift(options: Options, found: tuple[emit.Drift, ...]) -> None:
    for difference in found:
        path = options.out / difference.path
        click.echo(f"{difference.kind.value:<9} {path}: {difference.cause.value}")
        lines = difference.diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            click.echo("  " + line)
        if len(lines) > _DIFF_LINES:
            click.echo(f"  … {len(lines) - _DIFF_LINES} more lines of difference")
    click.echo("")
    for difference in found:
        if difference.cause is emit.Cause.FOREIGN:
            click.echo(f"To mend, remove {options.out / difference.path} by hand.")
    if any(difference.cause is emit.Cause.HAND for difference in found):
        click.echo("An edit by hand will be lost: make it in the manifest or the templates.")
    if any(difference.cause is not emit.Cause.FOREIGN for difference in found):
        click.echo(f"To mend, run: {options.command}")


@main.command()
@_SHARED[0]
@click.option("--check", "is_check", is_flag=True, help="Change nothing; fail if fmt would.")
@click.option("--diff", "is_diff", is_flag=True, help="Change nothing; print what fmt would.")
def fmt(manifest: str | None, is_check: bool, is_diff: bool) -> int:
    """Format the manifest in place; comments and order stay.

    \b
    Example:
      providers-codegen fmt --check --diff
    """
    command = partial(_format, is_check=is_check, is_diff=is_diff)
    return _with_settings(command, manifest=manifest)


def _format(options: Options, *, is_check: bool, is_diff: bool) -> int:
    path = options.manifest
    try:
        found = pipeline.formatted(path)
    except formatting.RefusedError as refused:
        _complain(f"error: {path} cannot be formatted: {report.shown(refused.message)}")
        _complain(f"help: {refused.hint}; nothing was changed")
        return INVALID
    _report(found.source, found.diagnostics)
    if found.text is None:
        return INVALID
    is_dry = is_check or is_diff
    try:
        difference = emit.difference(path, found.text)
        if difference and not is_dry:
            emit.rewrite(path, found.text)
    except OSError as error:
        _complain(f"error: {path} cannot be formatted: {error.strerror or error}; it is as it was")
        return USAGE
    if is_diff:
        click.echo(difference, nl=False)
    if difference and is_dry:
        if is_check:
            click.echo(f"{path}: not formatted; to mend, run fmt without --check")
        return NO
    click.echo(f"{path}: {'formatted' if difference else 'already formatted'}")
    return FINE


def _internal(error: Exception) -> int:
    """Report a fault of ours in one line; the variable brings the traceback back."""
    if os.environ.get("PROVIDERS_CODEGEN_DEBUG"):
        raise error
    _complain(
        f"internal error: {type(error).__name__}: {report.shown(str(error))}",
        "help: please report it, with what PROVIDERS_CODEGEN_DEBUG=1 prints",
    )
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
        return _internal(error)
    return code if isinstance(code, int) else FINE


def run() -> None:
    """Run the command line and exit with one of the documented codes; never a traceback."""
    sys.exit(_outcome())
