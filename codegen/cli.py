"""The click commands: they parse arguments, print, and choose the exit code; no logic."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from codegen import __version__, emit, formatting, pipeline, report
from codegen.canonical import fingerprint
from codegen.config import SETTINGS, resolve
from codegen.console import FINE, INTERRUPTED, INVALID, NO, USAGE, Run, complain, internal, quietly
from codegen.diagnostics import Severity
from codegen.ir import Registry
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.pipeline import Loaded
from codegen.report import Failure, Format
from codegen.rules import BY_CODE, BY_NAME
from codegen.targets import TARGETS

_MANIFEST = (
    click.option("--manifest", metavar="FILE", help="The manifest.  [default: providers.yaml]"),
)
_INPUT = (
    *_MANIFEST,
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


_Options = tuple[Callable[[Callable[..., int]], Callable[..., int]], ...]
# What settles the options of a build; all other flags are the command's own.
_OF_OPTIONS = ("targets", "overlays", *(setting.key.replace("-", "_") for setting in SETTINGS))


def _with(*groups: _Options) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command groups of flags: some become options, the others arguments of its own.

    The command is called with the options and a run to speak through.
    """

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def resolved(form: str = Format.TEXT.value, **flags: Any) -> int:
            run = Run(Format(form))
            own = {name: value for name, value in flags.items() if name not in _OF_OPTIONS}
            settled = {name: value for name, value in flags.items() if name in _OF_OPTIONS}
            return quietly(lambda: command(_resolved(run, **settled), run, **own), run)

        flagged: Callable[..., int] = resolved
        for option in reversed([option for group in groups for option in group]):
            flagged = option(flagged)
        return flagged

    return decorated


def _resolved(
    run: Run,
    targets: tuple[str, ...] = (),
    overlays: tuple[str, ...] = (),
    **flags: str | None,
) -> Options:
    settings = {name.replace("_", "-"): value for name, value in flags.items()}
    options = resolve(settings, targets, Path.cwd(), overlays)
    run.fail_on = Severity(options.fail_on)
    return options


def _loaded(options: Options, run: Run) -> Loaded:
    """Load the manifest and show what was found in it."""
    loaded = pipeline.load(options.manifest, overlays=options.overlays)
    run.show(loaded)
    return loaded


def _is_failing(run: Run) -> bool:
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
@_with(_INPUT, _REPORTING)
def check(options: Options, run: Run) -> int:
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
def generate(options: Options, run: Run) -> int:
    """Write the artifacts: all of them, or none.

    \b
    Example:
      providers-codegen generate --target python --target go
    """
    registry = _loaded(options, run).registry
    if registry is None:
        complain("nothing was written")
        return INVALID
    if _is_failing(run):
        complain("nothing was written")
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


def _print_written(out: Path, written: emit.Written, run: Run) -> None:
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
def verify(options: Options, run: Run) -> int:
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


def _print_drift(options: Options, found: _Found, run: Run) -> None:
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


def _print_remedy(options: Options, found: _Found, run: Run) -> None:
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
        complain(f"error: there is no rule {report.shown(code)!r}")
        complain(f"help: {nearest or 'providers-codegen rules lists them'}")
        return USAGE
    click.echo(pipeline.rule_page(rule.code), nl=False)
    return FINE


@main.command()
@_with(_INPUT)
def schema(options: Options, run: Run) -> int:
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


@main.command()
@_with(
    _MANIFEST,
    (
        click.option("--check", is_flag=True, help="Change nothing; fail if fmt would."),
        click.option("--diff", is_flag=True, help="Change nothing; print what fmt would."),
    ),
)
def fmt(options: Options, run: Run, *, check: bool, diff: bool) -> int:
    """Format the manifest in place; comments and order stay.

    \b
    Example:
      providers-codegen fmt --check --diff
    """
    path = options.manifest
    try:
        loaded, text = pipeline.formatted(path)
    except formatting.RefusedError as refused:
        run.fail(
            f"{path} cannot be formatted: {refused.message}",
            hint=f"{refused.hint}; nothing was changed",
        )
        return INVALID
    run.show(loaded)
    if text is None:
        return INVALID
    try:
        difference = emit.difference(path, text)
        if difference and not (check or diff):
            emit.rewrite(path, text)
    except OSError as error:
        run.fail(f"{path} cannot be formatted: {error.strerror or error}; it is as it was")
        return USAGE
    return _formatted(path, difference, run, is_check=check, is_diff=diff)


def _formatted(path: Path, difference: str, run: Run, *, is_check: bool, is_diff: bool) -> int:
    """Say what fmt did, or would do."""
    if is_diff:
        click.echo(difference, nl=False)
    if difference and (is_check or is_diff):
        if is_check:
            run.say(f"{path}: not formatted; to mend, run fmt without --check")
        return NO
    run.say(f"{path}: {'formatted' if difference else 'already formatted'}")
    return FINE


def _outcome() -> int:
    try:
        code = main.main(prog_name="providers-codegen", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        return INTERRUPTED
    except Exception as error:
        return internal(error, Run(Format.TEXT))
    return code if isinstance(code, int) else FINE


def run() -> None:
    """Run the command line and exit with one of the documented codes; never a traceback."""
    sys.exit(_outcome())
