"""The click commands: they parse arguments, print, and choose the exit code; no logic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from codegen import __version__, emit, pipeline, report
from codegen.canonical import fingerprint
from codegen.config import ConfigError, resolve
from codegen.ir import Registry
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.rules import BY_CODE, BY_NAME
from codegen.targets import TARGETS

FINE, NO, INVALID, USAGE = 0, 1, 2, 3
# As shells count a death by SIGINT and by SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141

_P = ParamSpec("_P")

_SHARED = (
    click.option("--manifest", metavar="FILE", help="The manifest.  [default: providers.yaml]"),
    click.option(
        "--overlay",
        "overlays",
        metavar="FILE",
        multiple=True,
        help="A manifest that adds to it; may be given several times.",
    ),
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
    def resolved(targets: tuple[str, ...], overlays: tuple[str, ...], **flags: str | None) -> int:
        settings = {name.replace("_", "-"): value for name, value in flags.items()}
        try:
            options = resolve(settings, targets, Path.cwd(), overlays)
        except ConfigError as error:
            _complain(f"error: {report.shown(error.message)}", f"help: {error.hint}")
            return INVALID
        return _quietly(command, options)

    for option in reversed(_SHARED):
        resolved = option(resolved)
    return resolved


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


def _reported(options: Options) -> pipeline.Loaded:
    """Load the manifest and print what was found in it."""
    loaded = pipeline.load(options.manifest, overlays=options.overlays)
    if loaded.diagnostics:
        _complain(report.text(loaded.sources, loaded.diagnostics), "")
        _complain(report.summary(loaded.diagnostics))
    return loaded


def _loaded(options: Options) -> Registry | None:
    return _reported(options).registry


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
    files = ", ".join(str(path) for path in (options.manifest, *options.overlays))
    click.echo(f"{files}: {_counts(registry)}")
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
    trees = pipeline.trees(registry, options)
    try:
        written = emit.write(trees, fingerprint(registry))
    except emit.RefusedError as refused:
        for path in refused.paths:
            _complain(f"error: {path} was not written by providers-codegen")
        _complain("help: move it away or remove it; nothing was written")
        return NO
    except OSError as error:
        reason = error.strerror or str(error)
        _complain(f"error: {options.out} cannot be written: {reason}; the old files are whole")
        return USAGE
    for tree, done in zip(trees, written, strict=True):
        _print_written(tree.out, done)
    return FINE


def _print_written(out: Path, written: emit.Written) -> None:
    for path in written.changed:
        click.echo(f"wrote    {out / path}")
    for path in written.removed:
        click.echo(f"removed  {out / path}")
    for path in written.kept:
        click.echo(f"left     {out / path} (nothing generates it; remove it by hand)")
    changed, same = len(written.changed), len(written.unchanged)
    click.echo(f"{out}: {changed} written, {same} already up to date")


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
    trees = pipeline.trees(registry, options)
    try:
        found = [(tree, emit.drift(tree, fingerprint(registry))) for tree in trees]
    except OSError as error:
        _complain(f"error: {error.filename or options.out} cannot be read: {error.strerror}")
        return USAGE
    differing = [(tree.out, drift) for tree, drift in found if drift]
    for tree, drift in found:
        if not drift:
            click.echo(f"{tree.out}: {len(tree.artifacts)} files, all as generated")
    if not differing:
        return FINE
    for out, drift in differing:
        _print_drift(out, drift)
    _print_remedy(options, [(out, each) for out, drift in differing for each in drift])
    return NO


_DIFF_LINES = 40


def _print_drift(out: Path, found: tuple[emit.Drift, ...]) -> None:
    for difference in found:
        path = out / difference.path
        click.echo(f"{difference.kind.value:<9} {path}: {difference.cause.value}")
        lines = difference.diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            click.echo("  " + line)
        if len(lines) > _DIFF_LINES:
            click.echo(f"  … {len(lines) - _DIFF_LINES} more lines of difference")


def _print_remedy(options: Options, found: list[tuple[Path, emit.Drift]]) -> None:
    click.echo("")
    causes = {difference.cause for _, difference in found}
    for out, difference in found:
        if difference.cause is emit.Cause.FOREIGN:
            click.echo(f"To mend, remove {out / difference.path} by hand.")
    if emit.Cause.HAND in causes:
        click.echo("An edit by hand will be lost: make it in the manifest or the templates.")
    if causes - {emit.Cause.FOREIGN}:
        click.echo(f"To mend, run: {options.command}")


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
@_with_options
def schema(options: Options) -> int:
    """Print the JSON Schema of the manifest, for editors.

    It is printed whatever state the manifest is in, because it is what helps to mend one. It
    offers the names of the providers at hand; where the manifest has errors, they are reported,
    the names that can be read are offered, and the exit code is 2.

    \b
    Example:
      providers-codegen schema > providers.schema.json
    """
    loaded = _reported(options)
    artifact = pipeline.json_schema(loaded.provider_names, options)
    # As bytes, so that a redirection holds what `generate` writes on every system.
    click.echo(artifact.text.encode("utf-8"), nl=False)
    return INVALID if loaded.registry is None else FINE


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
